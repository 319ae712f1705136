package project

import (
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/pelletier/go-toml/v2/unstable"

	"github.com/ckpt-lsp/ckpt-lsp/diagnostics"
)

func TestNearestConfiguration(t *testing.T) {
	root := tree(t, map[string]string{
		"pyproject.toml":         "[tool.ckpt-lsp]\ntorch-version = '2.1'",
		"a/pyproject.toml":       "[tool.other]\nx = 1",
		"b/pyproject.toml":       "[tool.ckpt-lsp]\ntorch-version = '2.2'",
		"b/ckpt-lsp.toml":        "torch-version = '2.3'",
		"c/pyproject.toml":       "not toml",
		"d/ckpt-lsp.toml":        "",
		"d/pyproject.toml":       "[tool.ckpt-lsp]\ntorch-version = '2.2'",
		"e/pyproject.toml":       "tool.ckpt-lsp.torch-version = '1.13'",
		"f/pyproject.toml":       "[tool]\nckpt-lsp = {torch-version = '1.12.1+cu113'}",
		"g/sub/requirements.txt": "numpy\ntorch>=1.9",
		"g/ckpt-lsp.toml":        "",
	})
	w := testWorkspace(root)
	for path, want := range map[string]diagnostics.TorchVersion{
		"x.py": {Major: 2, Minor: 1}, "a/x.py": {Major: 2, Minor: 1}, "b/deep/x.py": {Major: 2, Minor: 3}, "c/x.py": {Major: 2, Minor: 1},
		"d/x.py": {}, "e/x.py": {Major: 1, Minor: 13}, "f/x.py": {Major: 1, Minor: 12}, "g/sub/x.py": {Major: 1, Minor: 9}, "g/x.py": {},
	} {
		if o, err := w.options(filepath.Join(root, path)); err != nil || o.Torch != want {
			t.Errorf("%s: torch %v (%v), want %v", path, o.Torch, err, want)
		}
	}
}

func TestConfiguration(t *testing.T) {
	c, err := readConfig("/p/ckpt-lsp.toml", "/p", []byte(`
select = ["ALL"]
ignore = [
    "CKP8", # comment
    "bad-call",
]
exclude = ["gen/"]
min-severity = "hint"
fail-on = "error"
extend-exclude = ["*_pb2.py"]
[per-file-ignores]
"tests/**" = ["ALL"]
"*.ipy.py" = ["CKP801"]
[severity]
bad-call = "error"
`), Overrides{Rules: rules})
	if err != nil {
		t.Fatal(err)
	}
	if len(c.Select) != 1 || len(c.Ignore) != 2 || c.Severity[badRule] != diagnostics.Error || c.MinSeverity != diagnostics.Hint || c.FailOn != diagnostics.Error {
		t.Errorf("read %+v", c)
	}
	for path, want := range map[string]int{"/p/tests/a/b.py": 1, "/p/x.ipy.py": 1, "/p/tests/x.ipy.py": 2, "/p/x.py": 0, "/q/tests/x.py": 0} {
		if got := len(c.Exempt(path)); got != want {
			t.Errorf("%d selectors exempt %s, want %d", got, path, want)
		}
	}
	for path, want := range map[string]bool{"/p/gen": true, "/p/a/gen": true, "/p/a_pb2.py": true, "/p/build": false, "/p/x.py": false} {
		if got := ignored(c.exclude, path, filepath.Ext(path) == ""); got != want {
			t.Errorf("%s excluded: %v, want %v", path, got, want)
		}
	}
}

