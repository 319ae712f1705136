package server

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"

	"go.lsp.dev/protocol"
)

// prove is the command that tells how to prove a script; its argument is the script's URI.
const prove = "ckpt-lsp.prove"

// commandLine is a command line, and the directory that it is to be run in.
type commandLine struct {
	Argv []string `json:"argv"`
	Dir  string   `json:"cwd"`
}

// runProve gives the command line that runs and proves a script. The server itself runs nothing: a client that has a terminal does, and
// the users of others are shown what to type.
func (s *session) runProve(ctx context.Context, arguments []protocol.LSPAny) (any, error) {
	u, err := argument[string](arguments, prove+" takes one argument, the URI of a script")
	if err != nil {
		return nil, err
	}
	d := viewIn(ctx).cells[readURI(u)]
	if open := viewIn(ctx).docs[readURI(u)]; open != nil {
		d = open
	}
	path, isFile := filePath(readURI(u))
	switch {
	case d != nil && d.book != nil || strings.EqualFold(filepath.Ext(path), ".ipynb"):
		return nil, invalid("a notebook cannot be proven: export it as a script first")
	case !isFile:
		return nil, invalid(u + " is not a file: save the script first")
	}
	if info, err := os.Stat(path); err != nil || !info.Mode().IsRegular() {
		return nil, invalid(path + " is not a file on the disk: save the script first")
	}
	program, err := os.Executable()
	if err != nil {
		return nil, fmt.Errorf("the path of ckpt-lsp is not known: %w", err)
	}
	run := commandLine{[]string{program, "prove", "--", "python", filepath.Base(path)}, filepath.Dir(path)}
	if d != nil && d.typed {
		if err := s.inform(protocol.MessageTypeWarning, filepath.Base(path)+" has changes that are not saved; what is saved is proven."); err != nil {
			return nil, err
		}
	}
	if !s.terminal {
		if err := s.inform(protocol.MessageTypeInfo, "Run this in "+run.Dir+":\n"+run.String()); err != nil {
			return nil, err
		}
	}
	return run, nil
}

var plainWord = regexp.MustCompile(`^[\w@%+=:,./\\-]+$`)

// String is the command line as it is typed.
func (c commandLine) String() string {
	words := make([]string, len(c.Argv))
	for i, word := range c.Argv {
		if words[i] = word; !plainWord.MatchString(word) {
			words[i] = "'" + strings.ReplaceAll(word, "'", `'\''`) + "'"
		}
	}
	return strings.Join(words, " ")
}
