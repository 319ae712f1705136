package prove

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// sampledSays makes tensors of every size of number, changes them, and says which changes the sampled digest sees.
const sampledSays = `
import io, torch, ckpt_prove_watch as w
for dtype in (torch.float32, torch.float64, torch.float16, torch.bfloat16, torch.int8, torch.uint8, torch.bool, torch.int64, torch.complex128):
    t = (torch.arange(100_003) % 2).to(dtype)
    was = w.digest(t)
    assert was == w.digest(t.clone()), dtype
    for at in (0, 50_001, 100_002):
        other = t.clone()
        other[at] = 1 - other[at] if dtype != torch.bool else ~other[at]
        assert was != w.digest(other), (dtype, at)
    assert was == w.digest(torch.cat([t[:1], t])[1:]), (dtype, "a view that does not begin at a multiple of eight bytes")
    assert was == w.digest(torch.stack([t, t], 1)[:, 0]), (dtype, "a view with gaps")
assert w.digest(torch.zeros(1000, 1000)) != w.digest(torch.zeros(1000000))
swapped = torch.arange(100_000.)
was = w.digest(swapped)
swapped[[2, 4]] = swapped[[4, 2]]
assert was == w.digest(swapped), "the documentation says that this is not seen"
big = bytearray(40 << 20)
was = w.content_of(io.BytesIO(big))
with open("big", "wb") as f:
    f.write(big)
assert was == w.content_of("big"), "a buffer and the file of its bytes"
for at in (0, len(big) - 1):
    big[at] = 1
    assert was != w.content_of(io.BytesIO(big)), at
    big[at] = 0
print("sampled")
`

// TestSampled holds the sampled digest to what the documentation says it sees and misses.
func TestSampled(t *testing.T) {
	name := python(t)
	dir := t.TempDir()
	shim, err := filepath.Abs("shim")
	if err != nil {
		t.Fatal(err)
	}
	c := exec.Command(name, "-c", sampledSays)
	c.Dir = dir
	c.Env = append(os.Environ(), "PYTHONDONTWRITEBYTECODE=1", "PYTHONPATH="+shim, settingsVariable+`={"digest":"sampled","root":"/","pids":"`+dir+`","events":"`+dir+`"}`)
	if out, err := c.CombinedOutput(); err != nil || !strings.HasSuffix(strings.TrimSpace(string(out)), "sampled") {
		t.Errorf("%v\n%s", err, out)
	}
}
