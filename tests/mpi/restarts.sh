#!/usr/bin/env bash
# run_cluster.sh --restarts: what is started again and what is not, lost machines, signals; with a launcher that only plays its part, and
# with the real one and a rank that is killed.
set -euo pipefail
cd "$(dirname "$0")/../.."
source tests/mpi_env.sh
export PROGRAM
PROGRAM=$(realpath "$PARHELION")
real=$MPIRUN

scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT

# Ends with the next code of the list, and notes the words it was started with, and the machines.
cat >"$scratch/mpirun" <<'SCRIPT'
#!/usr/bin/env bash
here=$(dirname "$0")
[ "${1-}" = --version ] && { echo "mpirun (Open MPI) ${VERSION:-4.1.4}"; exit; }
echo "$*" >>"$here/calls"
hosts=
while [ $# -gt 0 ]; do
    [ "$1" = --hostfile ] && hosts=$(sed 's/ .*//' "$2" | tr '\n' ' ')
    shift
done
echo "hosts: $hosts" >>"$here/calls"
code=$(sed -n 1p "$here/codes")
sed -i 1d "$here/codes"
exit "${code:-0}"
SCRIPT
# Machines answer unless they are listed as lost.
cat >"$scratch/rsh" <<'SCRIPT'
#!/usr/bin/env bash
! grep -q -x "$1" "$(dirname "$0")/lost" 2>/dev/null
SCRIPT
chmod +x "$scratch/mpirun" "$scratch/rsh"

# cluster CODES OPTIONS...: the script with a launcher that ends with these codes, one after the other. Sets code and launches.
cluster() {
    tr ' ' '\n' <<<"$1" >"$scratch/codes"
    shift
    : >"$scratch/calls"
    code=0
    MPIRUN=$scratch/mpirun RSH=$scratch/rsh RESTART_DELAY=0 timeout 60 ./run_cluster.sh "$@" >"$scratch/log" 2>&1 </dev/null || code=$?
    launches=$(grep -c ' run ' "$scratch/calls" || true)
}

# expect LABEL CODE LAUNCHES
expect() {
    [ "$code" = "$2" ] && [ "$launches" = "$3" ] && { echo "  $1"; return; }
    cat "$scratch/log" "$scratch/calls" >&2
    fail "$1: exit code $code after $launches launches, not $2 after $3"
}

# launch N: the words of the N-th launch.
launch() { grep ' run ' "$scratch/calls" | sed -n "$1p"; }

for final in 0 2 4 5 6 75; do
    cluster "$final" --restarts 3
    expect "$final is final" $final 1
done
cluster "137 1 3 0" --restarts 3
expect "crashes are started again" 0 4
cluster "139 139 139 139" --restarts 2
expect "no more often than that" 139 3
cluster "137 75" --restarts 3
expect "a stop after a crash is a stop" 75 2
cluster "137 6 6 0" --restarts 1
expect "a restart waits for ranks that still hold the directory" 0 4
LOCK_WAIT=0 cluster "137 6 0" --restarts 1
expect "but not for ever" 6 2
SLURM_RESTART_COUNT=1 cluster "6 0" --restarts 1
expect "a job that was queued again waits for them too" 0 2
cluster "1"
expect "no restarts without the option" 1 1
cluster "0" --restarts many
expect "a wrong number is refused" 2 0

cluster "137 0" --restarts 1 -- --overwrite --set time.steps=5
expect "only the first start overwrites" 0 2
launch 1 | grep -q -- "--overwrite --set time.steps=5" || fail "the first launch does not overwrite: $(launch 1)"
launch 2 | grep -q -- "--set time.steps=5" || fail "the second launch has lost its options: $(launch 2)"
! launch 2 | grep -q -- --overwrite || fail "the second launch overwrites: $(launch 2)"

printf '# machines\nalpha slots=2\nbeta slots=2 # rack 2\n\ngamma slots=4\n' >"$scratch/hosts"
printf 'beta\n' >"$scratch/lost"
cluster "137 0" --restarts 1 --hostfile "$scratch/hosts"
expect "a lost machine is left out" 0 2
[[ $(launch 1) == *"-n 8 "* && $(launch 2) == *"-n 6 "* ]] || fail "ranks: $(launch 1); $(launch 2)"
grep -q -x "hosts: alpha gamma " "$scratch/calls" || fail "machines: $(cat "$scratch/calls")"
cluster "137 0" --restarts 1 --hostfile "$scratch/hosts" --ranks 5 --threads 1
expect "ranks that fit stay" 0 2
[[ $(launch 2) == *"-n 5 "* ]] || fail "ranks: $(launch 2)"
cluster "137 0" --restarts 1 --hostfile "$scratch/hosts" --threads 2
expect "threads count" 0 2
[[ $(launch 1) == *"-n 4 "* && $(launch 2) == *"-n 3 "* ]] || fail "ranks: $(launch 1); $(launch 2)"
rm "$scratch/lost"
cluster "137 0" --restarts 1 --hostfile "$scratch/hosts"
[[ $(launch 2) == *"-n 8 "* ]] || fail "ranks without a lost machine: $(launch 2)"
printf 'alpha\nbeta\ngamma\n' >"$scratch/lost"
cluster "137 0" --restarts 1 --hostfile "$scratch/hosts"
expect "no machine is left" 137 1

# Open MPI 5 says 0 also when it has lost a daemon. The report is another one's word; the launcher leaves it as it is.
mkdir "$scratch/out"
export VERSION=5.0.11
cluster "0 0 0" --restarts 1 -- --output "$scratch/out"
expect "a 0 without a report is not believed" 1 2
cluster "0 0" -- --quiet "--output=$scratch/out"
expect "not without restarts either" 1 1
printf '{\n  "status": "stopped"\n}\n' >"$scratch/out/report.json"
cluster "0 0" -- --output "$scratch/out"
expect "nor with that of a run that was stopped" 1 1
printf '{\n  "status": "done"\n}\n' >"$scratch/out/report.json"
cluster "0 1" --restarts 1 -- --output "$scratch/out"
expect "a 0 with a report is" 0 1
rm "$scratch/out/report.json"
VERSION=4.1.6 cluster "0 1" --restarts 1 -- --output "$scratch/out"
expect "and that of version 4 is" 0 1
unset VERSION

cluster "0" --dry-run --nodes 2 --restarts 4
expect "a batch script" 0 0
sed -n '/^#!/,$p' "$scratch/log" >"$scratch/job.sbatch"
for line in '#SBATCH --requeue' '#SBATCH --open-mode=append'; do
    grep -q -x -- "$line" "$scratch/job.sbatch" || fail "the batch script has no line $line: $(cat "$scratch/log")"
done
printf '#!/bin/sh\necho "$*" >>"%s/requeued"\n' "$scratch" >"$scratch/scontrol"
chmod +x "$scratch/scontrol"
# batch LABEL CODE COUNT REQUEUED: the batch script, its run ending with CODE, in a job that was requeued COUNT times.
batch() {
    echo "$2" >"$scratch/codes"
    : >"$scratch/requeued"
    code=0
    MPIRUN=$scratch/mpirun PATH=$scratch:$PATH SLURM_JOB_ID=11 SLURM_NTASKS=2 SLURM_RESTART_COUNT=$3 timeout 60 \
        bash "$scratch/job.sbatch" >"$scratch/log" 2>&1 </dev/null || code=$?
    [ "$code" = "$2" ] || fail "$1: exit code $code: $(cat "$scratch/log")"
    [ "$(cat "$scratch/requeued")" = "$4" ] || fail "$1: $(cat "$scratch/requeued" "$scratch/log")"
}
batch "a job that was stopped" 75 3 "requeue 11"
batch "a job that was requeued often enough" 75 4 ""
batch "a job that failed" 4 0 ""
echo "  a batch job requeues itself"
cluster "0" --dry-run --nodes 2
! grep -q requeue "$scratch/log" || fail "a batch script without restarts requeues itself"
SLURM_RESTART_COUNT=1 cluster "0" -- --overwrite
! launch 1 | grep -q -- --overwrite || fail "a job that was requeued overwrites its checkpoints"

# The real launcher: the first start loses a rank, the second one goes on.
cat >"$scratch/once" <<SCRIPT
#!/usr/bin/env bash
[ "\${1-}" = --version ] && exec $real --version
[ -e "$scratch/struck" ] && unset PARHELION_FAULT
touch "$scratch/struck"
exec $real "\$@"
SCRIPT
chmod +x "$scratch/once"
options=(--quiet --set time.steps=200 --set checkpoint.every=20 --set output.frames_every=0 --set 'output.snapshot_formats=[]')
# real_run OPTIONS...: the script with the real launcher. Sets code.
real_run() {
    code=0
    MPIRUN=$scratch/once MPI_FLAGS="-q" RESTART_DELAY=0 timeout 120 ./run_cluster.sh --ranks 3 --threads 1 --restarts 2 \
        inputs/heat/heat_sink.toml -- "${options[@]}" "$@" >"$scratch/log" 2>&1 </dev/null || code=$?
}
timeout 120 "$PROGRAM" run inputs/heat/heat_sink.toml "${options[@]}" --output "$scratch/whole" </dev/null >"$scratch/whole.log" 2>&1
for kind in kill panic stop; do
    rm -rf "$scratch/struck" "$scratch/run"
    more=()
    [ $kind != stop ] || more=(--watchdog 2)
    PARHELION_FAULT=$kind,phase=step,rank=1,step=130 real_run --output "$scratch/run" ${more[@]+"${more[@]}"}
    [ "$code" = 0 ] || fail "$kind: exit code $code: $(cat "$scratch/log")"
    grep -q "^fault: " "$scratch/log" || { echo "SKIPPED: $PROGRAM has no faults: built without debug assertions"; exit 77; }
    grep -q "restart 1 of 2" "$scratch/log" || fail "$kind: no restart: $(cat "$scratch/log")"
    [ "$(tail -1 "$scratch/log")" = "$(tail -1 "$scratch/whole.log")" ] || fail "$kind: another digest: $(cat "$scratch/log")"
    echo "  $kind of a rank: $(tail -1 "$scratch/log")"
done

# A signal to the script reaches the run, which stops with 75 and is not started again.
rm -rf "$scratch/run"
MPIRUN=$real MPI_FLAGS="-q" timeout 120 ./run_cluster.sh --ranks 2 --threads 1 --restarts 2 inputs/heat/heat_sink.toml -- "${options[@]}" \
    --set time.steps=10000000 --output "$scratch/run" >"$scratch/log" 2>&1 </dev/null &
limit=$!
for _ in $(seq 300); do
    [ -s "$scratch/run/diagnostics.csv" ] && break
    sleep 0.1
done
pkill -USR1 -P $limit || fail "the script has gone: $(cat "$scratch/log")"
code=0
wait $limit || code=$?
[ "$code" = 75 ] || fail "USR1 ended the script with $code: $(cat "$scratch/log")"
! grep -q "restart 1" "$scratch/log" || fail "a stop was taken for a crash: $(cat "$scratch/log")"
echo "  a signal stops the run for good"
