package project

import (
	"encoding/hex"
	"hash/fnv"

	"github.com/ckpt-lsp/ckpt-lsp/internal/pyast"
)

// digest is a hash of a tree's shape and words, comments left out.
func digest(tree *pyast.Tree) string {
	h := fnv.New128a()
	src := tree.Source()
	var buf []byte
	var walk func(n pyast.Node)
	walk = func(n pyast.Node) {
		if n.Kind() == pyast.KindComment {
			return
		}
		buf = append(buf[:0], byte(n.Kind()), byte(n.Kind()>>8))
		if !n.Nth(0).Valid() {
			buf = append(buf, src[n.Start():n.End()]...)
		}
		h.Write(buf)
		for c := range n.Children() {
			walk(c)
		}
		h.Write([]byte{0xff})
	}
	walk(tree.Root())
	return hex.EncodeToString(h.Sum(nil))
}
