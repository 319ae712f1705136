package training

import (
	"regexp"
	"strings"

	"github.com/ckpt-lsp/ckpt-lsp/internal/pyast"
)

// vocabulary is every distinct name and string of the file, for questions about what the file speaks of at all.
type vocabulary struct{ names, strings []string }

func (f *File) vocabulary() *vocabulary {
	if f.words == nil {
		f.words = &vocabulary{}
		seen := map[string]bool{}
		for n := range f.Tree.Root().Descendants() {
			list := &f.words.names
			switch n.Kind() {
			case pyast.KindIdentifier:
			case pyast.KindStringContent:
				list = &f.words.strings
			default:
				continue
			}
			if key := n.Kind().String() + n.Text(); !seen[key] {
				seen[key] = true
				*list = append(*list, n.Text())
			}
		}
	}
	return f.words
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
