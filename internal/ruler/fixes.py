"""What fixes break on real code: all safe ones together as check --fix writes them, then each one alone."""
import collections
import concurrent.futures
import json
import pathlib
import shutil
import sys
import tempfile

import flaws
import source
import trees

# READ are the files that the engine looks at; nothing else is copied.
READ = ("*.py", "*.ipynb", "*.toml", "requirements*.txt", ".gitignore")


def run(args):
    program, listed = trees.binary(args), trees.listed(args.trees)
    flags = ["--select", args.select] if args.select else []
    broken, applied = [], collections.Counter()
    with concurrent.futures.ProcessPoolExecutor(args.jobs) as pool:
        running = [pool.submit(look, program, name, path, flags) for name, path in listed.items()]
        for i, done in enumerate(concurrent.futures.as_completed(running), 1):
            wrong, count = done.result()
            broken += wrong
            applied.update(count)
            print(f"\r{i} of {len(listed)} trees", end="", file=sys.stderr, flush=True)
    print(file=sys.stderr)
    report(broken, applied, len(listed))
    if args.json:
        with open(args.json, "w") as out:
            json.dump(sorted(broken, key=lambda b: (b["kind"], b["fix"], b["tree"], b["path"])), out, indent=1)
    return 1 if broken else 0


def report(broken, applied, count):
    kinds = collections.defaultdict(list)
    for b in broken:
        kinds[b["kind"]].append(b)
    for kind in sorted(kinds):
        print(f"== {kind}: {len(kinds[kind])}")
        for b in sorted(kinds[kind], key=lambda b: (b["fix"], b["tree"], b["path"])):
            print(f"  {b['fix']}\n      {b['tree']}:{b['path']}: {b['what']}")
    print(f"{count} trees, " + ", ".join(f"{n} {what}" for what, n in applied.most_common()))
    print("nothing is broken" if not broken else f"{len(broken)} broken: " + ", ".join(f"{len(k)} {kind}" for kind, k in kinds.items()))


def look(program, name, path, flags):
    """What is broken in one tree, and how many fixes were tried."""
    broken, applied = [], collections.Counter()

    def wrong(fix, kind, path, what):
        broken.append({"tree": name, "fix": fix, "kind": kind, "path": path, "what": what})

    with tempfile.TemporaryDirectory(prefix="ruler-") as folder:
        copy(pathlib.Path(path), pathlib.Path(folder))
        before = texts(folder)
        first, code, said = trees.check(program, folder, *flags)
        if code not in (0, 1):
            wrong("check", "exit code", "", f"{code}: {said}")
            return broken, applied
        for fix, codes, places in distinct(first):
            applied[f"{fix['applicability']} fixes alone"] += 1
            for path, edits in by_path(fix["edits"]).items():
                for kind, what in changed(before[path], lambda text: text.edited(edits)):
                    wrong(f"{codes} {fix['applicability']}: {fix['title']}", kind, path, f"{what}, fix at {places}")
        left, code, said = trees.check(program, folder, "--fix", *flags)
        if code not in (0, 1):
            wrong("check --fix", "exit code", "", f"{code}: {said}")
            return broken, applied
        after = texts(folder)
        for path in before:
            if before[path] != after[path]:
                applied["files fixed"] += 1
                for kind, what in changed(before[path], lambda _: after[path]):
                    wrong("check --fix", kind, path, what)
        for path, code, what in introduced(first, left):
            wrong("check --fix", "introduces a finding", path, f"{code} {what}")
        _, code, said = trees.check(program, folder, "--fix", *flags)
        again = texts(folder)
        if code not in (0, 1):
            wrong("check --fix, a second time", "exit code", "", f"{code}: {said}")
        for path in after:
            if after[path] != again[path]:
                wrong("check --fix, a second time", "does not settle", path, "the second run changes the file again")
    return broken, applied


def copy(tree, folder):
    for pattern in READ:
        for path in tree.rglob(pattern):
            if path.is_file() and not path.is_symlink():
                to = folder / path.relative_to(tree)
                to.parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(path, to)


def texts(folder):
    """The bytes of the sources below a folder, by path."""
    folder = pathlib.Path(folder)
    return {str(p.relative_to(folder)): (str(p), p.read_bytes()) for pattern in READ[:2] for p in folder.rglob(pattern)}


def changed(named, change):
    """The new flaws of a text that change makes."""
    text = source.Text.of(*named)
    after = change(text)
    if isinstance(after, tuple):
        after = source.Text.of(*after)
    return flaws.new(text.python(), after.python())


def by_path(edits):
    out = collections.defaultdict(list)
    for e in edits:
        out[e["path"]].append(e)
    return out


def distinct(report):
    """The fixes of a report, each once, with the rules whose findings it clears and where those stand."""
    fixes = {}
    for d in report["diagnostics"]:
        for f in d["fixes"]:
            key = json.dumps([f["title"], f["edits"]])
            if f["edits"]:
                fix, codes, places = fixes.setdefault(key, (f, [], []))
                codes.append(d["code"])
                places.append(f"{d['path']}:{d['range']['start']['line']}")
    return [(f, ", ".join(sorted(set(codes))), ", ".join(dict.fromkeys(places))) for f, codes, places in fixes.values()]


def introduced(first, left):
    """The errors and warnings that are there after the fixes and were not before, by file and rule."""
    counts = lambda report: collections.Counter((d["path"], d["code"]) for d in report["diagnostics"] if d["severity"] in ("error", "warning"))
    for path, code in counts(left) - counts(first):
        new = [d for d in left["diagnostics"] if (d["path"], d["code"]) == (path, code)]
        yield path, code, f"line {new[-1]['range']['start']['line']}: {new[-1]['message']}"
