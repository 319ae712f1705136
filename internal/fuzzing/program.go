// Package fuzzing makes training programs and holds the engine to what is true of every one of them: it does not fail, its fixes keep the
// syntax, bind their names and settle, and findings depend neither on the order of files nor on the number of processors.
//
// Programs are made of bytes: each choice of the grammar takes one. So a fuzzer that is guided by coverage finds its way through the
// grammar, and a seed is a program.
package fuzzing

import (
	"fmt"
	"math/rand/v2"
	"strings"
)

// Bytes are those of a seed.
func Bytes(seed uint64, size int) []byte {
	rng := rand.New(rand.NewPCG(seed, 1))
	out := make([]byte, size)
	for i := range out {
		out[i] = byte(rng.UintN(256))
	}
	return out
}

// chooser takes choices from bytes; where they have run out, the first of each choice is taken.
type chooser struct{ left []byte }

func (c *chooser) n(k int) int {
	if len(c.left) == 0 || k < 2 {
		return 0
	}
	b := int(c.left[0])
	c.left = c.left[1:]
	return b % k
}

func (c *chooser) of(options ...string) string { return options[c.n(len(options))] }

// maybe is one of two texts, the second being none.
func (c *chooser) maybe(text string) string { return c.of("", text) }

func (c *chooser) may() bool { return c.n(2) == 1 }

// some are a subset of lines, in order or not.
func (c *chooser) some(lines ...string) []string {
	var out []string
	for _, l := range lines {
		if c.may() {
			out = append(out, l)
		}
	}
	if len(out) > 1 && c.n(4) == 1 {
		out[0], out[len(out)-1] = out[len(out)-1], out[0]
	}
	return out
}

// indented puts lines, each of which may be several, further in.
func indented(lines []string) []string {
	var out []string
	for _, l := range lines {
		for line := range strings.SplitSeq(l, "\n") {
			if line != "" {
				line = "    " + line
			}
			out = append(out, line)
		}
	}
	if len(out) == 0 {
		return []string{"    pass"}
	}
	return out
}

// block is a statement with lines in it.
func block(head string, lines ...string) string {
	return head + "\n" + strings.Join(indented(lines), "\n")
}

// program is what is decided of a training program.
type program struct {
	*chooser
	ranks, scaler, scheduler, class, helpers bool
	self                                     string // "self." in a class
	args                                     string // how options are read
}

// Program is the files of a training program, made of bytes.
func Program(data []byte) map[string]string {
	c := &chooser{data}
	p := &program{chooser: c, ranks: c.may(), scaler: c.n(3) == 1, scheduler: c.may(), class: c.n(3) == 1, helpers: c.n(3) == 1}
	if p.class {
		p.self = "self."
	}
	p.args = c.of("args.", "cfg.", "cfg['", "opt.")
	files := map[string]string{"train.py": p.main()}
	if p.helpers {
		files["utils.py"] = p.utils()
	}
	if c.n(4) == 1 {
		files["eval.py"] = "import torch\nfrom train import *\n" + p.load() + "\nmodel.eval()\n"
	}
	for name, text := range files {
		files[name] = c.spelt(text)
	}
	return files
}

// option is the reading of an option.
func (p *program) option(name string) string {
	if strings.HasSuffix(p.args, "'") {
		return p.args + name + "']"
	}
	return p.args + name
}

func (p *program) main() string {
	lines := []string{p.of("", "from __future__ import annotations\n") + "import torch\nimport os, random\nimport numpy as np\nfrom torch import nn"}
	lines = append(lines, p.some("import torch.distributed as dist", "from torch.utils.data import DataLoader, DistributedSampler, random_split", "from torch.nn.parallel import DistributedDataParallel as DDP",
		"import glob, shutil", "from pathlib import Path", "import torch.nn.functional as F", "from accelerate import Accelerator", "import lightning as L")...)
	if p.helpers {
		lines = append(lines, p.of("from utils import *", "from utils import save_checkpoint, load_checkpoint, set_seed", "import utils"))
	}
	lines = append(lines, p.options(), p.network())
	switch {
	case p.class:
		lines = append(lines, block("class Trainer"+p.of("", "(object)", "(Base)")+":", p.methods()...), p.of("Trainer(args).fit()", "t = Trainer(args)\nt.resume()\nt.fit()", "def main():\n    Trainer(args).fit()\nmain()"))
	case p.may():
		lines = append(lines, block("def "+p.of("main", "train", "run")+"("+p.of("", "args", "rank, args", "local_rank, world_size")+"):", p.body()...),
			p.of("", "if __name__ == '__main__':\n    main()", "torch.multiprocessing.spawn(main, nprocs=2, args=(args,))", "main(0, args)"))
	default:
		lines = append(lines, p.body()...)
	}
	return strings.Join(lines, "\n") + "\n"
}