func TestConfigurationErrors(t *testing.T) {
	for src, want := range map[string]string{
		"\nselct = ['ALL']":                  `/p/ckpt-lsp.toml:2:1: unknown key "selct"; did you mean "select"? (valid: baseline, `,
		"severity.CKP9 = 'hint'":             `/p/ckpt-lsp.toml:1:1: severity.CKP9: "CKP9" is a family without a rule (families: CKP`,
		"select = ['bad-cal']":               `/p/ckpt-lsp.toml:1:11: select: unknown rule "bad-cal" (valid: `,
		"ignore = [\n  'ALL',\n  3\n]":       `/p/ckpt-lsp.toml:3:3: ignore: expected the name of a rule in quotes`,
		"select = 'ALL'":                     `/p/ckpt-lsp.toml:1:10: select: expected a list of rules`,
		"select.x = 1":                       `/p/ckpt-lsp.toml:1:1: select.x: expected a value, not a table`,
		"exclude = [1]":                      `/p/ckpt-lsp.toml:1:12: exclude: expected a string in quotes`,
		"exclude = true":                     `/p/ckpt-lsp.toml:1:11: exclude: expected a list of strings`,
		"torch-version = 2.4":                `/p/ckpt-lsp.toml:1:17: torch-version: expected a version in quotes, as "2.4"`,
		"torch-version = 'new'":              `/p/ckpt-lsp.toml:1:17: torch-version: expected a version in quotes, as "2.4"`,
		"severity = 'error'":                 `/p/ckpt-lsp.toml:1:1: severity: expected a table from a rule to its value, as missing-rng-state = "error"`,
		"severity.bad-call = 'fatal'":        `/p/ckpt-lsp.toml:1:21: severity.bad-call: unknown severity "fatal" (valid: error, `,
		"severity.bad-call = 3":              `/p/ckpt-lsp.toml:1:21: severity.bad-call: expected a severity in quotes`,
		"fail-on = 'of'":                     `/p/ckpt-lsp.toml:1:11: fail-on: unknown severity "of" (valid: error, warning, information, hint)`,
		"min-severity = 'inform'":            `/p/ckpt-lsp.toml:1:16: min-severity: unknown severity "inform"; did you mean "information"?`,
		"fail-on = 1":                        `/p/ckpt-lsp.toml:1:11: fail-on: expected a severity in quotes, as "warning"`,
		"[severity]\n bad-cal = 'error'":     `/p/ckpt-lsp.toml:2:2: severity.bad-cal: unknown rule "bad-cal"`,
		"[per-file-ignores]\na.py = ['ALL']": `/p/ckpt-lsp.toml:2:1: per-file-ignores.a.py: put the pattern in quotes`,
		"[per-file-ignores]\n'[' = ['ALL']":  `/p/ckpt-lsp.toml:2:1: per-file-ignores.[: the pattern cannot be read`,
		"select = [":                         `/p/ckpt-lsp.toml:1:`,
	} {
		_, err := readConfig("/p/ckpt-lsp.toml", "/p", []byte(src), Overrides{Rules: rules})
		if err == nil || !strings.HasPrefix(err.Error(), want) {
			t.Errorf("%q: %v\nwant %s", src, err, want)
		}
		if err != nil && strings.Count(err.Error(), "\n") > 0 {
			t.Errorf("%q: one mistake, several errors: %v", src, err)
		}
	}
	_, err := readConfig("/p/ckpt-lsp.toml", "/p", []byte("x = 1\ny = 2"), Overrides{Rules: rules})
	if n := strings.Count(err.Error(), "unknown key"); n != 2 {
		t.Errorf("%d of 2 mistakes reported: %v", n, err)
	}
}

