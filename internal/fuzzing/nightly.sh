#!/usr/bin/env bash
# nightly.sh [EXECUTIONS [FIRST-SEED]]: so many programs and mutants through the properties of this package, on all processors, and then ten
# minutes of each target that coverage guides. The seeds are the numbers from the first one on: a failure names its own, and is minimised.
# Figures go to standard output, failures to failures.log in the directory for temporary files.
set -euo pipefail
cd "$(dirname "$0")"

executions=${1:-10000000} first=${2:-0} block=2000
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
log=${TMPDIR:-/tmp}/failures.log
: >"$log"
go test -c -o "$work/fuzzing.test" .

one() { # FIRST-SEED: a block of programs and one of mutants
  if ! CKPT_SEED=$1 CKPT_SEEDS=$block "$work/fuzzing.test" -test.timeout 0 -test.run '^Test(Programs|Mutants)$' >"$work/$1.log" 2>&1; then
    cat "$work/$1.log" >>"$log"
  fi
  rm -f "$work/$1.log"
}
export -f one
export work log block

start=$SECONDS
blocks=$(((executions + 2 * block - 1) / (2 * block)))
for ((i = 0; i < blocks; i++)); do echo $((first + i * block)); done | xargs -P "$(nproc)" -I{} bash -c 'one {}'
echo "$((blocks * 2 * block)) executions, seeds $first to $((first + blocks * block - 1)), $((SECONDS - start)) s on $(nproc) processors, $(grep -c '^    --- FAIL' "$log" || true) failures in $log"
for target in FuzzPrograms FuzzMutants; do
  go test . -run '^$' -fuzz "^$target\$" -fuzztime "${FUZZTIME:-10m}" | tail -1
done
test ! -s "$log"
