package server

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"runtime"
	"strings"
	"testing"

	"go.lsp.dev/jsonrpc2"
	"go.uber.org/zap"
)

// framed is a message with its header.
func framed(body string) string { return fmt.Sprintf("Content-Length: %d\r\n\r\n%s", len(body), body) }

// TestMalformedMessages sends what ends a connection of the library as it is; the server answers and lives on.
func TestMalformedMessages(t *testing.T) {
	const none = jsonrpc2.Code(0)
	hover := `{"jsonrpc":"2.0","id":77,"method":"textDocument/hover","params":`
	for name, c := range map[string]struct {
		sent string
		want jsonrpc2.Code
	}{
		"not JSON":                       {framed(`hello`), jsonrpc2.ParseError},
		"half an object":                 {framed(`{"jsonrpc":"2.0","id":1`), jsonrpc2.ParseError},
		"an array":                       {framed(`[]`), jsonrpc2.InvalidRequest},
		"a batch":                        {framed(`[{"jsonrpc":"2.0","id":1,"method":"shutdown"}]`), jsonrpc2.InvalidRequest},
		"a number":                       {framed(`1`), jsonrpc2.InvalidRequest},
		"null":                           {framed(`null`), jsonrpc2.InvalidRequest},
		"white space":                    {framed("  \n "), jsonrpc2.ParseError},
		"empty object":                   {framed(`{}`), jsonrpc2.InvalidRequest},
		"no jsonrpc":                     {framed(`{"id":1,"method":"shutdown"}`), jsonrpc2.InvalidRequest},
		"jsonrpc 1.0":                    {framed(`{"jsonrpc":"1.0","id":1,"method":"shutdown"}`), jsonrpc2.InvalidRequest},
		"jsonrpc a number":               {framed(`{"jsonrpc":2,"id":1,"method":"shutdown"}`), jsonrpc2.InvalidRequest},
		"method a number":                {framed(`{"jsonrpc":"2.0","id":1,"method":5}`), jsonrpc2.InvalidRequest},
		"id null":                        {framed(`{"jsonrpc":"2.0","id":null,"method":"shutdown"}`), jsonrpc2.InvalidRequest},
		"id an object":                   {framed(`{"jsonrpc":"2.0","id":{},"method":"shutdown"}`), jsonrpc2.InvalidRequest},
		"id a fraction":                  {framed(`{"jsonrpc":"2.0","id":1.5,"method":"shutdown"}`), jsonrpc2.InvalidRequest},
		"id beyond int64":                {framed(`{"jsonrpc":"2.0","id":99999999999999999999,"method":"shutdown"}`), jsonrpc2.InvalidRequest},
		"invalid UTF-8":                  {framed("{\"jsonrpc\":\"2.0\",\"id\":77,\"method\":\"no/\xff\"}"), jsonrpc2.MethodNotFound},
		"NUL bytes":                      {framed("\x00\x00\x00"), jsonrpc2.ParseError},
		"deep nesting":                   {framed(strings.Repeat("[", 100_000)), jsonrpc2.ParseError},
		"deep nesting, closed":           {framed(hover + strings.Repeat("[", 100_000) + strings.Repeat("]", 100_000) + "}"), jsonrpc2.ParseError},
		"length 0":                       {"Content-Length: 0\r\n\r\n", jsonrpc2.ParseError},
		"length negative":                {"Content-Length: -5\r\n\r\n", jsonrpc2.ParseError},
		"length no number":               {"Content-Length: many\r\n\r\n", jsonrpc2.ParseError},
		"length 2 GiB":                   {"Content-Length: 2147483648\r\n\r\n", jsonrpc2.ParseError},
		"length 1 GiB, and a body":       {"Content-Length: 1073741824\r\n\r\n" + `{"jsonrpc":"2.0","id":1,"method":"shutdown"}`, jsonrpc2.ParseError},
		"length beyond int64":            {"Content-Length: 99999999999999999999\r\n\r\n", jsonrpc2.ParseError},
		"length missing":                 {"Content-Type: x\r\n\r\n", jsonrpc2.ParseError},
		"length missing, and a body":     {"Content-Type: x\r\n\r\n" + `{"jsonrpc":"2.0","id":1,"method":"shutdown"}`, jsonrpc2.ParseError},
		"length too long":                {"Content-Length: 60\r\n\r\n" + `{"jsonrpc":"2.0","method":"x"}`, jsonrpc2.ParseError},
		"length too long by a little":    {"Content-Length: 35\r\n\r\n" + `{"jsonrpc":"2.0","method":"x"}`, jsonrpc2.ParseError},
		"length too long by a lot":       {"Content-Length: 9000\r\n\r\n" + `{"jsonrpc":"2.0","method":"x"}`, jsonrpc2.ParseError},
		"length too short":               {"Content-Length: 10\r\n\r\n" + `{"jsonrpc":"2.0","method":"x"}`, jsonrpc2.ParseError},
		"no header":                      {`{"jsonrpc":"2.0","id":1,"method":"shutdown"}` + "\r\n\r\n", jsonrpc2.ParseError},
		"no header, no line end":         {`{"jsonrpc":"2.0","id":1,"method":"shutdown"}`, jsonrpc2.ParseError},
		"HTTP":                           {"GET / HTTP/1.1\r\nHost: example\r\n\r\n", jsonrpc2.ParseError},
		"a line of 1 MB":                 {strings.Repeat("x", 1<<20) + "\r\n\r\n", jsonrpc2.ParseError},
		"a line of 1 MB before a header": {strings.Repeat("x", 1<<20), jsonrpc2.ParseError},
		"params a string":                {framed(hover + `"x"}`), jsonrpc2.InvalidParams},
		"params missing":                 {framed(`{"jsonrpc":"2.0","id":77,"method":"textDocument/hover"}`), jsonrpc2.InvalidParams},
		"params null":                    {framed(hover + `null}`), jsonrpc2.InvalidParams},
		"params of another shape":        {framed(hover + `{"textDocument":5}}`), jsonrpc2.InvalidParams},
		"params an array":                {framed(hover + `[]}`), jsonrpc2.InvalidParams},
		"position negative":              {framed(hover + `{"textDocument":{"uri":"file:///a.py"},"position":{"line":-1,"character":0}}}`), jsonrpc2.InvalidParams},
		"an unknown request":             {framed(`{"jsonrpc":"2.0","id":77,"method":"no/such"}`), jsonrpc2.MethodNotFound},
		"an unknown $ request":           {framed(`{"jsonrpc":"2.0","id":77,"method":"$/no"}`), jsonrpc2.MethodNotFound},
		"a request not served":           {framed(`{"jsonrpc":"2.0","id":77,"method":"textDocument/foldingRange","params":{"textDocument":{"uri":"file:///a.py"},"position":{"line":1,"character":0}}}`), jsonrpc2.MethodNotFound},
		"a notification as a request":    {framed(`{"jsonrpc":"2.0","id":77,"method":"textDocument/didClose","params":{"textDocument":{"uri":"file:///a.py"}}}`), jsonrpc2.InvalidRequest},
		"a request as a notification":    {framed(`{"jsonrpc":"2.0","method":"shutdown"}`), none},
		"an unknown notification":        {framed(`{"jsonrpc":"2.0","method":"no/such","params":{}}`), none},
		"an unknown $ notification":      {framed(`{"jsonrpc":"2.0","method":"$/no"}`), none},
		"notification, bad params":       {framed(`{"jsonrpc":"2.0","method":"textDocument/didOpen","params":{"textDocument":7}}`), none},
		"notification, params a string":  {framed(`{"jsonrpc":"2.0","method":"textDocument/didOpen","params":"x"}`), jsonrpc2.InvalidRequest},
		"notification, no params":        {framed(`{"jsonrpc":"2.0","method":"textDocument/didChange"}`), none},
		"initialized without params":     {framed(`{"jsonrpc":"2.0","method":"initialized"}`), none},
		"initialized with null":          {framed(`{"jsonrpc":"2.0","method":"initialized","params":null}`), none},
		"change of what is not open":     {framed(`{"jsonrpc":"2.0","method":"textDocument/didChange","params":{"textDocument":{"uri":"file:///z.py","version":1},"contentChanges":[]}}`), none},
		"change without changes":         {framed(`{"jsonrpc":"2.0","method":"textDocument/didChange","params":{"textDocument":{"uri":"file:///a.py","version":2}}}`), none},
		"a URI that is none":             {framed(`{"jsonrpc":"2.0","method":"textDocument/didClose","params":{"textDocument":{"uri":"%%%"}}}`), none},
		"cancel null":                    {framed(`{"jsonrpc":"2.0","method":"$/cancelRequest","params":{"id":null}}`), none},
		"cancel beyond int32":            {framed(`{"jsonrpc":"2.0","method":"$/cancelRequest","params":{"id":4294967296}}`), none},
		"cancel beyond int64":            {framed(`{"jsonrpc":"2.0","method":"$/cancelRequest","params":{"id":99999999999999999999}}`), none},
		"cancel without id":              {framed(`{"jsonrpc":"2.0","method":"$/cancelRequest","params":{}}`), none},
		"cancel without params":          {framed(`{"jsonrpc":"2.0","method":"$/cancelRequest"}`), none},
		"a response nobody waits for":    {framed(`{"jsonrpc":"2.0","id":5,"result":null}`), none},
		"an error nobody waits for":      {framed(`{"jsonrpc":"2.0","id":"x","error":{"code":"x","message":7}}`), none},
		"result and error":               {framed(`{"jsonrpc":"2.0","id":5,"result":1,"error":{"code":1,"message":"m"}}`), none},
		"members twice":                  {framed(`{"jsonrpc":"2.0","id":76,"id":77,"method":"shutdown","method":"no/such"}`), jsonrpc2.MethodNotFound},
		"members in capitals":            {framed(`{"JSONRPC":"2.0","ID":77,"Method":"no/such"}`), jsonrpc2.MethodNotFound},
		"unknown members":                {framed(`{"jsonrpc":"2.0","id":77,"method":"no/such","extra":[1,{}]}`), jsonrpc2.MethodNotFound},
		"other header fields":            {"content-type: application/vscode-jsonrpc; charset=utf-8\r\nX: y\r\n" + framed(`{"jsonrpc":"2.0","id":77,"method":"no/such"}`), jsonrpc2.MethodNotFound},
		"bare line feeds":                {strings.ReplaceAll(framed(`{"jsonrpc":"2.0","id":77,"method":"no/such"}`), "\r", ""), jsonrpc2.MethodNotFound},
	} {
		t.Run(name, func(t *testing.T) {
			x := start(t, nil)
			x.raw(c.sent)
			after := make(chan struct{})
			go func() { // some are answered when the next message comes
				defer close(after)
				if r := x.call("textDocument/codeAction", m{"textDocument": m{"uri": "file:///a.py"}, "range": between(at(0, 0), at(0, 0)), "context": m{"diagnostics": []any{}}}); string(r.Result) != "[]" {
					t.Errorf("after it: %+v", r)
				}
			}()
			if c.want != none {
				x.failure(c.want)
			}
			<-after
			x.mu.Lock()
			defer x.mu.Unlock()
			if len(x.inbox) > 0 {
				t.Errorf("unexpected: %s", show(x.inbox))
			}
		})
	}
}

