// Package proof runs flawed training programs and the programs that our fixes make of them under a real PyTorch, and holds each to
// what it promises. docs/proof.md is the table of what it proves.
package proof

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/pelletier/go-toml/v2"
	"golang.org/x/tools/txtar"
)

// Program is a flawed training program, and what is to be shown of it before and after its fixes.
type Program struct {
	// Name is unique. Claim says in a sentence what the program proves.
	Name  string `toml:"-"`
	Claim string `toml:"claim"`
	// Fix are the names of the rules that must report the program, and whose fixes make the fixed program, in this order. What the
	// fix-all action of the server does comes first if they hold "all".
	Fix []string `toml:"fix"`
	// Rewrites are made behind the fixes, in this order.
	Rewrites []Rewrite `toml:"rewrite"`
	// Scenario is a directory of testdata/scenarios whose train.py is among the files.
	Scenario string `toml:"scenario"`
	// Title picks, by a part of its title, one of several actions that a rule offers. The first is taken where it is "".
	Title string `toml:"title"`
	// Script is what is run, with its arguments: ["train.py", "--epochs", "4"] where it is empty.
	Script []string `toml:"script"`
	// Ranks is how many gloo processes run the script; 0 is one process without a group.
	Ranks int `toml:"ranks"`
	// Torch is the least version of PyTorch, "2.4", and Needs are the packages beside it, without which the program cannot be proven.
	Torch string   `toml:"torch"`
	Needs []string `toml:"needs"`
	// The properties that the fixed program has and the flawed one lacks. At least one is given.
	Repeat *Property `toml:"repeat"`
	Resume *Property `toml:"resume"`
	Kill   *Property `toml:"kill"`
	Run    *Property `toml:"run"`
	// Each is asked of programs that name no fixes: whatever is offered, the program still does what it did.
	Each *Each `toml:"each"`
	// Files are the program's sources by slash-separated name.
	Files map[string]string `toml:"-"`
}

// Rewrite is a refactoring that is asked for on a place, whether or not a rule reports it.
type Rewrite struct {
	// Title is how the server names it, without the consequences in parentheses.
	Title string `toml:"title"`
	// At is a text that stands once in File, train.py where that is "": the cursor is put in front of it.
	At   string `toml:"at"`
	File string `toml:"file"`
}

// Property is a question to a program and the answers expected before and after the fixes.
type Property struct {
	// Args are further arguments of `ckpt-lsp prove`: ["--resume-args", "--resume last.pt"].
	Args []string `toml:"args"`
	// Commands are what Run runs, one after the other in one directory, each a script with its arguments. A script's name may begin
	// with "2:" to run on two gloo ranks.
	Commands [][]string `toml:"commands"`
	// Flawed is a regular expression that matches what the flawed program's answer says: of Run, the standard output and error of all
	// commands, and the exit status in a last line "exit status N".
	Flawed string `toml:"flawed"`
	// Fixed is the same of the fixed program. Where it is "", the answer must be "proven", of Run exit status 0.
	Fixed string `toml:"fixed"`
}

// Load reads the programs of a directory of txtar files: proof.toml describes the program, the other files are its sources.
func Load(dir string) ([]*Program, error) {
	files, err := filepath.Glob(filepath.Join(dir, "*.txtar"))
	if err != nil {
		return nil, err
	}
	var out []*Program
	for _, file := range files {
		p, err := load(file)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", file, err)
		}
		out = append(out, p)
	}
	return out, nil
}

func load(file string) (*Program, error) {
	data, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	p := &Program{Name: strings.TrimSuffix(filepath.Base(file), ".txtar"), Files: map[string]string{}}
	described := false
	for _, f := range txtar.Parse(data).Files {
		if f.Name != "proof.toml" {
			p.Files[f.Name] = string(f.Data)
			continue
		}
		described = true
		if err := toml.NewDecoder(bytes.NewReader(f.Data)).DisallowUnknownFields().Decode(p); err != nil {
			return nil, fmt.Errorf("proof.toml: %w", err)
		}
	}
	if p.Scenario != "" {
		train, err := os.ReadFile(filepath.Join(filepath.Dir(file), "..", "scenarios", p.Scenario, "train.py"))
		if err != nil {
			return nil, err
		}
		p.Files["train.py"] = string(train)
	}
	if p.Each != nil && p.Each.Written == "" {
		return nil, fmt.Errorf("each does not say what the program says as written")
	}
	if !described || p.Claim == "" || (len(p.Fix)+len(p.Rewrites) == 0) == (p.Each == nil) || len(p.Files) == 0 || p.Each == nil && len(p.properties()) == 0 {
		return nil, fmt.Errorf("expected a proof.toml with claim, fix or rewrite, and a property, or with claim and each, and sources beside it")
	}
	return p, nil
}
