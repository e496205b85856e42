#!/usr/bin/env bash
# The real program under the real mpirun on 1, 2, 3 and 4 ranks gives the digest of one process and of four domains, and every
# run has as many ranks as were asked for. Exit code 77: nothing to run.
set -euo pipefail
cd "$(dirname "$0")/../.."
source tests/mpi_env.sh

scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT

# field NAME DIR: a number or word of the report.
field() {
    python3 -c 'import json, sys; print(json.load(open(sys.argv[2] + "/report.json"))[sys.argv[1]])' "$1" "$2"
}

# digest_of FILE: what the last line says.
digest_of() {
    sed -n '$s/^digest: \([0-9a-f]\{64\}\)$/\1/p' "$1"
}

# check LABEL RANKS DIR: the run in DIR had so many ranks and the digest of the first run.
check() {
    local digest
    digest=$(digest_of "$3.out")
    [ -n "$digest" ] || fail "$1: the last line is no digest: $(tail -1 "$3.out")"
    [ "$(field ranks "$3")" = "$2" ] || fail "$1: the report says $(field ranks "$3") ranks, $2 were started"
    [ "$(field digest "$3")" = "$digest" ] || fail "$1: the report has another digest than the last line"
    expected=${expected:-$digest}
    [ "$digest" = "$expected" ] || fail "$1: digest $digest, one process gave $expected"
    echo "  $1: $digest"
}

decks=${DECKS:-inputs/heat/periodic_gaussian.toml inputs/heat/hot_plate.toml inputs/heat/eigenmode_3d.toml
    tests/mpi/cluster.toml inputs/nbody/figure_eight.toml}
found=0
for deck in $decks; do
    [ -f "$deck" ] || continue
    found=1
    expected=
    echo "$deck"
    run=$scratch/$(basename "$deck" .toml)
    timeout 300 "$PARHELION" run "$deck" --output "$run-solo" --quiet </dev/null >"$run-solo.out"
    check "one process" 1 "$run-solo"
    timeout 300 "$PARHELION" run "$deck" --output "$run-domains" --quiet --domains 4 </dev/null >"$run-domains.out"
    check "4 domains" 4 "$run-domains"
    for n in 1 2 3 4; do
        ranks "$n" "$PARHELION" run "$deck" --output "$run-$n" --quiet >"$run-$n.out"
        check "$n ranks" "$n" "$run-$n"
    done
done
[ "$found" = 1 ] || exit 77
