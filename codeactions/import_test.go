package codeactions_test

import (
	"strings"
	"testing"
)

// TestImportsAmongOthers holds that a fix imports a module where its like are imported, and not at the end of whatever is imported.
func TestImportsAmongOthers(t *testing.T) {
	const atomic = `
model = Net()
optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
for epoch in range(10):
    for x, y in loader:
        model(x).loss(y).backward()
        optimizer.step()
    torch.save({"epoch": epoch, "model": model.state_dict(), "optimizer": optimizer.state_dict()}, "last.pt")
`
	const waiting = `
def main(rank):
    model = Net()
    init_process_group("gloo")
    for epoch in range(10):
        if rank == 0:
            torch.save(model.state_dict(), "last.pt")
        model.load_state_dict(torch.load("last.pt", weights_only=True))
`
	for _, c := range []struct{ name, rule, rest, imports, wanted string }{
		{"standard library, torch, own", "CKP603", atomic,
			"import argparse\nimport time\nfrom pathlib import Path\n\nimport torch\n\nfrom model import Net, loader\n",
			"import argparse\nimport os\nimport time\nfrom pathlib import Path\n\nimport torch\n\nfrom model import Net, loader\n"},
		{"one group", "CKP603", atomic,
			"import torch\nfrom model import Net, loader\n",
			"import os\nimport torch\nfrom model import Net, loader\n"},
		{"no plain import in the first group", "CKP603", atomic,
			"from pathlib import Path\n\nimport torch\nfrom model import Net, loader\n",
			"import os\nfrom pathlib import Path\n\nimport torch\nfrom model import Net, loader\n"},
		{"the last by the alphabet", "CKP603", atomic,
			"import argparse  # options\nimport math\n# From elsewhere.\nimport torch\nfrom model import Net, loader\n",
			"import argparse  # options\nimport math\nimport os\n# From elsewhere.\nimport torch\nfrom model import Net, loader\n"},
		{"licence, docstring and future", "CKP603", atomic,
			"# Licence: MIT.\n\"\"\"Trains.\"\"\"\n\nfrom __future__ import annotations\n\nimport torch\nfrom model import Net, loader\n",
			"# Licence: MIT.\n\"\"\"Trains.\"\"\"\n\nfrom __future__ import annotations\n\nimport os\nimport torch\nfrom model import Net, loader\n"},
		{"beside torch", "CKP303", waiting,
			"import logging\n\nimport numpy as np\nimport torch\nimport torch.nn as nn\nfrom torch.distributed import init_process_group\n\nfrom model import Net\n",
			"import logging\n\nimport numpy as np\nimport torch\nimport torch.distributed as dist\nimport torch.nn as nn\nfrom torch.distributed import init_process_group\n\nfrom model import Net\n"},
	} {
		t.Run(c.name, func(t *testing.T) {
			got := settled(t, c.rule, c.imports+c.rest)
			if !strings.HasPrefix(got, c.wanted+"\n") {
				t.Errorf("%s\nwant\n%s", got, c.wanted)
			}
		})
	}
}
