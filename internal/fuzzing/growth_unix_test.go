//go:build unix

package fuzzing

import (
	"syscall"
	"testing"
	"time"

	"github.com/ckpt-lsp/ckpt-lsp/internal/project"
)

// worked is the processor's time that this process has taken.
func worked(t *testing.T) time.Duration {
	t.Helper()
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		t.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// TestGrowthOfTime holds that four times the input takes less than eleven times the processor's time, where the square would take sixteen;
// or that it is given up, with a message, in about a second. The lesser of two counts, as others use the machine, too.
func TestGrowthOfTime(t *testing.T) {
	if testing.Short() {
		t.Skip("takes seconds")
	}
	const enough = 1500 * time.Millisecond
	for _, g := range slow {
		t.Run(g.name, func(t *testing.T) {
			took := func(n int) (least time.Duration, unfinished bool) {
				source := []byte(g.source(n))
				for i := range 2 {
					start := worked(t)
					a := project.NewWorkspace(t.TempDir()).AnalyzeBytes("train.py", source)
					a.Fixes()
					if d := worked(t) - start; i == 0 || d < least {
						least = d
					}
					unfinished = len(a.Problems) > 0
				}
				return least, unfinished
			}
			once, _ := took(g.n)
			four, unfinished := took(4 * g.n)
			by := float64(four) / float64(once)
			t.Logf("%d: %v, %d: %v, %.1f times, unfinished %v", g.n, once, 4*g.n, four, by, unfinished)
			if by > 11 && (!unfinished || four > enough) {
				t.Errorf("%v, and %v for four times the input: %.1f times", once, four, by)
			}
		})
	}
}
