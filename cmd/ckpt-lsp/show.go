package main

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/ckpt-lsp/ckpt-lsp/internal/project"
	"github.com/ckpt-lsp/ckpt-lsp/internal/report"
	"github.com/ckpt-lsp/ckpt-lsp/internal/text"
)

// showFiles lists the files that would be checked, one a line.
func showFiles(out io.Writer, files []string) error {
	for _, path := range files {
		if _, err := fmt.Fprintln(out, text.Printable(displayPath(path))); err != nil {
			return err
		}
	}
	return nil
}

// showSettings prints as TOML what holds for the first of the files, with comments that say where it was said.
func showSettings(out io.Writer, w *project.Workspace, files []string) error {
	path := "any.py"
	if len(files) > 0 {
		path = files[0]
	}
	config, err := w.Config(path)
	if err != nil {
		return err
	}
	var b strings.Builder
	if len(files) > 0 {
		fmt.Fprintf(&b, "# Settings for %s\n", displayPath(path))
	} else {
		fmt.Fprintf(&b, "# Settings for Python files in the working directory\n")
	}
	file := "none"
	if config.Path != "" {
		file = displayPath(config.Path)
	}
	fmt.Fprintf(&b, "# Configuration file: %s\n", file)
	here, _ := os.Getwd()
	settings, rules := w.Settings(path)
	for _, s := range settings {
		from := strings.TrimPrefix(s.From, filepath.ToSlash(here)+"/")
		fmt.Fprintf(&b, "%s = %s  # %s\n", s.Key, s.Value, from)
	}
	fmt.Fprintf(&b, "# Rules that run:\n%s\n", report.Wrap(strings.Join(rules, ", "), pageWidth, "#   ", "#   "))
	_, err = io.WriteString(out, b.String())
	return err
}
