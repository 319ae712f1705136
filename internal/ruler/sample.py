"""Findings drawn at random for reading."""
import collections
import pathlib
import random

import goldens
import source


def draw(golden, n, seed, rules):
    """n errors and warnings: the rules in turn, and of a rule one from the repository that was drawn from least."""
    chance = random.Random(seed)
    by_rule = collections.defaultdict(list)
    for tree, t in golden.items():
        for f in t["findings"]:
            # A rule that is off by default reports as a hint, so these are the default selection's.
            if f["severity"] in ("error", "warning") and goldens.wanted(f, rules):
                by_rule[f["code"]].append((tree, f))
    for found in by_rule.values():
        chance.shuffle(found)
    drawn, taken = [], collections.Counter()
    while len(drawn) < n and by_rule:
        for code in chance.sample(sorted(by_rule), len(by_rule)):
            if len(drawn) == n:
                break
            found = by_rule[code]
            one = min(found, key=lambda x: taken[x[0]])
            found.remove(one)
            if not found:
                del by_rule[code]
            taken[one[0]] += 1
            drawn.append(one)
    return drawn


def run(args):
    golden = goldens.load(args.golden)
    for i, (tree, f) in enumerate(draw(golden, args.n, args.seed, args.rule), 1):
        print(f"[{i}] {f['severity']} {f['code']} {f['name']}  {goldens.where(tree, f)}\n    {f['message']}")
        for title, applicability in f["fixes"]:
            print(f"    fix ({applicability}): {title}")
        if args.brief:
            continue
        lines = source.Text.read(pathlib.Path(golden[tree]["path"]) / f["path"]).lines(f["cell"])
        first = max(1, f["line"] - args.context)
        for number, line in enumerate(lines[first - 1 : f["line"] + args.context], first):
            print(f"  {'>' if number == f['line'] else ' '}{number:5} {line}")
        print()
    return 0
