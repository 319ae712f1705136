package main

import (
	"encoding/json"
	"fmt"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"github.com/ckpt-lsp/ckpt-lsp/diagnostics"
	"github.com/ckpt-lsp/ckpt-lsp/internal/docs"
	"github.com/ckpt-lsp/ckpt-lsp/internal/project"
	"github.com/ckpt-lsp/ckpt-lsp/internal/text"
)

// keyEntry is one key in the output of config --format json.
type keyEntry struct {
	Name    string   `json:"name"`
	Value   string   `json:"value"`
	Default string   `json:"default"`
	Doc     string   `json:"doc"`
	Example string   `json:"example"`
	Options []string `json:"options"`
}

func newConfigCommand(rules *diagnostics.Registry) *cobra.Command {
	var format string
	cmd := &cobra.Command{
		Use:   "config [KEY]",
		Short: "List the keys of the configuration, or explain one",
		Long: `List the keys of ckpt-lsp.toml and of [tool.ckpt-lsp] in pyproject.toml, or explain one: what it
means, its default, the options of check that say the same, an example. --format schema prints the
JSON Schema of the configuration. "ckpt-lsp check --show-settings FILE" shows what holds for a file.`,
		Args: cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			keys := project.Keys()
			if len(args) == 1 {
				key, err := keyNamed(args[0])
				if err != nil {
					return err
				}
				keys = []project.Key{key}
			}
			out := cmd.OutOrStdout()
			switch format {
			case "text":
				if len(args) == 1 {
					style := styleFor(cmd, out)
					_, err := fmt.Fprintf(out, "%s\n\n%s\n", style.Heading(keys[0].Name), plain(docs.KeyPage(keys[0]), style.Width))
					return err
				}
				w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
				for _, k := range keys {
					fmt.Fprintf(w, "%s\t%s\n", k.Name, docs.Summary(k))
				}
				return w.Flush()
			case "json":
				entries := []keyEntry{}
				for _, k := range keys {
					entries = append(entries, keyEntry{k.Name, string(k.Kind), k.Default, k.Doc, k.Example, append([]string{}, k.Flags...)})
				}
				e := json.NewEncoder(out)
				e.SetEscapeHTML(false)
				e.SetIndent("", "  ")
				return e.Encode(entries)
			case "schema":
				schema, err := docs.ConfigurationSchema(rules)
				if err != nil {
					return err
				}
				_, err = out.Write(schema)
				return err
			}
			return fmt.Errorf("unknown format %q (valid: json, schema, text)", format)
		},
		ValidArgsFunction: func(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
			var names []string
			for _, k := range project.Keys() {
				names = append(names, k.Name+"\t"+docs.Summary(k))
			}
			return names, cobra.ShellCompDirectiveNoFileComp
		},
	}
	cmd.Flags().StringVar(&format, "format", "text", "json, schema or text")
	return cmd
}

// keyNamed is the key of a name.
func keyNamed(name string) (project.Key, error) {
	var names []string
	for _, k := range project.Keys() {
		if k.Name == name {
			return k, nil
		}
		names = append(names, k.Name)
	}
	return project.Key{}, fmt.Errorf("unknown key %q%s `ckpt-lsp config` lists them", name, orElse(quoted(text.Nearest(name, names))))
}
