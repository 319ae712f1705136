package lsptest

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

const (
	hello    = `C {"jsonrpc":"2.0","id":1,"method":"initialize","params":{"processId":null,"rootUri":null,"clientInfo":{"name":"test"},"capabilities":{}}}`
	welcome  = `S {"jsonrpc":"2.0","id":1,"result":{"capabilities":{}}}`
	ready    = `C {"jsonrpc":"2.0","method":"initialized","params":{}}`
	opened   = `C {"jsonrpc":"2.0","method":"textDocument/didOpen","params":{"textDocument":{"uri":"file:///a.py","languageId":"python","version":3,"text":""}}}`
	shutdown = `C {"jsonrpc":"2.0","id":2,"method":"shutdown"}`
	down     = `S {"jsonrpc":"2.0","id":2,"result":null}`
	exit     = `C {"jsonrpc":"2.0","method":"exit"}`
	ended    = `exit 0`
)

func publish(version int) string {
	return fmt.Sprintf(`S {"jsonrpc":"2.0","method":"textDocument/publishDiagnostics","params":{"uri":"file:///a.py","version":%d,"diagnostics":[]}}`, version)
}

// TestCheck puts one thing that is wrong into a sound session, behind initialized and didOpen where nothing else is said.
func TestCheck(t *testing.T) {
	sound := []string{hello, welcome, ready, opened, publish(3), shutdown, down, exit, ended}
	for _, x := range []struct {
		name, message string
		at            int // the place in the session; 0 is 4
		replace       bool
		want          string // a part of a problem; empty for none
	}{
		{name: "nothing"},
		{name: "unknown property", message: `S {"jsonrpc":"2.0","method":"window/showMessage","params":{"type":1,"message":"","color":1}}`, want: "server: window/showMessage: unknown property color"},
		{name: "missing property", message: `C {"jsonrpc":"2.0","method":"textDocument/didClose","params":{"textDocument":{}}}`, want: "client: textDocument/didClose.textDocument: uri is missing"},
		{name: "enumeration", message: `S {"jsonrpc":"2.0","method":"window/showMessage","params":{"type":9,"message":""}}`, want: "9 is no MessageType"},
		{name: "type", message: `S {"jsonrpc":"2.0","method":"window/showMessage","params":{"type":1,"message":2}}`, want: "2 is no base string"},
		{name: "direction", message: `S {"jsonrpc":"2.0","method":"textDocument/didSave","params":{"textDocument":{"uri":"file:///a.py"}}}`, want: "a server may not send"},
		{name: "unknown method", message: `C {"jsonrpc":"2.0","method":"textDocument/dance","params":{}}`, want: "there is no notification"},
		{name: "no version of JSON-RPC", message: `C {"method":"$/setTrace","params":{"value":"off"}}`, want: "no JSON-RPC version"},
		{name: "unknown member", message: `C {"jsonrpc":"2.0","method":"$/setTrace","params":{"value":"off"},"x":1}`, want: `unknown member "x"`},
		{name: "params that are null", message: `C {"jsonrpc":"2.0","id":2,"method":"shutdown","params":null}`, at: 5, replace: true, want: "shutdown: the params are null"},
		{name: "answer without question", message: `S {"jsonrpc":"2.0","id":7,"result":null}`, want: "answers no request"},
		{name: "second answer", message: welcome, want: "answered already"},
		{name: "result of another type", message: `S {"jsonrpc":"2.0","id":1,"result":{}}`, at: 1, replace: true, want: "capabilities is missing"},
		{name: "result and error", message: `S {"jsonrpc":"2.0","id":2,"result":null,"error":{"code":-32603,"message":"x"}}`, at: 6, replace: true, want: "a result or an error"},
		{name: "error code 0", message: `S {"jsonrpc":"2.0","id":2,"error":{"code":0,"message":"x"}}`, at: 6, replace: true, want: "error code 0"},
		{name: "reserved error code", message: `S {"jsonrpc":"2.0","id":2,"error":{"code":-32801.5,"message":"x"}}`, at: 6, replace: true, want: "error code"},
		{name: "error without message", message: `S {"jsonrpc":"2.0","id":2,"error":{"code":-32603}}`, at: 6, replace: true, want: "malformed error"},
		{name: "id in use", message: `C {"jsonrpc":"2.0","id":2,"method":"shutdown"}`, at: 6, want: "not answered yet"},
		{name: "never answered", message: `C {"jsonrpc":"2.0","id":5,"method":"textDocument/hover","params":{"textDocument":{"uri":"file:///a.py"},"position":{"line":0,"character":0}}}`, want: "server: textDocument/hover: never answered"},
		{name: "server speaks before initialize is answered", message: publish(3), at: 1, want: "before initialize was answered"},
		{name: "server may log before", message: `S {"jsonrpc":"2.0","method":"window/logMessage","params":{"type":3,"message":"x"}}`, at: 1},
		{name: "client speaks before", message: ready, at: 1, want: "client: initialized: sent before"},
		{name: "client goes on after shutdown", message: ready, at: 6, want: "sent after shutdown"},
		{name: "initialize twice", message: strings.Replace(hello, `"id":1`, `"id":9`, 1), want: "initialize"},
		{name: "capability", message: `S {"jsonrpc":"2.0","id":1,"method":"workspace/configuration","params":{"items":[]}}`, want: "did not say that it can (workspace.configuration)"},
		{name: "older findings", message: publish(2), at: 5, want: "older version than the last"},
		{name: "findings of the future", message: publish(4), want: "no such version yet"},
		{name: "change of a closed document", message: `C {"jsonrpc":"2.0","method":"textDocument/didChange","params":{"textDocument":{"uri":"file:///b.py","version":2},"contentChanges":[]}}`, want: "not open"},
		{name: "version stays", message: `C {"jsonrpc":"2.0","method":"textDocument/didChange","params":{"textDocument":{"uri":"file:///a.py","version":3},"contentChanges":[]}}`, want: "does not grow"},
		{name: "exit code", message: `exit 1`, at: 8, replace: true, want: "exit code 1, where 0 is due"},
		{name: "killed", message: `signal killed`, at: 8, replace: true},
		{name: "ended by a signal in order", message: `exit 143`, at: 8, replace: true},
		{name: "crashed", message: `signal segmentation fault`, at: 8, replace: true, want: "server: it crashed: segmentation fault"},
		{name: "broken", message: `broken`, want: "server: no frame"},
	} {
		t.Run(x.name, func(t *testing.T) {
			place := x.at
			if place == 0 {
				place = 4
			}
			lines := append([]string{}, sound[:place]...)
			if x.message != "" {
				lines = append(lines, x.message)
			}
			if x.replace {
				place++
			}
			lines = append(lines, sound[place:]...)
			problems := check(t, lines)
			switch {
			case x.want == "" && len(problems) > 0:
				t.Errorf("problems %v", problems)
			case x.want != "" && !found(problems, x.want):
				t.Errorf("problems %v, want %q", problems, x.want)
			}
		})
	}
}

