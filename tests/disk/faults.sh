#!/usr/bin/env bash
# A disk that fails while checkpoints are written, removed and read: the older checkpoint stays, one message says what happened, the exit
# code is that of the policy, and the same command on a sound disk ends with the digest of an undisturbed run.
#
# Usage: tests/disk/faults.sh [KILLS], with PARHELION [target/debug/parhelion]. Faults come from shim.c, which gcc builds and LD_PRELOAD puts
# before the C library; the full disk is a real one, a small tmpfs, where this machine lets us mount one. KILLS is the most kills before
# each kind of call [100, which is all of them].
set -uo pipefail
here=$(cd "$(dirname "$0")" && pwd)
most=${1:-100}
program=${PARHELION:-$here/../../target/debug/parhelion}
[ -x "$program" ] || { echo "no program at $program: set PARHELION" >&2; exit 2; }
program=$(realpath "$program")
command -v gcc >/dev/null || { echo "SKIPPED: gcc is not installed"; exit 77; }

work=$(mktemp -d) || exit
trap 'rm -rf "$work"' EXIT
cd "$work" || exit
gcc -O1 -shared -fPIC -o shim.so "$here/shim.c" -ldl || exit 1

fail() {
    echo "FAILED: $*" >&2
    [ -f err ] && cat err >&2
    exit 1
}

cat >heat.toml <<'DECK'
physics = "heat"
[grid]
cells = [12, 9, 7]
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
steps = 20
[output]
diagnostics_every = 5
snapshot_formats = []
[checkpoint]
every = 6
DECK
cat >bodies.toml <<'DECK'
physics = "nbody"
[gravity]
method = "direct"
softening = 0.02
[[bodies]]
kind = "plummer"
count = 150
mass = 1.0
scale_radius = 1.0
seed = 3
[time]
dt = 0.004
steps = 20
integrator = "hermite4"
[output]
diagnostics_every = 5
snapshot_formats = []
[checkpoint]
every = 6
DECK

# start ARGUMENTS...: the deck into `run`, with the variables of `faults`.
faults=()
start() {
    # In a shell of its own, which keeps its word on what was killed to itself.
    (
        timeout --kill-after=5 60 env "${faults[@]}" "$program" run $deck.toml --output run --threads 1 "$@" >out 2>err </dev/null
        exit $?
    ) 2>/dev/null
}

# run CODE ARGUMENTS...: must end so.
run() {
    local wanted=$1 code=0
    shift
    start "$@" || code=$?
    [ $code = "$wanted" ] || fail "$deck, ${faults[*]}, $*: exit code $code, not $wanted"
}

break_disk() {
    faults=("LD_PRELOAD=$work/shim.so" "FAULT_CALL=$1" "FAULT_DO=$2" "FAULT_END=$3" "FAULT_FROM=${4:-1}")
}

sound_disk() {
    faults=()
}

same() {
    [ "$(sed -n 's/^digest: //p' out)" = "$whole" ] || fail "$deck: another digest after $1"
    cmp -s run/diagnostics.csv whole.csv || fail "$deck: another diagnostics.csv after $1"
}

# Begins a run, and stops it after one step with a checkpoint.
begin() {
    sound_disk
    rm -rf run
    run 75 --max-time 0
    cp run/checkpoints/00000001.checkpoint older
}

older_is_kept() {
    cmp -s older run/checkpoints/00000001.checkpoint || fail "$deck: the older checkpoint is gone or another one after $1"
    ! compgen -G 'run/checkpoints/.*.tmp' >/dev/null || fail "$deck: half a file is left after $1"
}

# cannot_be_written NAME WORDS: with the disk broken already: stop, go on, and a stop that was asked for.
cannot_be_written() {
    run 3 --set 'checkpoint.on_failure="stop"'
    [ "$(grep -c '^error:' err)" = 1 ] || fail "$deck: not one line for $1"
    grep -q "^error:.*00000006\.checkpoint.*$2" err || fail "$deck: no clear message for $1"
    older_is_kept "$1"
    run 3 --max-time 0
    older_is_kept "$1"
    run 0 --domains 3
    [ "$(grep -c "^warning: no checkpoint at step .*$2" err)" = 3 ] || fail "$deck: no warnings for $1"
    older_is_kept "$1"
    same "$1"
    rm run/report.json
    sound_disk
    run 0 --domains 2
    grep -q '^continuing from .*, step 1$' err || fail "$deck: not gone on from the older one after $1"
    same "$1"
    echo "  $deck: $1"
}

