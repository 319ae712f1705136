package training

import (
	"iter"
	"regexp"
	"slices"
	"strings"

	"github.com/ckpt-lsp/ckpt-lsp/internal/pyast"
	"github.com/ckpt-lsp/ckpt-lsp/internal/pysem"
)

// vocabulary is every name and string of the files involved, for questions about what they speak of at all.
type vocabulary struct{ names, strings []string }

func (f *File) vocabulary() *vocabulary {
	if f.words == nil {
		f.words = &vocabulary{}
		for _, m := range f.involved() {
			w := m.Words()
			f.words.names = append(f.words.names, w.Names...)
			f.words.strings = append(f.words.strings, w.Strings...)
		}
	}
	return f.words
}

// involved are the files whose functions the entry points run, this one first.
func (f *File) involved() []*pysem.Module {
	if f.modules == nil {
		f.modules = []*pysem.Module{f.Module}
		for _, fn := range f.tracer.Entered() {
			if !slices.Contains(f.modules, fn.Module) {
				f.modules = append(f.modules, fn.Module)
			}
		}
	}
	return f.modules
}

// nodes are the nodes of the files involved.
func (f *File) nodes() iter.Seq[pyast.Node] {
	return func(yield func(pyast.Node) bool) {
		for _, m := range f.involved() {
			for n := range m.Tree.Root().Descendants() {
				if !yield(n) {
					return
				}
			}
		}
	}
}

func anyMatch(list []string, pattern *regexp.Regexp) bool {
	for _, w := range list {
		if pattern.MatchString(w) {
			return true
		}
	}
	return false
}

// SelectsBest reports whether the file names anything that keeps or stops at a best value.
func (f *File) SelectsBest() bool {
	v := f.vocabulary()
	return anyMatch(v.names, selection) || anyMatch(v.strings, selection)
}

// MentionsSeed reports whether any name in the file has to do with seeds, whoever uses it.
func (f *File) MentionsSeed() bool { return anyMatch(f.vocabulary().names, seeding) }

// HandlesPrefix reports whether the file knows of a key prefix: it names "module." in a string or strips it with a helper.
func (f *File) HandlesPrefix(prefix string) bool {
	v := f.vocabulary()
	for _, s := range v.strings {
		if s == prefix || strings.Contains(s, prefix+".") && !strings.Contains(s, " ") {
			return true
		}
	}
	return anyMatch(v.names, prefixHelper)
}
