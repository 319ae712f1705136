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
			fmt.Fprintf(&out, "## %s writes %s\n\n", Code(s.String()), Code(s.Text))
		}
		if len(c.Saves) == 0 {
			fmt.Fprintf(&out, "## %s reads %s\n\n", Code(c.Load.String()), Code(c.Load.Text))
		}
		if c.Load != nil && len(c.Saves) > 0 {
			fmt.Fprintf(&out, "%s %s %s.", Code(c.Load.String()), c.Reads(), Code(c.Load.Text))
		} else {
			out.WriteString(sentence(c.Alone()))
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
				written += " " + Code(Clip(k.Written.Text, 60))
			}
			row(&out, Code(k.Name), written, c.Place(k.Read), k.Fate(60))
		}
	}
	return out.String()
}

// Reads says how sure it is that the load reads what the saves write.
func (c Contract) Reads() string {
	if c.Perhaps {
		return "may read it as"
	}
	return "reads"
}

// Alone says of a save without a load, and of a load without a save, whether there is none; "" of others.
func (c Contract) Alone() string {
	does := "reads"
	switch {
	case c.Load != nil && len(c.Saves) > 0:
		return ""
	case c.Load != nil:
		does = "writes"
	}
	if c.Unknown != "" {
		return fmt.Sprintf("it is unknown whether anything here %s it: %s", does, c.Unknown)
	}
	return fmt.Sprintf("nothing here %s it", does)
}

// sentence is a text with its first letter large and a full stop.
func sentence(s string) string { return strings.ToUpper(s[:1]) + s[1:] + "." }

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
			fate = "perhaps read elsewhere"
		case k.State == "unknown":
			fate = "perhaps written elsewhere"
		}
		items = append(items, Item(k.Name, written, fate))
	}
	return strings.Join(items, "\n")
}

// Item is a key in such a list. What is written under it, and what becomes of it, may be empty.
func Item(key, written, fate string) string {
	var said []string
	if written != "" {
		said = append(said, Code(Clip(written, 50)))
	}
	if fate != "" {
		said = append(said, fate)
	}
	if len(said) == 0 {
		return "- " + Code(key)
	}
	return "- " + Code(key) + ": " + strings.Join(said, ", ")
}

// Code is a text as code, whatever it holds.
func Code(s string) string {
	if s == "" {
		return ""
	}
	if strings.Contains(s, "`") {
		return "`` " + s + " ``"
	}
	return "`" + s + "`"
}
