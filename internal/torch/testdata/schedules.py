"""Print the learning rates that torch itself computes, as JSON, for schedule_test.go.

Each case: class, arguments, base rate, the uninterrupted rates, and for some epochs the rates of runs resumed there with
parts of the state restored. A null says that torch raises. Run it with any torch >= 1.13: python schedules.py > schedules.json

With a seed, python schedules.py SEED, it draws other arguments, as far to the edges as torch lets them go; these are not kept.
"""
import json
import random
import sys
import warnings

import torch
from torch.optim import lr_scheduler as L

warnings.simplefilter("ignore")
SEED = int(sys.argv[1]) if len(sys.argv) > 1 else None
random.seed(7 if SEED is None else SEED)
EPOCHS = 200 if SEED is None else 201
DRAWS = 48
RESUMES = (1, 0, 0), (0, 1, 0), (0, 0, 0), (1, 1, 0), (1, 1, 1)  # optimizer, scheduler, behind


def build(case):
    p = torch.nn.Parameter(torch.zeros(1))
    optimizer = torch.optim.SGD([p], lr=case["base"], momentum=0.9)
    return optimizer, scheduler(optimizer, case)


def scheduler(optimizer, case):
    if case["class"] == "SequentialLR":
        parts = [scheduler(optimizer, part) for part in case["parts"]]
        return L.SequentialLR(optimizer, parts, milestones=case["args"]["milestones"])
    if case["class"] == "ChainedScheduler":
        made = {i: scheduler(optimizer, case["parts"][i]) for i in case["order"]}  # not always the order of their steps
        return L.ChainedScheduler([made[i] for i in range(len(made))])
    return getattr(L, case["class"])(optimizer, **case["args"])


def rates(optimizer, sched, count):
    out = []
    for _ in range(count):
        out.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        try:
            sched.step()
        except (ValueError, ZeroDivisionError):  # OneCycleLR past its end
            out.append(None)
            break
    return out


def resumed(case, done, opt, sch, behind, count):
    optimizer, sched = build(case)
    rates(optimizer, sched, done - 1 if behind else done)
    saved = optimizer.state_dict(), sched.state_dict(), sched  # of 1.13, the state of a CyclicLR works only while its owner lives
    optimizer, sched = build(case)
    if opt:
        optimizer.load_state_dict(saved[0])
    if sch:
        sched.load_state_dict(saved[1])
    return rates(optimizer, sched, count)


def cases():
    u = lambda a, b: round(random.uniform(a, b), 4)
    for _ in range(2):
        yield "StepLR", dict(step_size=random.randint(1, 60), gamma=u(0.05, 0.9))
        yield "MultiStepLR", dict(milestones=sorted(random.choices(range(1, 180), k=4)), gamma=u(0.05, 0.9))
        yield "ExponentialLR", dict(gamma=u(0.8, 0.999))
        yield "CosineAnnealingLR", dict(T_max=random.randint(10, 250), eta_min=u(0, 0.001))
        yield "LinearLR", dict(start_factor=u(0.05, 0.5), end_factor=u(0.5, 1), total_iters=random.randint(2, 50))
        yield "ConstantLR", dict(factor=u(0.1, 0.9), total_iters=random.randint(2, 50))
        yield "PolynomialLR", dict(total_iters=random.randint(5, 220), power=u(0.5, 3))
        yield "CosineAnnealingWarmRestarts", dict(T_0=random.randint(3, 40), T_mult=random.randint(1, 3), eta_min=u(0, 0.001))
        yield "OneCycleLR", dict(max_lr=u(0.05, 1), total_steps=EPOCHS + 1, pct_start=u(0.1, 0.45), anneal_strategy=random.choice(["cos", "linear"]),
                                 div_factor=u(2, 50), final_div_factor=u(10, 1e4), three_phase=random.random() < 0.5)
    yield "CyclicLR", dict(base_lr=0.001, max_lr=0.1, step_size_up=20)
    yield "CyclicLR", dict(base_lr=0.001, max_lr=0.1, step_size_up=20, step_size_down=7, mode="triangular2")
    yield "MultiStepLR", dict(milestones=[30, 30, 60])
    yield "StepLR", dict(step_size=30)
    yield "LinearLR", {}
    yield "ConstantLR", {}
    yield "PolynomialLR", {}
    yield "OneCycleLR", dict(max_lr=0.1, epochs=20, steps_per_epoch=12)


