package proof

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"maps"
	"os"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/spf13/pflag"

	"github.com/ckpt-lsp/ckpt-lsp/internal/prove"
)

// The kinds of property.
const (
	kindRepeat = "repeat"
	kindResume = "resume"
	kindKill   = "kill"
	kindRun    = "run"
	kindEach   = "each"
)

// properties are what a program is to be asked, by kind.
func (p *Program) properties() map[string]*Property {
	out := map[string]*Property{}
	for kind, property := range map[string]*Property{kindRepeat: p.Repeat, kindResume: p.Resume, kindKill: p.Kill, kindRun: p.Run} {
		if property != nil {
			out[kind] = property
		}
	}
	return out
}

// kinds are those of the questions to a program.
func (p *Program) kinds() []string {
	if p.Each != nil {
		return []string{kindEach}
	}
	return slices.Sorted(maps.Keys(p.properties()))
}

// answer asks a program with the given files for one property.
func answer(ctx context.Context, p *Program, files map[string]string, kind string, property *Property) (string, error) {
	switch kind {
	case kindRun:
		return run(ctx, p, files, property)
	case kindRepeat, kindResume, kindKill:
		return ask(ctx, p, files, prove.Question(kind), property)
	}
	return "", fmt.Errorf("there is no property %q", kind)
}

// zygote starts all scripts but those that are to repeat; nil starts programs.
var zygote *prove.Zygote

// proveLimit is how long one run under prove may take. A run that hangs is ended then.
const proveLimit = 2 * time.Minute

// ask asks prove. What it says ends in a line "proven" or "not proven"; before it stand the differences and the rules that tell of them.
func ask(ctx context.Context, p *Program, files map[string]string, question prove.Question, property *Property) (string, error) {
	dir, err := os.MkdirTemp("", "proof-ask-")
	if err != nil {
		return "", err
	}
	defer os.RemoveAll(dir)
	if err := write(dir, files); err != nil {
		return "", err
	}
	var o prove.Options
	flags := pflag.NewFlagSet("prove", pflag.ContinueOnError)
	o.AddFlags(flags)
	if err := flags.Parse(property.Args); err != nil {
		return "", err
	}
	o.Command, o.Dir, o.Python, o.Timeout, o.Ranks = p.script(), dir, interpreter(), proveLimit, p.Ranks
	o.Questions = []prove.Question{question}
	if question != prove.Repeat {
		o.Zygote = zygote
	}
	r, err := prove.Run(ctx, o)
	if err != nil {
		return "", err
	}
	var out strings.Builder
	for _, failed := range r.Failed {
		fmt.Fprintln(&out, failed)
	}
	if a := r.Repeat; a != nil {
		tell(&out, a.Differences)
	}
	if a := r.Resume; a != nil {
		fmt.Fprintln(&out, a.Unknown)
		tell(&out, a.Differences)
		if a.Refused != "" && prove.AtLeast(r.Torch, prove.FullCheckpoints) {
			fmt.Fprintln(&out, "weights_only=True refuses the checkpoint:", a.Refused)
			return out.String() + "not proven\n", nil
		}
	}
	if a := r.Kill; a != nil {
		for _, l := range a.Lost {
			fmt.Fprintln(&out, "killed", l.Moment+":", cmp.Or(l.Error, "no checkpoint is left"))
		}
		fmt.Fprintf(&out, "%s\n%d of %d kills left a checkpoint\nkept %s\n", strings.Join(slices.Concat(a.Removed, a.Shared), "\n"), a.Left, a.Kills, strings.Join(a.Kept, " "))
		if a.Refused != "" && prove.AtLeast(r.Torch, prove.FullCheckpoints) {
			fmt.Fprintln(&out, "weights_only=True refuses a checkpoint:", a.Refused)
			return out.String() + "not proven\n", nil
		}
	}
	if !r.Proven() {
		// Someone who asks prove is to be told of the rule that says so without running anything.
		if rules := r.Rules(); len(p.Fix) > 0 && r.Refuted() && !slices.ContainsFunc(p.Fix, func(rule string) bool { return slices.Contains(rules, rule) }) {
			return "", fmt.Errorf("prove names the rules %v, none of %v\n%s", rules, p.Fix, out.String())
		}
		return out.String() + "not proven\n", nil
	}
	return out.String() + "proven\n", nil
}

func tell(out io.Writer, ds []prove.Difference) {
	for _, d := range ds {
		fmt.Fprintln(out, d)
	}
}

// judge holds an answer to what is expected of the flawed or the fixed program.
func judge(kind, said string, property *Property, fixed bool) error {
	want := property.Flawed
	if fixed {
		want = property.Fixed
	}
	if !fixed && want == "" {
		return fmt.Errorf("flawed of %s does not say what is expected", kind)
	}
	if want == "" {
		good := "proven"
		if kind == kindRun {
			good = "exit status 0"
		}
		if lines := strings.Split(strings.TrimSpace(said), "\n"); lines[len(lines)-1] != good {
			return fmt.Errorf("want %q in the end of\n%s", good, said)
		}
		return nil
	}
	re, err := regexp.Compile("(?m)" + want)
	if err != nil {
		return err
	}
	if !re.MatchString(said) {
		return fmt.Errorf("want %q in\n%s", want, said)
	}
	return nil
}
