package torch

import "strings"

// removed are modules that releases of torch no longer have, or that came with packages that need an older torch, and the first
// release of torch without them.
var removed = map[string]Version{
	"torch._six":       {2, 0},  // https://github.com/pytorch/pytorch/pull/94709
	"torchtext.legacy": {1, 11}, // torchtext 0.12, https://github.com/pytorch/text/pull/1437
}

// IndexingScalars is the first release of torch in which `loss.data[0]` of a tensor without dimensions is an IndexError; 0.4 warned of it
// (https://pytorch.org/blog/pytorch-0_4_0-migration-guide, "Accumulating losses").
var IndexingScalars = Version{1, 0}

// RemovedIn is the first release of torch without a module, be it named by one of its members; ok is false for modules that are
// still there, and for all others.
func RemovedIn(module string) (v Version, ok bool) {
	for name := module; ; {
		if v, ok := removed[name]; ok {
			return v, true
		}
		dot := strings.LastIndexByte(name, '.')
		if dot < 0 {
			return Version{}, false
		}
		name = name[:dot]
	}
}
