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
	known map[string]bool
	asked sync.Map // *regexp.Regexp to bool
}

func (l *WordList) add(n pyast.Node) {
	if source := n.Tree().Source()[n.Start():n.End()]; !l.known[string(source)] {
		word := string(source)
		l.known[word] = true
		l.All = append(l.All, word)
	}
}

// Has reports whether one of some words is there.
func (l *WordList) Has(words ...string) bool {
	return slices.ContainsFunc(words, func(word string) bool { return l.known[word] })
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
		m.words.Names.known, m.words.Strings.known = map[string]bool{}, map[string]bool{}
		for n := range m.Tree.Root().Descendants() {
			switch n.Kind() {
			case pyast.KindIdentifier:
				m.words.Names.add(n)
			case pyast.KindStringContent:
				m.words.Strings.add(n)
			}
		}
	})
	return &m.words
}
