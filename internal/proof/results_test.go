package proof

import (
	"bytes"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/ckpt-lsp/ckpt-lsp/internal/prove"
)

var update = flag.Bool("update", false, "write the results of the proof suite, and docs/proof.md from them, anew")

const page = "../../docs/proof.md"

// result is what a program's answers to one property came to.
type result struct {
	Flawed string `json:"flawed"`
	Fixed  string `json:"fixed"`
}

// results are those of one version of PyTorch, by program and kind of property.
type results struct {
	sync.Mutex
	torch string
	of    map[string]map[string]result
}

// note keeps what was said: of the flawed program what was expected of it, of the fixed one the verdict.
func (r *results) note(program, kind, stage, said string, property *Property) {
	r.Lock()
	defer r.Unlock()
	if r.of[program] == nil {
		r.of[program] = map[string]result{}
	}
	now := r.of[program][kind]
	switch stage {
	case "flawed":
		now.Flawed = steady(lineOf(said, property.Flawed))
	case "fixed":
		now.Fixed = steady(lineOf(said, property.Fixed))
	}
	r.of[program][kind] = now
}

// noteEach keeps what a program said as written, and what became of it.
func (r *results) noteEach(program, written, fixed string) {
	r.Lock()
	defer r.Unlock()
	r.of[program] = map[string]result{kindEach: {written, fixed}}
}

// lineOf is the line in which an expression begins to match, the last line where there is none.
func lineOf(said, expression string) string {
	said = strings.TrimSpace(said)
	if expression != "" {
		if at := regexp.MustCompile("(?m)" + expression).FindStringIndex(said); at != nil {
			line, _, _ := strings.Cut(said[strings.LastIndex(said[:at[0]], "\n")+1:], "\n")
			return strings.TrimSpace(line)
		}
	}
	return said[strings.LastIndex(said, "\n")+1:]
}

// minor is the version that results are kept under: "2.6" of "2.6.0+debian".
func minor(version string) string {
	parts := strings.SplitN(version, ".", 3)
	return strings.Join(parts[:min(2, len(parts))], ".")
}

func resultsFile(version string) string {
	return filepath.Join(programs, "results", minor(version)+".json")
}

// write adds the results of this run to those that are kept, and drops those of programs that are gone.
func (r *results) write(all []*Program) error {
	kept, err := readResults(resultsFile(r.torch))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	out := map[string]map[string]result{}
	for _, p := range all {
		if of, ok := r.of[p.Name]; ok {
			out[p.Name] = of
		} else if of, ok := kept[p.Name]; ok {
			out[p.Name] = of
		}
	}
	data, err := json.MarshalIndent(out, "", " ")
	if err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(resultsFile(r.torch)), 0o755); err != nil {
		return err
	}
	return os.WriteFile(resultsFile(r.torch), append(data, '\n'), 0o644)
}

func readResults(file string) (out map[string]map[string]result, err error) {
	data, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	return out, json.Unmarshal(data, &out)
}

