package main

import (
	"fmt"
	"io"
	"os"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"github.com/ckpt-lsp/ckpt-lsp/internal/report"
	"github.com/ckpt-lsp/ckpt-lsp/internal/text"
)

// pageWidth is the most columns that text is laid out in, whatever the terminal's width.
const pageWidth = 100

// colors are the values of --color.
var colors = []string{"auto", "always", "never"}

// colorFlag is when to colour.
type colorFlag string

func (c *colorFlag) String() string { return string(*c) }

// Type is the value's name in the help.
func (*colorFlag) Type() string { return "when" }

// Set reads the flag's value.
func (c *colorFlag) Set(when string) error {
	if !slices.Contains(colors, when) {
		return fmt.Errorf("unknown value %q%s (valid: %s)", when, text.DidYouMean(when, colors), strings.Join(colors, ", "))
	}
	*c = colorFlag(when)
	return nil
}

// styleFor decides on colour, width and links. They are for terminals; --color decides otherwise, then NO_COLOR (no-color.org),
// CLICOLOR_FORCE and FORCE_COLOR where they are not empty.
func styleFor(cmd *cobra.Command, w io.Writer) report.Style {
	style := report.Style{Width: pageWidth}
	file, ok := raw(w).(*os.File)
	terminal := ok && term.IsTerminal(int(file.Fd()))
	if terminal {
		if columns, _, err := term.GetSize(int(file.Fd())); err == nil && columns >= 40 {
			style.Width = min(columns, pageWidth)
		}
	}
	switch when := cmd.Flag("color").Value.String(); {
	case when != "auto":
		style.Color = when == "always"
	case os.Getenv("NO_COLOR") != "":
	case forced("CLICOLOR_FORCE"), forced("FORCE_COLOR"):
		style.Color = true
	default:
		style.Color = terminal && os.Getenv("TERM") != "dumb"
	}
	style.Links = style.Color && linked(terminal, os.Getenv)
	if p, ok := w.(*printer); ok {
		p.styled = style.Color
	}
	return style
}

// forced reports whether a variable asks for something: "0" does not.
func forced(variable string) bool {
	value := os.Getenv(variable)
	return value != "" && value != "0"
}

// linkedPrograms are values of TERM_PROGRAM, and linkedTerminals values of TERM, of terminals that know hyperlinks (OSC 8).
var (
	linkedPrograms  = []string{"Hyper", "WarpTerminal", "WezTerm", "ghostty", "iTerm.app", "rio", "terminology", "vscode", "zed"}
	linkedTerminals = []string{"alacritty", "contour", "foot", "xterm-ghostty", "xterm-kitty"}
)

// linked reports whether the terminal knows hyperlinks, which no terminal can be asked for: by what it says of itself, as the
// lists of terminals with hyperlinks do. FORCE_HYPERLINK decides otherwise.
func linked(terminal bool, getenv func(string) string) bool {
	if force := getenv("FORCE_HYPERLINK"); force != "" {
		return force != "0"
	}
	vte, _ := strconv.Atoi(getenv("VTE_VERSION"))
	return terminal && (vte >= 5000 || getenv("WT_SESSION") != "" || getenv("KONSOLE_VERSION") != "" || getenv("DOMTERM") != "" ||
		slices.Contains(linkedPrograms, getenv("TERM_PROGRAM")) || slices.Contains(linkedTerminals, getenv("TERM")))
}
