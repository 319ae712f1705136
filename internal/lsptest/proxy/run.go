package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"syscall"

	"github.com/ckpt-lsp/ckpt-lsp/internal/lsptest"
)

// run starts the server between our standard input and output, and gives its exit code.
func run(server string, args []string, log string) (code int, err error) {
	recorder, err := newRecorder(log)
	if err != nil {
		return 0, err
	}
	cmd := exec.Command(server, args...)
	cmd.Stderr = os.Stderr
	in, err := cmd.StdinPipe()
	if err != nil {
		return 0, err
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		return 0, err
	}
	if err := cmd.Start(); err != nil {
		return 0, err
	}
	recorder.write(lsptest.Record{Server: cmd.Process.Pid})

	// A signal is meant for the server. The proxy stays to see how it ends.
	signal.Ignore(syscall.SIGPIPE) // an editor that is gone fails a write, which is no reason to end before the server
	signals := make(chan os.Signal, 8)
	signal.Notify(signals, syscall.SIGTERM, syscall.SIGINT, syscall.SIGHUP)
	go func() {
		for s := range signals {
			_ = cmd.Process.Signal(s)
		}
	}()
	go func() {
		pass(in, os.Stdin, recorder.side(lsptest.Client))
		_ = in.Close()
	}()
	pass(os.Stdout, out, recorder.side(lsptest.Server))
	err = cmd.Wait()
	if exit := new(exec.ExitError); err != nil && !errors.As(err, &exit) {
		return 0, err
	}
	end := lsptest.Exit{Code: cmd.ProcessState.ExitCode()}
	code = end.Code
	if status, ok := cmd.ProcessState.Sys().(syscall.WaitStatus); ok && status.Signaled() {
		end.Signal = status.Signal().String()
		code = 128 + int(status.Signal())
	}
	recorder.write(lsptest.Record{Exit: &end})
	return code, recorder.failed()
}

// pass copies from one end to the other. What arrives is recorded first, so that the log never has an answer before its
// question.
func pass(to io.Writer, from io.Reader, record *tap) {
	buffer := make([]byte, 64<<10)
	for {
		n, err := from.Read(buffer)
		record.bytes(buffer[:n])
		_, _ = to.Write(buffer[:n]) // it fails when the other end is gone, which does not silence this one
		if err != nil {
			record.closed()
			return
		}
	}
}

var errNoLog = fmt.Errorf("PROXY_LOG is not set")
