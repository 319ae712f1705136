package pysem

import "github.com/ckpt-lsp/ckpt-lsp/internal/pyast"

// Words are the distinct names and the distinct pieces of strings of a file.
type Words struct{ Names, Strings []string }

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
				*list = append(*list, n.Text())
			}
		}
	})
	return &m.words
}
