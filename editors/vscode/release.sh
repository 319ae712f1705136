#!/usr/bin/env bash
# Packages the extension for each platform, with its server: release.sh [TARGET...] writes dist-release/ckpt-lsp-TARGET.vsix.
# The server needs cgo; ziglang (PyPI) is the C compiler for all platforms. ZIG names zig, by default "python3 -m ziglang".
# For darwin, SDKROOT names a macOS SDK, which Go's libraries are linked with. The target "host" is this machine, built with its own
# C compiler: on a Mac it is the simpler way.
set -euo pipefail
cd "$(dirname "$0")"

zig=${ZIG:-python3 -m ziglang}
out=$PWD/dist-release
mkdir -p "$out"

platform() { # TARGET: GOOS GOARCH and zig's target
  case $1 in
    linux-x64) echo linux amd64 x86_64-linux-musl ;;
    linux-arm64) echo linux arm64 aarch64-linux-musl ;;
    darwin-x64) echo darwin amd64 x86_64-macos ;;
    darwin-arm64) echo darwin arm64 aarch64-macos ;;
    win32-x64) echo windows amd64 x86_64-windows-gnu ;;
    *) echo "release.sh: unknown target $1" >&2; return 1 ;;
  esac
}

[ $# -gt 0 ] || set -- linux-x64 linux-arm64 darwin-x64 darwin-arm64 win32-x64
[ -d node_modules ] || npm ci --no-audit --no-fund --ignore-scripts
npx tsc -p .
node esbuild.mjs
for target in "$@"; do
  rm -rf bundled
  mkdir -p bundled/bin
  if [ "$target" = host ]; then
    (cd ../.. && go build -trimpath -ldflags "-s -w" -o "editors/vscode/bundled/bin/ckpt-lsp$(go env GOEXE)" ./cmd/ckpt-lsp)
    npx vsce package --skip-license --no-dependencies --out "$out/ckpt-lsp-host.vsix"
    continue
  fi
  read -r os arch triple <<<"$(platform "$target")"
  binary=bundled/bin/ckpt-lsp
  flags="-s -w"
  cc="$zig cc -target $triple"
  case $os in
    windows) binary=$binary.exe ;;
    darwin)
      : "${SDKROOT:?release.sh: $target needs a macOS SDK; set SDKROOT to its folder, or run release.sh host on a Mac}"
      cc="$cc --sysroot=$SDKROOT -F$SDKROOT/System/Library/Frameworks -L$SDKROOT/usr/lib"
      ;;
    linux) flags="$flags -linkmode external -extldflags -static" ;; # one that runs on every Linux
  esac
  (cd ../.. && CGO_ENABLED=1 GOOS=$os GOARCH=$arch CC="$cc" \
    go build -trimpath -ldflags "$flags" -o "editors/vscode/$binary" ./cmd/ckpt-lsp)
  file "$binary"
  npx vsce package --skip-license --target "$target" --no-dependencies --out "$out/ckpt-lsp-$target.vsix"
done
