package server

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/textproto"
	"strconv"
	"sync"
	"testing"
	"time"

	"go.lsp.dev/jsonrpc2"

	"github.com/ckpt-lsp/ckpt-lsp/internal/lsptest"
)

// patience is how long a test waits for what must come. It is not a measure of speed.
const patience = 30 * time.Second

type m = map[string]any

// message is any message as a client sees it.
type message struct {
	ID     json.RawMessage `json:"id"`
	Method string          `json:"method"`
	Params json.RawMessage `json:"params"`
	Result json.RawMessage `json:"result"`
	Error  *wireError      `json:"error"`
}

// client is an editor's side of a connection, in memory. Every message that reaches it is checked against LSP's meta-model.
type client struct {
	t       testing.TB
	session *session
	in      *io.PipeWriter
	code    chan int

	reading sync.Mutex // a test that locks it has the client read nothing
	mu      sync.Mutex
	arrived *sync.Cond
	inbox   []message
	asked   map[string]string // the methods of requests, by id
	ended   bool
	ids     int
	// answer replies to requests of the server; it says success where there is none.
	answer func(method string, params json.RawMessage) any
}

// connect starts a server and a client of it that has not sent anything.
func connect(t testing.TB, prepare ...func(*session)) *client {
	fromClient, in := io.Pipe()
	out, toClient := io.Pipe()
	c := &client{t: t, session: newSession(Options{Rules: testRules, Version: "1.2.3", Cache: t.TempDir()}), in: in, code: make(chan int, 1), asked: map[string]string{}}
	c.arrived = sync.NewCond(&c.mu)
	for _, p := range prepare {
		p(c.session)
	}
	go func() {
		c.code <- c.session.serve(context.Background(), fromClient, toClient)
		toClient.Close()
	}()
	go c.listen(bufio.NewReader(out))
	t.Cleanup(func() {
		in.Close()
		out.Close()
	})
	return c
}

// start is connect and a handshake with the given capabilities.
func start(t testing.TB, capabilities m, prepare ...func(*session)) *client {
	t.Helper()
	c := connect(t, prepare...)
	c.handshake(capabilities, "file:///nowhere")
	return c
}

func (c *client) handshake(capabilities m, root string) json.RawMessage {
	c.t.Helper()
	if capabilities == nil {
		capabilities = m{}
	}
	r := c.call("initialize", m{"processId": nil, "rootUri": root, "capabilities": capabilities})
	if r.Error != nil {
		c.t.Fatalf("initialize: %v", r.Error)
	}
	c.notify("initialized", m{})
	return r.Result
}

func (c *client) listen(r *bufio.Reader) {
	defer func() {
		c.mu.Lock()
		defer c.mu.Unlock()
		c.ended = true
		c.arrived.Broadcast()
	}()
	for {
		c.reading.Lock()
		//lint:ignore SA2001 waiting is all
		c.reading.Unlock()
		header, err := textproto.NewReader(r).ReadMIMEHeader()
		if err != nil {
			return
		}
		length, err := strconv.Atoi(header.Get("Content-Length"))
		if err != nil {
			c.t.Errorf("header %v", header)
			return
		}
		body := make([]byte, length)
		if _, err := io.ReadFull(r, body); err != nil {
			return
		}
		c.take(body)
	}
}

