package files

import (
	"errors"
	"io"
	"os"
	"path/filepath"
	"testing"
)

// TestCreate holds that a file appears whole or not at all, that nothing is replaced, and that nothing stays beside.
func TestCreate(t *testing.T) {
	broken := errors.New("broken")
	text := func(w io.Writer) error { _, err := io.WriteString(w, "new"); return err }
	fine := func(string) error { return nil }
	for name, test := range map[string]struct {
		write  func(io.Writer) error
		verify func(string) error
		before string
		link   error
		want   error
	}{
		"new":             {text, fine, "", nil, nil},
		"taken":           {text, fine, "old", nil, ErrTaken},
		"not written":     {func(w io.Writer) error { return errors.Join(text(w), broken) }, fine, "", nil, broken},
		"not verified":    {text, func(string) error { return broken }, "", nil, broken},
		"without links":   {text, fine, "", errors.New("no links"), nil},
		"taken meanwhile": {text, nil, "", nil, ErrTaken},
		"taken, no links": {text, nil, "", errors.New("no links"), ErrTaken},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			path := filepath.Join(dir, "x.safetensors")
			want := "new"
			if test.before != "" {
				put(t, path, test.before)
				want = test.before
			}
			verify := test.verify
			if verify == nil { // somebody else is faster
				verify = func(string) error { put(t, path, "theirs"); return nil }
				want = "theirs"
			}
			if test.link != nil {
				was := system.link
				system.link = func(string, string) error { return test.link }
				t.Cleanup(func() { system.link = was })
			}
			err := Create(path, test.write, func(beside string) error {
				if data, err := os.ReadFile(beside); err != nil || string(data) != "new" {
					t.Errorf("beside stands %q, %v", data, err)
				}
				return verify(beside)
			})
			if !errors.Is(err, test.want) || test.want == nil && err != nil {
				t.Errorf("%v, want %v", err, test.want)
			}
			data, _ := os.ReadFile(path)
			if test.want == broken {
				want = ""
			}
			entries, _ := os.ReadDir(dir)
			if string(data) != want || len(entries) > 1 || want == "" && len(entries) > 0 {
				t.Errorf("it holds %q, want %q; %d files", data, want, len(entries))
			}
		})
	}
}
