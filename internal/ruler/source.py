"""Source texts, as check means them: lines end at \\n, \\r\\n and \\r, columns count characters, and a notebook is its cells."""
import dataclasses
import io
import json
import re
import tokenize

LINE_END = re.compile(r"\r\n|\r|\n")
MAGIC = re.compile(r"^(\s*)[%!?].*|^(\s*)\S+\?+\s*$", re.M)


@dataclasses.dataclass(frozen=True)
class Text:
    """The parts of a file by cell: a Python file is part 0, the cells of a notebook count from 1."""
    parts: dict

    @staticmethod
    def read(path):
        return Text.of(str(path), path.read_bytes())

    @staticmethod
    def of(path, data):
        if path.endswith(".ipynb"):
            cells = json.loads(data).get("cells", [])
            return Text({i: "".join(c["source"]) for i, c in enumerate(cells, 1) if c.get("cell_type") == "code"})
        try:
            encoding = tokenize.detect_encoding(io.BytesIO(data).readline)[0]
            return Text({0: data.decode(encoding)})
        except (SyntaxError, UnicodeDecodeError):
            return Text({0: data.decode("latin-1")})

    def lines(self, cell):
        return LINE_END.split(self.parts[cell])

    def edited(self, edits):
        """The text with edits as check's JSON has them."""
        parts = dict(self.parts)
        for cell in {e.get("cell", 0) for e in edits}:
            text = parts[cell]
            starts = [0] + [m.end() for m in LINE_END.finditer(text)]
            offset = lambda p: starts[p["line"] - 1] + p["column"] - 1
            spans = [(offset(e["range"]["start"]), offset(e["range"]["end"]), i, e["newText"]) for i, e in enumerate(edits) if e.get("cell", 0) == cell]
            for start, end, _, new in sorted(spans, reverse=True):  # insertions at one place stand in their order
                text = text[:start] + new + text[end:]
            parts[cell] = text
        return Text(parts)

    def python(self):
        """The whole as one Python text; magics and shell commands of notebooks are blank."""
        if 0 in self.parts:
            return self.parts[0]
        return "\n".join(MAGIC.sub(lambda m: (m[1] or m[2] or "") + "pass", part) for part in self.parts.values())
