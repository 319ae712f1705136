package server

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/ckpt-lsp/ckpt-lsp/diagnostics"
	"github.com/ckpt-lsp/ckpt-lsp/internal/project"
)

func TestReadSettings(t *testing.T) {
	for name, c := range map[string]struct {
		sent string
		want []string // parts of the mistakes, in their order
	}{
		"nothing":      {``, nil},
		"null":         {`null`, nil},
		"nulls":        {`{"enable": null, "select": null}`, nil},
		"all":          {`{"enable": false, "select": ["CKP1"], "ignore": ["bug-name"], "severity": {"CKP9": "off"}, "torchVersion": "2.4", "run": "onSave", "codeLens": false, "inlayHints": true, "configuration": "~/ckpt-lsp.toml", "configurationPreference": "editorOnly"}`, nil},
		"keys":         {`{"configuration": {"ignore": ["CKP9"], "severity": {"bug-name": "hint"}, "force-exclude": true, "per-file-ignores": {"tests/**": ["ALL"]}}}`, nil},
		"wrong keys":   {`{"configuration": {"ignroe": ["CKP9"]}, "configurationPreference": "mine"}`, []string{`settings ckpt-lsp.configuration: unknown key "ignroe"; did you mean "ignore"?`, `configurationPreference: expected "editorFirst", "filesystemFirst" or "editorOnly"`}},
		"a wrong kind": {`{"configuration": {"force-exclude": "yes", "select": [1]}}`, []string{"settings ckpt-lsp.configuration: force-exclude: expected true or false"}},
		"the client's": {`{"path": "/x", "logLevel": "debug", "trace": {"server": "off"}}`, nil},
		"a list":       {`[]`, []string{"expected an object"}},
		"types":        {`{"enable": 1, "select": "ALL", "severity": [], "torchVersion": 2.4, "run": "never"}`, []string{"enable: expected true or false", `run: expected "onType" or "onSave"`, "select: expected a list", "severity: expected an object", "torchVersion: expected a version"}},
		"rules":        {`{"select": ["CKP1", "nonsense"], "severity": {"nonsense": "error", "bug-name": "loud"}}`, []string{"select: ", "severity: "}},
		"unknown":      {`{"selct": []}`, []string{`unknown key "selct"; did you mean "select"?`}},
	} {
		t.Run(name, func(t *testing.T) {
			_, mistakes := readSettings(json.RawMessage(c.sent), testRules)
			for i, want := range c.want {
				if i >= len(mistakes) || !strings.Contains(mistakes[i].Error(), want) {
					t.Errorf("%v lacks %q", mistakes, want)
				}
			}
			if len(mistakes) != len(c.want) {
				t.Errorf("%v, want %d", mistakes, len(c.want))
			}
		})
	}
	s, _ := readSettings(json.RawMessage(`{"enable": false, "select": ["CKP9", "nonsense"], "severity": {"CKP9": "hint", "x": "y"}, "torchVersion": "2.4.1", "run": "onSave", "codeLens": false, "inlayHints": true}`), testRules)
	if s.enable || len(s.selected) != 1 || s.severity[bugRule] != diagnostics.Hint || s.torch.Minor != 4 || !s.onSave || s.codeLens || !s.inlayHints {
		t.Errorf("what is sound does not hold: %+v", s)
	}
}

// TestSettingsSchema holds the defaults of the schema to what is read from them.
func TestSettingsSchema(t *testing.T) {
	raw, err := SettingsSchema(testRules)
	if err != nil {
		t.Fatal(err)
	}
	var got struct {
		Properties map[string]struct {
			Type                 any
			Default              any
			Enum                 []string
			Items, PropertyNames struct{ Enum, EnumDescriptions []string }
		}
	}
	if err := json.Unmarshal(raw, &got); err != nil {
		t.Fatal(err)
	}
	defaults := m{}
	for key, p := range got.Properties {
		if p.Type == nil || p.Default == nil {
			t.Errorf("%s has no type or no default", key)
		}
		defaults[key] = p.Default
		for _, value := range p.Enum {
			if _, mistakes := readSettings(encode(t, m{key: value}), testRules); len(mistakes) > 0 {
				t.Errorf("%s: %v", key, mistakes)
			}
		}
	}
	for _, key := range []string{"select", "extendSelect", "ignore", "severity"} {
		names := got.Properties[key].Items
		if key == "severity" {
			names = got.Properties[key].PropertyNames
		}
		for _, r := range testRules.Rules() {
			if !slices.Contains(names.Enum, r.Code) || !slices.Contains(names.Enum, r.Name) {
				t.Errorf("%s does not name %s %s", key, r.Code, r.Name)
			}
		}
		if len(names.Enum) != len(names.EnumDescriptions) {
			t.Errorf("%s says of %d of %d names what they mean", key, len(names.EnumDescriptions), len(names.Enum))
		}
		for _, name := range names.Enum {
			var value any = []string{name}
			if key == "severity" {
				value = m{name: "hint"}
			}
			if _, mistakes := readSettings(encode(t, m{key: value}), testRules); len(mistakes) > 0 {
				t.Errorf("%s: %v", key, mistakes)
			}
		}
	}
	s, mistakes := readSettings(encode(t, defaults), testRules)
	s.severity = nil // empty and none are one
	if len(mistakes) > 0 || !s.equal(unset(testRules)) {
		t.Errorf("the defaults of the schema read %+v, %v", s, mistakes)
	}
	if len(got.Properties) != len(options) {
		t.Errorf("%d properties", len(got.Properties))
	}
}