func (c *client) take(body []byte) {
	var msg message
	if err := json.Unmarshal(body, &msg); err != nil {
		c.t.Errorf("the server sent %s: %v", body, err)
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if err := lsptest.Conforms(lsptest.Server, body, c.asked[string(msg.ID)]); err != nil {
		c.t.Errorf("%v in %s", err, body)
	}
	c.inbox = append(c.inbox, msg)
	c.arrived.Broadcast()
	if msg.Method != "" && msg.ID != nil {
		var result any
		if c.answer != nil {
			result = c.answer(msg.Method, msg.Params)
		}
		go func() {
			if w, late := result.(waiting); late {
				<-w.until
				result = w.result
			}
			c.send(m{"id": msg.ID, "result": result})
		}()
	}
}

// waiting is an answer that comes when a channel is closed.
type waiting struct {
	until  chan bool
	result any
}

// raw sends bytes as they are.
func (c *client) raw(b string) {
	if _, err := io.WriteString(c.in, b); err != nil && c.t.Context().Err() == nil {
		c.t.Errorf("the server does not read: %v", err)
	}
}

func (c *client) send(msg m) {
	msg["jsonrpc"] = "2.0"
	body, err := json.Marshal(msg)
	if err != nil {
		c.t.Errorf("%v", err)
		return
	}
	c.raw(fmt.Sprintf("Content-Length: %d\r\n\r\n%s", len(body), body))
}

func (c *client) notify(method string, params any) {
	msg := m{"method": method}
	if params != nil {
		msg["params"] = params
	}
	c.send(msg)
}

// request sends a request and gives its id.
func (c *client) request(method string, params any) int {
	c.mu.Lock()
	c.ids++
	id := c.ids
	c.asked[strconv.Itoa(id)] = method
	c.mu.Unlock()
	msg := m{"id": id, "method": method}
	if params != nil {
		msg["params"] = params
	}
	c.send(msg)
	return id
}

func (c *client) call(method string, params any) message {
	c.t.Helper()
	return c.response(c.request(method, params))
}

func (c *client) response(id int) message {
	c.t.Helper()
	return c.wait(fmt.Sprintf("the response to %d", id), func(x message) bool { return x.Method == "" && string(x.ID) == strconv.Itoa(id) })
}

// result decodes the result of a call that must succeed.
func result[T any](c *client, method string, params any) T {
	c.t.Helper()
	r := c.call(method, params)
	if r.Error != nil {
		c.t.Fatalf("%s: %d %s", method, r.Error.Code, r.Error.Message)
	}
	return decode[T](c.t, r.Result)
}

func decode[T any](t testing.TB, raw json.RawMessage) (v T) {
	t.Helper()
	if err := json.Unmarshal(raw, &v); err != nil {
		t.Fatalf("%v in %s", err, raw)
	}
	return v
}

// wait takes the first message that fits out of the inbox, when it is there.
func (c *client) wait(what string, fits func(message) bool) message {
	c.t.Helper()
	timer := time.AfterFunc(patience, func() {
		c.mu.Lock()
		defer c.mu.Unlock()
		c.ended = true
		c.arrived.Broadcast()
	})
	defer timer.Stop()
	c.mu.Lock()
	defer c.mu.Unlock()
	for {
		for i, x := range c.inbox {
			if fits(x) {
				c.inbox = append(c.inbox[:i:i], c.inbox[i+1:]...)
				return x
			}
		}
		if c.ended {
			c.t.Fatalf("%s did not come; the inbox holds %s", what, show(c.inbox))
		}
		c.arrived.Wait()
	}
}

func show(inbox []message) string {
	b, _ := json.Marshal(inbox)
	return string(b)
}

// failure waits for an answer to something that could not be read.
func (c *client) failure(code jsonrpc2.Code) {
	c.t.Helper()
	c.wait(fmt.Sprintf("error %d", code), func(x message) bool { return x.Error != nil && x.Error.Code == code })
}

// place, span and finding are LSP's Position, Range and Diagnostic as far as tests read them.
type place struct {
	Line      int `json:"line"`
	Character int `json:"character"`
}

type span struct {
	Start place `json:"start"`
	End   place `json:"end"`
}

type finding struct {
	Range    span   `json:"range"`
	Severity int    `json:"severity"`
	Code     string `json:"code"`
	Source   string `json:"source"`
	Message  string `json:"message"`
	Tags     []int  `json:"tags"`
	Data     any    `json:"data"`
	// Description leads to the page of the code.
	Description struct {
		Href string `json:"href"`
	} `json:"codeDescription"`
	Related []struct {
		Message  string
		Location struct{ Range span }
	} `json:"relatedInformation"`
}

type publication struct {
	URI         string    `json:"uri"`
	Version     *int      `json:"version"`
	Diagnostics []finding `json:"diagnostics"`
}

// published waits for the findings of a version; 0 stands for those without.
func (c *client) published(uri string, version int) publication {
	c.t.Helper()
	x := c.wait(fmt.Sprintf("findings of %s version %d", uri, version), func(x message) bool {
		var p publication
		if x.Method != "textDocument/publishDiagnostics" || json.Unmarshal(x.Params, &p) != nil || p.URI != uri {
			return false
		}
		return p.Version == nil && version == 0 || p.Version != nil && *p.Version == version
	})
	return decode[publication](c.t, x.Params)
}

func (c *client) open(uri, text string) publication {
	c.t.Helper()
	c.notify("textDocument/didOpen", m{"textDocument": m{"uri": uri, "languageId": "python", "version": 1, "text": text}})
	return c.published(uri, 1)
}

func (c *client) change(uri string, version int, changes ...any) {
	c.notify("textDocument/didChange", m{"textDocument": m{"uri": uri, "version": version}, "contentChanges": changes})
}

// exits waits for the server's end.
func (c *client) exits(want int) {
	c.t.Helper()
	select {
	case code := <-c.code:
		if code != want {
			c.t.Errorf("exit code %d, want %d", code, want)
		}
	case <-time.After(patience):
		c.t.Fatal("the server does not end")
	}
}

func at(line, character int) m { return m{"line": line, "character": character} }

func between(a, b m) m { return m{"start": a, "end": b} }

func encode(t testing.TB, v any) json.RawMessage {
	t.Helper()
	b, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return b
}
