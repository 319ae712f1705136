#!/usr/bin/env bash
# Builds the documentation site: docs/site/build.sh DIRECTORY. The generator goes into a virtual environment the first time; after that
# no network is needed. A link that leads nowhere fails the build.
set -euo pipefail
out=$(realpath -m "${1:?usage: docs/site/build.sh DIRECTORY}")
cd "$(dirname "$0")/../.."
venv=${CKPT_MKDOCS:-${TMPDIR:-/tmp}/ckpt-lsp-mkdocs}
[ -x "$venv/bin/pip" ] || "${PYTHON:-python3}" -m venv "$venv"
"$venv/bin/pip" install --quiet --disable-pip-version-check --no-deps -r docs/site/requirements.txt
sources=$(mktemp -d)
trap 'rm -rf "$sources"' EXIT
go run ./internal/docs/site "$sources"
NO_MKDOCS_2_WARNING=1 "$venv/bin/mkdocs" build --quiet --strict --clean --config-file "$sources/mkdocs.yml" --site-dir "$out"
echo "$out/index.html"
