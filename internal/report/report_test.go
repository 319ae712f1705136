package report

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"errors"
	"flag"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/mattn/go-runewidth"
	"github.com/owenrumney/go-sarif/v3/pkg/report/v210/sarif"

	"github.com/ckpt-lsp/ckpt-lsp/codeactions"
	"github.com/ckpt-lsp/ckpt-lsp/diagnostics"
	"github.com/ckpt-lsp/ckpt-lsp/internal/docs"
	"github.com/ckpt-lsp/ckpt-lsp/internal/project"
	"github.com/ckpt-lsp/ckpt-lsp/internal/text"
)

var update = flag.Bool("update", false, "write the expected reports anew")

var (
	lost  = &diagnostics.Rule{Code: "CKP801", Name: "lost-state"}
	risky = &diagnostics.Rule{Code: "CKP802", Name: "risky-load"}
)

const trainPy = `import torch

def save(model, optimizer, path):
	torch.save({"model": model.state_dict(), "名前": "学習",
	            "epoch": 1}, path)

def resume(path): return torch.load(path, map_location="cpu", weights_only=True, mmap=False, encoding="utf-8")["model"]
esc = "` + "\x1b" + `[31m"
`

// sample is a report that shows every part.
func sample() *Report {
	at := func(part string) text.Span {
		i := strings.Index(trainPy, part)
		return text.Span{Start: i, End: i + len(part)}
	}
	dict := at(`{"model"`)
	dict.End = at(`"epoch": 1}`).End
	return &Report{
		Checked: 3, Version: "1.2.3", Help: func(r *diagnostics.Rule) string { return "# " + r.Name + "\n" },
		Files: []File{{
			Path: "src/train.py", Source: text.NewSource([]byte(trainPy)),
			Diagnostics: []diagnostics.Diagnostic{
				{
					Rule: lost, Severity: diagnostics.Warning, Span: dict,
					Message: "`optimizer` (SGD, momentum=0.9) is not saved. After resuming, its momentum buffers restart from zero, " +
						"and the first steps go another way than they would have gone.",
					Related: []diagnostics.Related{
						{Span: at("torch.load"), Message: "training resumes from the checkpoint here"},
						{Path: "lib/other.py", Span: text.Span{Start: 4, End: 9}, Message: "and from here"},
						{Path: "lib/gone.py", Span: text.Span{Start: 4, End: 9}, Message: "never shown"},
					},
				},
				{Rule: risky, Severity: diagnostics.Error, Span: at(`"model"]`), Message: "Reads a key."},
				{Rule: risky, Severity: diagnostics.Hint, Span: text.Span{Start: len(trainPy), End: len(trainPy)}, Message: "Ends."},
				{Rule: risky, Severity: diagnostics.Information, Span: at("[31m"), Message: "Colours."},
			},
			Fixes: []codeactions.Fix{
				{Title: "Complete this checkpoint", Applicability: diagnostics.Safe, Resolves: []int{0, 1}, Edits: []codeactions.FileEdits{
					{Edits: []text.Edit{{Span: text.Span{Start: dict.End - 1, End: dict.End - 1}, New: ", \"optimizer\": optimizer.state_dict()"}}},
				}},
				{Title: "Drop the key", Applicability: diagnostics.Unsafe, Why: "the model is then loaded as a whole.", Resolves: []int{2}},
				{Title: "Read the manual", Applicability: diagnostics.Display, Resolves: []int{3}},
			},
		}},
		Problems: []project.Problem{{Path: "src/old.py", Line: 3, Column: 7, Message: "syntax error"}, {Path: "x.py", Message: "gone", Fatal: true}},
		Open: func(path string) (*text.Source, error) {
			if path == "lib/other.py" {
				return text.NewSource([]byte("x = other()\n")), nil
			}
			return nil, errors.New("no such file")
		},
	}
}

