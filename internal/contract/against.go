package contract

import (
	"cmp"
	"context"
	"fmt"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"github.com/bmatcuk/doublestar/v4"

	"github.com/ckpt-lsp/ckpt-lsp/internal/checkpoint"
	"github.com/ckpt-lsp/ckpt-lsp/internal/project"
	"github.com/ckpt-lsp/ckpt-lsp/internal/pyast"
	"github.com/ckpt-lsp/ckpt-lsp/internal/text"
	"github.com/ckpt-lsp/ckpt-lsp/internal/training"
)

// Fit is what a load of a program does with a checkpoint that is at hand.
type Fit struct {
	Load Site `json:"load"`
	// Named says that the load reads a file of the checkpoint's name; otherwise it may.
	Named bool     `json:"named"`
	Keys  []FitKey `json:"keys"`
	// Unseen says that keys may be read out of sight.
	Unseen bool `json:"unseen,omitempty"`
	// Refused is why torch.load refuses the file there, "" where it does not.
	Refused string `json:"refused,omitempty"`
	// Advice is what to do about names that do not fit.
	Advice []string `json:"advice"`
}

// FitKey is a key that the checkpoint has, or that the load wants.
type FitKey struct {
	Name string `json:"name"`
	// State is restored, read, left, unknown, missing (the load fails) or optional (it does without).
	State    string `json:"state"`
	Restored string `json:"restored,omitempty"`
	// Strict says that load_state_dict is told to raise on names that do not match.
	Strict bool  `json:"strict,omitempty"`
	Bytes  int64 `json:"bytes"`
	// Nearest is a key that the checkpoint has in the place of a missing one.
	Nearest string `json:"nearest,omitempty"`
	// Note is what becomes of the names below it.
	Note string `json:"note,omitempty"`
}

// Misfits reports whether the load fails, or loads nothing of what it restores.
func (f Fit) Misfits() bool {
	return f.Refused != "" || len(f.Advice) > 0 || slices.ContainsFunc(f.Keys, func(k FitKey) bool { return k.State == "missing" })
}

// Policy is what a way to keep checkpoints takes on the disk.
type Policy struct {
	Save Site `json:"save"`
	// Files are those of the planned training, or of so many epochs as were asked for; Planned says where the number is from.
	Files   int64  `json:"files"`
	Planned string `json:"planned"`
	// Bytes of all whole checkpoints, of the models alone, of the last three, of the best and the last, and of the best as a model, the last
	// three and every tenth, as the fix for checkpoints that pile up keeps them.
	All   int64 `json:"all"`
	Model int64 `json:"model_only"`
	Last  int64 `json:"last_3"`
	Best  int64 `json:"best_and_last"`
	Some  int64 `json:"best_last_3_every_10th"`
}

// Plan is how long is trained where the program does not say; 0 is unknown. Steps count where a program saves by steps.
type Plan struct{ Epochs, Steps int64 }

// lastKept is how many of the last are kept where only these are.
const lastKept = 3

// Against tells what the loads of a program do with a checkpoint, those of its name alone where there are such, and what keeping checkpoints of
// its size takes over a plan.
func Against(ctx context.Context, w *project.Workspace, p *project.Program, paths []string, c *checkpoint.Checkpoint, plan Plan, o Options) ([]Fit, []Policy, error) {
	var all []*training.File
	err := project.NewIndex(w).Visit(ctx, p, paths, func(f *training.File) {
		if o.Tests || !f.Test() {
			all = append(all, f)
		}
	})
	slices.SortFunc(all, func(a, b *training.File) int { return strings.Compare(a.Path, b.Path) })
	a := against{c: c, contents: c.Contents(), weights: c.WeightsOnly(), show: o.Show}
	var fits []Fit
	for _, f := range all {
		agreements := f.Agreements()
		for _, l := range f.Loads() {
			agreed := training.Agreement{Load: l} // of a load that reads no key there is none
			if i := slices.IndexFunc(agreements, func(x training.Agreement) bool { return x.Load != nil && x.Load.Node == l.Node }); i >= 0 {
				agreed = agreements[i]
			}
			if !l.Path.Buffer && (len(agreed.Keys) > 0 || len(l.Restores) > 0) {
				fits = append(fits, a.fit(agreed))
			}
		}
	}
	if slices.ContainsFunc(fits, func(f Fit) bool { return f.Named }) {
		fits = slices.DeleteFunc(fits, func(f Fit) bool { return !f.Named })
	}
	fits = once(fits, func(f Fit) Site { return f.Load })
	var policies []Policy
	for _, f := range all {
		for _, s := range f.Saves() {
			if p, ok := a.policy(s, plan); ok {
				policies = append(policies, p)
			}
		}
	}
	return fits, once(policies, func(p Policy) Site { return p.Save }), err
}

