package server

import (
	"bytes"
	"encoding/json"
	"strconv"
	"unicode/utf8"

	"go.lsp.dev/jsonrpc2"
)

// envelope is what every JSON-RPC message shows of itself.
type envelope struct {
	Version string          `json:"jsonrpc"`
	ID      json.RawMessage `json:"id,omitempty"`
	Method  *string         `json:"method,omitempty"`
	Params  json.RawMessage `json:"params,omitempty"`
	Result  json.RawMessage `json:"result,omitempty"`
	Error   json.RawMessage `json:"error,omitempty"`
}

// wireError is the error of a response.
type wireError struct {
	Code    jsonrpc2.Code `json:"code"`
	Message string        `json:"message"`
}

// canonical writes a message anew from what it means, so that the connection, which reads JSON with another scanner, sees
// exactly what was checked here. It fails with a *refusal.
func canonical(body []byte) ([]byte, error) {
	invalid := func(why string, id json.RawMessage) ([]byte, error) {
		return nil, &refusal{jsonrpc2.InvalidRequest, why, id}
	}
	if !utf8.Valid(body) {
		body = bytes.ToValidUTF8(body, []byte("\uFFFD"))
	}
	if body = bytes.TrimSpace(body); body[0] != '{' {
		return invalid("the message is not a JSON-RPC object", nil) // LSP has no batches
	}
	var m envelope
	if err := json.Unmarshal(body, &m); err != nil {
		return invalid("the message is not a JSON-RPC object: "+err.Error(), nil)
	}
	if m.ID != nil {
		if _, ok := readID(m.ID); !ok {
			return invalid("the id is neither a string nor an integer", nil)
		}
	}
	if m.Version != "2.0" {
		return invalid(`the member "jsonrpc" is not "2.0"`, m.ID)
	}
	switch {
	case m.Method != nil:
		m.Result, m.Error = nil, nil
		if isNull(m.Params) {
			m.Params = nil
		}
		if m.Params != nil && m.Params[0] != '{' && m.Params[0] != '[' {
			if m.ID != nil {
				return nil, &refusal{jsonrpc2.InvalidParams, "the params are neither an object nor an array", m.ID}
			}
			return invalid("the params are neither an object nor an array", nil)
		}
	case m.ID == nil || m.Result == nil && m.Error == nil:
		return invalid("the message is neither a request nor a response", m.ID)
	default:
		m.Params = nil
		if isNull(m.Error) {
			m.Error = nil
		}
		if m.Error != nil {
			m.Result = nil
			failure := wireError{Code: jsonrpc2.UnknownError, Message: "the client failed"}
			if json.Unmarshal(m.Error, &failure) != nil {
				failure = wireError{jsonrpc2.UnknownError, "the client failed: " + string(m.Error)}
			}
			m.Error, _ = json.Marshal(failure)
		}
	}
	return assemble(m), nil
}

// assemble writes the envelope's members. encoding/json would scan the params, which may be long, once more.
func assemble(m envelope) []byte {
	out := make([]byte, 0, len(m.Params)+len(m.Result)+len(m.Error)+256)
	out = append(out, `{"jsonrpc":"2.0"`...)
	member := func(name string, value json.RawMessage) {
		if value != nil {
			out = append(append(append(append(out, `,"`...), name...), `":`...), value...)
		}
	}
	member("id", m.ID)
	if m.Method != nil {
		method, _ := json.Marshal(*m.Method) // a string always can be
		member("method", method)
	}
	member("params", m.Params)
	member("result", m.Result)
	member("error", m.Error)
	return append(out, '}')
}

func isNull(raw json.RawMessage) bool { return string(raw) == "null" }

// readID reads an id: a string or an integer.
func readID(raw json.RawMessage) (jsonrpc2.ID, bool) {
	if len(raw) > 0 && raw[0] == '"' {
		var s string
		if json.Unmarshal(raw, &s) != nil {
			return jsonrpc2.ID{}, false
		}
		return jsonrpc2.NewStringID(s), true
	}
	n, err := strconv.ParseInt(string(raw), 10, 64)
	return jsonrpc2.NewNumberID(n), err == nil
}
