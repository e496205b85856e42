#!/usr/bin/env bash
# Faults of one rank under mpirun, on 1, 2, 4 and 8 ranks: panics, failed operations, values that are not numbers, aborts, hangs, an
# input that only one rank cannot read. The job always ends soon, with one line that begins with `error:` and the right exit code.
#
# Usage: tests/mpi/faults.sh [RANKS...]
# Needs a build with debug assertions: other builds have no faults (exit code 77). FAULT_SECONDS is how long a job may take from the
# fault to its end [5, as promised].
set -euo pipefail
cd "$(dirname "$0")/../.."
source tests/mpi_env.sh
PARHELION=$(realpath "$PARHELION")
allowed=${FAULT_SECONDS:-5}

scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT

cat >"$scratch/heat.toml" <<'DECK'
physics = "heat"
[grid]
cells = [24, 20, 16]
size = [0.24, 0.2, 0.16]
[material]
name = "copper"
[boundary]
all = { kind = "convection", coefficient = 25.0, ambient = 5.0 }
[initial]
kind = "file"
file = "start.npy"
[time]
dt = "auto"
steps = 40
[output]
diagnostics_every = 1
snapshot_every = 10
snapshot_formats = ["vti", "npy"]
frames_every = 20
[checkpoint]
every = 10
on_failure = "stop"
DECK
cat >"$scratch/bodies.toml" <<'DECK'
physics = "nbody"
[gravity]
method = "fmm"
softening = { kind = "plummer", length = 0.02 }
[bodies]
file = "bodies.csv"
[time]
dt = 0.01
steps = 20
[output]
diagnostics_every = 1
snapshot_every = 5
snapshot_formats = ["vtp", "npy"]
[checkpoint]
every = 5
DECK
awk 'BEGIN { srand(7); print "mass,x,y,z,vx,vy,vz"
    for (n = 0; n < 800; n++) printf "0.00125,%.6f,%.6f,%.6f,%.6f,%.6f,%.6f\n", rand(), rand(), rand(), rand() - .5, rand() - .5, rand() - .5 }' \
    >"$scratch/bodies.csv"
sed 's/kind = "file"/kind = "uniform"/; s/file = .*/value = 60.0/' "$scratch/heat.toml" >"$scratch/first.toml"
timeout 60 "$PARHELION" run "$scratch/first.toml" --quiet --threads 1 --set time.steps=1 --output "$scratch/first" </dev/null >/dev/null
cp "$scratch/first/snapshots/00000001/temperature.npy" "$scratch/start.npy"

# An unknown plan is refused where there are faults at all.
code=0
PARHELION_FAULT=none timeout 20 "$PARHELION" run "$scratch/first.toml" --output "$scratch/none" </dev/null >/dev/null 2>&1 || code=$?
[ "$code" = 2 ] || { echo "SKIPPED: $PARHELION has no faults: it was built without debug assertions"; exit 77; }

# A rank with the number $ASTRAY is started in another directory, so that it does not find the files of the deck.
cat >"$scratch/rank.sh" <<'SCRIPT'
#!/usr/bin/env bash
rank=${OMPI_COMM_WORLD_RANK:-${PMI_RANK:-0}}
[ "$rank" != "${ASTRAY:-}" ] || cd /
exec "$@"
SCRIPT
chmod +x "$scratch/rank.sh"

# job N DECK OPTIONS...: the run under mpirun; sets code, errors, and how long it took from the fault to its end.
job() {
    local n=$1 deck=$2 struck
    shift 2
    jobs=$((jobs + 1))
    rm -rf "$scratch/out"
    code=0
    (cd "$scratch" && LIMIT=60 ranks "$n" ./rank.sh "$PARHELION" run "$deck.toml" --output "$scratch/out" --threads 2 --quiet "$@") \
        >"$scratch/log" 2>&1 || code=$?
    ended=$(date +%s.%N)
    errors=$(grep -c '^error:' "$scratch/log" || true)
    struck=$(sed -n 's/^fault: .* at \([0-9.]*\)$/\1/p' "$scratch/log" | head -1)
    took=$(awk -v a="${struck:-0}" -v b="$ended" 'BEGIN { printf "%.2f", a ? b - a : 0 }')
}

