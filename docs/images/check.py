"""Draw docs/images/check.svg: what `ckpt-lsp check` prints for the first scenario. Needs the rich package.

usage: CLICOLOR_FORCE=1 ckpt-lsp check FILE | python docs/images/check.py "ckpt-lsp check FILE" docs/images/check.svg
"""
import io
import re
import sys

from rich.console import Console
from rich.text import Text

console = Console(record=True, width=100, file=io.StringIO(), force_terminal=True)
console.print(Text("$ " + sys.argv[1], style="bold"))
console.print(Text.from_ansi(sys.stdin.read()))
svg = console.export_svg(title="ckpt-lsp").replace("<svg ", '<svg xml:space="preserve" ', 1)
svg = re.sub(r"\s*@font-face \{.*?\}", "", svg, flags=re.DOTALL)  # no font of another host
with open(sys.argv[2], "w", encoding="utf-8") as file:
    file.write(svg)
