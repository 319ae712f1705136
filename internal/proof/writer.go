package proof

import (
	"fmt"
	"slices"
	"strings"
)

// writer writes the program of a design.
type writer struct {
	design
	names names
}

// names are how a program calls its things. Real code has no one way.
type names struct {
	model, optimizer, checkpoint      string
	modelKey, optimizerKey, schedules string
}

var namings = []names{
	{"model", "optimizer", "checkpoint", "model_state_dict", "optimizer_state_dict", "scheduler_state_dict"},
	{"net", "optimizer", "ckpt", "model", "optimizer", "scheduler"},
	{"model", "opt", "state", "state_dict", "opt", "sched"},
}

func newWriter(d design, i int) *writer { return &writer{d, namings[i%len(namings)]} }

func (w *writer) has(feature string) bool { return slices.Contains(w.with, feature) }

// is reports whether the program has one of some flaws.
func (w *writer) is(flaws ...string) bool {
	return slices.ContainsFunc(w.flaws(), func(flaw string) bool { return slices.Contains(flaws, flaw) })
}

// helps reports whether functions save and load, in this file or another.
func (w *writer) helps() bool { return w.style == "helper" || w.style == "module" }

// of is how the program refers to a thing of its own: an attribute in a class.
func (w *writer) of(name string) string {
	if w.style == "class" {
		return "self." + name
	}
	return name
}

// indented moves lines to the right.
func indented(by int, lines []string) []string {
	out := make([]string, len(lines))
	for i, l := range lines {
		if l != "" {
			out[i] = strings.Repeat("    ", by) + l
		}
	}
	return out
}

// files are the sources.
func (w *writer) files() map[string]string {
	lines := w.imports()
	lines = append(append(lines, "", ""), w.models()...)
	lines = append(append(lines, "", ""), w.samples()...)
	files := map[string]string{}
	switch w.style {
	case "script":
		lines = append(append(lines, "", ""), w.arguments()...)
		lines = append(lines, slices.Concat(w.setup(), w.resume(), w.loop(), w.end())...)
	case "main":
		lines = append(lines, "", "", "def main():")
		lines = append(lines, indented(1, slices.Concat(w.arguments(), w.setup(), w.resume(), w.loop(), w.end()))...)
		lines = append(lines, "", "", `if __name__ == "__main__":`, "    main()")
	case "class":
		lines = append(lines, "", "", "class Trainer:", "    def __init__(self, args):", "        self.args = args")
		lines = append(lines, indented(2, w.setup())...)
		lines = append(lines, "", "    def save(self, epoch):")
		lines = append(lines, indented(2, w.save())...)
		lines = append(lines, "", "    def load(self, path):")
		lines = append(lines, indented(2, w.load("path"))...)
		lines = append(lines, "", "    def fit(self):")
		lines = append(lines, indented(2, slices.Concat(w.loop(), w.end()))...)
		lines = append(lines, "", "", "def main():")
		lines = append(lines, indented(1, append(w.arguments(), "trainer = Trainer(args)", "if args.resume:", "    trainer.load(args.resume)", "trainer.fit()"))...)
		lines = append(lines, "", "", `if __name__ == "__main__":`, "    main()")
	case "helper", "module":
		helpers := append(append([]string{"def save_checkpoint(path, epoch, " + w.handed(w.counted()...) + "):"}, indented(1, w.saved("path"))...), "", "", "def load_checkpoint(path, "+w.handed()+"):")
		helpers = append(helpers, indented(1, append(w.load("path"), "return "+strings.Join(w.returned(), ", ")))...)
		if w.style == "module" {
			files["utils/__init__.py"] = ""
			files["utils/checkpoint.py"] = strings.Join(append(w.helperImports(), helpers...), "\n") + "\n"
		} else {
			lines = append(append(lines, "", ""), helpers...)
		}
		lines = append(lines, "", "", "def main():")
		lines = append(lines, indented(1, slices.Concat(w.arguments(), w.setup(), w.resume(), w.loop(), w.end()))...)
		lines = append(lines, "", "", `if __name__ == "__main__":`, "    main()")
	}
	files["train.py"] = strings.Join(lines, "\n") + "\n"
	return files
}

