#!/usr/bin/env bash
# Prints the command that runs zig, the C compiler of all releases; installs it, where it is not, from PyPI.
set -euo pipefail
version=0.17.1
home=${XDG_CACHE_HOME:-$HOME/.cache}/ckpt-lsp/zig-$version
if [ ! -x "$home/bin/python" ] || ! "$home/bin/python" -m ziglang version >/dev/null 2>&1; then
  rm -rf "$home"
  python3 -m venv "$home"
  "$home/bin/pip" install -q --disable-pip-version-check "ziglang==$version" >&2
fi
echo "$home/bin/python -m ziglang"
