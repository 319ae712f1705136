package timeline

import (
	"cmp"
	"encoding/json"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/ckpt-lsp/ckpt-lsp/diagnostics"
	_ "github.com/ckpt-lsp/ckpt-lsp/diagnostics/rules"
	"github.com/ckpt-lsp/ckpt-lsp/internal/docs"
	"github.com/ckpt-lsp/ckpt-lsp/internal/litest"
	"github.com/ckpt-lsp/ckpt-lsp/internal/project"
	"github.com/ckpt-lsp/ckpt-lsp/internal/schematest"
)

// of reads the timelines of a program, and holds all that is made of them to what holds of any.
func of(t *testing.T, program string, resumeAt *int64) []Timeline {
	t.Helper()
	return ofFiles(t, map[string]string{"train.py": program}, resumeAt)
}

func ofFiles(t *testing.T, files map[string]string, resumeAt *int64) []Timeline {
	t.Helper()
	dir := t.TempDir()
	var paths []string
	for name, content := range files {
		path := filepath.Join(dir, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		if strings.HasSuffix(name, ".py") {
			paths = append(paths, path)
		}
	}
	w := project.NewWorkspace(dir)
	all, err := Read(t.Context(), w, project.NewProgram(w), paths, Options{Tests: true, Show: filepath.Base, ResumeAt: resumeAt})
	if err != nil {
		t.Fatal(err)
	}
	sound(t, all)
	return all
}

// sound holds the text to its width, the picture to XML without a script, and the JSON to its schema.
func sound(t *testing.T, all []Timeline) {
	t.Helper()
	for line := range strings.Lines(Text("train.py", all)) {
		if line = strings.TrimRight(line, "\n"); utf8.RuneCountInString(line) > 100 || strings.TrimRight(line, " ") != line {
			t.Errorf("a line of %d columns, or with spaces at its end: %q", utf8.RuneCountInString(line), line)
		}
	}
	picture := xml.NewDecoder(strings.NewReader(SVG("train.py", all)))
	for {
		token, err := picture.Token()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatalf("the picture is no XML: %v", err)
		}
		if e, ok := token.(xml.StartElement); ok {
			for _, a := range e.Attr {
				if e.Name.Local == "script" || strings.HasPrefix(a.Name.Local, "on") || a.Name.Local == "href" || strings.Contains(a.Value, "NaN") || strings.Contains(a.Value, "Inf") {
					t.Errorf("<%s %s=%q>", e.Name.Local, a.Name.Local, a.Value)
				}
			}
		}
	}
	data, err := json.Marshal(map[string][]Timeline{"timelines": all})
	if err != nil {
		t.Fatal(err)
	}
	schematest.Holds(t, schematest.Compile(t, Schema), "timelines", data)
}

func has(x Timeline, codes ...string) bool {
	return slices.ContainsFunc(x.Flaws, func(f Flaw) bool { return slices.Contains(codes, f.Code) })
}

func differ(x Timeline) bool {
	return slices.ContainsFunc(x.Rates, func(r Rate) bool { return r.Differs != nil })
}

// TestExamplesOfRules holds that the picture shows the flaw of a rule's example, and that its mended twin does not.
func TestExamplesOfRules(t *testing.T) {
	for code, shows := range map[string]func(Timeline) bool{
		"CKP102": differ,
		"CKP104": func(x Timeline) bool { return x.Resume.Fate == Restarts && x.Resume.Twice.count() == 50 },
		"CKP106": func(x Timeline) bool { return x.Best.Resumed == "lost" },
		"CKP115": differ,
		"CKP401": func(x Timeline) bool { return x.Resume.Fate == Again && *x.Resume.From == 49 },
		"CKP402": func(x Timeline) bool {
			return x.Resume.Fate == Skips && *x.Resume.From == 51 && x.Resume.Skipped.From == 50
		},
		"CKP403": func(x Timeline) bool { return x.Resume.Fate == Restarts && x.Resume.Twice.count() == 45 },
		"CKP404": func(x Timeline) bool { return has(x, "CKP404") },
		"CKP406": func(x Timeline) bool { return x.Best.Resumed == "lost" },
		"CKP601": func(x Timeline) bool { return x.Saves[0].Kept.Policy == All && *x.Saves[0].Kept.Files == 200 },
		"CKP602": func(x Timeline) bool { return x.Saves[0].Kept.Gap },
	} {
		for _, section := range docs.Sections(diagnostics.Product.Lookup(code)) {
			if section.Title != "Example" && section.Title != "Use instead" {
				continue
			}
			all := of(t, section.Code[0], nil)
			if len(all) != 1 {
				t.Errorf("%s, %s: %d timelines", code, section.Title, len(all))
				continue
			}
			if flawed := section.Title == "Example"; shows(all[0]) != flawed || has(all[0], code) != flawed {
				t.Errorf("%s, %s:\n%s", code, section.Title, Text("train.py", all))
			}
		}
	}
}

// TestAgreesWithFindings holds, of all examples of all rules, that the picture shows no flaw that is not reported, and none of the
// contrary of one that is.
func TestAgreesWithFindings(t *testing.T) {
	paths, err := filepath.Glob("../../testdata/rules/CKP*.md")
	if err != nil || len(paths) == 0 {
		t.Fatal(paths, err)
	}
	drawn, flawed := 0, 0
	for _, path := range paths {
		examples, err := litest.Parse(path, strings.TrimSuffix(filepath.Base(path), ".md"))
		if err != nil {
			t.Fatal(err)
		}
		// The files of a project belong together, and are read with its first.
		programs := map[string]map[string]string{}
		for i, e := range examples {
			name := cmp.Or(e.Project, fmt.Sprintf("line %d", e.Line))
			if programs[name] == nil {
				programs[name] = map[string]string{}
			}
			programs[name][cmp.Or(e.File, fmt.Sprintf("train%d.py", i))] = e.Source
		}
		for name, files := range programs {
			for _, x := range ofFiles(t, files, nil) {
				drawn++
				if len(x.Flaws) > 0 {
					flawed++
				}
				fate := x.Resume.Fate
				for says, wrong := range map[string]bool{
					"again without CKP401":            fate == Again && !has(x, "CKP401"),
					"skips without CKP402":            (fate == Skips || fate == Cut) && !has(x, "CKP402"),
					"CKP401, and the next":            has(x, "CKP401") && fate == Next && len(x.Unknown) == 0,
					"CKP402, and the next":            has(x, "CKP402") && fate == Next && len(x.Unknown) == 0,
					"lost without CKP106 or CKP406":   x.Best != nil && x.Best.Resumed == "lost" && !has(x, "CKP106", "CKP406"),
					"kept with CKP406":                x.Best != nil && x.Best.Resumed == "kept" && has(x, "CKP406"),
					"another rate without a finding":  differ(x) && fate != Restarts && !has(x, "CKP101", "CKP102", "CKP115", "CKP401", "CKP402", "CKP404"),
					"a gap, or a risk without CKP602": !has(x, "CKP602") && (x.Best != nil && x.Best.AtRisk || slices.ContainsFunc(x.Saves, func(s Save) bool { return s.Kept.Gap })),
				} {
					if wrong {
						t.Errorf("%s, %s: %s\n%s", path, name, says, Text("train.py", []Timeline{x}))
					}
				}
			}
		}
	}
	if drawn < 300 || flawed < 100 {
		t.Errorf("%d timelines, %d with flaws: the examples are not read", drawn, flawed)
	}
}