// handed are the objects that helpers are handed, and further values.
func (w *writer) handed(more ...string) string {
	out := []string{w.names.model, w.names.optimizer}
	if w.scheduler != "" {
		out = append(out, "scheduler")
	}
	if w.has("ema") {
		out = append(out, "ema")
	}
	if w.random == "generator" {
		out = append(out, "generator")
	}
	return strings.Join(append(out, more...), ", ")
}

// counted are the plain values that the checkpoint holds beside the epoch.
func (w *writer) counted() []string {
	var out []string
	for _, p := range w.parts() {
		if p.key == "best" || p.key == "bad_epochs" {
			out = append(out, p.key)
		}
	}
	return out
}

// returned are the values that the helper that loads gives back.
func (w *writer) returned() []string {
	out := []string{"start_epoch"}
	for _, p := range w.parts() {
		if p.read && slices.Contains(w.counted(), p.key) {
			out = append(out, p.key)
		}
	}
	return out
}

// helperImports are what a file of helpers begins with.
func (w *writer) helperImports() []string {
	out := []string{"import torch", "", ""}
	switch {
	case w.is("no generators", "only the model"):
	case w.random == "numpy":
		out = append([]string{"import numpy as np"}, out...)
	case w.random == "random":
		out = append([]string{"import random", ""}, out...)
	}
	return out
}

func (w *writer) imports() []string {
	out := []string{"import argparse", "import os"}
	if w.random == "random" {
		out = append(out, "import random")
	}
	out = append(out, "")
	if w.random == "numpy" || w.is("numpy metric") {
		out = append(out, "import numpy as np")
	}
	out = append(out, "import torch", "from torch import nn")
	if w.ranks > 0 {
		out = append(out, "import torch.distributed as dist", "from torch.nn.parallel import DistributedDataParallel")
	}
	if w.has("ema") {
		out = append(out, "from torch.optim.swa_utils import AveragedModel")
	}
	loader := "from torch.utils.data import DataLoader, Dataset"
	if w.ranks > 0 {
		loader += ", DistributedSampler"
	}
	out = append(out, loader)
	if w.style == "module" {
		out = append(out, "", "from utils.checkpoint import load_checkpoint, save_checkpoint")
	}
	return out
}

// models are the classes of what trains. Several ranks draw nothing: dropout would make each need its own generator.
func (w *writer) models() []string {
	dropout := ", nn.Dropout(0.2)"
	if w.ranks > 0 {
		dropout = ""
	}
	switch w.model {
	case "cnn":
		return []string{
			"class Net(nn.Module):", "    def __init__(self):", "        super().__init__()", "        self.conv = nn.Conv1d(1, 4, 3, padding=1)",
			"        self.norm = nn.BatchNorm1d(4)", "        self.drop = nn.Dropout(0.1)", "        self.fc = nn.Linear(4 * 8, 3)", "",
			"    def forward(self, x):", "        x = torch.relu(self.norm(self.conv(x.unsqueeze(1))))", "        return self.fc(self.drop(x.flatten(1)))",
		}
	case "lstm":
		return []string{
			"class Net(nn.Module):", "    def __init__(self):", "        super().__init__()", "        self.rnn = nn.LSTM(2, 6, num_layers=2, dropout=0.2, batch_first=True)",
			"        self.fc = nn.Linear(6, 3)", "", "    def forward(self, x):", "        x, _ = self.rnn(x.view(-1, 4, 2))", "        return self.fc(x[:, -1])",
		}
	case "pair":
		return []string{
			"class Encoder(nn.Sequential):", "    def __init__(self):", "        super().__init__(nn.Linear(8, 12), nn.ReLU(), nn.Dropout(0.2))", "", "",
			"class Head(nn.Sequential):", "    def __init__(self):", "        super().__init__(nn.Linear(12, 3))",
		}
	}
	return []string{"class Net(nn.Sequential):", "    def __init__(self):", "        super().__init__(nn.Linear(8, 16), nn.ReLU()" + dropout + ", nn.Linear(16, 3))"}
}

