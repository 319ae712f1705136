package lsptest

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
)

// envelope is a JSON-RPC message whose outer form was found right.
type envelope struct {
	method           string
	id               string // its JSON
	hasID, hasParams bool
	params, result   any
	failure          *failure
}

// failure is the error of a response.
type failure struct{ code, message any }

// response says whether the message answers a request.
func (e *envelope) response() bool { return e.method == "" }

// members are all that a message may have.
var members = []string{"jsonrpc", "id", "method", "params", "result", "error"}

// open reads a message and checks its outer form. What could be read of a wrong one is returned beside the error.
func open(body []byte) (*envelope, error) {
	e := &envelope{}
	var msg map[string]json.RawMessage
	if err := json.Unmarshal(body, &msg); err != nil {
		return e, fmt.Errorf("no JSON object: %w", err)
	}
	var errs []error
	var version any
	read := func(name string, into any) bool {
		raw, present := msg[name]
		if present {
			errs = append(errs, json.Unmarshal(raw, into))
		}
		return present
	}
	for key := range msg {
		if !slices.Contains(members, key) {
			errs = append(errs, fmt.Errorf("unknown member %q", key))
		}
	}
	if read("jsonrpc", &version); version != "2.0" {
		errs = append(errs, errors.New("no JSON-RPC version"))
	}
	var id any
	if e.hasID = read("id", &id); e.hasID {
		e.id = string(msg["id"])
	}
	isCall := read("method", &e.method)
	e.hasParams = read("params", &e.params)
	hasResult := read("result", &e.result)
	var wrong map[string]any
	hasError := read("error", &wrong)
	if hasError {
		e.failure = &failure{wrong["code"], wrong["message"]}
	}
	switch _, object := e.params.(map[string]any); {
	case isCall && e.method == "":
		errs = append(errs, errors.New("the method is empty"))
	case isCall && (hasResult || hasError):
		errs = append(errs, errors.New("a call with a result"))
	case isCall && e.hasParams && !object:
		errs = append(errs, fmt.Errorf("%s: the params are %s, which is no object", e.method, brief(e.params)))
	case !isCall && (!e.hasID || hasResult == hasError):
		errs = append(errs, errors.New("a response needs an id, and a result or an error"))
	case !isCall && e.hasParams:
		errs = append(errs, errors.New("a response with params"))
	}
	if number, isNumber := id.(float64); e.hasID {
		_, isString := id.(string)
		unread := id == nil && hasError // the answer to what could not be read
		if !unread && !isString && !(isNumber && isBase("integer", number)) {
			errs = append(errs, fmt.Errorf("the id %s is no integer and no string", brief(id)))
		}
	}
	return e, errors.Join(errs...)
}

// wellFormed checks an error: its code is a number that LSP or JSON-RPC defines or leaves to servers, its message says something.
func (f *failure) wellFormed() error {
	m, err := meta()
	if err != nil {
		return err
	}
	code, ok := f.code.(float64)
	if text, isText := f.message.(string); !ok || !isText || text == "" {
		return fmt.Errorf("malformed error: code %s, message %s", brief(f.code), brief(f.message))
	}
	for _, name := range []string{"ErrorCodes", "LSPErrorCodes"} {
		for _, x := range m.enumerations[name].Values {
			if x.Value == code {
				return nil
			}
		}
	}
	// JSON-RPC reserves -32768 to -32000, and LSP uses no other range, for what they define; 0 is no error code at all.
	if code == 0 || code >= -32899 && code <= -32000 || !isBase("integer", code) {
		return fmt.Errorf("the error code %v is not defined", code)
	}
	return nil
}
