package codeactions_test

import (
	"strings"
	"testing"
)

// TestBlankLinesAroundHelpers holds that two blank lines stand in front of a function that a fix adds, and behind it where code
// follows, whatever stood there; more than two are left.
func TestBlankLinesAroundHelpers(t *testing.T) {
	const rest = `SEED = 7
torch.manual_seed(SEED)
model = torch.nn.Linear(1, 1)
optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
for epoch in range(3):
    noise = np.random.normal(size=1)
    model(torch.ones(1) * float(noise[0])).sum().backward()
    optimizer.step()
`
	const helper = "\n\n\ndef seed_all(seed):\n    np.random.seed(seed)\n    torch.manual_seed(seed)\n"
	const imports = "import numpy as np\nimport torch"
	seeded := strings.Replace(rest, "torch.manual_seed(SEED)", "seed_all(SEED)", 1)
	for _, c := range []struct{ name, before, after string }{
		{"no blank line", "\n", helper + "\n\n"},
		{"one", "\n\n", helper + "\n\n"},
		{"two", "\n\n\n", helper + "\n\n"},
		{"three", "\n\n\n\n", helper + "\n\n\n"},
		{"one with a space", "\n \n", helper + "\n \n"},
		{"a comment", "\n\n# From the paper.\n", helper + "\n\n# From the paper.\n"},
		{"a comment behind the import", "  # 2.1\n\n", "  # 2.1" + helper + "\n\n"},
		{"a function", "\n\n\ndef f():\n    pass\n\n\n", helper + "\n\ndef f():\n    pass\n\n\n"},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got, want := settled(t, "CKP202", imports+c.before+rest), imports+c.after+seeded; got != want {
				t.Errorf("%s\nwant\n%s", got, want)
			}
		})
	}
}

// TestHelperWithoutImports holds the same where the file imports nothing at its head, so that the helper's own imports come first.
func TestHelperWithoutImports(t *testing.T) {
	const main = `def main():
    import numpy as np
    import torch

    torch.manual_seed(7)
    model = torch.nn.Linear(1, 1)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    for epoch in range(3):
        noise = np.random.normal(size=1)
        model(torch.ones(1) * float(noise[0])).sum().backward()
        optimizer.step()


main()
`
	const helper = "import numpy as np\nimport torch\n\n\ndef seed_all(seed):\n    np.random.seed(seed)\n    torch.manual_seed(seed)\n\n\n"
	seeded := strings.Replace(main, "torch.manual_seed(7)", "seed_all(7)", 1)
	for _, c := range []struct{ before, after string }{
		{"", helper},
		{"\n\n", helper},
		{"#!/usr/bin/env python3\n", "#!/usr/bin/env python3\n" + helper},
		{"\"\"\"Trains.\"\"\"\n", "\"\"\"Trains.\"\"\"\n\n" + helper},
		{"\"\"\"Trains.\"\"\"\n\n\n", "\"\"\"Trains.\"\"\"\n\n" + helper},
	} {
		if got, want := settled(t, "CKP202", c.before+main), c.after+seeded; got != want {
			t.Errorf("%q: %s\nwant\n%s", c.before, got, want)
		}
	}
}

// TestOwnHelperIsGivenImports holds that what is added to the file's own helper is imported, where only parts of its module are.
func TestOwnHelperIsGivenImports(t *testing.T) {
	const source = `IMPORTfrom random import shuffle

import torch
from data import samples


def set_seed(seed):
    torch.manual_seed(seed)CALL


set_seed(7)
model = torch.nn.Linear(4, 2)
optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
for epoch in range(10):
    shuffle(samples)
    for x, y in samples:
        model(x).sum().backward()
        optimizer.step()
`
	before := strings.NewReplacer("IMPORT", "", "CALL", "")
	after := strings.NewReplacer("IMPORT", "import random\n", "CALL", "\n    random.seed(seed)")
	if got, want := settled(t, "CKP202", before.Replace(source)), after.Replace(source); got != want {
		t.Errorf("%s\nwant\n%s", got, want)
	}
}
