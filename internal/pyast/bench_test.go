package pyast

import (
	"bytes"
	"fmt"
	"testing"

	"github.com/ckpt-lsp/ckpt-lsp/internal/text"
)

var sizes = []int{500, 5_000, 50_000}

func BenchmarkParse(b *testing.B) {
	for _, lines := range sizes {
		source := []byte(trainingFile(lines))
		b.Run(fmt.Sprintf("lines=%d", lines), func(b *testing.B) {
			b.SetBytes(int64(len(source)))
			for b.Loop() {
				if _, err := Parse(source); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// BenchmarkLower measures flattening and copying of a tree that is parsed already.
func BenchmarkLower(b *testing.B) {
	for _, lines := range sizes {
		source := []byte(trainingFile(lines))
		b.Run(fmt.Sprintf("lines=%d", lines), func(b *testing.B) {
			d, err := Open(source)
			if err != nil {
				b.Fatal(err)
			}
			defer d.Close()
			b.SetBytes(int64(len(source)))
			for b.Loop() {
				if tree := d.lower(); tree.Len() != d.Tree().Len() {
					b.Fatal("another tree")
				}
			}
		})
	}
}

// BenchmarkEdit measures one typed character: edit, incremental reparse and lowering.
func BenchmarkEdit(b *testing.B) {
	for _, lines := range sizes {
		source := []byte(trainingFile(lines))
		b.Run(fmt.Sprintf("lines=%d", lines), func(b *testing.B) {
			d, err := Open(source)
			if err != nil {
				b.Fatal(err)
			}
			defer d.Close()
			middle := len(source) / 2
			at := middle + bytes.Index(source[middle:], []byte("loss.backward")) + len("loss")
			grown := append(append(append([]byte{}, source[:at]...), 'x'), source[at:]...)
			for i := 0; b.Loop(); i++ {
				edit, next := text.Edit{Span: text.Span{Start: at, End: at}, New: "x"}, grown
				if i%2 == 1 {
					edit, next = text.Edit{Span: text.Span{Start: at, End: at + 1}}, source
				}
				if _, err := d.Edit([]text.Edit{edit}, next); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
