#!/usr/bin/env bash
# The job scripts that run_cluster.sh writes for Slurm, PBS and LSF: they are those of tests/mpi/batch, shellcheck has nothing to say, and those
# of PBS and LSF, run in what these batch systems give a job, launch on the job's machines, stop before the limit and queue themselves again.
#
# Usage: tests/mpi/batch_scripts.sh [bless]     `bless` writes tests/mpi/batch anew
set -euo pipefail
cd "$(dirname "$0")/../.."
source tests/mpi_env.sh

scratch=$(mktemp -d)
trap 'rm -rf "$scratch" "outputs/${scratch##*/}".*' EXIT
for name in $(compgen -e | grep -E '^(SLURM|PBS|LSB)_'); do unset "$name"; done
unset HOSTFILE PARHELION_REQUEUES
# A launcher that notes its words and ends with the code that is asked for; `slow` waits for USR1 first.
cat >"$scratch/mpirun" <<'SCRIPT'
#!/usr/bin/env bash
here=$(dirname "$0")
[ "${1-}" = --version ] && { cat "$here/version"; exit; }
echo "$*" >>"$here/calls"
while [ $# -gt 0 ]; do
    case $1 in --hostfile | -machinefile) cat "$2" >>"$here/calls" ;; esac
    shift
done
echo "agent ${OMPI_MCA_plm_rsh_agent-}" >>"$here/calls"
if [ "$(cat "$here/code")" = slow ]; then
    trap 'exit 75' USR1
    for _ in $(seq 300); do sleep 0.1; done
    exit 1
fi
exit "$(cat "$here/code")"
SCRIPT
echo "mpirun (Open MPI) 4.1.4" >"$scratch/version"
for command in qsub bsub; do
    # shellcheck disable=SC2016
    printf '#!/usr/bin/env bash\necho "%s $* ${PARHELION_REQUEUES-}" >>"%s/queued"\n' $command "$scratch" >"$scratch/$command"
done
printf '#!/bin/sh\n' >"$scratch/blaunch"
chmod +x "$scratch"/*
export MPIRUN=$scratch/mpirun MPICC=mpicc PROGRAM=/bin/true PATH=$scratch:$PATH

# script SYSTEM OPTIONS...: the job script, with what is of this machine taken out.
script() {
    timeout 20 ./run_cluster.sh --dry-run --scheduler "$@" </dev/null 2>"$scratch/stderr" || { cat "$scratch/stderr" >&2; fail "dry run for $*"; }
}
neutral() { sed "s|$scratch|/bin|g; s|$PWD|/project|g; s|MPICC=[^ ]*|MPICC=mpicc|"; }

shape=(--nodes 3 --ntasks-per-node 4 --cpus-per-task 8 --time 1-02:20:30)
for system in slurm pbs lsf; do
    script $system "${shape[@]}" inputs/heat/heat_sink.toml >"$scratch/plain.sh"
    script $system "${shape[@]}" --queue long --account physics --restarts 2 inputs/heat/heat_sink.toml -- --set 'title="a b"' >"$scratch/full.sh"
    { neutral <"$scratch/plain.sh" && echo && neutral <"$scratch/full.sh"; } >"$scratch/$system"
    [ "${1-}" != bless ] || cp "$scratch/$system" tests/mpi/batch/$system
    diff -u tests/mpi/batch/$system "$scratch/$system" >&2 || fail "the job script of $system is another one; after a look: tests/mpi/batch_scripts.sh bless"
    bash -n "$scratch/plain.sh" && bash -n "$scratch/full.sh"
    ! command -v shellcheck >/dev/null || shellcheck "$scratch/plain.sh" "$scratch/full.sh" || fail "shellcheck and the job script of $system"
done
echo "  job scripts of Slurm, PBS and LSF: as they should be"

# refuse TEXT OPTIONS...
refuse() {
    local text=$1 code=0
    shift
    timeout 20 ./run_cluster.sh --dry-run --nodes 2 "$@" >"$scratch/stdout" 2>"$scratch/stderr" </dev/null || code=$?
    [ $code = 2 ] && [ "$(grep -c '^error:' "$scratch/stderr")" = 1 ] && grep -q "$text" "$scratch/stderr" && [ ! -s "$scratch/stdout" ] && return
    fail "$*: exit code $code: $(cat "$scratch/stdout" "$scratch/stderr")"
}
refuse "must be slurm, pbs or lsf" --scheduler sge
refuse "must be minutes" --scheduler pbs --time soon
refuse "no more than SIGNAL_BEFORE" --scheduler lsf --time 1
for pair in 90:1:30:00 2:30:0:02:30 1:02:03:1:02:03 1-0:24:00:00 1-01:30:25:30:00; do
    case $pair in 1:02:03:*) given=1:02:03 ;; 2:30:*) given=2:30 ;; 1-01:30:*) given=1-01:30 ;; *) given=${pair%%:*} ;; esac
    # Into a file: grep -q leaves at the first match, and the script would die of the broken pipe, now and then.
    script pbs --nodes 1 --time "$given" >"$scratch/timed.sh"
    grep -q -x "#PBS -l walltime=${pair#"$given":}" "$scratch/timed.sh" || fail "walltime of $given"
done
echo "  times: as Slurm writes them"

printf 'alpha\nalpha\nalpha\nalpha\nbeta\nbeta\nbeta\nbeta\n' >"$scratch/machines"
# job SYSTEM CODE QUEUED OPTIONS...: the job runs, with the variable `given`, and ends with the code; what it queued.
job() {
    local system=$1 wanted=$2 queued=$3 code=0
    shift 3
    timeout 20 ./run_cluster.sh --scheduler "$system" --nodes 2 --ntasks-per-node 2 --cpus-per-task 2 "$@" </dev/null >"$scratch/log" 2>&1 ||
        fail "$system: not submitted: $(cat "$scratch/log")"
    : >"$scratch/calls"
    : >"$scratch/queued"
    env "$given" timeout 60 bash "outputs/${scratch##*/}.${system/lsf/bsub}" >"$scratch/log" 2>&1 </dev/null || code=$?
    [ "$code" = "$wanted" ] || fail "$system: exit code $code, not $wanted: $(cat "$scratch/log")"
    [ "$(sed 's/ *$//' "$scratch/queued")" = "$queued" ] || fail "$system: queued '$(cat "$scratch/queued")', not '$queued'"
}
calls() { grep -q -e "$1" "$scratch/calls" || fail "no '$1' in: $(cat "$scratch/calls" "$scratch/log")"; }

