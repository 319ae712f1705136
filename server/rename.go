package server

import (
	"context"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"go.lsp.dev/jsonrpc2"
	"go.lsp.dev/protocol"

	"github.com/ckpt-lsp/ckpt-lsp/codeactions"
	"github.com/ckpt-lsp/ckpt-lsp/internal/insight"
	"github.com/ckpt-lsp/ckpt-lsp/internal/text"
)

// PrepareRename gives the place of a checkpoint's key. It fails where the key cannot be renamed, and says why.
func (s *session) PrepareRename(ctx context.Context, p *protocol.PrepareRenameParams) (protocol.PrepareRenameResult, error) {
	d, key, err := s.keyEverywhere(ctx, p.TextDocument.URI, p.Position)
	if key == nil || err != nil {
		return nil, err
	}
	if err := renamable(key); err != nil {
		return nil, err
	}
	_, c := documentIn(ctx, p.TextDocument.URI)
	span, ok := useAt(d, key, s.units.offset(c, p.Position))
	if !ok {
		return nil, nil
	}
	return &protocol.PrepareRenamePlaceholder{Range: s.units.lsp(c, span), Placeholder: key.Name}, nil
}

// Rename renames a checkpoint's key where it is written and where it is read. It fails where not all places are known.
func (s *session) Rename(ctx context.Context, p *protocol.RenameParams) (*protocol.WorkspaceEdit, error) {
	d, key, err := s.keyEverywhere(ctx, p.TextDocument.URI, p.Position)
	if err != nil {
		return nil, err
	}
	if key == nil {
		return nil, refusedRename("no checkpoint key stands here")
	}
	if err := renamable(key); err != nil {
		return nil, err
	}
	if err := nameable(key, p.NewName); err != nil {
		return nil, err
	}
	var edits []codeactions.FileEdits
	for _, use := range key.Uses {
		edits = append(edits, codeactions.FileEdits{Path: use.Path, Edits: []text.Edit{{Span: use.Span, New: p.NewName}}})
	}
	edit := s.workspaceEdit(viewIn(ctx), d, viewIn(ctx), edits)
	if edit != nil && s.annotations {
		annotate(edit, key, p.NewName)
	}
	return edit, nil
}

func refusedRename(why string) error {
	return jsonrpc2.NewError(jsonrpc2.Code(protocol.LSPErrorCodesRequestFailed), "the key cannot be renamed: "+why)
}

// renamable fails where there may be more uses than are known.
func renamable(key *insight.Key) error {
	if key.Unsure != "" {
		return refusedRename(key.Unsure)
	}
	return nil
}

var identifier = regexp.MustCompile(`^[\pL_][\pL\pN_]*$`)

// nameable fails for a name that the key cannot have.
func nameable(key *insight.Key, name string) error {
	bare := slices.ContainsFunc(key.Uses, func(u insight.Use) bool { return u.Bare })
	switch {
	case name == "":
		return refusedRename("the new name is empty")
	case strings.ContainsAny(name, "\"'\\\n\r{}"):
		return refusedRename("the new name may not hold quotes, braces, backslashes or line ends")
	case bare && !identifier.MatchString(name):
		return refusedRename("it is written as a keyword, dict(" + key.Name + "=...), so the new name must be one")
	case slices.Contains(key.Others, name):
		return refusedRename(fmt.Sprintf("the checkpoint has a key %q already", name))
	}
	return nil
}

// annotate has the client ask before it renames: checkpoints that exist keep the old key.
func annotate(edit *protocol.WorkspaceEdit, key *insight.Key, name string) {
	const id = "ckpt-lsp-rename"
	yes := true
	description := "Checkpoints that are on the disk already keep the old key, and the new code does not find it in them."
	edit.ChangeAnnotations = map[protocol.ChangeAnnotationIdentifier]protocol.ChangeAnnotation{
		id: {Label: fmt.Sprintf("Rename the checkpoint key %q to %q", key.Name, name), Description: &description, NeedsConfirmation: &yes},
	}
	for _, change := range edit.DocumentChanges {
		file, ok := change.(*protocol.TextDocumentEdit)
		if !ok {
			continue
		}
		for i, e := range file.Edits {
			if plain, ok := e.(*protocol.TextEdit); ok {
				file.Edits[i] = &protocol.AnnotatedTextEdit{TextEdit: *plain, AnnotationID: id}
			}
		}
	}
}
