package main

import (
	"fmt"
	"io"
	"os"
	"sync"
	"time"

	"golang.org/x/term"

	"github.com/ckpt-lsp/ckpt-lsp/internal/prove"
	"github.com/ckpt-lsp/ckpt-lsp/internal/report"
)

// progressKinds are the values of --progress.
var progressKinds = []string{"auto", "line", "plain", "none"}

const (
	proofTick = 250 * time.Millisecond
	proofLine = 30 * time.Second // between the lines of a log about one run
)

// proofProgress says what a proof does and how long that takes: in one line that the next replaces, or in lines of a log.
type proofProgress struct {
	out   io.Writer
	plain bool
	begun time.Time

	lock   sync.Mutex
	now    prove.Status
	logged time.Time // when the last line of a log was written

	end     chan struct{}
	running sync.WaitGroup
}

// show begins to say what the proof does, in the way that was asked for: by itself in a line of a terminal, in a log's lines where
// standard error is none, and not at all beside JSON, which may be read from both streams together.
func (p *prover) show() *proofProgress {
	x := &proofProgress{out: raw(p.err), begun: time.Now(), end: make(chan struct{})}
	kind := p.progress
	if kind == "auto" {
		kind = "plain"
		if file, ok := x.out.(*os.File); ok && term.IsTerminal(int(file.Fd())) {
			kind = "line"
		} else if p.format == "json" {
			kind = "none"
		}
	}
	if kind == "none" {
		return x
	}
	x.plain = kind == "plain"
	p.options.Progress = x.tell
	ticks := time.NewTicker(proofTick)
	x.running.Go(func() {
		defer ticks.Stop()
		for {
			select {
			case now := <-ticks.C:
				x.draw(now)
			case <-x.end:
				if !x.plain {
					fmt.Fprint(x.out, "\r\x1b[K")
				}
				return
			}
		}
	})
	return x
}

// tell takes in what is going on. A log gets a line when something else begins.
func (x *proofProgress) tell(s prove.Status) {
	x.lock.Lock()
	other := s.Doing != x.now.Doing
	x.now = s
	x.lock.Unlock()
	if other && x.plain {
		x.log(time.Now())
	}
}

func (x *proofProgress) draw(now time.Time) {
	x.lock.Lock()
	due := now.Sub(x.logged) >= proofLine
	line := x.line(now)
	x.lock.Unlock()
	switch {
	case !x.plain:
		fmt.Fprintf(x.out, "\r\x1b[K%s", line)
	case due && line != "":
		x.log(now)
	}
}

func (x *proofProgress) log(now time.Time) {
	x.lock.Lock()
	defer x.lock.Unlock()
	x.logged = now
	fmt.Fprintln(x.out, x.line(now))
}

// line is what is being done, with the time since the proof began.
func (x *proofProgress) line(now time.Time) string {
	if x.now.Doing == "" {
		return ""
	}
	took := now.Sub(x.begun).Round(time.Second)
	line := fmt.Sprintf("%d:%02d %s", int(took.Minutes()), int(took.Seconds())%60, x.now.Doing)
	if x.now.Step > 0 {
		line += fmt.Sprintf(": step %d, %s", x.now.Step, report.Count(x.now.Checkpoints, "checkpoint"))
	}
	return line
}

// stop ends the line.
func (x *proofProgress) stop() {
	close(x.end)
	x.running.Wait()
}
