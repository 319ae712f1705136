package server

import (
	"context"
	"regexp"
	"slices"
	"strings"

	"go.lsp.dev/protocol"

	"github.com/ckpt-lsp/ckpt-lsp/codeactions"
	"github.com/ckpt-lsp/ckpt-lsp/internal/insight"
	"github.com/ckpt-lsp/ckpt-lsp/internal/pyast"
	"github.com/ckpt-lsp/ckpt-lsp/internal/text"
)

var (
	// keyBegun is a key that is being typed: what it is read from, what opens it, its quote, and what there is of it.
	keyBegun = regexp.MustCompile(`([\pL_][\pL\pN_.]*)(\[|\.get\(|\.pop\()[ \t]*(["'])([^"'\\\n]*)$`)
	// entryBegun is an entry of a dict that is being typed.
	entryBegun = regexp.MustCompile(`["']?[\pL_]?[\pL\pN_]*$`)
	wordRest   = regexp.MustCompile(`^[\pL\pN_]*`)
)

// Completion offers the keys that a loaded checkpoint holds, and the entries that a checkpoint's dict lacks.
func (s *session) Completion(ctx context.Context, p *protocol.CompletionParams) (protocol.CompletionResult, error) {
	d, c := documentIn(ctx, p.TextDocument.URI)
	if d == nil || d.tree == nil {
		return nil, nil
	}
	at := s.units.offset(c, p.Position)
	src := d.source.Text
	before := string(src[lineStart(src, at):at])
	var items []protocol.CompletionItem
	var err error
	if m := keyBegun.FindStringSubmatch(before); m != nil {
		items, err = s.savedKeys(ctx, d, c, at, begunKey{base: m[1], opens: m[2], quote: m[3], begun: m[4]})
	} else {
		items, err = s.missingEntries(ctx, d, c, at, len(entryBegun.FindString(before)))
	}
	if err != nil || len(items) == 0 {
		return nil, err
	}
	return &protocol.CompletionList{Items: items}, nil
}

func lineStart(src []byte, at int) int {
	for at > 0 && src[at-1] != '\n' {
		at--
	}
	return at
}

// begunKey is a key that is being typed.
type begunKey struct{ base, opens, quote, begun string }

// closed is what the text lacks to be a whole key, and where: nothing where an editor has closed it already.
func (k begunKey) closed(rest string) (missing string, at int) {
	at = len(wordRest.FindString(rest))
	closing := map[string]string{"[": "]"}[k.opens]
	if closing == "" {
		closing = ")"
	}
	if strings.HasPrefix(rest[at:], k.quote) {
		return "", at
	}
	return k.quote + closing, at
}

// savedKeys are the keys that the saves of what is loaded hold.
func (s *session) savedKeys(ctx context.Context, d *document, c *cell, at int, k begunKey) ([]protocol.CompletionItem, error) {
	f := d.folder(viewIn(ctx))
	program := f.program
	missing, rest := k.closed(string(d.source.Text[at:]))
	if missing != "" {
		program = program.With(d.path, text.NewSource(spliced(d.source.Text, at+rest, at+rest, missing)), nil)
	}
	facts, err := f.index.Facts(ctx, program, d.path)
	if err != nil {
		return nil, err
	}
	replaced := s.units.lsp(c, text.Span{Start: at - len(k.begun), End: at + rest})
	var items []protocol.CompletionItem
	for _, part := range insight.ReadsOf(facts, d.path, k.base) {
		items = append(items, protocol.CompletionItem{
			Label: part.Key, Kind: protocol.CompletionItemKindField, Detail: protocol.NewOptional(part.Value),
			TextEdit: &protocol.TextEdit{Range: replaced, NewText: part.Key},
		})
	}
	return items, nil
}

// missingEntries are the entries that the dict around an offset lacks, if it is that of a checkpoint; of the one that is being typed,
// so many bytes are there.
func (s *session) missingEntries(ctx context.Context, d *document, c *cell, at, begun int) ([]protocol.CompletionItem, error) {
	start, end := at-begun, at+len(wordRest.FindString(string(d.source.Text[at:])))
	if begun > 0 && strings.ContainsRune(`"'`, rune(d.source.Text[start])) && end < len(d.source.Text) && d.source.Text[end] == d.source.Text[start] {
		end++ // the quote that an editor has closed
	}
	head, tail := strings.TrimRight(string(d.source.Text[:start]), " \t\r\n"), strings.TrimLeft(string(d.source.Text[end:]), " \t\r\n")
	if !strings.HasSuffix(head, "{") && !strings.HasSuffix(head, ",") && !strings.HasSuffix(head, "dict(") {
		return nil, nil
	}
	without := spliced(d.source.Text, start, end, "")
	tree, err := pyast.Parse(without)
	if err != nil || !inDict(tree, start) {
		return nil, nil
	}
	f := d.folder(viewIn(ctx))
	program := f.program.With(d.path, text.NewSource(without), tree)
	a, err := f.index.Clone().Analyze(ctx, program, d.path)
	if err != nil || a.Tree == nil {
		return nil, err
	}
	quote := ""
	if begun > 0 && strings.IndexByte("\"'", d.source.Text[start]) >= 0 {
		quote = string(d.source.Text[start : start+1])
	}
	comma := ""
	if tail != "" && !strings.ContainsRune(",})", rune(tail[0])) {
		comma = ","
	}
	var items []protocol.CompletionItem
	for _, e := range codeactions.Entries(a.Tree, a.Diagnostics, start) {
		item := protocol.CompletionItem{
			Label: e.Text, Kind: protocol.CompletionItemKindField, FilterText: protocol.NewOptional(quote + e.Key),
			Detail:        protocol.NewOptional("missing from this checkpoint"),
			Documentation: protocol.String(a.Diagnostics[e.Reports].Message),
			TextEdit:      &protocol.TextEdit{Range: s.units.lsp(c, text.Span{Start: start, End: end}), NewText: e.Text + comma},
		}
		if above := func(x text.Edit) bool { return x.End <= start && c.holds(x.Span) }; !slices.ContainsFunc(e.Edits, func(x text.Edit) bool { return !above(x) }) {
			item.AdditionalTextEdits = s.textEdits(c, slices.Clone(e.Edits))
			items = append(items, item)
		}
	}
	return items, nil
}

// spliced is a text with another in place of a part of it.
func spliced(src []byte, start, end int, with string) []byte {
	return slices.Concat(src[:start], []byte(with), src[end:])
}

// inDict reports whether an offset stands among the entries of a dict.
func inDict(tree *pyast.Tree, at int) bool {
	for n := range tree.Root().Descendants() {
		if n.Start() < at && at < n.End() && (n.Kind() == pyast.KindDictionary || n.Kind() == pyast.KindCall && n.Child(pyast.FieldFunction).TextIs("dict")) {
			return true
		}
	}
	return false
}
