package server

import (
	"context"

	"go.lsp.dev/protocol"

	"github.com/ckpt-lsp/ckpt-lsp/internal/insight"
)

// Definition leads from a checkpoint's key to where it is written.
func (s *session) Definition(ctx context.Context, p *protocol.DefinitionParams) (protocol.DefinitionResult, error) {
	d, key, err := s.keyAt(ctx, p.TextDocument.URI, p.Position)
	if key == nil || err != nil {
		return nil, err
	}
	if written := s.uses(viewIn(ctx), d, key, func(u insight.Use) bool { return u.Written }); len(written) > 0 {
		return protocol.LocationSlice(written), nil
	}
	return nil, nil
}
