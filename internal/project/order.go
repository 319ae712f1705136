package project

import (
	"cmp"
	"slices"
	"strings"

	"github.com/ckpt-lsp/ckpt-lsp/internal/text"
)

// importersFirst arranges files so that each comes behind all that import it, on a level of its own. Files that import each
// other in a circle stay together. The files of one level do not depend on each other.
func importersFirst(p *Program, paths []string) [][][]string {
	at := make(map[string]int, len(paths))
	for i, path := range paths {
		at[absolute(path)] = i
	}
	imports := Map(paths, func(path string) []int {
		var out []int
		for _, to := range p.imports(absolute(path)) {
			if i, ok := at[to]; ok {
				out = append(out, i)
			}
		}
		return out
	})
	circles := circles(imports)
	circleOf := make([]int, len(paths))
	for c, circle := range circles {
		for _, i := range circle {
			circleOf[i] = c
		}
	}
	var levels [][][]string
	depth := make([]int, len(circles))
	for c := len(circles) - 1; c >= 0; c-- { // circles come behind what they import: from the last one down, importers come first
		members := make([]string, len(circles[c]))
		for k, i := range circles[c] {
			members[k] = absolute(paths[i])
			for _, to := range imports[i] {
				if d := circleOf[to]; d != c {
					depth[d] = max(depth[d], depth[c]+1)
				}
			}
		}
		for len(levels) <= depth[c] {
			levels = append(levels, nil)
		}
		levels[depth[c]] = append(levels[depth[c]], members)
	}
	return levels
}

// imports are the files that a file imports, or imports names from; none where no rule applies to it.
func (p *Program) imports(path string) []string {
	u := p.Unit(path)
	src, err := u.Source()
	s := &state{Summary: Summary{Path: path}, links: newLinks(p), looked: map[string]*text.Source{}}
	if err != nil || !s.concerned(src) || u.Module() == nil {
		return nil
	}
	var out []string
	for _, name := range slices.Concat(u.Module().Imports, u.Module().Stars) {
		to := p.find(path, name)
		if i := strings.LastIndexByte(name, '.'); to == "" && i >= 0 {
			to = p.find(path, cmp.Or(strings.TrimRight(name[:i], "."), name[:i+1]))
		}
		if to != "" && to != path {
			out = append(out, to)
		}
	}
	return out
}

// circles are the strongly connected components of a graph, each behind those it leads to (Tarjan's algorithm).
func circles(edges [][]int) [][]int {
	var (
		out     [][]int
		stack   []int
		number  = make([]int, len(edges)) // from 1, in the order of the visits
		low     = make([]int, len(edges))
		onStack = make([]bool, len(edges))
		visits  int
		visit   func(v int)
	)
	visit = func(v int) {
		visits++
		number[v], low[v] = visits, visits
		stack = append(stack, v)
		onStack[v] = true
		for _, w := range edges[v] {
			if number[w] == 0 {
				visit(w)
				low[v] = min(low[v], low[w])
			} else if onStack[w] {
				low[v] = min(low[v], number[w])
			}
		}
		if low[v] != number[v] {
			return
		}
		var circle []int
		for {
			w := stack[len(stack)-1]
			stack = stack[:len(stack)-1]
			onStack[w] = false
			circle = append(circle, w)
			if w == v {
				break
			}
		}
		out = append(out, circle)
	}
	for v := range edges {
		if number[v] == 0 {
			visit(v)
		}
	}
	return out
}
