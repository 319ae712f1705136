package server

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"golang.org/x/tools/txtar"

	"github.com/ckpt-lsp/ckpt-lsp/internal/text"

	_ "github.com/ckpt-lsp/ckpt-lsp/diagnostics/rules"
)

var update = flag.Bool("update", false, "write what the server answers into testdata/lsp")

// marker is a named place in a source: «name».
var marker = regexp.MustCompile(`«([a-z0-9]+)»`)

// scene is one marker test under way: a workspace, a client that counts in one encoding, and what it was told so far.
type scene struct {
	t       *testing.T
	c       *client
	units   text.Encoding
	dir     tree
	texts   map[string]string // as the client has them, by file
	version map[string]int
	cells   map[string]bool // files that are cells of a notebook
	marks   map[string]mark
	out     bytes.Buffer
}

// mark is a place in a file, in bytes.
type mark struct {
	file string
	at   int
}

// TestMarkers runs the documents of testdata/lsp, each with clients that count in UTF-8, UTF-16 and UTF-32, and compares what the
// server answers with their section "want". See docs/testing.md.
func TestMarkers(t *testing.T) {
	files, err := filepath.Glob("../testdata/lsp/*.txtar")
	if err != nil || len(files) == 0 {
		t.Fatalf("no documents: %v", err)
	}
	for _, file := range files {
		name := strings.TrimSuffix(filepath.Base(file), ".txtar")
		for _, encoding := range []string{"utf-8", "utf-16", "utf-32"} {
			t.Run(name+"/"+encoding, func(t *testing.T) {
				archive, err := txtar.ParseFile(file)
				if err != nil {
					t.Fatal(err)
				}
				got := play(t, archive, encoding)
				i := slices.IndexFunc(archive.Files, func(f txtar.File) bool { return f.Name == "want" })
				if *update && encoding == "utf-8" {
					if i < 0 {
						i, archive.Files = len(archive.Files), append(archive.Files, txtar.File{Name: "want"})
					}
					archive.Files[i].Data = []byte(got)
					if err := os.WriteFile(file, txtar.Format(archive), 0o644); err != nil {
						t.Fatal(err)
					}
				}
				if i < 0 {
					t.Fatal("there is no section want; -update writes it")
				}
				if want := string(archive.Files[i].Data); got != want {
					t.Errorf("got\n%s\nwant\n%s", got, want)
				}
			})
		}
	}
}

// play runs the steps of a document.
func play(t *testing.T, archive *txtar.Archive, encoding string) string {
	sc := &scene{t: t, units: map[string]text.Encoding{"utf-8": text.UTF8, "utf-16": text.UTF16, "utf-32": text.UTF32}[encoding], texts: map[string]string{}, version: map[string]int{}, cells: map[string]bool{}, marks: map[string]mark{}}
	capabilities, settings, steps, disk := m{}, json.RawMessage(nil), "", map[string]string{}
	for _, f := range archive.Files {
		switch f.Name {
		case "capabilities.json":
			capabilities = decode[m](t, f.Data)
		case "settings.json":
			settings = f.Data
		case "steps":
			steps = string(f.Data)
		case "want":
		default:
			disk[f.Name] = sc.unmark(f.Name, string(f.Data))
		}
	}
	sc.dir = newTree(t, disk)
	capabilities["general"] = m{"positionEncodings": []string{encoding, "utf-16"}}
	sc.c = connect(t)
	sc.c.answer = sc.answer
	r := sc.c.call("initialize", m{"processId": nil, "rootUri": "file://" + sc.dir.root, "capabilities": capabilities, "initializationOptions": m{"settings": settings}})
	if r.Error != nil {
		t.Fatal(r.Error)
	}
	sc.c.notify("initialized", m{})
	for line := range strings.Lines(steps) {
		if line = strings.TrimSpace(line); line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		fmt.Fprintf(&sc.out, "> %s\n", line)
		verb, rest, _ := strings.Cut(line, " ")
		run, ok := verbs[verb]
		if !ok {
			t.Fatalf("unknown step %q", line)
		}
		run(sc, strings.Fields(rest), rest)
	}
	return strings.ReplaceAll(sc.out.String(), sc.dir.root, "")
}

// unmark takes the markers out of a file's text.
func (sc *scene) unmark(file, marked string) string {
	var out strings.Builder
	last := 0
	for _, at := range marker.FindAllStringSubmatchIndex(marked, -1) {
		out.WriteString(marked[last:at[0]])
		last = at[1]
		sc.marks[marked[at[2]:at[3]]] = mark{file, out.Len()}
	}
	out.WriteString(marked[last:])
	return out.String()
}

func (sc *scene) uri(file string) string { return sc.dir.uri(file) }

// file is the file that a URI of the server names.
func (sc *scene) file(uri string) string { return strings.TrimPrefix(uri, "file://"+sc.dir.root+"/") }

// content is a file as the client has it: open, or on the disk.
func (sc *scene) content(file string) string {
	if s, open := sc.texts[file]; open {
		return s
	}
	data, err := os.ReadFile(filepath.Join(sc.dir.root, filepath.FromSlash(file)))
	if err != nil {
		sc.t.Fatal(err)
	}
	return string(data)
}

