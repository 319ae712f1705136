package codeactions_test

import (
	"strings"
	"testing"
)

// TestAtomicSave holds that the name which a long path gets hides no other, and that the fix is not safe where every rank writes: the
// second one would find the temporary file renamed.
func TestAtomicSave(t *testing.T) {
	const train = `    model = Net()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    for epoch in range(10):
        for x, y in loader:
            model(x).loss(y).backward()
            optimizer.step()
        torch.save({"epoch": epoch, "model": model.state_dict(), "optimizer": optimizer.state_dict()}, os.path.join(args.out, "last.pt"))
`
	const head = "import os\nimport torch\nimport torch.distributed as dist\nfrom model import Net, loader\n\npath = \"here\"\n\ndef main(args):\n    print(path)\n"
	if got := settled(t, "CKP603", head+train); !strings.Contains(got, `path_ = os.path.join(args.out, "last.pt")`) || !strings.Contains(got, `os.replace(f"{path_}.tmp", path_)`) {
		t.Errorf("the module's path is hidden in\n%s", got)
	}
	several := strings.Replace(head, "print(path)", `dist.init_process_group("gloo")`, 1) + train
	if got := settled(t, "CKP603", several); got != several {
		t.Errorf("every rank renames in\n%s", got)
	}
}
