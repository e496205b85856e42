#!/usr/bin/env bash
# A real Slurm of four nodes, on hosts made of namespaces: run_cluster.sh submits; the job runs by mpirun and by srun; told to stop before its
# limit it leaves a checkpoint, ends with 75, queues itself again and finishes; it goes on without a node that dies, and is put back when that is the
# node of its script. Each time the digest is that of one process.
#
# Usage: tests/cluster/slurm.sh [thorough | launchers | mpich | limits | lost_node | lost_node_srun | lost_batch_node | openmpi5]...
# Needs root, namespaces, Slurm and munge (exit code 77 and the reason where they are missing). OPENMPI5 is the directory of an Open MPI 5, for
# which target/openmpi5 has a program.
set -euo pipefail
cd "$(dirname "$0")/../.."
source tests/mpi_env.sh
source tests/cluster/hosts.sh
PATH=$PATH:/usr/sbin
needs munged slurmctld slurmd sbatch srun scontrol
[ -x "$PARHELION" ] || skip "no program with MPI at $PARHELION: set PARHELION"
cluster_of 4 "$@"
source tests/cluster/decks.sh
source tests/cluster/slurm_of.sh
PROGRAM=$(realpath "$PARHELION")
export PROGRAM MPIRUN BUILD=0 RESTART_DELAY=1 OMPI_MCA_mpi_yield_when_idle=1

# submit NAME OPTIONS...: run_cluster.sh on node1; sets job. What follows -- goes to the run.
submit() {
    local name=$1
    shift
    timeout 60 $ON node1 ./run_cluster.sh "$*" --output "$SHARED/$name" >"$SHARED/$name.submitted" 2>&1 </dev/null ||
        { cat "$SHARED/$name.submitted" >&2; fail "$name: not submitted"; }
    job=$(sed -n 's/^Submitted batch job //p' "$SHARED/$name.submitted")
}

of_job() { $ON node1 scontrol --oneliner show job "$job" | sed -n "s/.* $1=\([^ ]*\).*/\1/p"; }
restarted() { [ "$(of_job Restarts)" = "$1" ]; }
is_state() { [[ " $1 " == *" $(of_job JobState) "* ]]; }

# ends STATE CODE SECONDS: the job ends so.
logs() { tail -n 30 outputs/*-"$job".log $SHARED/slurm/*.log >&2; }
ends() {
    (await "job $job ends: $(of_job JobState)" "$3" is_state "COMPLETED FAILED CANCELLED TIMEOUT NODE_FAIL") || logs
    [ "$(of_job JobState) $(of_job ExitCode)" = "$1 $2:0" ] && return
    logs
    fail "job $job: $(of_job JobState) $(of_job ExitCode), not $1 $2:0"
}

same() {
    local digest
    digest=$(sed -n 's/^digest: //p' outputs/*-"$job".log | tail -1)
    [ "$digest" = "$alone" ] && { echo "  $1 after $SECONDS s"; return; }
    logs
    fail "$1: digest '$digest', one process gave $alone"
}

no_steps() {
    local n
    for n in 1 2 3 4; do [ -z "$(processes_of "node$n" slurmstepd)$(processes_of "node$n" srun)" ] || return 1; done
}

start_slurm 4
timeout 120 "$PROGRAM" run "$SHARED/heat.toml" --quiet --threads 1 --output "$SHARED/alone" >"$SHARED/alone.log" 2>&1 </dev/null
alone=$(sed -n 's/^digest: //p' "$SHARED/alone.log")
# What the names of a series of jobs begin with.
series=

# By mpirun and by srun.
launchers() {
    local launcher
    for launcher in "$MPIRUN" srun; do
        MPIRUN=$launcher submit "${series}by-${launcher##*/}" --nodes 4 --time 5 "$SHARED/heat.toml" --
        ends COMPLETED 0 60
        same "a job by ${launcher##*/}"
    done
}