// TestLongConfiguration holds that what the library reads in the time of its square is declined, with what to do, and that a lock file of any
// length is read.
func TestLongConfiguration(t *testing.T) {
	for _, format := range []string{"[aN]\n", "[[aN]]\n", "aN = 1\n", "a.bN.c = 1\n", "aN = {b = 1}\n", "a = [{N = 1}]\n[b.N]\n"} {
		var b strings.Builder
		for i := range 40_000 {
			b.WriteString(strings.ReplaceAll(format, "N", fmt.Sprint(i)))
		}
		_, err := readConfig("/p/ckpt-lsp.toml", "/p", []byte(b.String()), Overrides{Rules: rules})
		if err == nil || !strings.HasPrefix(err.Error(), "/p/ckpt-lsp.toml: it has ") || !strings.Contains(err.Error(), "of 5000 at most: keep its settings in a ckpt-lsp.toml") {
			t.Errorf("40,000 of %q: %.200v", format, err)
		}
	}
	if _, err := readTOML("x", []byte("a = [\n"+strings.Repeat("  '=[',\n", 50_000)+"]\n")); err != nil {
		t.Errorf("a long list: %v", err)
	}
	lock := strings.Repeat("[[package]]\nname = 'other'\nversion = '1'\nwheels = [{ url = 'x', hash = 'y', size = 1 }]\n", 20_000) + "[[package]]\nname = 'torch'\nversion = '2.4.1'\n"
	if v, ok := torchInLock("uv.lock", []byte(lock)); !ok || v.Major != 2 || v.Minor != 4 {
		t.Errorf("a long lock file: %v %v", v, ok)
	}
}

// FuzzConfig feeds any bytes as a configuration, which is read or declined with a place.
func FuzzConfig(f *testing.F) {
	for _, s := range []string{"", "select = ['ALL']\n", "[severity]\nbad-call = 'error'\n", "[per-file-ignores]\n'a/*.py' = ['CKP8']\n", "exclude = [\n 'a', # b\n]\ntorch-version = '2.4'\n", "[tool.ckpt-lsp]\nignore = ['CKP8']\n[[a.b]]\nc = {d = 1, e.f = 2}\n", "a = \"\\u00e9\"\nb = 1979-05-27T07:32:00Z\n"} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		for _, name := range []string{"/p/ckpt-lsp.toml", "/p/pyproject.toml"} {
			_, err := readConfig(name, "/p", data, Overrides{Rules: rules})
			if err != nil && !strings.HasPrefix(err.Error(), "/p/") {
				t.Errorf("%q: no place in %v", data, err)
			}
		}
		requirementsOfPyproject("", data)
		torchInLock("", data)
	})
}

func TestBrokenConfigurationGivesDefaults(t *testing.T) {
	root := tree(t, map[string]string{"ckpt-lsp.toml": "ignore = ['bad-cal']\nexclude = []", "x.py": "import torch\nbad()\n"})
	a := testWorkspace(root).AnalyzeFile(filepath.Join(root, "x.py"))
	var bad *ConfigError
	if !errors.As(a.ConfigError, &bad) || bad.Line != 1 || bad.Path != filepath.Join(root, "ckpt-lsp.toml") {
		t.Errorf("error %v", a.ConfigError)
	}
	if len(a.Diagnostics) != 1 {
		t.Errorf("findings %v", a.Diagnostics)
	}
}

func TestReload(t *testing.T) {
	files := map[string]string{"x.py": "import torch\nbad()\n"}
	root := tree(t, files)
	w := testWorkspace(root)
	path := filepath.Join(root, "x.py")
	if n := len(w.AnalyzeFile(path).Diagnostics); n != 1 {
		t.Fatalf("%d findings", n)
	}
	writeOver(t, filepath.Join(root, "ckpt-lsp.toml"), "ignore = ['CKP8']")
	if n := len(w.AnalyzeFile(path).Diagnostics); n != 1 {
		t.Errorf("%d findings before Reload", n)
	}
	w.Reload()
	if n := len(w.AnalyzeFile(path).Diagnostics); n != 0 {
		t.Errorf("%d findings after Reload", n)
	}
}

