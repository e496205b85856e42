#!/usr/bin/env bash
# Fuzzes every reader of files for a while. Usage: tests/fuzz.sh [SECONDS [TARGET...]]
#
# SECONDS is for each target [10]; 60 is the full smoke test. It begins with the seeds in fuzz/corpus; what it finds beyond them is not
# kept. An input that makes a reader panic, overflow, take more than a gigabyte or ten seconds is left in fuzz/artifacts, and the exit
# code is 1. Without cargo-fuzz it is installed; where that cannot be done, the exit code is 77.
#
# The stable toolchain builds the targets without a sanitizer: readers hold no `unsafe`. SANITIZER=address takes one.
set -uo pipefail
cd "$(dirname "$0")/.." || exit

seconds=${1:-10}
[[ $seconds =~ ^[0-9]+$ ]] || { echo "usage: tests/fuzz.sh [SECONDS [TARGET...]]" >&2; exit 2; }
shift || true
sanitizer=${SANITIZER:-none}
build=${CARGO_TARGET_DIR:-$PWD/target}/fuzz

if ! cargo fuzz --version >/dev/null 2>&1; then
    echo "installing cargo-fuzz"
    timeout 1200 cargo install --quiet cargo-fuzz --locked ||
        { echo "SKIPPED: cargo-fuzz cannot be installed: cargo install cargo-fuzz --locked"; exit 77; }
fi
command -v c++ >/dev/null || { echo "SKIPPED: libFuzzer needs a C++ compiler: apt-get install g++"; exit 77; }

targets=("$@")
[ ${#targets[@]} -gt 0 ] || mapfile -t targets < <(sed -n '/^\[\[bin\]\]/,/^path/s/^name = "\(.*\)"/\1/p' fuzz/Cargo.toml)
# The flags of coverage and of sanitizers are unstable.
RUSTC_BOOTSTRAP=1 timeout 1800 cargo fuzz build --sanitizer "$sanitizer" --target-dir "$build" || exit 1
triple=$(rustc -vV | sed -n 's/^host: //p')

TMPDIR=$(mktemp -d) || exit
export TMPDIR
trap 'rm -rf "$TMPDIR"' EXIT
mkdir -p fuzz/artifacts
# What is claimed and never touched does not show in the resident memory. Sanitizers reserve terabytes.
[ "$sanitizer" = none ] && ulimit -v $((4 << 20))

found=0
for target in "${targets[@]}"; do
    mkdir -p "$TMPDIR/corpus-$target"
    options=(-max_total_time="$seconds" -timeout=10 -rss_limit_mb=1024 -max_len=8192 -artifact_prefix="fuzz/artifacts/$target-"
        -print_final_stats=1 -verbosity=0)
    code=0
    timeout --kill-after=10 $((seconds + 120)) "$build/$triple/release/$target" "${options[@]}" \
        "$TMPDIR/corpus-$target" "fuzz/corpus/$target" >"$TMPDIR/log" 2>&1 </dev/null || code=$?
    # A machine that stands still for a while looks like a hang: what takes no time when it is tried again is none.
    slow=$(sed -n 's/.*Test unit written to \(.*-timeout-.*\)$/\1/p' "$TMPDIR/log" | head -1)
    if [ -n "$slow" ] && timeout 10 "$build/$triple/release/$target" "$slow" >/dev/null 2>&1 </dev/null; then
        echo "$target: nothing found, but the machine stood still, which ended it early"
        rm -f "$slow"
    elif [ $code = 0 ]; then
        echo "$target: $(sed -n 's/^stat::number_of_executed_units: *//p' "$TMPDIR/log") inputs, nothing found"
    else
        found=$((found + 1))
        echo "$target: FOUND (exit code $code)"
        grep -v '^INFO\|^#' "$TMPDIR/log" | tail -40
    fi
done
echo "${#targets[@]} targets, $seconds s each, $found with findings"
[ $found = 0 ]
