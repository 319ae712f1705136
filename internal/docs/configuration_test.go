package docs

import (
	"bytes"
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"testing"

	"github.com/pelletier/go-toml/v2"
	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/ckpt-lsp/ckpt-lsp/diagnostics"
	"github.com/ckpt-lsp/ckpt-lsp/internal/project"
	"github.com/ckpt-lsp/ckpt-lsp/internal/schematest"
)

var update = flag.Bool("update", false, "write the generated files anew")

// generated compares a file with what it is made from.
func generated(t *testing.T, path string, want []byte) {
	t.Helper()
	if *update {
		if err := os.WriteFile(path, want, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if got, err := os.ReadFile(path); err != nil || !bytes.Equal(got, want) {
		t.Errorf("%s is not what the table of keys says (%v): refresh it with -update", path, err)
	}
}

func TestConfigurationPage(t *testing.T) {
	generated(t, "../../docs/configuration.md", []byte(ConfigurationPage()))
}

func TestConfigurationSchema(t *testing.T) {
	want, err := ConfigurationSchema(diagnostics.Product)
	if err != nil {
		t.Fatal(err)
	}
	generated(t, schemaStore+"schemas/json/ckpt-lsp.json", want)
}

const schemaStore = "../../editors/schemastore/src/"

// compiled is the schema of the configuration.
func compiled(t *testing.T) *jsonschema.Schema {
	t.Helper()
	text, err := ConfigurationSchema(diagnostics.Product)
	if err != nil {
		t.Fatal(err)
	}
	return schematest.Compile(t, text)
}

// judge is what the schema and the reader say of a configuration in a file of a name.
func judge(t *testing.T, schema *jsonschema.Schema, name string, data []byte) (bySchema, byReader error) {
	t.Helper()
	var values map[string]any
	if err := toml.Unmarshal(data, &values); err != nil {
		t.Fatal(err)
	}
	if name == "pyproject.toml" {
		values = values["tool"].(map[string]any)["ckpt-lsp"].(map[string]any)
	}
	asJSON, err := json.Marshal(values)
	if err != nil {
		t.Fatal(err)
	}
	document, err := jsonschema.UnmarshalJSON(bytes.NewReader(asJSON))
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, name), data, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, project.BaselineFile), []byte(`{"version": 1}`), 0o600); err != nil {
		t.Fatal(err)
	}
	_, byReader = project.NewWorkspace(dir).Config(filepath.Join(dir, "train.py"))
	return schema.Validate(document), byReader
}

// TestSchemaAgreesWithReader tries the files that go to SchemaStore, and the default and the example of every key.
func TestSchemaAgreesWithReader(t *testing.T) {
	schema := compiled(t)
	tried := map[string]bool{}
	for dir, valid := range map[string]bool{"test/ckpt-lsp": true, "test/pyproject": true, "negative_test/ckpt-lsp": false} {
		files, err := filepath.Glob(schemaStore + dir + "/*.toml")
		if err != nil || len(files) == 0 {
			t.Fatalf("no files in %s (%v)", dir, err)
		}
		for _, file := range files {
			data, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			bySchema, byReader := judge(t, schema, filepath.Base(dir)+".toml", data)
			if (bySchema == nil) != valid || (byReader == nil) != valid {
				t.Errorf("%s: the schema says %v, the reader %v; want valid: %v", file, bySchema, byReader, valid)
			}
			if dir == "test/ckpt-lsp" {
				for _, k := range project.Keys() {
					tried[k.Name] = tried[k.Name] || bytes.Contains(data, []byte(k.Name))
				}
			}
		}
	}
	for _, k := range project.Keys() {
		if !tried[k.Name] {
			t.Errorf("no file in test/ckpt-lsp sets %s", k.Name)
		}
		example := k.Name + " = " + k.Example
		if k.Table() {
			example = "[" + k.Name + "]\n" + k.Example
		}
		for _, line := range []string{example, k.Name + " = " + k.Default} {
			if bySchema, byReader := judge(t, schema, "ckpt-lsp.toml", []byte(line)); bySchema != nil || byReader != nil {
				t.Errorf("%s: the schema says %v, the reader %v", line, bySchema, byReader)
			}
		}
	}
}
