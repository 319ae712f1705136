package project

import (
	"bytes"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/ckpt-lsp/ckpt-lsp/internal/pyast"
)

// searched are the directories of the project that the Python files of a directory put on sys.path, in the order of the files.
func (p *Program) searched(dir string) []string {
	p.disk.mu.Lock()
	out, ok := p.disk.searched[dir]
	p.disk.mu.Unlock()
	if ok {
		return out
	}
	for _, path := range p.pythonIn(dir) {
		for _, d := range p.Unit(path).searches(p.root) {
			if !slices.Contains(out, d) {
				out = append(out, d)
			}
		}
	}
	p.disk.mu.Lock()
	p.disk.searched[dir] = out
	p.disk.mu.Unlock()
	return out
}

// searches are the directories below root that a file puts on sys.path.
func (u *Unit) searches(root string) []string {
	src, err := u.Source()
	if err != nil || !bytes.Contains(src.Text, []byte("sys.path")) {
		return nil
	}
	tree, err := u.Tree()
	if err != nil {
		return nil
	}
	s := &searchPath{file: u.Path, named: map[string]pyast.Node{}, adds: map[string]bool{"sys.path.append": true, "sys.path.insert": true}}
	for n := range tree.Root().Descendants() {
		switch {
		case n.Kind() == pyast.KindAssignment && n.Child(pyast.FieldLeft).Kind() == pyast.KindIdentifier:
			s.named[n.Child(pyast.FieldLeft).Text()] = n.Child(pyast.FieldRight)
		case n.Kind() == pyast.KindFunctionDefinition && strings.Contains(n.Child(pyast.FieldBody).Text(), "sys.path.") && n.Child(pyast.FieldParameters).Nth(0).Kind() == pyast.KindIdentifier:
			s.adds[n.Child(pyast.FieldName).Text()] = true // add_path(path)
		}
	}
	var out []string
	for n := range tree.Root().Descendants() {
		if n.Kind() != pyast.KindCall || !s.adds[n.Child(pyast.FieldFunction).Text()] {
			continue
		}
		var last pyast.Node
		for a := range n.Child(pyast.FieldArguments).Children() {
			last = a
		}
		dir, ok := s.path(last, 0)
		if !ok {
			continue
		}
		ways := []string{dir}
		if !filepath.IsAbs(dir) { // where the program is started
			ways = []string{filepath.Join(filepath.Dir(u.Path), dir), filepath.Join(root, dir)}
		}
		for _, way := range ways {
			if rel, err := filepath.Rel(root, way); err == nil && filepath.IsLocal(rel) {
				out = append(out, filepath.Clean(way))
			}
		}
	}
	return out
}

// searchPath reads the expressions of paths in a file: what its names are assigned, and the functions that put their argument on sys.path.
type searchPath struct {
	file  string
	named map[string]pyast.Node
	adds  map[string]bool
}

// path is the path that an expression gives, relative to where the program is started unless it is absolute; ok is false where that is not known.
func (s *searchPath) path(n pyast.Node, depth int) (_ string, ok bool) {
	if depth > 12 {
		return "", false
	}
	switch n.Kind() {
	case pyast.KindParenthesizedExpression:
		return s.path(n.Nth(0), depth+1)
	case pyast.KindString:
		text, err := strconv.Unquote(strings.ReplaceAll(n.Text(), "'", `"`))
		return filepath.FromSlash(text), err == nil
	case pyast.KindIdentifier:
		if n.TextIs("__file__") {
			return s.file, true
		}
		if value, known := s.named[n.Text()]; known {
			return s.path(value, depth+1)
		}
	case pyast.KindAttribute:
		switch n.Child(pyast.FieldAttribute).Text() {
		case "parent":
			of, ok := s.path(n.Child(pyast.FieldObject), depth+1)
			return filepath.Dir(of), ok
		case "pardir":
			return "..", true
		case "curdir":
			return ".", true
		}
	case pyast.KindSubscript: // Path(__file__).parents[1]
		of := n.Child(pyast.FieldValue)
		up, err := strconv.Atoi(n.Child(pyast.FieldSubscript).Text())
		if err != nil || up < 0 || of.Child(pyast.FieldAttribute).Text() != "parents" {
			return "", false
		}
		path, ok := s.path(of.Child(pyast.FieldObject), depth+1)
		for range up + 1 {
			path = filepath.Dir(path)
		}
		return path, ok
	case pyast.KindBinaryOperator:
		l, known := s.path(n.Child(pyast.FieldLeft), depth+1)
		r, ok := s.path(n.Child(pyast.FieldRight), depth+1)
		switch n.Child(pyast.FieldOperator).Text() {
		case "/":
			return filepath.Join(l, r), known && ok
		case "+":
			return l + r, known && ok
		}
	case pyast.KindCall:
		return s.made(n, depth)
	}
	return "", false
}

// made is the path that a call gives.
func (s *searchPath) made(n pyast.Node, depth int) (_ string, ok bool) {
	fn, args := n.Child(pyast.FieldFunction), n.Child(pyast.FieldArguments)
	name := fn.Text()
	if i := strings.LastIndexByte(name, '.'); i >= 0 {
		name = name[i+1:]
	}
	switch name {
	case "dirname":
		of, ok := s.path(args.Nth(0), depth+1)
		return filepath.Dir(of), ok
	case "abspath", "realpath", "normpath", "str", "Path", "PurePath":
		return s.path(args.Nth(0), depth+1)
	case "resolve", "absolute", "as_posix":
		return s.path(fn.Child(pyast.FieldObject), depth+1)
	case "getcwd", "cwd":
		return "", true
	case "join":
		var parts []string
		for a := range args.Children() {
			part, ok := s.path(a, depth+1)
			if !ok {
				return "", false
			}
			if filepath.IsAbs(part) {
				parts = nil
			}
			parts = append(parts, part)
		}
		return filepath.Join(parts...), len(parts) > 0
	}
	return "", false
}
