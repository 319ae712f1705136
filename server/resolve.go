package server

import (
	"context"
	"slices"

	"go.lsp.dev/protocol"
)

// actionData is what a code action without its edit carries, so that the edit can be computed when the action is chosen: the cell and
// its version, and which of the offers made there it is.
type actionData struct {
	URI     string         `json:"uri"`
	Version int32          `json:"version"`
	Kind    string         `json:"kind"`
	Title   string         `json:"title"`
	Range   protocol.Range `json:"range"`
}

// announced is an offer as the client gets it, nil where there is nothing to change after all: with its edit, or with what it takes
// to compute it where the client asks for that.
func (s *session) announced(o offer, c *cell) (*protocol.CodeAction, error) {
	switch {
	case o.edit == nil:
		return o.CodeAction, nil
	case s.resolvesEdit:
		data, err := protocol.Marshal(actionData{string(c.uri), c.version, string(*o.Kind), o.Title, o.at})
		o.Data = data
		return o.CodeAction, err
	}
	return o.resolved()
}

// resolved is the action with its edit, nil where there is none.
func (o offer) resolved() (a *protocol.CodeAction, err error) {
	if o.Edit, err = o.edit(); err != nil || o.Edit == nil {
		return nil, err
	}
	return o.CodeAction, nil
}

// CodeActionResolve gives an action its edit, from the workspace as it is now. It fails with ContentModified where the document has
// another version than the one that the action was offered for, or the action is not offered any more. An action that has all it
// needs is given back.
func (s *session) CodeActionResolve(ctx context.Context, a *protocol.CodeAction) (*protocol.CodeAction, error) {
	if len(a.Data) == 0 || string(a.Data) == "null" {
		return cloneOf(a)
	}
	var data actionData
	if err := protocol.Unmarshal(a.Data, &data); err != nil {
		return nil, invalid("the code action's data is not what the server gave it: " + err.Error())
	}
	d, c := documentIn(ctx, readURI(data.URI))
	if d == nil || d.tree == nil || c.version != data.Version {
		return nil, modified("the document is not what it was when the action was offered")
	}
	p := &protocol.CodeActionParams{Range: data.Range}
	p.Context.Only = []protocol.CodeActionKind{protocol.CodeActionKind(data.Kind)}
	offers, err := s.offers(ctx, d, c, p)
	if err != nil {
		return nil, err
	}
	i := slices.IndexFunc(offers, func(o offer) bool { return o.edit != nil && o.Title == data.Title && o.at == data.Range })
	if i < 0 {
		return nil, modified("the action is not offered any more")
	}
	a, err = offers[i].resolved()
	if a == nil && err == nil {
		err = modified("there is nothing to change any more")
	}
	return a, err
}

// cloneOf is an action that outlives the message it came in.
func cloneOf(a *protocol.CodeAction) (*protocol.CodeAction, error) {
	b, err := protocol.Marshal(a)
	if err != nil {
		return nil, err
	}
	out := &protocol.CodeAction{}
	return out, protocol.Unmarshal(b, out)
}
