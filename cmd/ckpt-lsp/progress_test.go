package main

import (
	"bytes"
	"testing"
	"time"
)

// TestProgress holds that nothing is shown before a second has passed, that no more than all files are done, and that the line is gone
// at the end.
func TestProgress(t *testing.T) {
	const two, three, gone = "\r\x1b[KChecked 2 of 3 files", "\r\x1b[KChecked 3 of 3 files", "\r\x1b[K"
	for _, c := range []struct {
		done, ticks int
		want        string
	}{
		{2, 0, ""},
		{2, progressSilent - 1, ""},
		{2, progressSilent, two + gone},
		{2, progressSilent + 1, two + two + gone},
		{5, progressSilent, three + gone},
	} {
		var out bytes.Buffer
		p := newProgress(&out, 3, false)
		for range c.done {
			p.step()
		}
		clock := make(chan time.Time)
		p.running.Go(func() { p.show(clock) })
		for range c.ticks {
			clock <- time.Time{}
		}
		p.stop()
		if got := out.String(); got != c.want {
			t.Errorf("%d files done, %d ticks: %q, want %q", c.done, c.ticks, got, c.want)
		}
	}
}
