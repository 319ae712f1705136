#!/usr/bin/env bash
# Tries the packages of a release as a newcomer would, in places where nothing of ours is: try.sh OUT TAG. What is for another system is
# run where an emulator is installed (qemu-aarch64-static, wine 9), the container is built and run where buildah is; else they are only looked at. OUT/tried.txt notes what was run, for the page.
set -euo pipefail

out=$(realpath "$1") version=${2#v}
repository=$(realpath "$(dirname "$0")/..")
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
: >"$out/tried.txt"
cd "$work"
unset PYTHONPATH VIRTUAL_ENV
export GIT_AUTHOR_NAME=try GIT_AUTHOR_EMAIL=try@localhost GIT_COMMITTER_NAME=try GIT_COMMITTER_EMAIL=try@localhost

mkdir project
cat >project/train.py <<'PYTHON'
import torch

model = torch.nn.Linear(2, 2)
torch.save({"model": model.state_dict}, "last.pt")
PYTHON

tried() { # FILE WHAT: note it
  printf '%s\t%s\n' "$1" "$2" >>"$out/tried.txt"
  echo "tried $1: $2"
}

works() { # COMMAND...: it tells its version, and reports what is wrong with the project
  local said code=0
  said=$("$@" --version)
  case $said in "ckpt-lsp $version "*) ;; *) echo "$* --version says: $said" >&2; return 1 ;; esac
  said=$(cd project && "$@" check --format concise train.py) || code=$?
  case "$code $said" in "1 "*"train.py:4:"*CKP112*) ;; *) echo "$* check: exit code $code, $said" >&2; return 1 ;; esac
}

alone() { # ROOT COMMAND...: it works with ROOT as the whole system, where nothing is but the binary and the project
  local root=$1 said code=0
  shift
  said=$(chroot "$root" "$@" --version)
  case $said in "ckpt-lsp $version "*) ;; *) echo "chroot: --version says: $said" >&2; return 1 ;; esac
  said=$(chroot "$root" "$@" check --format concise /project) || code=$?
  case "$code $said" in "1 "*"train.py:4:"*CKP112*) ;; *) echo "chroot: exit code $code, $said" >&2; return 1 ;; esac
}

python=/usr/bin/python3
[ -x "$python" ] || python=python3

archives() {
  local archive
  mkdir root
  cp -r project root/
  archive=ckpt-lsp-linux-x64.tar.gz
  tar -xzf "$out/$archive" -C root --strip-components 1
  alone root /ckpt-lsp
  tried "$archive" "unpacked into an empty root directory, run there with chroot"
  cmp "$out/docker/amd64/ckpt-lsp" root/ckpt-lsp # what the container runs
  archive=ckpt-lsp-linux-arm64.tar.gz
  if [ -e "$out/$archive" ] && command -v qemu-aarch64-static >/dev/null; then
    mkdir arm64
    tar -xzf "$out/$archive" -C arm64 --strip-components 1
    works qemu-aarch64-static "$work/arm64/ckpt-lsp"
    tried "$archive" "run under QEMU"
  fi
  archive=ckpt-lsp-windows-x64.zip
  if [ -e "$out/$archive" ] && [ "$(wine --version 2>/dev/null | sed 's/^wine-\([0-9]*\).*/\1/')" -ge 9 ] 2>/dev/null; then # an older one lacks what Go asks for
    "$python" -m zipfile -e "$out/$archive" windows
    WINEPREFIX=$work/wine WINEDEBUG=-all works wine "$work/windows/ckpt-lsp-windows-x64/ckpt-lsp.exe" </dev/null
    tried "$archive" "run under Wine"
  fi
}

