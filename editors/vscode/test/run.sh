#!/usr/bin/env bash
# Tests of the extension in a real VS Code: code-server, its page held by Chromium. Arguments name the tests (unit, api, ui,
# servers); without any all are run. What is missing is installed where npm brings it; else the tests are skipped, and under CI=1 they fail.
#   CKPT_LSP_SERVER  the server's binary; by default it is built
#   CODE_SERVER_DIR  where code-server is, or is installed
#   CHROMIUM         the browser
#   CKPT_PICTURES    1 takes the pictures of the README anew
#   CKPT_FAILURES    a folder for pictures of what failed
set -euo pipefail
cd "$(dirname "$0")/.."

lacking() { # WHAT: skip, or fail under CI
  if [ -n "${CI:-}" ]; then
    echo "FAIL: the VS Code tests need $1" >&2
    exit 1
  fi
  echo "SKIPPED: the VS Code tests need $1" >&2
  exit 0
}

command -v npm >/dev/null || lacking "npm and Node 20"
export CHROMIUM=${CHROMIUM:-$(command -v chromium || true)}
[ -x "$CHROMIUM" ] || lacking chromium
export CODE_SERVER_DIR=${CODE_SERVER_DIR:-${XDG_CACHE_HOME:-$HOME/.cache}/ckpt-lsp/code-server}
if [ ! -x "$CODE_SERVER_DIR/node_modules/.bin/code-server" ]; then
  command -v rg >/dev/null || lacking "ripgrep"
  test/install-code-server.sh "$CODE_SERVER_DIR" || lacking "code-server, which could not be installed"
fi
if [ ! -d node_modules ]; then
  npm ci --no-audit --no-fund --ignore-scripts || lacking "the packages of package-lock.json, which could not be installed"
fi

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
(cd ../.. && go build -o "$work/ckpt-lsp" ./cmd/ckpt-lsp)
export CKPT_LSP_CLI=$work/ckpt-lsp # what the extension shows is compared with what this prints
export CKPT_LSP_SERVER=${CKPT_LSP_SERVER:-$work/ckpt-lsp}

npx tsc -p .
node esbuild.mjs
CKPT_LSP_CLI=$CKPT_LSP_CLI node test/settings.mjs --check
[ $# -gt 0 ] || set -- unit api ui servers
# Every session with the server is recorded, and each of its messages checked.
(cd ../.. && go build -o "$work/proxy" ./internal/lsptest/proxy)
cat >"$work/recorded" <<EOF
#!/bin/sh
[ "\$1" = server ] || exec "$CKPT_LSP_SERVER" "\$@"
PROXY_SERVER="$CKPT_LSP_SERVER" exec "$work/proxy" "\$@"
EOF
chmod +x "$work/recorded"
export CKPT_LSP_SERVER=$work/recorded
for name in "$@"; do
  echo "== $name"
  export PROXY_LOG=$work/$name.log
  node "test/$name.mjs"
  [ "$name" = unit ] || "$work/proxy" check "$PROXY_LOG"
done
