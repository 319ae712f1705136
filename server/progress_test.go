package server

import (
	"fmt"
	"strings"
	"testing"
)

// manyFiles is a workspace that takes a while to read; file f007.py is found wanting.
func manyFiles(t *testing.T) tree {
	files := map[string]string{}
	for i := range 3 * mostQuiet {
		files[fmt.Sprintf("f%03d.py", i)] = "import torch\n"
	}
	files["f007.py"] = "import torch\nBUG\n"
	return newTree(t, files)
}

// progressed are the kinds of progress that the client was told of, each but reports, and the last message.
func (c *client) progressed() (kinds []string, last string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, x := range c.inbox {
		if x.Method != "$/progress" {
			continue
		}
		p := decode[struct {
			Value struct{ Kind, Message string }
		}](c.t, x.Params)
		if kinds = append(kinds, p.Value.Kind); p.Value.Message != "" {
			last = p.Value.Message
		}
	}
	return kinds, last
}

func TestProgress(t *testing.T) {
	for name, able := range map[string]bool{"shown": true, "not shown": false} {
		t.Run(name, func(t *testing.T) {
			f := manyFiles(t)
			c := connect(t)
			c.handshake(m{"window": m{"workDoneProgress": able}}, "file://"+f.root)
			c.settle()
			kinds, last := c.progressed()
			if !able {
				if len(kinds) > 0 {
					t.Errorf("%v", kinds)
				}
				return
			}
			if len(kinds) < 3 || kinds[0] != "begin" || kinds[len(kinds)-1] != "end" || strings.Count(strings.Join(kinds, " "), "report") != len(kinds)-2 || last != "done" {
				t.Errorf("%v, %q", kinds, last)
			}
			c.show(f.uri("f001.py"), "import torch\n")
			c.settle()
			if again, _ := c.progressed(); len(again) != len(kinds) {
				t.Errorf("an edit shows progress: %v", again)
			}
		})
	}
}

// TestProgressIsCancelled: the user calls off reading the workspace, and it is not begun again.
func TestProgressIsCancelled(t *testing.T) {
	f := manyFiles(t)
	f.write(t, "f000.py", "import torch\nGATE\n")
	c := connect(t)
	gate.Lock()
	c.handshake(m{"window": m{"workDoneProgress": true}}, "file://"+f.root)
	x := c.wait("progress", func(x message) bool { return x.Method == "$/progress" })
	c.notify("window/workDoneProgress/cancel", m{"token": decode[struct{ Token string }](t, x.Params).Token})
	c.notify("window/workDoneProgress/cancel", m{"token": 7}) // nobody's
	c.sync()
	gate.Unlock()
	c.settle()
	if _, last := c.progressed(); !strings.HasPrefix(last, "cancelled") {
		t.Errorf("%q", last)
	}
	c.show(f.uri("f001.py"), "import torch\nBUG\n")
	c.settle()
	if kinds, _ := c.progressed(); kinds[len(kinds)-1] != "end" || strings.Contains(strings.Join(kinds, " "), "begin") {
		t.Errorf("begun again: %v", kinds)
	}
	if n := len(c.session.view.Load().folders[0].index.Summaries()); n > 3 {
		t.Errorf("%d files were looked at", n)
	}
}
