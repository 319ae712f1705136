package editors

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"regexp"
	"strings"
	"testing"

	"github.com/pelletier/go-toml/v2"
	"go.yaml.in/yaml/v3"
)

// TestLspconfigEntry holds what nvim-lspconfig is to have to the configuration that the tests use.
func TestLspconfigEntry(t *testing.T) {
	if _, err := exec.LookPath("nvim"); err != nil {
		missing(t, "nvim is not installed; .ci/run installs it")
	}
	type config struct {
		Cmd, Filetypes, Markers []string
	}
	var read [2]config
	for i, file := range []string{"nvim-lspconfig/lsp/ckpt_lsp.lua", "neovim/lsp/ckpt_lsp.lua"} {
		script := `lua local c = dofile("` + file + `"); io.stdout:write(vim.json.encode({ cmd = c.cmd, filetypes = c.filetypes, markers = c.root_markers }))`
		out, err := exec.Command("nvim", "--headless", "-u", "NONE", "-n", "-i", "NONE", "-c", script, "-c", "qall!").Output()
		if err != nil {
			t.Fatal(err)
		}
		if err := json.Unmarshal(out, &read[i]); err != nil {
			t.Fatalf("%s: %v in %s", file, err, out)
		}
	}
	if len(read[0].Cmd) == 0 || !reflect.DeepEqual(read[0], read[1]) {
		t.Errorf("nvim-lspconfig starts %+v, the configuration that is tested %+v", read[0], read[1])
	}
}

// TestNeovimWithLspconfig makes a quick fix with nothing but the entry of nvim-lspconfig.
func TestNeovimWithLspconfig(t *testing.T) {
	d := in(t, "CKPT_SID", "nvim")
	d.copy("nvim-lspconfig/lsp/ckpt_lsp.lua", ".config/nvim/lsp/ckpt_lsp.lua")
	d.write(".config/nvim/init.lua", `vim.lsp.enable("ckpt_lsp")`)
	d.copy("testdata/neovim/helpers.lua", ".config/nvim/lua/helpers.lua")
	d.copy("testdata/neovim/killed.lua", "killed.lua")
	d.run("nvim", "--headless", "-n", "-i", "NONE", "-c", "luafile "+d.path("killed.lua"))
	d.saved("# unsaved when the server died\n" + completed(t))
}

// TestMasonPackage holds the package of mason-registry to the version in force and to the files that it names.
func TestMasonPackage(t *testing.T) {
	var p struct {
		Name, Description, Homepage     string
		Licenses, Languages, Categories []string
		Source                          struct{ ID string }
		Schemas                         struct{ LSP string }
		Bin                             map[string]string
		Neovim                          struct{ Lspconfig string }
	}
	decode(t, "mason-registry/packages/ckpt-lsp/package.yaml", yaml.Unmarshal, &p)
	project, err := os.ReadFile("../pyproject.toml")
	if err != nil {
		t.Fatal(err)
	}
	version := regexp.MustCompile(`"ckpt-lsp==([^"]+)"`).FindSubmatch(project)
	if version == nil || p.Source.ID != "pkg:pypi/ckpt-lsp@"+string(version[1]) {
		t.Errorf("the package is %q, pyproject.toml names %q", p.Source.ID, version)
	}
	if p.Name != "ckpt-lsp" || p.Bin["ckpt-lsp"] != "pypi:ckpt-lsp" || !reflect.DeepEqual(p.Licenses, []string{"MIT"}) || !reflect.DeepEqual(p.Languages, []string{"Python"}) {
		t.Errorf("%+v", p)
	}
	if _, err := os.Stat(filepath.Join("nvim-lspconfig/lsp", p.Neovim.Lspconfig+".lua")); err != nil {
		t.Error(err)
	}
	_, schema, _ := strings.Cut(p.Schemas.LSP, "/v{{version}}/")
	if _, err := os.Stat(filepath.Join("..", schema)); schema == "" || err != nil {
		t.Errorf("the schema %q: %v", p.Schemas.LSP, err)
	}
}

// TestHelixEntry holds what Helix is to have to the configuration that the tests use.
func TestHelixEntry(t *testing.T) {
	type config struct {
		Servers map[string]struct {
			Command string
			Args    []string
		} `toml:"language-server"`
		Languages []struct {
			Name    string
			Servers []string `toml:"language-servers"`
		} `toml:"language"`
	}
	var upstream, tested config
	decode(t, "helix/upstream/languages.toml", toml.Unmarshal, &upstream)
	decode(t, "helix/languages.toml", toml.Unmarshal, &tested)
	if len(upstream.Servers) != 1 || !reflect.DeepEqual(upstream.Servers, tested.Servers) {
		t.Errorf("Helix is to start %+v, the configuration that is tested starts %+v", upstream.Servers, tested.Servers)
	}
	if l := upstream.Languages; len(l) != 1 || l[0].Name != "python" || l[0].Servers[len(l[0].Servers)-1] != "ckpt-lsp" {
		t.Errorf("%+v", l)
	}
}
