"""Goldens: all findings in all trees, and what changed between two of them."""
import collections
import json
import sys

import trees


def finding(d):
    """What a golden keeps of a finding."""
    start = d["range"]["start"]
    return {
        "code": d["code"], "name": d["name"], "severity": d["severity"], "message": d["message"],
        "path": d["path"], "cell": d.get("cell", 0), "line": start["line"], "column": start["column"],
        "fixes": [[f["title"], f["applicability"]] for f in d["fixes"]],
    }


def run(args):
    program, listed = trees.binary(args), trees.listed(args.trees)

    def look(_, path):
        report, code, said = trees.check(program, path, "--select", "ALL")
        return {"path": path, "exit": code, "said": said if code not in (0, 1) else "", "findings": [finding(d) for d in report["diagnostics"]]}

    golden = trees.every(listed, args.jobs, look)
    with open(args.out, "w") as out:
        json.dump(golden, out, indent=0)
    for name, tree in golden.items():
        if tree["exit"] not in (0, 1):
            print(f"{name}: exit code {tree['exit']}: {tree['said']}")
    severities = collections.Counter(f["severity"] for t in golden.values() for f in t["findings"])
    print(f"{len(golden)} trees,", ", ".join(f"{n} {s}" for s, n in severities.most_common()))
    return 0 if all(t["exit"] in (0, 1) for t in golden.values()) else 1


def load(path):
    with open(path) as f:
        return json.load(f)


def wanted(f, rules):
    return not rules or f["name"] in rules or f["code"] in rules


def where(tree, f):
    cell = f":cell {f['cell']}" if f["cell"] else ""
    return f"{tree}:{f['path']}{cell}:{f['line']}"


KINDS = ("added", "removed", "moved", "severity", "message", "fixes")


def changes(old, new):
    """The changes between the findings of a tree, as (kind, old, new). Findings that are equal in the most are paired first."""
    left, right = list(old), list(new)
    at = lambda f: (f["code"], f["path"], f["cell"], f["line"])
    for key in (
        lambda f: (*at(f), f["column"], f["severity"], f["message"], f["fixes"]),
        lambda f: (*at(f), f["message"]),
        lambda f: (*at(f), f["column"]),
        at,
        lambda f: (f["code"], f["path"], f["message"]),
    ):
        waiting = collections.defaultdict(list)
        for f in left:
            waiting[json.dumps(key(f))].append(f)
        unpaired = []
        for g in right:
            same = waiting[json.dumps(key(g))]
            if not same:
                unpaired.append(g)
                continue
            f = same.pop(0)
            left.remove(f)
            if (f["line"], f["column"]) != (g["line"], g["column"]):
                yield "moved", f, g
            for kind in ("severity", "message", "fixes"):
                if f[kind] != g[kind]:
                    yield kind, f, g
        right = unpaired
    yield from (("removed", f, None) for f in left)
    yield from (("added", None, g) for g in right)


def told(kind, f, g):
    """A change in words, without its place."""
    one = g or f
    if kind == "moved":
        return f"from line {f['line']}: {one['message']}"
    if kind == "severity":
        return f"{f['severity']} -> {g['severity']}: {one['message']}"
    if kind == "message":
        return f"{f['message']}\n        -> {g['message']}"
    if kind == "fixes":
        said = lambda x: "; ".join(f"{title} ({applicability})" for title, applicability in x["fixes"]) or "none"
        return f"{said(f)}\n        -> {said(g)}"
    return f"{one['severity']}: {one['message']}"


def diff(args):
    old, new = load(args.old), load(args.new)
    for name in sorted(old.keys() ^ new.keys()):
        print(f"only in the {'old' if name in old else 'new'} golden: {name}", file=sys.stderr)
    rules = collections.defaultdict(lambda: collections.defaultdict(list))
    total = collections.Counter()
    for tree in (t for t in new if t in old):
        total.update(f["code"] + " " + f["name"] for f in new[tree]["findings"])
        for kind, f, g in changes(old[tree]["findings"], new[tree]["findings"]):
            one = g or f
            if wanted(one, args.rule):
                rules[f"{one['code']} {one['name']}"][kind].append((where(tree, one), told(kind, f, g)))
    for rule in sorted(rules) if not args.summary else ():
        print(f"== {rule}")
        for kind in KINDS:
            for place, text in sorted(rules[rule][kind]):
                print(f"  {kind:9}{place}\n        {text}")
    if rules:
        print(f"{'rule':40}" + "".join(f"{k:>9}" for k in KINDS) + f"{'now':>9}")
    for rule in sorted(rules):
        print(f"{rule:40}" + "".join(f"{len(rules[rule][k]) or '':>9}" for k in KINDS) + f"{total[rule]:>9}")
    return 1 if rules else 0