func (p *program) options() string {
	name := strings.TrimRight(p.args, ".['")
	if name == "cfg" && strings.HasSuffix(p.args, "'") {
		return "cfg = " + p.of("{'seed': 0, 'epochs': 10, 'resume': None, 'save_every': 5, 'out': 'out'}", "yaml.safe_load(open('c.yaml'))")
	}
	return p.of(
		"import argparse\nparser = argparse.ArgumentParser()\nparser.add_argument('--seed', type=int, default="+p.of("0", "None", "42")+")\nparser.add_argument('--epochs', type=int, default=10)\n"+
			"parser.add_argument('--resume', "+p.of("default=None", "action='store_true'", "default=''")+")\nparser.add_argument('--save-every', type=int, default="+p.of("1", "5")+")\nparser.add_argument('--out', default='out')\n"+name+" = parser.parse_args()",
		"class "+name+":\n    seed = 0\n    epochs = 10\n    resume = None\n    save_every = 5\n    out = 'out'",
		"from settings import "+name)
}

func (p *program) network() string {
	return p.of("Net = lambda: nn.Linear(4, 2)",
		block("class Net(nn.Module):", block("def __init__(self, n=4):", "super().__init__()", "self.l = nn.Linear(n, 2)", p.of("self.d = nn.Dropout(0.1)", "self.register_buffer('count', torch.zeros(1))", "self.seen = 0")),
			block("def forward(self, x):", p.maybe("self.seen += 1"), "return self.l(x)")),
		block("def Net(): ", "return nn.Sequential(nn.Linear(4, 2), nn.BatchNorm1d(2))"))
}

func (p *program) seeds() []string {
	s := p.of(p.option("seed"), "0", "42", p.option("seed")+" + rank", "int(time.time())")
	return p.some("random.seed("+s+")", "np.random.seed("+s+")", "torch.manual_seed("+s+")", "torch.cuda.manual_seed_all("+s+")", "torch.backends.cudnn.deterministic = True", "torch.use_deterministic_algorithms(True)", "set_seed("+s+")")
}

// made are the objects of a training.
func (p *program) made() []string {
	var out []string
	if p.ranks {
		out = append(out, p.of("dist.init_process_group('nccl')", "if not dist.is_initialized():\n    dist.init_process_group('gloo')"), p.of("rank = dist.get_rank()", "rank = int(os.environ['RANK'])", "rank = int(os.environ['LOCAL_RANK'])"))
	}
	out = append(out, p.seeds()...)
	s := p.self
	out = append(out, s+"model = Net()"+p.of("", ".cuda()", ".to('cuda')"))
	if p.ranks && p.may() {
		out = append(out, s+"model = "+p.of("DDP", "nn.DataParallel", "torch.nn.parallel.DistributedDataParallel")+"("+s+"model)")
	}
	out = append(out, s+"optimizer = torch.optim."+p.of("SGD", "Adam", "AdamW")+"("+s+"model.parameters(), lr=0.1"+p.maybe(", momentum=0.9")+")")
	if p.scheduler {
		out = append(out, s+"scheduler = torch.optim.lr_scheduler."+p.of("StepLR("+s+"optimizer, 10)", "CosineAnnealingLR("+s+"optimizer, T_max="+p.option("epochs")+")", "OneCycleLR("+s+"optimizer, 0.1, total_steps=100)", "ReduceLROnPlateau("+s+"optimizer)", "LambdaLR("+s+"optimizer, lambda e: 0.9 ** e)"))
	}
	if p.scaler {
		out = append(out, s+"scaler = torch.cuda.amp.GradScaler()")
	}
	out = append(out, p.of("", s+"ema = torch.optim.swa_utils.AveragedModel("+s+"model)"),
		p.of("dataset = MyData()", "files = "+p.of("os.listdir('d')", "glob.glob('d/*')", "sorted(glob.glob('d/*'))")+"\ndataset = MyData(files)", "dataset, rest = random_split(MyData(), [0.9, 0.1])"))
	sampler := ""
	if p.ranks && p.may() {
		out = append(out, s+"sampler = DistributedSampler(dataset)")
		sampler = ", sampler=" + s + "sampler"
	}
	out = append(out, s+"loader = DataLoader(dataset, batch_size=4"+sampler+p.maybe(", shuffle=True")+p.maybe(", num_workers=4")+p.maybe(", worker_init_fn=lambda i: np.random.seed(0)")+p.maybe(", drop_last=True")+")")
	return append(out, p.of("", s+"best = "+p.of("0", "float('inf')", "None")), s+"start = 0")
}

