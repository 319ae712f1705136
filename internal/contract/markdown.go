package contract

import (
	"fmt"
	"strings"
)

// Markdown is the contracts as a page; of names what is read in them.
func Markdown(of string, contracts []Contract) string {
	var out strings.Builder
	fmt.Fprintf(&out, "# Checkpoint contract of %s\n", of)
	if len(contracts) == 0 {
		out.WriteString("\nNo checkpoint with keys is saved or loaded here.\n")
	}
	for _, c := range contracts {
		out.WriteString("\n")
		for _, s := range c.Saves {
			fmt.Fprintf(&out, "## %s writes %s\n\n", code(s.String()), code(s.Text))
		}
		switch {
		case c.Load == nil:
			out.WriteString("No load of this program reads it.")
		case len(c.Saves) == 0:
			fmt.Fprintf(&out, "## %s reads %s\n\nNo save of this program writes it.", code(c.Load.String()), code(c.Load.Text))
		default:
			fmt.Fprintf(&out, "%s reads %s.", code(c.Load.String()), code(c.Load.Text))
		}
		if c.Continues {
			out.WriteString(" Training goes on from it.")
		}
		out.WriteString("\n")
		if len(c.Keys) > 0 {
			out.WriteString("\n| key | written | read | what becomes of it |\n|---|---|---|---|\n")
		}
		for _, k := range c.Keys {
			written := c.Place(k.Written)
			if k.Written != nil {
				written += " " + code(Clip(k.Written.Text, 60))
			}
			row(&out, code(k.Name), written, c.Place(k.Read), k.Fate(60))
		}
	}
	return out.String()
}

// row writes a line of a table. A bar would end a cell, in code too.
func row(out *strings.Builder, cells ...string) {
	for _, c := range cells {
		out.WriteString("| " + strings.ReplaceAll(c, "|", `\|`) + " ")
	}
	out.WriteString("|\n")
}

// List is what is written under each key and what becomes of it, as a Markdown list: not all editors can show a table.
func (c Contract) List() string {
	var items []string
	for _, k := range c.Keys {
		written := ""
		if k.Written != nil {
			written = k.Written.Text
		}
		fate := k.Fate(40)
		switch {
		case k.State == "unknown" && k.Written != nil:
			fate = "perhaps read out of sight"
		case k.State == "unknown":
			fate = "perhaps written out of sight"
		}
		items = append(items, Item(k.Name, written, fate))
	}
	return strings.Join(items, "\n")
}

// Item is a key in such a list. What is written under it, and what becomes of it, may be empty.
func Item(key, written, fate string) string {
	var said []string
	if written != "" {
		said = append(said, code(Clip(written, 50)))
	}
	if fate != "" {
		said = append(said, fate)
	}
	if len(said) == 0 {
		return "- " + code(key)
	}
	return "- " + code(key) + ": " + strings.Join(said, ", ")
}

// code is a text as code, whatever it holds.
func code(s string) string {
	if s == "" {
		return ""
	}
	if strings.Contains(s, "`") {
		return "`` " + s + " ``"
	}
	return "`" + s + "`"
}