failures=0
slowest=0
jobs=0
# verdict LABEL CODE ERRORS TEXT [MORE]: what the last job must have done, within MORE seconds above what is promised.
verdict() {
    local good=1
    [ "$code" = "$2" ] && [ "$errors" = "$3" ] || good=0
    if [ -n "$4" ] && ! grep -q -- "$4" "$scratch/log"; then good=0; fi
    awk -v t="$took" -v m="$(awk -v a="$allowed" -v b="${5:-0}" 'BEGIN { print a + b }')" 'BEGIN { exit !(t <= m) }' || good=0
    [ -n "${5:-}" ] || slowest=$(awk -v a="$slowest" -v b="$took" 'BEGIN { print (b > a) ? b : a }')
    [ $good = 1 ] && return
    failures=$((failures + 1))
    {
        echo "FAILED: $1: exit code $code, not $2; $errors error lines, not $3; $took s from the fault; wanted: $4"
        sed 's/^/    /' "$scratch/log"
    } >&2
}

# fault PLAN N DECK CODE TEXT OPTIONS...: a plan for which CODE and one line with TEXT are right.
fault() {
    local plan=$1 n=$2 deck=$3 wanted=$4 text=$5
    shift 5
    PARHELION_FAULT=$plan job "$n" "$deck" "$@"
    grep -q '^fault: ' "$scratch/log" || { echo "the fault did not strike" >>"$scratch/log"; code=none; }
    verdict "$plan, $deck on $n ranks" "$wanted" 1 "$text"
}

# all_faults N RANK: everything that can happen to this rank of N.
all_faults() {
    local n=$1 rank=rank=$2 phase phases=(setup step checkpoint end)
    [ "$n" != 2 ] || phases=(start deck setup step checkpoint output digest report end)
    for phase in "${phases[@]}"; do
        fault "panic,phase=$phase,$rank" "$n" heat 1 "error: internal: an injected fault at"
    done
    fault "panic,phase=step,$rank,step=7" "$n" bodies 1 "error: internal: an injected fault at"
    fault "worker,phase=step,$rank,step=7" "$n" heat 1 "error: internal: an injected fault in a worker at"
    fault "worker,phase=step,$rank,step=7" "$n" bodies 1 "error: internal: an injected fault in a worker at"
    fault "abort,phase=step,$rank,step=7" "$n" heat 1 "error: .*aborted (SIGABRT)"
    fault "abort,phase=setup,$rank" "$n" bodies 1 "error: .*aborted (SIGABRT)"
    fault "error,phase=step,$rank,step=7" "$n" heat 3 "error: step 7 failed: "
    fault "error,phase=setup,$rank" "$n" heat 2 "error: .*cannot read .*start.npy: "
    fault "error,phase=setup,$rank" "$n" bodies 2 "error: cannot read .*bodies.csv: "
    fault "error,phase=output,$rank" "$n" heat 3 "error: cannot write "
    fault "error,phase=checkpoint,$rank,step=20" "$n" heat 3 "error: cannot write .*00000020.checkpoint: "
    [ -f "$scratch/out/checkpoints/00000010.checkpoint" ] || fail "the older checkpoint has gone"
    fault "nan,phase=step,$rank,step=7" "$n" heat 4 "error: .*step 7"
    fault "nan,phase=step,$rank,step=7" "$n" bodies 4 "error: "
    fault "nan,phase=step,$rank,step=7" "$n" bodies 4 "error: " --set gravity.method=direct
    fault "nan,phase=step,$rank,step=7" "$n" bodies 4 "error: " --set output.diagnostics_every=0
    fault "nan,phase=step,$rank,step=9" "$n" bodies 4 "error: " --set time.integrator=hermite4 --set gravity.method=direct \
        --set output.diagnostics_every=0
    # A warning, and the run goes on.
    PARHELION_FAULT="error,phase=checkpoint,$rank,step=20" job "$n" heat --set checkpoint.on_failure=continue
    took=0
    verdict "a checkpoint that fails, on $n ranks" 0 0 "warning: no checkpoint at step 20"
    # Nobody can speak for a rank that is killed; the launcher ends the job.
    PARHELION_FAULT="kill,phase=step,$rank,step=7" job "$n" heat
    # MPICH gives the number of the signal as it is.
    [ "$code" != 9 ] || code=137
    verdict "kill on $n ranks" 137 0 "fault: Kill"
}