wheels() {
  local wheel tag
  # A wheel as pip knows it; pip writes versions in its own way.
  "$python" -m venv clean
  clean/bin/pip install -q --disable-pip-version-check --no-index --find-links "$out" "ckpt-lsp==$version"
  works env -i "$work/clean/bin/ckpt-lsp"
  works env -i "$work/clean/bin/python" -m ckpt_lsp
  wheel=$(basename "$out"/ckpt_lsp-*x86_64.musllinux*.whl)
  tried "$wheel" "installed with pip into a new environment, run as ckpt-lsp and python -m ckpt_lsp"
  for tag in manylinux_2_17_x86_64 musllinux_1_1_x86_64 manylinux_2_17_aarch64 musllinux_1_1_aarch64 macosx_14_0_x86_64 macosx_14_0_arm64 win_amd64 win_arm64; do
    case $tag in
      macosx*) wheel=$(compgen -G "$out/ckpt_lsp-*macosx_*_${tag#macosx_14_0_}.whl" || true) ;;
      *) wheel=$(compgen -G "$out/ckpt_lsp-*$tag*.whl" || true) ;;
    esac
    [ -n "$wheel" ] || continue
    clean/bin/pip download -q --disable-pip-version-check --no-index --find-links "$out" --no-deps --only-binary :all: --platform "$tag" \
      --dest "chosen/$tag" "ckpt-lsp==$version"
    cmp "$wheel" "chosen/$tag/$(basename "$wheel")"
    tried "$(basename "$wheel")" "chosen by pip for $tag"
  done
}

python_tools() { # the tools that people use in the place of pip, and those that know the formats of other people
  "$python" -m venv tools
  tools/bin/pip install -q --disable-pip-version-check uv==0.13.8 pipx==1.18.4 pre-commit==4.7.0 twine==7.0.0 check-wheel-contents==0.6.3 \
    check-jsonschema==0.39.0 'cyclonedx-python-lib[json-validation]==11.12.0'
  local wheel
  wheel=$(compgen -G "$out/ckpt_lsp-*x86_64.musllinux*.whl")
  tools/bin/twine check --strict "$out"/*.whl
  tools/bin/check-wheel-contents --ignore W004,W007 "$out"/*.whl # the module's name is not the project's; the binary is outside of it
  works env UV_CACHE_DIR="$work/uv" UV_PYTHON_DOWNLOADS=never "$work/tools/bin/uvx" --offline --no-index --find-links "$out" "ckpt-lsp@$version"
  works env PIPX_HOME="$work/pipx" PIPX_DEFAULT_PYTHON="$python" "$work/tools/bin/pipx" run --spec "$wheel" ckpt-lsp
  tried "$(basename "$wheel")" "run with uvx and pipx"
  for file in "$out"/*.cdx.json; do
    tools/bin/python - "$file" <<'PYTHON'
import sys
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator

error = JsonStrictValidator(SchemaVersion.V1_6).validate_str(open(sys.argv[1]).read())
sys.exit(error and f"{sys.argv[1]}: {error}")
PYTHON
    tried "$(basename "$file")" "validated as CycloneDX 1.6"
  done
}

npm_packages() {
  command -v npm >/dev/null || { echo "npm is missing" >&2; return 1; }
  mkdir node
  npm install --silent --offline --no-audit --no-fund --prefix node "$out/ckpt-lsp-linux-x64-$version.tgz" "$out/ckpt-lsp-$version.tgz"
  works "$work/node/node_modules/.bin/ckpt-lsp"
  tried "ckpt-lsp-$version.tgz" "installed with npm, run"
  tried "ckpt-lsp-linux-x64-$version.tgz" "installed with npm, run"
}

container() {
  command -v buildah >/dev/null || return 0
  local image
  in_store() { buildah --storage-driver vfs --root "$work/images" --runroot "$work/run" "$@"; }
  in_store bud -q --isolation chroot --build-arg TARGETARCH=amd64 -t tried "$out/docker" >/dev/null
  image=$(in_store from localhost/tried)
  # Nothing else is in the image, so it is run as the archive was, and told where its entry is.
  [ "$(in_store inspect --format '{{.OCIv1.Config.Entrypoint}} {{.OCIv1.Config.WorkingDir}}' "$image")" = "[/ckpt-lsp] /io" ]
  cp -r project "$(in_store mount "$image")/"
  alone "$(in_store mount "$image")" /ckpt-lsp
  in_store umount "$image" >/dev/null
  tried docker "built for x64 with buildah, run"
}

homebrew() {
  [ -e "$out/ckpt-lsp.rb" ] && command -v ruby >/dev/null || return 0
  ruby -c "$out/ckpt-lsp.rb" >/dev/null
  tried ckpt-lsp.rb "parsed by Ruby"
}

extension() {
  local server=${CODE_SERVER_DIR:-${XDG_CACHE_HOME:-$HOME/.cache}/ckpt-lsp/code-server}/node_modules/.bin/code-server
  if [ ! -x "$server" ]; then
    [ -z "${CI:-}" ] || { echo "code-server is missing: editors/vscode/test/run.sh installs it" >&2; return 1; }
    return 0
  fi
  "$server" --extensions-dir "$work/extensions" --user-data-dir "$work/user" --install-extension "$out/ckpt-lsp-linux-x64.vsix" >/dev/null
  "$server" --extensions-dir "$work/extensions" --user-data-dir "$work/user" --list-extensions --show-versions | grep -qi "ckpt-lsp.ckpt-lsp@${version%%-*}"
  works "$(echo "$work"/extensions/ckpt-lsp.ckpt-lsp-*/bundled/bin/ckpt-lsp)"
  tried ckpt-lsp-linux-x64.vsix "installed into VS Code (code-server), its server run"
}