// data is a set of so many samples, drawn with a seed of their own.
func (w *writer) data(n, seed int) string {
	if w.is("no seed") {
		return fmt.Sprintf("Samples(%d)", n)
	}
	return fmt.Sprintf("Samples(%d, seed=%d)", n, seed)
}

func (w *writer) samples() []string {
	if w.is("no seed") { // whose programs do not speak of seeds at all
		return []string{
			"class Samples(Dataset):", "    def __init__(self, n):", "        self.x = torch.linspace(-2, 2, n * 8).sin().view(n, 8)",
			"        self.y = torch.arange(n) % 3", "", "    def __len__(self):", "        return len(self.x)", "",
			"    def __getitem__(self, i):", "        return self.x[i], self.y[i]",
		}
	}
	get := "return self.x[i], self.y[i]"
	if w.random == "workers" {
		get = "return self.x[i] + 0.1 * torch.randn(8), self.y[i]"
	}
	return []string{
		"class Samples(Dataset):", "    def __init__(self, n, seed):", "        g = torch.Generator().manual_seed(seed)", "        self.x = torch.randn(n, 8, generator=g)",
		"        self.y = torch.randint(0, 3, (n,), generator=g)", "", "    def __len__(self):", "        return len(self.x)", "", "    def __getitem__(self, i):", "        " + get,
	}
}

func (w *writer) arguments() []string {
	return []string{
		"parser = argparse.ArgumentParser()", `parser.add_argument("--epochs", type=int, default=6)`, `parser.add_argument("--resume", default="")`,
		"args = parser.parse_args()", "",
	}
}

func (w *writer) seeds() []string {
	out := []string{"torch.manual_seed(3)"}
	if w.is("torch seeded only") {
		return out
	}
	switch w.random {
	case "numpy":
		out = append(out, "np.random.seed(3)")
	case "random":
		out = append(out, "random.seed(3)")
	}
	return out
}

var schedulers = map[string]string{
	"StepLR": "StepLR(%s, step_size=2, gamma=0.5)", "MultiStepLR": "MultiStepLR(%s, milestones=[2, 4], gamma=0.3)", "ExponentialLR": "ExponentialLR(%s, gamma=0.8)",
	"CosineAnnealingLR": "CosineAnnealingLR(%s, T_max=6)", "OneCycleLR": "OneCycleLR(%s, max_lr=0.1, total_steps=6 * 4)", "LambdaLR": "LambdaLR(%s, lambda epoch: 1 / (1 + epoch))",
	"CosineAnnealingWarmRestarts": "CosineAnnealingWarmRestarts(%s, T_0=5)", "ReduceLROnPlateau": "ReduceLROnPlateau(%s, factor=0.5, patience=0)",
}

var optimizers = map[string]string{
	"sgd": "SGD(%s, lr=0.2, momentum=0.9)", "adam": "Adam(%s, lr=0.05)", "adamw": "AdamW(%s, lr=0.05, weight_decay=0.01)", "rmsprop": "RMSprop(%s, lr=0.01)",
}

// trainedModel is the model, inside its wrapper where there is one.
func (w *writer) trainedModel() string {
	if w.ranks > 0 {
		return w.of(w.names.model) + ".module"
	}
	return w.of(w.names.model)
}

