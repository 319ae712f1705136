package pysem

import (
	"strings"

	"github.com/ckpt-lsp/ckpt-lsp/internal/pyast"
)

// splitName cuts the parts of a file's name behind its last slash; ok is false where that slash is out of sight: in a hole that stands
// first, as `out` of f"{out}.pt" may hold one.
func splitName(parts []Part) (dir, name []Part, ok bool) {
	for i := len(parts) - 1; i >= 0; i-- {
		at := strings.LastIndexByte(parts[i].Lit, '/')
		if parts[i].Hole != nil || at < 0 {
			continue
		}
		dir = append(append(dir, parts[:i]...), Part{Lit: parts[i].Lit[:at]})
		return dir, append([]Part{{Lit: parts[i].Lit[at+1:]}}, parts[i+1:]...), true
	}
	return nil, parts, len(parts) > 0 && parts[0].Hole == nil && parts[0].Lit != ""
}

// splitSuffix cuts a name in front of its last extension, which is "" where the name has none; ok is false where that is out of sight.
func splitSuffix(name []Part) (stem []Part, suffix string, ok bool) {
	last := len(name) - 1
	for last >= 0 && name[last].Hole == nil && name[last].Lit == "" {
		last--
	}
	if last < 0 || name[last].Hole != nil {
		return nil, "", false
	}
	at := strings.LastIndexByte(name[last].Lit, '.')
	switch {
	case strings.LastIndexByte(name[last].Lit, '/') > at:
		return nil, "", false
	case at > 0, at == 0 && last > 0:
		return append(append(stem, name[:last]...), Part{Lit: name[last].Lit[:at]}), name[last].Lit[at:], true
	case last == 0:
		return name, "", true
	}
	return nil, "", false
}

// renamed evaluates Path.with_suffix, with_stem and with_name on a name whose parts are known; nil where they are not.
func (e *Evaluator) renamed(n pyast.Node, base *Value, method string, by *Value, ctx *Ctx) *Value {
	dir, name, ok := splitName(base.Parts)
	if !ok && method != "with_suffix" {
		return nil
	}
	stem, suffix, known := splitSuffix(name)
	if !known && method != "with_name" {
		return nil
	}
	var vs []*Value
	if len(dir) > 0 {
		vs = append(vs, &Value{Kind: Str, Parts: dir}, lit("/"))
	}
	switch method {
	case "with_name":
		vs = append(vs, by)
	case "with_stem":
		vs = append(vs, by, lit(suffix))
	case "with_suffix":
		vs = append(vs, &Value{Kind: Str, Parts: stem}, by)
	}
	return concat(n, ctx, vs...)
}

// namePart evaluates what a path's attribute, or a function of os.path, takes of a name; nil where it is out of sight.
func namePart(n pyast.Node, base *Value, part string, ctx *Ctx) *Value {
	dir, name, ok := splitName(base.Parts)
	str := func(parts []Part) *Value { return &Value{Kind: Str, Node: n, Ctx: ctx, Parts: parts} }
	switch part {
	case "parent":
		if len(dir) > 0 {
			return str(dir)
		}
	case "name":
		if ok {
			return str(name)
		}
	case "stem":
		if stem, _, known := splitSuffix(name); ok && known {
			return str(stem)
		}
	case "suffix":
		if _, suffix, known := splitSuffix(name); known {
			return str([]Part{{Lit: suffix}})
		}
	}
	return nil
}
