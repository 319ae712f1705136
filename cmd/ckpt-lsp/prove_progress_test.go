package main

import (
	"bytes"
	"testing"
	"time"

	"github.com/ckpt-lsp/ckpt-lsp/internal/prove"
)

// TestProofProgress holds that a terminal's line is drawn anew and a log gets a line for what begins, and every half minute one.
func TestProofProgress(t *testing.T) {
	begun := time.Now()
	for name, test := range map[string]struct {
		plain bool
		want  string
	}{
		"line": {false, "\r\x1b[K\r\x1b[K1:01 kill 2 of 3: step 7, 1 checkpoint"},
		"log":  {true, "0:00 kill 2 of 3\n1:01 kill 2 of 3: step 7, 1 checkpoint\n"},
	} {
		var out bytes.Buffer
		x := &proofProgress{out: &out, plain: test.plain, begun: begun}
		x.draw(begun)
		x.tell(prove.Status{Doing: "kill 2 of 3"})
		x.tell(prove.Status{Doing: "kill 2 of 3", Step: 7, Checkpoints: 1})
		x.draw(begun.Add(61 * time.Second))
		if out.String() != test.want {
			t.Errorf("%s: %q, want %q", name, out.String(), test.want)
		}
	}
}
