"""Loads files for `ckpt-lsp prove` and says, a line of JSON for each, whether that works: python ckpt_prove_inspect.py < list of paths."""

import json
import sys

import torch


def attempt(path, weights_only):
    try:
        torch.load(path, map_location="cpu", weights_only=weights_only)
        return ""
    except Exception as error:
        return (str(error).strip() or type(error).__name__).splitlines()[0][:300]


for line in sys.stdin:
    path = line.rstrip("\n")
    strict = attempt(path, True)
    print(json.dumps({"path": path, "weights_only": strict, "any": strict and attempt(path, False)}), flush=True)
