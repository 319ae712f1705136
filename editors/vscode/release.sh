#!/usr/bin/env bash
# Packages the extension with a server. release.sh host builds the server for this machine, with its own C compiler, and writes
# dist-release/ckpt-lsp-host.vsix. release.sh PLATFORM BINARY OUT VERSION [--pre-release] packages a binary that is there already, as the release script
# (docs/releasing.md) does for each platform; a NOTICE beside the binary is packaged, too.
set -euo pipefail
cd "$(dirname "$0")"

platform=${1:?release.sh: name the platform, or host}
[ -d node_modules ] || npm ci --no-audit --no-fund --ignore-scripts
npx tsc -p .
node esbuild.mjs
rm -rf bundled
mkdir -p bundled/bin
cp ../../LICENSE . # the page of an extension shows it
trap 'rm -f LICENSE' EXIT
if [ "$platform" = host ]; then
  mkdir -p dist-release
  (cd ../.. && go build -trimpath -ldflags "-s -w" -o "editors/vscode/bundled/bin/ckpt-lsp$(go env GOEXE)" ./cmd/ckpt-lsp)
  npx vsce package --no-dependencies --out dist-release/ckpt-lsp-host.vsix
else
  binary=$2 out=$3 version=$4
  shift 4
  cp "$binary" bundled/bin/
  notice=$(dirname "$binary")/NOTICE
  [ ! -f "$notice" ] || cp "$notice" bundled/
  npx vsce package "$version" --no-git-tag-version --no-update-package-json --target "$platform" --no-dependencies "$@" --out "$out"
fi