// once leaves one of each place.
func once[T any](all []T, at func(T) Site) []T {
	out := []T{}
	for _, x := range all {
		if !slices.ContainsFunc(out, func(o T) bool { return at(o) == at(x) }) {
			out = append(out, x)
		}
	}
	return out
}

// against compares one checkpoint with loads.
type against struct {
	c        *checkpoint.Checkpoint
	contents *checkpoint.Contents
	weights  checkpoint.WeightsOnly
	show     func(string) string
}

func (a *against) fit(agreed training.Agreement) Fit {
	l := agreed.Load
	m := siteMaker{file: l.Run.File, show: a.show, lines: map[*pyast.Tree]*text.LineIndex{}}
	f := Fit{Load: *m.at(l.Node, fileLabel(l.Path, l.Node)), Named: named(l.Path, a.c.Path), Unseen: l.Opaque, Keys: []FitKey{}, Advice: []string{}, Refused: a.refused(l)}
	root := a.c.Root
	if root == nil {
		return f
	}
	seen := map[string]bool{}
	wanted := map[string]training.AgreedKey{}
	for _, k := range agreed.Keys {
		wanted[k.Name] = k
	}
	var whole *training.Restore
	for _, x := range l.Restores {
		if x.Key == "" && !x.Absent {
			whole = x
		}
	}
	if whole != nil && whole.Object != nil {
		a.whole(&f, whole)
		return f
	}
	var names []string
	for _, n := range root.Children {
		seen[n.Key] = true
		names = append(names, n.Key)
		f.Keys = append(f.Keys, a.key(&f, n, wanted[n.Key]))
	}
	for _, k := range agreed.Keys {
		if seen[k.Name] || !k.Read.Valid() && k.Restored == nil {
			continue
		}
		missing := FitKey{Name: k.Name, State: "missing", Nearest: text.Nearest(k.Name, names)}
		if k.Optional {
			missing.State = "optional"
		}
		f.Keys = append(f.Keys, missing)
	}
	return f
}

// key is what becomes of a key that the checkpoint has.
func (a *against) key(f *Fit, n *checkpoint.Node, k training.AgreedKey) FitKey {
	out := FitKey{Name: n.Key, Bytes: n.Bytes()}
	switch {
	case k.Restored != nil:
		out.State, out.Strict = "restored", k.Restored.Strict
		out.Restored = cmp.Or(k.Restored.Recv.Text(), "the generator")
		out.Note = a.names(f, n, k.Restored)
	case k.Read.Valid():
		out.State = "read"
	case f.Unseen:
		out.State = "unknown"
	default:
		out.State = "left"
	}
	return out
}

// whole is a load that restores one object from all of the file.
func (a *against) whole(f *Fit, x *training.Restore) {
	k := FitKey{Name: "", State: "restored", Restored: x.Recv.Text(), Strict: x.Strict, Bytes: a.c.Root.Bytes()}
	if model := a.contents.Has(checkpoint.Model); x.Object.Kind == training.Model && model != nil && model.Nodes[0] != a.c.Root && model.Nodes[0].Path() != "" && !strings.Contains(model.Nodes[0].Path(), "/") {
		k.Note = "the file is a dict, and its model stands under a key"
		f.Advice = append(f.Advice, fmt.Sprintf("restore it from checkpoint[%q]: all of the file is handed to %s.load_state_dict", model.Nodes[0].Path(), x.Recv.Text()))
	} else {
		k.Note = a.names(f, a.c.Root, x)
	}
	f.Keys = append(f.Keys, k)
}

