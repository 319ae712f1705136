"""Write checkpoints of every kind that this machine's torch and its neighbours write, and what torch itself says of them.

    python3 make.py DIRECTORY
    python3 make.py DIRECTORY migrated    # compare DIRECTORY/migrated/*.safetensors with the files that they were made of

DIRECTORY/truth.json has for each file its tensors (dtype, shape, a digest of the values, how many are NaN or infinite), and whether
torch.load takes it with weights_only=True.
"""

import argparse
import collections
import copy
import hashlib
import json
import os
import pathlib
import pickle
import random
import sys
import warnings

import numpy as np
import torch

warnings.filterwarnings("ignore")
OUT = sys.argv[1]
TORCH = tuple(int(x) for x in torch.__version__.split("+")[0].split("a")[0].split(".")[:2])
truth = {}
absent = {}


def digest(t):
    """The bytes of a tensor's values in order, as a digest."""
    if t.layout != torch.strided or t.is_quantized or t.is_meta:
        return None
    t = t.detach().cpu()
    try:
        data = t.contiguous().clone().reshape(-1).view(torch.uint8).numpy().tobytes() if t.numel() else b""
    except (RuntimeError, TypeError):
        return None
    return hashlib.sha256(data).hexdigest()


def counts(t):
    if t.layout != torch.strided or not t.is_floating_point() or t.is_meta:
        return [0, 0]
    try:
        t = t.detach().cpu().double()
        return [int(torch.isnan(t).sum()), int(torch.isinf(t).sum())]
    except RuntimeError:
        return None


def walk(value, path, out):
    if isinstance(value, torch.nn.Module):
        for k, v in {**dict(value.named_parameters()), **dict(value.named_buffers())}.items():
            walk(v, path + [k], out)
    elif isinstance(value, torch.Tensor):
        nan = counts(value)
        out["/".join(path)] = {
            "dtype": str(value.dtype).replace("torch.", ""), "shape": list(value.shape), "digest": digest(value),
            "nan": nan[0] if nan else None, "inf": nan[1] if nan else None,
        }
    elif isinstance(value, torch.storage.TypedStorage if hasattr(torch.storage, "TypedStorage") else torch.storage._TypedStorage):
        walk(torch.tensor(value.tolist(), dtype=value.dtype), path, out)
    elif isinstance(value, np.ndarray):
        out["/".join(path)] = {"dtype": str(value.dtype), "shape": list(value.shape), "digest": None, "nan": None, "inf": None}
    elif isinstance(value, dict):
        for k, v in value.items():
            walk(v, path + [str(k)], out)
    elif isinstance(value, (list, tuple)) and not isinstance(value, torch.Size):
        for i, v in enumerate(value):
            walk(v, path + [str(i)], out)


def load(path, **more):
    return torch.load(path, map_location="cpu", **more)


def say(name, value=None):
    """What torch says of a file."""
    path = os.path.join(OUT, name)
    entry = {"tensors": {}}
    if value is None:
        try:
            value = load(path, weights_only=False)
        except TypeError:
            value = load(path)
    walk(value, [], entry["tensors"])
    try:
        load(path, weights_only=True)
        entry["weights_only"] = True
    except Exception as e:  # whatever it is: it does not load
        entry["weights_only"] = False
        entry["refusal"] = str(e)[-300:]
    truth[name] = entry


def save(name, value, **options):
    torch.save(value, os.path.join(OUT, name), **options)
    say(name)


