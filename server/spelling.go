package server

import (
	"bytes"
	"encoding/json"
	"strings"
	"sync"

	"go.lsp.dev/protocol"
	"go.lsp.dev/uri"
)

// spellings are the URIs of documents and folders as the client writes them, where that is not the canonical form, which the server
// keeps: file:///C:/a+b.py for file:///c%3A/a%2Bb.py. Clients compare URIs as text, so all that is sent has theirs.
type spellings struct {
	mu sync.RWMutex
	// whole are URIs in their quotes, and within what those of files in folders begin with; by the canonical form.
	whole, within map[string][]byte
}

// spelling are the messages in which a client first names a document or a folder.
var spelling = map[string]bool{
	protocol.MethodInitialize: true, protocol.MethodWorkspaceDidChangeWorkspaceFolders: true, protocol.MethodTextDocumentDidOpen: true,
	protocol.MethodNotebookDocumentDidOpen: true, protocol.MethodNotebookDocumentDidChange: true,
}

// observe takes the spellings from the params of a message.
func (s *spellings) observe(method string, params []byte) {
	if !spelling[method] {
		return
	}
	type folder struct{ URI string }
	type cell struct{ Document string }
	var p struct {
		RootURI          string
		WorkspaceFolders []folder
		Event            struct{ Added []folder }
		TextDocument     struct{ URI string }
		NotebookDocument struct {
			URI   string
			Cells []cell
		}
		Change struct {
			Cells struct {
				Structure struct{ Array struct{ Cells []cell } }
			}
		}
	}
	_ = json.Unmarshal(params, &p) // what is not as it should be is told where the message is handled
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, f := range append(append(p.WorkspaceFolders, folder{p.RootURI}), p.Event.Added...) {
		s.keep(f.URI, true)
	}
	for _, c := range append(p.NotebookDocument.Cells, p.Change.Cells.Structure.Array.Cells...) {
		s.keep(c.Document, false)
	}
	s.keep(p.TextDocument.URI, false)
	s.keep(p.NotebookDocument.URI, false)
}

// keep notes how a URI is spelt. The lock is held.
func (s *spellings) keep(written string, folder bool) {
	if written == "" {
		return
	}
	if s.whole == nil {
		s.whole, s.within = map[string][]byte{}, map[string][]byte{}
	}
	note := func(in map[string][]byte, canonical, written string) {
		if canonical == written {
			delete(in, canonical)
		} else if quoted, err := json.Marshal(written); err == nil {
			in[canonical] = quoted
		}
	}
	canonical := string(readURI(written))
	if folder {
		canonical, written = strings.TrimSuffix(canonical, "/"), strings.TrimSuffix(written, "/")
		note(s.within, canonical+"/", written+"/")
	}
	note(s.whole, canonical, written)
}

// echo is a message with the URIs in it as the client spells them.
func (s *spellings) echo(message []byte) []byte {
	s.mu.RLock()
	defer s.mu.RUnlock()
	for canonical, written := range s.whole {
		message = replaced(message, `"`+canonical+`"`, written)
	}
	for canonical, written := range s.within {
		message = replaced(message, `"`+canonical, bytes.TrimSuffix(written, []byte{'"'}))
	}
	return message
}

func replaced(message []byte, old string, by []byte) []byte {
	if !bytes.Contains(message, []byte(old)) {
		return message
	}
	return bytes.ReplaceAll(message, []byte(old), by)
}

// readURI is the canonical form of a URI that comes as text, as in a command's arguments.
func readURI(written string) uri.URI {
	if u, err := uri.ParseStrict(written); err == nil {
		return u
	}
	return uri.URI(written)
}
