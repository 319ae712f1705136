package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/ckpt-lsp/ckpt-lsp/internal/project"
	"github.com/ckpt-lsp/ckpt-lsp/internal/text"
	"github.com/ckpt-lsp/ckpt-lsp/internal/training"
	"github.com/ckpt-lsp/ckpt-lsp/internal/pyast"
)

func at(n pyast.Node, p *training.File) string {
	if !n.Valid() { return "-" }
	m := p.ModuleOf(n.Tree())
	name := "?"
	if m != nil { name = filepath.Base(m.Path) }
	return fmt.Sprintf("%s:%d", name, text.NewLineIndex(n.Tree().Source()).Line(n.Start())+1)
}

func main() {
	w := project.NewWorkspace(".")
	p := project.NewProgram(w)
	abs, _ := filepath.Abs(os.Args[1])
	f := training.Trace(p.Unit(abs).Module(), p.Module)
	f.Conclude(nil)
	for _, r := range f.Runs {
		fmt.Printf("RUN %s events=%d loops=%d\n", r.Entry.QualName(), len(r.Events), len(r.Loops))
		for _, l := range r.Loops { if l.Trains { fmt.Println("  loop", at(l.Node, f), "epoch", l.Epoch(), "inner", l.Inner, "start", l.Start.Text(), f.Eval.Eval(l.Start,l.Ctx).Key()) } }
		for _, s := range r.Steps { fmt.Println("  step", at(s.Node, f), s.Object.Kind, s.Object.Name, s.Object.Class, "foreign", s.Foreign, "guess", s.Object.Guessed) }
		for _, s := range r.Saves {
			loop := "-"; if s.Loop != nil { loop = at(s.Loop.Node, f) }
			fmt.Println("  save", at(s.Node, f), "kind", s.Kind, "open", s.Open, "path", s.Path.Pattern, "loop", loop, "after", s.AfterLoop, "foreign", s.Foreign, "training", s.Training(), "payload", s.PayloadNode.Text())
			for _, c := range s.Components { o := ""; if c.Object != nil { o = c.Object.Kind.String()+" "+c.Object.Name }; fmt.Println("      ", c.Key, c.Role, o, c.Value.Kind) }
		}
		for _, l := range r.Loads {
			var rs []string
			for _, x := range l.Reads { rs = append(rs, x.Key) }
			fmt.Println("  load", at(l.Node, f), "path", l.Path.Pattern, "opaque", l.Opaque, strings.Join(rs, ","))
			for _, x := range l.Restores { if x.Object!=nil { fmt.Println("      restores", x.Object.Name, x.Key)} }
		}
		for _, x := range r.Restores { if x.Object != nil { fmt.Println("  restore", at(x.Node,f), x.Object.Kind, x.Object.Name, "key", x.Key, x.Load != nil) } }
		for _, x := range r.Seeds { fmt.Println("  seed", at(x.Node,f), x.Callee) }
		if os.Getenv("CALLS") != "" { for _, x := range r.Calls { fmt.Println("  call", at(x.Node,f), x.Callee, x.Method) } }
	}
	for _, r := range f.Resumptions() { fmt.Println("RESUMPTION", at(r.Save.Node,f), r.Evidence, r.Load != nil) }
}