// passed are the messages that get through the framing, and the codes of the answers to the others.
func passed(t testing.TB, input string) (messages []string, refused []jsonrpc2.Code) {
	t.Helper()
	var out sink
	f := newFrames(strings.NewReader(input), &out, newSession(Options{Rules: testRules}).log)
	stream := jsonrpc2.NewHeaderStream(struct {
		io.Reader
		io.WriteCloser
	}{f, &out})
	for {
		message, _, err := stream.Read(context.Background())
		if err == io.EOF {
			break
		}
		if err != nil {
			t.Fatalf("the library refuses what was let through: %v", err)
		}
		body, err := jsonrpc2.EncodeMessage(message)
		if err != nil {
			t.Fatal(err)
		}
		messages = append(messages, string(body))
	}
	for _, part := range strings.Split(out.String(), "Content-Length: ")[1:] {
		_, body, _ := strings.Cut(part, "\r\n\r\n")
		refused = append(refused, decode[message](t, json.RawMessage(body)).Error.Code)
	}
	return messages, refused
}

type sink struct{ bytes.Buffer }

func (*sink) Close() error { return nil }

// TestFramesFindTheNextMessage splits streams at bad places.
func TestFramesFindTheNextMessage(t *testing.T) {
	a, b := `{"jsonrpc":"2.0","method":"a"}`, `{"jsonrpc":"2.0","method":"b"}`
	for name, input := range map[string]string{
		"nothing between":        framed(a) + framed(b),
		"blank lines between":    framed(a) + "\r\n\r\n" + framed(b),
		"text between":           framed(a) + "log line\n" + framed(b),
		"short length":           framed(a) + "Content-Length: 7\r\n\r\n" + a + framed(b),
		"long length":            framed(a) + fmt.Sprintf("Content-Length: %d\r\n\r\n", len(a)+9) + a + framed(b),
		"huge length":            framed(a) + "Content-Length: 4000000000\r\n\r\n" + a + framed(b),
		"header in a string":     framed(a) + framed(`"Content-Length: 5\r\n\r\nhello"`) + framed(b),
		"header in a pretty one": framed(a) + framed("{\n\"x\": \"Content-Length: 5\",\n\"y\": \"Content-Length: 5\"\n}") + framed(b),
	} {
		if got, _ := passed(t, input); len(got) != 2 || got[0] != a || got[1] != b {
			t.Errorf("%s: %q", name, got)
		}
	}
}

