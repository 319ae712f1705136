package lsptest

// mistakes are what real editors send against LSP, each seen in the tests. The server has to live with them. A line holds the
// beginning of the client's name and version, and the beginning of the problem's text.
var mistakes = []struct{ client, text string }{}
