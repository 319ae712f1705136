//go:build unix

package prove

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
)

// Zygote starts scripts out of a Python that has imported torch already. The proof suite uses it: importing torch takes longer than most
// of its programs. It shares between runs what a new process would not, the order of sets of strings, so it proves no repeat.
type Zygote struct {
	command *exec.Cmd
	dir     string

	mu      sync.Mutex
	in      io.WriteCloser
	next    int
	started map[int]chan int
	ended   map[int]chan error
	err     error
}

// zygoteAnswer is a line that the zygote writes.
type zygoteAnswer struct {
	Ready  string `json:"ready"`
	ID     int    `json:"id"`
	Pid    int    `json:"pid"`
	Status int    `json:"status"`
	Ended  bool   `json:"ended"`
}

// NewZygote starts one, and waits until torch is imported.
func NewZygote(python string) (*Zygote, error) {
	dir, err := os.MkdirTemp("", "ckpt-lsp-zygote-")
	if err != nil {
		return nil, err
	}
	z := &Zygote{dir: dir, started: map[int]chan int{}, ended: map[int]chan error{}}
	if err := writeShim(filepath.Join(dir, "shim")); err != nil {
		return nil, err
	}
	// -P would do, but is of Python 3.11: the shim must not be on the path before a script's environment names it.
	c := exec.Command(python, "-c", `import runpy, sys; sys.path.pop(0); runpy.run_path(sys.argv[1], run_name="__main__")`, filepath.Join(dir, "shim", "ckpt_prove_zygote.py"))
	// Its children are told by this variable, which they inherit as the system sees it.
	c.Env = append(os.Environ(), settingsVariable+"=", "PYTHONDONTWRITEBYTECODE=1")
	c.Stderr = os.Stderr
	ownGroup(c)
	if z.in, err = c.StdinPipe(); err != nil {
		return nil, err
	}
	out, err := c.StdoutPipe()
	if err != nil {
		return nil, err
	}
	z.command = c
	if err := c.Start(); err != nil {
		return nil, err
	}
	answers := bufio.NewReader(out)
	for { // libraries may print something first
		line, err := answers.ReadBytes('\n')
		if err != nil {
			return nil, errors.Join(err, z.Close())
		}
		var a zygoteAnswer
		if json.Unmarshal(line, &a) == nil && a.Ready != "" {
			break
		}
	}
	go z.listen(answers)
	return z, nil
}

// Close ends the zygote; what it has started runs on.
func (z *Zygote) Close() error {
	z.in.Close()
	err := z.command.Wait()
	return errors.Join(err, os.RemoveAll(z.dir))
}

func (z *Zygote) listen(answers *bufio.Reader) {
	for {
		line, err := answers.ReadBytes('\n')
		z.mu.Lock()
		if err != nil {
			z.err = fmt.Errorf("the process that starts scripts has ended: %w", err)
			for _, c := range z.ended {
				c <- z.err
			}
			for _, c := range z.started {
				close(c)
			}
			z.mu.Unlock()
			return
		}
		var a zygoteAnswer
		switch err := json.Unmarshal(line, &a); {
		case err != nil:
		case a.Ended:
			var failed error
			if a.Status != 0 {
				failed = &exitStatus{a.Status}
			}
			z.ended[a.ID] <- failed
			delete(z.ended, a.ID)
		default:
			z.started[a.ID] <- a.Pid
			delete(z.started, a.ID)
		}
		z.mu.Unlock()
	}
}

// fork is a script that a zygote has started.
type fork struct {
	pid   int
	ended chan error
}

func (f *fork) wait() error             { return <-f.ended }
func (f *fork) signal(s syscall.Signal) { _ = syscall.Kill(-f.pid, s) }

// Run runs a script that nobody watches, to its end, and gives its exit status: of one that a signal has killed, that is 128 and the
// signal. env is its whole environment; the output is appended to the file of that name. A script that the context ends is killed
// with all that it started.
func (z *Zygote) Run(ctx context.Context, argv, env []string, dir, output string) (status int, err error) {
	f, err := z.fork(argv, env, dir, output, false)
	if err != nil {
		return 0, err
	}
	stop := context.AfterFunc(ctx, func() { f.signal(syscall.SIGKILL) })
	defer stop()
	err = f.wait()
	f.signal(syscall.SIGKILL) // what it has left behind
	var failed *exitStatus
	switch {
	case errors.As(err, &failed) && failed.status < 0:
		return 128 - failed.status, nil
	case errors.As(err, &failed):
		return failed.status, nil
	}
	return 0, err
}

// exitStatus is that of a script that failed; below 0 it is a signal.
type exitStatus struct{ status int }

func (e *exitStatus) Error() string { return fmt.Sprintf("exit status %d", e.status) }

// start runs a script that the shim watches. The output is appended to a file.
func (z *Zygote) start(argv, env []string, dir, output string) (child, error) {
	f, err := z.fork(argv, env, dir, output, true)
	if err != nil {
		return nil, err
	}
	return f, nil
}

func (z *Zygote) fork(argv, env []string, dir, output string, watched bool) (*fork, error) {
	variables := map[string]string{}
	for _, v := range env {
		name, value, _ := strings.Cut(v, "=")
		variables[name] = value
	}
	z.mu.Lock()
	if z.err != nil {
		z.mu.Unlock()
		return nil, z.err
	}
	z.next++
	started, f := make(chan int, 1), &fork{ended: make(chan error, 1)}
	z.started[z.next], z.ended[z.next] = started, f.ended
	request, err := json.Marshal(map[string]any{"id": z.next, "argv": argv, "env": variables, "dir": dir, "output": output, "watched": watched})
	if err == nil {
		_, err = z.in.Write(append(request, '\n'))
	}
	z.mu.Unlock()
	if err != nil {
		return nil, err
	}
	pid, ok := <-started
	if !ok {
		return nil, z.err
	}
	f.pid = pid
	return f, nil
}