func TestFormats(t *testing.T) {
	for name, c := range map[string]struct {
		format string
		style  Style
	}{
		"plain.txt":  {"text", Style{Width: 100}},
		"narrow.txt": {"text", Style{Width: 60}},
		"color.txt":  {"text", Style{Width: 100, Color: true}},
		"json.json":  {"json", Style{}},

		"concise.txt":     {"concise", Style{Width: 100}},
		"grouped.txt":     {"grouped", Style{Width: 100}},
		"json-lines.json": {"json-lines", Style{}},
		"github.txt":      {"github", Style{}},
		"gitlab.json":     {"gitlab", Style{}},
		"junit.xml":       {"junit", Style{}},
		"sarif.json":      {"sarif", Style{}},
	} {
		var out bytes.Buffer
		if err := Write(&out, c.format, sample(), c.style); err != nil {
			t.Fatal(err)
		}
		path := filepath.Join("testdata", name)
		if *update {
			if err := os.WriteFile(path, out.Bytes(), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		want, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if diff := text.Diff(name, want, out.Bytes()); diff != "" {
			t.Errorf("the report differs (-update writes it anew):\n%s", diff)
		}
		if c.format == "text" && !c.style.Color {
			for line := range strings.Lines(out.String()) {
				if n := runewidth.StringWidth(strings.TrimRight(line, "\n")); n > c.style.Width {
					t.Errorf("%s: %d columns: %s", name, n, line)
				}
			}
			if strings.Contains(out.String(), "\x1b") {
				t.Errorf("%s: an escape sequence got through", name)
			}
		}
	}
}

// TestSARIFIsValid holds the report to the published schema, which the library carries.
func TestSARIFIsValid(t *testing.T) {
	for name, r := range map[string]*Report{"findings": sample(), "none": {Checked: 1}} {
		var out bytes.Buffer
		if err := Write(&out, "sarif", r, Style{}); err != nil {
			t.Fatal(err)
		}
		if _, err := sarif.FromBytes(out.Bytes(), sarif.WithStrictValidation()); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	if err := sarif.NewReport().AddRun(&sarif.Run{}).Validate(); err == nil {
		t.Error("a run without a tool is taken for valid")
	}
}

// junitElements are what Jenkins's schema of JUnit reports (junit-10.xsd of its xUnit plugin) says of the elements that a report is made
// of: the attributes, true for those that must be there, and the elements within.
var junitElements = map[string]struct {
	attributes map[string]bool
	within     []string
}{
	"testsuites": {map[string]bool{"name": false, "time": false, "tests": false, "failures": false, "errors": false}, []string{"testsuite"}},
	"testsuite": {map[string]bool{"name": true, "tests": true, "failures": true, "errors": true, "group": false, "time": false, "skipped": false, "timestamp": false,
		"hostname": false, "id": false, "package": false, "file": false, "log": false, "url": false}, []string{"testsuite", "properties", "testcase", "system-out", "system-err"}},
	"testcase": {map[string]bool{"name": true, "time": false, "classname": false, "group": false}, []string{"skipped", "error", "failure", "system-out", "system-err"}},
	"failure":  {map[string]bool{"type": false, "message": false}, nil},
}

// TestJUnitIsValid holds the report to the schema, and no test to the name of another, because readers take those for one.
func TestJUnitIsValid(t *testing.T) {
	for name, r := range map[string]*Report{"findings": sample(), "none": {Checked: 1}} {
		var out bytes.Buffer
		if err := Write(&out, "junit", r, Style{}); err != nil {
			t.Fatal(err)
		}
		names := map[string]bool{}
		var open []string
		for d := xml.NewDecoder(&out); ; {
			token, err := d.Token()
			if err == io.EOF {
				break
			}
			if err != nil {
				t.Fatalf("%s: %v", name, err)
			}
			switch e := token.(type) {
			case xml.StartElement:
				known, ok := junitElements[e.Name.Local]
				if !ok || len(open) > 0 && !slices.Contains(junitElements[open[len(open)-1]].within, e.Name.Local) || len(open) == 0 && e.Name.Local != "testsuites" {
					t.Errorf("%s: an element %s in %v", name, e.Name.Local, open)
				}
				has := map[string]string{}
				for _, a := range e.Attr {
					if _, ok := known.attributes[a.Name.Local]; !ok {
						t.Errorf("%s: %s has an attribute %s", name, e.Name.Local, a.Name.Local)
					}
					has[a.Name.Local] = a.Value
				}
				for attribute, must := range known.attributes {
					if _, ok := has[attribute]; must && !ok {
						t.Errorf("%s: %s has no attribute %s", name, e.Name.Local, attribute)
					}
				}
				if e.Name.Local == "testcase" {
					if names[has["classname"]+has["name"]] {
						t.Errorf("%s: two tests are called %s", name, has["name"])
					}
					names[has["classname"]+has["name"]] = true
				}
				open = append(open, e.Name.Local)
			case xml.EndElement:
				open = open[:len(open)-1]
			}
		}
		if len(names) != max(1, len(r.Files)*4) {
			t.Errorf("%s: tests %v", name, names)
		}
	}
}

// TestReportsLinkToRules holds every format that can name an address to the page of the rule.
func TestReportsLinkToRules(t *testing.T) {
	rule := diagnostics.Product.Lookup("missing-optimizer-state")
	r := &Report{Checked: 1, Files: []File{{Path: "a.py", Source: text.NewSource([]byte("save()\n")), Diagnostics: []diagnostics.Diagnostic{{Rule: rule, Severity: diagnostics.Warning, Span: text.Span{Start: 0, End: 6}, Message: "Lost."}}}}}
	page := docs.Site + "rules/" + rule.Name + "/"
	for _, format := range []string{"github", "gitlab", "json", "json-lines", "junit", "sarif"} {
		var out bytes.Buffer
		if err := Write(&out, format, r, Style{}); err != nil || !strings.Contains(out.String(), page) {
			t.Errorf("%s: %v, and no link to %s in\n%s", format, err, page, out.String())
		}
	}
	for _, format := range []string{"text", "concise", "grouped"} {
		var linked, plain bytes.Buffer
		if err := errors.Join(Write(&linked, format, r, Style{Width: 80, Color: true, Links: true}), Write(&plain, format, r, Style{Width: 80})); err != nil {
			t.Fatal(err)
		}
		if !strings.Contains(linked.String(), "\x1b]8;;"+page+"\x1b\\"+rule.Code) || strings.Contains(plain.String(), page) {
			t.Errorf("%s: %q with links, %q without", format, linked.String(), plain.String())
		}
	}
}

// TestFingerprints holds that findings keep theirs when lines above them change, and that no two share one.
func TestFingerprints(t *testing.T) {
	const line = "torch.save(model.state_dict(), path)\n"
	of := func(source string) []string {
		var ds []diagnostics.Diagnostic
		for at := 0; ; {
			i := strings.Index(source[at:], line)
			if i < 0 {
				break
			}
			ds = append(ds, diagnostics.Diagnostic{Rule: lost, Span: text.Span{Start: at + i, End: at + i + 10}})
			at += i + 1
		}
		f := File{Path: "a.py", Source: text.NewSource([]byte(source)), Diagnostics: ds}
		return diagnostics.Fingerprints(f.Path, f.Source, f.Diagnostics)
	}
	before := of("import torch\n" + line + "    " + line)
	if len(before) != 2 || before[0] == before[1] {
		t.Fatalf("two findings have the fingerprints %q", before)
	}
	if after := of("# a comment\nimport torch\n\n" + line + "  " + line); !slices.Equal(before, after) {
		t.Errorf("lines moved, and %q became %q", before, after)
	}
	if after := of("import torch\n" + line); after[0] != before[0] {
		t.Errorf("a later finding is gone, and %q became %q", before[0], after[0])
	}
}

// TestJSONShape holds the report to what scripts read, a field at a time.
func TestJSONShape(t *testing.T) {
	var out bytes.Buffer
	if err := Write(&out, "json", &Report{}, Style{}); err != nil {
		t.Fatal(err)
	}
	if got := strings.Join(strings.Fields(out.String()), ""); got != `{"diagnostics":[],"errors":[]}` {
		t.Errorf("an empty report is %s", got)
	}
	out.Reset()
	if err := Write(&out, "json", sample(), Style{}); err != nil {
		t.Fatal(err)
	}
	var read struct {
		Diagnostics []struct {
			Code, Name, Severity, Message, Path string
			Range                               struct{ Start, End struct{ Line, Column int } }
			Fixes                               []struct {
				Title, Applicability string
				Edits                []any
			}
			Related []any
		}
		Errors []struct {
			Path, Message string
			Fatal         bool
		}
	}
	if err := json.Unmarshal(out.Bytes(), &read); err != nil {
		t.Fatal(err)
	}
	d := read.Diagnostics[0]
	if d.Code != "CKP801" || d.Name != "lost-state" || d.Path != "src/train.py" || d.Range.Start.Line != 4 || d.Range.Start.Column != 13 ||
		d.Range.End.Line != 5 || d.Range.End.Column != 25 || len(d.Fixes) != 1 || len(d.Fixes[0].Edits) != 1 || len(d.Related) != 2 {
		t.Errorf("the first finding reads %+v", d)
	}
	if len(read.Errors) != 2 || !read.Errors[1].Fatal {
		t.Errorf("the errors read %+v", read.Errors)
	}
}

func TestUnknownFormat(t *testing.T) {
	if err := Write(&bytes.Buffer{}, "xml", &Report{}, Style{}); err == nil || !strings.Contains(err.Error(), "valid: concise, github, gitlab, grouped, json, json-lines, junit, sarif, text") {
		t.Errorf("error %v", err)
	}
}

func TestSummary(t *testing.T) {
	one := File{Diagnostics: []diagnostics.Diagnostic{{Severity: diagnostics.Information}}}
	for want, r := range map[string]Report{
		"No findings in 1 file.":                                     {Checked: 1},
		"Fixed 2 findings. None left in 3 files.":                    {Checked: 3, Fixed: 2},
		"Fixed 1 finding. 1 finding in 1 of 2 files: 1 information.": {Checked: 2, Fixed: 1, Files: []File{one}},
		"2 findings in 2 of 9 files: 2 information.":                 {Checked: 9, Files: []File{one, one}},
	} {
		if got := (painter{Style{Width: 100}}).summary(&r); got != want+"\n" {
			t.Errorf("summary %q, want %q", got, want)
		}
	}
}

// TestAtLeast holds that fixes go on naming their findings where others are left out.
func TestAtLeast(t *testing.T) {
	hidden := map[diagnostics.Severity]int{}
	f := sample().Files[0].AtLeast(diagnostics.Warning, hidden)
	if len(f.Diagnostics) != 2 || hidden[diagnostics.Hint] != 1 || hidden[diagnostics.Information] != 1 || len(f.Fixes) != 1 {
		t.Fatalf("%d findings, %v hidden, fixes %+v", len(f.Diagnostics), hidden, f.Fixes)
	}
	f = sample().Files[0]
	f.Diagnostics[0].Severity = diagnostics.Hint
	if f = f.AtLeast(diagnostics.Information, hidden); f.Diagnostics[f.Fixes[0].Resolves[0]].Message != "Reads a key." || f.Diagnostics[f.Fixes[1].Resolves[0]].Message != "Colours." {
		t.Errorf("the fixes clear %+v", f.Fixes)
	}
}

// TestSnippet holds that the underline of a place makes way for what is said of it, and that a line is drawn once.
func TestSnippet(t *testing.T) {
	const line = "state = torch.load(path, map_location=device)\n"
	f := File{Path: "a.py", Source: text.NewSource([]byte(line))}
	at := func(part, sign, label string) mark {
		i := strings.Index(line, part)
		place, _ := newPlaces(&Report{}, &f).of("", text.Span{Start: i, End: i + len(part)})
		return mark{place, sign, label}
	}
	marks := at("device", "-", "where training goes on").addTo([]mark{at("state", "-", "read"), at("torch.load(path, map_location=device)", "-", "the file is read here and"), at("path", "^", "")})
	if n := len(at("state", "-", "read, and more").addTo(marks)); n != len(marks) || marks[0].label != "read, and more" {
		t.Errorf("%d marks, the first says %q", n, marks[0].label)
	}
	want := `1 | state = torch.load(path, map_location=device)
  | ----- read, and more
  |         ---------------- the file is read here and
  |                    ^^^^
  |                                       ------
  |                             where training goes on
`
	got := painter{Style{Width: 54}}.snippet(marks, 1)
	if diff := text.Diff("snippet", []byte(want), []byte(got)); diff != "" {
		t.Error(diff)
	}
}

func TestWrap(t *testing.T) {
	for _, c := range []struct {
		s     string
		width int
		want  string
	}{
		{"", 10, ">"},
		{"one two three", 9, ">one two\n.three"},
		{"averyveryverylongword x", 8, ">averyveryverylongword\n.x"},
		{"a\nb c", 20, ">a\n.b c"},
		{"学習 学習", 6, ">学習\n.学習"},
	} {
		if got := Wrap(c.s, c.width, ">", "."); got != c.want {
			t.Errorf("Wrap(%q, %d) = %q, want %q", c.s, c.width, got, c.want)
		}
	}
}

func TestDrawLine(t *testing.T) {
	long := strings.Repeat("x", 50) + "HERE" + strings.Repeat("y", 50)
	for name, c := range map[string]struct {
		line     string
		from, to int
		width    int
		shown    string
		marked   string // the part of shown that the marks stand under
	}{
		"plain":      {"a = b", 4, 5, 80, "a = b", "b"},
		"tab":        {"\tx", 1, 2, 80, "    x", "x"},
		"tab inside": {"ab\tx", 3, 4, 80, "ab  x", "x"},
		"control":    {"\x1b[0m", 0, 1, 80, "\uFFFD[0m", "\uFFFD"},
		"cut behind": {long, 0, 3, 40, strings.Repeat("x", 39) + "…", "xxx"},
		"cut before": {long, 50, 54, 40, "", "HERE"},
		"too long":   {long, 0, 104, 40, strings.Repeat("x", 39) + "…", strings.Repeat("x", 39) + "…"},
	} {
		shown, column, size := drawLine([]byte(c.line), c.from, c.to, false, c.width)
		if c.shown != "" && shown != c.shown {
			t.Errorf("%s: shown %q, want %q", name, shown, c.shown)
		}
		if runes := []rune(shown); column+size > len(runes) || string(runes[column:column+size]) != c.marked {
			t.Errorf("%s: marks at %d+%d of %q, want below %q", name, column, size, shown, c.marked)
		}
		if n := runewidth.StringWidth(shown); n > c.width {
			t.Errorf("%s: %d columns", name, n)
		}
	}
}
