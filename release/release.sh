#!/usr/bin/env bash
# Makes a release from a tag, in a clone of it: release/release.sh v1.2.3 [OUT [PLATFORMS]]. OUT is by default dist, PLATFORMS all, else names
# with commas between (linux-x64,darwin-arm64). "working-tree" in the place of the tag tries the packages of the working tree, as CI does.
# It needs Go, git, Python 3 with venv, and Node 20 with npm; docs/releasing.md says the rest.
set -euo pipefail

tag=${1:?release.sh: name the tag, as v1.2.3}
out=$(realpath -m "${2:-dist}")
cd "$(dirname "$0")/.."

if [ "$tag" = working-tree ]; then
  tag=v0.0.0-dev.1
else
  work=$(mktemp -d)
  trap 'rm -rf "$work"' EXIT
  git clone -q --branch "$tag" "$PWD" "$work/ckpt-lsp" 2>/dev/null || { echo "release.sh: there is no tag $tag" >&2; exit 1; }
  cd "$work/ckpt-lsp"
  release/stated.sh "$tag"
fi
rm -rf "$out"
zig=$(release/zig.sh)
date=$(git log -1 --format=%ct)
go run ./release -tag "$tag" -out "$out" -zig "$zig" -date "$date" ${3:+-targets "$3"}
release/try.sh "$out" "$tag"
go run ./release -tag "$tag" -out "$out" -page
