package prove

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"
)

// grace is how long a process may take to end after a signal that was passed on, before it is killed.
const grace = 5 * time.Second

// hurry is closed when a run that was told to end is to be killed at once.
var (
	hurry     = make(chan struct{})
	hurryOnce sync.Once
)

// Hurry kills runs that were told to end and have not yet. It is called on a second signal.
func Hurry() { hurryOnce.Do(func() { close(hurry) }) }

// Interrupted is the cause of a context that a signal has cancelled; the signal is passed on to the run.
type Interrupted struct{ Signal syscall.Signal }

func (i Interrupted) Error() string { return "interrupted by " + i.Signal.String() }

// child is a process that we started, at the head of a group of its own.
type child interface {
	wait() error
	signal(syscall.Signal)
}

// processes are those of one run.
type processes struct {
	pids     string // the directory in which the shim leaves the numbers of its processes
	children []child
}

// launch says what a run starts: the command in a directory, its environment, the number of ranks, 0 for a process without a group, and
// where its output goes.
type launch struct {
	command, env []string
	write        []string // the directories that it may write to
	dir, pids    string
	ranks        int
	output       *os.File
	zygote       *Zygote // nil starts programs
}

// start runs a command as one process, or as several ranks of a group on this machine.
func (l launch) start() (*processes, error) {
	p := &processes{pids: l.pids}
	port := 0
	if l.ranks > 0 {
		var err error
		if port, err = FreePort(); err != nil {
			return nil, err
		}
	}
	for rank := range max(l.ranks, 1) {
		env := l.env
		if l.ranks > 0 {
			env = append(env[:len(env):len(env)], RankEnvironment(rank, l.ranks, port)...)
		}
		c, err := l.child(env)
		if err != nil {
			p.kill()
			return nil, err
		}
		p.children = append(p.children, c)
	}
	return p, nil
}

func (l launch) child(env []string) (child, error) {
	if l.zygote != nil && script(l.command) == 1 {
		return l.zygote.start(l.command[1:], env, l.dir, l.output.Name())
	}
	p, err := newProgram(order{Write: l.write, Command: l.command})
	if err != nil {
		return nil, err
	}
	p.Dir, p.Env, p.Stdout, p.Stderr = l.dir, env, l.output, l.output
	return p, p.start()
}

// RankEnvironment is what torchrun would set for one of several processes on this machine, which meet at a port.
func RankEnvironment(rank, ranks, port int) []string {
	return []string{
		fmt.Sprintf("RANK=%d", rank), fmt.Sprintf("LOCAL_RANK=%d", rank), fmt.Sprintf("WORLD_SIZE=%d", ranks), fmt.Sprintf("LOCAL_WORLD_SIZE=%d", ranks),
		"GROUP_RANK=0", "TORCHELASTIC_RUN_ID=prove", "MASTER_ADDR=127.0.0.1", fmt.Sprintf("MASTER_PORT=%d", port),
		"USE_LIBUV=" + cmp.Or(os.Getenv("USE_LIBUV"), "0"), // which some builds of PyTorch lack
	}
}

// FreePort is a port of this machine for a process group to meet at.
func FreePort() (int, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return 0, err
	}
	defer l.Close()
	return l.Addr().(*net.TCPAddr).Port, nil
}

// wait waits for all processes, and leaves none. The first one that fails takes the others with it, as torchrun does.
func (p *processes) wait(ctx context.Context, timeout time.Duration) error {
	if timeout > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeoutCause(ctx, timeout, fmt.Errorf("it took longer than %s", timeout))
		defer cancel()
	}
	var once sync.Once
	var first error
	done := make(chan struct{})
	go func() {
		defer close(done)
		var all sync.WaitGroup
		for _, c := range p.children {
			all.Go(func() {
				if err := c.wait(); err != nil {
					once.Do(func() {
						first = err
						if len(p.children) > 1 {
							p.kill()
						}
					})
				}
			})
		}
		all.Wait()
	}()
	defer p.kill() // what the run has left behind
	select {
	case <-done:
		return first
	case <-ctx.Done():
	}
	var i Interrupted
	if errors.As(context.Cause(ctx), &i) {
		p.signal(i.Signal)
		select {
		case <-done:
		case <-time.After(grace):
		case <-hurry:
		}
	}
	p.kill()
	<-done
	return context.Cause(ctx)
}

// kill ends every process that the run has started.
func (p *processes) kill() { p.signal(syscall.SIGKILL) }

func (p *processes) signal(s syscall.Signal) {
	for _, c := range p.children {
		c.signal(s)
	}
	if s != syscall.SIGKILL {
		return
	}
	// Those that have left the group: launchers start their workers in sessions of their own.
	entries, err := os.ReadDir(p.pids)
	if err != nil {
		return
	}
	for _, e := range entries {
		if pid, err := strconv.Atoi(e.Name()); err == nil {
			if other, err := os.FindProcess(pid); err == nil && watched(pid) {
				_ = other.Kill()
			}
		}
	}
}

// mostPrinted is how many bytes of what a script printed are looked at.
const mostPrinted = 64 << 10

// tail is the end of a file of text, at most so many lines.
func tail(path string, lines int) string {
	f, err := os.Open(path)
	if err != nil {
		return ""
	}
	defer f.Close()
	if info, err := f.Stat(); err == nil && info.Size() > mostPrinted {
		_, _ = f.Seek(-mostPrinted, io.SeekEnd)
	}
	data, err := io.ReadAll(io.LimitReader(f, mostPrinted))
	if err != nil {
		return ""
	}
	all := strings.Split(strings.TrimRight(string(data), "\n"), "\n")
	return strings.Join(all[max(0, len(all)-lines):], "\n")
}

// readFrom reads the whole lines of a file behind an offset.
func readFrom(name string, offset int64) (string, error) {
	f, err := os.Open(name)
	if err != nil {
		return "", err
	}
	defer f.Close()
	data, err := io.ReadAll(io.NewSectionReader(f, offset, math.MaxInt64-offset))
	return string(data[:bytes.LastIndexByte(data, '\n')+1]), err
}

// follow tells how far a run has come, until the context ends.
func follow(ctx context.Context, dir, doing string, tell func(Status)) {
	if tell == nil {
		return
	}
	tell(Status{Doing: doing})
	type progress struct {
		Status
		offset int64
	}
	read := map[string]progress{}
	tick := time.NewTicker(250 * time.Millisecond)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		names, _ := filepath.Glob(filepath.Join(dir, "events-0-*.jsonl"))
		for _, name := range names {
			now := read[name]
			now.Doing = doing
			if data, err := readFrom(name, now.offset); err == nil {
				now.offset += int64(len(data))
				now.Step += strings.Count(data, `{"kind":"step"`)
				now.Checkpoints += strings.Count(data, `{"kind":"saved"`)
			}
			read[name] = now
			tell(now.Status)
		}
	}
}
