package proof

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/ckpt-lsp/ckpt-lsp/internal/prove"
)

// runLimit is how long one command may take. A run that hangs is ended then.
const runLimit = 120 * time.Second

// interpreter is the Python that programs run with.
func interpreter() string {
	if python := os.Getenv("CKPT_PROOF_PYTHON"); python != "" {
		return python
	}
	return "/usr/bin/python3"
}

// environment is what every process is given besides ours. Debian's torch has no libuv for rendezvous, and a library that it links
// complains on the standard output where it has no /proc.
var environment = []string{"OMP_NUM_THREADS=1", "PYTHONDONTWRITEBYTECODE=1", "USE_LIBUV=0", "UCX_LOG_LEVEL=fatal"}

var ranked = regexp.MustCompile(`^(\d+):(.*)$`)

// run runs a property's commands one after the other in a directory that holds the files, up to the first that fails. Its answer
// is what they print, that of one rank behind that of another, and the exit status of the last that ran.
func run(ctx context.Context, p *Program, files map[string]string, property *Property) (string, error) {
	dir, err := os.MkdirTemp("", "proof-run-")
	if err != nil {
		return "", err
	}
	defer os.RemoveAll(dir)
	if err := write(dir, files); err != nil {
		return "", err
	}
	var out strings.Builder
	status := 0
	for _, command := range commands(p, property) {
		ranks := 0
		if m := ranked.FindStringSubmatch(command[0]); m != nil {
			ranks, _ = strconv.Atoi(m[1])
			command = append([]string{m[2]}, command[1:]...)
		}
		said, s, err := launch(ctx, dir, command, ranks)
		if err != nil {
			return "", err
		}
		out.WriteString(said)
		if status = s; status != 0 {
			break
		}
	}
	fmt.Fprintf(&out, "exit status %d\n", status)
	return out.String(), nil
}

// commands are those of a property, or else the program's script.
func commands(p *Program, property *Property) [][]string {
	if len(property.Commands) > 0 {
		return property.Commands
	}
	script := p.script()
	if p.Ranks > 0 {
		script[0] = fmt.Sprintf("%d:%s", p.Ranks, script[0])
	}
	return [][]string{script}
}

// script is what a program's own script and its arguments are.
func (p *Program) script() []string {
	if len(p.Script) > 0 {
		return slices.Clone(p.Script)
	}
	return []string{"train.py", "--epochs", "4"}
}

// launch runs a script, on that many ranks of a process group where ranks is not 0. A rank that fails does not end the others: they
// run on until they end by themselves, or the limit ends them.
func launch(ctx context.Context, dir string, command []string, ranks int) (string, int, error) {
	ctx, cancel := context.WithTimeout(ctx, runLimit)
	defer cancel()
	port, err := prove.FreePort()
	if err != nil {
		return "", 0, err
	}
	processes := max(1, ranks)
	said, statuses, failed := make([][]byte, processes), make([]int, processes), make([]error, processes)
	var running sync.WaitGroup
	for rank := range processes {
		env := append(os.Environ(), environment...)
		if ranks > 0 {
			env = append(env, prove.RankEnvironment(rank, ranks, port)...)
		}
		running.Go(func() {
			if zygote != nil && strings.HasSuffix(command[0], ".py") {
				said[rank], statuses[rank], failed[rank] = forked(ctx, dir, command, env)
			} else {
				said[rank], statuses[rank], failed[rank] = started(ctx, dir, command, env)
			}
		})
	}
	running.Wait()
	if err := errors.Join(failed...); err != nil {
		return "", 0, err
	}
	var out strings.Builder
	status := 0
	for rank := range processes {
		out.Write(said[rank])
		if status == 0 {
			status = statuses[rank]
		}
	}
	if ctx.Err() != nil {
		out.WriteString("timed out\n")
	}
	return out.String(), status, nil
}

// started runs a script in a Python of its own.
func started(ctx context.Context, dir string, command, env []string) ([]byte, int, error) {
	var said bytes.Buffer
	cmd := exec.CommandContext(ctx, interpreter(), command...)
	cmd.Dir, cmd.Env, cmd.Stdout, cmd.Stderr = dir, env, &said, &said
	// What a script starts, such as loader workers, ends with it.
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
	cmd.WaitDelay = time.Second
	status, err := statusOf(cmd.Run())
	return said.Bytes(), status, err
}

// forked runs a script out of the zygote.
func forked(ctx context.Context, dir string, command, env []string) ([]byte, int, error) {
	output, err := os.CreateTemp("", "proof-output-")
	if err != nil {
		return nil, 0, err
	}
	defer os.Remove(output.Name())
	defer output.Close()
	status, err := zygote.Run(ctx, command, env, dir, output.Name())
	if err != nil {
		return nil, 0, err
	}
	said, err := os.ReadFile(output.Name())
	return said, status, err
}

// statusOf is the exit status of a process that ran; that of one killed by a signal is 128 and the signal, as a shell has it.
func statusOf(err error) (int, error) {
	var exit *exec.ExitError
	switch {
	case err == nil:
		return 0, nil
	case errors.As(err, &exit):
		if w, ok := exit.Sys().(syscall.WaitStatus); ok && w.Signaled() {
			return 128 + int(w.Signal()), nil
		}
		return exit.ExitCode(), nil
	case errors.Is(err, exec.ErrWaitDelay):
		return 1, nil
	}
	return 0, err
}
