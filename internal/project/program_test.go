package project

import (
	"path/filepath"
	"strings"
	"testing"

	"github.com/ckpt-lsp/ckpt-lsp/internal/text"
)

// TestImportsOnTheDisk asks what names mean in files of a workspace.
func TestImportsOnTheDisk(t *testing.T) {
	root := tree(t, map[string]string{
		".git/": "", "setup.py": "", "train.py": "", "helper.py": "", "torch.py": "", "yaml.py": "", "typed.pyi": "", "both.py": "", "both/__init__.py": "",
		"package/__init__.py": "", "package/train.py": "", "package/helper.py": "", "package/sub/__init__.py": "", "package/sub/deep.py": "",
		"namespace/part/module.py": "", "src/lib/__init__.py": "", "src/lib/io.py": "", "src/lib/core/run.py": "", "tests/test_lib.py": "",
		"tools/run.py": "", "tools/random.py": "", "tools/sub/run.py": "",
		"same/__init__.py": "", "same/same.py": "", "same/other.py": "", "same/train.py": "",
		"python/setup_nets.py": "", "python/nets/__init__.py": "", "python/nets/io.py": "", "python/alone.py": "",
		"one/setup.cfg": "", "one/twice/__init__.py": "", "two/pyproject.toml": "", "two/twice/__init__.py": "", "loose/inner/__init__.py": "",
	})
	p := NewProgram(testWorkspace(root))
	for _, c := range []struct{ from, name, want string }{
		{"train.py", "helper", "helper.py"},
		{"package/train.py", "helper", "package/helper.py"}, // beside goes before above
		{"package/train.py", "package.helper", "package/helper.py"},
		{"package/train.py", "setup", "setup.py"},
		{"package/train.py", ".helper", "package/helper.py"},
		{"package/train.py", ".", "package/__init__.py"},
		{"package/train.py", ".sub", "package/sub/__init__.py"},
		{"package/__init__.py", ".helper", "package/helper.py"},
		{"package/sub/deep.py", "..helper", "package/helper.py"},
		{"package/sub/deep.py", "..", "package/__init__.py"},
		{"package/sub/deep.py", ".helper", ""},
		{"package/sub/deep.py", "package", "package/__init__.py"},
		{"train.py", "namespace.part.module", "namespace/part/module.py"},
		{"namespace/part/module.py", ".module", "namespace/part/module.py"},
		{"same/train.py", "same", "same/__init__.py"}, // the package, and no module of it that is called so
		{"same/train.py", "same.other", "same/other.py"},
		{"train.py", "namespace", ""}, // a directory holds modules, but is none to read
		{"tests/test_lib.py", "lib", "src/lib/__init__.py"},
		{"train.py", "lib.io", "src/lib/io.py"},
		{"src/lib/core/run.py", "lib.io", "src/lib/io.py"},
		{"src/lib/core/run.py", "..io", "src/lib/io.py"},
		{"train.py", "typed", ""}, // a stub says nothing of what is done
		{"train.py", "both", "both.py"},
		{"train.py", "torch", ""},
		{"package/train.py", "yaml", ""}, // the library, not what lies above
		{"train.py", "yaml", "yaml.py"},
		{"tools/run.py", "random", "tools/random.py"},
		{"tools/sub/run.py", "random", ""},
		{"train.py", "none.at.all", ""},
		{"tools/run.py", "nets.io", "python/nets/io.py"}, // what python/ installs
		{"train.py", "nets", "python/nets/__init__.py"},
		{"train.py", "alone", ""},
		{"train.py", "twice", ""},
		{"train.py", "inner", ""},
	} {
		want := ""
		if c.want != "" {
			want = filepath.Join(root, filepath.FromSlash(c.want))
		}
		if got := p.find(filepath.Join(root, filepath.FromSlash(c.from)), c.name); got != want {
			t.Errorf("%s in %s is %q, want %q", c.name, c.from, got, want)
		}
	}
}

// TestImportsOfOpenFiles resolves imports between files that only an editor has.
func TestImportsOfOpenFiles(t *testing.T) {
	p := NewProgram(testWorkspace("/none"))
	for _, path := range []string{"/none/train.py", "/none/lib/deep/io.py"} {
		p = p.With(path, text.NewSource(nil), nil)
	}
	if got := p.find("/none/train.py", "lib.deep.io"); got != "/none/lib/deep/io.py" {
		t.Errorf("%q", got)
	}
	p = p.Without("/none/lib/deep/io.py")
	if got := p.find("/none/train.py", "lib.deep.io"); got != "" {
		t.Errorf("closed: %q", got)
	}
}

