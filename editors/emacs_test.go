package editors

import "testing"

// TestEmacs makes the quick fix through Eglot, sees the findings go, and saves.
func TestEmacs(t *testing.T) {
	for _, v := range []struct {
		name string
		desk func(t *testing.T) *desk
	}{
		{"28", func(t *testing.T) *desk { return here(t, "emacs") }},
		{"30", func(t *testing.T) *desk { return in(t, "CKPT_TRIXIE", "emacs") }},
	} {
		t.Run(v.name, func(t *testing.T) {
			d := v.desk(t)
			d.copy("emacs/ckpt-lsp.el", ".emacs.d/ckpt-lsp.el")
			d.copy("testdata/emacs/fix.el", "fix.el")
			// Not -Q, which would hide Debian's Eglot from Emacs 28.
			d.run("emacs", "--batch", "-q", "-l", d.path(".emacs.d/ckpt-lsp.el"), "-l", d.path("fix.el"))
			d.saved(completed(t))
		})
	}
}