// path is the name of a checkpoint.
func (p *program) path() string {
	return p.of("'ckpt.pt'", "f'ckpt_{epoch}.pt'", "os.path.join("+p.option("out")+", 'last.pth')", "os.path.join("+p.option("out")+", f'epoch{epoch}.pth')", "Path("+p.option("out")+") / 'm.pt'", "'%s/%d.pt' % ("+p.option("out")+", epoch)", "'ckpt_{}.pt'.format(epoch)", "f'rank{rank}.pt'", "'best.pt'")
}

func (p *program) keys() []string {
	s := p.self
	out := []string{"'model': " + s + "model" + p.of(".state_dict()", ".module.state_dict()", "")}
	return append(out, p.some("'optimizer': "+s+"optimizer.state_dict()", "'epoch': epoch"+p.of("", " + 1"), "'scheduler': "+s+"scheduler.state_dict()", "'scaler': "+s+"scaler.state_dict()", "'best': "+s+"best", "'rng': torch.get_rng_state()", "'args': args", "'step': step",
		"'random': random.getstate()", "'numpy': np.random.get_state()", "**extra")...)
}

// save are lines that write a checkpoint.
func (p *program) save() []string {
	var out []string
	payload := "{" + strings.Join(p.keys(), ", ") + "}"
	path := p.path()
	switch p.n(6) {
	case 1:
		out = append(out, "state = "+payload)
		payload = "state"
	case 2:
		out = append(out, "state = {}")
		for _, k := range p.keys() {
			if key, value, ok := strings.Cut(k, ": "); ok {
				out = append(out, "state["+key+"] = "+value)
			}
		}
		payload = "state"
	case 3:
		payload = p.self + "model.state_dict()"
	case 4:
		payload = p.self + "model"
	case 5:
		payload = "dict(model=" + p.self + "model.state_dict(), epoch=epoch)"
	}
	write := "torch.save(" + payload + ", " + path + ")"
	if p.helpers && p.may() {
		write = p.of("", "utils.") + "save_checkpoint(" + payload + ", " + p.of("", "is_best=False, ") + "path=" + path + ")"
	}
	switch p.n(6) {
	case 1:
		out = append(out, "torch.save("+payload+", "+path+" + '.tmp')", "os.replace("+path+" + '.tmp', "+path+")")
	case 2:
		out = append(out, block("with open("+path+", 'wb') as f:", "torch.save("+payload+", f)"))
	case 3:
		out = append(out, block("try:", write)+"\n"+block("except Exception:", p.of("pass", "print('no')")))
	case 4:
		out = append(out, "os.makedirs("+p.option("out")+p.maybe(", exist_ok=True")+")", write)
	default:
		out = append(out, write)
	}
	if p.n(4) == 1 {
		out = append(out, "old = "+p.of("sorted(", "list(", "(")+"glob.glob('ckpt_*.pt'))"+p.of("[:-3]", "[3:]", ""), block("for f in old:", p.of("os.remove(f)", "os.unlink(f)")))
	}
	if p.ranks {
		switch p.n(5) {
		case 1, 2:
			if p.may() {
				out = append(out, "dist.barrier()")
			}
			out = []string{block("if "+p.of("rank == 0", "dist.get_rank() == 0", "not rank", "args.local_rank in [-1, 0]")+":", out...)}
		case 3:
			out = append(out, "dist.barrier()")
		}
	}
	switch p.n(5) {
	case 1:
		out = []string{block("if "+p.of("epoch", "(epoch + 1)", "step")+" % "+p.of(p.option("save_every"), "10", "1")+" == 0:", out...)}
	case 2:
		out = []string{block("if acc "+p.of(">", "<")+" "+p.self+"best:", append(out, p.maybe(p.self+"best = acc"))...)}
	}
	return out
}

