package page

import (
	"bytes"
	"encoding/xml"
	"flag"
	"io"
	"math"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/ckpt-lsp/ckpt-lsp/internal/prove"
	"github.com/ckpt-lsp/ckpt-lsp/internal/report"
	"github.com/ckpt-lsp/ckpt-lsp/internal/schematest"
)

var update = flag.Bool("update", false, "write what the pages come to")

// example is a proof of a script whose resume loses its scheduler.
func example() *Page {
	full := prove.Curve{Name: "uninterrupted"}
	resumed := prove.Curve{Name: "resumed"}
	for i := range 280 {
		step := float64(i + 1)
		rate := 0.1 * math.Pow(0.1, math.Floor(step/100))
		full.Steps, full.Rates, full.Losses = append(full.Steps, step), append(full.Rates, rate), append(full.Losses, 2*math.Exp(-step/60))
		if i >= 120 {
			resumed.Steps, resumed.Rates, resumed.Losses = append(resumed.Steps, step), append(resumed.Rates, 0.1), append(resumed.Losses, 2*math.Exp(-step/70)+0.1)
		}
	}
	full.Losses[7] = math.NaN()
	return &Page{
		Report: &prove.Report{
			Command: []string{"python", "train.py", "--name", "a run"}, Torch: "2.6.0", Runs: 14, Seconds: 83.4,
			Digest: prove.Whole, Overhead: &prove.Overhead{Watching: 0.42, Script: 12.3}, Curves: []prove.Curve{full, resumed},
			Repeat: &prove.RepeatAnswer{Proven: true, Steps: 280},
			Resume: &prove.ResumeAnswer{Checkpoint: 3, Checkpoints: 7, Step: 120, Epoch: 30, Loaded: "check_point|1.pt", Steps: 160, Differences: []prove.Difference{
				{Step: 121, Epoch: 31, Component: prove.LearningRate, Text: "0.1, expected 0.01", Rules: []string{"missing-scheduler-state"}},
				{Step: 121, Epoch: 31, Component: prove.DataOrder, Text: "the loader takes other samples", Generators: []string{"torch starts from its seed again at train.py:49"}, Rules: []string{"missing-rng-state"}},
			}},
			Failed: map[prove.Question]string{prove.Kill: "the script failed by itself (exit status 1); the end of what it printed:\nTraceback <most recent>\n  \x1b[31mred\x1b[0m @user"},
		},
		Version: "1.0.0", Style: report.Style{Width: 100},
		Findings: []Finding{{Rule: "missing-scheduler-state", Code: "CKP102", Path: "train.py", Line: 78, URL: "https://ckpt-lsp.github.io/ckpt-lsp/rules/CKP102/"}},
	}
}

// TestPages holds what is written in each format to what was read and found right; -update writes it anew.
func TestPages(t *testing.T) {
	for format, name := range map[string]string{"html": "page.html", "json": "page.json", "markdown": "page.md", "text": "page.txt"} {
		var got bytes.Buffer
		if err := Write(&got, format, example()); err != nil {
			t.Fatal(err)
		}
		path := filepath.Join("testdata", name)
		if *update {
			if err := os.WriteFile(path, got.Bytes(), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		want, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if got.String() != string(want) {
			t.Errorf("%s is other than %s; -update writes it anew:\n%s", format, path, got.String())
		}
		if strings.Contains(got.String(), "\x1b") {
			t.Errorf("%s holds control characters", format)
		}
		if ends, err := FormatOf(path); err != nil || ends != format {
			t.Errorf("%s is written as %s (%v)", path, ends, err)
		}
		for line := range strings.Lines(got.String()) {
			if n := utf8.RuneCountInString(strings.TrimRight(line, "\n")); format == "text" && n > 100 {
				t.Errorf("%d columns: %s", n, line)
			}
		}
	}
}

// fill gives each field of a value something that is not its zero, so that a field that is added is not left out of the schema.
func fill(v reflect.Value) {
	switch v.Kind() {
	case reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		fill(v.Elem())
	case reflect.Struct:
		for i := range v.NumField() {
			fill(v.Field(i))
		}
	case reflect.Slice:
		v.Set(reflect.MakeSlice(v.Type(), 1, 1))
		fill(v.Index(0))
	case reflect.Map:
		v.Set(reflect.MakeMap(v.Type()))
		key, value := reflect.New(v.Type().Key()).Elem(), reflect.New(v.Type().Elem()).Elem()
		key.SetString(string(prove.Kill))
		fill(value)
		v.SetMapIndex(key, value)
	case reflect.String:
		v.SetString("x")
		if v.Type() == reflect.TypeFor[prove.Digest]() {
			v.SetString(string(prove.Sampled))
		}
	case reflect.Int, reflect.Int64:
		v.SetInt(1)
	case reflect.Float64:
		v.SetFloat(0.5)
	case reflect.Bool:
		v.SetBool(true)
	}
}

// TestSchema holds what is written as JSON to its schema: an example, a report in which each field is set, and one that answers nothing.
func TestSchema(t *testing.T) {
	schema := schematest.Compile(t, Schema)
	full := &prove.Report{}
	fill(reflect.ValueOf(full).Elem())
	for name, p := range map[string]*Page{
		"example": example(), "every field": {Report: full, Version: "1", Findings: []Finding{{"x", "CKP101", "a.py", 1, "https://x/"}}},
		"unanswered": {Report: prove.Unanswered(prove.Options{Command: []string{"train.py"}}, io.EOF)},
	} {
		var out bytes.Buffer
		if err := Write(&out, "json", p); err != nil {
			t.Fatal(err)
		}
		schematest.Holds(t, schema, name, out.Bytes())
	}
}

// TestPicture holds that every curve can be drawn: without a number, of one step, and of more than a picture shows.
func TestPicture(t *testing.T) {
	long := prove.Curve{Name: "long"}
	for i := range 100_000 {
		long.Steps, long.Rates, long.Losses = append(long.Steps, float64(i)), append(long.Rates, 1), append(long.Losses, float64(i%97))
	}
	long.Losses[70_000] = 5000
	none := math.NaN()
	for name, curves := range map[string][]prove.Curve{
		"none":   nil,
		"unseen": {{Name: "unseen", Steps: prove.Numbers{1, 2}, Rates: prove.Numbers{0.1, 0.1}, Losses: prove.Numbers{none, math.Inf(1)}}, {Name: "<empty>"}},
		"one":    {{Name: "one", Steps: prove.Numbers{1}, Rates: prove.Numbers{0}, Losses: prove.Numbers{-2}}},
		"long":   {long},
	} {
		var out bytes.Buffer
		if err := WritePicture(&out, &prove.Report{Curves: curves}); err != nil {
			t.Fatal(err)
		}
		if out.Len() > 60_000 || strings.Contains(out.String(), "NaN") || strings.Contains(out.String(), "Inf") {
			t.Errorf("%s: %d bytes", name, out.Len())
		}
		if err := xml.Unmarshal(out.Bytes(), new(struct{})); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	if thin := long.Thinned(); len(thin.Steps) > 1000 || !containsNumber(thin.Losses, 5000) {
		t.Errorf("%d points, or the outlier is lost", len(thin.Steps))
	}
}

func containsNumber(all prove.Numbers, want float64) bool {
	for _, v := range all {
		if v == want {
			return true
		}
	}
	return false
}
