package rules

import (
	"strings"

	"github.com/ckpt-lsp/ckpt-lsp/internal/pyast"
)

// shortened is an expression for a message: on one line, and cut when it is long.
func shortened(n pyast.Node) string {
	text := []rune(strings.Join(strings.Fields(n.Text()), " "))
	if len(text) > 60 {
		return string(text[:57]) + "..."
	}
	return string(text)
}
