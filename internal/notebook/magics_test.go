package notebook

import (
	"regexp"
	"testing"
)

// trailing blanks are what a line loses in the table below.
var trailing = regexp.MustCompile(`(?m) +(\r?)$`)

func TestView(t *testing.T) {
	for name, c := range map[string]struct{ cell, want string }{
		"plain":             {"import torch\nx = 1\n", "import torch\nx = 1\n"},
		"line magic":        {"%matplotlib inline\nx = 1\n", "\nx = 1\n"},
		"shell":             {"x = 1\n!pip install torch | tail\ny = 2", "x = 1\n\ny = 2"},
		"shell, two lines":  {"!pip install \\\n  torch\ny = 2", "\n\ny = 2"},
		"help before":       {"?torch.save\ny = 2", "\ny = 2"},
		"help behind":       {"torch.save??\ny = 2", "\ny = 2"},
		"no help":           {"x = 'why?'  # why?\n", "x = 'why?'  # why?\n"},
		"modulo":            {"print('%d'\n      % x)\n", "print('%d'\n      % x)\n"},
		"joined modulo":     {"x = y \\\n% z\n", "x = y \\\n% z\n"},
		"in a string":       {"x = '''\n%cd\n!ls\n%%bash\n'''\n", "x = '''\n%cd\n!ls\n%%bash\n'''\n"},
		"behind a quote":    {"# don't\n!ls\nx = 1\n", "# don't\n\nx = 1\n"},
		"escaped quote":     {"x = 'a\\'b'\n!ls\n", "x = 'a\\'b'\n\n"},
		"open string":       {"x = 'a\n!ls\n", "x = 'a\n\n"},
		"not equal":         {"x = a != b\nx %= 2\n", "x = a != b\nx %= 2\n"},
		"assigned shell":    {"files = !ls *.pt\n", "files = _\n"},
		"assigned magic":    {"a, b[0] = %timeit -o f()\n", "a, b[0] = _\n"},
		"block of magic":    {"if colab:\n    !ls\nx = 1\n", "if colab:\n    _\nx = 1\n"},
		"block with magic":  {"if colab:\n    x = 1\n    !ls\n", "if colab:\n    x = 1\n\n"},
		"comment in a head": {"if colab:  # see\n  # below\n  !ls\n", "if colab:  # see\n  # below\n  _\n"},
		"timed cell":        {"%%time\nx = 1\n", "\nx = 1\n"},
		"two magics":        {"%%time\n%%capture out\nx = 1\n", "\n\nx = 1\n"},
		"magic below":       {"\n# title\n%%time\nx = 1\n", "\n# title\n\nx = 1\n"},
		"shell cell":        {"%%bash\nfor x in *; do\n  y\n", "\n\n\n"},
		"other process":     {"%%python3\nx = 1\n", "\n\n"},
		"file":              {"%%capture\n%%writefile a.py\nx = 1", "\n\n\n"},
		"too late":          {"x = 1\n%%bash\nls\n", "x = 1\n%%bash\nls\n"},
		"automagic":         {"pip install torch\ncd ..\nx = 1\n", "\n\nx = 1\n"},
		"not automagic":     {"cd = 1\nls -la\ncat in x\nrm (1)\n", "cd = 1\nls -la\ncat in x\nrm (1)\n"},
		"carriage return":   {"!ls\r\nx = 1\r\n", "\r\nx = 1\r\n"},
		"characters":        {"!ls é\nx = 'é'\n", "\nx = 'é'\n"},
		"open bracket":      {"x = 1\nif x:\n  f(1,\n\n)]\n  g(\n1", "x = 1\nif x:\n  f(1,\n\n)]\n  )\n\n"},
		"open long string":  {"x = 1\ny = '''\n!ls", "x = 1\n)\n\n"},
		"joined to nothing": {"x = 1 + \\", ")\n"},
		"empty":             {"", ""},
	} {
		t.Run(name, func(t *testing.T) {
			python, _ := view(ended([]byte(c.cell)))
			if got := trailing.ReplaceAllString(string(python), "$1"); got != string(ended([]byte(c.want))) {
				t.Errorf("got %q, want %q", got, c.want)
			}
			if len(python) != len(ended([]byte(c.cell))) {
				t.Errorf("%d bytes became %d", len(c.cell), len(python))
			}
		})
	}
}