func TestLowestTorch(t *testing.T) {
	for line, want := range map[string]string{
		"torch==2.1.0": "2.1", "torch>=1.8,<2": "1.8", "torch<3, >=2.0 # new": "2.0", "torch ~= 1.13.1 ; python_version > '3'": "1.13",
		"torch[opt]>2.2": "2.2", "torch==2.4.*": "2.4", "Torch == 1.10.2+cu113": "1.10", "torch (>=1.9)": "1.9", "torch^2.0": "2.0",
		"torch>=1.9,>=2.0": "2.0", "torch>=2.2,!=2.2.0": "2.2", "torch===2.4.1": "2.4", "torch==2.0.0rc1": "2.0", "torch>=2.6.0.dev20241112": "2.6",
		"torch": "", "torch<2": "", "torchvision>=0.9": "", "torch-geometric==2.0": "", "# torch==1.0": "", "torch!=1.5": "",
		"torch @ https://x/torch-2.whl": "",
		"pytorch==1.3.1":                "1.3", "  - pytorch=1.3.1": "1.3", "- pytorch::pytorch=1.8=py3.8_cuda11.1_0": "1.8", "  - 'pytorch>=1.10'": "1.10",
		"pytorch-lightning==1.5": "", "  - pytorch-cuda=11.8": "", "- torchvision=0.9": "",
	} {
		v, ok := lowestTorch(line)
		wanted, wantOK := ParseTorchVersion(want)
		if v.Below = ([2]int{}); ok != wantOK || v != wanted {
			t.Errorf("%q gives %v %v, want %q", line, v, ok, want)
		}
	}
}

func TestTorchRuledOut(t *testing.T) {
	for line, want := range map[string][2]int{
		"torch==1.7.0": {1, 8}, "torch>=1.8,<1.13": {1, 13}, "torch>=1.8,<2": {2, 0}, "torch>=1.7,<=1.12.1": {1, 13}, "torch~=1.7.1": {1, 8},
		"torch~=1.7": {2, 0}, "torch^1.7": {2, 0}, "torch>=1.7": {}, "torch>=1.7,!=1.12.0": {}, "torch>=2.0,<2.4.1": {2, 5}, "torch==2.4.*": {2, 5},
		"- pytorch=1.3.1": {1, 4}, "- pytorch=1": {2, 0}, "pytorch==1.12": {1, 13},
		"torch==2.0.0rc1": {2, 1}, "torch>1.8,<2,!=1.9.*": {2, 0}, "torch~=0.4": {1, 0}, "torch^0.4": {0, 5}, "torch>=1.8,<=1.13": {1, 14},
	} {
		if v, _ := lowestTorch(line); v.Below != want {
			t.Errorf("%q rules out %v, want %v", line, v.Below, want)
		}
	}
}