# Two jobs that are held back, so that they meet their limit; Slurm looks every half minute.
limits() {
    local jobs=() launcher
    await "all nodes are idle, or these jobs get others than the slow one" 30 idle_nodes 4
    slow_link node2 100kbit
    for launcher in "$MPIRUN" srun; do
        MPIRUN=$launcher SIGNAL_BEFORE=110 submit "${series}limit-${launcher##*/}" --nodes 2 --time 2 --restarts 1 "$SHARED/heat.toml" --
        jobs+=("$job")
    done
    for job in "${jobs[@]}"; do (await "job $job queues itself again" 100 restarted 1) || { logs; fail "job $job: $(of_job JobState)"; }; done
    normal_link node2
    for job in "${jobs[@]}"; do
        ends COMPLETED 0 90
        grep -q "^stopped by SIGUSR1" outputs/*-"$job".log || { logs; fail "job $job: not stopped by the signal"; }
        same "job $job, stopped before its limit and queued again"
    done
}

# node_dies LAUNCHER: node3 dies under a job, and the job goes on without it.
node_dies() {
    local name="${series}dies-${1##*/}"
    await "all nodes are idle" 30 idle_nodes 4
    slow_link node2 1mbit
    MPIRUN=$1 submit "$name" --nodes 4 --time 5 --restarts 1 "$SHARED/heat.toml" --
    await "$name: a checkpoint" 60 compgen -G "$SHARED/$name/checkpoints/*.checkpoint" >/dev/null
    power_off node3
    await "$name: goes on" 100 goes_on "node3: 3 ranks"
    # Held back until Slurm has seen it too, which would end a job that may not lose a node.
    await "Slurm misses node3" 60 is_down node3
    normal_link node2
    ends COMPLETED 0 60
    same "a job by ${1##*/} that lost node3"
    back_again node3 4
}
is_down() { $ON node1 sinfo --noheader --nodes="$1" --format=%t | grep -q '^down'; }
goes_on() { grep -q "^run_cluster: without $1" outputs/*-"$job".log; }
lost_node() { node_dies "$MPIRUN"; }
lost_node_srun() { node_dies srun; }

# job_without_script NAME [UPDATE]: node2 dies under a job, and the job script with it. Slurm 22.05 takes the node out of a job that may lose one, and leaves the job
# RUNNING without its script. The controller is no node of it.
job_without_script() {
    local name=${series}$1
    slow_link node3 1mbit
    WATCH_EVERY=5 submit "$name" --nodes 2 --time 5 --restarts 1 "$SHARED/heat.toml" --
    await "$name: a checkpoint" 60 compgen -G "$SHARED/$name/checkpoints/*.checkpoint" >/dev/null
    [ "$(of_job BatchHost)" = node2 ] || fail "the job script is on $(of_job BatchHost)"
    [ -z "${2-}" ] || $ON node1 scontrol update job="$job" "$2"
    power_off node2
}
lost_script() { grep -q "^run_cluster: node2 is lost, and the job script with it: $1 $job" outputs/*-"$job".log; }

# A step on another node puts the job back, and it goes on from its checkpoint; one that may not be put back ends.
lost_batch_node() {
    $ON node1 scontrol update nodename=node1 state=drain reason=controller
    job_without_script batch-node
    await "job $job is queued again" 90 restarted 1
    lost_script "scontrol requeue" || { logs; fail "job $job: no word of its lost script"; }
    normal_link node3
    ends COMPLETED 0 90
    grep -q '"from": ".*checkpoint"' "$SHARED/${series}batch-node/report.json" || { logs; fail "job $job: began anew"; }
    same "a job that lost the node of its script"
    back_again node2 3
    job_without_script batch-node-refused requeue=0
    await "job $job is cancelled" 90 is_state CANCELLED
    lost_script "scontrol requeue" || { logs; fail "job $job: no word of its lost script"; }
    normal_link node3
    echo "  a job that lost the node of its script and may not be queued again ended after $SECONDS s"
    back_again node2 3
    $ON node1 scontrol update nodename=node1 state=resume
    await "Slurm has 4 idle nodes again" 30 idle_nodes 4
}

# Two ranks, for MPICH never yields while it waits.
mpich() {
    local launcher
    local -x PROGRAM=$PWD/target/mpich/debug/parhelion
    if ! command -v mpirun.mpich >/dev/null || [ ! -x "$PROGRAM" ]; then
        echo "  SKIPPED on MPICH: there is no mpirun.mpich, or no program in $PROGRAM"
        return
    fi
    for launcher in mpirun.mpich srun; do
        MPICC=mpicc.mpich MPIRUN=$launcher submit "mpich-$launcher" --nodes 2 --time 5 "$SHARED/heat.toml" --
        ends COMPLETED 0 60
        same "a job by $launcher with MPICH"
    done
}

# What another version of Open MPI may do otherwise.
openmpi5() {
    local -x PROGRAM=$PWD/target/openmpi5/debug/parhelion MPIRUN=${OPENMPI5-}/bin/mpirun MPICC=${OPENMPI5-}/bin/mpicc LD_LIBRARY_PATH=${OPENMPI5-}/lib
    local series=openmpi5-
    if [ -z "${OPENMPI5-}" ] || [ ! -x "$PROGRAM" ]; then
        echo "  SKIPPED on Open MPI 5: OPENMPI5 does not say where it is, or there is no program in $PROGRAM"
        return
    fi
    echo "  $("$MPIRUN" --version | head -1):"
    launchers
    limits
    lost_node
    lost_node_srun
}

[ $# -gt 0 ] || set -- launchers limits lost_node
[ "$1" != thorough ] || set -- launchers mpich limits lost_node lost_node_srun lost_batch_node openmpi5
for part in "$@"; do
    "$part"
    await "no step is left after $part" 20 no_steps
done