// TestFramesKeepLargeMessages sends what does not fit in any buffer, with what looks like a header in its text.
func TestFramesKeepLargeMessages(t *testing.T) {
	text, err := json.Marshal(strings.Repeat("Content-Length: 5\r\n\r\nlength: 1 €\U0001F600\n", 60_000))
	if err != nil {
		t.Fatal(err)
	}
	want := `{"jsonrpc":"2.0","method":"a","params":[` + string(text) + `]}`
	got, refused := passed(t, framed(want))
	if len(got) != 1 || got[0] != want || len(refused) > 0 {
		t.Errorf("%d messages, refused %v", len(got), refused)
	}
}

// FuzzFrames feeds any bytes: the library must accept what passes, and a message behind a line end must get through.
func FuzzFrames(f *testing.F) {
	for _, seed := range []string{
		"", "\r\n\r\n", framed(`{}`), framed(`{"jsonrpc":"2.0","id":1,"method":"shutdown"}`), framed(`{"jsonrpc":"2.0","id":"a\u0000\ud800","result":null}`),
		framed(`{"jsonrpc":"2.0","id":1,"error":{"code":1e5,"message":null,"data":[1]}}`), "Content-Length: 5", "Content-Length: 9\r\nContent-Length: 2\r\n\r\n{}",
		"Content-Length: 3\r\n\r\n{}Content-Length: 2\r\n\r\n{}", framed(`{"jsonrpc":"2.0","method":"\ud83d","params":{"a":1,"a":[{}]}}`), "Content-Length: +7\r\n\r\n{\"a\":1}",
	} {
		f.Add([]byte(seed))
	}
	last := `{"jsonrpc":"2.0","method":"last"}`
	f.Fuzz(func(t *testing.T, input []byte) {
		got, _ := passed(t, string(input)+"\n"+strings.Repeat(framed(last), 3))
		if len(got) == 0 || got[len(got)-1] != last {
			// Three in a row, because a length that is a lie may take in one or two.
			t.Errorf("the messages after %q are lost: %q", input, got)
		}
	})
}

