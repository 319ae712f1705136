# Python runs this file at its start, because `ckpt-lsp prove` puts its directory first on PYTHONPATH. It watches the run, and then
# makes way for the sitecustomize that it hides.
import importlib.machinery
import importlib.util
import os
import sys

_here = os.path.dirname(os.path.abspath(__file__))

if os.environ.get("CKPT_PROVE_WRITE"):
    import ckpt_prove_guard

if os.environ.get("CKPT_PROVE"):
    import ckpt_prove_watch

    ckpt_prove_watch.start()

_spec = importlib.machinery.PathFinder.find_spec("sitecustomize", [p for p in sys.path if os.path.abspath(p or ".") != _here])
if _spec is not None and _spec.loader is not None:
    _hidden = importlib.util.module_from_spec(_spec)
    sys.modules["sitecustomize"] = _hidden
    _spec.loader.exec_module(_hidden)
