#!/usr/bin/env bash
# install-code-server.sh DIR: VS Code for the browser (code-server), from npm. Needs Node 20 and ripgrep (rg).
set -euo pipefail
version=4.100.3
rg=$(command -v rg) || { echo "install-code-server.sh: rg is missing (Debian: ripgrep)" >&2; exit 1; }
mkdir -p "$1"
cd "$1"
dir=$PWD
echo '{"private":true}' >package.json
export npm_config_nodedir=/usr npm_config_yes=true npm_config_loglevel=error
npm install --ignore-scripts "code-server@$version"
npm rebuild argon2
cd node_modules/code-server/lib/vscode
npm install --omit=dev --ignore-scripts
npm rebuild @vscode/spdlog native-watchdog node-pty
mkdir -p node_modules/@vscode/ripgrep/bin
ln -sf "$rg" node_modules/@vscode/ripgrep/bin/rg
"$dir/node_modules/.bin/code-server" --version