// FuzzServer sends any bodies, well framed, to a whole server, which must answer afterwards.
func FuzzServer(f *testing.F) {
	for _, seed := range []string{
		`{"jsonrpc":"2.0","id":1,"method":"textDocument/hover","params":{"textDocument":{"uri":"file:///a.py"},"position":{"line":0,"character":9}}}`,
		`{"jsonrpc":"2.0","method":"textDocument/didOpen","params":{"textDocument":{"uri":"file:///b.py","languageId":"python","version":1,"text":"import torch\nBUG"}}}`,
		`{"jsonrpc":"2.0","method":"textDocument/didChange","params":{"textDocument":{"uri":"file:///a.py","version":2},"contentChanges":[{"range":{"start":{"line":9,"character":9},"end":{"line":0,"character":0}},"text":"\ud83d"}]}}`,
		`{"jsonrpc":"2.0","method":"textDocument/didClose","params":{"textDocument":{"uri":"file:///a.py"}}}`,
		`{"jsonrpc":"2.0","method":"workspace/didChangeWatchedFiles","params":{"changes":[{"uri":"file:///pyproject.toml","type":2}]}}`,
		`{"jsonrpc":"2.0","id":2,"method":"workspace/executeCommand","params":{"command":"ckpt-lsp.showDocumentation","arguments":["CKP101"]}}`,
		`{"jsonrpc":"2.0","id":3,"method":"codeAction/resolve","params":{"title":"x","edit":{"changes":{}},"data":{"a":1}}}`,
		`{"jsonrpc":"2.0","id":4,"method":"textDocument/codeAction","params":{"textDocument":{"uri":"file:///a.py"},"range":{"start":{"line":1,"character":0},"end":{"line":1,"character":4}},"context":{"diagnostics":[],"only":[""]}}}`,
		`{"jsonrpc":"2.0","method":"$/cancelRequest","params":{"id":1}}`, `[]`, `{`,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		if bytes.Contains(body, []byte("exit")) || bytes.Contains(body, []byte("shutdown")) || bytes.Contains(body, []byte(`\u`)) {
			t.Skip("may end the server, as it should")
		}
		c := connect(quiet{t})
		c.handshake(nil, "file:///nowhere")
		c.open("file:///a.py", "import torch\nBUG = 1\n")
		c.raw(framed(string(body)))
		c.open("file:///c.py", "import torch\nBUG = 1\n")
	})
}

