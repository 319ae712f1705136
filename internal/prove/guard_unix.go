//go:build unix

package prove

import (
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"runtime"
	"sync"
	"syscall"
	"time"
)

// lifeline is the file descriptor of a guard whose other end prove holds: it ends with prove, however that ends.
const lifeline = 3

// run runs the command, and gives its exit status; that of one that a signal has killed is 128 and the signal. Nothing that was started
// lives on.
func (o order) run() int {
	runtime.LockOSThread() // the command is told of the end of the thread that starts it
	line := os.NewFile(lifeline, "lifeline")
	syscall.CloseOnExec(lifeline)
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM, syscall.SIGHUP)
	adopt()
	if err := restrict(o.Write); err != nil {
		fmt.Fprintln(os.Stderr, "ckpt-lsp: the run cannot be held to its copy:", err)
		return notStarted
	}
	c := exec.Command(o.Command[0], o.Command[1:]...)
	c.Stdin, c.Stdout, c.Stderr = os.Stdin, os.Stdout, os.Stderr
	c.SysProcAttr = dyingWithUs()
	c.SysProcAttr.Setpgid = true
	if err := c.Start(); err != nil {
		fmt.Fprintln(os.Stderr, "ckpt-lsp:", err)
		return notStarted
	}
	go func() {
		for s := range signals { // what they mean the command decides
			_ = syscall.Kill(-c.Process.Pid, s.(syscall.Signal))
		}
	}()
	go func() {
		_, _ = io.Copy(io.Discard, line)
		endAll(c.Process.Pid)
		os.Exit(exitSignal + int(syscall.SIGKILL))
	}()
	err := c.Wait()
	endAll(c.Process.Pid)
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		if status, ok := exit.Sys().(syscall.WaitStatus); ok && status.Signaled() {
			return exitSignal + int(status.Signal())
		}
		return exit.ExitCode()
	}
	return 0
}

// exitSignal is added to the number of a signal in an exit status.
const exitSignal = 128

// program is a child started as a program, under a guard.
type program struct {
	*exec.Cmd
	theirs, ours *os.File // the ends of the lifeline
	ended        chan struct{}
	end          sync.Once // closes it: a program may be waited for again
}

// newProgram is a program that may write to directories; start starts it.
func newProgram(o order) (*program, error) {
	c, err := o.command()
	if err != nil {
		return nil, err
	}
	theirs, ours, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	c.ExtraFiles = []*os.File{theirs}
	ownGroup(c)
	return &program{Cmd: c, theirs: theirs, ours: ours, ended: make(chan struct{})}, nil
}

func (p *program) start() error {
	err := p.Start()
	p.theirs.Close()
	if err != nil {
		p.ours.Close()
	}
	return err
}

func (p *program) wait() error {
	err := p.Wait()
	p.end.Do(func() { close(p.ended) })
	p.ours.Close()
	var exit *exec.ExitError
	if errors.As(err, &exit) && exit.ExitCode() > exitSignal {
		return fmt.Errorf("signal: %s", syscall.Signal(exit.ExitCode()-exitSignal))
	}
	return err
}

// signal passes a signal on. One that kills has the guard end everything, those that left the group among them.
func (p *program) signal(s syscall.Signal) {
	select {
	case <-p.ended:
		return // its number may be another's by now
	default:
	}
	if s != syscall.SIGKILL {
		signalGroup(p.Cmd, s)
		return
	}
	p.ours.Close()
	go func() {
		select {
		case <-p.ended:
		case <-time.After(grace):
			signalGroup(p.Cmd, s)
		}
	}()
}
