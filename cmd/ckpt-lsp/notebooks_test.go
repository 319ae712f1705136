package main

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"
)

const notebooks = "../../testdata/notebooks"

// TestNotebooks compares what is reported of the notebooks, and what the fixes make of them, byte for byte.
func TestNotebooks(t *testing.T) {
	const rules = "--select=CKP001,CKP101,CKP102,CKP105,CKP111,CKP603"
	golden := func(path string, got []byte) {
		t.Helper()
		if *update {
			if err := os.WriteFile(path, got, 0o644); err != nil {
				t.Fatal(err)
			}
		}
		want, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(got, want) {
			t.Errorf("got\n%s\nwant %s; if that is meant, run the test with -update", got, path)
		}
	}
	report, _ := command(t, "check", rules, notebooks+"/train.ipynb") // findings are an error here
	golden(notebooks+"/train.txt", []byte(report))
	diff, _ := command(t, "check", rules, "--diff", notebooks+"/train.ipynb")
	golden(notebooks+"/train.diff", []byte(diff))
	for _, name := range []string{"train.ipynb", "strings.ipynb"} {
		before, err := os.ReadFile(filepath.Join(notebooks, name))
		if err != nil {
			t.Fatal(err)
		}
		fixed := filepath.Join(t.TempDir(), name)
		if err := os.WriteFile(fixed, before, 0o600); err != nil {
			t.Fatal(err)
		}
		if out, err := command(t, "check", rules, "--fix", fixed); err != nil {
			t.Errorf("findings are left: %v\n%s", err, out)
		}
		after, err := os.ReadFile(fixed)
		if err != nil {
			t.Fatal(err)
		}
		golden(filepath.Join(notebooks, "fixed", name), after)
	}
}
