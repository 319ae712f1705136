package training

import (
	"math"
	"strings"

	"github.com/ckpt-lsp/ckpt-lsp/internal/pyast"
	"github.com/ckpt-lsp/ckpt-lsp/internal/pysem"
	"github.com/ckpt-lsp/ckpt-lsp/internal/torch"
)

const chained = ".ChainedScheduler"

// Schedule is the learning-rate schedule of a scheduler and the base rate of its optimizer, where the code states all numbers.
func (f *File) Schedule(o *Object) (s torch.Schedule, base float64, ok bool) {
	return scheduling{f, func(v *pysem.Value) *pysem.Value { return v }}.of(o)
}

// ScheduleByDefault is the same where every option has its default.
func (f *File) ScheduleByDefault(o *Object) (s torch.Schedule, base float64, ok bool) {
	return scheduling{f, f.byDefault}.of(o)
}

// scheduling reads schedules, with what a value is taken for.
type scheduling struct {
	*File
	taken func(*pysem.Value) *pysem.Value
}

func (f scheduling) of(o *Object) (s torch.Schedule, base float64, ok bool) {
	s, ok = f.schedule(o.Value, 0)
	if !ok {
		return nil, 0, false
	}
	base, ok = f.baseRate(o)
	return s, base, ok
}

func (f scheduling) schedule(v *pysem.Value, depth int) (torch.Schedule, bool) {
	v = v.Known()
	if v == nil || v.Kind != pysem.Call || depth > 3 {
		return nil, false
	}
	class := v.Callee()
	args := pysem.Args(v.Node)
	if args.May() {
		return nil, false
	}
	if strings.HasSuffix(class, ".SequentialLR") {
		return f.sequential(v, args, depth)
	}
	if strings.HasSuffix(class, chained) {
		parts, ok := f.schedules(args.Get(0, "schedulers"), v.Ctx, depth)
		return torch.Chained{Parts: parts}, ok
	}
	given := map[string]torch.Arg{}
	for i, name := range torch.Parameters(class) {
		n := args.Get(i+1, name)
		if !n.Valid() {
			continue
		}
		a, ok := f.constant(f.Eval.Eval(n, v.Ctx))
		if !ok {
			return nil, false
		}
		given[name] = a
	}
	return torch.NewSchedule(class, given)
}

func (f scheduling) sequential(v *pysem.Value, args pysem.ArgList, depth int) (torch.Schedule, bool) {
	milestones, ok := f.constant(f.Eval.Eval(args.Get(2, "milestones"), v.Ctx))
	if !ok {
		return nil, false
	}
	var s torch.Sequential
	s.Parts, ok = f.schedules(args.Get(1, "schedulers"), v.Ctx, depth)
	for _, m := range milestones.List {
		if m != math.Trunc(m) {
			return nil, false // torch passes it by and never starts the part's count
		}
		s.Milestones = append(s.Milestones, int(m))
	}
	return s, ok && len(s.Parts) == len(s.Milestones)+1
}

// schedules are those of a list of schedulers.
func (f scheduling) schedules(list pyast.Node, ctx *pysem.Ctx, depth int) (parts []torch.Schedule, ok bool) {
	v := f.Eval.Eval(list, ctx)
	if v.Kind != pysem.List && v.Kind != pysem.Tuple || v.Open {
		return nil, false
	}
	for _, e := range v.Elems {
		part, ok := f.schedule(e, depth+1)
		if !ok {
			return nil, false
		}
		parts = append(parts, part)
	}
	return parts, true
}

// constant reads a value as a scheduler argument.
func (f scheduling) constant(v *pysem.Value) (torch.Arg, bool) {
	v = f.taken(v)
	if x, ok := v.Number(); ok {
		return torch.Arg{Number: x}, true
	}
	switch v.Kind {
	case pysem.Bool:
		return torch.Arg{Bool: v.Int != 0}, true
	case pysem.Str:
		s, ok := v.Text()
		return torch.Arg{Text: s}, ok
	case pysem.List, pysem.Tuple:
		if v.Open {
			return torch.Arg{}, false
		}
		var a torch.Arg
		for _, e := range v.Elems {
			x, ok := f.taken(e).Number()
			if !ok {
				return torch.Arg{}, false
			}
			a.List = append(a.List, x)
		}
		return a, true
	}
	return torch.Arg{}, false
}

// baseRate is the initial learning rate of the optimizer that a scheduler was built on, where the code states it.
func (f scheduling) baseRate(o *Object) (float64, bool) {
	if !o.Call.Valid() {
		return 0, false
	}
	n, ctx := pysem.Args(o.Call).Get(0, "optimizer"), o.Ctx
	if strings.HasSuffix(o.Class, chained) {
		n, ctx = f.scheduled(o.Value, 0)
	}
	if !n.Valid() {
		return 0, false
	}
	opt := f.Object(f.Eval.Eval(n, ctx), n.Text())
	if opt == nil || opt.Kind != Optimizer || !opt.Call.Valid() || opt.Guessed {
		return 0, false
	}
	lr := pysem.Args(opt.Call).Get(1, "lr")
	if !lr.Valid() {
		return 0, false
	}
	return f.taken(f.Eval.Eval(lr, opt.Ctx)).Number()
}

// scheduled is the optimizer that a scheduler's construction names; of a chain, that of its first part, as it has that of all.
func (f *File) scheduled(v *pysem.Value, depth int) (pyast.Node, *pysem.Ctx) {
	v = v.Known()
	if v == nil || v.Kind != pysem.Call || depth > 3 {
		return pyast.Node{}, nil
	}
	args := pysem.Args(v.Node)
	if !strings.HasSuffix(v.Callee(), chained) {
		return args.Get(0, "optimizer"), v.Ctx
	}
	parts := f.Eval.Eval(args.Get(0, "schedulers"), v.Ctx)
	if len(parts.Elems) == 0 {
		return pyast.Node{}, nil
	}
	return f.scheduled(parts.Elems[0], depth+1)
}

// SavedEpochs is an example of a number of epochs that are done when the save is written: that of a periodic save
// (`epoch % 10 == 0`), 1 for a save every epoch; ok is false when the condition cannot be read.
func (s *SaveSite) SavedEpochs(at func(done int) bool) (done int, ok bool) {
	if s.EpochLoop == nil {
		return 0, false
	}
	f := s.Run.File
	last := 200
	if n := f.Eval.Eval(s.EpochLoop.Stop, s.EpochLoop.Ctx); s.EpochLoop.Stop.Valid() && n.Kind == pysem.Int {
		last = int(n.Int)
	}
	for done := 1; done < last; done++ {
		if s.savedAt(done-1) && at(done) {
			return done, true
		}
	}
	return 0, false
}

// savedAt says whether the save's periodic conditions let the epoch (from 0) through; other conditions are taken to hold.
func (s *SaveSite) savedAt(epoch int) bool {
	f := s.Run.File
	for _, fr := range s.Conditions() {
		v := f.Eval.Eval(fr.Cond, fr.Ctx)
		if v.Kind != pysem.Compare || v.Name != "==" {
			continue
		}
		mod, want := v.Base, v.Other
		if mod.Kind != pysem.Binary || mod.Name != "%" || want.Kind != pysem.Int || mod.Other.Kind != pysem.Int || mod.Other.Int <= 0 {
			continue
		}
		shift, ok := f.counts(mod.Base, s.EpochLoop)
		if ok && fr.Positive && (int64(epoch)+shift)%mod.Other.Int != want.Int {
			return false
		}
	}
	return true
}