// names compares the prefixes that the file's names have with the wrapper that the object stands in.
func (a *against) names(f *Fit, n *checkpoint.Node, x *training.Restore) string {
	if x.Object == nil || x.Object.Kind != training.Model && x.Object.Kind != training.Averaged {
		return ""
	}
	var names []string
	for _, c := range n.Children {
		names = append(names, c.Key)
	}
	prefixes := checkpoint.Prefixes(names)
	if x.Load != nil && !plain(x) {
		return "the names are changed on the way"
	}
	wrapping := x.Run.File.WrappingOf(x)
	has := slices.Contains(prefixes, "module.")
	others := slices.DeleteFunc(slices.Clone(prefixes), func(p string) bool { return p == "module." })
	model := x.Recv.Text()
	failing := "strict=False loads nothing and says nothing"
	if x.Strict {
		failing = "load_state_dict raises with every name missing"
	}
	switch {
	case wrapping == training.Bare && len(prefixes) > 0:
		f.Advice = append(f.Advice, fmt.Sprintf("strip %s from the names: `%s` is not wrapped, and %s", strings.Join(prefixes, ", "), model, failing))
		return "names begin with " + strings.Join(prefixes, "")
	case wrapping == training.Wrapped && !has && len(names) > 0:
		f.Advice = append(f.Advice, fmt.Sprintf("load into `%s.module`: `%s` is wrapped, the names in the file have no module., and %s", model, model, failing))
		return "names lack module."
	case wrapping == training.Wrapped && len(others) > 0:
		return "names hold " + strings.Join(others, ", ")
	}
	return ""
}

// plain reports whether a restore is handed what stands in the file, without a change of names between.
func plain(x *training.Restore) bool {
	if _, _, ok := x.Source.KeyRead(); ok {
		return true
	}
	return x.Key == "" && slices.ContainsFunc(x.Load.Result.Alternatives(), x.Source.MaySame)
}

// refused is why torch.load refuses the file.
func (a *against) refused(l *training.LoadSite) string {
	if !a.weights.Applies || len(a.weights.Refused) == 0 || l.Trusting() || l.AllowsGlobals() || !strings.HasPrefix(l.Entry.Name, "torch.load") {
		return ""
	}
	r := a.weights.Refused[0]
	where := ""
	if len(r.Keys) > 0 {
		where = " at " + r.Keys[0]
	}
	given, hidden := l.WeightsOnly()
	switch {
	case hidden:
		return ""
	case given.Valid():
		return fmt.Sprintf("weights_only=True refuses %s%s", r.What, where)
	}
	return fmt.Sprintf("from torch 2.6 on, weights_only is True where it is not given, and refuses %s%s", r.What, where)
}

// named reports whether a load's name fits a file's.
func named(p *training.Path, file string) bool {
	if p == nil || !p.Known {
		return false
	}
	fits, err := doublestar.Match(path.Base(p.Pattern), filepath.Base(file))
	return err == nil && fits && strings.Trim(path.Base(p.Pattern), "*") != ""
}

// policy is what the files of a save take where each has another name.
func (a *against) policy(s *training.SaveSite, plan Plan) (Policy, bool) {
	if s.Foreign || s.Loop == nil || s.Path.Buffer || len(s.Path.Progress) == 0 {
		return Policy{}, false
	}
	loop := s.Counted()
	period := s.Period(loop)
	rounds, known := loop.RoundsByDefault()
	unit, asked := "epochs", plan.Epochs
	if !loop.Epoch() {
		unit, asked = "steps", plan.Steps
	}
	p := Policy{Planned: fmt.Sprintf("%d %s in the program", rounds, unit)}
	switch {
	case period.Rhythm != training.Regular || period.Every < 1:
		return Policy{}, false
	case asked > 0:
		rounds, p.Planned = asked, fmt.Sprintf("%d %s, as asked", asked, unit)
	case !known:
		return Policy{}, false
	}
	m := siteMaker{file: s.Run.File, show: a.show, lines: map[*pyast.Tree]*text.LineIndex{}}
	p.Save = *m.at(s.Node, fileLabel(s.Path, s.Node))
	p.Files = max(1, rounds/period.Every)
	model := int64(0)
	if c := a.contents.Has(checkpoint.Model); c != nil {
		for _, n := range c.Nodes {
			model += n.Bytes()
		}
	}
	p.All, p.Model, p.Last, p.Best = p.Files*a.c.Size, p.Files*model, min(p.Files, lastKept)*a.c.Size, min(p.Files, 2)*a.c.Size
	p.Some = model + (min(p.Files, lastKept)+(max(0, p.Files-lastKept)+9)/10)*a.c.Size
	return p, true
}
