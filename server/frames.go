package server

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"regexp"
	"strconv"
	"strings"
	"sync"

	"go.lsp.dev/jsonrpc2"
	"go.uber.org/zap"
)

// maxMessage is the largest message body, in bytes, that is read; larger ones are skipped and answered with an error.
const maxMessage = 128 << 20

// frames stands between the client and the JSON-RPC connection, which ends on anything malformed: only well-formed messages
// pass. What it refuses it answers itself, and it finds the next message again after bytes that belong to none.
type frames struct {
	in  *bufio.Reader
	src *pushback
	out io.WriteCloser
	log *zap.Logger

	mu    sync.Mutex // one writer at a time
	ready bytes.Reader
	ended error
	// lost says that the last header was refused, so that what follows is skipped without another answer.
	lost bool
}

func newFrames(in io.Reader, out io.WriteCloser, log *zap.Logger) *frames {
	src := &pushback{in: in}
	return &frames{in: bufio.NewReaderSize(src, 64<<10), src: src, out: out, log: log}
}

// Read hands out the bytes of the next well-formed messages.
func (f *frames) Read(p []byte) (int, error) {
	for f.ready.Len() == 0 {
		if f.ended != nil {
			return 0, f.ended
		}
		message, err := f.next()
		var bad *refusal
		switch {
		case err == nil:
			f.ready.Reset(frame(message))
		case errors.As(err, &bad):
			f.refuse(bad)
		default:
			f.ended = err
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

func frame(body []byte) []byte {
	return append(fmt.Appendf(make([]byte, 0, len(body)+32), "Content-Length: %d\r\n\r\n", len(body)), body...)
}

// refusal is a message that is not passed on. An id of nil stands for one that could not be read.
type refusal struct {
	code jsonrpc2.Code
	why  string
	id   json.RawMessage
}

func (r *refusal) Error() string { return r.why }

// refuse answers a refused message.
func (f *frames) refuse(r *refusal) {
	f.log.Warn("message refused", zap.String("why", r.why))
	answer := struct {
		Version string          `json:"jsonrpc"`
		ID      json.RawMessage `json:"id"`
		Error   wireError       `json:"error"`
	}{"2.0", r.id, wireError{r.code, r.why}}
	body, err := json.Marshal(answer)
	if err == nil {
		_, err = f.Write(frame(body))
	}
	if err != nil {
		f.log.Error("refusal could not be sent", zap.Error(err))
	}
}

func unreadable(why string) *refusal { return &refusal{code: jsonrpc2.ParseError, why: why} }

// next reads one message and checks it.
func (f *frames) next() ([]byte, error) {
	length, err := f.header()
	if err != nil {
		return nil, err
	}
	if length <= 0 || length > maxMessage {
		f.lost = true
		if length > 0 {
			return nil, unreadable(fmt.Sprintf("the message has %d bytes, the limit is %d", length, maxMessage))
		}
		return nil, unreadable("the header has no usable Content-Length")
	}
	body, err := f.body(int(length))
	if err != nil {
		return nil, err
	}
	if !json.Valid(body) {
		// A length too long took in the head of the next message; one too short left a tail, which header skips.
		f.lost = true
		var first json.RawMessage
		d := json.NewDecoder(bytes.NewReader(body))
		if d.Decode(&first) == nil {
			f.unread(body[d.InputOffset():])
		}
		return nil, unreadable("the message is not JSON")
	}
	return canonical(body)
}

// fieldName is the header that matters. Others are skipped.
const fieldName = "content-length:"

// embeddedHeader is a header inside a message. No JSON holds one: line ends are escaped in its strings.
var embeddedHeader = regexp.MustCompile(`(?i)content-length:[ \t]*[0-9]+\r?\n`)

// mayHoldHeader is a fast test for embeddedHeader, in the two usual spellings.
func mayHoldHeader(b []byte) bool {
	return bytes.Contains(b, []byte("ontent-Length:")) || bytes.Contains(b, []byte("ontent-length:"))
}

// header reads lines up to the blank one behind a Content-Length and gives its value, -1 if that is not a number. Bytes that
// are no header are skipped, and answered once. A header without Content-Length gives 0.
func (f *frames) header() (int64, error) {
	length, seen, fields, junk := int64(-1), false, false, false
	for {
		line, err := f.line()
		if err != nil {
			return 0, err
		}
		line = strings.ToValidUTF8(strings.TrimRight(line, "\r\n"), "?")
		at := strings.LastIndex(strings.Map(lower, line), fieldName)
		switch {
		case line == "" && !seen && !fields && !junk: // between messages
		case line == "":
			if junk && !f.lost {
				f.refuse(unreadable("bytes between messages were skipped"))
				f.lost = true
			}
			if !seen && !f.lost {
				return 0, nil
			}
			if !seen {
				fields, junk = false, false
				continue
			}
			f.lost = false
			return length, nil
		case at >= 0:
			n, err := strconv.ParseInt(strings.TrimSpace(line[at+len(fieldName):]), 10, 64)
			if err != nil {
				n = -1
			}
			if at > 0 {
				junk = true
			}
			if at == 0 || err == nil {
				seen, length = true, n
			}
		case line != "" && !isField(line):
			junk = true
		case line != "":
			fields = true
		}
	}
}

// lower is for ASCII: lines keep their length.
func lower(r rune) rune {
	if 'A' <= r && r <= 'Z' {
		return r + 'a' - 'A'
	}
	return r
}

// isField says whether a line looks like a header field.
func isField(line string) bool {
	name, _, ok := strings.Cut(line, ":")
	return ok && name != "" && strings.Trim(strings.Map(lower, name), "abcdefghijklmnopqrstuvwxyz-") == ""
}

// line reads one line. Of a line longer than the buffer, which is no header, only the tail is kept.
func (f *frames) line() (string, error) {
	tail := ""
	for {
		line, err := f.in.ReadSlice('\n')
		switch {
		case err == nil:
			return tail + string(line), nil
		case errors.Is(err, bufio.ErrBufferFull):
			tail = string(line[len(line)-2*len(fieldName):])
		default:
			return "", io.EOF
		}
	}
}

// body reads a message of the given length. It grows with what arrives, so a length that is not true costs no memory, and it
// stops where another header begins.
func (f *frames) body(length int) ([]byte, error) {
	body := make([]byte, 0, min(length, 64<<10))
	for len(body) < length {
		from := len(body)
		if len(body) == cap(body) {
			body = append(body, 0)[:len(body)]
		}
		n, err := f.in.Read(body[from:min(length, cap(body))])
		body = body[:from+n]
		if err != nil {
			return nil, io.EOF
		}
		overlap := max(0, from-64)
		if mayHoldHeader(body[overlap:]) {
			if at := embeddedHeader.FindIndex(body[overlap:]); at != nil {
				f.unread(body[overlap+at[0]:])
				f.lost = true
				return nil, unreadable("the message is shorter than its Content-Length")
			}
		}
	}
	return body, nil
}

// unread puts bytes back in front of the input.
func (f *frames) unread(b []byte) {
	buffered, _ := f.in.Peek(f.in.Buffered())
	f.src.back = bytes.Join([][]byte{b, buffered, f.src.back}, nil)
	f.in.Reset(f.src)
}

// pushback is a reader that bytes can be put back to.
type pushback struct {
	back []byte
	in   io.Reader
}

func (p *pushback) Read(b []byte) (int, error) {
	if len(p.back) > 0 {
		n := copy(b, p.back)
		p.back = p.back[n:]
		return n, nil
	}
	return p.in.Read(b)
}
