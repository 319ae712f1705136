package server

import (
	"context"

	"go.lsp.dev/protocol"
	"go.uber.org/zap"

	"github.com/ckpt-lsp/ckpt-lsp/codeactions"
)

const (
	// fixDocument is the command that makes all safe fixes of a document; its argument is the document's URI.
	fixDocument = "ckpt-lsp.fixAll"
	// fixAllKind is the kind of the action that does the same.
	fixAllKind = protocol.CodeActionKindSourceFixAll + ".ckpt-lsp"

	fixAllTitle = "Fix all that ckpt-lsp can fix safely"
)

// fixAll is the edit of all safe fixes, nil where there is none. It fails only with the context.
func (s *session) fixAll(ctx context.Context, d *document) (*protocol.WorkspaceEdit, error) {
	v := viewIn(ctx)
	edits, err := d.fixAll(ctx, v)
	switch {
	case ctx.Err() != nil:
		return nil, ctx.Err()
	case err != nil:
		s.log.Error("fix all failed", zap.String("uri", string(d.uri)), zap.Error(err))
		return nil, nil
	case len(edits) == 0:
		return nil, nil
	}
	return s.workspaceEdit(v, d, v, []codeactions.FileEdits{{Edits: edits}}), nil
}

func (s *session) runFixAll(ctx context.Context, arguments []protocol.LSPAny) (any, error) {
	u, err := argument[string](arguments, fixDocument+" takes one argument, the URI of a document")
	if err != nil {
		return nil, err
	}
	d, err := opened(ctx, readURI(u))
	if err != nil {
		return nil, err
	}
	var edit *protocol.WorkspaceEdit
	if d.tree != nil {
		if edit, err = s.fixAll(ctx, d); err != nil {
			return nil, err
		}
	}
	if edit == nil {
		return nil, s.inform(protocol.MessageTypeInfo, "ckpt-lsp finds nothing here that it can fix safely.")
	}
	return nil, s.apply(ctx, fixAllTitle, edit)
}
