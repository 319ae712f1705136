package editors

import (
	"fmt"
	"os/exec"
	"strings"
	"testing"
	"time"
)

// terminal is an editor in a terminal of 120 columns and 45 lines.
type terminal struct {
	*desk
	socket string
}

// open starts an editor in a terminal.
func (d *desk) open(argv ...string) *terminal {
	d.t.Helper()
	if _, err := exec.LookPath("tmux"); err != nil {
		missing(d.t, "tmux is not installed; .ci/run installs it")
	}
	term := &terminal{d, fmt.Sprintf("ckpt-lsp-%d", time.Now().UnixNano())}
	term.tmux(append([]string{"-f", "/dev/null", "new-session", "-d", "-x", "120", "-y", "45"}, d.command(argv...)...)...)
	d.t.Cleanup(func() { _ = exec.Command("tmux", "-L", term.socket, "kill-server").Run() })
	return term
}

func (x *terminal) tmux(args ...string) string {
	x.t.Helper()
	out, err := exec.Command("tmux", append([]string{"-L", x.socket}, args...)...).CombinedOutput()
	if err != nil {
		x.t.Fatalf("tmux %v: %v\n%s", args, err, out)
	}
	return string(out)
}

// text types text; keys presses keys by their names in tmux.
func (x *terminal) text(s string) { x.t.Helper(); x.tmux("send-keys", "-l", s) }

func (x *terminal) keys(names ...string) {
	x.t.Helper()
	x.tmux(append([]string{"send-keys"}, names...)...)
}

// line types a command line that begins with a colon.
func (x *terminal) line(s string) {
	x.t.Helper()
	x.text(s)
	x.keys("Enter")
}

// sees waits until the screen holds a text.
func (x *terminal) sees(want string) {
	x.t.Helper()
	x.until("the screen holds "+want, func(screen string) bool { return strings.Contains(screen, want) })
}

// gone waits until the screen does not hold a text.
func (x *terminal) gone(what string) {
	x.t.Helper()
	x.until("the screen does not hold "+what, func(screen string) bool { return !strings.Contains(screen, what) })
}

func (x *terminal) until(what string, condition func(screen string) bool) {
	x.t.Helper()
	screen := ""
	for end := time.Now().Add(patience); time.Now().Before(end); time.Sleep(50 * time.Millisecond) {
		if screen = x.tmux("capture-pane", "-p"); condition(screen) {
			return
		}
	}
	x.t.Fatalf("not so: %s. The screen:\n%s", what, screen)
}

// ends waits until the editor has left the terminal.
func (x *terminal) ends() {
	x.t.Helper()
	for end := time.Now().Add(patience); time.Now().Before(end); time.Sleep(50 * time.Millisecond) {
		if exec.Command("tmux", "-L", x.socket, "has-session").Run() != nil {
			return
		}
	}
	x.t.Fatal("the editor does not end")
}

// TestHelix makes the quick fix by keys, sees the findings go, and saves.
func TestHelix(t *testing.T) {
	d := in(t, "CKPT_TRIXIE", "hx")
	d.copy("helix/languages.toml", ".config/helix/languages.toml")
	x := d.open("hx", d.path("work/train.py"))
	x.sees("NOR")
	x.until("the status line counts warnings", func(screen string) bool { return strings.Contains(screen, "● 2") })
	x.text("]d]d") // the second finding
	x.sees("buffers start from zero")
	x.text(" a")
	x.sees("Complete this checkpoint")
	x.keys("Enter")
	x.sees("scheduler.load_state_dict(checkpoint[\"scheduler_state_dict\"])")
	x.gone("buffers start from zero")
	x.line(":w")
	x.sees("written")
	x.saved(completed(t))
	x.line(":qa")
	x.ends()
}

// TestVim makes the quick fix by ALE's menu, sees the findings go, and saves.
func TestVim(t *testing.T) {
	d := here(t, "vim.nox")
	d.copy("vim/ale_linters/python/ckpt_lsp.vim", ".vim/ale_linters/python/ckpt_lsp.vim")
	d.copy("vim/vimrc", ".vimrc")
	d.write(".vim/pack/debian/start/ale/plugin/ale.vim", "packadd ale") // where Debian has put it
	x := d.open("vim.nox", "-n", d.path("work/train.py"))
	x.line(":78")
	x.sees("CKP") // of the line's findings Vim shows one
	x.line(":lopen | wincmd p")
	x.sees("`optimizer` (SGD, momentum=0.9)")
	x.text("ga")
	x.sees("1) Complete this checkpoint")
	x.line("1")
	x.gone("`optimizer` (SGD, momentum=0.9)")
	x.line(":w")
	x.sees("written")
	x.saved(completed(t))
	x.line(":qa")
	x.ends()
}
