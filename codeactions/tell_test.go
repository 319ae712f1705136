package codeactions_test

import (
	"strings"
	"testing"
)

// TestTell holds that a fix tells by the module's logger, made above the place and not hidden there, then by warnings, then by print.
func TestTell(t *testing.T) {
	const load = `model.load_state_dict(torch.load("a.pt", map_location="cpu"), strict=False)`
	const in = "def restore():\n    model = torch.nn.Linear(2, 2)\n    " + load + "\n"
	for _, c := range []struct{ name, head, tail, want string }{
		{"a logger", "import logging\nimport torch\nlog = logging.getLogger(__name__)\n", in, "log.warning("},
		{"made below the function", "import logging\nimport torch\n", in + "log = logging.getLogger()\n", "log.warning("},
		{"made below the statement", "import logging\nimport torch\nmodel = torch.nn.Linear(2, 2)\n", load + "\nlog = logging.getLogger()\n", "print("},
		{"hidden by a parameter", "import logging\nimport torch\nlog = logging.getLogger()\n", strings.Replace(in, "restore()", "restore(log)", 1), "print("},
		{"loguru", "import torch\nfrom loguru import logger\n", in, "logger.warning("},
		{"warnings", "import warnings\nimport torch\n", in, "warnings.warn("},
		{"nothing", "import torch\n", in, "print("},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := settled(t, "CKP503", c.head+c.tail); !strings.Contains(got, c.want+`f"not loaded: `) {
				t.Errorf("no %s in\n%s", c.want, got)
			}
		})
	}
}