func (w *writer) setup() []string {
	n := w.names
	var out []string
	if w.ranks > 0 {
		out = append(out, `dist.init_process_group("gloo")`, w.of("rank")+" = dist.get_rank()")
	}
	if !w.is("no seed", "seeded late") {
		out = append(out, w.seeds()...)
	}
	loader := "shuffle=True"
	switch {
	case w.ranks > 0:
		out = append(out, "train_set = "+w.data(32, 1), w.of("sampler")+" = DistributedSampler(train_set)")
		loader = "sampler=" + w.of("sampler")
	case w.random == "generator":
		out = append(out, w.of("generator")+" = torch.Generator().manual_seed(5)")
		loader += ", generator=" + w.of("generator")
	case w.random == "workers":
		loader += ", num_workers=2"
	}
	set, size := w.data(32, 1), 8
	if w.ranks > 0 {
		set, size = "train_set", 8/w.ranks
	}
	out = append(out, fmt.Sprintf("%s = DataLoader(%s, batch_size=%d, %s)", w.of("loader"), set, size, loader))
	if w.validates() {
		out = append(out, w.of("held_out")+" = "+w.data(16, 2))
	}
	parameters := w.of(n.model) + ".parameters()"
	if w.model == "pair" {
		out = append(out, w.of("encoder")+" = Encoder()", w.of("head")+" = Head()")
		parameters = fmt.Sprintf("list(%s.parameters()) + list(%s.parameters())", w.of("encoder"), w.of("head"))
	} else {
		out = append(out, w.of(n.model)+" = Net()")
	}
	if w.is("seeded late") {
		out = append(out, w.seeds()...)
	}
	if w.ranks > 0 {
		// With more than two ranks gradients are bucketed anew after the first step, so that a resumed run adds them in another order.
		unused := ""
		if w.ranks > 2 {
			unused = ", find_unused_parameters=True"
		}
		out = append(out, fmt.Sprintf("%s = DistributedDataParallel(%s%s)", w.of(n.model), w.of(n.model), unused))
	}
	out = append(out, w.of(n.optimizer)+" = torch.optim."+fmt.Sprintf(optimizers[w.optimizer], parameters))
	switch w.scheduler {
	case "":
	case "SequentialLR":
		out = append(out,
			"warmup = torch.optim.lr_scheduler.LinearLR("+w.of(n.optimizer)+", start_factor=0.2, total_iters=2)",
			"decay = torch.optim.lr_scheduler.ExponentialLR("+w.of(n.optimizer)+", gamma=0.7)",
			w.of("scheduler")+" = torch.optim.lr_scheduler.SequentialLR("+w.of(n.optimizer)+", [warmup, decay], milestones=[2])")
	default:
		out = append(out, w.of("scheduler")+" = torch.optim.lr_scheduler."+fmt.Sprintf(schedulers[w.scheduler], w.of(n.optimizer)))
	}
	if w.has("ema") {
		out = append(out, w.of("ema")+" = AveragedModel("+w.of(n.model)+", avg_fn=lambda a, p, n: 0.9 * a + 0.1 * p)")
	}
	if w.has("scaler") {
		out = append(out, w.of("scaler")+` = torch.amp.GradScaler("cpu", init_scale=4.0, growth_interval=5)`)
	}
	out = append(out, w.of("criterion")+" = nn.CrossEntropyLoss()", w.of("start_epoch")+" = 0")
	if w.has("best") {
		out = append(out, w.of("best")+` = float("inf")`)
	}
	if w.has("stop") {
		out = append(out, w.of("bad_epochs")+" = 0")
	}
	return append(out, "")
}

func (w *writer) validates() bool {
	return w.has("best") || w.has("stop") || w.scheduler == "ReduceLROnPlateau"
}

// part is one value of the checkpoint: how it is written, and the statement that restores it from an expression.
type part struct {
	key, written, restored string
	read                   bool
}

