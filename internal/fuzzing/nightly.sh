#!/usr/bin/env bash
# nightly.sh [EXECUTIONS [FIRST-SEED]]: so many executions over all fuzz targets, in the shares below, and then as many whole programs and
# mutants through rules and fixes as their share says. A line for each: what, executions, seconds, whether it failed. Inputs that fail are kept by
# go test in testdata/fuzz of their package, a program that fails names its seed, and is minimised; what was said lies in failures.log in the
# directory for temporary files. PROCESSES says how many at once (all processors), TARGETS which targets (all: a regular expression).
set -euo pipefail
cd "$(dirname "$0")/../.."

executions=${1:-10000000} first=${2:-0} processes=${PROCESSES:-$(nproc)} wanted=${TARGETS:-.}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
export log=${TMPDIR:-/tmp}/failures.log
: >"$log"
export GOMAXPROCS=$processes

# In ten thousandths. An execution of the first ones takes microseconds, one of a whole program or a whole server milliseconds.
shares='
./internal/text       FuzzApply       3000
./internal/text       FuzzLineIndex    600
./server              FuzzFrames      2000
./internal/project    FuzzConfig       900
./internal/checkpoint FuzzZip          600
./internal/checkpoint FuzzSafeTensors  500
./internal/checkpoint FuzzPickle       500
./internal/checkpoint FuzzFile         200
./internal/notebook   FuzzRoundTrip    500
./internal/pyast      FuzzParse        700
./internal/pysem      FuzzModule       430
./internal/pyast      FuzzEdit          20
./server              FuzzServer        10
./internal/fuzzing    FuzzPrograms       4
./internal/fuzzing    FuzzMutants        4
./internal/fuzzing    TestPrograms      16
./internal/fuzzing    TestMutants       16
'

say() { printf '%-22s %-16s %9s executions %6s s  %s\n' "$@"; }

fuzz() { # PACKAGE TARGET EXECUTIONS
  local start=$SECONDS outcome=ok
  go test "$1" -run '^$' -fuzz "^$2\$" -fuzztime "${3}x" -fuzzminimizetime 10x -parallel "$processes" >"$work/said" 2>&1 || { outcome=FAILED && cat "$work/said" >>"$log"; }
  say "$1" "$2" "$(sed -n 's/.*execs: \([0-9]*\).*/\1/p' "$work/said" | tail -1 | grep . || echo 0)" $((SECONDS - start)) "$outcome"
}

seeds() { # PACKAGE TEST EXECUTIONS: in blocks, so that a failure is told early
  local start=$SECONDS before at
  before=$(grep -c '^    --- FAIL' "$log" || true)
  go test -c -o "$work/programs.test" "$1"
  for ((at = 0; at < $3; at += 500)); do echo "$((first + at)) $(($3 - at < 500 ? $3 - at : 500))"; done |
    (cd "$1" && TEST=$2 BINARY=$work/programs.test xargs -P "$processes" -L 1 bash -c \
      'said=$(CKPT_SEED=$0 CKPT_SEEDS=$1 GOMAXPROCS=1 "$BINARY" -test.timeout 0 -test.run "^$TEST\$" 2>&1) || echo "$said" >>"$log"')
  say "$1" "$2" "$3" $((SECONDS - start)) "$(($(grep -c '^    --- FAIL' "$log" || true) - before)) failures, seeds from $first"
}

while read -r package target share; do
  [[ -n $package && $target =~ $wanted ]] || continue
  count=$((executions * share / 10000))
  if [[ $target == Fuzz* ]]; then fuzz "$package" "$target" "$count"; else seeds "$package" "$target" "$count"; fi
done <<<"$shares"
test ! -s "$log"
