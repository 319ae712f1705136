package proof

import (
	"context"
	"fmt"
	"regexp"
	"strings"
)

// The kinds of property.
const (
	kindRepeat = "repeat"
	kindResume = "resume"
	kindKill   = "kill"
	kindRun    = "run"
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

// answer asks a program with the given files for one property.
func answer(ctx context.Context, p *Program, files map[string]string, kind string, property *Property) (string, error) {
	switch kind {
	case kindRun:
		return run(ctx, p, files, property)
	case kindRepeat, kindResume, kindKill:
		return "", fmt.Errorf("%s: not built yet", kind)
	}
	return "", fmt.Errorf("there is no property %q", kind)
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
