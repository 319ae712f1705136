package server

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
)

// metaModel is LSP's own description of its messages, as far as checking needs it.
type metaModel struct {
	Requests []struct {
		Method, MessageDirection string
		Params, Result           *metaType
	}
	Notifications []struct {
		Method, MessageDirection string
		Params                   *metaType
	}
	Structures   []metaStructure
	Enumerations []struct {
		Name                 string
		Type                 metaType
		SupportsCustomValues bool
		Values               []struct{ Value any }
	}
	TypeAliases []struct {
		Name string
		Type metaType
	}
}

type metaStructure struct {
	Name            string
	Properties      []metaProperty
	Extends, Mixins []metaType
}

type metaProperty struct {
	Name     string
	Type     metaType
	Optional bool
}

// metaType is one type; what is in Value depends on Kind.
type metaType struct {
	Kind, Name string
	Element    *metaType
	Items      []metaType
	Key        *metaType
	Value      json.RawMessage
}

var model = sync.OnceValues(func() (*metaModel, error) {
	dir, err := exec.Command("go", "list", "-m", "-f", "{{.Dir}}", "go.lsp.dev/protocol").Output()
	if err != nil {
		return nil, err
	}
	data, err := os.ReadFile(filepath.Join(strings.TrimSpace(string(dir)), "internal/genlsp/testdata/metaModel.json"))
	if err != nil {
		return nil, err
	}
	var m metaModel
	return &m, json.Unmarshal(data, &m)
})

// conforms checks a message of the server: its envelope, and its params or result. asked is the method that a response
// answers.
func conforms(body []byte, asked string) error {
	mm, err := model()
	if err != nil {
		return err
	}
	var msg map[string]any
	if err := json.Unmarshal(body, &msg); err != nil {
		return err
	}
	if msg["jsonrpc"] != "2.0" {
		return fmt.Errorf("no JSON-RPC version")
	}
	method, isCall := msg["method"].(string)
	_, hasID := msg["id"]
	_, hasResult := msg["result"]
	_, hasError := msg["error"]
	for key := range msg {
		if !slices.Contains([]string{"jsonrpc", "id", "method", "params", "result", "error"}, key) {
			return fmt.Errorf("unknown member %q", key)
		}
	}
	switch {
	case isCall && (hasResult || hasError):
		return fmt.Errorf("a call with a result")
	case !isCall && (!hasID || hasResult == hasError):
		return fmt.Errorf("a response needs an id, and a result or an error")
	case !isCall && hasError:
		e, ok := msg["error"].(map[string]any)
		code, isNumber := e["code"].(float64)
		text, isText := e["message"].(string)
		if !ok || !isNumber || code == 0 || !isText || text == "" {
			return fmt.Errorf("malformed error %v", msg["error"])
		}
		return nil
	case !isCall:
		for _, r := range mm.Requests {
			if r.Method == asked {
				return mm.check(*r.Result, msg["result"], asked)
			}
		}
		return fmt.Errorf("a result of the unknown method %q", asked)
	case hasID:
		for _, r := range mm.Requests {
			if r.Method == method && r.MessageDirection != "clientToServer" {
				if r.Params == nil {
					return mm.check(metaType{Kind: "base", Name: "null"}, msg["params"], method)
				}
				return mm.check(*r.Params, msg["params"], method)
			}
		}
	default:
		for _, n := range mm.Notifications {
			if n.Method == method && n.MessageDirection != "clientToServer" {
				return mm.check(*n.Params, msg["params"], method)
			}
		}
	}
	return fmt.Errorf("a server may not send %q", method)
}

// check says what in v is not of type t.
func (mm *metaModel) check(t metaType, v any, where string) error {
	wrong := fmt.Errorf("%s: %v is no %s %s", where, v, t.Kind, t.Name)
	switch t.Kind {
	case "base":
		if !isBase(t.Name, v) {
			return wrong
		}
		return nil
	case "reference":
		return mm.named(t.Name, v, where)
	case "array":
		list, ok := v.([]any)
		if !ok {
			return wrong
		}
		for i, x := range list {
			if err := mm.check(*t.Element, x, fmt.Sprintf("%s[%d]", where, i)); err != nil {
				return err
			}
		}
		return nil
	case "map":
		object, ok := v.(map[string]any)
		if !ok {
			return wrong
		}
		for k, x := range object {
			if err := mm.check(typeOf(t.Value), x, where+"."+k); err != nil {
				return err
			}
		}
		return nil
	case "or":
		var errs []string
		for _, item := range t.Items {
			err := mm.check(item, v, where)
			if err == nil {
				return nil
			}
			errs = append(errs, err.Error())
		}
		return fmt.Errorf("%s: none of %s", where, strings.Join(errs, "; "))
	case "literal":
		var s metaStructure
		if err := json.Unmarshal(t.Value, &s); err != nil {
			return err
		}
		return mm.object(s.Properties, v, where)
	case "stringLiteral", "integerLiteral", "booleanLiteral":
		var want any
		if json.Unmarshal(t.Value, &want) != nil || want != v {
			return wrong
		}
		return nil
	}
	return fmt.Errorf("%s: the checker knows no %q", where, t.Kind)
}

func typeOf(raw json.RawMessage) (t metaType) {
	if err := json.Unmarshal(raw, &t); err != nil {
		panic(err)
	}
	return t
}

func isBase(name string, v any) bool {
	switch x := v.(type) {
	case nil:
		return name == "null"
	case bool:
		return name == "boolean"
	case float64:
		whole := x == float64(int64(x))
		return name == "decimal" || name == "integer" && whole || name == "uinteger" && whole && x >= 0
	case string:
		return name == "string" || (name == "DocumentUri" || name == "URI") && strings.Contains(x, ":")
	}
	return false
}

// named checks a value against a structure, an enumeration or an alias.
func (mm *metaModel) named(name string, v any, where string) error {
	if name == "LSPAny" {
		return nil
	}
	for _, s := range mm.Structures {
		if s.Name == name {
			return mm.object(mm.properties(s), v, where)
		}
	}
	for _, e := range mm.Enumerations {
		if e.Name != name {
			continue
		}
		if err := mm.check(e.Type, v, where); err != nil || e.SupportsCustomValues {
			return err
		}
		for _, x := range e.Values {
			if x.Value == v {
				return nil
			}
		}
		return fmt.Errorf("%s: %v is no %s", where, v, name)
	}
	for _, a := range mm.TypeAliases {
		if a.Name == name {
			return mm.check(a.Type, v, where)
		}
	}
	return fmt.Errorf("%s: unknown type %s", where, name)
}

// properties are a structure's own and inherited properties.
func (mm *metaModel) properties(s metaStructure) []metaProperty {
	out := slices.Clone(s.Properties)
	for _, parent := range append(slices.Clone(s.Extends), s.Mixins...) {
		for _, p := range mm.Structures {
			if p.Name == parent.Name {
				out = append(out, mm.properties(p)...)
			}
		}
	}
	return out
}

func (mm *metaModel) object(properties []metaProperty, v any, where string) error {
	object, ok := v.(map[string]any)
	if !ok {
		return fmt.Errorf("%s: %v is no object", where, v)
	}
	known := map[string]bool{}
	for _, p := range properties {
		known[p.Name] = true
		x, present := object[p.Name]
		if !present && !p.Optional {
			return fmt.Errorf("%s: %s is missing", where, p.Name)
		}
		if present {
			if err := mm.check(p.Type, x, where+"."+p.Name); err != nil {
				return err
			}
		}
	}
	for key := range object {
		if !known[key] {
			return fmt.Errorf("%s: unknown property %s", where, key)
		}
	}
	return nil
}