def compound():
    yield "ChainedScheduler", {}, [("ConstantLR", dict(factor=0.1, total_iters=20)), ("ExponentialLR", dict(gamma=0.97))]
    yield "SequentialLR", dict(milestones=[5]), [("LinearLR", dict(start_factor=0.1, total_iters=5)), ("CosineAnnealingLR", dict(T_max=100))]
    yield "SequentialLR", dict(milestones=[10, 60]), [("ConstantLR", dict(factor=0.2, total_iters=10)), ("ExponentialLR", dict(gamma=0.97)), ("StepLR", dict(step_size=20))]


def emit(case):
    optimizer, sched = build(case)
    case["rates"] = rates(optimizer, sched, EPOCHS)
    case["resumed"] = []
    if case["class"] == "SequentialLR":
        return case
    for done in (1, 17, 40, 90):
        for opt, sch, behind in RESUMES:
            case["resumed"].append(dict(done=done, optimizer=opt, scheduler=sch, behind=behind, rates=resumed(case, done, opt, sch, behind, 40)))
    return case


u = random.uniform
n = random.randint


def one(*choices):
    """One of the choices, each a value or a function that draws it: edges next to ranges."""
    c = random.choice(choices)
    return c() if callable(c) else c


DRAWN = {
    "StepLR": lambda: dict(step_size=one(1, 2, 200, 201, 500, lambda: n(1, 199)), gamma=one(0, 1, 1.02, 0.5, lambda: u(0.01, 0.99))),
    "MultiStepLR": lambda: dict(
        milestones=one([], [0], [1, 1, 1], [200, 300], [50, 20, 50], [12.5, 30.0], lambda: random.choices(range(1, 220), k=n(1, 6)), lambda: random.choices(range(20, 24), k=5)),
        gamma=one(1, 1.1, lambda: u(0.01, 0.99))),
    "ExponentialLR": lambda: dict(gamma=one(0, 1, 1.01, lambda: u(0.3, 1), lambda: u(0.95, 1))),
    "CosineAnnealingLR": lambda: dict(T_max=one(1, 2, 3, 199, 200, 201, 1000, 12.5, lambda: n(4, 198), lambda: n(202, 600)), eta_min=one(0, 0.5, lambda: u(0, 0.01))),
    "LinearLR": lambda: dict(start_factor=one(1, 1e-3, 1 / 3, lambda: u(0.01, 1)), end_factor=one(0, 1, lambda: u(0, 1)), total_iters=one(1, 2, 200, 201, 400, lambda: n(2, 199))),
    "ConstantLR": lambda: dict(factor=one(1, 1e-4, lambda: u(0.01, 1)), total_iters=one(1, 2, 200, 201, 400, lambda: n(2, 199))),
    "PolynomialLR": lambda: dict(total_iters=one(1, 2, 200, 201, 400, lambda: n(2, 199)), power=one(0, 0.5, 1, 2, 3, lambda: u(0.1, 5))),
    "CosineAnnealingWarmRestarts": lambda: dict(T_0=one(1, 2, 200, 201, lambda: n(1, 60)), T_mult=one(1, 2, 3, lambda: n(1, 7)), eta_min=one(0, 0.5, lambda: u(0, 0.01))),
    "OneCycleLR": lambda: dict(
        one(lambda: dict(total_steps=one(2, 10, 199, 200, 201, 1000, lambda: n(2, 400))), lambda: dict(epochs=n(1, 20), steps_per_epoch=n(2, 20))),
        max_lr=u(0.001, 2), pct_start=one(0.0, 0.1, 0.3, 0.5, 1.0, lambda: u(0, 1), lambda: u(0.05, 0.5)), anneal_strategy=one("cos", "linear"), three_phase=one(True, False),
        cycle_momentum=one(True, False), base_momentum=u(0.5, 0.85), max_momentum=u(0.85, 0.99), div_factor=one(1, 25, lambda: u(1, 100)),
        final_div_factor=one(1, 1e4, lambda: u(1, 1e5))),
    "CyclicLR": lambda: dict(
        base_lr=one(0, 0.01, lambda: u(1e-4, 0.1)), max_lr=one(0.1, lambda: u(0.001, 2)), step_size_up=one(1, 2, 7.5, 100, 200, 201, lambda: n(1, 150)),
        step_size_down=one(0, 1, 2.5, lambda: n(1, 150)), mode=one("triangular", "triangular2", "exp_range", "exp_range"), gamma=one(1, 0.5, 1.01, lambda: u(0.9, 1)),
        cycle_momentum=one(True, False)),
}
WARMUPS = "LinearLR", "ConstantLR"
DECAYS = "StepLR", "MultiStepLR", "ExponentialLR", "CosineAnnealingLR", "PolynomialLR"