# Under a name of its own, which is that of the job script.
deck=$scratch/${scratch##*/}.toml
cp inputs/heat/heat_sink.toml "$deck"
for system in pbs lsf; do
    if [ $system = pbs ]; then
        given=PBS_NODEFILE=$scratch/machines
        again="qsub -v PARHELION_REQUEUES=1 $PWD/outputs/${scratch##*/}.pbs"
    else
        given=LSB_DJOB_HOSTFILE=$scratch/machines
        again="bsub  1"
    fi
    echo 0 >"$scratch/code"
    job $system 0 "" "$deck" -- --overwrite
    for words in '-n 4 --hostfile ' '--threads 2 --overwrite' 'alpha slots=4' 'beta slots=4'; do calls "$words"; done
    [ $system = pbs ] || calls "agent blaunch"
    echo slow >"$scratch/code"
    SIGNAL_BEFORE=58 job $system 75 "" --time 1 "$deck"
    SIGNAL_BEFORE=58 job $system 75 "$again" --time 1 --restarts 1 "$deck"
    PARHELION_REQUEUES=1 SIGNAL_BEFORE=58 job $system 75 "" --time 1 --restarts 1 "$deck" -- --overwrite
    ! grep -q -e --overwrite "$scratch/calls" || fail "a job that was queued again overwrites its checkpoints"
    echo 4 >"$scratch/code"
    job $system 4 "" --restarts 1 "$deck"
    # MPICH wants ranks for each machine, where the list has cores.
    echo "HYDRA build details" >"$scratch/version"
    echo 0 >"$scratch/code"
    job $system 0 "" "$deck"
    calls '-n 4 -hosts alpha:2,beta:2 -bind-to core:2'
    echo "Intel(R) MPI Library for Linux* OS, Version 2021.18.1 Build 20260626" >"$scratch/version"
    job $system 0 "" "$deck"
    for words in '-n 4 -machinefile ' '-genv I_MPI_PIN_DOMAIN 2' '^alpha:2' 'beta:2'; do calls "$words"; done
    echo "mpirun (Open MPI) 4.1.4" >"$scratch/version"
    echo "  $system: launches on the machines of the job, stops before the limit, queues itself again"
done
