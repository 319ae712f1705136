"""Trees of source code, and what ckpt-lsp says of them."""
import atexit
import concurrent.futures
import json
import pathlib
import shutil
import subprocess
import sys
import tempfile


SIDES = ("buggy", "fixed")  # of a repaired bug, each a tree


def listed(argument):
    """The trees of an argument, by name."""
    path = pathlib.Path(argument)
    if path.is_dir():
        folders = sorted(p for p in path.iterdir() if p.is_dir() and not p.name.startswith("."))
    else:
        folders = [pathlib.Path(line.strip()) for line in path.read_text().splitlines() if line.strip()]
    trees = {}
    for folder in folders:
        for tree in [folder / side for side in SIDES if (folder / side).is_dir()] or [folder]:
            trees[f"{tree.parent.name}/{tree.name}" if tree.name in SIDES else tree.name] = str(tree.resolve())
    if not trees:
        sys.exit(f"{argument}: no trees")
    return trees


def binary(args):
    """The binary to measure; built from the working tree for `none`."""
    if args.binary != "none":
        return str(pathlib.Path(args.binary).resolve())
    folder = tempfile.mkdtemp(prefix="ruler-")
    atexit.register(shutil.rmtree, folder)
    built = f"{folder}/ckpt-lsp"
    subprocess.run(["go", "build", "-o", built, "./cmd/ckpt-lsp"], cwd=args.root, check=True)
    return built


def check(program, tree, *flags):
    """The report of check in JSON, its exit code, and what it said on standard error."""
    run = subprocess.run([program, "check", "--format", "json", *flags, "."], cwd=tree, capture_output=True)
    report = json.loads(run.stdout) if run.returncode in (0, 1) else {"diagnostics": [], "errors": []}
    return report, run.returncode, run.stderr.decode(errors="replace")


def every(trees, jobs, work):
    """What work(name, path) gives for each tree, in parallel, with progress on standard error."""
    out = {}
    with concurrent.futures.ThreadPoolExecutor(jobs) as pool:
        running = {pool.submit(work, name, path): name for name, path in trees.items()}
        for done in concurrent.futures.as_completed(running):
            out[running[done]] = done.result()
            print(f"\r{len(out)} of {len(trees)} trees", end="", file=sys.stderr, flush=True)
    print(file=sys.stderr)
    return {name: out[name] for name in trees}