def chain(depth=0):
    """The parts of a chain whose rates do not depend on the order in which they are made: warm-ups and decays, or one part that sets the rate, and decays."""
    setter = depth == 0 and one(None, "CosineAnnealingWarmRestarts", "SequentialLR")
    parts = [drawn(setter, chained=True)] if setter else []
    while len(parts) < n(1, 4):
        if depth < 2 and random.random() < 0.2:
            parts.append(compose("ChainedScheduler", chain(depth + 1 if not setter else 3)))
        else:
            part = drawn(random.choice(DECAYS if setter or depth == 3 else DECAYS + WARMUPS))
            if not (setter or depth == 3) or 0 not in part["args"].get("milestones", []):  # where it decays, the construction does too
                parts.append(part)
    random.shuffle(parts)
    return parts


def compose(name, parts):
    order = list(range(len(parts)))
    random.shuffle(order)
    return {"class": name, "args": {}, "parts": parts, "order": order, "base": one(0.1, 1, 3e-4)}


def drawn(name, chained=False):
    """A case whose arguments torch takes; half of the optional ones are left to their defaults."""
    while True:
        case = {"class": name, "base": one(0.1, 1, 3e-4, lambda: 10 ** u(-5, 0))}
        if name == "ChainedScheduler":
            return compose(name, chain())
        if name == "SequentialLR":
            case["parts"] = [drawn(random.choice([c for c in DRAWN if c != "CyclicLR" and (c != "OneCycleLR" or i == 0 and not chained)])) for i in range(n(1, 4))]
            case["args"] = dict(milestones=sorted(one(1, 5, 200, 201, 210, lambda: n(1, 199), lambda: n(20, 22)) for _ in case["parts"][1:]))
        else:
            optional = ("gamma", "eta_min", "start_factor", "end_factor", "power", "pct_start", "div_factor", "final_div_factor", "three_phase",
                        "step_size_down", "mode")
            case["args"] = {k: v for k, v in DRAWN[name]().items() if (name, k) == ("ExponentialLR", "gamma") or k not in optional or random.random() < 0.7}
        try:
            build(case)
        except ZeroDivisionError:  # OneCycleLR whose first phase has no steps
            continue
        return case


def emit_drawn(case):
    case["rates"] = rates(*build(case), EPOCHS)
    done = one(1, 2, lambda: n(1, 160))
    if len(case["rates"]) <= done + 1:  # raises before
        done = 1
    if len(case["rates"]) > 3:
        case["resumed"] = [dict(done=done, optimizer=o, scheduler=s, behind=b, rates=resumed(case, done, o, s, b, 40)) for o, s, b in RESUMES]
    return case


if SEED is not None:
    out = [emit_drawn(drawn(name)) for name in [*DRAWN, "SequentialLR", "ChainedScheduler"] for _ in range(DRAWS)]
    json.dump({"torch": torch.__version__, "seed": SEED, "cases": out}, sys.stdout, separators=(",", ":"))
    sys.exit()

out = [emit({"class": name, "args": args, "base": random.choice([0.1, 0.01, 3e-4])}) for name, args in cases()]
for name, args, parts in compound():
    out.append(emit({"class": name, "args": args, "parts": [{"class": n, "args": a} for n, a in parts], "order": list(range(len(parts))), "base": 0.1}))
json.dump({"torch": torch.__version__, "cases": out}, sys.stdout, separators=(",", ":"))