// TestImportsAreFollowed runs a function of another file by every way that Python has to import it: what an analysis enters is the
// function's own file.
func TestImportsAreFollowed(t *testing.T) {
	const call = "import torch\n%IMPORT%\n\nmodel = torch.nn.Linear(1, 1)\n%NAME%(model, 'x.pt')\n"
	for name, c := range map[string]struct{ imports, called, file string }{
		"module":             {"import helper", "helper.save", "helper.py"},
		"module by a name":   {"import lib.io as io", "io.save", "src/lib/io.py"},
		"dotted module":      {"import lib.io", "lib.io.save", "src/lib/io.py"},
		"name":               {"from helper import save as keep", "keep", "helper.py"},
		"star":               {"from helper import *", "save", "helper.py"},
		"relative":           {"from .helper import save", "save", "helper.py"},
		"of this package":    {"from . import helper", "helper.save", "helper.py"},
		"through __init__":   {"from lib import save", "save", "src/lib/io.py"},
		"star of __init__":   {"from lib import *", "save", "src/lib/io.py"},
		"package's name":     {"import lib", "lib.save", "src/lib/io.py"},
		"renamed on the way": {"from renamed import keep", "keep", "helper.py"},
		"cycle":              {"from ring_a import save", "save", "helper.py"},
		"namespace package":  {"from spaces.inner.files import save", "save", "spaces/inner/files.py"},
		"first of a try":     {"try:\n    from helper import save\nexcept ImportError:\n    save = None", "save", "helper.py"},
		"second of a try":    {"try:\n    from not_installed import save\nexcept ImportError:\n    from helper import save", "save", "helper.py"},
		"relative, or not":   {"try:\n    from .helper import save\nexcept ImportError:\n    from helper import save", "save", "helper.py"},
		"inside a function":  {"def save(*args):\n    from helper import save as keep\n    keep(*args)", "save", "helper.py"},
	} {
		t.Run(name, func(t *testing.T) {
			root := tree(t, map[string]string{
				"helper.py": helperText, "src/lib/__init__.py": "from .io import save\n", "src/lib/io.py": helperText, "renamed.py": "from helper import save as keep\n",
				"ring_a.py": "from ring_b import *\n", "ring_b.py": "from ring_a import *\nfrom helper import *\n", "spaces/inner/files.py": helperText,
				"train.py": replaced(call, c.imports, c.called),
			})
			w := testWorkspace(root)
			x := NewIndex(w)
			if err := x.Update(t.Context(), NewProgram(w), filepath.Join(root, "train.py")); err != nil {
				t.Fatal(err)
			}
			enters := x.known(filepath.Join(root, "train.py")).Enters
			if got := enters[filepath.Join(root, filepath.FromSlash(c.file))]; len(got) != 1 || got[0] != "save" || len(enters) != 1 {
				t.Errorf("entered %v, want save of %s", enters, c.file)
			}
		})
	}
}

// TestImportsFromSearchedDirectories asks what names mean where a file, or one beside it, puts directories on sys.path, and again when it puts
// others there.
func TestImportsFromSearchedDirectories(t *testing.T) {
	root := tree(t, map[string]string{
		".git/": "", "lib/core/run.py": "", "vendor/net.py": "", "vendor/json.py": "", "deep/down/part.py": "", "beside/here.py": "", "other/late.py": "",
		"tools/train.py": "import _paths\n",
		"tools/_paths.py": "import os.path as osp, sys\n\ndef add_path(path):\n    if path not in sys.path:\n        sys.path.insert(0, path)\n\n" +
			"here = osp.dirname(__file__)\nlib = osp.join(here, '..', 'lib')\nadd_path(lib)\n",
		"train.py": "import sys\nfrom pathlib import Path\nsys.path.append('vendor')\nsys.path.insert(0, str(Path(__file__).resolve().parent / \"deep\" / 'down'))\n" +
			"sys.path.append(unknown)\nsys.path.append('/etc')\nsys.path.append('../..')\n",
		"beside/run.py": "import sys\nsys.path.append('vendor')\n", // of where it is started
		"forms/a.py":    "import os, sys\nsys.path.append(os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), 'lib'))\n",
		"form/b.py":     "import os, sys\nsys.path.append(f'{os.path.dirname(__file__)}/../lib')\n",
		"form2/c.py":    "import sys\nimport pathlib\nsys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / 'lib'))\n",
		"form3/d.py":    "import os, sys\nsys.path.append(os.path.join(os.path.dirname(__file__), os.pardir, 'lib'))\n",
		"form4/e.py":    "import os, sys\nsys.path.append(os.getcwd() + '/lib')\n",
	})
	p := NewProgram(testWorkspace(root))
	ask := func(from, name, want string) {
		t.Helper()
		if want != "" {
			want = filepath.Join(root, filepath.FromSlash(want))
		}
		if got := p.find(filepath.Join(root, filepath.FromSlash(from)), name); got != want {
			t.Errorf("%s in %s is %q, want %q", name, from, got, want)
		}
	}
	ask("tools/train.py", "core.run", "lib/core/run.py")
	ask("tools/train.py", ".core.run", "")
	ask("train.py", "net", "vendor/net.py")
	ask("train.py", "json", "") // the library
	ask("train.py", "part", "deep/down/part.py")
	ask("train.py", "passwd", "")
	ask("beside/run.py", "net", "vendor/net.py")
	ask("lib/core/run.py", "net", "")
	ask("train.py", "late", "")
	for _, from := range []string{"forms/a.py", "form/b.py", "form2/c.py", "form3/d.py", "form4/e.py"} {
		ask(from, "core.run", "lib/core/run.py")
	}
	p = p.With(filepath.Join(root, "train.py"), text.NewSource([]byte("import sys\nsys.path.append('other')\n")), nil)
	ask("train.py", "late", "other/late.py")
	ask("train.py", "net", "")
}

func replaced(text, imports, called string) string {
	return strings.NewReplacer("%IMPORT%", imports, "%NAME%", called).Replace(text)
}
