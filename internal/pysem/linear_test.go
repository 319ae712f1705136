package pysem

import (
	"fmt"
	"testing"
)

// TestLinear checks the split of epoch arithmetic into a base and a whole offset.
func TestLinear(t *testing.T) {
	cases := []struct{ name, body, want string }{
		{"the loop variable", "LOOK(epoch)", "each(range()) +0"},
		{"plus one", "LOOK(epoch + 1)", "each(range()) +1"},
		{"one plus", "LOOK(1 + epoch)", "each(range()) +1"},
		{"minus", "LOOK(epoch - 1)", "each(range()) -1"},
		{"through a variable", "n = epoch + 1\n  LOOK(n)", "each(range()) +1"},
		{"through two", "n = epoch + 1\n  n = n + 2\n  LOOK(n)", "each(range()) +3"},
		{"augmented", "epoch += 1\n  LOOK(epoch)", "each(range()) +1"},
		{"augmented twice", "epoch += 1\n  epoch += 1\n  LOOK(epoch)", "each(range()) +2"},
		{"reduced", "epoch -= 1\n  LOOK(epoch)", "each(range()) -1"},
		{"a constant", "LOOK(3 + 4)", "- +7"},
		{"a name for one", "one = 1\n  LOOK(epoch + one)", "each(range()) +1"},
		{"in parentheses", "LOOK((epoch + 2) - 1)", "each(range()) +1"},
		{"in a dict", "d = {'epoch': epoch + 1}\n  LOOK(d['epoch'])", "each(range()) +1"},
		{"through a helper", "LOOK(nxt(epoch))", "each(range()) +1"},
		{"read from a checkpoint", "LOOK(torch.load('x')['epoch'] + 1)", "torch.load()['epoch'] +1"},
		{"converted", "LOOK(int(args.epoch) + 1)", "int() +1"},
		{"two bases", "LOOK(epoch + args.n)", "no"},
		{"subtracted base", "LOOK(3 - epoch)", "no"},
		{"a product is a base", "LOOK(epoch * 2 + 1)", "each(range())*2 +1"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			m := module(t, "\ndef nxt(e): return e + 1\nfor epoch in range(args.start, args.epochs):\n  "+c.body+"\n")
			e := NewEvaluator()
			got := ""
			for _, call := range m.Top.Calls {
				if !call.Nth(0).TextIs("LOOK") {
					continue
				}
				base, offset, ok := e.Eval(Args(call).Pos(0), e.Root(m.Top, nil)).Linear()
				switch {
				case !ok:
					got = "no"
				case base == nil:
					got = fmt.Sprintf("- %+d", offset)
				default:
					got = fmt.Sprintf("%s %+d", show(e, base), offset)
				}
			}
			if got != c.want {
				t.Errorf("got %s, want %s", got, c.want)
			}
		})
	}
}
