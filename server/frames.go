package server

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"strconv"
	"strings"
	"sync"

	"go.uber.org/zap"
)

// maxMessage is the largest message body, in bytes, that is read; larger ones are skipped and answered with an error.
const maxMessage = 128 << 20

// maxHeader is the largest header that is read.
const maxHeader = 16 << 10

// JSON-RPC error codes of messages that cannot be read.
const (
	codeParseError     = -32700
	codeInvalidRequest = -32600
)

// frames stands between the client and the JSON-RPC connection: it lets only well-formed messages through, because the
// connection ends on any other. What it refuses it answers itself.
type frames struct {
	in    *bufio.Reader
	out   io.WriteCloser
	log   *zap.Logger
	mu    sync.Mutex // one writer at a time
	ready bytes.Buffer
	state error
}

func newFrames(in io.Reader, out io.WriteCloser, log *zap.Logger) *frames {
	return &frames{in: bufio.NewReaderSize(in, 64<<10), out: out, log: log}
}

// Read hands out the bytes of the next well-formed messages.
func (f *frames) Read(p []byte) (int, error) {
	for f.ready.Len() == 0 {
		if f.state != nil {
			return 0, f.state
		}
		body, err := f.next()
		switch {
		case err == nil:
			fmt.Fprintf(&f.ready, "Content-Length: %d\r\n\r\n", len(body))
			f.ready.Write(body)
		case errors.As(err, new(*refusal)):
		default:
			f.state = err
		}
	}
	return f.ready.Read(p)
}

// Write sends one message; the connection writes each with a single call.
func (f *frames) Write(p []byte) (int, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.out.Write(p)
}

// Close closes the output. The input is left to its owner, because a blocked read of standard input cannot be ended.
func (f *frames) Close() error { return f.out.Close() }

// refusal is a message that was answered here.
type refusal struct{ why string }

func (r *refusal) Error() string { return r.why }

// refuse answers a message that is not passed on. An id of null stands for one that could not be read.
func (f *frames) refuse(code int, why string, id json.RawMessage) error {
	f.log.Warn("message refused", zap.String("why", why))
	if id == nil {
		id = json.RawMessage("null")
	}
	body, err := json.Marshal(map[string]any{"jsonrpc": "2.0", "id": id, "error": map[string]any{"code": code, "message": why}})
	if err == nil {
		_, err = f.Write([]byte(fmt.Sprintf("Content-Length: %d\r\n\r\n%s", len(body), body)))
	}
	if err != nil {
		return err
	}
	return &refusal{why}
}

// next reads one message and checks it.
func (f *frames) next() ([]byte, error) {
	length, err := f.header()
	if err != nil {
		return nil, err
	}
	if length > maxMessage {
		if _, err := io.CopyN(io.Discard, f.in, length); err != nil {
			return nil, io.EOF
		}
		return nil, f.refuse(codeInvalidRequest, fmt.Sprintf("the message has %d bytes, the limit is %d", length, maxMessage), nil)
	}
	body := make([]byte, length)
	if _, err := io.ReadFull(f.in, body); err != nil {
		return nil, io.EOF
	}
	return f.check(body)
}

// header reads header lines up to the empty one and gives the body's length. Lines that are no header are skipped, so that
// reading finds the next message again.
func (f *frames) header() (int64, error) {
	length, seen, junk, read := int64(-1), false, false, 0
	for {
		line, err := f.line()
		if err != nil {
			return 0, err
		}
		if read += len(line); read > maxHeader {
			return 0, f.refuse(codeParseError, "the header is too long", nil)
		}
		text := strings.TrimRight(line, "\r\n")
		if text == "" {
			if !seen && !junk {
				continue // blank lines between messages
			}
			break
		}
		name, value, ok := strings.Cut(text, ":")
		if !ok {
			junk = true
			continue
		}
		if strings.EqualFold(strings.TrimSpace(name), "Content-Length") {
			seen = true
			n, err := strconv.ParseInt(strings.TrimSpace(value), 10, 64)
			if err != nil {
				n = -1
			}
			length = n
		}
		junk = junk || !seen && !strings.EqualFold(strings.TrimSpace(name), "Content-Type")
	}
	if length <= 0 {
		return 0, f.refuse(codeParseError, "the header has no usable Content-Length", nil)
	}
	return length, nil
}

// line reads one line, in pieces when it is longer than any header.
func (f *frames) line() (string, error) {
	line, err := f.in.ReadSlice('\n')
	if errors.Is(err, bufio.ErrBufferFull) {
		return string(line), nil
	}
	if err != nil {
		return "", io.EOF
	}
	return string(line), nil
}

// envelope is what every message shows of itself.
type envelope struct {
	Version *string         `json:"jsonrpc"`
	ID      json.RawMessage `json:"id"`
	Method  *string         `json:"method"`
	Params  json.RawMessage `json:"params"`
	Result  json.RawMessage `json:"result"`
	Error   json.RawMessage `json:"error"`
}

// check lets a message through, repaired where its meaning is plain.
func (f *frames) check(body []byte) ([]byte, error) {
	if !json.Valid(body) {
		return nil, f.refuse(codeParseError, "the message is not JSON", nil)
	}
	var m envelope
	if err := json.Unmarshal(body, &m); err != nil {
		return nil, f.refuse(codeInvalidRequest, "the message is no JSON-RPC object", nil)
	}
	if len(m.ID) > 0 && !validID(m.ID) {
		return nil, f.refuse(codeInvalidRequest, "the id is neither a string nor a 32-bit integer", nil)
	}
	if m.Version == nil || *m.Version != "2.0" {
		return nil, f.refuse(codeInvalidRequest, `the member "jsonrpc" is not "2.0"`, m.ID)
	}
	if m.Method == nil {
		if len(m.ID) == 0 || m.Result == nil && m.Error == nil {
			return nil, f.refuse(codeInvalidRequest, "the message is neither a request nor a response", m.ID)
		}
		return body, nil
	}
	switch first := firstByte(m.Params); {
	case first == 0 && (*m.Method == "initialized"):
		return []byte(`{"jsonrpc":"2.0","method":"initialized","params":{}}`), nil
	case first == 0 || first == '{' || first == '[':
	default:
		if string(m.Params) != "null" {
			return nil, f.refuse(codeInvalidRequest, "the params are neither an object nor an array", m.ID)
		}
	}
	if *m.Method == "$/cancelRequest" {
		var params struct{ ID json.RawMessage }
		if json.Unmarshal(m.Params, &params) != nil || !validID(params.ID) {
			return nil, &refusal{"cancel without a usable id"}
		}
	}
	return body, nil
}

func firstByte(raw json.RawMessage) byte {
	raw = bytes.TrimLeft(raw, " \t\r\n")
	if len(raw) == 0 {
		return 0
	}
	return raw[0]
}

// validID accepts strings and 32-bit integers.
func validID(raw json.RawMessage) bool {
	if firstByte(raw) == '"' {
		return true
	}
	n, err := strconv.ParseInt(string(raw), 10, 64)
	return err == nil && n >= math.MinInt32 && n <= math.MaxInt32
}
