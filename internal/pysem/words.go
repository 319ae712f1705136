package pysem

import (
	"regexp"
	"slices"
	"sync"

	"github.com/ckpt-lsp/ckpt-lsp/internal/pyast"
)

// Words are the distinct names and the distinct pieces of strings of a file.
type Words struct{ Names, Strings WordList }

// WordList is a list of distinct words that remembers what it was asked: many files ask the same of what they all import. It is
// safe for concurrent use.
type WordList struct {
	All   []string
	asked sync.Map // *regexp.Regexp to bool
}

// Match reports whether any of the words matches a pattern.
func (l *WordList) Match(pattern *regexp.Regexp) bool {
	if known, ok := l.asked.Load(pattern); ok {
		return known.(bool)
	}
	found := slices.ContainsFunc(l.All, pattern.MatchString)
	l.asked.Store(pattern, found)
	return found
}

// Words are what the file speaks of at all. They are gathered once.
func (m *Module) Words() *Words {
	m.gather.Do(func() {
		seen := map[string]bool{}
		for n := range m.Tree.Root().Descendants() {
			list := &m.words.Names
			switch n.Kind() {
			case pyast.KindIdentifier:
			case pyast.KindStringContent:
				list = &m.words.Strings
			default:
				continue
			}
			if key := n.Kind().String() + n.Text(); !seen[key] {
				seen[key] = true
				list.All = append(list.All, n.Text())
			}
		}
	})
	return &m.words
}