// mark is the place of a marker, "@name".
func (sc *scene) mark(name string) mark {
	at, ok := sc.marks[strings.TrimPrefix(name, "@")]
	if !ok {
		sc.t.Fatalf("there is no marker %s", name)
	}
	return at
}

// position is a place as the client counts.
func (sc *scene) position(at mark) m {
	line, character := text.NewLineIndex([]byte(sc.content(at.file))).Position(at.at, sc.units)
	return m{"line": line, "character": character}
}

// at are params with a place.
func (sc *scene) at(name string) m {
	at := sc.mark(name)
	return m{"textDocument": m{"uri": sc.uri(at.file)}, "position": sc.position(at)}
}

// offset is a place of the server's in bytes.
func (sc *scene) offset(file string, p place) int {
	return text.NewLineIndex([]byte(sc.content(file))).Offset(p.Line, p.Character, sc.units)
}

// show is a place of the server's in words that hold for every encoding: line, column in characters, and the text.
func (sc *scene) show(file string, s span) string {
	lines := text.NewLineIndex([]byte(sc.content(file)))
	start, end := sc.offset(file, s.Start), sc.offset(file, s.End)
	line, column := lines.Position(start, text.UTF32)
	what, _, more := strings.Cut(sc.content(file)[start:end], "\n")
	if more {
		what += "…"
	}
	return fmt.Sprintf("%s:%d:%d `%s`", file, line+1, column+1, what)
}

func (sc *scene) say(format string, args ...any) { fmt.Fprintf(&sc.out, format+"\n", args...) }

// ask sends a request, and says its error.
func ask[T any](sc *scene, method string, params any) (v T, ok bool) {
	sc.t.Helper()
	r := sc.c.call(method, params)
	if r.Error != nil {
		sc.say("error %d: %s", r.Error.Code, r.Error.Message)
		return v, false
	}
	if string(r.Result) == "null" {
		sc.say("nothing")
		return v, false
	}
	return decode[T](sc.t, r.Result), true
}

// edit is LSP's WorkspaceEdit as far as tests read it.
type workspaceEdit struct {
	Changes         map[string][]textEdit
	DocumentChanges []struct {
		TextDocument struct {
			URI     string
			Version *int
		}
		Edits []textEdit
	}
	ChangeAnnotations map[string]struct {
		Label             string
		NeedsConfirmation bool
	}
}

// apply makes the edits of the server in the client's texts, and says what they come to.
func (sc *scene) apply(e workspaceEdit) {
	byFile := map[string][]textEdit{}
	for uri, edits := range e.Changes {
		byFile[sc.file(uri)] = edits
	}
	for _, c := range e.DocumentChanges {
		file := sc.file(c.TextDocument.URI)
		v := c.TextDocument.Version
		if _, open := sc.texts[file]; open && v == nil {
			sc.t.Errorf("an edit of %s, which is open, names no version", file)
		}
		if v != nil && *v != sc.version[file] {
			sc.t.Errorf("an edit of version %d of %s, which has version %d", *v, file, sc.version[file])
		}
		byFile[file] = c.Edits
	}
	for _, a := range e.ChangeAnnotations {
		sc.say("to confirm: %s", a.Label)
	}
	files := make([]string, 0, len(byFile))
	for file := range byFile {
		files = append(files, file)
	}
	slices.Sort(files)
	for _, file := range files {
		before := sc.content(file)
		after := withEdits(sc.t, before, byFile[file], sc.units)
		sc.say("%s", strings.TrimSpace(text.Diff(file, []byte(before), []byte(after))))
		if _, open := sc.texts[file]; open {
			sc.write(file, after)
		}
	}
}

// write changes an open file's text.
func (sc *scene) write(file, content string) {
	sc.version[file]++
	sc.move(file, content)
	sc.texts[file] = content
	if sc.cells[file] {
		sc.c.notify("notebookDocument/didChange", m{"notebookDocument": m{"uri": sc.uri("notebook.ipynb"), "version": sc.version[file]}, "change": m{"cells": m{"textContent": []any{
			m{"document": m{"uri": sc.uri(file), "version": sc.version[file]}, "changes": []any{m{"text": content}}}}}}})
		return
	}
	sc.c.change(sc.uri(file), sc.version[file], m{"text": content})
}

// move has the markers of a file stay where they are when its text becomes another.
func (sc *scene) move(file, content string) {
	before := sc.texts[file]
	for _, e := range text.Changes([]byte(before), []byte(content)) {
		for name, at := range sc.marks {
			if at.file == file && at.at >= e.End {
				at.at += len(e.New) - e.Len()
				sc.marks[name] = at
			}
		}
	}
}

// answer replies to the server, and notes what it asks for.
func (sc *scene) answer(method string, params json.RawMessage) any {
	switch method {
	case "workspace/applyEdit":
		return m{"applied": true}
	case "window/showDocument":
		return m{"success": true}
	}
	return nil
}

// code is a code of a finding with its severity.
func (f finding) code() string {
	return []string{"", "error", "warning", "information", "hint"}[f.Severity] + " " + f.Code
}

func (sc *scene) findings(file string, found []finding) {
	if len(found) == 0 {
		sc.say("%s: no findings", file)
	}
	slices.SortStableFunc(found, func(a, b finding) int { return a.Range.Start.Line - b.Range.Start.Line })
	for _, x := range found {
		sc.say("%s %s", sc.show(file, x.Range), x.code())
	}
}
