package server

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"go.lsp.dev/protocol"
	"go.uber.org/zap"
)

const (
	// mostQuiet is how many files are looked at without showing progress.
	mostQuiet = 50
	// progressTimeout is how long looking at files waits for a client that is asked to show progress.
	progressTimeout = 2 * time.Second
)

// progress is something long that the client shows and can cancel.
type progress struct {
	token     string
	total     int
	cancelled context.Context
	cancel    context.CancelFunc
	shown     int // percent
}

// track shows the client that files are looked at, if it can show that.
func (s *session) track(title string, total int) *progress {
	p := &progress{token: fmt.Sprintf("ckpt-lsp-%d", s.tokens.Add(1)), total: total}
	p.cancelled, p.cancel = context.WithCancel(s.ctx)
	if !s.progress {
		return p
	}
	ctx, done := context.WithTimeout(s.ctx, progressTimeout)
	defer done()
	if err := s.client.WorkDoneProgressCreate(ctx, &protocol.WorkDoneProgressCreateParams{Token: protocol.String(p.token)}); err != nil {
		s.log.Warn("the client shows no progress", zap.Error(err))
		return p
	}
	s.cancels.Store(p.token, p.cancel)
	s.report(p, map[string]any{"kind": "begin", "title": title, "cancellable": true, "percentage": 0, "message": fmt.Sprintf("0 of %d files", total)})
	return p
}

// advanced shows that so many are done.
func (s *session) advanced(p *progress, done int) {
	percent := 100 * done / max(p.total, 1)
	if percent == p.shown {
		return
	}
	p.shown = percent
	s.report(p, map[string]any{"kind": "report", "percentage": percent, "message": fmt.Sprintf("%d of %d files", done, p.total)})
}

// end shows that all is done.
func (s *session) end(p *progress, message string) {
	s.report(p, map[string]any{"kind": "end", "message": message})
	s.cancels.Delete(p.token)
	p.cancel()
}

// report sends a value of progress that the client was told of.
func (s *session) report(p *progress, value map[string]any) {
	if _, told := s.cancels.Load(p.token); !told {
		return
	}
	body, err := json.Marshal(value)
	if err == nil {
		err = s.client.Progress(s.ctx, &protocol.ProgressParams{Token: protocol.String(p.token), Value: body})
	}
	if err != nil && !s.shutDown.Load() {
		s.log.Warn("progress could not be sent", zap.Error(err))
	}
}

// WorkDoneProgressCancel stops what the token stands for.
func (s *session) WorkDoneProgressCancel(_ context.Context, p *protocol.WorkDoneProgressCancelParams) error {
	token, ok := p.Token.(protocol.String)
	if !ok {
		return nil
	}
	if cancel, ok := s.cancels.Load(string(token)); ok {
		cancel.(context.CancelFunc)()
	}
	return nil
}
