"""Watches a training run for `ckpt-lsp prove`: writes down what each optimizer step did, and ends the run where it is told to.

One process writes one file of JSON lines, events-RANK-PID.jsonl. Nothing that is watched is changed: generators are read and not
drawn from, tensors are copied and not touched. It needs torch and nothing else, and runs on Python 3.8 and later.
"""

import atexit
import collections
import ctypes
import functools
import hashlib
import io
import json
import os
import random
import re
import shutil
import signal
import sys
import threading
import time
import weakref

SETTINGS = json.loads(os.environ.get("CKPT_PROVE") or "{}")
MAIN_THREAD = threading.main_thread()


class Own:
    """The time that watching takes of the main thread: that of the functions it is put on, without those inside of them twice."""

    def __init__(self):
        self.spent, self.inside, self.start, self.began = 0.0, False, 0.0, time.perf_counter()

    def __call__(self, function):
        @functools.wraps(function)
        def timed(*args, **kwargs):
            if self.inside or threading.current_thread() is not MAIN_THREAD:
                return function(*args, **kwargs)
            self.inside, self.start = True, time.perf_counter()
            try:
                return function(*args, **kwargs)
            finally:
                self.spent += time.perf_counter() - self.start
                self.inside = False

        return timed

    def so_far(self):
        now = time.perf_counter()
        spent = self.spent + (now - self.start if self.inside else 0)
        return {"clock": round(now - self.began, 6), "own": round(spent, 6)}


own = Own()


