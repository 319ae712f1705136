package server

import (
	"context"

	"go.lsp.dev/protocol"

	"github.com/ckpt-lsp/ckpt-lsp/internal/insight"
)

// References are the places where a checkpoint's key is read, and where it is written if that is asked for.
func (s *session) References(ctx context.Context, p *protocol.ReferenceParams) ([]protocol.Location, error) {
	d, key, err := s.keyEverywhere(ctx, p.TextDocument.URI, p.Position)
	if key == nil || err != nil {
		return nil, err
	}
	return s.uses(viewIn(ctx), d, key, func(u insight.Use) bool { return !u.Written || p.Context.IncludeDeclaration }), nil
}
