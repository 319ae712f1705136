package proof

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/textproto"
	"net/url"
	"path/filepath"
	"strconv"
	"time"

	"github.com/ckpt-lsp/ckpt-lsp/internal/text"
	"github.com/ckpt-lsp/ckpt-lsp/server"
)

// patience is how long an editor waits for what must come. It is not a measure of speed.
const patience = time.Minute

type object = map[string]any

// editor is a language client with a server of its own in this process. It has the files of one program open.
type editor struct {
	ctx  context.Context
	in   io.Writer
	from <-chan message
	root string
	ids  int
	docs map[string]*document // by URI
}

// document is an open file as the editor and the server know it.
type document struct {
	name     string
	text     []byte
	version  int
	known    int // the version of the findings
	findings []finding
}

// message is any message as a client sees it.
type message struct {
	ID     json.RawMessage `json:"id"`
	Method string          `json:"method"`
	Params json.RawMessage `json:"params"`
	Result json.RawMessage `json:"result"`
	Error  *struct {
		Message string `json:"message"`
	} `json:"error"`
}

type place struct {
	Line      int `json:"line"`
	Character int `json:"character"`
}

type span struct {
	Start place `json:"start"`
	End   place `json:"end"`
}

// finding is LSP's Diagnostic, as far as fixes need it.
type finding struct {
	Range   span   `json:"range"`
	Code    string `json:"code"`
	Message string `json:"message"`
}

// action is LSP's CodeAction, with the edits in the form that the editor asks for.
type action struct {
	Title       string    `json:"title"`
	Kind        string    `json:"kind"`
	Diagnostics []finding `json:"diagnostics"`
	Edit        *struct {
		DocumentChanges []struct {
			TextDocument struct {
				URI     string `json:"uri"`
				Version *int   `json:"version"`
			} `json:"textDocument"`
			Edits []struct {
				Range   span   `json:"range"`
				NewText string `json:"newText"`
			} `json:"edits"`
		} `json:"documentChanges"`
	} `json:"edit"`
}

// start starts a server in root and shakes hands with it. Cancelling the context ends both.
func start(ctx context.Context, root string) (*editor, error) {
	fromClient, in := io.Pipe()
	out, toClient := io.Pipe()
	from := make(chan message, 1024) // the server can say much before it reads on
	go func() {
		server.Serve(ctx, fromClient, toClient, server.Options{Version: "proof"})
		toClient.Close()
	}()
	go func() {
		<-ctx.Done()
		in.Close()
		out.Close()
	}()
	go listen(ctx, bufio.NewReader(out), from)
	e := &editor{ctx: ctx, in: in, from: from, root: root, docs: map[string]*document{}}
	_, err := e.call("initialize", object{
		"processId": nil, "rootUri": e.uri(""),
		"capabilities": object{
			"general":   object{"positionEncodings": []string{"utf-8"}},
			"workspace": object{"workspaceEdit": object{"documentChanges": true}},
		},
	})
	if err != nil {
		return nil, err
	}
	return e, e.notify("initialized", object{})
}

func (e *editor) uri(name string) string {
	u := url.URL{Scheme: "file", Path: filepath.ToSlash(filepath.Join(e.root, filepath.FromSlash(name)))}
	return u.String()
}

// listen passes on what the server says. It ends with the connection.
func listen(ctx context.Context, r *bufio.Reader, to chan<- message) {
	defer close(to)
	for {
		header, err := textproto.NewReader(r).ReadMIMEHeader()
		if err != nil {
			return
		}
		length, err := strconv.Atoi(header.Get("Content-Length"))
		if err != nil {
			return
		}
		body := make([]byte, length)
		if _, err := io.ReadFull(r, body); err != nil {
			return
		}
		var m message
		if json.Unmarshal(body, &m) != nil {
			return
		}
		select {
		case to <- m:
		case <-ctx.Done():
			return
		}
	}
}

func (e *editor) send(m object) error {
	m["jsonrpc"] = "2.0"
	body, err := json.Marshal(m)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(e.in, "Content-Length: %d\r\n\r\n%s", len(body), body)
	return err
}

func (e *editor) notify(method string, params any) error {
	return e.send(object{"method": method, "params": params})
}

