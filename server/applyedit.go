package server

import (
	"context"

	"go.lsp.dev/protocol"
	"go.uber.org/zap"
)

// apply has the client make an edit, and tells the user where it does not.
func (s *session) apply(ctx context.Context, title string, edit *protocol.WorkspaceEdit) error {
	if !s.applies {
		return s.inform(protocol.MessageTypeWarning, title+": this editor does not make edits for a language server; use the code action.")
	}
	result, err := s.client.ApplyEdit(ctx, &protocol.ApplyWorkspaceEditParams{Label: &title, Edit: *edit})
	if ctx.Err() != nil {
		return ctx.Err()
	}
	if err == nil && result != nil && result.Applied {
		return nil
	}
	s.log.Warn("the client refused an edit", zap.String("title", title), zap.Error(err))
	reason := ""
	if result != nil && result.FailureReason != nil && *result.FailureReason != "" {
		reason = ": " + *result.FailureReason
	}
	return s.inform(protocol.MessageTypeWarning, title+": the editor did not make the edits"+reason+".")
}
