"""Measure ckpt-lsp on real code: `python3 internal/ruler goldens|diff|fixes|sample --help`. docs/measuring.md says what for."""
import argparse
import pathlib
import sys

sys.dont_write_bytecode = True  # this folder is the repository's

import fixes  # noqa: E402
import goldens  # noqa: E402
import sample  # noqa: E402

ROOT = pathlib.Path(__file__).resolve().parents[2]


def main():
    parser = argparse.ArgumentParser(prog="ruler", description="Measure ckpt-lsp on trees of public code.")
    commands = parser.add_subparsers(required=True, metavar="goldens|diff|fixes|sample")

    def command(name, run, text):
        p = commands.add_parser(name, help=text, description=text)
        p.set_defaults(run=run)
        return p

    def common(p):
        p.add_argument("binary", help="a ckpt-lsp, or `none` to build the working tree's")
        p.add_argument("trees", help="a folder of trees, or a file with the path of a tree a line")
        p.add_argument("--jobs", type=int, default=2, help="trees looked at at once")

    p = command("goldens", goldens.run, "Write all findings in all trees to a file.")
    common(p)
    p.add_argument("out")

    p = command("diff", goldens.diff, "Say what changed between two goldens, by rule. Exit code 1 where anything did.")
    p.add_argument("old")
    p.add_argument("new")
    p.add_argument("--rule", action="append", help="only this rule, by name or code; may be repeated")
    p.add_argument("--summary", action="store_true", help="only the table")

    p = command("fixes", fixes.run, "Apply all safe fixes, then each fix alone, and say what they break. Exit code 1 where anything is broken.")
    common(p)
    p.add_argument("--select", help="as of check; default: the default selection")
    p.add_argument("--json", metavar="FILE", help="write what is broken to a file, too")

    p = command("sample", sample.run, "Print errors and warnings of the default selection, drawn evenly over rules and repositories, with the code around them.")
    p.add_argument("golden")
    p.add_argument("n", type=int)
    p.add_argument("seed", type=int)
    p.add_argument("--rule", action="append", help="only this rule, by name or code; may be repeated")
    p.add_argument("--context", type=int, default=25, help="lines before and after")
    p.add_argument("--brief", action="store_true", help="one line a finding, without code")

    args = parser.parse_args()
    args.root = ROOT
    sys.exit(args.run(args))


if __name__ == "__main__":
    main()
