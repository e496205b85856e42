#!/usr/bin/env bash
# Kills runs by SIGKILL at random times and gives the same command again until it ends: every digest must be that of an undisturbed run.
#
# Usage: tests/soak/kill.sh COUNT [SEED]
# PARHELION is the program [target/release/parhelion]. Heat and bodies, 1 to 4 domains, checkpoints every few steps, so that many kills
# hit a checkpoint on its way, its removal, or its reading. The last line counts; the exit code is 0 if nothing was lost.
set -uo pipefail
root=$(cd "$(dirname "$0")/../.." && pwd)
program=${PARHELION:-$root/target/release/parhelion}
count=${1:?usage: tests/soak/kill.sh COUNT [SEED]}
RANDOM=${2:-$$}
[ -x "$program" ] || { echo "no program at $program: set PARHELION" >&2; exit 2; }

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

# run DECK DIRECTORY ARGUMENTS...: the run in the background, its process in $pid.
run() {
    timeout --kill-after=5 120 "$program" run "$1" --output "$2" --quiet --threads 1 "${@:3}" >"$2.out" 2>"$2.err" &
    pid=$!
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
    run $deck.toml "$deck-whole"
    wait $pid || { cat "$deck-whole.err" >&2; exit 1; }
    expected[$deck]=$(digest "$deck-whole")
done

kills=0 lost=0 other=0 number=0
while [ "$kills" -lt "$count" ]; do
    number=$((number + 1))
    deck=heat
    [ $((number % 2)) = 0 ] && deck=bodies
    directory=$deck-$number
    while true; do
        run $deck.toml "$directory" --domains $((RANDOM % 4 + 1))
        if [ "$kills" -lt "$count" ]; then
            sleep "0.$(printf %03d $((RANDOM % 500)))"
            # The program itself, which timeout has started, and not timeout.
            child=$(pgrep -P $pid || true)
            [ -n "$child" ] && kill -KILL "$child" 2>/dev/null && kills=$((kills + 1))
        fi
        code=0
        wait $pid 2>/dev/null || code=$?
        [ $code = 6 ] && is_done "$directory" && code=0
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
echo "$number runs, $kills kills, $lost runs without a usable checkpoint, $other other digests"
[ "$lost" = 0 ] && [ "$other" = 0 ]
