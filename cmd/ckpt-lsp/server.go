package main

import (
	"context"
	"errors"
	"fmt"
	"os"

	"github.com/spf13/cobra"
	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"

	"github.com/ckpt-lsp/ckpt-lsp/diagnostics"
	"github.com/ckpt-lsp/ckpt-lsp/internal/prove"
	"github.com/ckpt-lsp/ckpt-lsp/server"
)

// serverFlags are the flags of the server command; the root command's --stdio runs it with the defaults.
type serverFlags struct {
	rules             *diagnostics.Registry
	logFile, logLevel string
}

func newServerCommand(rules *diagnostics.Registry) *cobra.Command {
	f := serverFlags{rules: rules}
	cmd := &cobra.Command{
		Use:   "server",
		Short: "Run the language server over standard input and output",
		Long: `Run the language server over standard input and output.

It logs to standard error, or to the file given with --log-file. Exit codes: 0 after the client
asked for shutdown and exit, 1 when the connection ended otherwise, 2 on wrong usage, 128 and the
signal's number when a signal ended it.`,
		Args: noArguments,
		RunE: func(cmd *cobra.Command, _ []string) error { return f.run(cmd.Context()) },
	}
	cmd.Flags().StringVar(&f.logFile, "log-file", "", "append the log to this file instead of standard error")
	cmd.Flags().StringVar(&f.logLevel, "log-level", "warn", "debug, info, warn or error")
	cmd.Flags().Bool("stdio", true, "accepted for clients that pass it; the server always uses standard input and output")
	return cmd
}

func (f serverFlags) run(ctx context.Context) error {
	log, err := f.logger()
	if err != nil {
		return err
	}
	ctx, stop := interruptible(ctx)
	context.AfterFunc(ctx, stop) // a second signal ends it at once
	code := server.Serve(ctx, os.Stdin, os.Stdout, server.Options{Rules: f.rules, Version: version(), Log: log})
	if by := (prove.Interrupted{}); errors.As(context.Cause(ctx), &by) {
		code = exitSignal + int(by.Signal)
	}
	_ = log.Sync() // a terminal cannot be synced
	if code != 0 {
		os.Exit(code)
	}
	return nil
}

func (f serverFlags) logger() (*zap.Logger, error) {
	level, err := zapcore.ParseLevel(f.logLevel)
	if err != nil {
		return nil, fmt.Errorf("--log-level %q: want debug, info, warn or error", f.logLevel)
	}
	out := zapcore.Lock(zapcore.AddSync(&printer{file: os.Stderr}))
	if f.logFile != "" {
		file, err := os.OpenFile(f.logFile, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
		if err != nil {
			return nil, fmt.Errorf("--log-file: %w", err)
		}
		out = zapcore.Lock(file)
	}
	return zap.New(zapcore.NewCore(zapcore.NewConsoleEncoder(zap.NewDevelopmentEncoderConfig()), out, level)), nil
}
