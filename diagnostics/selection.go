package diagnostics

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
)

// Selector names one rule, a family of rules or all of them.
type Selector struct {
	// rule is set for a code or a name; otherwise prefix is the beginning of the codes, "CKP" for all.
	rule   *Rule
	prefix string
	among  *Registry
}

const allRules = "CKP"

var familyPattern = regexp.MustCompile(`(?i)^CKP([0-9])?(?:xx)?$`)

// Selector reads a code ("CKP101"), a name ("missing-optimizer-state"), a family that has a rule ("CKP1", "CKP1xx") or "ALL".
func (g *Registry) Selector(ref string) (Selector, error) {
	if strings.EqualFold(ref, "ALL") {
		return Selector{prefix: allRules, among: g}, nil
	}
	if m := familyPattern.FindStringSubmatch(ref); m != nil {
		s := Selector{prefix: allRules + m[1], among: g}
		if len(s.Rules()) == 0 {
			return Selector{}, fmt.Errorf("%q %s", ref, g.emptyFamily())
		}
		return s, nil
	}
	if r := g.Lookup(ref); r != nil {
		return Selector{rule: r, among: g}, nil
	}
	hint := "`ckpt-lsp rules` lists them"
	if near := g.Nearest(ref); near != "" {
		hint = fmt.Sprintf("did you mean %q?", near)
	}
	return Selector{}, fmt.Errorf("unknown rule %q (valid: a code as CKP101, a name, a family as CKP1, ALL); %s", ref, hint)
}

// Selects reports whether the rule is among those named.
func (s Selector) Selects(r *Rule) bool {
	if s.rule != nil {
		return s.rule == r
	}
	return s.prefix != "" && strings.HasPrefix(r.Code, s.prefix)
}

// Rules are those that the selector names.
func (s Selector) Rules() []*Rule {
	return slices.DeleteFunc(s.among.Rules(), func(r *Rule) bool { return !s.Selects(r) })
}

// String is the reference that means the selector.
func (s Selector) String() string {
	switch {
	case s.rule != nil:
		return s.rule.Code
	case s.prefix == allRules:
		return "ALL"
	}
	return s.prefix
}

// weight orders selectors: the more precise wins.
func (s Selector) weight() int {
	if s.rule != nil {
		return len("CKP101")
	}
	return len(s.prefix)
}

// Selection says which rules run. Where Select and Ignore both name a rule the more precise of the two wins (a rule over its
// family, a family over ALL), and Ignore on a tie.
type Selection struct {
	// Select is empty for every rule that is not off by default.
	Select []Selector
	// ExtendSelect names rules that run besides those.
	ExtendSelect []Selector
	Ignore       []Selector
	// Last is what a command line or an editor adds: where its ExtendSelect is more precise than its Ignore, the rule runs whatever
	// Select and Ignore of the configuration say.
	Last Extension
	// Severity overrides rules' own. Off drops a rule; any other severity also turns on a rule that is off by default.
	Severity map[*Rule]Severity
}

// Extension adds rules to a selection and takes rules from it.
type Extension struct{ ExtendSelect, Ignore []Selector }

// Of is the severity the rule runs with; ok is false if it does not run. A rule that is off by default runs when its code or
// name is selected, or ALL, but not with its family.
func (s Selection) Of(r *Rule) (severity Severity, ok bool) {
	severity, overridden := s.Severity[r]
	if !overridden {
		severity = r.Severity
	}
	selected, ignored := max(heaviest(s.Select, r), heaviest(s.ExtendSelect, r)), heaviest(s.Ignore, r)
	if len(s.Select) == 0 {
		selected = max(selected, byDefault)
	}
	added, taken := heaviest(s.Last.ExtendSelect, r), heaviest(s.Last.Ignore, r)
	if added > taken {
		selected, ignored = added, 0
	}
	if selected == 0 || max(ignored, taken) >= selected || overridden && severity == Off {
		return Off, false
	}
	if severity == Off {
		if all := (Selector{prefix: allRules}); selected != all.weight() && selected != (Selector{rule: r}).weight() {
			return Off, false
		}
		severity = Hint
	}
	return severity, true
}

// byDefault is the weight with which every rule is named where no rule is.
const byDefault = 1

func heaviest(selectors []Selector, r *Rule) int {
	weight := 0
	for _, s := range selectors {
		if s.Selects(r) {
			weight = max(weight, s.weight())
		}
	}
	return weight
}
