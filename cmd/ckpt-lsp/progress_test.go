package main

import (
	"bytes"
	"testing"
	"time"
)

// TestProgress holds that nothing is shown before a second has passed, and that the line is gone at the end.
func TestProgress(t *testing.T) {
	const line = "\r\x1b[KChecked 2 of 3 files"
	for ticks, want := range map[int]string{0: "", progressSilent - 1: "", progressSilent: line + "\r\x1b[K", progressSilent + 1: line + line + "\r\x1b[K"} {
		var out bytes.Buffer
		p := newProgress(&out, 3, false)
		p.step()
		p.step()
		clock := make(chan time.Time)
		p.running.Go(func() { p.show(clock) })
		for range ticks {
			clock <- time.Time{}
		}
		p.stop()
		if got := out.String(); got != want {
			t.Errorf("%d ticks show %q, want %q", ticks, got, want)
		}
	}
	var out bytes.Buffer
	p := newProgress(&out, 3, false)
	for range 5 {
		p.step()
	}
	clock := make(chan time.Time)
	p.running.Go(func() { p.show(clock) })
	for range progressSilent {
		clock <- time.Time{}
	}
	p.stop()
	if got := out.String(); got != "\r\x1b[KChecked 3 of 3 files\r\x1b[K" {
		t.Errorf("files that are looked at again show %q", got)
	}
}
