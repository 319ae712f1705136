package server

import (
	"context"
	"maps"
	"slices"

	"go.lsp.dev/jsonrpc2"
	"go.lsp.dev/protocol"
	"go.lsp.dev/uri"
)

// commands are what workspace/executeCommand runs, each in a file of its own. They answer with what LSP calls any, nil for
// nothing.
var commands = map[string]func(s *session, ctx context.Context, arguments []protocol.LSPAny) (any, error){
	showDocumentation: (*session).runShowDocumentation,
	fixDocument:       (*session).runFixAll,
	applyFix:          (*session).runApplyFix,
	showContract:      (*session).runShowContract,
	showTimeline:      (*session).runShowTimeline,
	prove:             (*session).runProve,
}

// commandNames are the commands that the server announces.
func commandNames() []string { return slices.Sorted(maps.Keys(commands)) }

// ExecuteCommand runs a command. It fails with InvalidParams where the command or its arguments are not as they must be.
func (s *session) ExecuteCommand(ctx context.Context, p *protocol.ExecuteCommandParams) (protocol.LSPAny, error) {
	run := commands[p.Command]
	if run == nil {
		return nil, invalid("unknown command " + p.Command)
	}
	result, err := run(s, ctx, p.Arguments)
	if err != nil || result == nil {
		return nil, err
	}
	return protocol.Marshal(result)
}

// invalid says that a request cannot be meant as it is.
func invalid(message string) error { return jsonrpc2.NewError(jsonrpc2.InvalidParams, message) }

// modified says that a request was made of what is not so any more.
func modified(message string) error { return jsonrpc2.NewError(protocol.CodeContentModified, message) }

// argument reads the only argument of a command. It fails with InvalidParams, which say what the command takes.
func argument[T any](arguments []protocol.LSPAny, takes string) (value T, err error) {
	if len(arguments) != 1 || protocol.Unmarshal(arguments[0], &value) != nil {
		return value, invalid(takes)
	}
	return value, nil
}

// opened is the open document that a URI names, of a notebook its own or that of a cell. It fails with InvalidParams where there is
// none.
func opened(ctx context.Context, u uri.URI) (*document, error) {
	v := viewIn(ctx)
	if d := v.docs[u]; d != nil {
		return d, nil
	}
	if d := v.cells[u]; d != nil {
		return d, nil
	}
	return nil, invalid("no open document has the URI " + string(u))
}

// inform shows the user a message.
func (s *session) inform(kind protocol.MessageType, message string) error {
	return s.client.ShowMessage(s.ctx, &protocol.ShowMessageParams{Type: kind, Message: message})
}
