package training

import (
	"regexp"

	"github.com/ckpt-lsp/ckpt-lsp/internal/pyast"
	"github.com/ckpt-lsp/ckpt-lsp/internal/pysem"
)

var verifier = regexp.MustCompile(`(?i)testzip|^(sha\d+|md5|blake\w+|crc32|file_digest)$|checksum|verify|(validate|check)_(ckpt|checkpoint|file|save)`)

// Verified reports whether anything reads the file of a save back once it is written: a load of it in the same training loop,
// or a call that checks sums, or says by its name that it verifies.
func (s *SaveSite) Verified() bool {
	for _, l := range s.Run.Loads {
		if l.Index > s.Index && (s.Loop == nil || s.Loop.Outer().Holds(l.Index)) && (SamePath(s.Path, l.Path) || l.Path.Node.Text() == s.Path.Node.Text()) {
			return true
		}
	}
	for _, ev := range s.Run.Events {
		if ev.Kind == pysem.EventCall && verifier.MatchString(calledName(ev.Node)) {
			return true
		}
	}
	return false
}

// calledName is the last name of what a call calls: "b" in `a(x).b()`.
func calledName(call pyast.Node) string {
	fn := call.Child(pyast.FieldFunction)
	if fn.Kind() == pyast.KindAttribute {
		fn = fn.Child(pyast.FieldAttribute)
	}
	return fn.Text()
}
