package server

import (
	"fmt"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/ckpt-lsp/ckpt-lsp/internal/fuzzing"
	"github.com/ckpt-lsp/ckpt-lsp/internal/project"
	"github.com/ckpt-lsp/ckpt-lsp/internal/text"
)

// TestProgramsAgree types generated programs one after another into a document: each time the findings are those of check.
func TestProgramsAgree(t *testing.T) {
	const uri, path = "file:///nowhere/train.py", "/nowhere/train.py"
	workspace := project.NewWorkspace("/nowhere")
	c := start(t, nil)
	programs := uint64(60)
	if testing.Short() {
		programs = 10
	}
	for seed := range programs {
		source := fuzzing.Program(fuzzing.Bytes(seed, 400))["train.py"]
		version := int(seed) + 1
		var got publication
		if version == 1 {
			got = c.open(uri, source)
		} else {
			c.change(uri, version, m{"text": source})
			got = c.published(uri, version)
		}
		var found, want []string
		for _, d := range got.Diagnostics {
			found = append(found, fmt.Sprintf("%v %v %s", d.Range.Start, d.Code, d.Message))
		}
		lines := text.NewLineIndex([]byte(source))
		for _, x := range workspace.Analyze(path, text.NewSource([]byte(source)), nil).Diagnostics {
			line, character := lines.Position(x.Span.Start, text.UTF16)
			want = append(want, fmt.Sprintf("%v %v %s [%s]", place{line, character}, x.Rule.Code, x.Message, x.Rule.Name))
		}
		slices.Sort(found)
		slices.Sort(want)
		if !slices.Equal(found, want) {
			t.Errorf("seed %d: the editor has\n%q\ncheck has\n%q\n%s", seed, found, want, source)
		}
	}
}

// TestClosedDocumentsGiveMemoryBack opens a large document and closes it: what the server holds is soon what it held before.
func TestClosedDocumentsGiveMemoryBack(t *testing.T) {
	heap := func() uint64 {
		var now runtime.MemStats
		runtime.GC()
		runtime.ReadMemStats(&now)
		return now.HeapAlloc
	}
	const small, large = "file:///nowhere/small.py", "file:///nowhere/large.py"
	c := start(t, nil)
	c.open(small, "import torch\nBUG\n")
	before := heap()
	var source strings.Builder
	source.WriteString("import torch\nBUG\n")
	for i := range 20_000 {
		fmt.Fprintf(&source, "x%d = torch.rand(%d)\n", i, i)
	}
	c.open(large, source.String())
	open := heap()
	if open < before+10<<20 {
		t.Fatalf("the open document takes %d bytes: it is no measure", open-before)
	}
	c.notify("textDocument/didClose", m{"textDocument": m{"uri": large}})
	after := heap()
	for end := time.Now().Add(patience); after > before+(open-before)/8 && time.Now().Before(end); after = heap() {
		time.Sleep(20 * time.Millisecond)
	}
	if after > before+(open-before)/8 {
		t.Errorf("%d bytes before, %d with the document open, %d when it is closed", before, open, after)
	}
}
