package server

import (
	"context"

	"go.lsp.dev/protocol"
	"go.lsp.dev/uri"

	"github.com/ckpt-lsp/ckpt-lsp/internal/insight"
)

// Definition leads from a checkpoint's key to where it is written: in the document and the files that lead to it, or else in any file
// of the folder, as a script that only loads what another one saves asks for.
func (s *session) Definition(ctx context.Context, p *protocol.DefinitionParams) (protocol.DefinitionResult, error) {
	for _, look := range []func(context.Context, uri.URI, protocol.Position) (*document, *insight.Key, error){s.keyAt, s.keyEverywhere} {
		d, key, err := look(ctx, p.TextDocument.URI, p.Position)
		if key == nil || err != nil {
			return nil, err
		}
		if written := s.uses(viewIn(ctx), d, key, func(u insight.Use) bool { return u.Written }); len(written) > 0 {
			return protocol.LocationSlice(written), nil
		}
	}
	return nil, nil
}
