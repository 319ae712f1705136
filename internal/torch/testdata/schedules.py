"""Print the learning rates that torch itself computes, as JSON, for schedule_test.go.

Each case: class, arguments, base rate, the uninterrupted rates, and for some epochs the rates of runs resumed there with
parts of the state restored. Run it with any torch >= 1.13: python schedules.py > schedules.json
"""
import json
import random
import sys
import warnings

import torch
from torch.optim import lr_scheduler as L

warnings.simplefilter("ignore")
random.seed(7)
EPOCHS = 200


def build(case):
    p = torch.nn.Parameter(torch.zeros(1))
    optimizer = torch.optim.SGD([p], lr=case["base"], momentum=0.9)
    return optimizer, scheduler(optimizer, case)


def scheduler(optimizer, case):
    if case["class"] == "SequentialLR":
        parts = [scheduler(optimizer, part) for part in case["parts"]]
        return L.SequentialLR(optimizer, parts, milestones=case["args"]["milestones"])
    return getattr(L, case["class"])(optimizer, **case["args"])


def rates(optimizer, sched, count):
    out = []
    for _ in range(count):
        out.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        try:
            sched.step()
        except ValueError:  # OneCycleLR past its end
            break
    return out


def resumed(case, done, opt, sch, behind, count):
    optimizer, sched = build(case)
    rates(optimizer, sched, done - 1 if behind else done)
    saved = optimizer.state_dict(), sched.state_dict()
    optimizer, sched = build(case)
    if opt:
        optimizer.load_state_dict(saved[0])
    if sch:
        sched.load_state_dict(saved[1])
    return rates(optimizer, sched, count)


def cases():
    u = lambda a, b: round(random.uniform(a, b), 4)
    for _ in range(4):
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
    yield "MultiStepLR", dict(milestones=[30, 30, 60])
    yield "StepLR", dict(step_size=30)
    yield "LinearLR", {}
    yield "ConstantLR", {}
    yield "PolynomialLR", {}
    yield "OneCycleLR", dict(max_lr=0.1, epochs=20, steps_per_epoch=12)


def sequential():
    yield dict(milestones=[5]), [("LinearLR", dict(start_factor=0.1, total_iters=5)), ("CosineAnnealingLR", dict(T_max=100))]
    yield dict(milestones=[10, 60]), [("ConstantLR", dict(factor=0.2, total_iters=10)), ("ExponentialLR", dict(gamma=0.97)), ("StepLR", dict(step_size=20))]


def emit(case):
    optimizer, sched = build(case)
    case["rates"] = rates(optimizer, sched, EPOCHS)
    case["resumed"] = []
    if case["class"] == "SequentialLR":
        return case
    for done in (1, 17, 40, 90):
        for opt, sch, behind in ((1, 0, 0), (0, 1, 0), (0, 0, 0), (1, 1, 0), (1, 1, 1)):
            case["resumed"].append(dict(done=done, optimizer=opt, scheduler=sch, behind=behind, rates=resumed(case, done, opt, sch, behind, 40)))
    return case


out = [emit({"class": name, "args": args, "base": random.choice([0.1, 0.01, 3e-4])}) for name, args in cases()]
for args, parts in sequential():
    out.append(emit({"class": "SequentialLR", "args": args, "parts": [{"class": n, "args": a} for n, a in parts], "base": 0.1}))
json.dump({"torch": torch.__version__, "cases": out}, sys.stdout, separators=(",", ":"))
