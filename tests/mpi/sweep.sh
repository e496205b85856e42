#!/usr/bin/env bash
# A sweep gives the same rows from processes, from threads and from MPI ranks: members that are done, invalid and non-finite. Stopped by a
# signal, or killed with all that it has started, it is gone on with by the same command.
set -euo pipefail
cd "$(dirname "$0")/../.."
source tests/mpi_env.sh

scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT

quiet=(--quiet --threads 1 --set 'output.snapshot_formats=[]' --set output.frames_every=0)
# shellcheck disable=SC2034
heat=(inputs/heat/hot_plate.toml "${quiet[@]}" --set time.steps=60 --set time.allow_unstable=true --set 'grid.cells=[64,64]'
    --vary 'time.dt=auto,-1,1e6' --vary 'material.name=copper,aluminium')
# shellcheck disable=SC2034
bodies=(inputs/nbody/plummer_100k.toml "${quiet[@]}" --set bodies.0.count=1000 --set time.steps=4 --vary 'gravity.method=direct,fmm'
    --vary bodies.0.seed=1:3:3)

# What does not depend on the pool: member, status, exit code, the two values, digest, steps.
rows() {
    cut -d, -f1-7 "$scratch/$1/results.csv"
}

# same NAME: as the sweep by processes.
same() {
    diff <(rows "$name") <(rows "$1") || fail "$1: other rows than those of processes"
    echo "  $1: the rows of processes"
}

for name in heat bodies; do
    declare -n deck=$name
    code=0
    [ $name = bodies ] || code=7
    must_end $code timeout 120 "$PARHELION" sweep "${deck[@]}" --workers processes:2 --output "$scratch/$name"
    must_end $code timeout 120 "$PARHELION" sweep "${deck[@]}" --workers threads:2 --output "$scratch/$name-threads"
    same $name-threads
    must_end $code ranks 3 "$PARHELION" sweep "${deck[@]}" --workers mpi --output "$scratch/$name-mpi"
    same $name-mpi
done
for status in 'done' invalid non_finite; do
    [ "$(rows heat | cut -d, -f2 | grep -cx "$status")" = 2 ] || fail "not two members of heat are $status: $(rows heat)"
done

# A sweep long enough to be hit.
name=bodies
for pool in processes:2 threads:2; do
    for signal in TERM KILL; do
        folder=$scratch/$signal
        rm -rf "$folder"
        setsid timeout --foreground 120 "$PARHELION" sweep "${bodies[@]}" --workers $pool --output "$folder" >"$scratch/out" 2>"$scratch/err" </dev/null &
        job=$!
        for ((n = 0; n < 1000; n++)); do
            grep -q ,done, "$folder/results.csv" 2>/dev/null && break
            sleep 0.005
        done
        # TERM by way of timeout, which passes it on once; KILL to the sweep and to all that it has started in its group.
        if [ $signal = TERM ]; then kill $job || true; else kill -KILL -- -$job || true; fi
        code=0
        wait $job || code=$?
        # What was killed is not gone at once, and members that lost their sweep stop at a checkpoint first.
        for ((n = 0; n < 1000; n++)); do
            grep -qsF -f <(echo "$folder") /proc/[0-9]*/cmdline || break
            sleep 0.01
        done
        case $signal:$code in
        TERM:75 | KILL:137 | *:0) ;;
        *) fail "$signal to a sweep by $pool: exit code $code: $(cat "$scratch/err")" ;;
        esac
        must_end 0 timeout 120 "$PARHELION" sweep "${bodies[@]}" --workers $pool --output "$folder"
        same $signal
    done
done
