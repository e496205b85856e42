#!/usr/bin/env bash
# Kills runs by SIGKILL at random times and gives the same command again until it ends: every digest must be that of an undisturbed run.
#
# Usage: tests/soak/kill.sh COUNT [SEED [process | ranks]]
# PARHELION is the program [target/release/parhelion]. Heat and bodies, 1 to 4 domains, checkpoints every few steps, so that many kills
# hit a checkpoint on its way, its removal, or its reading. With `ranks` a run is 1 to 4 MPI ranks (a build with MPI is needed), and what is
# killed is one rank, all ranks, or mpirun. A fifth of the kills waits for a file that is half written. The last lines count; the exit
# code is 0 if nothing was lost.
set -uo pipefail
root=$(cd "$(dirname "$0")/../.." && pwd)
program=${PARHELION:-$root/target/release/parhelion}
count=${1:?usage: tests/soak/kill.sh COUNT [SEED [process | ranks]]}
RANDOM=${2:-$$}
mode=${3:-process}
[ -x "$program" ] || { echo "no program at $program: set PARHELION" >&2; exit 2; }
program=$(realpath "$program")
# shellcheck source=tests/mpi_env.sh
source "$root/tests/mpi_env.sh"

work=$(mktemp -d) || exit
trap 'rm -rf "$work"' EXIT
cd "$work" || exit

cat >heat.toml <<'DECK'
physics = "heat"
[grid]
cells = [40, 30, 20]
size = [0.4, 0.45, 0.5]
[material]
name = "copper"
[boundary]
all = { kind = "convection", coefficient = 25.0, ambient = 5.0 }
[initial]
kind = "gaussian"
background = 20.0
amplitude = 50.0
center = [0.1, 0.2, 0.2]
width = 0.1
[time]
dt = "auto"
steps = 1200
[output]
diagnostics_every = 50
snapshot_formats = []
[checkpoint]
every = 40
DECK
cat >bodies.toml <<'DECK'
physics = "nbody"
[gravity]
method = "fmm"
softening = { kind = "plummer", length = 0.02 }
[[bodies]]
kind = "plummer"
count = 1500
mass = 1.0
scale_radius = 1.0
seed = 3
[time]
dt = 0.004
steps = 60
substeps = "block"
[output]
diagnostics_every = 5
snapshot_formats = []
[checkpoint]
every = 3
DECK

# run DECK DIRECTORY SIZE: the run on so many domains or ranks in the background, its process in $pid.
run() {
    local words=("$program") more=(--domains "$3")
    if [ "$mode" = ranks ]; then
        read -ra words <<<"$(launcher "$3") $program"
        more=()
    fi
    timeout --kill-after=5 120 "${words[@]}" run "$1" --output "$work/$2" --quiet --threads 1 "${more[@]}" >"$2.out" 2>"$2.err" </dev/null &
    pid=$!
}

# The processes of the program in the run of $pid, which timeout has started, itself or by mpirun and its daemon.
processes() {
    local parents=$pid all=() next
    while next=$(pgrep -d, -P "$parents") && [ -n "$next" ]; do
        parents=$next
        mapfile -t -O ${#all[@]} all <<<"${next//,/$'\n'}"
    done
    [ ${#all[@]} = 0 ] || printf '%s\n' "${all[@]}"
}

ranks_of_run() {
    local process
    for process in $(processes); do
        [ "$(readlink "/proc/$process/exe" 2>/dev/null)" = "$program" ] && echo "$process"
    done
}

# Kills something of the run of $pid: the program, one rank or all, or mpirun. Counts it.
strike() {
    local victims=() what=process
    mapfile -t victims < <(ranks_of_run)
    if [ "$mode" = ranks ]; then
        case $((RANDOM % 3)) in
        0)
            what=mpirun
            victims=("$(pgrep -P "$pid" | head -1)")
            ;;
        1) what="all ranks" ;;
        2)
            what="one rank"
            [ ${#victims[@]} = 0 ] || victims=("${victims[RANDOM % ${#victims[@]}]}")
            ;;
        esac
    fi
    [ ${#victims[@]} -gt 0 ] && [ -n "${victims[0]}" ] && kill -KILL "${victims[@]}" 2>/dev/null || return
    kills=$((kills + 1))
    struck[$what]=$((${struck[$what]:-0} + 1))
    # Here and now, and not by the clock: what the kill has hit.
    if compgen -G "$directory/checkpoints/.*.tmp" >/dev/null; then
        half=$((half + 1))
    fi
}

# Waits a moment, or until a checkpoint is on its way to the disk.
wait_for_the_moment() {
    if [ $((RANDOM % 5)) = 0 ]; then
        for _ in $(seq 2000); do
            compgen -G "$directory/checkpoints/.*.tmp" >/dev/null && return
            [ -d "/proc/$pid" ] || return
        done
    else
        sleep "0.$(printf %03d $((RANDOM % 500)))"
    fi
}

# Ranks may outlive mpirun by a moment, and hold the lock.
wait_until_gone() {
    for _ in $(seq 200); do
        pgrep -f -- "--output $work/$directory " >/dev/null || return 0
        sleep 0.1
    done
    echo "$directory: ranks have outlived mpirun by 20 s" >&2
    return 1
}

# Also of a run that was killed between its report and its last line: it is finished, and the next start refuses it with 6.
digest() {
    sed -n 's/^ *"digest": "\(.*\)",$/\1/p' "$1/report.json"
}

is_done() {
    grep -q '"status": "done"' "$1/report.json" 2>/dev/null
}

declare -A expected
for deck in heat bodies; do
    run $deck.toml "$deck-whole" 1
    wait $pid || { cat "$deck-whole.err" >&2; exit 1; }
    expected[$deck]=$(digest "$deck-whole")
done

declare -A struck
kills=0 half=0 lost=0 other=0 number=0
while [ "$kills" -lt "$count" ]; do
    number=$((number + 1))
    deck=heat
    [ $((number % 2)) = 0 ] && deck=bodies
    directory=$deck-$number
    while true; do
        run $deck.toml "$directory" $((RANDOM % 4 + 1))
        killed=$kills
        if [ "$kills" -lt "$count" ]; then
            wait_for_the_moment
            strike
        fi
        code=0
        wait $pid 2>/dev/null || code=$?
        wait_until_gone || lost=$((lost + 1))
        [ $code = 6 ] && is_done "$directory" && code=0
        # mpirun has codes of its own for a job that lost a rank; what else went wrong comes back at the next start.
        [ "$mode" = ranks ] && [ "$kills" -gt "$killed" ] && [ $code != 0 ] && code=137
        case $code in
        0) break ;;
        137) ;;
        *)
            lost=$((lost + 1))
            echo "$directory ended with $code:" >&2
            cat "$directory.err" >&2
            break
            ;;
        esac
    done
    if [ "$code" = 0 ] && [ "$(digest "$directory")" != "${expected[$deck]}" ]; then
        other=$((other + 1))
        echo "$directory has another digest" >&2
    elif [ "$code" = 0 ] && ! cmp -s "$directory/diagnostics.csv" "$deck-whole/diagnostics.csv"; then
        other=$((other + 1))
        echo "$directory has another diagnostics.csv" >&2
    fi
    rm -rf "$directory"
done
for what in "${!struck[@]}"; do
    echo "${struck[$what]} kills of $what"
done
echo "$half of the kills while a checkpoint was half written"
echo "$number runs, $kills kills, $lost runs without a usable checkpoint, $other other digests"
[ "$lost" = 0 ] && [ "$other" = 0 ]
