package prove

import (
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// operations make a log of file operations: "save a", "rename a b", "remove a", each a step apart; a save with "!" is cut by a kill.
func operations(lines ...string) *runLog {
	l := &runLog{}
	for i, line := range lines {
		words := append(strings.Fields(line), "")
		torn := words[0] == "save!"
		e := event{Kind: "file", Op: i + 1, Step: i + 1, What: strings.TrimSuffix(words[0], "!"), Path: words[1], Target: words[2]}
		l.add(e)
		if e.What == "save" && !torn {
			e.Kind = "saved"
			l.add(e)
		}
	}
	return l
}

func TestLying(t *testing.T) {
	for _, test := range []struct {
		operations []string
		want       string
	}{
		{[]string{"save 1.pt", "save 2.pt"}, "1.pt 2.pt"},
		{[]string{"save last.pt", "save last.pt"}, "last.pt"},
		{[]string{"save last.pt", "save! last.pt"}, ""},
		{[]string{"save last.pt.tmp", "rename last.pt.tmp last.pt", "save! last.pt.tmp"}, "last.pt"},
		{[]string{"save last.pt", "copy last.pt best.pt"}, "last.pt best.pt"},
		{[]string{"save run/1.pt", "remove run"}, ""},
		{[]string{"save 2.pt", "save 1.pt", "remove 2.pt"}, "1.pt"},
	} {
		var got []string
		for _, f := range operations(test.operations...).lying() {
			got = append(got, f.path)
		}
		if strings.Join(got, " ") != test.want {
			t.Errorf("%v leaves %v, want %s", test.operations, got, test.want)
		}
	}
}

func TestRemovedNewest(t *testing.T) {
	sorted := operations("save epoch_9.pt", "save epoch_10.pt", "remove epoch_10.pt")
	if got := sorted.removedNewest(); len(got) != 1 || !strings.HasPrefix(got[0], "epoch_10.pt, the newest, is deleted") {
		t.Errorf("got %v", got)
	}
	for _, sound := range [][]string{
		{"save epoch_9.pt", "save epoch_10.pt", "remove epoch_9.pt"},
		{"save last.pt", "remove last.pt", "save last.pt"},    // a loss for a kill to find
		{"save epoch_9.pt", "save best.pt", "remove best.pt"}, // another series
	} {
		if got := operations(sound...).removedNewest(); len(got) > 0 {
			t.Errorf("%v: got %v", sound, got)
		}
	}
}

func TestChoose(t *testing.T) {
	l := &runLog{}
	for i := range 10 {
		l.steps = append(l.steps, event{Step: i})
	}
	for _, step := range []int{0, 2, 4, 4, 6, 8, 10} {
		l.saves = append(l.saves, event{Step: step})
	}
	type choice struct{ saves, number, of int }
	for asked, want := range map[int]choice{
		0: {saves: 3, number: 2, of: 5}, // step 4, as near the middle as 6, and what is saved twice there
		1: {saves: 1, number: 1, of: 5},
		4: {saves: 5, number: 4, of: 5},
	} {
		s := &session{options: Options{Checkpoint: asked}}
		got, _, err := s.points(l)
		if err != nil || len(got) != 1 {
			t.Fatalf("checkpoint %d: got %+v (%v)", asked, got, err)
		}
		if c := (choice{got[0].kill.Save, got[0].number, got[0].of}); c != want {
			t.Errorf("checkpoint %d: got %+v, want %+v", asked, c, want)
		}
	}
	if _, _, err := (&session{options: Options{Checkpoint: 5}}).points(l); err == nil {
		t.Error("there is nothing to resume behind the last step")
	}
}

// TestTornLog reads what a killed process leaves: a last line that was not written whole.
func TestTornLog(t *testing.T) {
	dir := t.TempDir()
	lines := `{"kind":"step","step":0,"lr":["0.1","nan"],"loss":"inf"}` + "\n" + `{"kind":"step","st`
	if err := os.WriteFile(filepath.Join(dir, "events-1-77.jsonl"), []byte(lines), 0o600); err != nil {
		t.Fatal(err)
	}
	logs, err := readRun(dir)
	if err != nil || len(logs) != 1 || logs[0].rank != 1 || len(logs[0].steps) != 1 {
		t.Fatalf("got %v (%v), want one step of rank 1", logs, err)
	}
	if c := curve("", logs[0], 0); !math.IsInf(c.Losses[0], 1) || c.Rates[0] != 0.1 {
		t.Errorf("got %+v", c)
	}
}

func TestCopyTree(t *testing.T) {
	from, to := t.TempDir(), filepath.Join(t.TempDir(), "copy")
	for _, file := range []string{"train.py", "src/model.py", "data/big.bin", ".git/config", "venv/bin/python", "src/__pycache__/model.pyc"} {
		path := filepath.Join(from, file)
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(file), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := copyTree(from, to, []string{"data"}); err != nil {
		t.Fatal(err)
	}
	var got []string
	err := filepath.WalkDir(to, func(path string, d os.DirEntry, err error) error {
		if !d.IsDir() {
			rel, _ := filepath.Rel(to, path)
			got = append(got, filepath.ToSlash(rel))
		}
		return err
	})
	slices.Sort(got)
	if want := []string{"data", "src/model.py", "train.py"}; err != nil || !slices.Equal(got, want) {
		t.Errorf("got %v (%v), want %v", got, err, want)
	}
	if points, err := os.Readlink(filepath.Join(to, "data")); err != nil || points != filepath.Join(from, "data") {
		t.Errorf("data points to %s (%v)", points, err)
	}
}
