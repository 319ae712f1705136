package diagnostics

import (
	"errors"
	"slices"
	"strings"
	"testing"
)

func TestSelection(t *testing.T) {
	for name, c := range map[string]struct {
		selected, ignored []string
		extended          []string
		added, taken      []string // by a command line
		severity          map[*Rule]Severity
		want              map[*Rule]Severity // absent: does not run
	}{
		"default":                  {want: map[*Rule]Severity{badRule: Warning, worseRule: Error}},
		"all":                      {selected: []string{"ALL"}, want: map[*Rule]Severity{badRule: Warning, worseRule: Error, quietRule: Hint}},
		"family":                   {selected: []string{"ckp8xx", "CKP9"}, want: map[*Rule]Severity{badRule: Warning, worseRule: Error}},
		"name":                     {selected: []string{"quiet-call"}, want: map[*Rule]Severity{quietRule: Hint}},
		"ignore":                   {ignored: []string{"CKP801"}, want: map[*Rule]Severity{worseRule: Error}},
		"ignore family":            {ignored: []string{"CKP8"}, want: map[*Rule]Severity{}},
		"rule over family":         {selected: []string{"CKP801"}, ignored: []string{"CKP8"}, want: map[*Rule]Severity{badRule: Warning}},
		"family over all":          {selected: []string{"ALL"}, ignored: []string{"CKP8"}, want: map[*Rule]Severity{quietRule: Hint}},
		"ignore on a tie":          {selected: []string{"CKP801"}, ignored: []string{"bad-call"}, want: map[*Rule]Severity{}},
		"severity":                 {severity: map[*Rule]Severity{badRule: Information}, want: map[*Rule]Severity{badRule: Information, worseRule: Error}},
		"severity turns on":        {severity: map[*Rule]Severity{quietRule: Warning}, want: map[*Rule]Severity{badRule: Warning, worseRule: Error, quietRule: Warning}},
		"severity off":             {severity: map[*Rule]Severity{worseRule: Off}, want: map[*Rule]Severity{badRule: Warning}},
		"severity off, selected":   {selected: []string{"CKP802"}, severity: map[*Rule]Severity{worseRule: Off}, want: map[*Rule]Severity{}},
		"extended":                 {selected: []string{"CKP801"}, extended: []string{"CKP901"}, want: map[*Rule]Severity{badRule: Warning, quietRule: Hint}},
		"extended by default":      {extended: []string{"quiet-call"}, want: map[*Rule]Severity{badRule: Warning, worseRule: Error, quietRule: Hint}},
		"extended by a family":     {extended: []string{"CKP9"}, want: map[*Rule]Severity{badRule: Warning, worseRule: Error}},
		"extended, ignored":        {extended: []string{"CKP801"}, ignored: []string{"CKP801"}, want: map[*Rule]Severity{worseRule: Error}},
		"added at last":            {ignored: []string{"CKP801", "CKP802"}, added: []string{"CKP8"}, want: map[*Rule]Severity{badRule: Warning, worseRule: Error}},
		"added and taken":          {ignored: []string{"CKP8"}, added: []string{"CKP8"}, taken: []string{"CKP801"}, want: map[*Rule]Severity{worseRule: Error}},
		"taken at last":            {taken: []string{"CKP8"}, want: map[*Rule]Severity{}},
		"taken, selected":          {selected: []string{"CKP801"}, taken: []string{"CKP8"}, want: map[*Rule]Severity{badRule: Warning}},
		"severity is no selection": {selected: []string{"CKP801"}, severity: map[*Rule]Severity{worseRule: Hint}, want: map[*Rule]Severity{badRule: Warning}},
	} {
		s := Selection{Select: selectors(t, c.selected...), ExtendSelect: selectors(t, c.extended...), Ignore: selectors(t, c.ignored...), Severity: c.severity}
		s.Last = Extension{selectors(t, c.added...), selectors(t, c.taken...)}
		for _, r := range []*Rule{badRule, worseRule, quietRule} {
			want, runs := c.want[r]
			if severity, ok := s.Of(r); ok != runs || ok && severity != want {
				t.Errorf("%s: %s gets %v, %v, want %v, %v", name, r.Name, severity, ok, want, runs)
			}
		}
	}
}

func TestSelectorSuggests(t *testing.T) {
	for ref, want := range map[string]string{"bad-cal": `did you mean "bad-call"`, "CKP80": `did you mean "CKP80`, "zzzzzzzz": "ckpt-lsp rules", "ckp7xx": `"ckp7xx" is a family without a rule (families: CKP0, CKP8, CKP9)`} {
		if _, err := rules.Selector(ref); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", ref, err, want)
		}
	}
}

func TestCheckOrdersAndOverrides(t *testing.T) {
	file := parse(t, "worse()\nbad()\nworse(bad())\n")
	ds, err := Check(file, Options{Rules: rules, Selection: Selection{
		Select: selectors(t, "ALL"), Ignore: selectors(t, "CKP0"), Severity: map[*Rule]Severity{badRule: Information},
	}})
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, d := range ds {
		got = append(got, d.Rule.Code+" "+d.Severity.String())
	}
	want := []string{"CKP802 error", "CKP801 information", "CKP901 hint", "CKP802 error", "CKP801 information", "CKP901 hint"}
	if !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
	ds, _ = Check(file, Options{Rules: rules, Exempt: selectors(t, "CKP801")})
	if len(ds) != 2 {
		t.Errorf("%d findings with CKP801 exempt, want 2", len(ds))
	}
}

func TestCheckSurvivesPanics(t *testing.T) {
	ds, err := Check(parse(t, "explode()\nbad()\n"), Options{Rules: rules})
	var failed *RuleError
	if !errors.As(err, &failed) || failed.Rule.Name != "panics" || len(failed.Stack) == 0 {
		t.Errorf("error %v", err)
	}
	if len(ds) != 1 || ds[0].Rule != badRule {
		t.Errorf("findings %v", ds)
	}
}
