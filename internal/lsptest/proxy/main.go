// Proxy is a recording proxy: it stands where an editor expects the language server, starts the real one with its own
// arguments, passes all bytes on unchanged, and writes down every message of both sides.
//
//	PROXY_LOG=file PROXY_SERVER=ckpt-lsp proxy server ...   run PROXY_SERVER with these arguments, append to PROXY_LOG
//	proxy check file...                                     check logs against LSP; exit code 1 when there are problems, or no end
//
// It ends with the server's exit code, or with 128 and the number of the signal that ended the server.
package main

import (
	"fmt"
	"os"

	"github.com/ckpt-lsp/ckpt-lsp/internal/lsptest"
)

func main() {
	if server := os.Getenv("PROXY_SERVER"); server != "" {
		code, err := run(server, os.Args[1:], os.Getenv("PROXY_LOG"))
		if err != nil {
			fmt.Fprintln(os.Stderr, "proxy:", err)
			os.Exit(2)
		}
		os.Exit(code)
	}
	if len(os.Args) < 3 || os.Args[1] != "check" {
		fmt.Fprintln(os.Stderr, "usage: PROXY_LOG=file PROXY_SERVER=program proxy arguments...\n       proxy check log...")
		os.Exit(2)
	}
	if !check(os.Args[2:]) {
		os.Exit(1)
	}
}

// check prints what is wrong in logs, and a line about each session.
func check(logs []string) (fine bool) {
	fine = true
	for _, log := range logs {
		sessions, err := lsptest.CheckLog(log)
		if err != nil {
			fmt.Println(err)
			fine = false
		} else if len(sessions) == 0 {
			fmt.Printf("%s: nothing was recorded\n", log)
			fine = false
		}
		for i, s := range sessions {
			messages := 0
			for _, n := range s.Methods {
				messages += n
			}
			fmt.Printf("%s: session %d of %s: %d requests and notifications, %s, %d problems\n", log, i+1, s.Client, messages, end(s.Exit), len(s.Problems))
			for _, p := range s.Problems {
				fmt.Println("  " + p.String())
				fine = false
			}
			if s.Exit == nil { // whether all was answered, and how the server ended, is not known
				fine = false
			}
		}
	}
	return fine
}

// end says how a server ended.
func end(e *lsptest.Exit) string {
	switch {
	case e == nil:
		return "end not seen"
	case e.Signal != "":
		return "ended by the signal \"" + e.Signal + "\""
	default:
		return fmt.Sprintf("ended with exit code %d", e.Code)
	}
}