// parts are what the program saves, and which of it it reads.
func (w *writer) parts() []part {
	n := w.names
	only := w.is("only the model")
	var out []part
	add := func(p part) { out = append(out, p) }
	if w.model == "pair" {
		add(part{"encoder", w.of("encoder") + ".state_dict()", w.of("encoder") + ".load_state_dict(%s)", true})
		if !w.is("no head") {
			add(part{"head", w.of("head") + ".state_dict()", w.of("head") + ".load_state_dict(%s)", true})
		}
	} else {
		add(part{n.modelKey, w.trainedModel() + ".state_dict()", w.trainedModel() + ".load_state_dict(%s)", true})
	}
	if !w.is("no optimizer", "optimizer and rates") && !only {
		add(part{n.optimizerKey, w.of(n.optimizer) + ".state_dict()", w.of(n.optimizer) + ".load_state_dict(%s)", !w.is("optimizer unread")})
	}
	if w.scheduler != "" && !w.is("no scheduler", "optimizer and rates") && !only {
		add(part{n.schedules, w.of("scheduler") + ".state_dict()", w.of("scheduler") + ".load_state_dict(%s)", !w.is("scheduler unread")})
	}
	if w.has("scaler") && !w.is("no scaler") {
		add(part{"scaler", w.of("scaler") + ".state_dict()", w.of("scaler") + ".load_state_dict(%s)", true})
	}
	if w.has("ema") && !w.is("no average") {
		add(part{"ema", w.of("ema") + ".state_dict()", w.of("ema") + ".load_state_dict(%s)", !w.is("average unread")})
	}
	switch {
	case w.is("no epoch"):
	case w.is("next epoch"):
		add(part{"epoch", "epoch + 1", w.of("start_epoch") + " = %s + 1", true})
	case w.is("same epoch"):
		add(part{"epoch", "epoch", w.of("start_epoch") + " = %s", true})
	default:
		add(part{"epoch", "epoch", w.of("start_epoch") + " = %s + 1", true})
	}
	if w.has("best") && !w.is("no best") {
		add(part{"best", w.of("best"), w.of("best") + " = %s", !w.is("best unread")})
	}
	if w.has("stop") && !w.is("no patience") {
		add(part{"bad_epochs", w.of("bad_epochs"), w.of("bad_epochs") + " = %s", true})
	}
	if w.is("arguments saved") {
		arguments := "args"
		if w.style == "class" {
			arguments = "self.args"
		}
		add(part{"args", arguments, "", false})
	}
	if w.is("version saved") {
		add(part{"torch_version", "torch.__version__", "", false})
	}
	if w.is("no generators") || only || w.ranks > 0 {
		return out
	}
	read := !w.is("generators unread")
	add(part{"rng", "torch.get_rng_state()", "torch.set_rng_state(%s)", read})
	switch w.random {
	case "numpy":
		if w.is("raw numpy state") {
			add(part{"numpy_rng", "np.random.get_state()", "np.random.set_state(%s)", read})
			break
		}
		add(part{"numpy_rng", "[np.random.get_state()[0], np.random.get_state()[1].tolist(), *np.random.get_state()[2:]]", "np.random.set_state((%[1]s[0], np.array(%[1]s[1], dtype=np.uint32), *%[1]s[2:]))", read})
	case "random":
		add(part{"python_rng", "random.getstate()", "random.setstate(%s)", read})
	case "generator":
		if w.is("no loader") {
			break
		}
		add(part{"loader_rng", w.of("generator") + ".get_state()", w.of("generator") + ".set_state(%s)", read && !w.is("loader unread")})
	}
	return out
}

// saved writes the checkpoint to a file.
func (w *writer) saved(path string) []string {
	out := []string{"torch.save("}
	out = append(out, "    {")
	for _, p := range w.parts() {
		out = append(out, fmt.Sprintf("        %q: %s,", p.key, p.written))
	}
	return append(out, "    },", "    "+path+",", ")")
}

func (w *writer) save() []string { return w.saved(`"last.pt"`) }

// load reads a checkpoint and restores from it.
func (w *writer) load(path string) []string {
	out := []string{w.names.checkpoint + " = torch.load(" + path + ")"}
	for _, p := range w.parts() {
		if p.read {
			out = append(out, fmt.Sprintf(p.restored, fmt.Sprintf("%s[%q]", w.names.checkpoint, p.key)))
		}
	}
	if w.is("seeded again") {
		out = append(out, w.seeds()...)
	}
	return out
}

func (w *writer) resume() []string {
	out := []string{"if args.resume:"}
	if w.helps() {
		return append(out, "    "+strings.Join(w.returned(), ", ")+" = load_checkpoint(args.resume, "+w.handed()+")", "")
	}
	return append(append(out, indented(1, w.load("args.resume"))...), "")
}