pre_commit() { # the hooks, from a repository as people name it in their configuration
  mkdir hooks
  cp "$repository/.pre-commit-hooks.yaml" hooks/
  sed "s/ckpt-lsp==[0-9.]*/ckpt-lsp==$version/" "$repository/pyproject.toml" >hooks/pyproject.toml
  commit hooks
  cp -r project hooked
  mkdir hooked/old # what the project excludes, pre-commit names all the same
  cp hooked/train.py hooked/old/
  echo 'exclude = ["old/"]' >hooked/ckpt-lsp.toml
  cat >hooked/.pre-commit-config.yaml <<YAML
repos:
  - repo: $work/hooks
    rev: $(git -C hooks rev-parse HEAD)
    hooks:
      - id: ckpt-lsp-fix
      - id: ckpt-lsp
YAML
  commit hooked
  local said code=0
  run_hooks() { (cd hooked && PRE_COMMIT_HOME=$work/pre-commit PIP_FIND_LINKS=$out "$work/tools/bin/pre-commit" run --all-files --color never); }
  said=$(run_hooks 2>&1) || code=$?
  case "$code $said" in "1 "*"files were modified by this hook"*) ;; *) echo "pre-commit: exit code $code, $said" >&2; return 1 ;; esac
  grep -q 'model.state_dict()' hooked/train.py
  cmp -s project/train.py hooked/old/train.py
  git -C hooked commit -qam fixed --no-verify
  sed -i 's/state_dict()/state_dict/' hooked/train.py
  said=$(cd hooked && PRE_COMMIT_HOME=$work/pre-commit "$work/tools/bin/pre-commit" run ckpt-lsp --all-files --color never 2>&1) && return 1
  case $said in *CKP112*) ;; *) echo "pre-commit: $said" >&2; return 1 ;; esac
  git -C hooked checkout -q train.py
  (cd hooked && PRE_COMMIT_HOME=$work/pre-commit "$work/tools/bin/pre-commit" run --all-files --color never)
  tried "$(basename "$(compgen -G "$out/ckpt_lsp-*x86_64.musllinux*.whl")")" "run by pre-commit, both hooks"
}

commit() { # DIR: all of it, as a repository
  git -C "$1" init -q
  git -C "$1" add -A
  git -C "$1" commit -qm all
}

files_of_services() { # what GitHub, GitLab and pre-commit read, against their own schemas
  tools/bin/pre-commit validate-manifest "$repository/.pre-commit-hooks.yaml"
  tools/bin/check-jsonschema --builtin-schema vendor.github-actions "$repository/action.yml"
  tools/bin/check-jsonschema --builtin-schema vendor.github-issue-forms "$repository"/.github/ISSUE_TEMPLATE/[!c]*.yml
  tools/bin/check-jsonschema --builtin-schema vendor.github-issue-config "$repository/.github/ISSUE_TEMPLATE/config.yml"
  tools/bin/check-jsonschema --builtin-schema vendor.gitlab-ci "$repository/docs/ci/gitlab-ci.yml"
}

for trial in archives wheels npm_packages container homebrew extension python_tools files_of_services pre_commit; do
  "$trial"
done
