package main

import (
	"archive/tar"
	"archive/zip"
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// entry is a file in a package.
type entry struct {
	name string
	data []byte
	exec bool
}

func (e entry) mode() os.FileMode {
	if e.exec {
		return 0o755
	}
	return 0o644
}

// write makes a package of entries; the name says whether it is a zip or a compressed tar. The same entries make the same bytes.
func (r *release) write(name string, entries []entry) error {
	var out bytes.Buffer
	var err error
	if strings.HasSuffix(name, "gz") {
		err = writeTar(&out, r.date, entries)
	} else {
		err = writeZip(&out, r.date, entries)
	}
	if err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	return os.WriteFile(filepath.Join(r.out, name), out.Bytes(), 0o644)
}

func writeTar(out io.Writer, date time.Time, entries []entry) error {
	zipped, err := gzip.NewWriterLevel(out, gzip.BestCompression)
	if err != nil {
		return err
	}
	w := tar.NewWriter(zipped)
	for _, e := range entries {
		header := &tar.Header{Name: e.name, Mode: int64(e.mode()), Size: int64(len(e.data)), ModTime: date, Format: tar.FormatUSTAR}
		if err := w.WriteHeader(header); err != nil {
			return err
		}
		if _, err := w.Write(e.data); err != nil {
			return err
		}
	}
	return errors.Join(w.Close(), zipped.Close())
}

func writeZip(out io.Writer, date time.Time, entries []entry) error {
	w := zip.NewWriter(out)
	for _, e := range entries {
		header := &zip.FileHeader{Name: e.name, Method: zip.Deflate, Modified: date}
		header.SetMode(e.mode())
		f, err := w.CreateHeader(header)
		if err != nil {
			return err
		}
		if _, err := f.Write(e.data); err != nil {
			return err
		}
	}
	return w.Close()
}

// read gives the entries of a package.
func (r *release) read(name string) (out []entry, err error) {
	data, err := os.ReadFile(filepath.Join(r.out, name))
	if err != nil {
		return nil, err
	}
	if !strings.HasSuffix(name, "gz") {
		return readZip(data)
	}
	zipped, err := gzip.NewReader(bytes.NewReader(data))
	if err != nil {
		return nil, err
	}
	files := tar.NewReader(zipped)
	for {
		header, err := files.Next()
		if err == io.EOF {
			return out, nil
		}
		if err != nil {
			return nil, err
		}
		data, err := io.ReadAll(files)
		if err != nil {
			return nil, err
		}
		out = append(out, entry{header.Name, data, header.FileInfo().Mode()&0o111 != 0})
	}
}

func readZip(data []byte) (out []entry, err error) {
	files, err := zip.NewReader(bytes.NewReader(data), int64(len(data)))
	if err != nil {
		return nil, err
	}
	for _, f := range files.File {
		content, err := f.Open()
		if err != nil {
			return nil, err
		}
		data, err := io.ReadAll(content)
		if err := errors.Join(err, content.Close()); err != nil {
			return nil, err
		}
		out = append(out, entry{f.Name, data, f.Mode()&0o111 != 0})
	}
	return out, nil
}

func sha256Hex(data []byte) string {
	sum := sha256.Sum256(data)
	return hex.EncodeToString(sum[:])
}

// recordHash is a file's hash as the RECORD of a wheel has it.
func recordHash(data []byte) string {
	sum := sha256.Sum256(data)
	return "sha256=" + base64.RawURLEncoding.EncodeToString(sum[:])
}
