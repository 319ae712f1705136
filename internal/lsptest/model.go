package lsptest

import (
	"encoding/json"
	"fmt"
	"math"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
)

// Side is one end of a connection.
type Side string

// The two ends.
const (
	Client Side = "client"
	Server Side = "server"
)

func (s Side) other() Side {
	if s == Client {
		return Server
	}
	return Client
}

// may says whether a message that goes in a direction of the meta-model can come from this side.
func (s Side) may(direction string) bool {
	return direction == "both" || strings.HasPrefix(direction, string(s))
}

// model is LSP's own description of its messages, as far as checking needs it.
type model struct {
	requests, notifications map[string]*modelMethod
	structures              map[string][]modelProperty // own and inherited properties
	enumerations            map[string]*modelEnumeration
	aliases                 map[string]modelType
	// registrations are the types of the options with which a method is registered.
	registrations map[string]*modelType
	// capabilities are the paths in the client's capabilities that go with a method.
	capabilities map[string]string
}

type modelMethod struct {
	Method, MessageDirection             string
	ClientCapability, RegistrationMethod string
	Params, Result, RegistrationOptions  *modelType
}

type modelStructure struct {
	Name            string
	Properties      []modelProperty
	Extends, Mixins []modelType
}

type modelProperty struct {
	Name     string
	Type     modelType
	Optional bool
}

type modelEnumeration struct {
	Name                 string
	Type                 modelType
	SupportsCustomValues bool
	Values               []struct{ Value any }
}

// modelType is one type; what is in Value depends on Kind.
type modelType struct {
	Kind, Name string
	Element    *modelType
	Items      []modelType
	Value      json.RawMessage
}

// meta is the meta-model of LSP 3.18, which lies in the module cache beside the protocol's types.
var meta = sync.OnceValues(func() (*model, error) {
	dir, err := exec.Command("go", "list", "-m", "-f", "{{.Dir}}", "go.lsp.dev/protocol").Output()
	if err != nil {
		return nil, fmt.Errorf("finding the meta-model: %w", err)
	}
	data, err := os.ReadFile(filepath.Join(strings.TrimSpace(string(dir)), "internal/genlsp/testdata/metaModel.json"))
	if err != nil {
		return nil, err
	}
	var file struct {
		Requests, Notifications []modelMethod
		Structures              []modelStructure
		Enumerations            []modelEnumeration
		TypeAliases             []modelProperty
	}
	if err := json.Unmarshal(data, &file); err != nil {
		return nil, err
	}
	m := &model{
		requests: map[string]*modelMethod{}, notifications: map[string]*modelMethod{}, structures: map[string][]modelProperty{},
		enumerations: map[string]*modelEnumeration{}, aliases: map[string]modelType{}, registrations: map[string]*modelType{}, capabilities: map[string]string{},
	}
	for i := range file.Requests {
		m.add(m.requests, &file.Requests[i])
	}
	for i := range file.Notifications {
		m.add(m.notifications, &file.Notifications[i])
	}
	// The meta-model names the whole of the capability here, where its text names the property.
	m.capabilities["workspace/codeLens/refresh"] = "workspace.codeLens.refreshSupport"
	for _, e := range file.Enumerations {
		m.enumerations[e.Name] = &e
	}
	for _, a := range file.TypeAliases {
		m.aliases[a.Name] = a.Type
	}
	for _, s := range file.Structures {
		m.structures[s.Name] = inherited(file.Structures, s)
	}
	return m, nil
})

func (m *model) add(to map[string]*modelMethod, x *modelMethod) {
	to[x.Method] = x
	m.capabilities[x.Method] = x.ClientCapability
	registered := x.Method
	if x.RegistrationMethod != "" {
		registered = x.RegistrationMethod
		m.capabilities[registered] = x.ClientCapability
	}
	if x.RegistrationOptions != nil {
		m.registrations[registered] = x.RegistrationOptions
	}
}

// inherited are a structure's own properties and those of its parents; its own go first.
func inherited(all []modelStructure, s modelStructure) []modelProperty {
	out := slices.Clone(s.Properties)
	for _, parent := range append(slices.Clone(s.Extends), s.Mixins...) {
		for _, p := range all {
			if p.Name != parent.Name {
				continue
			}
			for _, property := range inherited(all, p) {
				if !slices.ContainsFunc(out, func(own modelProperty) bool { return own.Name == property.Name }) {
					out = append(out, property)
				}
			}
		}
	}
	return out
}

// Conforms checks one message of the given side against the meta-model: its envelope, whether that side may send it, and its
// params or result. asked is the method that a response answers; it matters for nothing else.
func Conforms(from Side, body []byte, asked string) error {
	m, err := meta()
	if err != nil {
		return err
	}
	e, err := open(body)
	if err != nil {
		return err
	}
	switch {
	case e.response() && e.failure != nil:
		return e.failure.wellFormed()
	case e.response():
		method := m.requests[asked]
		if method == nil {
			return fmt.Errorf("a result of the unknown method %q", asked)
		}
		if !from.other().may(method.MessageDirection) {
			return fmt.Errorf("the %s is not the one to answer %s", from, asked)
		}
		return m.check(*method.Result, e.result, asked)
	}
	methods, kind := m.notifications, "notification"
	if e.hasID {
		methods, kind = m.requests, "request"
	}
	method := methods[e.method]
	switch {
	case method == nil:
		return fmt.Errorf("there is no %s %q", kind, e.method)
	case !from.may(method.MessageDirection):
		return fmt.Errorf("a %s may not send %q", from, e.method)
	case method.Params == nil && e.hasParams:
		return fmt.Errorf("%s takes no params", e.method)
	case method.Params == nil:
		return nil
	case !e.hasParams:
		return fmt.Errorf("%s: the params are missing", e.method)
	}
	if err := m.check(*method.Params, e.params, e.method); err != nil {
		return err
	}
	if e.method == "client/registerCapability" {
		return m.registered(e.params)
	}
	return nil
}