// TestPage holds docs/proof.md to the programs and their kept results, and every program to have been proven with some version.
func TestPage(t *testing.T) {
	all, err := allPrograms()
	if err != nil {
		t.Fatal(err)
	}
	files, err := filepath.Glob(filepath.Join(programs, "results", "*.json"))
	if err != nil {
		t.Fatal(err)
	}
	versions := map[string]map[string]map[string]result{}
	for _, file := range files {
		if versions[strings.TrimSuffix(filepath.Base(file), ".json")], err = readResults(file); err != nil {
			t.Fatal(err)
		}
	}
	want := writePage(t, all, versions)
	if *update {
		if err := os.WriteFile(page, want, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	got, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Errorf("%s is not what the programs and their results make: run go test ./internal/proof -run TestPage -update", page)
	}
}

const pageHead = `# What is proven

Every fix that ckpt-lsp writes is run. A program of this page has a flaw; it is shown to have it under a real PyTorch, its fixes are
applied through the language server as an editor applies them, and the fixed program is shown to be without it. Where a program is
to resume or to repeat itself, that means **bit for bit**: the same losses, the same parameters, the same state of the optimizer
after every step (` + "`ckpt-lsp prove`" + ` compares them), and a checkpoint that loads with ` + "`weights_only=True`" + `.

A program of the property "each" has a known mistake, or none: all safe fixes that it is offered are made together, and each fix is
made alone, and the program says what it said before, or what its file states instead.

A full training checkpoint loads with ` + "`weights_only=True`" + ` from torch 2.4 on. With older versions it has to be loaded with
` + "`weights_only=False`" + `, or without the argument, and there only the resume itself is held to be exact.

Process groups are kept until their process ends. A script whose DistributedDataParallel outlives ` + "`destroy_process_group`" + ` may hang
at its end now and then (seen under torch 1.13 with gloo: the group waits for its thread while it holds the lock that the thread
wants), and that is no doing of a fix.

Run it again (a few minutes on two cores; CKPT_PROOF_PYTHON names another interpreter than ` + "`/usr/bin/python3`" + `):

` + "```sh" + `
CKPT_PROOF=1 go test ./internal/proof -run TestProof -timeout 30m            # everything
CKPT_PROOF=1 go test ./internal/proof -run TestProof/scenario_1 -v           # one program
CKPT_PROOF=1 go test ./internal/proof -run TestProof -timeout 30m -update && go test ./internal/proof -run TestPage -update
` + "```" + `

The programs are the files of ` + "`testdata/proof`" + ` and those that ` + "`internal/proof/matrix.go`" + ` generates. Each row says what the flawed
program was found to do and what became of it; "exit status 0" is that of a script which checks. This page is made from the
results of the last runs: do not edit it.

`

func writePage(t *testing.T, all []*Program, versions map[string]map[string]map[string]result) []byte {
	var b bytes.Buffer
	b.WriteString(pageHead)
	names := slices.Sorted(maps.Keys(versions))
	proven := 0
	var rows bytes.Buffer
	for _, p := range all {
		claim := p.Claim
		if claim == "" {
			claim = "A generated program: " + strings.ReplaceAll(p.Name, "_", ", ") + "."
		}
		found := false
		for _, kind := range p.kinds() {
			row := fmt.Sprintf("| `%s` | %s | %s | %s |", p.Name, escape(claim), kind, mending(p))
			for _, v := range names {
				r, ok := versions[v][p.Name][kind]
				if !ok {
					why := "not run"
					if !prove.AtLeast(v, p.Torch) {
						why = "needs torch " + p.Torch
					}
					row += " " + why + " |"
					continue
				}
				found = true
				row += fmt.Sprintf(" %s → **%s** |", escape(r.Flawed), escape(r.Fixed))
			}
			fmt.Fprintln(&rows, row)
		}
		if !found {
			t.Errorf("%s has no result: run it with CKPT_PROOF=1 and -update", p.Name)
			continue
		}
		proven++
	}
	fmt.Fprintf(&b, "%d programs.\n\n| program | what it shows | property | rules and rewrites |", proven)
	for _, v := range names {
		fmt.Fprintf(&b, " torch %s: as written → **fixed** |", v)
	}
	b.WriteString("\n|---|---|---|---|" + strings.Repeat("---|", len(names)) + "\n")
	b.Write(sortedLines(rows.String()))
	return b.Bytes()
}

// mending names what is done to a program.
func mending(p *Program) string {
	var out []string
	if p.Each != nil {
		out = append(out, "whatever is offered")
	}
	for _, rule := range p.Fix {
		out = append(out, "`"+rule+"`")
	}
	for _, r := range p.Rewrites {
		out = append(out, "*"+r.Title+"*")
	}
	return strings.Join(out, " ")
}

// sortedLines puts the rows of one program, whose properties come in no order, in one.
func sortedLines(rows string) []byte {
	lines := slices.Collect(strings.Lines(rows))
	slices.Sort(lines)
	return []byte(strings.Join(lines, ""))
}

var (
	scratch = regexp.MustCompile(`/\S*?/(ckpt-lsp-prove-|proof-run-|proof-ask-)\d+/(run/)?`)
	address = regexp.MustCompile(`0x[0-9a-f]+`)
	port    = regexp.MustCompile(`(\[[0-9a-f.:]+\]|127\.0\.0\.1|localhost):\d+`) // gloo writes [127.0.0.1]:41352
)

// steady is what was said without what differs from run to run: the directory, addresses in memory, ports.
func steady(said string) string {
	said = scratch.ReplaceAllString(said, "")
	said = address.ReplaceAllString(said, "0x…")
	return port.ReplaceAllString(said, "$1:…")
}

// escape makes a text fit for a cell of a table.
func escape(text string) string {
	if r := []rune(text); len(r) > 160 {
		text = string(r[:157]) + "..."
	}
	return strings.NewReplacer("|", `\|`, "<", "&lt;", "*", `\*`).Replace(text)
}

// TestKeptResultsAreSteady holds that a kept result has nothing in it that the next run would change.
func TestKeptResultsAreSteady(t *testing.T) {
	files, err := filepath.Glob(filepath.Join(programs, "results", "*.json"))
	if err != nil || len(files) == 0 {
		t.Fatal(files, err)
	}
	for _, file := range files {
		kept, err := readResults(file)
		if err != nil {
			t.Fatal(err)
		}
		for program, of := range kept {
			for kind, r := range of {
				if steady(r.Flawed) != r.Flawed || steady(r.Fixed) != r.Fixed {
					t.Errorf("%s: %s, %s: %+v", file, program, kind, r)
				}
			}
		}
	}
}

func TestSteady(t *testing.T) {
	for said, want := range map[string]string{
		"Connection closed by peer [127.0.0.1]:41352": "Connection closed by peer [127.0.0.1]:…",
		"connect to localhost:29500 and 127.0.0.1:80": "connect to localhost:… and 127.0.0.1:…",
		"open /tmp/proof-run-123/run/last.pt":         "open last.pt",
		"<Net object at 0x7f00ab>":                    "<Net object at 0x…>",
		"pair.cc:598, step 13: loss 0.5":              "pair.cc:598, step 13: loss 0.5",
	} {
		if got := steady(said); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}