func found(problems []Problem, want string) bool {
	for _, p := range problems {
		if strings.Contains(p.String(), want) {
			return true
		}
	}
	return false
}

// check writes a session down as the proxy does, and checks the log.
func check(t *testing.T, lines []string) []Problem {
	t.Helper()
	var log strings.Builder
	for _, line := range lines {
		r := Record{Session: 1}
		kind, body, _ := strings.Cut(line, " ")
		switch kind {
		case "C":
			r.From, r.Message = Client, json.RawMessage(body)
		case "S":
			r.From, r.Message = Server, json.RawMessage(body)
		case "broken":
			r.From, r.Broken, r.Why = Server, []byte("x"), "no frame"
		case "exit":
			code, err := strconv.Atoi(body)
			if err != nil {
				t.Fatal(err)
			}
			r.Exit = &Exit{Code: code}
		case "signal":
			r.Exit = &Exit{Code: -1, Signal: body}
		}
		b, err := json.Marshal(r)
		if err != nil {
			t.Fatal(err)
		}
		log.Write(append(b, '\n'))
	}
	path := filepath.Join(t.TempDir(), "log")
	if err := os.WriteFile(path, []byte(log.String()), 0o600); err != nil {
		t.Fatal(err)
	}
	sessions, err := CheckLog(path)
	if err != nil {
		t.Fatal(err)
	}
	if len(sessions) != 1 {
		t.Fatalf("%d sessions, want 1", len(sessions))
	}
	return sessions[0].Problems
}
