package pysem

import (
	"strconv"
	"strings"

	"github.com/ckpt-lsp/ckpt-lsp/internal/pyast"
)

// StringLiteral is the text of a plain string literal without holes.
func StringLiteral(n pyast.Node) (string, bool) {
	switch n.Kind() {
	case pyast.KindParenthesizedExpression:
		return StringLiteral(n.Nth(0))
	case pyast.KindConcatenatedString:
		var b strings.Builder
		for c := range n.Children() {
			s, ok := StringLiteral(c)
			if !ok {
				return "", false
			}
			b.WriteString(s)
		}
		return b.String(), true
	case pyast.KindString:
		var b strings.Builder
		for c := range n.Children() {
			switch c.Kind() {
			case pyast.KindStringStart:
				if strings.ContainsAny(c.Text(), "tT") {
					return "", false
				}
			case pyast.KindStringContent:
				b.WriteString(unescape(c))
			case pyast.KindInterpolation:
				return "", false
			}
		}
		return b.String(), true
	}
	return "", false
}

var escapes = map[byte]byte{'n': '\n', 't': '\t', 'r': '\r', '\\': '\\', '\'': '\'', '"': '"', '0': 0}

// unescape reads the common one-letter escapes; others stay as written, which no rule looks at.
func unescape(content pyast.Node) string {
	s := content.Text()
	if !strings.ContainsRune(s, '\\') || strings.ContainsAny(content.Parent().Nth(0).Text(), "rR") {
		return s
	}
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		if s[i] == '\\' && i+1 < len(s) {
			if c, ok := escapes[s[i+1]]; ok {
				b.WriteByte(c)
				i++
				continue
			}
		}
		b.WriteByte(s[i])
	}
	return b.String()
}

// concat joins string values; a value that is no string becomes a hole.
func concat(node pyast.Node, ctx *Ctx, vs ...*Value) *Value {
	out := &Value{Kind: Str, Node: node, Ctx: ctx}
	for _, v := range vs {
		out.Parts = append(out.Parts, stringParts(v)...)
	}
	return out
}

func stringParts(v *Value) []Part {
	if v.Kind == Str {
		return v.Parts
	}
	return []Part{{Hole: v}}
}

func lit(s string) *Value { return &Value{Kind: Str, Parts: []Part{{Lit: s}}} }

// percent evaluates `format % args` with %s, %d, %03d and the like; named finds the value of %(name)s.
func percent(format string, args []*Value, named func(string) *Value) ([]Part, bool) {
	var parts []Part
	next := 0
	for {
		i := strings.IndexByte(format, '%')
		if i < 0 {
			return append(parts, Part{Lit: format}), true
		}
		parts = append(parts, Part{Lit: format[:i]})
		format = format[i+1:]
		if strings.HasPrefix(format, "%") {
			parts = append(parts, Part{Lit: "%"})
			format = format[1:]
			continue
		}
		var v *Value
		name, rest, ok := strings.Cut(format, ")")
		if ok = ok && strings.HasPrefix(name, "("); ok {
			v, format = named(name[1:]), rest
		}
		end := strings.IndexFunc(format, func(r rune) bool { return !strings.ContainsRune("0123456789.+-# *", r) })
		if !ok && end >= 0 {
			next += strings.Count(format[:end], "*") // widths come before the value
			if next < len(args) {
				v = args[next]
				next++
			}
		}
		if end < 0 || v == nil {
			return nil, false
		}
		parts = append(parts, hole(v, format[:end+1])...)
		format = format[end+1:]
	}
}

// braces evaluates `format.format(args)`.
func braces(format string, pos []*Value, named map[string]*Value) ([]Part, bool) {
	var parts []Part
	next := 0
	for {
		i := strings.IndexAny(format, "{}")
		if i < 0 {
			return append(parts, Part{Lit: format}), true
		}
		parts = append(parts, Part{Lit: format[:i]})
		if i+1 < len(format) && format[i+1] == format[i] {
			parts = append(parts, Part{Lit: format[i : i+1]})
			format = format[i+2:]
			continue
		}
		end := closing(format[i:])
		if format[i] == '}' || end < 0 {
			return nil, false
		}
		field, spec, _ := strings.Cut(format[i+1:i+end], ":")
		field, _, _ = strings.Cut(field, "!")
		format = format[i+end+1:]
		var v *Value
		switch {
		case field == "":
			if next < len(pos) {
				v = pos[next]
			}
			next++
		case named[field] != nil:
			v = named[field]
		default:
			if d := strings.Trim(field, "0123456789"); d == "" {
				n := 0
				for _, c := range field {
					n = n*10 + int(c-'0')
				}
				if n < len(pos) {
					v = pos[n]
				}
			}
		}
		if v == nil {
			v = unknown
		}
		next += strings.Count(spec, "{}") // widths come behind the value
		parts = append(parts, hole(v, spec)...)
	}
}

// closing is the index of the brace that closes the one a text begins with, -1 if none does.
func closing(s string) int {
	depth := 0
	for i := range len(s) {
		switch s[i] {
		case '{':
			depth++
		case '}':
			if depth--; depth == 0 {
				return i
			}
		}
	}
	return -1
}

// hole is a value put into a string with a format spec: text for strings and plain integers that are known.
func hole(v *Value, format string) []Part {
	plain := strings.Trim(format, "sd") == ""
	switch {
	case v.Kind == Str && plain:
		return v.Parts
	case v.Kind == Int && plain:
		return []Part{{Lit: strconv.FormatInt(v.Int, 10)}}
	}
	return []Part{{Hole: v, Format: format}}
}
