package lsptest

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
)

// Problem is something that LSP does not allow.
type Problem struct {
	// From is the side that made the mistake.
	From Side
	// Text says what is wrong, without what differs from run to run; it begins with the method where there is one.
	Text string
	// Message is what was sent, shortened, or empty.
	Message string
}

func (p Problem) String() string {
	if p.Message == "" {
		return fmt.Sprintf("%s: %s", p.From, p.Text)
	}
	return fmt.Sprintf("%s: %s in %s", p.From, p.Text, p.Message)
}

// Session is what was found in the messages between one client and one server.
type Session struct {
	// Client is the name and the version that the client gives of itself, as in "Neovim 0.11.1"; "unknown" if it gives none.
	Client string
	// Methods counts the requests and notifications by sender and method, as in "client textDocument/hover".
	Methods  map[string]int
	Problems []Problem
	// Exit is how the server ended, nil if that was not seen.
	Exit *Exit
}

// lifecycle is how far a session has come.
type lifecycle int

const (
	fresh        lifecycle = iota // nothing was sent
	initializing                  // initialize was sent
	working                       // it was answered
	stopping                      // shutdown was sent
	stopped                       // shutdown was answered
	exiting                       // exit was sent
)

// conversation is what the check of a session has to remember.
type conversation struct {
	Session
	state        lifecycle
	pending      map[Side]map[string]*question // requests of a side that the other has not answered, by id
	capabilities any                           // of the client
	documents    map[string]float64            // the versions of open documents
	published    map[string]float64            // the versions of the last findings
}

// question is a request that waits for its answer.
type question struct {
	method string
	items  int  // how many things were asked for, where the answer has one for each
	late   bool // it was sent when the server need not answer any more
}

// checkSession goes through the records of one session.
func checkSession(records []Record) Session {
	c := &conversation{
		Session:   Session{Client: "unknown", Methods: map[string]int{}},
		pending:   map[Side]map[string]*question{Client: {}, Server: {}},
		documents: map[string]float64{}, published: map[string]float64{},
	}
	for _, r := range records {
		switch {
		case r.Why != "":
			c.report(r.From, r.Broken, "%s", r.Why)
		case r.Message != nil:
			c.message(r.From, r.Message)
		case r.Exit != nil:
			c.Exit = r.Exit
		}
	}
	c.end()
	return c.Session
}

func (c *conversation) report(from Side, body []byte, format string, args ...any) {
	const enough = 300
	text := string(body)
	if len(text) > enough {
		text = text[:enough] + "..."
	}
	c.Problems = append(c.Problems, Problem{from, fmt.Sprintf(format, args...), text})
}

func (c *conversation) message(from Side, body json.RawMessage) {
	e, _ := open(body)
	var asked *question
	method := ""
	if e.response() {
		if asked = c.pending[from.other()][e.id]; asked != nil {
			method = asked.method
		}
	}
	if err := Conforms(from, body, method); err != nil && (asked != nil || !e.response()) {
		c.report(from, body, "%s", strings.ReplaceAll(err.Error(), "\n", "; "))
	}
	switch {
	case e.response():
		c.response(from, body, e, asked)
	default:
		c.Methods[string(from)+" "+e.method]++
		c.lifecycle(from, body, e)
		if e.hasID {
			c.request(from, body, e)
		}
		c.document(from, body, e)
	}
}

// request notes that an answer is due, and holds the server to what the client said it can do.
func (c *conversation) request(from Side, body []byte, e *envelope) {
	if c.pending[from][e.id] != nil {
		c.report(from, body, "%s: the id is that of a request that was not answered yet", e.method)
	}
	c.pending[from][e.id] = &question{e.method, len(list(e.params, "items")), c.state >= stopping && e.method != "shutdown"}
	m, err := meta()
	if from == Client || err != nil {
		return
	}
	if path := m.capabilities[e.method]; path != "" && !offered(c.capabilities, path) {
		c.report(from, body, "%s: the client did not say that it can (%s)", e.method, path)
	}
	if e.method == "client/registerCapability" {
		for _, r := range list(e.params, "registrations") {
			method, _ := at(r, "method").(string)
			if path := m.capabilities[method] + ".dynamicRegistration"; at(c.capabilities, path) != true {
				c.report(from, body, "%s: the client did not say that it can (%s)", e.method, path)
			}
		}
	}
}

// offered says whether a capability is there and is not false.
func offered(capabilities any, path string) bool {
	v := at(capabilities, path)
	return v != nil && v != false
}

