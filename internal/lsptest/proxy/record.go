package main

import (
	"bytes"
	"encoding/json"
	"os"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/ckpt-lsp/ckpt-lsp/internal/lsptest"
)

// recorder writes the log, a line a record. Several proxies may append to one file.
type recorder struct {
	mu   sync.Mutex
	file *os.File
	err  error
}

func newRecorder(path string) (*recorder, error) {
	if path == "" {
		return nil, errNoLog
	}
	file, err := os.OpenFile(path, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	return &recorder{file: file}, err
}

func (r *recorder) write(record lsptest.Record) {
	r.mu.Lock()
	defer r.mu.Unlock()
	record.Session, record.Time = os.Getpid(), time.Now()
	line, err := json.Marshal(record)
	if err == nil {
		_, err = r.file.Write(append(line, '\n'))
	}
	if err != nil && r.err == nil {
		r.err = err
	}
}

// failed is the first error of writing the log.
func (r *recorder) failed() error {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.err
}

func (r *recorder) side(from lsptest.Side) *tap { return &tap{recorder: r, from: from} }

// tap finds the messages in the bytes of one side.
type tap struct {
	recorder *recorder
	from     lsptest.Side
	rest     []byte // of an unfinished frame
	lost     bool   // a header was wrong: what follows belongs to no frame
}

// bytes takes what has arrived.
func (t *tap) bytes(b []byte) {
	if t.lost {
		return
	}
	t.rest = append(t.rest, b...)
	for {
		head, after, whole := bytes.Cut(t.rest, []byte("\r\n\r\n"))
		if !whole {
			return
		}
		length, ok := contentLength(string(head))
		if !ok {
			t.lost = true
			t.broken(head, "the header has no usable Content-Length; what follows was not read")
			return
		}
		if len(after) < length {
			return
		}
		body := bytes.Clone(after[:length])
		t.rest = after[length:]
		if !json.Valid(body) {
			t.broken(body, "the message is not JSON")
			continue
		}
		t.recorder.write(lsptest.Record{From: t.from, Message: body})
	}
}

func (t *tap) broken(b []byte, why string) {
	t.recorder.write(lsptest.Record{From: t.from, Broken: append([]byte{}, b...), Why: why})
}

// closed notes the end of a side.
func (t *tap) closed() {
	if len(t.rest) > 0 && !t.lost {
		t.broken(t.rest, "the last message is not whole")
	}
	t.recorder.write(lsptest.Record{From: t.from, Closed: true})
}

// contentLength is the number of bytes that a header announces. A header has that field and may have Content-Type.
func contentLength(head string) (length int, ok bool) {
	for line := range strings.SplitSeq(head, "\r\n") {
		name, value, isField := strings.Cut(line, ":")
		switch {
		case isField && strings.EqualFold(name, "Content-Length"):
			n, err := strconv.ParseUint(strings.TrimSpace(value), 10, 31)
			if err != nil {
				return 0, false
			}
			length, ok = int(n), true
		case isField && strings.EqualFold(name, "Content-Type"):
		default:
			return 0, false
		}
	}
	return length, ok
}