// load is what reads a checkpoint.
func (p *program) load() string {
	s := p.self
	source := p.of("'ckpt.pt'", p.option("resume"), "os.path.join("+p.option("out")+", 'last.pth')", "sorted(glob.glob('ckpt_*.pt'))[-1]", "max(glob.glob('*.pt'), key=os.path.getmtime)")
	call := "torch.load(" + source + p.maybe(", map_location='cpu'") + p.of("", ", weights_only=True", ", weights_only=False") + ")"
	if p.helpers && p.may() {
		call = p.of("", "utils.") + "load_checkpoint(" + source + ")"
	}
	lines := []string{"ck = " + call}
	lines = append(lines, p.some(s+"model.load_state_dict(ck['model']"+p.of("", ", strict=False")+")", s+"optimizer.load_state_dict(ck['optimizer'])", s+"start = ck['epoch']"+p.of("", " + 1"), s+"best = ck"+p.of("['best']", ".get('best', 0)"),
		block("if 'scheduler' in ck:", s+"scheduler.load_state_dict(ck['scheduler'])"), s+"scaler.load_state_dict(ck['scaler'])", "torch.set_rng_state(ck['rng'])")...)
	return p.of(block("if "+p.of(p.option("resume"), "os.path.exists('ckpt.pt')", p.option("resume")+" is not None", "os.path.isfile("+p.option("resume")+")")+":", lines...), strings.Join(lines, "\n"),
		block("try:", lines...)+"\n"+block("except FileNotFoundError:", p.of("pass", "print('fresh')")))
}

func (p *program) loop() []string {
	s := p.self
	step := []string{"out = " + s + "model(x)", "loss = " + p.of("out.sum()", "F.cross_entropy(out, y)", "((out - y) ** 2).mean()"), s + "optimizer.zero_grad()"}
	if p.scaler {
		step = append(step, s+"scaler.scale(loss).backward()", s+"scaler.step("+s+"optimizer)", s+"scaler.update()")
	} else {
		step = append(step, "loss.backward()", s+"optimizer.step()")
	}
	step = append(step, p.some("step += 1", "print(loss.item())", block("if torch.isnan(loss):", p.of("continue", "break", "raise ValueError")), s+"ema.update_parameters("+s+"model)", "noise = torch.rand(3)", "x = x + np.random.rand()")...)
	if p.scheduler && p.may() {
		step = append(step, s+"scheduler.step()")
	}
	if p.n(5) == 1 {
		step = append(step, p.save()...)
	}
	var body []string
	if p.ranks && p.may() {
		body = append(body, s+"sampler.set_epoch(epoch)")
	}
	body = append(body, p.maybe(s+"model.train()"), block(p.of("for x, y in "+s+"loader:", "for i, (x, y) in enumerate("+s+"loader):", "for step, (x, y) in enumerate(tqdm("+s+"loader), 1):"), step...))
	if p.scheduler {
		body = append(body, p.of(s+"scheduler.step()", "", s+"scheduler.step(loss)", s+"scheduler.step(epoch)"))
	}
	body = append(body, p.maybe("acc = evaluate("+s+"model)"), p.maybe(s+"model.eval()"))
	if p.n(4) == 1 {
		body = append(body, block("if acc > "+s+"best:", s+"best = acc", p.of("best_state = "+s+"model.state_dict()", "torch.save("+s+"model.state_dict(), 'best.pt')")))
	}
	body = append(body, p.save()...)
	if p.n(5) == 1 {
		body = append(body, p.save()...)
	}
	if p.n(6) == 1 {
		body = append(body, block("if bad > 5:", p.of("break", "return", "sys.exit()")))
	}
	head := p.of("for epoch in range("+s+"start, "+p.option("epochs")+"):", "for epoch in range("+p.option("epochs")+"):", "while epoch < "+p.option("epochs")+":", "for epoch in trange("+s+"start + 1, "+p.option("epochs")+" + 1):", "for epoch in itertools.count("+s+"start):")
	if strings.HasPrefix(head, "while") {
		return []string{"epoch = " + s + "start", block(head, append(body, p.of("epoch += 1", ""))...)}
	}
	return []string{"step = 0", "extra = {}", block(head, body...)}
}

