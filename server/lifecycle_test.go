package server

import (
	"context"
	"encoding/json"
	"strconv"
	"testing"
	"time"

	"go.lsp.dev/jsonrpc2"
	"go.lsp.dev/protocol"
)

func TestHandshake(t *testing.T) {
	for name, c := range map[string]struct {
		offered []string
		want    string
	}{
		"nothing":  {nil, "utf-16"},
		"utf-16":   {[]string{"utf-16"}, "utf-16"},
		"all":      {[]string{"utf-16", "utf-32", "utf-8"}, "utf-8"},
		"utf-32":   {[]string{"utf-32", "utf-16"}, "utf-32"},
		"nonsense": {[]string{"utf-7"}, "utf-16"},
	} {
		t.Run(name, func(t *testing.T) {
			capabilities := m{}
			if c.offered != nil {
				capabilities["general"] = m{"positionEncodings": c.offered}
			}
			got := decode[struct {
				Capabilities struct{ PositionEncoding string }
				ServerInfo   struct{ Name, Version string }
			}](t, connect(t).handshake(capabilities, "file:///nowhere"))
			if got.Capabilities.PositionEncoding != c.want || got.ServerInfo.Name != "ckpt-lsp" || got.ServerInfo.Version != "1.2.3" {
				t.Errorf("%+v, want %s", got, c.want)
			}
		})
	}
}

func TestInitializeComesFirst(t *testing.T) {
	c := connect(t)
	for _, method := range []string{"textDocument/hover", "shutdown", "no/such"} {
		if r := c.call(method, m{}); r.Error == nil || r.Error.Code != jsonrpc2.ServerNotInitialized {
			t.Errorf("%s: %v", method, r.Error)
		}
	}
	c.notify("textDocument/didOpen", m{"textDocument": m{"uri": "file:///a.py", "languageId": "python", "version": 1, "text": "import torch\nBUG"}})
	c.handshake(nil, "file:///nowhere")
	if r := c.call("initialize", m{"processId": nil, "rootUri": nil, "capabilities": m{}}); r.Error == nil || r.Error.Code != jsonrpc2.InvalidRequest {
		t.Errorf("second initialize: %v", r.Error)
	}
	if docs := c.session.view.Load().docs; len(docs) != 0 {
		t.Errorf("a document was opened before initialize: %v", docs)
	}
}

func TestExitCodes(t *testing.T) {
	shutdown := func(c *client) {
		if r := c.call("shutdown", nil); r.Error != nil || string(r.Result) != "null" {
			c.t.Errorf("shutdown: %+v", r)
		}
	}
	for name, c := range map[string]struct {
		end  func(*client)
		want int
	}{
		"shutdown and exit":          {func(c *client) { shutdown(c); c.notify("exit", nil) }, 0},
		"exit alone":                 {func(c *client) { c.notify("exit", nil) }, 1},
		"end of input":               {func(c *client) { c.in.Close() }, 1},
		"shutdown, end of input":     {func(c *client) { shutdown(c); c.in.Close() }, 0},
		"end of input in a message":  {func(c *client) { c.raw("Content-Length: 100\r\n\r\n{"); c.in.Close() }, 1},
		"end of input in the header": {func(c *client) { c.raw("Content-Le"); c.in.Close() }, 1},
	} {
		t.Run(name, func(t *testing.T) {
			x := start(t, nil)
			x.open("file:///a.py", "import torch\n")
			c.end(x)
			x.exits(c.want)
		})
	}
}

func TestNothingButExitAfterShutdown(t *testing.T) {
	c := start(t, nil)
	c.call("shutdown", nil)
	if r := c.call("textDocument/hover", m{"textDocument": m{"uri": "file:///a.py"}, "position": at(0, 0)}); r.Error == nil || r.Error.Code != jsonrpc2.InvalidRequest {
		t.Errorf("hover after shutdown: %v", r.Error)
	}
	c.notify("textDocument/didOpen", m{"textDocument": m{"uri": "file:///a.py", "languageId": "python", "version": 1, "text": ""}})
	c.notify("exit", nil)
	c.exits(0)
}

// TestShutdownAnswersLast holds that a client has the answers to what it asked before shutdown when it leaves.
func TestShutdownAnswersLast(t *testing.T) {
	c := start(t, nil)
	c.open("file:///a.py", "import torch\n")
	d := c.session.view.Load().docs["file:///a.py"]
	d.mu.Lock() // hovers wait
	hover := c.request("textDocument/hover", m{"textDocument": m{"uri": "file:///a.py"}, "position": at(0, 0)})
	down := c.request("shutdown", nil)
	time.AfterFunc(50*time.Millisecond, d.mu.Unlock)
	for _, id := range []int{hover, down} {
		if x := c.wait("an answer", func(x message) bool { return x.Method == "" }); string(x.ID) != strconv.Itoa(id) {
			t.Errorf("answer %s came where %d is due", x.ID, id)
		}
	}
}

