package lsptest

// mistakes are what real editors send against LSP, each seen in the tests. The server has to live with them. A line holds the
// beginning of the client's name and version, and the beginning of the problem's text.
var mistakes = []struct{ client, text string }{
	// A capability that LSP has never had.
	{"Neovim 0.7.", "initialize.capabilities.workspace.symbol: unknown property hierarchicalWorkspaceSymbolSupport"},
	// It asks for the findings of a document with the parameters of inlay hints.
	{"Neovim 0.10.", "textDocument/diagnostic: unknown property range"},
	// JSON-RPC leaves params out where a method takes none. Eglot before 1.12 does not give its name.
	{"Eglot 1.", "shutdown: the params are null"},
	{"Eglot 1.", "exit: the params are null"},
	{"unknown", "shutdown: the params are null"},
	{"unknown", "exit: the params are null"},
}