func (c *conversation) response(from Side, body []byte, e *envelope, asked *question) {
	if asked == nil {
		unread := e.failure != nil && (e.id == "null" || e.id == "") // what it answers was broken, and is reported for that
		if !unread {
			c.report(from, body, "a response that answers no request, or one that is answered already")
		}
		return
	}
	delete(c.pending[from.other()], e.id)
	switch {
	case asked.method == "initialize" && e.failure != nil:
		c.state = fresh
	case asked.method == "initialize":
		c.state = working
	case asked.method == "shutdown" && c.state == stopping:
		c.state = stopped
	case asked.method == "workspace/configuration" && e.failure == nil:
		if answers, _ := e.result.([]any); len(answers) != asked.items {
			c.report(from, body, "workspace/configuration: %d items were asked for, %d are given", asked.items, len(answers))
		}
	}
}

// early are what a server may send before it has answered initialize.
var early = map[string]bool{
	"window/showMessage": true, "window/logMessage": true, "window/showMessageRequest": true, "telemetry/event": true, "$/progress": true,
}

// lifecycle checks whether a message may be sent as far as the session has come.
func (c *conversation) lifecycle(from Side, body []byte, e *envelope) {
	switch {
	case from == Server && c.state < working && !(early[e.method] && c.state == initializing):
		c.report(from, body, "%s: sent before initialize was answered", e.method)
	case from == Server && c.state == exiting:
		// It may have crossed with exit.
	case from == Client && e.method == "exit":
		c.state = exiting
	case from == Client && e.method == "initialize":
		if c.state != fresh {
			c.report(from, body, "initialize: sent twice")
			return
		}
		c.state = initializing
		c.capabilities = at(e.params, "capabilities")
		name, _ := at(e.params, "clientInfo.name").(string)
		version, _ := at(e.params, "clientInfo.version").(string)
		if name != "" {
			c.Client = strings.TrimSpace(name + " " + version)
		}
	case from == Client && c.state < working:
		c.report(from, body, "%s: sent before initialize was answered", e.method)
	case from == Client && c.state >= stopping:
		c.report(from, body, "%s: sent after shutdown", e.method)
	case from == Client && e.method == "shutdown":
		c.state = stopping
	}
}

// document checks that documents are opened before they are changed, that their versions grow, and that findings are never
// for an older version than those before them, nor for one that does not exist yet.
func (c *conversation) document(from Side, body []byte, e *envelope) {
	uri, _ := at(e.params, "textDocument.uri").(string)
	version, _ := at(e.params, "textDocument.version").(float64)
	current, open := c.documents[uri]
	switch e.method {
	case "textDocument/didOpen":
		if open {
			c.report(from, body, "%s: the document is open already", e.method)
		}
		c.documents[uri] = version
		delete(c.published, uri)
	case "textDocument/didChange":
		if !open {
			c.report(from, body, "%s: the document is not open", e.method)
		} else if version <= current {
			c.report(from, body, "%s: the version does not grow", e.method)
		}
		c.documents[uri] = version
	case "textDocument/didClose":
		if !open {
			c.report(from, body, "%s: the document is not open", e.method)
		}
		delete(c.documents, uri)
	case "textDocument/publishDiagnostics":
		uri, _ := at(e.params, "uri").(string)
		version, versioned := at(e.params, "version").(float64)
		current, open := c.documents[uri]
		if !versioned || !open {
			return // findings of a closed document; those of an open one may have crossed with its closing
		}
		if version > current {
			c.report(from, body, "%s: the document has no such version yet", e.method)
		}
		if last, ok := c.published[uri]; ok && version < last {
			c.report(from, body, "%s: the findings are for an older version than the last", e.method)
		}
		c.published[uri] = version
	}
}

// outside are the signals that others send to end a server. By any other it ended itself.
var outside = []string{"killed", "terminated", "interrupt", "hangup"}

// signalled are the exit codes of a server that ends in order when it gets one of them: 128 and its number.
var signalled = []int{128 + 1, 128 + 2, 128 + 15}

// end checks what is left when the session is over.
func (c *conversation) end() {
	if c.Exit == nil {
		return
	}
	if signal := c.Exit.Signal; signal != "" {
		if !slices.Contains(outside, signal) {
			c.report(Server, nil, "it crashed: %s", signal)
		}
		return // who is killed owes nothing
	}
	if slices.Contains(signalled, c.Exit.Code) {
		return
	}
	want := 1
	if c.wasShutDown() {
		want = 0 // with exit, or with the end of the client's messages, which some have in its place
	}
	if c.Exit.Code != want {
		c.report(Server, nil, "exit code %d, where %d is due", c.Exit.Code, want)
	}
	if want != 0 {
		return // the client was gone
	}
	// The client owes no answer any more when it has asked for shutdown.
	for _, q := range c.pending[Client] {
		if !q.late {
			c.report(Server, nil, "%s: never answered", q.method)
		}
	}
}

// wasShutDown says whether shutdown was asked for and answered.
func (c *conversation) wasShutDown() bool {
	for _, q := range c.pending[Client] {
		if q.method == "shutdown" {
			return false
		}
	}
	return c.Methods["client shutdown"] > 0
}