func (w *writer) loop() []string {
	n := w.names
	args := "args"
	if w.style == "class" {
		args = "self.args"
	}
	modes := []string{w.of(n.model) + ".train()"}
	forward := w.of(n.model) + "(x)"
	if w.model == "pair" {
		modes = []string{w.of("encoder") + ".train()", w.of("head") + ".train()"}
		forward = w.of("head") + "(" + w.of("encoder") + "(x))"
	}
	var body []string
	if w.ranks > 0 {
		body = append(body, w.of("sampler")+".set_epoch(epoch)")
	}
	body = append(body, modes...)
	body = append(body, "for x, y in "+w.of("loader")+":")
	var step []string
	switch w.random {
	case "torch":
		step = append(step, "x = x + 0.1 * torch.randn_like(x)")
	case "numpy":
		step = append(step, "x = x + torch.from_numpy(np.random.normal(0, 0.1, x.shape)).float()")
	case "random":
		step = append(step, "x = x * random.uniform(0.9, 1.1)")
	}
	step = append(step, w.of(n.optimizer)+".zero_grad()")
	if w.has("amp") {
		step = append(step, `with torch.autocast("cpu", dtype=torch.bfloat16):`, "    loss = "+w.of("criterion")+"("+forward+", y)")
	} else {
		step = append(step, "loss = "+w.of("criterion")+"("+forward+", y)")
	}
	if w.has("scaler") {
		step = append(step, w.of("scaler")+".scale(loss).backward()", w.of("scaler")+".step("+w.of(n.optimizer)+")", w.of("scaler")+".update()")
	} else {
		step = append(step, "loss.backward()", w.of(n.optimizer)+".step()")
	}
	if w.has("ema") {
		step = append(step, w.of("ema")+".update_parameters("+w.of(n.model)+")")
	}
	if w.scheduler == "OneCycleLR" {
		step = append(step, w.of("scheduler")+".step()")
	}
	body = append(body, indented(1, step)...)
	if w.validates() {
		body = append(body, w.of(n.model)+".eval()", "with torch.no_grad():",
			fmt.Sprintf("    val_loss = %s(%s(%s.x), %s.y).item()", w.of("criterion"), w.of(n.model), w.of("held_out"), w.of("held_out")))
		if w.is("numpy metric") {
			body = append(body, "val_loss = np.mean([val_loss])")
		}
	}
	var steps []string
	switch w.scheduler {
	case "", "OneCycleLR":
	case "ReduceLROnPlateau":
		steps = []string{w.of("scheduler") + ".step(val_loss)"}
	default:
		steps = []string{w.of("scheduler") + ".step()"}
	}
	var kept []string
	if w.has("best") {
		better := []string{w.of("best") + " = val_loss", fmt.Sprintf("torch.save(%s.state_dict(), \"best.pt\")", w.of(n.model))}
		if w.has("stop") {
			better = append(better, w.of("bad_epochs")+" = 0")
		}
		kept = append(append(kept, "if val_loss < "+w.of("best")+":"), indented(1, better)...)
		if w.has("stop") {
			kept = append(kept, "else:", "    "+w.of("bad_epochs")+" += 1")
		}
	}
	save := w.save()
	switch w.style {
	case "class":
		save = []string{"self.save(epoch)"}
	case "helper", "module":
		save = []string{`save_checkpoint("last.pt", epoch, ` + w.handed(w.counted()...) + ")"}
	}
	if w.ranks > 0 {
		save = append([]string{"if " + w.of("rank") + " == 0:"}, indented(1, save)...)
	}
	if w.has("second") {
		save = append([]string{"if epoch % 2 == 1:"}, indented(1, save)...)
	}
	if w.is("before the step") {
		body = append(body, slices.Concat(kept, save, steps)...)
	} else {
		body = append(body, slices.Concat(steps, kept, save)...)
	}
	if w.has("stop") {
		body = append(body, "if "+w.of("bad_epochs")+" >= 3:", "    break")
	}
	from := w.of("start_epoch") + ", "
	if w.is("epoch not used") {
		from = ""
	}
	return append([]string{"for epoch in range(" + from + args + ".epochs):"}, indented(1, body)...)
}

// end is what the program does when it has trained.
func (w *writer) end() []string {
	switch {
	case w.ranks > 0:
		return []string{"dist.destroy_process_group()"}
	case w.has("ema"):
		return []string{"torch.save(" + w.of("ema") + `.module.state_dict(), "average.pt")`}
	}
	return nil
}
