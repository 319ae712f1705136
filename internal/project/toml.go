package project

import (
	"bytes"
	"errors"
	"fmt"
	"strconv"

	"github.com/pelletier/go-toml/v2"
	"github.com/pelletier/go-toml/v2/unstable"
)

// ConfigError is one mistake in a configuration file.
type ConfigError struct {
	// Path is empty where no file holds the mistake, and what does is told otherwise.
	Path string
	// Line and Column are 1-based; Column counts bytes. They are 0 when the whole file is meant.
	Line, Column int
	// Message names the key, what was expected and the valid values.
	Message string
}

func (e *ConfigError) Error() string {
	if e.Path == "" {
		return e.Message
	}
	if e.Line == 0 {
		return fmt.Sprintf("%s: %s", e.Path, e.Message)
	}
	return fmt.Sprintf("%s:%d:%d: %s", e.Path, e.Line, e.Column, e.Message)
}

// setting is one key and value of a table, with their places in the file. Tables inside it are flattened: the key of a value
// in one is the path to it.
type setting struct {
	key   []string
	value any // string, bool, int64, float64, []element or nil for anything else
	at    unstable.Position
	// valueAt is the place of the value.
	valueAt unstable.Position
	from    *origin
}

// origin is where settings were read.
type origin struct {
	path string
	dir  string // that paths are relative to
	flag bool   // an option of the command line
}

// element is one value of an array.
type element struct {
	value any
	at    unstable.Position
}

// mostKeys is how many keys and tables a configuration may have: the library takes time with their square to see that none is there twice.
const mostKeys = 5000

// readTOML gives the settings of a document in order, after checking that it is well formed.
func readTOML(path string, data []byte) ([]setting, error) {
	if n := countKeys(data); n > mostKeys {
		return nil, &ConfigError{Path: path, Message: fmt.Sprintf("it has %d keys and tables, and ckpt-lsp reads a configuration of %d at most: keep its settings in a ckpt-lsp.toml of their own, and what is long in lists", n, mostKeys)}
	}
	var whole map[string]any
	if err := toml.Unmarshal(data, &whole); err != nil {
		var bad *toml.DecodeError
		if errors.As(err, &bad) {
			line, column := bad.Position()
			return nil, &ConfigError{path, line, column, bad.Error()}
		}
		return nil, &ConfigError{Path: path, Message: err.Error()}
	}
	return readSound(data), nil
}

// countKeys counts the keys and tables of a document, up to where it is malformed; few are not counted one by one.
func countKeys(data []byte) (count int) {
	if most := bytes.Count(data, []byte{'='}) + bytes.Count(data, []byte{'['}); most <= mostKeys {
		return most
	}
	p := &unstable.Parser{}
	p.Reset(data)
	var in func(n *unstable.Node)
	in = func(n *unstable.Node) {
		if n.Kind == unstable.KeyValue {
			count++
			in(n.Value())
			return
		}
		if n.Kind == unstable.InlineTable || n.Kind == unstable.Array {
			for it := n.Children(); it.Next(); {
				in(it.Node())
			}
		}
	}
	for p.NextExpression() {
		if e := p.Expression(); e.Kind == unstable.Table || e.Kind == unstable.ArrayTable {
			count++
		} else {
			in(e)
		}
	}
	return count
}

// readSound gives the settings of a document that others have written and checked, in order and in the time that its length takes; those
// up to a mistake where there is one.
func readSound(data []byte) []setting {
	r := tomlReader{parser: &unstable.Parser{}, data: data}
	r.parser.Reset(data)
	var table []string
	for r.parser.NextExpression() {
		switch e := r.parser.Expression(); e.Kind {
		case unstable.Table, unstable.ArrayTable:
			table, _ = r.key(e.Key(), nil)
		case unstable.KeyValue:
			r.keyValue(e, table)
		}
	}
	return r.out
}

type tomlReader struct {
	parser *unstable.Parser
	data   []byte
	out    []setting

	counted, lines, lineStart int // how far lines have been counted, how many, and where the last begins
}

func (r *tomlReader) key(it unstable.Iterator, prefix []string) ([]string, unstable.Position) {
	path := append([]string(nil), prefix...)
	var at unstable.Position
	for first := true; it.Next(); first = false {
		if first {
			at = r.position(it.Node().Raw)
		}
		path = append(path, string(it.Node().Data))
	}
	return path, at
}

func (r *tomlReader) position(raw unstable.Range) unstable.Position {
	offset := int(raw.Offset)
	if offset < r.counted {
		r.counted, r.lines, r.lineStart = 0, 0, 0
	}
	passed := r.data[r.counted:offset] // places are asked for in their order
	if last := bytes.LastIndexByte(passed, '\n'); last >= 0 {
		r.lines += bytes.Count(passed, []byte{'\n'})
		r.lineStart = r.counted + last + 1
	}
	r.counted = offset
	return unstable.Position{Offset: offset, Line: r.lines + 1, Column: offset - r.lineStart + 1}
}

func (r *tomlReader) keyValue(e *unstable.Node, table []string) {
	path, at := r.key(e.Key(), table)
	v := e.Value()
	if v.Kind == unstable.InlineTable {
		for it := v.Children(); it.Next(); {
			if it.Node().Kind == unstable.KeyValue {
				r.keyValue(it.Node(), path)
			}
		}
		return
	}
	s := setting{key: path, at: at, valueAt: at, value: scalar(v)}
	if v.Raw.Length > 0 {
		s.valueAt = r.position(v.Raw)
	}
	if v.Kind == unstable.Array {
		list := []element{}
		for it := v.Children(); it.Next(); {
			if n := it.Node(); n.Kind != unstable.Comment {
				list = append(list, element{scalar(n), r.position(n.Raw)})
			}
		}
		s.value = list
	}
	r.out = append(r.out, s)
}

func scalar(n *unstable.Node) any {
	text := string(n.Data)
	switch n.Kind {
	case unstable.String:
		return text
	case unstable.Bool:
		return text == "true"
	case unstable.Integer:
		if i, err := strconv.ParseInt(text, 0, 64); err == nil {
			return i
		}
	case unstable.Float:
		if f, err := strconv.ParseFloat(text, 64); err == nil {
			return f
		}
	}
	return nil
}

// ParseValue reads a value in TOML.
func ParseValue(value string) (any, error) {
	var out struct{ V any }
	err := toml.Unmarshal([]byte("V = "+value), &out)
	return out.V, err
}