func (p *program) body() []string {
	out := p.made()
	load := p.load()
	if p.n(6) > 0 {
		out = append(out, load)
	}
	out = append(out, p.loop()...)
	if p.may() {
		out = append(out, p.save()...)
	}
	return append(out, p.some("dist.destroy_process_group()", "print('done')")...)
}

func (p *program) methods() []string {
	out := []string{block("def __init__(self, args):", append([]string{"self.args = args"}, p.made()...)...), block("def resume(self):", p.load()), block("def fit(self):", append([]string{p.maybe("self.resume()")}, p.loop()...)...)}
	if p.may() {
		out = append(out, block("def save(self, epoch"+p.maybe(", path='ckpt.pt'")+"):", p.save()...))
	}
	return out
}

func (p *program) utils() string {
	return strings.Join([]string{"import torch, os, random, shutil", "import numpy as np",
		block("def set_seed(seed):", p.some("random.seed(seed)", "np.random.seed(seed)", "torch.manual_seed(seed)")...),
		block("def save_checkpoint(state, path, is_best=False):", p.of("torch.save(state, path)", "torch.save(state, path + '.tmp')\nos.rename(path + '.tmp', path)", "if dist.get_rank() == 0:\n    torch.save(state, path)"), block("if is_best:", "shutil.copyfile(path, 'best.pt')")),
		block("def load_checkpoint(path):", p.maybe("if not os.path.exists(path):\n    return None"), "return torch.load(path"+p.maybe(", map_location='cpu'")+")")}, "\n") + "\n"
}

// spelt is a text in another way of writing: line ends, tabs, comments, statements on one line, and what an editor leaves half done.
func (c *chooser) spelt(text string) string {
	lines := strings.Split(text, "\n")
	for range c.n(4) {
		at := c.n(256) * len(lines) / 256
		line := lines[at]
		switch c.n(14) {
		case 1:
			lines[at] = line + "  # ckpt-lsp: ignore"
		case 2:
			lines[at] = line + "  # " + c.of("noqa", "é", "😀")
		case 3:
			lines = append(lines[:at], lines[at+1:]...)
		case 4:
			lines = append(lines[:at+1], append([]string{line}, lines[at+1:]...)...)
		case 5:
			if at > 0 {
				lines[at], lines[at-1] = lines[at-1], line
			}
		case 6:
			lines[at] = strings.ReplaceAll(line, "epoch", c.of("e", "step", "ep"))
		case 7:
			lines[at] = strings.Replace(line, "(", c.of("(\n", "( ", "(*a, "), 1)
		case 8:
			lines[at] = line[:len(line)*c.n(8)/8]
		case 9:
			lines[at] = line + c.of(";", "; x = 1", " \\", ")", ":")
		case 10:
			lines[at] = strings.Replace(line, " = ", c.of(" = y = ", ": int = ", " += ", " = (z := "), 1)
		case 11:
			lines[at] = strings.Replace(line, "torch.", c.of("th.", "torch . ", ""), 1)
		case 12:
			lines[at] = strings.ReplaceAll(line, "model", c.of("net", "self.model", "model.module", "models[0]"))
		case 13:
			other := lines[c.n(256)*len(lines)/256]
			lines = append(lines[:at], append([]string{other}, lines[at:]...)...)
		}
		if len(lines) == 0 {
			return ""
		}
	}
	end := "\n"
	switch c.n(12) {
	case 1:
		end = "\r\n"
	case 2:
		for i, l := range lines {
			depth := len(l) - len(strings.TrimLeft(l, " "))
			lines[i] = strings.Repeat("\t", depth/4) + l[depth/4*4:]
		}
	}
	return strings.Join(lines, end)
}

// Named is a text of files for a report.
func Named(files map[string]string) string {
	var b strings.Builder
	for _, name := range names(files) {
		fmt.Fprintf(&b, "-- %s --\n%s", name, files[name])
	}
	return b.String()
}
