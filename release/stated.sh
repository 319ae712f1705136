#!/usr/bin/env bash
# Sees that the files which name the version in force name that of a tag: stated.sh v1.2.3
set -euo pipefail
cd "$(dirname "$0")/.."
version=${1#v}
lacking() { echo "stated.sh: $1 does not name $version" >&2; exit 1; }
grep -q "^## ${version%%-*}\b" CHANGELOG.md || lacking CHANGELOG.md
grep -q "\"ckpt-lsp==$version\"" pyproject.toml || lacking pyproject.toml
grep -q "pkg:pypi/ckpt-lsp@$version\$" editors/mason-registry/packages/ckpt-lsp/package.yaml || lacking editors/mason-registry
grep -q "default: \"$version\"" action.yml || lacking action.yml
grep -q "ckpt-lsp==$version" docs/ci/gitlab-ci.yml || lacking docs/ci/gitlab-ci.yml
grep -q "ckpt-lsp/ckpt-lsp@v$version" docs/ci/README.md && grep -q "rev: v$version" docs/ci/README.md || lacking docs/ci/README.md
