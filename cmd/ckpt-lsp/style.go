package main

import (
	"io"
	"os"

	"golang.org/x/term"

	"github.com/ckpt-lsp/ckpt-lsp/internal/report"
)

// pageWidth is the most columns that text is laid out in, whatever the terminal's width.
const pageWidth = 100

// styleFor decides on colour and width. Colour is for terminals; NO_COLOR (no-color.org) and FORCE_COLOR, if not empty, decide
// otherwise, NO_COLOR first.
func styleFor(w io.Writer) report.Style {
	style := report.Style{Width: pageWidth}
	if file, ok := w.(*os.File); ok && term.IsTerminal(int(file.Fd())) {
		style.Color = os.Getenv("TERM") != "dumb"
		if columns, _, err := term.GetSize(int(file.Fd())); err == nil && columns >= 40 {
			style.Width = min(columns, pageWidth)
		}
	}
	if os.Getenv("FORCE_COLOR") != "" {
		style.Color = true
	}
	if os.Getenv("NO_COLOR") != "" {
		style.Color = false
	}
	return style
}
