package proof

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
)

// Each asks for every fix that a program is offered: all safe ones together, and each one alone. The program is run as written and
// after them, and says the same, or what is expected instead.
type Each struct {
	// Commands are what is run, as those of a Property.
	Commands [][]string `toml:"commands"`
	// Written is a regular expression that matches what the program says as written. Safe is the same of the program after its safe
	// fixes; where it is "", it says the same to the letter.
	Written string `toml:"written"`
	Safe    string `toml:"safe"`
	// Alone are expressions, by the rule's name, for programs that its fix alone makes say something else.
	Alone map[string]string `toml:"alone"`
	// None says that no safe fix may be offered.
	None bool `toml:"none"`
}

// standIns is the folder of what stands in for packages that are not installed: no part of the program that is fixed.
const standIns = "stand_ins/"

// variant is a program after some of its fixes.
type variant struct {
	// what says which fixes, and rules whose.
	what  string
	rules []string
	files map[string]string
}

// fixedOnes are the programs that the safe fixes together, and every fix alone, make of a program.
func fixedOnes(ctx context.Context, p *Program) (safe *variant, alone []variant, err error) {
	e, done, err := opened(ctx, p)
	if err != nil {
		return nil, nil, err
	}
	if offered, err := e.all(); err != nil {
		return nil, nil, err
	} else if len(offered) > 0 {
		alone = make([]variant, len(offered))
	}
	if err := e.fixAll(); err == nil {
		safe = &variant{what: "the safe fixes", files: e.files(p)}
	} else if err != errNothing {
		return nil, nil, err
	}
	done()
	for i := range alone {
		e, done, err := opened(ctx, p)
		if err != nil {
			return nil, nil, err
		}
		offered, err := e.all()
		if err == nil && i >= len(offered) {
			err = fmt.Errorf("%d fixes are offered, and then %d", len(alone), len(offered))
		}
		if err == nil {
			err = e.apply(offered[i])
		}
		if err != nil {
			return nil, nil, err
		}
		var rules []string
		for _, f := range offered[i].Diagnostics {
			if rule, err := ruleNamed(f.Code); err == nil && !slices.Contains(rules, rule.Name) {
				rules = append(rules, rule.Name)
			}
		}
		alone[i] = variant{offered[i].Title, rules, e.files(p)}
		done()
	}
	return safe, alone, nil
}

// opened is an editor that has the program's files open and knows all findings in them. done ends it.
func opened(ctx context.Context, p *Program) (e *editor, done func(), err error) {
	ctx, cancel := context.WithCancel(ctx)
	dir, err := os.MkdirTemp("", "proof-fix-")
	done = func() {
		cancel()
		os.RemoveAll(dir)
	}
	if err == nil {
		err = write(dir, p.Files)
	}
	if err == nil {
		e, err = start(ctx, dir)
	}
	if err != nil {
		done()
		return nil, nil, err
	}
	for _, name := range slices.Sorted(maps.Keys(p.Files)) {
		if strings.HasSuffix(name, ".py") && !strings.HasPrefix(name, standIns) {
			err = e.open(name, p.Files[name])
		}
	}
	if err == nil {
		err = e.settle()
	}
	if err != nil {
		done()
		return nil, nil, err
	}
	return e, done, nil
}

// all are the different fixes that are offered for the findings, in the order of their places.
func (e *editor) all() ([]action, error) {
	var out []action
	seen := map[string]bool{}
	for _, uri := range slices.Sorted(maps.Keys(e.docs)) {
		for _, f := range e.docs[uri].findings {
			offered, err := e.actions(uri, f.Range, "quickfix")
			if err != nil {
				return nil, err
			}
			for _, a := range offered {
				edit, err := json.Marshal(a.Edit)
				if err != nil {
					return nil, err
				}
				if mends(a, f.Code) && !seen[string(edit)] {
					seen[string(edit)] = true
					out = append(out, a)
				}
			}
		}
	}
	return out, nil
}

// files are the program's, as the editor has them.
func (e *editor) files(p *Program) map[string]string {
	out := maps.Clone(p.Files)
	for _, d := range e.docs {
		out[d.name] = string(d.text)
	}
	return out
}