# astray N: an input that all ranks but the last one can read.
astray() {
    ASTRAY=$(($1 - 1)) job "$1" heat
    verdict "heat on $1 ranks, one astray" 2 1 "error: .*cannot read .*start.npy: No such file"
    ASTRAY=$(($1 - 1)) job "$1" bodies
    verdict "bodies on $1 ranks, one astray" 2 1 "error: cannot read .*bodies.csv: No such file"
    [ ! -e "$scratch/out" ] || fail "an output directory for an input that cannot be read"
}

# stopped PLAN N DECK: SIGSTOP to a rank; the watchdog needs two seconds, and those who wait take turns of two.
stopped() {
    PARHELION_FAULT=stop,$1 job "$2" "$3" --watchdog 2
    verdict "stop,$1, $3 on $2 ranks" 3 1 "error: no progress for [0-9]* s: rank [0-9] of $2 on .* waits for a rank that hangs in $4" 8
}

# hangs N: the last rank hangs, which can still speak for itself; or a rank is stopped, and others have to.
hangs() {
    local last=$(($1 - 1)) plan
    for plan in "setup,rank=$last" "step,rank=$last,step=7" "checkpoint,rank=$last" "output,rank=$last,step=10"; do
        PARHELION_FAULT=sleep,phase=$plan job "$1" heat --watchdog 2
        verdict "sleep,phase=$plan on $1 ranks" 3 1 "error: no progress for 2 s: rank $last of $1 on .* hangs in" 3
    done
    # Alone, a process that is stopped has nobody to notice it.
    [ "$1" -gt 1 ] || return 0
    stopped "phase=step,rank=$last,step=7" "$1" heat "\(step [78]\|the outputs after step 7\);"
    stopped "phase=step,rank=0,step=7" "$1" heat "\(step [78]\|the outputs after step 7\);"
    stopped "phase=step,rank=$last,step=7" "$1" bodies "\(step [78]\|the outputs after step 7\);"
    stopped "phase=checkpoint,rank=$last" "$1" heat "the checkpoint after step 10;"
    stopped "phase=setup,rank=$last" "$1" bodies "the setup "
}

# first_rank N: what is special about rank 0: it writes most files, and its end ends most launchers.
first_rank() {
    fault "panic,phase=step,rank=0,step=7" "$1" heat 1 "error: internal: an injected fault at"
    fault "abort,phase=step,rank=0,step=7" "$1" heat 1 "error: .*aborted (SIGABRT)"
    fault "error,phase=step,rank=0,step=7" "$1" heat 3 "error: step 7 failed: "
    fault "error,phase=setup,rank=0" "$1" bodies 2 "error: cannot read .*bodies.csv: "
    fault "error,phase=checkpoint,rank=0,step=20" "$1" bodies 3 "error: cannot write .*00000020.checkpoint: " \
        --set checkpoint.on_failure=stop --set time.steps=30
    fault "error,phase=report,rank=0" "$1" heat 3 "error: cannot write .*report.json: "
    fault "nan,phase=step,rank=0,step=7" "$1" bodies 4 "error: "
}

[ $# -gt 0 ] || set -- 1 2 4 8
for count in "$@"; do
    all_faults "$count" $((count - 1))
    [ "$count" = 1 ] || first_rank "$count"
    [ "$count" = 1 ] || astray "$count"
    [ "$count" = 8 ] || hangs "$count"
    echo "  $count ranks: $jobs jobs, $failures failures; slowest end $slowest s after the fault"
done

[ $failures = 0 ] || fail "$failures faults did not end as promised"

# The same under MPICH, if that has been built too; it never yields, so on few ranks.
if "$MPIRUN" --version 2>&1 | grep -q -i hydra; then exit; fi
mpich=target/mpich/debug/parhelion
if ! command -v mpirun.mpich >/dev/null || [ ! -x $mpich ]; then
    echo "  SKIPPED under MPICH: there is no mpirun.mpich, or no program in $mpich"
    exit
fi
MPIRUN=mpirun.mpich PARHELION=$mpich FAULT_SECONDS=$allowed bash tests/mpi/faults.sh 1 2