// TestTorchVersionSources tries each file that may state the version, and which of them goes first.
func TestTorchVersionSources(t *testing.T) {
	const uv = "[[package]]\nname = 'torchvision'\nversion = '0.9'\n[[package]]\nname = 'torch'\nversion = '2.4.1'\n[package.metadata]\nname = 'x'\n" +
		"[[package]]\nname = 'torch'\nversion = '2.2.0+cpu'\n[[package]]\nname = 'zlib'\nversion = '1'\n"
	for name, c := range map[string]struct {
		files map[string]string
		want  diagnostics.TorchVersion
	}{
		"torchvision":         {map[string]string{"requirements.txt": "torchvision==0.8.2\ntorch\n"}, diagnostics.TorchVersion{Major: 1, Minor: 7, Below: [2]int{1, 8}}},
		"torchtext":           {map[string]string{"setup.py": "install_requires=['torchtext==0.14.1']"}, diagnostics.TorchVersion{Major: 1, Minor: 13, Below: [2]int{2, 0}}},
		"torchaudio":          {map[string]string{"environment.yml": "  - pytorch::torchaudio=0.13"}, diagnostics.TorchVersion{Major: 1, Minor: 13, Below: [2]int{2, 0}}},
		"old torchvision":     {map[string]string{"requirements.txt": "torchvision==0.2.1"}, diagnostics.TorchVersion{}},
		"torch beside it":     {map[string]string{"requirements.txt": "torchvision>=0.9\ntorch>=2.1\n"}, diagnostics.TorchVersion{Major: 2, Minor: 1}},
		"another package":     {map[string]string{"requirements.txt": "torchmetrics==0.8.2"}, diagnostics.TorchVersion{}},
		"Poetry, torchvision": {map[string]string{"pyproject.toml": "[tool.poetry.dependencies]\ntorchvision = '0.15.2'"}, diagnostics.TorchVersion{Major: 2, Below: [2]int{2, 1}}},
		"project":             {map[string]string{"pyproject.toml": "[project]\ndependencies = ['numpy', 'torch>=2.0']"}, diagnostics.TorchVersion{Major: 2}},
		"optional":            {map[string]string{"pyproject.toml": "[project.optional-dependencies]\ngpu = ['torch>=1.12']"}, diagnostics.TorchVersion{Major: 1, Minor: 12}},
		"dependency group":    {map[string]string{"pyproject.toml": "[dependency-groups]\nlint = ['ruff']\ntrain = [{include-group = 'lint'}, 'torch~=2.1']"}, diagnostics.TorchVersion{Major: 2, Minor: 1, Below: [2]int{3, 0}}},
		"uv's constraints":    {map[string]string{"pyproject.toml": "[tool.uv]\nconstraint-dependencies = ['torch>=2.2']"}, diagnostics.TorchVersion{Major: 2, Minor: 2}},
		"no group":            {map[string]string{"pyproject.toml": "[tool.other]\ngroup = ['torch>=1.12']"}, diagnostics.TorchVersion{}},
		"Poetry":              {map[string]string{"pyproject.toml": "[tool.poetry.dependencies]\ntorch = '^2.3'"}, diagnostics.TorchVersion{Major: 2, Minor: 3, Below: [2]int{3, 0}}},
		"Poetry's table":      {map[string]string{"pyproject.toml": "[tool.poetry.dependencies]\ntorch = {version = '2.5.1', extras = []}"}, diagnostics.TorchVersion{Major: 2, Minor: 5, Below: [2]int{2, 6}}},
		"Poetry's group":      {map[string]string{"pyproject.toml": "[tool.poetry.group.train.dependencies]\ntorch = '~2.1 || ^1.13'"}, diagnostics.TorchVersion{Major: 1, Minor: 13, Below: [2]int{2, 2}}},
		"Poetry's any":        {map[string]string{"pyproject.toml": "[tool.poetry.dependencies]\ntorch = '*'"}, diagnostics.TorchVersion{}},
		"setup.cfg":           {map[string]string{"setup.cfg": "[metadata]\nname = torch>=0.4\n[options]\ninstall_requires =\n    numpy\n    torch>=1.10 ; python_version > '3'\n"}, diagnostics.TorchVersion{Major: 1, Minor: 10}},
		"setup.cfg, one line": {map[string]string{"setup.cfg": "[options]\ninstall_requires = torch>=1.10"}, diagnostics.TorchVersion{Major: 1, Minor: 10}},
		"setup.cfg, extras":   {map[string]string{"setup.cfg": "[options.extras_require]\ntrain =\n\ttorch==1.9.0"}, diagnostics.TorchVersion{Major: 1, Minor: 9, Below: [2]int{1, 10}}},
		"setup.py":            {map[string]string{"setup.py": "setup(install_requires=['numpy', 'torch>=1.7,<2'])"}, diagnostics.TorchVersion{Major: 1, Minor: 7, Below: [2]int{2, 0}}},
		"conda":               {map[string]string{"environment.yml": "dependencies:\n  - pytorch=2.1\n  - pip:\n    - timm"}, diagnostics.TorchVersion{Major: 2, Minor: 1, Below: [2]int{2, 2}}},
		"conda's pip":         {map[string]string{"environment.yml": "dependencies:\n  - pip:\n    - -r reqs/gpu.txt", "reqs/gpu.txt": "torch==2.3.0"}, diagnostics.TorchVersion{Major: 2, Minor: 3, Below: [2]int{2, 4}}},
		"hashes":              {map[string]string{"requirements.txt": "torch==2.4.0 --hash=sha256:0 \\\n  --hash=sha256:1"}, diagnostics.TorchVersion{Major: 2, Minor: 4, Below: [2]int{2, 5}}},
		"continued":           {map[string]string{"requirements.txt": "torch==2.4.0 \\\n  --hash=sha256:1"}, diagnostics.TorchVersion{Major: 2, Minor: 4, Below: [2]int{2, 5}}},
		"included":            {map[string]string{"requirements.txt": "-r reqs/base.txt\nnumpy", "reqs/base.txt": "-r ../requirements.txt\n--requirement=deep.txt # more", "reqs/deep.txt": "torch>=1.11"}, diagnostics.TorchVersion{Major: 1, Minor: 11}},
		"constraint":          {map[string]string{"requirements.txt": "torch\n-c constraints.txt", "constraints.txt": "torch==1.12.1"}, diagnostics.TorchVersion{Major: 1, Minor: 12, Below: [2]int{1, 13}}},
		"not there":           {map[string]string{"requirements.txt": "-r gone.txt"}, diagnostics.TorchVersion{}},
		"uv.lock":             {map[string]string{"uv.lock": uv}, diagnostics.TorchVersion{Major: 2, Minor: 2, Below: [2]int{2, 5}}},
		"poetry.lock":         {map[string]string{"pyproject.toml": "[project]\ndependencies = ['torch']", "poetry.lock": "[[package]]\nname = \"torch\"\nversion = \"2.0.1\"\n"}, diagnostics.TorchVersion{Major: 2, Below: [2]int{2, 1}}},
		"stated over locked":  {map[string]string{"pyproject.toml": "[project]\ndependencies = ['torch>=1.13']", "uv.lock": uv}, diagnostics.TorchVersion{Major: 1, Minor: 13}},
		"broken lock":         {map[string]string{"uv.lock": "<<<<<<<"}, diagnostics.TorchVersion{}},
	} {
		if v, _ := torchVersionIn(tree(t, c.files)); v != c.want {
			t.Errorf("%s: %+v, want %+v", name, v, c.want)
		}
	}
}