// TestActionsKeepWhatIsKnown holds that asking for actions again, in the same snapshot, finds nothing anew.
func TestActionsKeepWhatIsKnown(t *testing.T) {
	c := start(t, nil)
	c.open("file:///a.py", "import torch\n")
	ask := func() *analysis {
		c.call("textDocument/codeAction", m{"textDocument": m{"uri": "file:///a.py"}, "range": m{"start": at(0, 0), "end": at(0, 0)}, "context": m{"diagnostics": []any{}}})
		return c.session.view.Load().docs["file:///a.py"].latest()
	}
	c.settle() // what runs in the background finds the document again when it is done
	first := ask()
	if again := ask(); again != first {
		t.Error("the document was analysed again")
	}
	c.open("file:///b.py", "import torch\n")
	if later := ask(); later.of.number < c.session.view.Load().number {
		t.Error("what is known is older than a file that was opened since")
	}
}

func TestExitBeforeInitialize(t *testing.T) {
	c := connect(t)
	c.notify("exit", nil)
	c.exits(1)
}

// withRoute replaces how the server handles some methods.
func withRoute(method string, h jsonrpc2.Handler) func(*session) {
	return func(s *session) {
		route := s.route
		s.route = func(ctx context.Context, req *jsonrpc2.Request) (any, error) {
			if req.Method() == method {
				return h(ctx, req)
			}
			return route(ctx, req)
		}
	}
}

func TestPanicsAreAnswered(t *testing.T) {
	explode := func(context.Context, *jsonrpc2.Request) (any, error) { panic("boom") }
	c := start(t, nil, withRoute("textDocument/hover", explode), withRoute("workspace/didChangeConfiguration", explode))
	for range 3 {
		if r := c.call("textDocument/hover", m{}); r.Error == nil || r.Error.Code != jsonrpc2.InternalError {
			t.Errorf("%v", r.Error)
		}
		c.notify("workspace/didChangeConfiguration", m{"settings": nil})
	}
	c.open("file:///a.py", "import torch\n")
}

func TestCancellation(t *testing.T) {
	running := make(chan struct{})
	wait := func(ctx context.Context, _ *jsonrpc2.Request) (any, error) {
		running <- struct{}{}
		<-ctx.Done()
		return nil, ctx.Err()
	}
	c := start(t, nil, withRoute("textDocument/hover", wait))
	params := m{"textDocument": m{"uri": "file:///a.py"}, "position": at(0, 0)}
	first, second := c.request("textDocument/hover", params), c.request("textDocument/hover", params)
	<-running
	<-running
	c.open("file:///a.py", "import torch\n") // is not held up
	c.notify("$/cancelRequest", m{"id": second})
	if r := c.response(second); r.Error == nil || r.Error.Code != protocol.CodeRequestCancelled {
		t.Errorf("%v", r.Error)
	}
	c.notify("$/cancelRequest", m{"id": second}) // over already
	c.notify("$/cancelRequest", m{"id": first})
	c.response(first)

	// Ids may be strings.
	c.send(m{"id": "seven", "method": "textDocument/hover", "params": params})
	<-running
	c.notify("$/cancelRequest", m{"id": "seven"})
	c.wait("the response to seven", func(x message) bool { return string(x.ID) == `"seven"` && x.Error != nil })
}

func TestFilesAreWatched(t *testing.T) {
	asked := make(chan json.RawMessage, 1)
	c := connect(t)
	c.answer = func(method string, params json.RawMessage) any {
		if method == "client/registerCapability" {
			asked <- params
		}
		return nil
	}
	c.handshake(m{"workspace": m{"didChangeWatchedFiles": m{"dynamicRegistration": true}}}, "file:///nowhere")
	got := decode[struct {
		Registrations []struct {
			Method          string
			RegisterOptions struct {
				Watchers []struct{ GlobPattern string }
			}
		}
	}](t, <-asked)
	if len(got.Registrations) != 1 || len(got.Registrations[0].RegisterOptions.Watchers) != 11 || got.Registrations[0].RegisterOptions.Watchers[0].GlobPattern != "**/ckpt-lsp.toml" {
		t.Errorf("%+v", got)
	}
}