// TestConfigurationPreference holds which of the editor's settings and the project's file counts, key by key.
func TestConfigurationPreference(t *testing.T) {
	files := map[string]string{
		"ckpt-lsp.toml": "torch-version = \"2.1\"\nfail-on = \"hint\"\n",
		"mine.toml":     "torch-version = \"2.2\"\nfail-on = \"error\"\nmin-severity = \"hint\"\nexclude = [\"/gone.py\"]\n",
		"broken.toml":   "torch-version = 2\n",
	}
	for name, c := range map[string]struct{ settings, torch, failOn, minSeverity string }{
		"nothing":            {`{}`, `"2.1"`, `"hint"`, `"information"`},
		"a file":             {`{"configuration": "mine.toml"}`, `"2.2"`, `"error"`, `"hint"`},
		"a file by variable": {`{"configuration": "${workspaceFolder}/mine.toml"}`, `"2.2"`, `"error"`, `"hint"`},
		"the project first":  {`{"configuration": "mine.toml", "configurationPreference": "filesystemFirst"}`, `"2.1"`, `"hint"`, `"hint"`},
		"the editor only":    {`{"configuration": "mine.toml", "configurationPreference": "editorOnly"}`, `"2.2"`, `"error"`, `"hint"`},
		"no configuration":   {`{"configurationPreference": "editorOnly"}`, `""`, `"warning"`, `"information"`},
		"keys":               {`{"configuration": {"torch-version": "2.3"}}`, `"2.3"`, `"hint"`, `"information"`},
		"keys, not first":    {`{"configuration": {"torch-version": "2.3", "min-severity": "error"}, "configurationPreference": "filesystemFirst"}`, `"2.1"`, `"hint"`, `"error"`},
		"a setting":          {`{"torchVersion": "2.4"}`, `"2.4"`, `"hint"`, `"information"`},
		"a setting, first":   {`{"torchVersion": "2.4", "configuration": "mine.toml"}`, `"2.4"`, `"error"`, `"hint"`},
		"not a setting":      {`{"torchVersion": "2.4", "configurationPreference": "filesystemFirst"}`, `"2.1"`, `"hint"`, `"information"`},
		"no such file":       {`{"configuration": "none.toml"}`, `"2.1"`, `"hint"`, `"information"`},
		"a broken file":      {`{"configuration": "broken.toml"}`, `""`, `"warning"`, `"information"`},
	} {
		t.Run(name, func(t *testing.T) {
			root := t.TempDir()
			for path, content := range files {
				if err := os.WriteFile(filepath.Join(root, path), []byte(content), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			chosen, mistakes := readSettings(json.RawMessage(c.settings), testRules)
			if len(mistakes) > 0 {
				t.Fatal(mistakes)
			}
			w := project.NewWorkspaceWith(root, chosen.overrides(root))
			shown, _ := w.Settings(filepath.Join(root, "train.py"))
			got := map[string]string{}
			for _, s := range shown {
				got[s.Key] = s.Value
			}
			// What stands in the settings themselves is no setting of the configuration: the pass is told.
			if torch := chosen.overrides(root).Torch; torch.Minor > 0 {
				got["torch-version"] = fmt.Sprintf(`"%d.%d"`, torch.Major, torch.Minor)
			}
			if got["torch-version"] == "" {
				got["torch-version"] = `""`
			}
			if got["torch-version"] != c.torch || got["fail-on"] != c.failOn || got["min-severity"] != c.minSeverity {
				t.Errorf("torch %s, fail on %s, severity %s", got["torch-version"], got["fail-on"], got["min-severity"])
			}
			_, err := w.Config(filepath.Join(root, "train.py"))
			if wrong := strings.HasPrefix(name, "no such") || strings.HasPrefix(name, "a broken"); (err != nil) != wrong {
				t.Errorf("error %v", err)
			}
			if w.Reload() {
				t.Error("nothing changed, and it is read anew")
			}
			if chosen.configuration == "" {
				return
			}
			if err := os.WriteFile(filepath.Join(root, "mine.toml"), []byte("fail-on = \"warning\"\n"), 0o600); err != nil {
				t.Fatal(err)
			}
			if changed := w.Reload(); changed != strings.Contains(c.settings, "mine.toml") {
				t.Errorf("the file that is named has changed: %v", changed)
			}
		})
	}
}

// configured is a client of some folders that answers for its settings, folder by folder.
func configured(t *testing.T, of map[string]string, folders ...string) (c *client, answer func(scope, settings string)) {
	c = connect(t)
	answers := make(chan map[string]string, 1)
	answers <- of
	c.answer = func(method string, params json.RawMessage) any {
		if method != "workspace/configuration" {
			return nil
		}
		of := <-answers
		answers <- of
		asked := decode[struct {
			Items []struct{ ScopeURI, Section string }
		}](t, params)
		var out []any
		for _, item := range asked.Items {
			if item.Section != "ckpt-lsp" {
				t.Errorf("asked for %q", item.Section)
			}
			out = append(out, json.RawMessage(of[item.ScopeURI]))
		}
		return out
	}
	var list []any
	for _, f := range folders {
		list = append(list, m{"uri": f, "name": "x"})
	}
	r := c.call("initialize", m{
		"processId": nil, "rootUri": nil, "workspaceFolders": list,
		"capabilities": m{"workspace": m{"configuration": true, "workspaceFolders": true, "didChangeConfiguration": m{"dynamicRegistration": true}}},
	})
	if r.Error != nil {
		t.Fatal(r.Error)
	}
	c.notify("initialized", m{})
	return c, func(scope, settings string) {
		of := <-answers
		next := map[string]string{}
		for k, v := range of {
			next[k] = v
		}
		next[scope] = settings
		answers <- next
		c.notify("workspace/didChangeConfiguration", m{"settings": nil})
	}
}

// TestFoldersHaveTheirSettings: each folder's settings hold in it from the first findings on, also those of a folder in a folder, and
// of one that is opened later.
func TestFoldersHaveTheirSettings(t *testing.T) {
	c, answer := configured(t, map[string]string{
		"file:///nowhere":       `{"ignore": ["bug-name"]}`,
		"file:///nowhere/inner": `{"severity": {"bug-name": "information"}}`,
		"file:///other":         `{"enable": false}`,
		"file:///late":          `{"select": ["CKP902"]}`,
	}, "file:///nowhere", "file:///nowhere/inner", "file:///other")
	const text = "import torch\nBUG\n"
	for uri, want := range map[string]int{"file:///nowhere/a.py": 0, "file:///nowhere/inner/a.py": 3, "file:///other/a.py": 0, "file:///elsewhere/a.py": 0} {
		got := c.open(uri, text)
		if want == 0 && len(got.Diagnostics) > 0 || want > 0 && (len(got.Diagnostics) != 1 || got.Diagnostics[0].Severity != want) {
			t.Errorf("%s: %+v", uri, got)
		}
	}
	answer("file:///nowhere", `{}`)
	if got := c.published("file:///nowhere/a.py", 1); len(got.Diagnostics) != 1 {
		t.Errorf("changed: %+v", got)
	}
	if got := c.published("file:///elsewhere/a.py", 1); len(got.Diagnostics) != 1 {
		t.Errorf("a file in no folder has the first one's settings: %+v", got)
	}
	answer("file:///other", `{"run": "sometimes"}`)
	if got := c.published("file:///other/a.py", 1); len(got.Diagnostics) != 1 {
		t.Errorf("turned on: %+v", got)
	}
	if x := c.wait("a warning", func(x message) bool { return x.Method == "window/showMessage" }); !strings.Contains(string(x.Params), "ckpt-lsp.run") {
		t.Errorf("%s", x.Params)
	}

	if got := c.open("file:///late/a.py", text); len(got.Diagnostics) != 1 {
		t.Errorf("%+v", got)
	}
	change := func(added, removed []any) {
		c.notify("workspace/didChangeWorkspaceFolders", m{"event": m{"added": added, "removed": removed}})
	}
	late := []any{m{"uri": "file:///late/", "name": "late"}}
	answer("file:///late/", `{"select": ["CKP902"]}`)
	change(late, []any{})
	if got := c.published("file:///late/a.py", 1); len(got.Diagnostics) != 0 {
		t.Errorf("opened: %+v", got)
	}
	change([]any{}, late)
	if got := c.published("file:///late/a.py", 1); len(got.Diagnostics) != 1 {
		t.Errorf("closed: %+v", got)
	}
}

// TestSettingsAreAwaited: nothing is shown before the client has told its settings.
func TestSettingsAreAwaited(t *testing.T) {
	told := make(chan bool)
	c := connect(t)
	c.answer = func(method string, _ json.RawMessage) any {
		if method == "workspace/configuration" {
			return waiting{told, []any{m{"ignore": []string{"CKP901"}}}}
		}
		return nil
	}
	c.handshake(m{"workspace": m{"configuration": true}}, "file:///nowhere")
	c.show("file:///nowhere/a.py", "import torch\nBUG\n")
	c.sync()
	if got := c.history("file:///nowhere/a.py"); len(got) > 0 {
		t.Errorf("too early: %+v", got)
	}
	close(told)
	if got := c.published("file:///nowhere/a.py", 1); len(got.Diagnostics) != 0 {
		t.Errorf("%+v", got)
	}
}

// TestSettingsThatAreSent: a client that cannot be asked sends its settings with initialize, and when they change.
func TestSettingsThatAreSent(t *testing.T) {
	c := connect(t)
	c.call("initialize", m{"processId": nil, "rootUri": "file:///nowhere", "capabilities": m{}, "initializationOptions": m{"settings": m{"ignore": []string{"CKP901"}, "slect": 1}}})
	c.notify("initialized", m{})
	c.wait("a warning", func(x message) bool {
		return x.Method == "window/showMessage" && strings.Contains(string(x.Params), "slect")
	})
	if got := c.open("file:///nowhere/a.py", "import torch\nBUG\n"); len(got.Diagnostics) != 0 {
		t.Errorf("at first: %+v", got)
	}
	for _, sent := range []m{{"ckpt-lsp": m{"ignore": []string{}}}, {"ignore": []string{"CKP9"}}, {"ckpt-lsp": m{}}} {
		c.notify("workspace/didChangeConfiguration", m{"settings": sent})
		want := 1
		if _, whole := sent["ckpt-lsp"]; !whole {
			want = 0
		}
		if got := c.published("file:///nowhere/a.py", 1); len(got.Diagnostics) != want {
			t.Errorf("%v: %+v", sent, got)
		}
	}
}

// TestFindingsOnSave: with run = onSave, findings stay as they were until the document is saved.
func TestFindingsOnSave(t *testing.T) {
	const uri = "file:///nowhere/a.py"
	c, answer := configured(t, map[string]string{"file:///nowhere": `{"run": "onSave"}`}, "file:///nowhere")
	c.show(uri, "import torch\nBUG\n")
	if got := c.published(uri, 1); len(got.Diagnostics) != 1 {
		t.Errorf("opened: %+v", got)
	}
	c.change(uri, 2, m{"text": "import torch\nBUG\nBUG\n"})
	c.settle()
	if got := c.history(uri); len(got) > 0 {
		t.Errorf("typed: %+v", got)
	}
	c.notify("textDocument/didSave", m{"textDocument": m{"uri": uri}})
	if got := c.published(uri, 2); len(got.Diagnostics) != 2 {
		t.Errorf("saved: %+v", got)
	}
	c.change(uri, 3, m{"text": "import torch\n"})
	answer("file:///nowhere", `{"run": "onType"}`)
	if got := c.published(uri, 3); len(got.Diagnostics) != 0 {
		t.Errorf("as typed: %+v", got)
	}
}

func TestSettingsAreWatched(t *testing.T) {
	asked := make(chan json.RawMessage, 4)
	c := connect(t)
	c.answer = func(method string, params json.RawMessage) any {
		if method == "client/registerCapability" {
			asked <- params
		}
		return nil
	}
	c.handshake(m{"workspace": m{"didChangeConfiguration": m{"dynamicRegistration": true}}}, "file:///nowhere")
	got := decode[struct {
		Registrations []struct {
			Method          string
			RegisterOptions struct{ Section string }
		}
	}](t, <-asked)
	if !slices.ContainsFunc(got.Registrations, func(r struct {
		Method          string
		RegisterOptions struct{ Section string }
	}) bool {
		return r.Method == "workspace/didChangeConfiguration" && r.RegisterOptions.Section == "ckpt-lsp"
	}) {
		t.Errorf("%+v", got)
	}
}