// TestPlacesInOrder holds that the places of settings are counted on, not anew: of a long list, too, and of what is asked for out of order.
func TestPlacesInOrder(t *testing.T) {
	source := "a = 1\n[b]\nc = [\n" + strings.Repeat("  'x', 'y',\n", 3) + "]\nd = {e = 2, f = 3}\n"
	settings, err := readTOML("x.toml", []byte(source))
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, s := range settings {
		got = append(got, fmt.Sprintf("%s %d:%d %d:%d", strings.Join(s.key, "."), s.at.Line, s.at.Column, s.valueAt.Line, s.valueAt.Column))
		for _, e := range elements(s.value) {
			got = append(got, fmt.Sprintf("%v %d:%d", e.value, e.at.Line, e.at.Column))
		}
	}
	want := []string{"a 1:1 1:5", "b.c 3:1 3:1", "x 4:3", "y 4:8", "x 5:3", "y 5:8", "x 6:3", "y 6:8", "b.d.e 8:6 8:10", "b.d.f 8:13 8:17"}
	if !slices.Equal(got, want) {
		t.Errorf("%q, want %q", got, want)
	}
	r := tomlReader{data: []byte(source)}
	for _, c := range []struct{ offset, line, column, counted int }{{24, 4, 9, 24}, {2, 1, 3, 2}} {
		if at := r.position(unstable.Range{Offset: uint32(c.offset)}); at.Line != c.line || at.Column != c.column || r.counted != c.counted {
			t.Errorf("%+v: %+v, counted to %d", c, at, r.counted)
		}
	}
}

func elements(value any) []element {
	list, _ := value.([]element)
	return list
}
