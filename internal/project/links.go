package project

import (
	"path/filepath"
	"slices"
	"sync/atomic"

	"github.com/ckpt-lsp/ckpt-lsp/internal/pysem"
)

// links are the answers that one analysis got to what names mean. They tell later whether the analysis would get the same, and
// stand for the program when a fix asks again, so that nothing holds on to superseded snapshots.
type links struct {
	program *Program       // nil once sealed: then only what was asked before is known
	names   *atomic.Uint64 // the names on the disk that the answers are known to hold for
	paths   map[lookup]string
	modules map[lookup]*pysem.Module
	// besides are the Python files of the directory dir, where they were asked for.
	besides []string
	dir     string
}

func newLinks(p *Program) *links {
	l := &links{program: p, names: &atomic.Uint64{}, paths: map[lookup]string{}, modules: map[lookup]*pysem.Module{}}
	l.names.Store(p.disk.names)
	return l
}

// seal lets the program go.
func (l *links) seal() { l.program = nil }

// module is the module that a name means in a file, nil for none.
func (l *links) module(from *pysem.Module, name string) *pysem.Module {
	asked := lookup{filepath.Dir(from.Path), name}
	if m, ok := l.modules[asked]; ok || l.program == nil {
		return m
	}
	var m *pysem.Module
	if path := l.find(from.Path, name); path != "" {
		m = l.program.Unit(path).Module()
	}
	l.modules[asked] = m
	return m
}

// find is the path of the file that a name means in the file at a path, "" for none.
func (l *links) find(from, name string) string {
	path := l.program.find(from, name)
	l.paths[lookup{filepath.Dir(from), name}] = path
	return path
}

// beside are the modules of the files in the directory of a file, itself left out.
func (l *links) beside(path string) []*pysem.Module {
	if l.program == nil {
		return nil
	}
	l.dir = filepath.Dir(path)
	l.besides = l.program.pythonIn(l.dir)
	var out []*pysem.Module
	for _, p := range l.besides {
		if src, _ := l.program.Unit(p).Source(); p != path && relevant(src) {
			if m := l.program.Unit(p).Module(); m != nil {
				out = append(out, m)
			}
		}
	}
	return out
}

// hold reports whether a program gives the same answers.
func (l *links) hold(p *Program) bool {
	if l.names.Load() == p.disk.names {
		return true
	}
	for asked, path := range l.paths {
		if p.findIn(asked) != path {
			return false
		}
	}
	if l.dir != "" && !slices.Equal(l.besides, p.pythonIn(l.dir)) {
		return false
	}
	l.names.Store(p.disk.names)
	return true
}
