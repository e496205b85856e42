#!/usr/bin/env bash
# A run in parts on 3, 1, 2 and 4 MPI ranks, and on two domains of one process, ends with the digest and the log of a whole one. USR1 to mpirun
# stops it with 75; a rank that is killed loses at most the work since the last checkpoint.
set -euo pipefail
cd "$(dirname "$0")/../.."
source tests/mpi_env.sh

scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT

# shellcheck disable=SC2034
heat=(inputs/heat/heat_sink.toml --quiet --threads 1 --set time.steps=400 --set output.diagnostics_every=40 --set 'output.snapshot_formats=[]'
    --set output.frames_every=0 --set checkpoint.every=20)
# shellcheck disable=SC2034
bodies=(inputs/nbody/plummer_100k.toml --quiet --threads 1 --set bodies.0.count=4000 --set gravity.method=fmm --set time.steps=24
    --set output.diagnostics_every=4 --set 'output.snapshot_formats=[]' --set output.frames_every=0 --set checkpoint.every=3)

# same NAME: the run in parts is the whole one.
same() {
    local digest
    digest=$(sed -n 's/^digest: //p' "$scratch/out")
    [ "$digest" = "$whole" ] || fail "$1: digest $digest, the whole run has $whole"
    cmp "$scratch/$1/diagnostics.csv" "$scratch/$1-whole/diagnostics.csv" || fail "$1: another diagnostics.csv"
    echo "  $1: $digest"
}

read -ra launch <<<"$(launcher 2)"
for name in heat bodies; do
    declare -n deck=$name
    must_end 0 "$PARHELION" run "${deck[@]}" --output "$scratch/$name-whole"
    whole=$(sed -n 's/^digest: //p' "$scratch/out")
    for count in 3 1 2 4; do
        must_end 75 ranks $count "$PARHELION" run "${deck[@]}" --output "$scratch/$name" --max-time 0
    done
    must_end 75 "$PARHELION" run "${deck[@]}" --output "$scratch/$name" --max-time 0 --domains 2

    must_end 0 ranks 2 "$PARHELION" run "${deck[@]}" --output "$scratch/$name"
    same $name

    # USR1 goes to mpirun, which passes it on; the ranks agree on a step.
    timeout 120 "${launch[@]}" "$PARHELION" run "${deck[@]}" --output "$scratch/long" --set time.steps=1000000 \
        2>"$scratch/err" >"$scratch/out" </dev/null &
    limit=$!
    for _ in $(seq 300); do
        [ -s "$scratch/long/diagnostics.csv" ] && break
        sleep 0.1
    done
    pkill -USR1 -P $limit || fail "$name: mpirun has gone: $(cat "$scratch/err")"
    code=0
    wait $limit || code=$?
    [ "$code" = 75 ] || fail "$name: USR1 ended the job with $code: $(cat "$scratch/err")"
    rm -rf "${scratch:?}/long"
    rm -rf "${scratch:?}/$name"

    # One rank of two is killed; the next start goes on, or begins again if there was no checkpoint yet.
    ranks 2 "$PARHELION" run "${deck[@]}" --output "$scratch/$name" 2>"$scratch/err" >"$scratch/out" &
    limit=$!
    sleep 0.7
    victim=$(pgrep -f -- "--output $scratch/$name\$" | tail -1 || true)
    [ -z "$victim" ] || kill -KILL "$victim" || true
    wait $limit || true
    code=0
    ranks 3 "$PARHELION" run "${deck[@]}" --output "$scratch/$name" >"$scratch/out" 2>"$scratch/err" || code=$?
    # It was faster than the kill.
    [ "$code" = 6 ] && grep -q "status: done" "$scratch/err" && continue
    [ "$code" = 0 ] || fail "$name: after a kill it ended with $code: $(cat "$scratch/err")"
    same $name
done
