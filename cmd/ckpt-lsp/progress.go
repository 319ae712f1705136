package main

import (
	"fmt"
	"io"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/term"
)

// Progress is shown every tick from the tenth on: who waits less than a second needs none.
const (
	progressTick   = 100 * time.Millisecond
	progressSilent = 10
)

// progress shows how many files are done, in one line of a terminal that the next replaces.
type progress struct {
	out   io.Writer
	total int
	done  atomic.Int64

	end     chan struct{}
	running sync.WaitGroup
}

// newProgress shows the progress over so many files until it is stopped, where out is a terminal, unless it is to be quiet.
func newProgress(out io.Writer, total int, quiet bool) *progress {
	p := &progress{out: out, total: total, end: make(chan struct{})}
	if file, ok := out.(*os.File); ok && !quiet && term.IsTerminal(int(file.Fd())) {
		ticker := time.NewTicker(progressTick)
		p.running.Go(func() {
			defer ticker.Stop()
			p.show(ticker.C)
		})
	}
	return p
}

// show draws the line with the ticks, and takes it away at the end.
func (p *progress) show(ticks <-chan time.Time) {
	for seen := 1; ; seen++ {
		select {
		case <-ticks:
			if seen >= progressSilent { // fixes are tried out in rounds, and files looked at again
				fmt.Fprintf(p.out, "\r\x1b[KChecked %d of %d files", min(int(p.done.Load()), p.total), p.total)
			}
		case <-p.end:
			if seen > progressSilent {
				fmt.Fprint(p.out, "\r\x1b[K")
			}
			return
		}
	}
}

// step counts a file that is done.
func (p *progress) step() { p.done.Add(1) }

// stop ends the line.
func (p *progress) stop() {
	close(p.end)
	p.running.Wait()
}
