package editors

import (
	"encoding/json"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"

	"github.com/pelletier/go-toml/v2"
)

// zedTarget is what Zed compiles extensions for.
const zedTarget = "wasm32-wasip2"

// TestZedManifest holds the extension's files and the settings that the README tells to copy to one another, and the settings to those
// that the server knows.
func TestZedManifest(t *testing.T) {
	var extension struct {
		ID      string
		Version string
		Schema  int `toml:"schema_version"`
		Servers map[string]struct {
			Name      string
			Languages []string
		} `toml:"language_servers"`
	}
	var crate struct {
		Package struct{ Version string }
		Lib     struct {
			Kinds []string `toml:"crate-type"`
		}
	}
	var settings struct {
		Languages map[string]struct {
			Servers []string `json:"language_servers"`
		}
		LSP map[string]struct{ Settings map[string]any }
	}
	decode(t, "zed/extension.toml", toml.Unmarshal, &extension)
	decode(t, "zed/Cargo.toml", toml.Unmarshal, &crate)
	decode(t, "zed/settings.json", json.Unmarshal, &settings)

	const id = "ckpt-lsp"
	if extension.ID != id || extension.Schema != 1 || len(extension.Servers) != 1 {
		t.Errorf("the manifest says id %q, schema %d, servers %v", extension.ID, extension.Schema, extension.Servers)
	}
	if extension.Version == "" || extension.Version != crate.Package.Version {
		t.Errorf("extension.toml has version %q, Cargo.toml %q", extension.Version, crate.Package.Version)
	}
	if !slices.Equal(crate.Lib.Kinds, []string{"cdylib"}) {
		t.Errorf("the crate is built as %q, which Zed cannot load", crate.Lib.Kinds)
	}
	languages := extension.Servers[id].Languages
	if !slices.Equal(languages, []string{"Python"}) {
		t.Errorf("the server %s is registered for %q", id, languages)
	}
	for language, l := range settings.Languages {
		if !slices.Contains(languages, language) || !slices.Contains(l.Servers, id) || !slices.Contains(l.Servers, "...") {
			t.Errorf("settings.json starts %q for %s; the extension has %s for %q", l.Servers, language, id, languages)
		}
	}
	if len(settings.Languages) != len(languages) || len(settings.LSP) != 1 || len(settings.LSP[id].Settings) == 0 {
		t.Errorf("settings.json sets %v and %v", settings.Languages, settings.LSP)
	}
	known := knownSettings(t)
	for key := range settings.LSP[id].Settings {
		if !slices.Contains(known, key) {
			t.Errorf("settings.json sets %s, the server knows %q", key, known)
		}
	}
	for _, file := range []string{"README.md", "zed/src/lib.rs"} {
		data, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if text := string(data); !strings.Contains(text, `"`+id+`"`) || !strings.Contains(text, `"arguments": ["server"]`) {
			t.Errorf("%s does not say how the settings name %s and its command line", file, id)
		}
	}
}

func decode(t *testing.T, file string, unmarshal func([]byte, any) error, into any) {
	t.Helper()
	data, err := os.ReadFile(file)
	if err == nil {
		err = unmarshal(data, into)
	}
	if err != nil {
		t.Fatalf("%s: %v", file, err)
	}
}

// knownSettings are the keys of the server's section.
func knownSettings(t *testing.T) []string {
	t.Helper()
	out, err := exec.Command(programs.server, "settings").Output()
	if err != nil {
		t.Fatal(err)
	}
	var schema struct{ Properties map[string]any }
	if err := json.Unmarshal(out, &schema); err != nil {
		t.Fatal(err)
	}
	var keys []string
	for key := range schema.Properties {
		keys = append(keys, key)
	}
	return keys
}

// TestZedExtension runs the extension's own tests and compiles it as Zed does. It needs crates.io, and a Rust that Debian does not have,
// so it is skipped in CI, where neither can be counted on.
func TestZedExtension(t *testing.T) {
	switch {
	case testing.Short():
		t.Skip("SKIPPED: a Rust build is not short")
	case os.Getenv("CI") != "":
		t.Skip("SKIPPED: CI has no crates.io; run `go test ./editors -run TestZed` without CI")
	}
	if _, err := exec.LookPath("cargo"); err != nil {
		t.Skip("SKIPPED: cargo is not installed")
	}
	if out, err := exec.Command("rustup", "target", "list", "--installed").Output(); err != nil || !slices.Contains(strings.Fields(string(out)), zedTarget) {
		t.Skip("SKIPPED: Rust cannot build for Zed; `rustup target add " + zedTarget + "` adds what is missing")
	}
	for _, args := range [][]string{
		{"fmt", "--check"},
		{"test", "--locked", "--quiet"},
		{"build", "--locked", "--quiet", "--release", "--target", zedTarget},
	} {
		cargo := exec.CommandContext(t.Context(), "cargo", args...)
		cargo.Dir = "zed"
		cargo.Env = append(os.Environ(), "RUSTFLAGS=-Dwarnings")
		if out, err := cargo.CombinedOutput(); err != nil {
			t.Fatalf("cargo %s: %v\n%s", strings.Join(args, " "), err, out)
		}
	}
	module, err := os.ReadFile("zed/target/" + zedTarget + "/release/ckpt_lsp_zed.wasm")
	if err != nil {
		t.Fatal(err)
	}
	// A component of WebAssembly, with the version of the API that Zed looks for.
	if !strings.HasPrefix(string(module), "\x00asm\x0d\x00\x01\x00") || !strings.Contains(string(module), "zed:api-version") {
		t.Error("what is built is no extension of Zed")
	}
}