class Net(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = torch.nn.Conv2d(1, 4, 3)
        self.bn = torch.nn.BatchNorm2d(4)
        self.fc = torch.nn.Linear(4, 2)

    def forward(self, x):
        return self.fc(self.bn(self.conv(x)).mean((2, 3)))


def trained(make, schedule=None):
    torch.manual_seed(0)
    model = Net()
    optimizer = make(model.parameters())
    scheduler = schedule(optimizer) if schedule else None
    for _ in range(2):
        optimizer.zero_grad()
        loss = model(torch.randn(2, 1, 8, 8)).sum()
        if isinstance(optimizer, torch.optim.LBFGS):
            optimizer.step(lambda: model(torch.ones(2, 1, 8, 8)).sum())
        else:
            loss.backward()
            optimizer.step()
        if isinstance(scheduler, torch.optim.lr_scheduler.ReduceLROnPlateau):
            scheduler.step(1.0)
        elif scheduler:
            scheduler.step()
    return model, optimizer, scheduler


def dtypes():
    names = """float64 float32 float16 bfloat16 complex128 complex64 complex32 int64 int32 int16 int8 uint8 bool uint16 uint32 uint64
        float8_e4m3fn float8_e5m2 float8_e4m3fnuz float8_e5m2fnuz float8_e8m0fnu float4_e2m1fn_x2""".split()
    for name in names:
        dtype = getattr(torch, name, None)
        if dtype is None:
            continue
        try:
            t = torch.arange(12, dtype=torch.uint8).repeat(16)
            save(f"dtype-{name}.pt", {"t": t.view(dtype)[:6].clone().reshape(2, 3), "empty": torch.empty(0, 4, dtype=dtype), "scalar": t.view(dtype)[0].clone()})
        except Exception as e:
            absent[f"dtype-{name}"] = str(e)
    q = torch.randn(4, 4)
    save("quantized.pt", {
        "qint8": torch.quantize_per_tensor(q, 0.1, 0, torch.qint8), "quint8": torch.quantize_per_tensor(q, 0.1, 3, torch.quint8),
        "qint32": torch.quantize_per_tensor(q, 0.1, 0, torch.qint32),
        "channel": torch.quantize_per_channel(q, torch.ones(4), torch.zeros(4), 0, torch.qint8),
    })
    save("layouts.pt", {
        "coo": torch.eye(3).to_sparse(), "meta": torch.empty(3, 5, device="meta"), "slice": torch.arange(1000.0)[10:20],
        "transposed": torch.arange(6.0).reshape(2, 3).t(), "expanded": torch.ones(3, 1).expand(3, 4), "channels": torch.randn(2, 3, 4, 5).to(memory_format=torch.channels_last),
    })
    try:
        save("csr.pt", {"csr": torch.eye(3).to_sparse_csr()})
    except Exception as e:
        absent["csr"] = str(e)
    shared = torch.arange(10.0)
    save("shared.pt", {"whole": shared, "half": shared[5:], "again": shared, "bytes": torch.zeros(3)})
    save("numbers.pt", {"w": torch.tensor([1.0, float("nan"), float("inf"), -float("inf"), float("nan")]), "h": torch.tensor([float("nan"), 1.0]).half(), "b": torch.tensor([float("inf"), 1.0]).bfloat16(),
                        "t": torch.tensor([[1.0, float("nan")], [2.0, 3.0]]).t()})
    save("parameter.pt", {"p": torch.nn.Parameter(torch.ones(2, 2)), "q": torch.nn.Parameter(torch.ones(3), requires_grad=False)})
    save("many.pt", {f"layer{i}.weight": torch.full((3,), float(i)) for i in range(2000)})
    save("bare.pt", torch.arange(4.0))
    save("list.pt", [torch.ones(1), {"a": torch.ones(2)}, (torch.ones(3), 5)])
    save("storage.pt", {"s": torch.ones(4).storage()})


def optimizers():
    O, S = torch.optim, torch.optim.lr_scheduler
    for name, make in {
        "sgd": lambda p: O.SGD(p, lr=0.1), "momentum": lambda p: O.SGD(p, lr=0.1, momentum=0.9), "adam": lambda p: O.Adam(p, lr=1e-3), "adamw": lambda p: O.AdamW(p, lr=1e-3, amsgrad=True),
        "rmsprop": lambda p: O.RMSprop(p, lr=1e-2), "adagrad": lambda p: O.Adagrad(p), "adadelta": lambda p: O.Adadelta(p), "adamax": lambda p: O.Adamax(p), "asgd": lambda p: O.ASGD(p),
        "rprop": lambda p: O.Rprop(p), "nadam": lambda p: O.NAdam(p), "radam": lambda p: O.RAdam(p), "lbfgs": lambda p: O.LBFGS(p),
    }.items():
        model, optimizer, _ = trained(make)
        save(f"optimizer-{name}.pt", {"model": model.state_dict(), "optimizer": optimizer.state_dict()})
    for name, make in {
        "step": lambda o: S.StepLR(o, 30), "multistep": lambda o: S.MultiStepLR(o, [3, 5]), "exponential": lambda o: S.ExponentialLR(o, 0.9), "cosine": lambda o: S.CosineAnnealingLR(o, 10),
        "plateau": lambda o: S.ReduceLROnPlateau(o), "onecycle": lambda o: S.OneCycleLR(o, 0.1, total_steps=10), "restarts": lambda o: S.CosineAnnealingWarmRestarts(o, 5),
        "cyclic": lambda o: S.CyclicLR(o, 0.01, 0.1, cycle_momentum=False), "lambda": lambda o: S.LambdaLR(o, lambda e: 0.9**e), "linear": lambda o: S.LinearLR(o),
        "constant": lambda o: S.ConstantLR(o), "polynomial": lambda o: S.PolynomialLR(o), "sequential": lambda o: S.SequentialLR(o, [S.LinearLR(o), S.StepLR(o, 3)], [2]),
        "chained": lambda o: S.ChainedScheduler([S.LinearLR(o), S.StepLR(o, 3)]), "multiplicative": lambda o: S.MultiplicativeLR(o, lambda e: 0.9),
        "swalr": lambda o: torch.optim.swa_utils.SWALR(o, 0.05),
    }.items():
        try:
            _, optimizer, scheduler = trained(lambda p: O.SGD(p, lr=0.1, momentum=0.9), make)
            save(f"scheduler-{name}.pt", {"optimizer": optimizer.state_dict(), "scheduler": scheduler.state_dict()})
        except Exception as e:
            absent[f"scheduler-{name}"] = str(e)


def components():
    model, optimizer, scheduler = trained(lambda p: torch.optim.AdamW(p, lr=1e-3), lambda o: torch.optim.lr_scheduler.StepLR(o, 30))
    scaler = torch.cuda.amp.GradScaler(enabled=False)
    ema = torch.optim.swa_utils.AveragedModel(model)
    ema.update_parameters(model)
    enabled = {"scale": 65536.0, "growth_factor": 2.0, "backoff_factor": 0.5, "growth_interval": 2000, "_growth_tracker": 3}
    full = {
        "epoch": 7, "global_step": 1234, "model": model.state_dict(), "optimizer": optimizer.state_dict(), "scheduler": scheduler.state_dict(), "scaler": enabled, "ema": ema.state_dict(),
        "torch_rng": torch.get_rng_state(), "python_rng": random.getstate(), "best_acc": 0.75, "torch_version": str(torch.__version__),
    }
    save("full.pt", full)
    save("full-legacy.pt", full, _use_new_zipfile_serialization=False)
    save("full-numpy.pt", {**full, "numpy_rng": np.random.get_state(), "best_acc": np.float64(0.75)})
    save("protocol-3.pt", full, pickle_protocol=3)
    save("protocol-4.pt", full, pickle_protocol=4)
    save("protocol-5-legacy.pt", full, pickle_protocol=5, _use_new_zipfile_serialization=False)
    save("scaler-disabled.pt", {"model": model.state_dict(), "scaler": scaler.state_dict()})
    save("state.pt", model.state_dict())
    save("ddp.pt", {"module." + k: v for k, v in model.state_dict().items()})
    save("compiled-ddp.pt", {"model": {"_orig_mod.module." + k: v for k, v in model.state_dict().items()}, "epoch": 3})
    save("fsdp.pt", {"model": {"_fsdp_wrapped_module." + k.replace("conv.", "conv._fsdp_wrapped_module."): v for k, v in model.state_dict().items()}})
    save("module.pt", model)
    save("module-in-dict.pt", {"model": copy.deepcopy(model), "epoch": 1})
    torch.save(optimizer, os.path.join(OUT, "optimizer-object.pt"))
    say("optimizer-object.pt")
    torch.jit.save(torch.jit.script(model), os.path.join(OUT, "script.pt"))
    out = {}
    walk(torch.jit.load(os.path.join(OUT, "script.pt")), [], out)
    truth["script.pt"] = {"tensors": out, "weights_only": False}


def values():
    """A value each, as programs put them into checkpoints."""
    for name, value in {
        "namespace": argparse.Namespace(lr=0.1, epochs=3), "path": pathlib.Path("a/b"), "counter": collections.Counter("aab"), "defaultdict": collections.defaultdict(int, a=1), "deque": collections.deque([1, 2]),
        "set": {1, 2}, "frozenset": frozenset([1]), "numpy-scalar": np.float64(0.5), "numpy-int": np.int64(3), "ndarray": np.arange(4.0), "numpy-bool": np.bool_(True), "float": 0.5, "int": 3, "big": 2**100, "none": None, "text": "x", "bytes": b"abc", "bytearray": bytearray(b"abc"),
        "complex": 1 + 2j, "dtype": torch.float16, "device": torch.device("cpu"), "size": torch.Size([1, 2]), "ordered": collections.OrderedDict(a=1), "version": torch.__version__, "tuple": (1, (2, "3")),
        "generator": torch.Generator().get_state(), "python-rng": random.getstate(), "numpy-rng": np.random.get_state(), "numpy-generator": np.random.default_rng(0).bit_generator.state, "slice": slice(1, 2), "range": range(3),
    }.items():
        try:
            save(f"value-{name}.pt", {"v": value, "w": torch.ones(1)})
        except Exception as e:
            absent[f"value-{name}"] = str(e)
    with open(os.path.join(OUT, "plain.pkl"), "wb") as f:
        pickle.dump({"a": [1, 2, {"b": None}], "numpy": np.ones((2, 3), dtype=np.float32)}, f)


def neighbours():
    """What frameworks write, as far as they are installed."""
    model, optimizer, scheduler = trained(lambda p: torch.optim.AdamW(p, lr=1e-3), lambda o: torch.optim.lr_scheduler.StepLR(o, 30))
    for make in (safetensors, lightning, accelerate, transformers, distributed, sharded, zero):
        try:
            make(model, optimizer, scheduler)
        except Exception as e:
            absent[make.__name__] = repr(e)


def safetensors(model, *_):
    from safetensors.torch import save_file, load_file

    names = "float64 float32 float16 bfloat16 int64 int32 int16 int8 uint8 bool float8_e4m3fn float8_e5m2 uint16 uint32 uint64".split()
    for name, tensors in {"model.safetensors": model.state_dict(), "dtypes.safetensors": {n: torch.arange(16, dtype=torch.uint8).repeat(8).view(getattr(torch, n))[:4].clone() for n in names if hasattr(torch, n)}}.items():
        save_file(tensors, os.path.join(OUT, name), metadata={"format": "pt", "torch_version": str(torch.__version__)})
        out = {}
        walk(load_file(os.path.join(OUT, name)), [], out)
        truth[name] = {"tensors": out, "weights_only": None}


def lightning(*_):
    os.environ["CUDA_VISIBLE_DEVICES"] = ""
    import lightning as L

    class Lit(L.LightningModule):
        def __init__(self):
            super().__init__()
            self.save_hyperparameters({"width": 4})
            self.net = Net()

        def training_step(self, batch, _):
            loss = self.net(batch[0]).sum()
            self.log("loss", loss)
            return loss

        def configure_optimizers(self):
            o = torch.optim.Adam(self.parameters())
            return [o], [torch.optim.lr_scheduler.StepLR(o, 3)]

    data = torch.utils.data.DataLoader(torch.utils.data.TensorDataset(torch.randn(4, 1, 8, 8)), batch_size=2)
    trainer = L.Trainer(max_epochs=2, accelerator="cpu", logger=False, enable_progress_bar=False, enable_model_summary=False, default_root_dir=OUT, enable_checkpointing=True)
    trainer.fit(Lit(), data)
    trainer.save_checkpoint(os.path.join(OUT, "lightning.ckpt"))
    say("lightning.ckpt")


def folder(name):
    """What torch says of each file in a folder."""
    for base, _, files in os.walk(os.path.join(OUT, name)):
        for f in sorted(files):
            path = os.path.relpath(os.path.join(base, f), OUT)
            if f.endswith((".pt", ".pth", ".bin")):
                say(path)
            elif f.endswith(".safetensors"):
                from safetensors.torch import load_file

                out = {}
                walk(load_file(os.path.join(OUT, path)), [], out)
                truth[path] = {"tensors": out, "weights_only": None}


def accelerate(model, optimizer, scheduler):
    from accelerate import Accelerator

    a = Accelerator(cpu=True)
    data = torch.utils.data.DataLoader(torch.utils.data.TensorDataset(torch.randn(4, 1, 8, 8)), batch_size=2)
    a.prepare(model, optimizer, scheduler, data)
    a.save_state(os.path.join(OUT, "accelerate"))
    folder("accelerate")


def transformers(*_):
    import transformers as T

    config = T.GPT2Config(n_layer=2, n_head=2, n_embd=16, vocab_size=50, n_positions=16)
    model = T.GPT2LMHeadModel(config)
    model.save_pretrained(os.path.join(OUT, "gpt2"))
    model.save_pretrained(os.path.join(OUT, "gpt2-sharded"), max_shard_size="8KB")
    folder("gpt2")
    folder("gpt2-sharded")
    rows = [{"input_ids": [1, 2, 3], "labels": [1, 2, 3]}] * 4
    args = T.TrainingArguments(os.path.join(OUT, "trainer"), max_steps=2, save_steps=1, per_device_train_batch_size=2, report_to=[], use_cpu=True, disable_tqdm=True, logging_steps=1)
    T.Trainer(model, args, train_dataset=rows).train()
    folder("trainer")


def distributed(model, optimizer, _):
    import torch.distributed.checkpoint as dcp

    state = {"model": model.state_dict(), "optimizer": optimizer.state_dict(), "epoch": 4}
    dcp.save(state, checkpoint_id=os.path.join(OUT, "dcp"))
    out = {}
    walk(state, [], out)
    truth["dcp"] = {"tensors": out, "weights_only": None}


def ranks(rank, path, written):
    """One of two processes that write a distributed tensor; written is the barrier at their end."""
    import torch.distributed as dist
    import torch.distributed.checkpoint as dcp
    from torch.distributed.device_mesh import init_device_mesh
    from torch.distributed.tensor import Shard, distribute_tensor

    dist.init_process_group("gloo", init_method=f"file://{path}.init", rank=rank, world_size=2)
    mesh = init_device_mesh("cpu", (2,))
    odd = odd_numbers()
    cut = {"rows": distribute_tensor(odd, mesh, [Shard(0)]), "columns": distribute_tensor(odd, mesh, [Shard(1)])}
    dcp.save({"model": {"w": distribute_tensor(torch.arange(12.0).reshape(4, 3), mesh, [Shard(0)]), "b": torch.ones(3), **cut}, "rank": rank}, checkpoint_id=path)
    torch.save({"w": distribute_tensor(torch.arange(12.0).reshape(4, 3), mesh, [Shard(0)])}, f"{path}-dtensor-{rank}.pt")
    written.wait(60)
    os._exit(0)  # destroy_process_group hangs now and then: it waits for gloo's thread while it holds the lock that the thread wants (torch 2.6)


def odd_numbers():
    odd = torch.arange(35.0).reshape(5, 7)
    odd[0, 6], odd[4, 0] = float("nan"), float("inf")
    return odd


def sharded(*_):
    path = os.path.join(OUT, "dcp-sharded")
    written = torch.multiprocessing.get_context("spawn").Barrier(2)
    torch.multiprocessing.spawn(ranks, (path, written), nprocs=2)
    truth["dcp-sharded"] = {"tensors": {
        "model/w": {"dtype": "float32", "shape": [4, 3], "digest": digest(torch.arange(12.0).reshape(4, 3)), "nan": 0, "inf": 0},
        "model/rows": {"dtype": "float32", "shape": [5, 7], "digest": digest(odd_numbers()), "nan": 1, "inf": 1},
        "model/columns": {"dtype": "float32", "shape": [5, 7], "digest": digest(odd_numbers()), "nan": 1, "inf": 1},
        "model/b": {"dtype": "float32", "shape": [3], "digest": digest(torch.ones(3)), "nan": 0, "inf": 0},
    }, "weights_only": None}
    for rank in range(2):
        truth[f"dcp-sharded-dtensor-{rank}.pt"] = {"tensors": {"w": {"dtype": "float32", "shape": [4, 3], "digest": None, "nan": None, "inf": None}}, "weights_only": None}


def imported_deepspeed():
    """DeepSpeed, on a CPU without a compiler and without /proc. It lies where CKPT_DEEPSPEED says: Transformers would import it, too."""
    import importlib
    import types

    sys.path.insert(0, os.environ.get("CKPT_DEEPSPEED", ""))
    os.environ.update(DS_ACCELERATOR="cpu", RANK="0", LOCAL_RANK="0", WORLD_SIZE="1", LOCAL_SIZE="1", CROSS_RANK="0", CROSS_SIZE="1", MASTER_ADDR="127.0.0.1", MASTER_PORT=str(29500 + os.getpid() % 1000), USE_LIBUV="0")
    import setuptools  # brings distutils, which Python 3.12 has dropped
    import psutil

    nothing = types.SimpleNamespace(rss=0, total=0, available=0, percent=0, used=0)
    psutil.Process = lambda *_: types.SimpleNamespace(memory_info=lambda: nothing)
    psutil.virtual_memory = lambda: nothing
    import deepspeed

    importlib.import_module("deepspeed.comm.torch").build_shm_op = lambda: None
    return deepspeed


def trained_by_deepspeed(stage, path):
    """Trains in a process of its own, whose process group ends with it, and has DeepSpeed write what it does."""
    deepspeed = imported_deepspeed()
    torch.manual_seed(0)
    model = torch.nn.Sequential(torch.nn.Linear(4, 8), torch.nn.Linear(8, 1))
    optimizer = torch.optim.AdamW(model.parameters(), lr=0.01)
    config = {"train_micro_batch_size_per_gpu": 2, "zero_optimization": {"stage": stage}, "zero_allow_untested_optimizer": True, "bf16": {"enabled": stage > 0}}
    engine, _, _, _ = deepspeed.initialize(model=model, optimizer=optimizer, config=config)
    for _ in range(2):
        loss = engine(torch.randn(2, 4).to(next(engine.module.parameters()).dtype)).float().pow(2).mean()
        engine.backward(loss)
        engine.step()
    engine.save_checkpoint(path, client_state={"epoch": 3})
    sys.stdout.flush()
    os._exit(0)


def zero(*_):
    imported_deepspeed()  # the files are pickles of its classes
    for stage in (0, 1, 2):
        p = torch.multiprocessing.get_context("spawn").Process(target=trained_by_deepspeed, args=(stage, os.path.join(OUT, f"zero-{stage}")))
        p.start()
        p.join(120)
        if p.exitcode != 0:
            p.kill()
            raise RuntimeError(f"DeepSpeed's process ended with {p.exitcode}")
        folder(f"zero-{stage}")


def deepspeed():
    """The files that DeepSpeed writes for ZeRO stage 2 on two ranks, made with torch.save as its engine does: the names and keys are those of its runtime/engine.py."""
    model, optimizer, scheduler = trained(lambda p: torch.optim.AdamW(p, lr=1e-3), lambda o: torch.optim.lr_scheduler.StepLR(o, 30))
    step = os.path.join(OUT, "deepspeed", "global_step2")
    os.makedirs(step, exist_ok=True)
    with open(os.path.join(OUT, "deepspeed", "latest"), "w") as f:
        f.write("global_step2")
    save("deepspeed/global_step2/mp_rank_00_model_states.pt", {
        "module": model.state_dict(), "buffer_names": ["bn.running_mean"], "optimizer": None, "param_shapes": [collections.OrderedDict((n, p.shape) for n, p in model.named_parameters())],
        "lr_scheduler": scheduler.state_dict(), "sparse_tensor_module_names": set(), "skipped_steps": 0, "global_steps": 2, "global_samples": 8, "dp_world_size": 2, "mp_world_size": 1, "ds_config": {"train_batch_size": 4}, "ds_version": "0.14.0",
    })
    for rank in range(2):
        save(f"deepspeed/global_step2/zero_pp_rank_{rank}_mp_rank_00_optim_states.pt", {
            "optimizer_state_dict": {"zero_stage": 2, "loss_scaler": None, "dynamic_loss_scale": True, "overflow": False, "partition_count": [2], "single_partition_of_fp32_groups": [torch.ones(30)],
                                     "base_optimizer_state": {"state": {0: {"step": 2, "exp_avg": torch.zeros(30), "exp_avg_sq": torch.zeros(30)}}, "param_groups": [{"lr": 1e-3, "params": [0]}]}},
            "ds_config": {}, "ds_version": "0.14.0",
        })


def migrated():
    """Whether what inspect --migrate wrote of our files is what safetensors' own library reads, with the values of the files."""
    from safetensors.torch import load_file

    with open(os.path.join(OUT, "truth.json")) as f:
        files = json.load(f)["files"]
    done = 0
    for name in sorted(os.listdir(os.path.join(OUT, "migrated"))):
        known = {t["digest"] for t in files[name.removesuffix(".safetensors")]["tensors"].values()}
        for key, value in load_file(os.path.join(OUT, "migrated", name)).items():
            done += 1
            if digest(value) not in known:
                sys.exit(f"{name}: {key} has values that the file has not")
    print(done, "migrated tensors have the values of their files")


if __name__ == "__main__":  # and not in the processes that are started
    if len(sys.argv) > 2:
        migrated()
        sys.exit()
    os.makedirs(OUT, exist_ok=True)
    torch.manual_seed(0)
    for part in (dtypes, optimizers, components, values, neighbours, deepspeed):
        part()
    with open(os.path.join(OUT, "truth.json"), "w") as f:
        json.dump({"torch": str(torch.__version__), "files": truth, "absent": absent}, f)
    print("torch", torch.__version__, len(truth), "files; absent:", json.dumps(absent, indent=1))