for deck in heat bodies; do
    sound_disk
    rm -rf run
    run 0
    whole=$(sed -n 's/^digest: //p' out)
    cp run/diagnostics.csv whole.csv

    for case in fsync:eio:Input/output pwrite:eio:Input/output pwrite:enospc:'No space' rename:eio:Input/output; do
        IFS=: read -r call what words <<<"$case"
        begin
        end=.checkpoint.tmp
        [ "$call" = rename ] && end=.checkpoint
        break_disk "$call" "$what" $end
        cannot_be_written "$call: $what" "$words"
    done

    # The directory cannot be forced to the disk: the new file has its name and is whole, and the older one stays.
    begin
    break_disk fsync eio /checkpoints
    run 0
    [ "$(grep -c '^warning: no checkpoint at step' err)" = 3 ] || fail "$deck: no warnings for fsync of the directory"
    older_is_kept "fsync of the directory"
    same "fsync of the directory"
    echo "  $deck: fsync of the directory: eio"

    # An old one that cannot be removed is not a checkpoint that failed.
    begin
    break_disk unlink eio .checkpoint
    run 0 --set 'checkpoint.on_failure="stop"' --set checkpoint.keep=1
    grep -q '^warning: an old checkpoint stays: .*Input/output' err || fail "$deck: no word of what cannot be removed"
    grep -q '"failed": 0' run/report.json || fail "$deck: a checkpoint counts as failed"
    same "an old checkpoint that stays"
    echo "  $deck: unlink: eio"

    # Half of every write and of every read is done: both are gone on with.
    begin
    break_disk pwrite short .checkpoint.tmp
    run 75 --max-time 0
    break_disk pread short .checkpoint
    run 0 --domains 2
    grep -q '^continuing from .*, step 2$' err || fail "$deck: short writes"
    same "short writes and reads"
    echo "  $deck: short writes and reads"

    # A checkpoint that cannot be read is passed over, as a damaged one is.
    begin
    run 75 --max-time 0
    break_disk pread eio 00000002.checkpoint
    run 0
    grep -q '00000002.checkpoint cannot be used: .*Input/output' err || fail "$deck: no word of what cannot be read"
    same "an unreadable checkpoint"
    echo "  $deck: pread: eio"

    # Killed before every single call on a checkpoint: while it is written, gets its name, older ones go, and while it is read.
    kills=0
    for case in pwrite:.checkpoint.tmp fsync:.checkpoint.tmp rename:.checkpoint fsync:/checkpoints unlink:.checkpoint pread:.checkpoint; do
        IFS=: read -r call end <<<"$case"
        for at in $(seq "$most"); do
            begin
            break_disk "$call" kill "$end" "$at"
            code=0
            start --domains 2 || code=$?
            case $code in
            137) kills=$((kills + 1)) ;;
            0) [ "$at" -gt 1 ] || fail "$deck: there is no $call on $end" ;;
            *) fail "$deck: killed before $call number $at on $end it ended with $code" ;;
            esac
            [ "$code" = 0 ] && break
            sound_disk
            run 0 --domains $((at % 3 + 1))
            grep -q '^continuing from ' err || fail "$deck: begun anew after a kill before $call number $at on $end"
            same "a kill before $call number $at on $end"
        done
    done
    echo "  $deck: $kills kills before single calls"
done

# A full disk, a real one.
probe=(unshare --mount)
"${probe[@]}" sh -c 'mount -t tmpfs -o size=64k none /mnt' 2>/dev/null || probe=(unshare --mount --user --map-root-user)
if "${probe[@]}" sh -c 'mount -t tmpfs -o size=64k none /mnt' 2>/dev/null; then
    for deck in heat bodies; do
        # Room for the lock and the deck, but not for a checkpoint.
        mkdir -p small
        cat >full.sh <<SCRIPT
mount -t tmpfs -o size=400k none small && cd small || exit 9
run() { timeout --kill-after=5 60 "$program" run ../$deck.toml --output run --threads 1 "\$@" </dev/null; }
run --max-time 0 >out 2>err; [ \$? = 75 ] || exit 10
cp run/checkpoints/00000001.checkpoint older
dd if=/dev/zero of=filler bs=4k 2>/dev/null
truncate -s -12K filler
run --set 'checkpoint.on_failure="stop"' --set output.diagnostics_every=0 --resume >/dev/null 2>../err; code=\$?
cmp older run/checkpoints/00000001.checkpoint || exit 11
[ \$(ls -A run/checkpoints | wc -l) = 1 ] || exit 12
rm filler
run --resume --set output.diagnostics_every=5 >../out 2>>err || exit 13
exit \$code
SCRIPT
        sound_disk
        code=0
        timeout 200 "${probe[@]}" bash full.sh || code=$?
        [ $code = 3 ] || fail "$deck: a full disk: $code"
        grep -q '^error:.*No space left' err || fail "$deck: no clear message for a full disk"
        echo "  $deck: a full tmpfs"
    done
else
    echo "SKIPPED a full tmpfs: this machine lets nobody mount one (unshare)"
fi
echo "every fault was survived"
