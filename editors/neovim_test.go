package editors

import (
	"slices"
	"strings"
	"testing"
)

// neovims are the versions that are tried, each with the file that the README tells to copy.
var neovims = []struct {
	name   string
	desk   func(t *testing.T) *desk
	modern bool // 0.11 and newer
}{
	{"0.7", func(t *testing.T) *desk { return here(t, "nvim") }, false},
	{"0.10", func(t *testing.T) *desk { return in(t, "CKPT_TRIXIE", "nvim") }, false},
	{"0.12", func(t *testing.T) *desk { return in(t, "CKPT_SID", "nvim") }, true},
}

func eachNeovim(t *testing.T, session string, check func(d *desk)) {
	for _, v := range neovims {
		t.Run(v.name, func(t *testing.T) {
			d := v.desk(t)
			if v.modern {
				d.copy("neovim/lsp/ckpt_lsp.lua", ".config/nvim/lsp/ckpt_lsp.lua")
				d.write(".config/nvim/init.lua", `vim.lsp.enable("ckpt_lsp")`)
			} else {
				d.copy("neovim/ckpt_lsp.lua", ".config/nvim/plugin/ckpt_lsp.lua")
			}
			d.copy("testdata/neovim/helpers.lua", ".config/nvim/lua/helpers.lua")
			d.copy("testdata/neovim/"+session, session)
			d.run("nvim", "--headless", "-n", "-i", "NONE", "-c", "luafile "+d.path(session))
			check(d)
		})
	}
}

// TestNeovim looks at the findings, the code lens and a hover, makes the quick fix, sees the findings go, and saves. Our findings alone are
// sorted by their severity.
func TestNeovim(t *testing.T) {
	eachNeovim(t, "fix.lua", func(d *desk) {
		d.saved(completed(d.t))
		if hover := d.read("hover.txt"); !strings.Contains(hover, "optimizer") {
			d.t.Errorf("the hover on the save says nothing of the optimizer: %q", hover)
		}
		if sorted := d.read("sorted.txt"); sorted != "true false" {
			d.t.Errorf("sorted by severity, ours and all others': %s", sorted)
		}
	})
}

// TestNeovimFixAll makes all safe fixes at once.
func TestNeovimFixAll(t *testing.T) {
	eachNeovim(t, "fixall.lua", func(d *desk) { d.saved(fixed(d.t)) })
}

// TestNeovimFixOnSave makes all safe fixes while the file is saved: what is written holds them.
func TestNeovimFixOnSave(t *testing.T) {
	eachNeovim(t, "fix_on_save.lua", func(d *desk) { d.saved("# typed just before the save\n" + fixed(d.t)) })
}

// TestNeovimProve opens a terminal with the command line of prove.
func TestNeovimProve(t *testing.T) {
	eachNeovim(t, "prove.lua", func(d *desk) {
		if line := d.read("terminal.txt"); !strings.Contains(line, "server prove -- ") || !strings.HasSuffix(line, "train.py") {
			d.t.Errorf("the terminal runs %q", line)
		}
	})
}

// TestNeovimKilled kills the server over an unsaved edit: the text stays, and a new server knows it.
func TestNeovimKilled(t *testing.T) {
	eachNeovim(t, "killed.lua", func(d *desk) {
		d.saved("# unsaved when the server died\n" + completed(d.t))
		d.sameAsCheck()
	})
}

// TestNeovimFlood sends 1,000 edits and a request after each in a burst, to a server that works and to one that is stopped meanwhile.
func TestNeovimFlood(t *testing.T) {
	eachNeovim(t, "flood.lua", func(d *desk) {
		if !strings.HasSuffix(d.read("work/train.py"), d.read("expected.txt")) {
			d.t.Errorf("the file ends otherwise:\n%s", d.read("work/train.py"))
		}
		if n := d.sent("client textDocument/didChange"); n < 1000 {
			d.t.Errorf("%d changes were sent, want 1000 at least", n)
		}
		d.sameAsCheck()
	})
}

// sameAsCheck compares the findings that the editor shows at the end with those of `check` in the file that it saved.
func (d *desk) sameAsCheck() {
	d.t.Helper()
	shown := strings.Fields(strings.ReplaceAll(d.read("findings.txt"), " ", "_"))
	for i := range shown {
		shown[i] = strings.ReplaceAll(shown[i], "_", " ")
	}
	slices.Sort(shown)
	if want := d.findings(); !slices.Equal(shown, want) || len(want) == 0 {
		d.t.Errorf("the editor shows %q, check finds %q", shown, want)
	}
}
