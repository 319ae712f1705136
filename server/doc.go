// Package server is the language server: the only place that knows LSP. It keeps an immutable snapshot of the workspace,
// answers each request from the snapshot it started with, and publishes findings only for the newest version of a document. One
// goroutine for each document looks at it at once; one for the session follows with the files that an edit concerns.
//
// Notifications are handled inline, in the order they arrive; a request takes its snapshot inline and then runs beside the ones
// that follow it. Nothing a client sends ends the connection: malformed frames are answered in frames.go, panics and errors of
// handlers are logged and answered in dispatch.go.
package server
