package main

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"strings"
	"syscall"

	"github.com/ckpt-lsp/ckpt-lsp/internal/prove"
)

// interruptible cancels a context when the process is told to end, with the signal as the cause, so that it reaches the run.
func interruptible(ctx context.Context) (context.Context, func()) {
	if ctx == nil {
		ctx = context.Background()
	}
	ctx, cancel := context.WithCancelCause(ctx)
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM, syscall.SIGHUP)
	go func() {
		select {
		case s := <-signals:
			if s, ok := s.(syscall.Signal); ok {
				cancel(prove.Interrupted{Signal: s})
			}
		case <-ctx.Done():
			return
		}
		<-signals
		prove.Hurry()
	}()
	return ctx, func() {
		signal.Stop(signals)
		cancel(nil)
	}
}

// interrupted ends a check that was told to end.
type interrupted struct {
	cause   error
	written []string // files that fixes were put into
	fixing  bool
}

func (e interrupted) Error() string {
	switch {
	case !e.fixing:
		return e.cause.Error()
	case len(e.written) == 0:
		return e.cause.Error() + "; nothing was written"
	}
	return fmt.Sprintf("%v; fixes were written into %s, and into nothing else", e.cause, strings.Join(e.written, ", "))
}

func (e interrupted) Unwrap() error { return e.cause }

// waited is what a function gives, or why the context ended: what is under way then is left behind.
func waited[T any](ctx context.Context, do func() (T, error)) (T, error) {
	type result struct {
		value T
		err   error
	}
	done := make(chan result, 1)
	go func() {
		value, err := do()
		done <- result{value, err}
	}()
	select {
	case r := <-done:
		if r.err != nil {
			return r.value, context.Cause(ctx)
		}
		return r.value, nil
	case <-ctx.Done():
		var none T
		return none, context.Cause(ctx)
	}
}
