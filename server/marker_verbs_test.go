package server

import (
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

// verbs are the steps of marker tests. A step gets its words, and the rest of its line as it is.
var verbs map[string]func(sc *scene, words []string, rest string)

func init() {
	verbs = map[string]func(*scene, []string, string){
		"open": (*scene).open, "cells": (*scene).notebook, "type": (*scene).edit, "save": (*scene).save, "close": (*scene).close,
		"disk": (*scene).disk, "settings": (*scene).settings,
		"findings": (*scene).published, "pull": (*scene).pull, "workspace": (*scene).workspace,
		"hover": (*scene).hover, "lens": (*scene).lens, "hints": (*scene).hints, "links": (*scene).links,
		"definition": (*scene).definition, "references": (*scene).references, "prepare": (*scene).prepare, "rename": (*scene).rename,
		"complete": (*scene).complete, "accept": (*scene).accept, "actions": (*scene).actions, "act": (*scene).act, "fixall": (*scene).fixAll,
		"call": (*scene).call, "told": (*scene).told,
	}
}

// open FILE opens a file as the disk has it.
func (sc *scene) open(words []string, _ string) {
	for _, file := range words {
		sc.texts[file], sc.version[file] = sc.content(file), 1
		sc.c.show(sc.uri(file), sc.texts[file])
	}
}

// cells FILE... opens files as the cells of one notebook, notebook.ipynb.
func (sc *scene) notebook(words []string, _ string) {
	var refs, items []any
	for _, file := range words {
		sc.texts[file], sc.version[file], sc.cells[file] = sc.content(file), 1, true
		refs = append(refs, m{"kind": 2, "document": sc.uri(file)})
		items = append(items, m{"uri": sc.uri(file), "languageId": "python", "version": 1, "text": sc.texts[file]})
	}
	sc.c.notify("notebookDocument/didOpen", m{
		"notebookDocument":  m{"uri": sc.uri("notebook.ipynb"), "notebookType": "jupyter-notebook", "version": 1, "cells": refs},
		"cellTextDocuments": items,
	})
}

// unquote reads the two sides of OLD => NEW, as Go strings where they are quoted.
func (sc *scene) sides(rest string) (before, after string) {
	before, after, ok := strings.Cut(rest, " => ")
	if !ok {
		sc.t.Fatalf("want OLD => NEW in %q", rest)
	}
	for _, s := range []*string{&before, &after} {
		if said, err := strconv.Unquote(*s); err == nil {
			*s = said
		}
	}
	return before, after
}

// type FILE OLD => NEW replaces the first OLD in an open file.
func (sc *scene) edit(words []string, rest string) {
	file := words[0]
	before, after := sc.sides(strings.TrimSpace(strings.TrimPrefix(rest, file)))
	if !strings.Contains(sc.texts[file], before) {
		sc.t.Fatalf("%s does not hold %q", file, before)
	}
	sc.write(file, strings.Replace(sc.texts[file], before, after, 1))
}

func (sc *scene) save(words []string, _ string) {
	sc.dir.write(sc.t, words[0], sc.texts[words[0]])
	sc.c.notify("textDocument/didSave", m{"textDocument": m{"uri": sc.uri(words[0])}})
}

func (sc *scene) close(words []string, _ string) {
	delete(sc.texts, words[0])
	sc.c.close(sc.uri(words[0]))
}

// disk FILE TEXT writes a file on the disk, of which the client tells; an empty text removes it.
func (sc *scene) disk(words []string, rest string) {
	file := words[0]
	content, err := strconv.Unquote(strings.TrimSpace(strings.TrimPrefix(rest, file)))
	if err != nil {
		sc.t.Fatalf("%s: want a quoted text: %v", rest, err)
	}
	how := 2
	switch _, err := os.Stat(filepath.Join(sc.dir.root, file)); {
	case content == "":
		how = 3
		if err := os.Remove(filepath.Join(sc.dir.root, file)); err != nil {
			sc.t.Fatal(err)
		}
	case err != nil:
		how = 1
	}
	if content != "" {
		sc.dir.write(sc.t, file, content)
	}
	sc.dir.changed(sc.c, file, how)
}

// settings JSON changes the client's settings.
func (sc *scene) settings(_ []string, rest string) {
	sc.c.notify("workspace/didChangeConfiguration", m{"settings": m{"ckpt-lsp": json.RawMessage(rest)}})
}

// findings FILE waits until all is found, and says what was pushed last.
func (sc *scene) published(words []string, _ string) {
	sc.c.settle()
	for _, file := range words {
		history := sc.c.history(sc.uri(file))
		if len(history) == 0 {
			sc.say("%s: nothing was pushed", file)
			continue
		}
		last := history[len(history)-1]
		if last.Version != nil && *last.Version != sc.version[file] {
			sc.t.Errorf("findings of version %d of %s, which has version %d", *last.Version, file, sc.version[file])
		}
		sc.findings(file, last.Diagnostics)
	}
}

// pull FILE waits until all is found, and asks for the findings.
func (sc *scene) pull(words []string, _ string) {
	sc.c.settle()
	for _, file := range words {
		if r, ok := ask[docReport](sc, "textDocument/diagnostic", m{"textDocument": m{"uri": sc.uri(file)}}); ok {
			sc.findings(file, r.Items)
		}
	}
}

func (sc *scene) workspace(_ []string, _ string) {
	r, ok := ask[struct{ Items []fileReport }](sc, "workspace/diagnostic", m{"previousResultIds": []any{}})
	if !ok {
		return
	}
	slices.SortFunc(r.Items, func(a, b fileReport) int { return strings.Compare(a.URI, b.URI) })
	for _, item := range r.Items {
		sc.findings(sc.file(item.URI), item.Items)
	}
}

func (sc *scene) hover(words []string, _ string) {
	h, ok := ask[struct {
		Contents struct{ Kind, Value string }
		Range    span
	}](sc, "textDocument/hover", sc.at(words[0]))
	if ok {
		sc.say("%s\n%s", sc.show(sc.mark(words[0]).file, h.Range), strings.TrimSpace(h.Contents.Value))
	}
}

// command is LSP's Command as far as tests read it.
type command struct {
	Title, Command string
	Arguments      []json.RawMessage
}

// lens FILE says the code lenses; lens FILE run makes what the first one offers.
func (sc *scene) lens(words []string, _ string) {
	lenses, ok := ask[[]struct {
		Range   span
		Command command
	}](sc, "textDocument/codeLens", m{"textDocument": m{"uri": sc.uri(words[0])}})
	if !ok {
		return
	}
	for _, l := range lenses {
		sc.say("%s [%s] %s", sc.show(words[0], l.Range), l.Command.Title, l.Command.Command)
		if len(words) > 1 {
			sc.command(l.Command)
			return
		}
	}
}

// command has the server run a command, and makes the edits that it sends.
func (sc *scene) command(c command) {
	if r := sc.c.call("workspace/executeCommand", m{"command": c.Command, "arguments": c.Arguments}); r.Error != nil {
		sc.say("error %d: %s", r.Error.Code, r.Error.Message)
		return
	}
	if c.Command == applyFix || c.Command == fixDocument {
		sent := sc.c.wait("an edit", func(x message) bool { return x.Method == "workspace/applyEdit" })
		sc.apply(decode[struct{ Edit workspaceEdit }](sc.t, sent.Params).Edit)
	}
}

func (sc *scene) hints(words []string, _ string) {
	end := strings.Count(sc.content(words[0]), "\n") + 1
	hints, ok := ask[[]struct {
		Position place
		Label    string
	}](sc, "textDocument/inlayHint", m{"textDocument": m{"uri": sc.uri(words[0])}, "range": between(at(0, 0), at(end, 0))})
	if !ok {
		return
	}
	for _, h := range hints {
		sc.say("%s %s", sc.show(words[0], span{h.Position, h.Position}), h.Label)
	}
}

func (sc *scene) links(words []string, _ string) {
	links, ok := ask[[]struct {
		Range  span
		Target string
	}](sc, "textDocument/documentLink", m{"textDocument": m{"uri": sc.uri(words[0])}})
	if !ok {
		return
	}
	for _, l := range links {
		sc.say("%s -> %s", sc.show(words[0], l.Range), sc.file(l.Target))
	}
}

// location is LSP's Location.
type location struct {
	URI   string
	Range span
}

func (sc *scene) locations(method string, params m) {
	found, ok := ask[[]location](sc, method, params)
	if !ok {
		return
	}
	for _, l := range found {
		sc.say("%s", sc.show(sc.file(l.URI), l.Range))
	}
}

func (sc *scene) definition(words []string, _ string) {
	sc.locations("textDocument/definition", sc.at(words[0]))
}

func (sc *scene) references(words []string, _ string) {
	params := sc.at(words[0])
	params["context"] = m{"includeDeclaration": true}
	sc.locations("textDocument/references", params)
}

func (sc *scene) prepare(words []string, _ string) {
	r, ok := ask[struct {
		Range       span
		Placeholder string
	}](sc, "textDocument/prepareRename", sc.at(words[0]))
	if ok {
		sc.say("%s %s", sc.show(sc.mark(words[0]).file, r.Range), r.Placeholder)
	}
}

func (sc *scene) rename(words []string, rest string) {
	params := sc.at(words[0])
	params["newName"] = strings.Trim(strings.TrimPrefix(rest, words[0]), " ")
	if e, ok := ask[workspaceEdit](sc, "textDocument/rename", params); ok {
		sc.apply(e)
	}
}

// item is LSP's CompletionItem as far as tests read it.
type item struct {
	Label, Detail, FilterText string
	TextEdit                  textEdit
	AdditionalTextEdits       []textEdit
}

func (sc *scene) items(name string) []item {
	r, _ := ask[struct{ Items []item }](sc, "textDocument/completion", sc.at(name))
	return r.Items
}

func (sc *scene) complete(words []string, _ string) {
	for _, i := range sc.items(words[0]) {
		sc.say("%s (%s)", i.Label, i.Detail)
	}
}

// accept @MARK LABEL takes the completion with the label.
func (sc *scene) accept(words []string, rest string) {
	label := strings.TrimSpace(strings.TrimPrefix(rest, words[0]))
	for _, i := range sc.items(words[0]) {
		if i.Label == label {
			uri := sc.uri(sc.mark(words[0]).file)
			sc.apply(workspaceEdit{Changes: map[string][]textEdit{uri: append(i.AdditionalTextEdits, i.TextEdit)}})
			return
		}
	}
	sc.say("there is no %s", label)
}

// offered is LSP's CodeAction as far as tests read it.
type offered struct {
	Title, Kind string
	IsPreferred bool
	Edit        *workspaceEdit
	Command     *command
	Data        json.RawMessage
	Disabled    *struct{ Reason string }
}

func (sc *scene) offered(params m, only ...string) []offered {
	context := m{"diagnostics": []any{}}
	if len(only) > 0 {
		context["only"] = only
	}
	params["context"] = context
	r, _ := ask[[]offered](sc, "textDocument/codeAction", params)
	return r
}

func (sc *scene) range_(name string) m {
	at := sc.at(name)
	return m{"textDocument": at["textDocument"], "range": m{"start": at["position"], "end": at["position"]}}
}

// actions @MARK [KIND...] says what is offered at a place.
func (sc *scene) actions(words []string, _ string) {
	for _, a := range sc.offered(sc.range_(words[0]), words[1:]...) {
		preferred, disabled := "", ""
		if a.IsPreferred {
			preferred = ", preferred"
		}
		if a.Disabled != nil {
			disabled = ", disabled: " + a.Disabled.Reason
		}
		sc.say("%s (%s%s%s)", a.Title, a.Kind, preferred, disabled)
	}
}

// act @MARK TITLE does what the action with a title that begins so does.
func (sc *scene) act(words []string, rest string) {
	sc.do(sc.offered(sc.range_(words[0])), strings.TrimSpace(strings.TrimPrefix(rest, words[0])))
}

func (sc *scene) fixAll(words []string, _ string) {
	params := m{"textDocument": m{"uri": sc.uri(words[0])}, "range": between(at(0, 0), at(0, 0))}
	sc.do(sc.offered(params, "source.fixAll"), "")
}

func (sc *scene) do(actions []offered, title string) {
	i := slices.IndexFunc(actions, func(a offered) bool { return strings.HasPrefix(a.Title, title) })
	if i < 0 {
		sc.say("nothing is offered")
		return
	}
	a := actions[i]
	sc.say("%s", a.Title)
	if a.Edit == nil && a.Data != nil {
		resolved, ok := ask[offered](sc, "codeAction/resolve", m{"title": a.Title, "kind": a.Kind, "data": a.Data})
		if !ok {
			return
		}
		a.Edit = resolved.Edit
	}
	if a.Edit != nil {
		sc.apply(*a.Edit)
	}
	if a.Command != nil {
		sc.command(*a.Command)
	}
}

// call METHOD JSON sends any request; "@FILE" in it stands for a file's URI, and the answer is said as it is.
func (sc *scene) call(words []string, rest string) {
	params := strings.ReplaceAll(strings.TrimSpace(strings.TrimPrefix(rest, words[0])), "@", "file://"+sc.dir.root+"/")
	r, ok := ask[json.RawMessage](sc, words[0], json.RawMessage(params))
	if ok {
		sc.say("%s", r)
	}
}

// told METHOD waits for what the server sends of a method, and says its message.
func (sc *scene) told(words []string, _ string) {
	x := sc.c.wait(words[0], func(x message) bool { return x.Method == words[0] })
	p := decode[struct {
		Message string
		URI     string
	}](sc.t, x.Params)
	sc.say("%s", p.Message+filepath.Base(p.URI))
}
