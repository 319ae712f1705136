"""Loads files for `ckpt-lsp prove` and says, a line of JSON for each, whether that works: python ckpt_prove_inspect.py < list of paths."""

import json
import sys

import torch

from ckpt_prove_watch import first_line


def attempt(path, weights_only):
    try:
        torch.load(path, map_location="cpu", weights_only=weights_only)
        return ""
    except Exception as error:
        return first_line(error)


for line in sys.stdin:
    path = line.rstrip("\n")
    strict = attempt(path, True)
    print(json.dumps({"path": path, "weights_only": strict, "any": strict and attempt(path, False)}), flush=True)