// registered checks the options of registrations, which the meta-model itself leaves open.
func (m *model) registered(params any) error {
	for _, r := range list(params, "registrations") {
		method, _ := at(r, "method").(string)
		options := at(r, "registerOptions")
		want := m.registrations[method]
		if want == nil && options != nil {
			return fmt.Errorf("%s cannot be registered with options", method)
		}
		if want != nil && options != nil {
			if err := m.check(*want, options, "registration of "+method); err != nil {
				return err
			}
		}
	}
	return nil
}

// check says what in v is not of type t.
func (m *model) check(t modelType, v any, where string) error {
	wrong := fmt.Errorf("%s: %s is no %s %s", where, brief(v), t.Kind, t.Name)
	switch t.Kind {
	case "base":
		if !isBase(t.Name, v) {
			return wrong
		}
		return nil
	case "reference":
		return m.named(t.Name, v, where)
	case "array":
		elements, ok := v.([]any)
		if !ok {
			return wrong
		}
		for i, x := range elements {
			if err := m.check(*t.Element, x, fmt.Sprintf("%s[%d]", where, i)); err != nil {
				return err
			}
		}
		return nil
	case "tuple":
		elements, ok := v.([]any)
		if !ok || len(elements) != len(t.Items) {
			return wrong
		}
		for i, x := range elements {
			if err := m.check(t.Items[i], x, fmt.Sprintf("%s[%d]", where, i)); err != nil {
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
			if err := m.check(typeOf(t.Value), x, where+"."+k); err != nil {
				return err
			}
		}
		return nil
	case "or":
		var errs []string
		for _, item := range t.Items {
			err := m.check(item, v, where)
			if err == nil {
				return nil
			}
			errs = append(errs, err.Error())
		}
		return fmt.Errorf("%s: none of %s", where, strings.Join(errs, "; "))
	case "and":
		var all []modelProperty
		for _, item := range t.Items {
			all = append(all, m.structures[item.Name]...)
		}
		return m.object(all, v, where)
	case "literal":
		var s modelStructure
		if err := json.Unmarshal(t.Value, &s); err != nil {
			return err
		}
		return m.object(s.Properties, v, where)
	case "stringLiteral", "integerLiteral", "booleanLiteral":
		var want any
		if json.Unmarshal(t.Value, &want) != nil || want != v {
			return wrong
		}
		return nil
	}
	return fmt.Errorf("%s: the checker knows no %q", where, t.Kind)
}

// brief is a value for a message.
func brief(v any) string {
	b, err := json.Marshal(v)
	if err != nil {
		return err.Error()
	}
	if len(b) > 80 {
		return string(b[:80]) + "..."
	}
	return string(b)
}

func typeOf(raw json.RawMessage) (t modelType) {
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
		whole := x == math.Trunc(x) && x <= math.MaxInt32 && x >= math.MinInt32
		return name == "decimal" || name == "integer" && whole || name == "uinteger" && whole && x >= 0
	case string:
		if name == "DocumentUri" || name == "URI" {
			u, err := url.Parse(x)
			return err == nil && u.Scheme != ""
		}
		return name == "string"
	}
	return false
}

// named checks a value against a structure, an enumeration or an alias.
func (m *model) named(name string, v any, where string) error {
	if name == "LSPAny" {
		return nil
	}
	if properties, ok := m.structures[name]; ok {
		return m.object(properties, v, where)
	}
	if e := m.enumerations[name]; e != nil {
		if err := m.check(e.Type, v, where); err != nil || e.SupportsCustomValues {
			return err
		}
		for _, x := range e.Values {
			if x.Value == v {
				return nil
			}
		}
		return fmt.Errorf("%s: %v is no %s", where, v, name)
	}
	if alias, ok := m.aliases[name]; ok {
		return m.check(alias, v, where)
	}
	return fmt.Errorf("%s: unknown type %s", where, name)
}

func (m *model) object(properties []modelProperty, v any, where string) error {
	object, ok := v.(map[string]any)
	if !ok {
		return fmt.Errorf("%s: %s is no object", where, brief(v))
	}
	known := map[string]bool{}
	for _, p := range properties {
		known[p.Name] = true
		x, present := object[p.Name]
		if !present && !p.Optional {
			return fmt.Errorf("%s: %s is missing", where, p.Name)
		}
		if present {
			if err := m.check(p.Type, x, where+"."+p.Name); err != nil {
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

// at is the value at a dotted path of object members, nil where there is none.
func at(v any, path string) any {
	for name := range strings.SplitSeq(path, ".") {
		object, _ := v.(map[string]any)
		v = object[name]
	}
	return v
}

// list is the array at a dotted path.
func list(v any, path string) []any {
	out, _ := at(v, path).([]any)
	return out
}