class Log:
    """The events of this process. They are kept until the process takes a step, saves or loads: workers of a loader do not."""

    def __init__(self):
        self.file = None
        self.kept = []

    def write(self, kind, open_file=False, **event):
        line = json.dumps({"kind": kind, **event}, separators=(",", ":")) + "\n"
        if self.file is None and not open_file:
            self.kept = self.kept[-999:] + [line]
            return
        if self.file is None:
            name = "events-%d-%d.jsonl" % (rank(), os.getpid())
            self.file = os.open(os.path.join(SETTINGS["events"], name), os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
            line = "".join(self.kept) + line
        os.write(self.file, line.encode())


log = Log()


class ByHand:
    """Stands for the optimizer of a script that has none and updates its parameters by hand: a step is a call of backward()."""

    state = {}

    @property
    def param_groups(self):
        return [{"params": [p for m in run.modules for p in m.parameters()]}]


class Run:
    """What happened since the last step, and the counts of the run so far."""

    def __init__(self):
        self.steps = 0
        self.saves = 0
        self.files = 0
        self.beginning = None
        self.buffered, self.opened, self.torn = {}, {}, None
        self.optimizers = {}
        self.modules = []
        self.names = {}
        self.checkpoints = {}
        self.by_hand = ByHand()
        self.mark = 0  # counts saves and loads: what lies before one and what lies behind it is told apart by it
        self.recent_step = -1
        self.recent = []  # what the last saves hold, those since the last step
        self.begun = {}  # by optimizer the mark at which its state was noted
        self.read = {}  # by iterator, the batch that was read last and that nothing has used yet
        self.generators = []  # the loaders' own
        self.schedulers = []
        self.inside_step = False
        self.inside_scale = False
        self.inside_module = 0
        self.inside_save = False
        self.scale = None
        self.loss = None
        self.epoch = 0
        self.forget()

    def forget(self):
        """Begins a new step. What it uses is noted with the mark at which it is used."""
        self.indices, self.batches, self.inputs, self.backwards = [], [], [], []


class Read:
    """A batch that a loader has given."""

    def __init__(self, iterator, indices, batch, epoch):
        self.iterator, self.indices, self.batch, self.epoch = weakref.ref(iterator), indices, batch, epoch
        self.evaluated = None  # the mark at which an evaluation used it


def use():
    """Takes what was read last for what trains. A batch that the next one of its iterator has replaced was skipped."""
    for r in run.read.values():
        if r.evaluated is not None and (r.iterator() is None or r.evaluated != run.mark):
            continue  # the last batch of an evaluation that is over
        if r.indices is not None:
            run.indices.append([run.mark, digest(r.indices)])
        run.batches.append([run.mark, r.batch])
        run.epoch = r.epoch
    run.read.clear()


run = Run()


def rank():
    torch = sys.modules.get("torch")
    try:
        if torch and torch.distributed.is_available() and torch.distributed.is_initialized():
            return torch.distributed.get_rank()
    except Exception:
        pass
    return int(os.environ.get("RANK") or 0)


def start():
    register()
    os.register_at_fork(after_in_child=forked)
    later = {"torch": watch_torch, "numpy.random": watch_numpy}
    for name in [n for n in later if n in sys.modules]:
        later.pop(name)(sys.modules[name])
    sys.meta_path.insert(0, AfterImport(later))
    watch_random()
    sys.addaudithook(audit)
    atexit.register(ended)


def register():
    """Leaves this process's number where the kill, and ckpt-lsp, find it."""
    open(os.path.join(SETTINGS["pids"], str(os.getpid())), "w").close()


def forked():
    global log, run
    log, run = Log(), Run()
    register()


def ended():
    if log.file is not None:
        landed()
        log.write("end", steps=run.steps)


class AfterImport:
    """Runs a function after a module was imported."""

    def __init__(self, then):
        self.then = then

    def find_spec(self, name, path=None, target=None):
        if name not in self.then:
            return None
        found = (f.find_spec(name, path, target) for f in sys.meta_path if f is not self and hasattr(f, "find_spec"))
        spec = next((s for s in found if s is not None), None)
        if spec is None or spec.loader is None:
            return None
        then, execute = self.then.pop(name), spec.loader.exec_module

        def exec_module(module):
            execute(module)
            try:
                then(module)
            except Exception as error:  # the run goes on; ckpt-lsp says what could not be watched
                log.write("unwatched", what=name, error=repr(error))

        spec.loader.exec_module = exec_module
        return spec


# Places


def place():
    """The file and line, in the user's code, from which the caller was called; "" where only libraries are."""
    frame = sys._getframe(1)
    root = SETTINGS["root"] + os.sep
    while frame is not None:
        file = os.path.realpath(frame.f_code.co_filename)
        if file.startswith(root):
            return "%s:%d" % (file[len(root) :], frame.f_lineno)
        frame = frame.f_back
    return ""


def named(path):
    """A path as the user knows it: below the directory of the run where it lies there."""
    path = os.path.realpath(os.fspath(path)) if not isinstance(path, bytes) else os.path.realpath(os.fsdecode(path))
    root = SETTINGS["root"] + os.sep
    return path[len(root) :] if path.startswith(root) else path


# Digests


def hasher():
    return hashlib.blake2b(digest_size=8)


def feed(h, value, depth=0, found=None):
    """Adds a value to a digest. Strings and None count by being there, because paths and dates differ where nothing else does.
    The digests of tensors, arrays and long lists in it are added to a set."""
    torch = sys.modules.get("torch")
    if value is None or isinstance(value, (str, bytes)):
        h.update(b"s")
    elif torch is not None and isinstance(value, torch.Tensor):
        note(h, digest_tensor(value), found)
    elif isinstance(value, bool) or isinstance(value, (int, float, complex)):
        h.update(repr(value).encode())
    elif isinstance(value, dict) and depth < 20:
        h.update(b"{%d" % len(value))
        for key in sorted(value, key=str):
            h.update(str(key).encode())
            feed(h, value[key], depth + 1, found)
    elif isinstance(value, (list, tuple)) and len(value) > LONG and all(type(v) is int for v in value):
        note(h, hashlib.blake2b(repr(tuple(value)).encode(), digest_size=8).hexdigest(), found)
    elif isinstance(value, (list, tuple)) and depth < 20:
        h.update(b"[%d" % len(value))
        for item in value:
            feed(h, item, depth + 1, found)
    elif hasattr(value, "tobytes") and hasattr(value, "dtype"):
        note(h, hashlib.blake2b(str(value.dtype).encode() + value.tobytes(), digest_size=8).hexdigest(), found)
    elif torch is not None and isinstance(value, torch.nn.Module):
        feed(h, dict(value.state_dict()), depth + 1, found)
    elif hasattr(value, "data") and not callable(value.data) and depth < 20:
        feed(h, value.data, depth + 1, found)  # PackedSequence, BatchEncoding
    else:
        h.update(type(value).__name__.encode())


LONG = 500  # a generator's state is a list of more numbers


def note(h, part, found):
    h.update(part.encode())
    if found is not None:
        found.add(part)


def digest_tensor(t):
    h = hasher()
    feed_tensor(h, t)
    return h.hexdigest()


def feed_tensor(h, t):
    torch = sys.modules["torch"]
    t = t.detach()
    try:
        if t.layout != torch.strided or t.is_quantized:
            t = t.to_dense() if not t.is_quantized else t.int_repr()
        if hasattr(t, "to_local"):
            t = t.to_local()
        h.update(str(t.dtype).encode() + repr(tuple(t.shape)).encode())
        size = t.numel() * t.element_size()
        if SAMPLED and size > WHOLE:
            t = sample(h, torch, t.contiguous().reshape(-1))
            size = t.numel() * t.element_size()
        t = t.cpu().contiguous()
        if size:
            h.update((ctypes.c_char * size).from_address(t.data_ptr()))
    except Exception:  # a tensor without data: meta, fake
        h.update(repr(tuple(t.shape)).encode())


# With --digest sampled, a tensor of more than WHOLE bytes is compared by some SAMPLED_NUMBERS of its numbers and the sum of all its bits, and
# a file by its size and SAMPLES + 1 blocks.
SAMPLED = SETTINGS.get("digest") == "sampled"
WHOLE, SAMPLED_NUMBERS, SAMPLES = 1 << 16, 4096, 16


def sample(h, torch, flat):
    """Adds the sum of all bits of a flat tensor to a digest, and gives some of its numbers. Neither copies a tensor from a GPU."""
    per = max(1, 8 // flat.element_size())
    whole = flat[: flat.numel() // per * per]
    if whole.storage_offset() % per:
        whole = whole.clone()
    h.update(repr(whole.view(torch.int64).sum().item()).encode())
    feed_tensor(h, flat[whole.numel() :])
    return flat[:: flat.numel() // SAMPLED_NUMBERS]


@own
def digest(value):
    h = hasher()
    feed(h, value)
    return h.hexdigest()


def joined(digests):
    """One digest of several; "" of none."""
    return hashlib.blake2b(" ".join(digests).encode(), digest_size=8).hexdigest() if digests else ""


def digest_file(path):
    try:
        with open(path, "rb") as f:
            return digest_bytes(f)
    except OSError:
        return ""


def digest_bytes(f):
    """The digest of a file. Sampled it is that of its size, its blocks at equal distances and its end, where an archive of torch.save has the
    checksums of all that it holds."""
    h, block = hasher(), 1 << 20
    size = f.seek(0, io.SEEK_END)
    places = range(0, size, block)
    if SAMPLED and len(places) > SAMPLES:
        h.update(b"%d" % size)
        places = [i * (size - block) // SAMPLES for i in range(SAMPLES + 1)]
    for place in places:
        f.seek(place)
        h.update(f.read(block))
    return h.hexdigest()


def number(value):
    """A number as text that keeps every bit; JSON has no NaN."""
    try:
        return repr(float(value))
    except Exception:
        return ""


# Generators


@own
def generators():
    """The states of the global generators, as digests."""
    out = {}
    torch, numpy = sys.modules.get("torch"), sys.modules.get("numpy.random")
    if torch is not None:
        out["torch"] = digest(torch.get_rng_state())
        if torch.cuda.is_available() and torch.cuda.is_initialized():
            out["torch on CUDA"] = digest(torch.cuda.get_rng_state_all())
    if numpy is not None:
        out["numpy"] = digest(numpy.get_state())
    for name, g in named_generators():
        out[name] = digest(g.get_state())
    state = random.getstate()
    out["random"] = "%x %r" % (hash(state[1]) & 0xFFFFFFFFFFFFFFFF, state[2])
    return out


def named_generators():
    return [("the loader's generator" if i == 0 else "the generator of loader %d" % (i + 1), g) for i, g in enumerate(run.generators)]


def tell(owner, name, kind, generator):
    """Notes each call of a function that seeds a generator or sets its state."""
    if not hasattr(owner, name):
        return
    original = getattr(owner, name)

    @functools.wraps(original)
    def told(*args, **kwargs):
        result = original(*args, **kwargs)
        value = args[0] if args else next(iter(kwargs.values()), None)
        value = tell_apart(value) if kind == "restore" else str(value) if isinstance(value, int) else ""
        log.write(kind, generator=generator, value=value, at=place())
        return result

    setattr(owner, name, told)


def tell_first_draw(module, instance, generator, ignored):
    """Notes where a module's global generator is drawn from for the first time, and then is out of the way."""
    originals = {n: f for n, f in vars(module).items() if getattr(f, "__self__", None) is instance and n not in ignored}

    def watch(original):
        @functools.wraps(original)
        def first(*args, **kwargs):
            for n, f in originals.items():
                if getattr(getattr(module, n), "__wrapped__", None) is f:
                    setattr(module, n, f)
            at = place()
            if at:
                log.write("draw", generator=generator, at=at)
            return original(*args, **kwargs)

        return first

    for n, f in originals.items():
        setattr(module, n, watch(f))


def watch_random():
    tell(random, "seed", "seed", "random")
    tell(random, "setstate", "restore", "random")
    tell_first_draw(random, random._inst, "random", {"seed", "getstate", "setstate"})


def watch_numpy(numpy_random):
    tell(numpy_random, "seed", "seed", "numpy")
    tell(numpy_random, "set_state", "restore", "numpy")
    tell_first_draw(numpy_random, numpy_random.mtrand._rand, "numpy", {"seed", "get_state", "set_state"})
    default_rng = numpy_random.default_rng

    @functools.wraps(default_rng)
    def told(seed=None):
        if seed is None:
            log.write("unseeded", generator="numpy.random.default_rng()", at=place())
        return default_rng(seed)

    numpy_random.default_rng = told


# Steps


def watch_torch(torch):
    import torch.utils.data.dataloader

    log.write("torch", version=str(torch.__version__), executable=sys.executable)
    tell(torch, "manual_seed", "seed", "torch")
    tell(torch, "seed", "seed", "torch")
    tell(torch, "set_rng_state", "restore", "torch")
    torch.random.manual_seed, torch.random.seed, torch.random.set_rng_state = torch.manual_seed, torch.seed, torch.set_rng_state
    watch_optimizers(torch)
    watch_schedulers(torch)
    watch_losses(torch)
    watch_modules(torch)
    watch_loaders(torch.utils.data.dataloader)
    watch_files(torch)


def watch_optimizers(torch):
    initialize = torch.optim.Optimizer.__init__

    @functools.wraps(initialize)
    def initialized(self, *args, **kwargs):
        initialize(self, *args, **kwargs)
        run.by_hand = None
        watch_step(type(self))

    torch.optim.Optimizer.__init__ = initialized


def watch_schedulers(torch):
    scheduler = torch.optim.lr_scheduler
    bases = [getattr(scheduler, n) for n in ("LRScheduler", "_LRScheduler", "ReduceLROnPlateau") if hasattr(scheduler, n)]
    for base in [b for b in bases if "__init__" in vars(b)]:
        watch_scheduler(base)


def schedule():
    """How many steps the schedulers have taken, together."""
    return sum(n for n in (getattr(s, "last_epoch", None) for s in run.schedulers) if isinstance(n, int))


def watch_scheduler(base):
    initialize = base.__init__

    @functools.wraps(initialize)
    def initialized(self, *args, **kwargs):
        if not any(s is self for s in run.schedulers):
            run.schedulers.append(self)
            log.write("scheduler", what=type(self).__name__, at=place())
        initialize(self, *args, **kwargs)

    base.__init__ = initialized


def watch_step(optimizer_class):
    original = optimizer_class.step
    if getattr(original, "_ckpt_prove", False):
        return

    @functools.wraps(original)
    def step(self, *args, **kwargs):
        if run.inside_step:
            return original(self, *args, **kwargs)
        before_step(self)
        run.inside_step = True
        try:
            result = original(self, *args, **kwargs)
        finally:
            run.inside_step = False
        after_step(self)
        return result

    step._ckpt_prove = True
    optimizer_class.step = step


@own
def before_step(optimizer):
    kill = SETTINGS.get("kill") or {}
    if kill.get("save") and run.saves >= kill["save"] and rank() == 0:
        die()
    if id(optimizer) not in run.optimizers:
        run.optimizers[id(optimizer)] = (len(run.optimizers), optimizer)
    number_of = run.optimizers[id(optimizer)][0]
    if run.begun.get(number_of) != run.mark:
        run.begun[number_of] = run.mark
        name_parameters()
        run.beginning = dict(optimizer=number_of, type=type(optimizer).__name__, mark=run.mark, step=run.steps, schedule=schedule(), **state_of(optimizer))


def name_parameters():
    for module in run.modules:
        for name, p in module.named_parameters():
            run.names.setdefault(id(p), WRAPPED.sub("", name))


def tell_beginning(optimizer):
    """Notes what a step began with: behind it, because a closure calls the model, whose names these are, only inside of the step."""
    begin, run.beginning = run.beginning, None
    if begin:
        name_parameters()
        for p, told in zip([p for g in optimizer.param_groups for p in g["params"]], begin["parameters"]):
            told[0] = run.names.get(id(p), "")
        log.write("begin", True, **begin)


WRAPPED = re.compile(r"^(module\.|_orig_mod\.)+")


@own
def state_of(optimizer):
    """Name, digest, and digest of what the optimizer keeps, of each of its parameters, which a checkpoint must bring back; and under which
    keys the last checkpoints hold them."""
    parameters = [p for g in optimizer.param_groups for p in g["params"]]
    kept_for = [kept(optimizer, p) for p in parameters]
    held = {}
    for op, found in run.recent:
        weights = key_of(found, parameters)
        state = key_of(found, [v for k in kept_for for v in k.values() if isinstance(v, sys.modules["torch"].Tensor) and v.numel() > 1])
        held[op] = {"weights": weights, "state": state}
    return {"parameters": [[run.names.get(id(p), ""), digest_tensor(p), digest(k)] for p, k in zip(parameters, kept_for)], "held": held}


def key_of(found, tensors):
    """The key under which a checkpoint holds tensors, and how they are rounded there: ["opt", ""]. None where it does not hold them, []
    where there are none."""
    torch = sys.modules["torch"]
    if not tensors:
        return []
    for rounded in (None, torch.float16, torch.bfloat16):
        keys = [found.get(digest_tensor(t if rounded is None else t.detach().to(rounded))) for t in tensors]
        if None not in keys:
            return [collections.Counter(keys).most_common(1)[0][0], str(rounded or "").replace("torch.", "")]
    return None


def together(of):
    """One digest of values by the parameter's name: the order of groups and parameters does not count."""
    return joined(sorted(of))


def kept(optimizer, parameter):
    """What an optimizer keeps for a parameter. SGD without momentum keeps a None in some versions."""
    return {k: v for k, v in optimizer.state.get(parameter, {}).items() if v is not None}


@own
def after_step(optimizer):
    landed()
    tell_beginning(optimizer)
    weights, states, rates, options = [], [], [], []
    for group in optimizer.param_groups:
        rate = number(group["lr"]) if "lr" in group else ""
        others = digest({k: v for k, v in group.items() if k not in ("params", "lr") and isinstance(v, (int, float, tuple, list))})
        for p in group["params"]:
            name = run.names.get(id(p), "")
            weights.append(name + digest_tensor(p))
            states.append(name + digest(kept(optimizer, p)))
            rates.append(name + "=" + rate)
            options.append(name + others)
    buffers = hasher()
    for module in run.modules:
        for _, b in module.named_buffers():
            feed(buffers, b)
    log.write(
        "step",
        True,
        step=run.steps,
        optimizer=run.optimizers[id(optimizer)][0],
        epoch=run.epoch,
        lr=[number(g["lr"]) for g in optimizer.param_groups if "lr" in g],
        rates=together(rates),
        options=together(options),
        indices=run.indices,
        batches=run.batches,
        inputs=run.inputs,
        backwards=run.backwards,
        loss=number(run.loss) if run.loss is not None else "",
        scale=run.scale or "",
        weights=together(weights),
        state=together(states),
        buffers=buffers.hexdigest(),
        generators=generators(),
        **own.so_far(),
    )
    run.steps += 1
    run.loss = None
    run.forget()
    if SETTINGS.get("steps") and run.steps >= SETTINGS["steps"]:
        log.write("end", steps=run.steps, stopped=True)
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(0)


def watch_losses(torch):
    backward = torch.Tensor.backward

    @functools.wraps(backward)
    def watched(self, *args, **kwargs):
        if self.numel() == 1 and not run.inside_scale:
            run.loss = self.detach()
        run.inside_scale = False
        if not run.inside_step:
            use()
            run.backwards.append(run.mark)
        by_hand = run.by_hand if run.modules and not run.inside_step else None
        if by_hand:
            before_step(by_hand)
        result = backward(self, *args, **kwargs)
        if by_hand:
            after_step(by_hand)
        return result

    torch.Tensor.backward = watched
    for owner in (torch.optim.Optimizer, torch.nn.Module):
        forgets_gradients(owner)
    scaler = getattr(torch.amp, "GradScaler", None) or torch.cuda.amp.GradScaler
    scale, step = scaler.scale, scaler.step

    @functools.wraps(scale)
    def scaled(self, outputs):
        if isinstance(outputs, torch.Tensor) and outputs.numel() == 1:
            run.loss, run.inside_scale = outputs.detach(), True
        return scale(self, outputs)

    @functools.wraps(step)
    def stepped(self, *args, **kwargs):
        run.scale = number(self.get_scale())
        return step(self, *args, **kwargs)

    scaler.scale, scaler.step = scaled, stepped


def forgets_gradients(owner):
    zero_grad = owner.zero_grad

    @functools.wraps(zero_grad)
    def zeroed(self, *args, **kwargs):
        run.backwards = []
        return zero_grad(self, *args, **kwargs)

    owner.zero_grad = zeroed


def watch_modules(torch):
    """Follows the outermost calls of modules: what trains, and what it is given."""
    call = torch.nn.Module.__call__

    @functools.wraps(call)
    def watched(self, *args, **kwargs):
        if run.inside_module or threading.current_thread() is not MAIN_THREAD:
            return call(self, *args, **kwargs)
        run.inside_module += 1
        try:
            called(torch, self, args, kwargs)
            return call(self, *args, **kwargs)
        finally:
            run.inside_module -= 1

    torch.nn.Module.__call__ = watched


@own
def called(torch, module, args, kwargs):
    if next(module.parameters(), None) is None:
        return
    if not module.training or not torch.is_grad_enabled():
        for r in run.read.values():
            r.evaluated = run.mark
        return
    use()
    if not any(m is module for m in run.modules):
        run.modules.append(module)
    values = list(args) + list(kwargs.values())
    if not any(isinstance(v, torch.Tensor) and v.requires_grad for v in values):
        run.inputs.append([run.mark, digest(values)])


def watch_loaders(dataloader):
    iterator = dataloader._BaseDataLoaderIter
    following, index, iterate = iterator.__next__, iterator._next_index, dataloader.DataLoader.__iter__

    @functools.wraps(index)
    def next_index(self):
        value = index(self)
        self.__dict__.setdefault("_ckpt_indices", collections.deque()).append(value)
        return value

    @functools.wraps(following)
    def next_batch(self):
        try:
            batch = following(self)
        except StopIteration:
            run.read.pop(id(self), None)  # the last batch was skipped, or used by an evaluation
            raise
        waiting = self.__dict__.get("_ckpt_indices")
        indices = waiting.popleft() if waiting else None
        if self._dataset_kind != dataloader._DatasetKind.Map:
            indices = None
        run.read[id(self)] = Read(self, indices, digest(batch), self.__dict__.get("_ckpt_epoch", 0))
        return batch

    @functools.wraps(iterate)
    def begin(self):
        for owner in (self, getattr(self, "sampler", None)):
            own = getattr(owner, "generator", None)
            if own is not None and hasattr(own, "get_state") and not any(g is own for g in run.generators):
                run.generators.append(own)
        it = iterate(self)
        passes = self.__dict__.get("_ckpt_passes", 0) + 1
        self.__dict__["_ckpt_passes"] = passes
        if hasattr(it, "__dict__"):
            it.__dict__["_ckpt_epoch"] = passes
        return it

    iterator._next_index, iterator.__next__, iterator.next, dataloader.DataLoader.__iter__ = next_index, next_batch, next_batch, begin


# Files


def watch_files(torch):
    save, load = torch.save, torch.load

    @functools.wraps(save)
    def saved(obj, f, *args, **kwargs):
        if run.inside_save:
            return save(obj, f, *args, **kwargs)
        target = name_of(f)
        if target and "ckpt_prove_guard" in sys.modules:
            sys.modules["ckpt_prove_guard"].check(os.path.join(SETTINGS["root"], target), what="save")  # torch writes in native code
        kill = SETTINGS.get("kill") or {}
        landed()
        number_of_op = file_event("save", target)
        run.inside_save = True
        try:
            if kill.get("op") == number_of_op and rank() == 0 and target:
                tear(save, obj, f, args, kwargs, kill.get("bytes", 0))
            result = save(obj, f, *args, **kwargs)
        finally:
            run.inside_save = False
        if run.steps:
            run.saves += 1
        if not target and isinstance(f, io.BytesIO):
            run.buffered[content_of(f)] = (number_of_op, len(f.getbuffer()))
            if kill.get("op") == number_of_op and rank() == 0:
                run.torn = f.getvalue()[: kill.get("bytes", 0)]
        run.mark += 1
        found = {}
        keys = keys_of(obj, found)
        if not run.recent_step == run.steps:
            run.recent, run.recent_step = [], run.steps
        run.recent.append((number_of_op, found))
        log.write(
            "saved",
            True,
            op=number_of_op,
            mark=run.mark,
            backwards=run.backwards,
            step=run.steps,
            path=target,
            at=place(),
            keys=keys,
            size=size_of(f),
            content=content_of(f),
            holds=held(found, obj),
            states=states(),
            schedule=schedule(),
        )
        return result

    @functools.wraps(load)
    def loaded(f, *args, **kwargs):
        content, path, at = content_of(f), name_of(f), place()
        try:
            result = load(f, *args, **kwargs)
        except Exception as error:
            log.write("refused", True, path=path, content=content, step=run.steps, at=at, error=first_line(error))
            raise
        run.mark += 1
        log.write("load", True, mark=run.mark, path=path, content=content, step=run.steps, at=at, error=refusal(load, f))
        return result

    torch.save, torch.load = saved, loaded
    torch.serialization.save, torch.serialization.load = saved, loaded


@own
def refusal(load, f):
    """What weights_only=True says of a file, "" where it loads it."""
    if not isinstance(f, (str, bytes, os.PathLike)):
        return ""
    try:
        load(f, map_location="cpu", weights_only=True)
        return ""
    except Exception as error:
        return first_line(error)


def first_line(error):
    """The beginning of an error's text, without the colours that torch puts into some."""
    return re.sub(r"\x1b\[[0-9;]*m", "", str(error).strip() or type(error).__name__).splitlines()[0][:300]


def name_of(f):
    """The name of a file or of what it is opened as; "" of a buffer."""
    f = f if isinstance(f, (str, bytes, os.PathLike)) else getattr(f, "name", None)
    return named(f) if isinstance(f, (str, bytes, os.PathLike)) else ""


@own
def keys_of(obj, found):
    """Digests of what a checkpoint holds, by key, and of the tensors below each key. A bare state dict is one value."""
    torch = sys.modules["torch"]
    if not isinstance(obj, dict) or all(isinstance(v, torch.Tensor) for v in obj.values()):
        obj = {"": obj}
    out = {}
    for key, value in obj.items():
        h, parts = hasher(), set()
        feed(h, value, 0, parts)
        out[str(key)] = h.hexdigest()
        for part in parts:
            found.setdefault(part, str(key))
    return out


def states():
    """The states of the global generators, as a restore tells of them."""
    torch, numpy = sys.modules["torch"], sys.modules.get("numpy.random")
    out = {"torch": [tell_apart(torch.get_rng_state())], "random": [tell_apart(random.getstate())]}
    if numpy is not None:
        state = numpy.get_state()[1]
        out["numpy"] = [tell_apart(state), tell_apart(state.tolist())]
    return out


def key_of_dict(obj, state, wanted, depth=0):
    """The key under which a payload holds a dict like another one, three levels down at most."""
    for key, value in obj.items() if isinstance(obj, dict) and depth < 3 else ():
        if isinstance(value, dict) and (value.keys() == state.keys() and digest(value) == wanted or key_of_dict(value, state, wanted, depth + 1) is not None):
            return str(key)
    return None


@own
def held(found, obj):
    """Under which key a checkpoint holds a scheduler and the generators."""
    out = {}
    for s in run.schedulers:
        try:
            state = s.state_dict()
        except Exception:  # one that cannot be saved
            continue
        key = key_of_dict(obj, state, digest(state))
        if key is not None:
            out["scheduler"] = key
    for name, digests in states().items():
        out.update({name: found[d] for d in digests if d in found})
    for name, g in named_generators():
        d = tell_apart(g.get_state())
        out.update({name: found[d]} if d in found else {})
    return out


def tell_apart(value):
    """The digest under which a value is found among those of a checkpoint."""
    found = set()
    feed(hasher(), value, 0, found)
    return min(found, default="")


def size_of(f):
    if isinstance(f, (str, bytes, os.PathLike)):
        return os.path.getsize(f)
    try:
        return f.tell()
    except Exception:
        return 0


@own
def content_of(f):
    if isinstance(f, (str, bytes, os.PathLike)):
        return digest_file(f)
    if isinstance(f, io.BytesIO):
        place = f.tell()
        try:
            return digest_bytes(f)
        finally:
            f.seek(place)
    if isinstance(getattr(f, "name", None), str):
        try:
            f.flush()
        except Exception:
            pass
        return digest_file(f.name)
    return ""


# File operations that can lose a checkpoint, by their audit event: the positions of the file that is changed or goes, and of the one
# that comes.
OPERATIONS = {
    "os.rename": ("rename", 0, 1),
    "os.remove": ("remove", 0, None),
    "shutil.copyfile": ("copy", 0, 1),
    "shutil.rmtree": ("remove", 0, None),
    "os.link": ("link", 0, 1),
    "os.symlink": ("link", 0, 1),
    "os.truncate": ("truncate", 0, None),
}


def audit(event, args):
    if event not in OPERATIONS or (not run.checkpoints and not run.steps):
        if event == "open" and run.buffered:
            opened(*args)
        return
    try:
        landed()
        kind, source, target = OPERATIONS[event]
        source = named(args[source]) if isinstance(args[source], (str, bytes, os.PathLike)) else ""
        target = named(args[target]) if target is not None else ""
        inside = [p for p in run.checkpoints if p == source or p.startswith(source + os.sep)]
        if not source or not inside and target not in run.checkpoints:
            return
        n = file_event(kind, source, target)
        kill = SETTINGS.get("kill") or {}
        if kill.get("op") == n and rank() == 0:
            if kind == "copy":
                with open(args[0], "rb") as a, open(args[1], "wb") as b:
                    b.write(a.read(kill.get("bytes", 0)))
            if kill.get("after"):
                SETTINGS["kill"] = {}
                {"os.remove": os.remove, "os.rename": os.replace, "shutil.rmtree": shutil.rmtree}[event](*[args[i] for i in OPERATIONS[event][1:] if i is not None])
            die()
    except Exception as error:
        log.write("unwatched", what=event, error=repr(error))


def file_event(kind, path, target=""):
    """Numbers and notes what is about to be done to a file of the run."""
    n = run.files = run.files + 1
    if kind == "save" and not path:
        return n  # a buffer, which may go to a file that landed() finds
    for p in (path, target):
        if p:
            run.checkpoints[p] = True
    log.write("file", True, op=n, what=kind, path=path, target=target, step=run.steps, size=os.path.getsize(path) if kind == "copy" else 0, at=place())
    return n


def opened(path, mode, flags):
    """Notes a file that is opened to be written: a checkpoint may go there that was saved into a buffer, as Lightning does."""
    if not isinstance(path, (str, bytes, os.PathLike)) or not isinstance(flags, int) or not flags & (os.O_WRONLY | os.O_RDWR):
        return
    path = named(path)
    if path.startswith(SETTINGS["events"]):
        return
    if run.torn is not None and path == SETTINGS["kill"].get("path"):
        data, run.torn, run.buffered = run.torn, None, {}
        with open(os.path.join(SETTINGS["root"], path), "wb") as f:
            f.write(data)
        die()
    run.opened[path] = True


def landed():
    """Finds files that hold by now what was saved into a buffer. A kill that was to tear such a file comes before anything else is done to it."""
    for path in list(run.opened):
        try:
            size = os.path.getsize(os.path.join(SETTINGS["root"], path))
        except OSError:
            del run.opened[path]
            continue
        if any(size == s for _, s in run.buffered.values()):
            op, _ = run.buffered.get(digest_file(os.path.join(SETTINGS["root"], path)), (0, 0))
            if op:
                if run.torn is not None:
                    die()
                del run.opened[path]
                run.checkpoints[path] = True
                log.write("file", True, op=op, what="save", path=path, target="", step=run.steps, size=0, at="")


class Torn(io.RawIOBase):
    """A file that ends the run when so many bytes have been written to it."""

    def __init__(self, file, limit):
        self.file, self.left = file, limit

    def write(self, data):
        data = memoryview(data).cast("B")
        self.file.write(data[: self.left])
        self.left -= len(data)
        if self.left <= 0:
            self.file.flush()
            die()
        return len(data)

    def flush(self):
        self.file.flush()

    def writable(self):
        return True


def tear(save, obj, f, args, kwargs, limit):
    """Writes a checkpoint up to a number of bytes, and dies there: what a kill in mid-write leaves."""
    if isinstance(f, (str, bytes, os.PathLike)):
        f = open(f, "wb")
    if limit <= 0:
        f.flush()
        die()
    save(obj, Torn(f, limit), *args, **kwargs)
    f.flush()
    die()


def die():
    """Ends all processes of the run the way a lost machine does: no handler runs, nothing is flushed."""
    log.write("killed", True, step=run.steps)
    for name in os.listdir(SETTINGS["pids"]):
        if int(name) != os.getpid():
            try:
                os.kill(int(name), signal.SIGKILL)
            except OSError:
                pass
    os.kill(os.getpid(), signal.SIGKILL)
