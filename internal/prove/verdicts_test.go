package prove

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/pelletier/go-toml/v2"
	"github.com/spf13/pflag"
	"golang.org/x/tools/txtar"
)

// expected is what is known of a program by hand.
type expected struct {
	// Truth says what happens, and why.
	Truth string `toml:"truth"`
	// Args are those of `ckpt-lsp prove`.
	Args []string `toml:"args"`
	// Says are regular expressions that the answers match, a line for each answer and each detail of it; Never are such that match none.
	Says  []string `toml:"says"`
	Never []string `toml:"never"`
	// Rules are the rules that are named first; [] means none is.
	Rules []string `toml:"rules"`
}

// TestVerdicts asks of programs what is known of them by hand: testdata/verdicts holds each with what is true of it.
func TestVerdicts(t *testing.T) {
	name := python(t)
	files, err := filepath.Glob("testdata/verdicts/*.txtar")
	if err != nil || len(files) == 0 {
		t.Fatalf("no programs (%v)", err)
	}
	zygote, err := NewZygote(name)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := zygote.Close(); err != nil {
			t.Error(err)
		}
	})
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txtar"), func(t *testing.T) {
			t.Parallel()
			said, want, rules := verdict(t, file, name, zygote)
			for _, re := range want.Says {
				if !regexp.MustCompile("(?m)" + re).MatchString(said) {
					t.Errorf("want %q in\n%s", re, said)
				}
			}
			for _, re := range want.Never {
				if regexp.MustCompile("(?m)" + re).MatchString(said) {
					t.Errorf("want no %q in\n%s", re, said)
				}
			}
			if got := strings.Join(rules[:min(len(rules), len(want.Rules))], " "); got != strings.Join(want.Rules, " ") || want.Rules != nil && len(want.Rules) == 0 && len(rules) > 0 {
				t.Errorf("it names the rules %v first, want %v", rules, want.Rules)
			}
		})
	}
}

// verdict asks for a program, and gives what is said of it and the rules that are named.
func verdict(t *testing.T, file, python string, zygote *Zygote) (said string, want expected, rules []string) {
	t.Helper()
	archive, err := txtar.ParseFile(file)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	for _, f := range archive.Files {
		if f.Name == "verdict.toml" {
			err = toml.Unmarshal(f.Data, &want)
		} else {
			err = os.WriteFile(filepath.Join(dir, f.Name), f.Data, 0o600)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if want.Truth == "" || len(want.Says) == 0 {
		t.Fatal("verdict.toml does not say what is true, and what is to be said")
	}
	o := Options{Zygote: zygote}
	flags := pflag.NewFlagSet("prove", pflag.ContinueOnError)
	o.AddFlags(flags)
	if err := flags.Parse(want.Args); err != nil {
		t.Fatal(err)
	}
	o.Command, o.Dir, o.Python, o.Timeout = []string{"train.py"}, dir, python, time.Minute
	r, err := Run(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	var out strings.Builder
	for _, a := range r.Tell() {
		out.WriteString(a.Asked + " " + string(a.Verdict) + ", " + a.Text + "\n")
		for _, line := range append(a.Details, a.Printed...) {
			out.WriteString("    " + line + "\n")
		}
	}
	return out.String(), want, r.Rules()
}
