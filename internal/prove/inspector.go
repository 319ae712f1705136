package prove

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"syscall"
)

// inspected is what loading a file says: "" where it loads.
type inspected struct {
	Path        string `json:"path"`
	WeightsOnly string `json:"weights_only"`
	Any         string `json:"any"`
}

// inspector is a Python process that loads files, one after the other.
type inspector struct {
	command *program
	stop    func() bool
	ask     io.WriteCloser
	answers *bufio.Reader
	printed strings.Builder
}

func (s *session) newInspector(ctx context.Context) (*inspector, error) {
	o := order{Write: []string{s.temporary}, Command: []string{s.python, filepath.Join(s.work, "shim", "ckpt_prove_inspect.py")}}
	c, err := newProgram(o)
	if err != nil {
		return nil, err
	}
	allowed, err := o.environment()
	if err != nil {
		return nil, err
	}
	c.Dir = s.work
	// Whole models need the classes of the script.
	path := []string{filepath.Join(s.work, "shim"), s.root, os.Getenv("PYTHONPATH")}
	c.Env = append(os.Environ(), allowed, "PYTHONPATH="+strings.Join(path, string(os.PathListSeparator)), "PYTHONDONTWRITEBYTECODE=1")
	i := &inspector{command: c}
	c.Stderr = &i.printed
	if i.ask, err = c.StdinPipe(); err != nil {
		return nil, err
	}
	answers, err := c.StdoutPipe()
	if err != nil {
		return nil, err
	}
	i.answers = bufio.NewReader(answers)
	i.stop = context.AfterFunc(ctx, func() { c.signal(syscall.SIGKILL) })
	return i, c.start()
}

// at loads files, named from a directory, in their order. Those that are not there are left out.
func (i *inspector) at(dir string, paths []string) ([]inspected, error) {
	var out []inspected
	for _, path := range paths {
		if !filepath.IsAbs(path) {
			path = filepath.Join(dir, path)
		}
		if info, err := os.Stat(path); err != nil || !info.Mode().IsRegular() {
			continue
		}
		if _, err := fmt.Fprintln(i.ask, path); err != nil {
			return nil, i.failed(err)
		}
		for {
			line, err := i.answers.ReadBytes('\n')
			if err != nil {
				return nil, i.failed(err)
			}
			var found inspected
			if json.Unmarshal(line, &found) == nil && found.Path == path {
				out = append(out, found)
				break
			} // else it is what the script's own modules print when they are imported
		}
	}
	return out, nil
}

func (i *inspector) failed(err error) error {
	_ = i.command.wait()
	return fmt.Errorf("loading the checkpoints that a kill left: %w\n%s", err, i.printed.String())
}

func (i *inspector) close() {
	i.stop()
	i.ask.Close()
	_ = i.command.wait()
}
