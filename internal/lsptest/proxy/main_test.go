package main

import (
	"bytes"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/ckpt-lsp/ckpt-lsp/internal/lsptest"
)

// TestMain is the proxy where a test asks for it.
func TestMain(m *testing.M) {
	if os.Getenv("PROXY_SERVER") != "" {
		main()
	}
	os.Exit(m.Run())
}

// TestProxy passes bytes on as they are, records frames, what is none, and the end.
func TestProxy(t *testing.T) {
	const one, two = `{"jsonrpc":"2.0","method":"exit"}`, `{"a":1}`
	for _, x := range []struct {
		name, input, script string
		records             []lsptest.Record
		code                int
	}{
		{"frames", "Content-Length: 33\r\n\r\n" + one + "content-length: 7\r\nContent-Type: x\r\n\r\n" + two, "cat; exit 3", []lsptest.Record{
			{From: lsptest.Client, Message: []byte(one)}, {From: lsptest.Client, Message: []byte(two)},
		}, 3},
		{"no JSON", "Content-Length: 3\r\n\r\nabc", "cat", []lsptest.Record{{From: lsptest.Client, Why: "the message is not JSON"}}, 0},
		{"no header", "hello\r\n\r\n", "cat", []lsptest.Record{{From: lsptest.Client, Why: "the header has no usable Content-Length; what follows was not read"}}, 0},
		{"half a frame", "Content-Length: 9\r\n\r\n{", "cat", []lsptest.Record{{From: lsptest.Client, Why: "the last message is not whole"}}, 0},
		{"killed", "", "kill -9 $$", nil, 128 + 9},
	} {
		t.Run(x.name, func(t *testing.T) {
			log := filepath.Join(t.TempDir(), "log")
			cmd := exec.Command(os.Args[0], "-c", x.script)
			cmd.Env = append(os.Environ(), "PROXY_SERVER=/bin/sh", "PROXY_LOG="+log)
			cmd.Stdin = bytes.NewBufferString(x.input)
			out, err := cmd.Output()
			code := 0
			if exit := new(exec.ExitError); errors.As(err, &exit) {
				code = exit.ExitCode()
			} else if err != nil {
				t.Fatal(err)
			}
			if string(out) != x.input || code != x.code {
				t.Errorf("output %q, exit code %d; want %q, %d", out, code, x.input, x.code)
			}
			sessions, err := lsptest.ReadLog(log)
			if err != nil || len(sessions) != 1 {
				t.Fatalf("%d sessions, %v", len(sessions), err)
			}
			var got []lsptest.Record
			for _, r := range sessions[0] {
				if r.From == lsptest.Client && !r.Closed {
					got = append(got, r)
				}
			}
			if len(got) != len(x.records) {
				t.Fatalf("%d records of the client, want %d", len(got), len(x.records))
			}
			for i, want := range x.records {
				if got[i].Why != want.Why || !bytes.Equal(got[i].Message, want.Message) {
					t.Errorf("record %d: %+v, want %+v", i, got[i], want)
				}
			}
			if last := sessions[0][len(sessions[0])-1]; last.Exit == nil {
				t.Error("the end is not recorded")
			}
		})
	}
}

// TestCheck sees that a log without a session, and one whose session has no end, are not fine.
func TestCheck(t *testing.T) {
	const ended = `{"Session":1,"Exit":{"Code":1}}` + "\n"
	for _, x := range []struct {
		name, log string
		fine      bool
	}{
		{"nothing", "", false},
		{"no end", `{"Session":1,"Server":2}` + "\n", false},
		{"an end", ended, true},
		{"a problem", `{"Session":1,"From":"server","Why":"no frame"}` + "\n" + ended, false},
	} {
		t.Run(x.name, func(t *testing.T) {
			log := filepath.Join(t.TempDir(), "log")
			if err := os.WriteFile(log, []byte(x.log), 0o600); err != nil {
				t.Fatal(err)
			}
			if got := check([]string{log}); got != x.fine {
				t.Errorf("fine is %t", got)
			}
		})
	}
}