// call asks the server and waits for its answer.
func (e *editor) call(method string, params any) (json.RawMessage, error) {
	e.ids++
	id := strconv.Itoa(e.ids)
	if err := e.send(object{"id": e.ids, "method": method, "params": params}); err != nil {
		return nil, fmt.Errorf("%s: %w", method, err)
	}
	var answer message
	err := e.until(patience, func(m message) bool {
		answer = m
		return m.Method == "" && string(m.ID) == id
	})
	if err == nil && answer.Error != nil {
		err = fmt.Errorf("%s", answer.Error.Message)
	}
	if err != nil {
		return nil, fmt.Errorf("%s: %w", method, err)
	}
	return answer.Result, nil
}

// until takes what the server says until enough was said.
func (e *editor) until(patience time.Duration, enough func(message) bool) error {
	late := time.After(patience)
	for {
		select {
		case m, ok := <-e.from:
			if !ok {
				return fmt.Errorf("the server ended")
			}
			asked, err := e.take(m)
			if err != nil {
				return err
			}
			if asked != nil {
				if err := e.send(asked); err != nil {
					return err
				}
			}
			if enough(m) {
				return nil
			}
		case <-late:
			return fmt.Errorf("no answer")
		case <-e.ctx.Done():
			return e.ctx.Err()
		}
	}
}

// take keeps the findings that the server publishes, and gives the reply to what it asks for, if it does.
func (e *editor) take(m message) (reply object, err error) {
	if m.Method != "" && m.ID != nil {
		return object{"id": m.ID, "result": nil}, nil
	}
	if m.Method != "textDocument/publishDiagnostics" {
		return nil, nil
	}
	var p struct {
		URI         string    `json:"uri"`
		Version     int       `json:"version"`
		Diagnostics []finding `json:"diagnostics"`
	}
	if err := json.Unmarshal(m.Params, &p); err != nil {
		return nil, err
	}
	if d := e.docs[p.URI]; d != nil {
		d.known, d.findings = p.Version, p.Diagnostics
	}
	return nil, nil
}

// open opens a file.
func (e *editor) open(name, content string) error {
	uri := e.uri(name)
	e.docs[uri] = &document{name: name, text: []byte(content), version: 1}
	return e.notify("textDocument/didOpen", object{"textDocument": object{"uri": uri, "languageId": "python", "version": 1, "text": content}})
}

// settle waits for the findings in all documents as they are now, those that other documents bring among them: the server publishes
// them later and under the same version, but before it answers for the whole workspace. That it holds an answer back while nothing
// changes is avoided by asking for a file that is not there, which it has to clear.
func (e *editor) settle() error {
	_, err := e.call("workspace/diagnostic", object{
		"previousResultIds": []object{{"uri": e.uri("not there.py"), "value": "known"}},
	})
	if err != nil {
		return err
	}
	for _, d := range e.docs {
		if d.known != d.version {
			return fmt.Errorf("%s: findings for version %d, not %d", d.name, d.known, d.version)
		}
	}
	return nil
}

// actions asks for the actions of a kind at a place.
func (e *editor) actions(uri string, at span, kind string) ([]action, error) {
	raw, err := e.call("textDocument/codeAction", object{
		"textDocument": object{"uri": uri}, "range": at, "context": object{"diagnostics": []any{}, "only": []string{kind}},
	})
	if err != nil {
		return nil, err
	}
	var out []action
	return out, json.Unmarshal(raw, &out)
}

// apply makes the edits of an action, tells the server, and waits for what it finds then.
func (e *editor) apply(a action) error {
	if len(a.Edit.DocumentChanges) == 0 {
		return fmt.Errorf("%q changes nothing", a.Title)
	}
	for _, change := range a.Edit.DocumentChanges {
		uri := change.TextDocument.URI
		d := e.docs[uri]
		if d == nil {
			return fmt.Errorf("%q changes %s, which is not open", a.Title, uri)
		}
		if v := change.TextDocument.Version; v == nil || *v != d.version {
			return fmt.Errorf("%q is for another version of %s", a.Title, d.name)
		}
		lines := text.NewLineIndex(d.text)
		var edits []text.Edit
		for _, x := range change.Edits {
			from := lines.Offset(x.Range.Start.Line, x.Range.Start.Character, text.UTF8)
			to := lines.Offset(x.Range.End.Line, x.Range.End.Character, text.UTF8)
			edits = append(edits, text.Edit{Span: text.Span{Start: from, End: to}, New: x.NewText})
		}
		after, err := text.Apply(d.text, edits)
		if err != nil {
			return fmt.Errorf("%q: %w", a.Title, err)
		}
		d.text = after
		d.version++
		if err := e.notify("textDocument/didChange", object{
			"textDocument": object{"uri": uri, "version": d.version}, "contentChanges": []object{{"text": string(after)}},
		}); err != nil {
			return err
		}
	}
	return e.settle()
}
