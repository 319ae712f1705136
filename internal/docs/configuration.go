package docs

import (
	"encoding/json"
	"fmt"
	"strings"

	"github.com/ckpt-lsp/ckpt-lsp/diagnostics"
	"github.com/ckpt-lsp/ckpt-lsp/internal/project"
)

// Summary is the first sentence of a key's documentation.
func Summary(k project.Key) string {
	first, _, _ := strings.Cut(k.Doc, ". ")
	return strings.TrimSuffix(first, ".") + "."
}

// KeyPage is the documentation of a key of the configuration as Markdown.
func KeyPage(k project.Key) string {
	var out strings.Builder
	fmt.Fprintf(&out, "%s\n\n- Value: %s\n- Default: `%s`\n", k.Doc, k.Kind, k.Default)
	if len(k.Flags) > 0 {
		fmt.Fprintf(&out, "- Options of `check`: `%s`\n", strings.Join(k.Flags, "`, `"))
	}
	entry := k.Name + " = " + k.Example
	if k.Table() {
		entry = "[" + k.Name + "]\n" + k.Example
	}
	fmt.Fprintf(&out, "\n```toml\n%s\n```\n", entry)
	return out.String()
}

// configurationHead says where the configuration stands and what goes before what.
const configurationHead = `# Configuration

This page is generated from ckpt-lsp's own table of keys. ` + "`ckpt-lsp config KEY`" + ` prints the entry of one key.

## Where to put it

Put the settings into ` + "`ckpt-lsp.toml`" + `, or under the same names into the table ` + "`[tool.ckpt-lsp]`" + ` of ` + "`pyproject.toml`" + `:

` + "```toml" + `
# pyproject.toml
[tool.ckpt-lsp]
ignore = ["missing-rng-state"]

[tool.ckpt-lsp.severity]
non-atomic-save = "warning"
` + "```" + `

For each Python file the nearest configuration counts, in its directory or above. It is not merged with those further up. In one directory
` + "`ckpt-lsp.toml`" + ` takes precedence over ` + "`pyproject.toml`" + `. Paths and patterns are relative to the configuration file.

A mistake is an error that names the file, the line and the key: an unknown key, a rule that does not exist, a value of another type, or
a table of ` + "`pyproject.toml`" + ` whose name is misspelt. ` + "`check`" + ` then exits with 2. An editor reports it and uses the defaults.

## Precedence

From the highest to the lowest:

1. The options of ` + "`check`" + ` for one key, such as ` + "`--select`" + `; in an editor, its settings.
2. ` + "`--config KEY=VALUE`" + `, with the value in TOML: ` + "`--config 'torch-version = \"2.4\"'`" + `. You can give it several times; the last one counts.
3. The configuration file: the one that ` + "`--config FILE`" + ` names, or else the nearest one. Paths in a file named by ` + "`--config`" + ` are relative to the working
   directory. With ` + "`--isolated`" + ` no file is read.
4. The default.

` + "`--extend-select`, `--ignore`, `--unfixable` and `--extend-exclude`" + ` add to the configuration; the others replace it. In the tables
` + "`severity` and `per-file-ignores`" + ` each entry counts by itself. ` + "`ckpt-lsp check --show-settings FILE`" + ` shows the settings of a file and where each comes
from; ` + "`--show-files`" + ` lists the files that are checked.

## Completion in editors

` + "`editors/schemastore`" + ` holds the JSON Schema of both places in the layout of SchemaStore; Taplo, Even Better TOML and other editors complete
and check keys by it. ` + "`ckpt-lsp config --format schema`" + ` prints it. Name the file in the first line of ` + "`ckpt-lsp.toml`" + `:

` + "```toml" + `
#:schema ./ckpt-lsp.schema.json
` + "```" + `

## Keys
`

// ConfigurationPage is the reference of all keys as Markdown.
func ConfigurationPage() string {
	var out strings.Builder
	out.WriteString(configurationHead + "\n| key | |\n|---|---|\n")
	for _, k := range project.Keys() {
		fmt.Fprintf(&out, "| [`%s`](#%s) | %s |\n", k.Name, k.Name, Summary(k))
	}
	for _, k := range project.Keys() {
		fmt.Fprintf(&out, "\n### %s\n\n%s", k.Name, KeyPage(k))
	}
	return out.String()
}

// schema is a JSON Schema.
type schema = map[string]any

// schemas are those of the kinds of values.
var schemas = map[project.Kind]schema{
	project.RuleList:     {"type": "array", "items": schema{"$ref": "#/definitions/Rule"}, "uniqueItems": true},
	project.PatternList:  {"type": "array", "items": schema{"type": "string", "minLength": 1}},
	project.Boolean:      {"type": "boolean"},
	project.Version:      {"type": "string", "pattern": `^$|^v?[0-9]+(\.[0-9]+)?([.+a-z].*)?$`},
	project.File:         {"type": "string"},
	project.Threshold:    {"type": "string", "enum": []string{"error", "warning", "information", "hint"}},
	project.RulesByFile:  {"type": "object", "additionalProperties": schema{"type": "array", "items": schema{"$ref": "#/definitions/Rule"}}},
	project.SeverityRule: {"type": "object", "additionalProperties": false}, // its properties are the rules
}

// RuleNames are all names that select rules, as lists of rules take them: ALL, families, codes and names, each with what it means.
func RuleNames(rules *diagnostics.Registry) (names, meanings []string) {
	names, meanings = []string{"ALL"}, []string{"All rules, also those that are off by default."}
	for _, family := range rules.Families() {
		names, meanings = append(names, family), append(meanings, "All rules whose code begins with "+family+".")
	}
	for _, r := range rules.Rules() {
		names = append(names, r.Code, r.Name)
		meanings = append(meanings, r.Name+": "+r.Summary+".", r.Code+": "+r.Summary+".")
	}
	return names, meanings
}

// ConfigurationSchema is the JSON Schema of ckpt-lsp.toml and of the table in pyproject.toml, as SchemaStore takes it.
func ConfigurationSchema(rules *diagnostics.Registry) ([]byte, error) {
	names, meanings := RuleNames(rules)
	severities := schema{} // of each rule, because editors complete properties and no patterns
	for _, name := range names {
		severities[name] = schema{"$ref": "#/definitions/Severity"}
	}
	properties := schema{}
	for _, k := range project.Keys() {
		property := schema{"description": Summary(k)}
		for word, value := range schemas[k.Kind] {
			property[word] = value
		}
		if k.Kind == project.SeverityRule {
			property["properties"] = severities
		}
		if value, err := project.ParseValue(k.Default); err == nil {
			property["default"] = value
		}
		properties[k.Name] = property
	}
	out, err := json.MarshalIndent(schema{
		"$schema": "http://json-schema.org/draft-07/schema#", "$id": "https://json.schemastore.org/ckpt-lsp.json",
		"title": "ckpt-lsp", "description": "Configuration of ckpt-lsp, which finds and fixes what breaks resuming and repeating PyTorch training runs.",
		"type": "object", "additionalProperties": false, "properties": properties,
		"definitions": schema{
			"Rule":     schema{"description": "A rule by code or name, a family of rules, or ALL.", "type": "string", "enum": names, "x-taplo": schema{"docs": schema{"enumValues": meanings}}},
			"Severity": schema{"description": "How severe findings are.", "type": "string", "enum": []string{"error", "warning", "information", "hint", "off"}},
		},
	}, "", "  ")
	return append(out, '\n'), err
}