// quiet is a test that does not mind answers that no test asked for.
type quiet struct{ testing.TB }

// Errorf drops what a client says of answers to fuzzed requests.
func (quiet) Errorf(string, ...any) {}

// TestTooLargeIsRefusedAtOnce holds that a message over the limit is refused by its header: its body is not waited for, or kept.
func TestTooLargeIsRefusedAtOnce(t *testing.T) {
	c := start(t, nil)
	c.raw(fmt.Sprintf("Content-Length: %d\r\n\r\n", maxMessage+1))
	c.failure(jsonrpc2.ParseError)
	c.sync()
}

// TestTooShortEndsAtTheNextHeader holds that a message which is shorter than it says takes nothing of the next one along, and does not wait
// for the rest.
func TestTooShortEndsAtTheNextHeader(t *testing.T) {
	c := start(t, nil)
	c.raw("Content-Length: 5000\r\n\r\n{}")
	c.sync()
	c.failure(jsonrpc2.ParseError)
}

// TestLengthCostsNoMemory holds that memory is taken for what arrives, not for what a header says.
func TestLengthCostsNoMemory(t *testing.T) {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	f := newFrames(strings.NewReader(fmt.Sprintf("Content-Length: %d\r\n\r\n{}", maxMessage)), nil, zap.NewNop())
	if _, err := f.Read(make([]byte, 100)); !errors.Is(err, io.EOF) {
		t.Errorf("read with %v", err)
	}
	if runtime.ReadMemStats(&after); after.TotalAlloc-before.TotalAlloc > maxMessage/4 {
		t.Errorf("%d MB were allocated", (after.TotalAlloc-before.TotalAlloc)>>20)
	}
}
