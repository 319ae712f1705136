package editors

import (
	"bytes"
	"encoding/json"
	"errors"
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

// TestZedExtension runs the extension's own tests, compiles it as Zed does, and asks it what Zed asks. It needs crates.io, and a Rust that Debian does not have,
// so it is skipped in CI, where neither can be counted on.
func TestZedExtension(t *testing.T) {
	switch {
	case testing.Short():
		t.Skip("SKIPPED: a Rust build is not short")
	case os.Getenv("CI") != "":
		t.Skip("SKIPPED: CI is not to need crates.io; run `go test ./editors -run TestZed` without CI")
	}
	if _, err := exec.LookPath("cargo"); err != nil {
		t.Skip("SKIPPED: cargo is not installed")
	}
	if out, err := exec.Command("rustup", "target", "list", "--installed").Output(); err != nil || !slices.Contains(strings.Fields(string(out)), zedTarget) {
		t.Skip("SKIPPED: Rust cannot build for Zed; `rustup target add " + zedTarget + "` adds what is missing")
	}
	fetch := exec.CommandContext(t.Context(), "cargo", "fetch", "--locked")
	fetch.Dir = "zed"
	if out, err := fetch.CombinedOutput(); err != nil {
		t.Skipf("SKIPPED: the crates cannot be had: %v\n%s", err, out)
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
	module := "zed/target/" + zedTarget + "/release/ckpt_lsp_zed.wasm"
	data, err := os.ReadFile(module)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Contains(data, []byte("zed:api-version")) {
		t.Error("the version of the API, which Zed looks for, is not in it")
	}
	t.Run("Answers", func(t *testing.T) { answersOf(t, module) })
}

// answersOf runs the compiled extension in Node with a stand-in for Zed, which asks it for the command line and the settings.
func answersOf(t *testing.T, module string) {
	if _, err := exec.LookPath("npm"); err != nil {
		t.Skip("SKIPPED: npm is not installed")
	}
	dir := t.TempDir()
	in := func(stdin string, argv ...string) string {
		t.Helper()
		cmd := exec.CommandContext(t.Context(), argv[0], argv[1:]...)
		cmd.Dir, cmd.Stdin = dir, strings.NewReader(stdin)
		out, err := cmd.Output()
		if exit := (*exec.ExitError)(nil); errors.As(err, &exit) {
			t.Fatalf("%s: %v\n%s%s", argv[0], err, out, exit.Stderr)
		} else if err != nil {
			t.Fatal(err)
		}
		return string(out)
	}
	d := &desk{t: t, home: dir}
	d.copy(module, "extension.wasm")
	d.copy("testdata/zed/host.mjs", "host.mjs")
	d.copy("testdata/zed/ask.mjs", "ask.mjs")
	d.write("package.json", `{"type": "module"}`)
	install := exec.CommandContext(t.Context(), "npm", "install", "--silent", "--no-audit", "--prefix", dir,
		"@bytecodealliance/jco@1.35.0", "@bytecodealliance/preview2-shim@0.26.1")
	if out, err := install.CombinedOutput(); err != nil {
		t.Skipf("SKIPPED: npm cannot install jco, which runs components in Node: %v\n%s", err, out)
	}
	in("", "npx", "jco", "transpile", "extension.wasm", "--quiet", "-o", "extension", "--name", "ckpt_lsp_zed",
		"--map", "get-settings=../host.mjs#getSettings", "--map", "worktree=../host.mjs#Worktree",
		"--map", "key-value-store=../host.mjs#KeyValueStore", "--map", "project=../host.mjs#Project")

	var shown struct{ LSP map[string]json.RawMessage }
	decode(t, "zed/settings.json", json.Unmarshal, &shown)
	type asked struct {
		Settings json.RawMessage `json:"settings"`
		Path     string          `json:"path"`
	}
	cases := []struct {
		asked
		want string
	}{
		{asked{shown.LSP["ckpt-lsp"], "/usr/bin"}, `{"line":["/usr/bin/ckpt-lsp","server"],"env":{"HOME":"/home/a"},"options":null,` +
			`"configuration":{"ckpt-lsp":{"codeLens":true,"inlayHints":false}}}`},
		{asked{json.RawMessage(`{"binary": {"path": "/opt/ckpt-lsp", "arguments": ["--stdio"], "env": {"A": "b"}}, "initialization_options": {"terminal": true}}`), "/usr/bin"},
			`{"line":["/opt/ckpt-lsp","--stdio"],"env":{"HOME":"/home/a","A":"b"},"options":{"terminal":true},"configuration":{}}`},
		{asked{json.RawMessage(`{"settings": {"ckpt-lsp": {"run": "onSave"}}}`), "/bin"},
			`{"line":["/bin/ckpt-lsp","server"],"env":{"HOME":"/home/a"},"options":null,"configuration":{"ckpt-lsp":{"run":"onSave"}}}`},
		{asked{json.RawMessage(`{}`), ""}, `{"error":"ckpt-lsp is not on the PATH of this project.`},
	}
	var questions []asked
	for _, c := range cases {
		questions = append(questions, c.asked)
	}
	input, err := json.Marshal(questions)
	if err != nil {
		t.Fatal(err)
	}
	var answers []json.RawMessage
	if out := in(string(input), "node", "ask.mjs"); json.Unmarshal([]byte(out), &answers) != nil || len(answers) != len(cases) {
		t.Fatalf("%d answers, want %d: %s", len(answers), len(cases), out)
	}
	for i, c := range cases {
		if !strings.HasPrefix(string(answers[i]), c.want) {
			t.Errorf("%s:\n%s, want\n%s", c.Settings, answers[i], c.want)
		}
	}
}
