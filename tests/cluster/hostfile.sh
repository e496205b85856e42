#!/usr/bin/env bash
# The real program on four hosts by `run_cluster.sh --hostfile`: the digest is that of one process, on Open MPI and on MPICH, also over a
# slow link; a rank that is killed, a daemon that is killed, a link that is cut and a host that is switched off end the job soon, and it goes
# on from its checkpoint on what is left, to the same digest. `compare --hosts` runs its processes over TCP on hosts, and cuts one off.
#
# Usage: tests/cluster/hostfile.sh [thorough | mpich]
# Needs root, namespaces, bridge and veth (exit code 77 and the reason where they are missing). `thorough` does every fault to both kinds of
# physics, `mpich` the part on MPICH alone. CLUSTER_SECONDS is how long a job may take from the fault to its end [15, as promised].
set -euo pipefail
cd "$(dirname "$0")/../.."
source tests/mpi_env.sh
source tests/cluster/hosts.sh
[ -x "$PARHELION" ] || skip "no program with MPI at $PARHELION: set PARHELION"
cluster_of 4 "$@"
source tests/cluster/decks.sh
PROGRAM=$(realpath "$PARHELION")
allowed=${CLUSTER_SECONDS:-15}

# What run_cluster.sh finds in its environment on node1. Ranks share cores here, so they yield.
export PROGRAM MPIRUN RSH=$ON RESTART_DELAY=1 OMPI_MCA_plm_rsh_agent=$ON PRTE_MCA_plm_ssh_agent=$ON OMPI_MCA_mpi_yield_when_idle=1 HYDRA_LAUNCHER_EXEC=$ON

# hostfile HOSTS...: the name of a host file of these.
hostfile() {
    printf '%s slots=1\n' "$@" >"$SHARED/hostfile.$#.$1"
    echo "$SHARED/hostfile.$#.$1"
}
four=$(hostfile node1 node2 node3 node4)
# Open MPI begins with its own machine where that is listed.
node3_first=$(hostfile node3 node2 node4)

# cluster NAME OPTIONS...: run_cluster.sh on node1, with a log and an output directory of this name. In a session of its own, for Open MPI 5
# kills whole process groups, and those from outside of the namespace all have the number 0.
cluster() {
    local name=$1
    shift
    setsid --wait timeout 120 $ON node1 ./run_cluster.sh "$*" --quiet --output "$SHARED/$name" >"$SHARED/$name.log" 2>&1 </dev/null
}

idle() { [ -z "$(processes_of "$1")" ]; }

without_ranks() { [ -z "$(processes_of "$1" parhelion)" ]; }

digest_of() { sed -n 's/^digest: //p' "$1.log"; }

show() { sed 's/^/    /' "$SHARED/$1.log" >&2; }

# same NAME PHYSICS HOSTS: the run has ended with the digest of one process, on these hosts.
same() {
    local digest hosts
    digest=$(digest_of "$SHARED/$1")
    hosts=$(tr -d ' \n' <"$SHARED/$1/report.json" | sed 's/.*"hosts":\[\([^]]*\)\].*/\1/; s/"//g')
    [ "$digest" = "$(digest_of "$SHARED/$2-alone")" ] && [ "$hosts" = "$3" ] && return
    show "$1"
    fail "$1: digest '$digest' on $hosts; one process gave $(digest_of "$SHARED/$2-alone"), and it should be on $3"
}

loop_seconds() { sed -n 's/^ *"loop_s": \([0-9.]*\).*/\1/p' "$SHARED/$1/report.json"; }

# Long enough to be struck in its middle: 400 steps of heat are over in 40 ms.
sed 's/^steps = 400$/steps = 20000/' "$SHARED/heat.toml" >"$SHARED/long.toml"
grep -qx 'steps = 20000' "$SHARED/long.toml" || fail "the deck has other steps"

# alone PHYSICS: its run in one process.
alone() {
    timeout 120 "$PROGRAM" run "$SHARED/$1.toml" --quiet --threads 1 --output "$SHARED/$1-alone" \
        >"$SHARED/$1-alone.log" 2>&1 </dev/null || { show "$1-alone"; fail "$1 in one process"; }
}

alone long
alone heat
alone bodies

# What `compare --cut-host` is given: on node1 it cuts the link of a host where its cable ends, at the switch, which is in the network of process 1.
cat >"$SHARED/bin/cut" <<'SCRIPT'
#!/bin/sh
exec nsenter --target 1 --net ip link set "port${1#node}" down
SCRIPT
chmod +x "$SHARED/bin/cut"

# compared NAME PHYSICS HOSTS OPTIONS...: the models side by side, C on these hosts, with the digest of one process; it goes on when a rank is
# killed and, where that is asked for, when a host is cut off.
compared() {
    local name=compare-$1 physics=$2 hosts=$3
    shift 3
    tr , '\n' <<<"$hosts" | sed 's/$/ slots=1 # compared/' >"$SHARED/$name.hosts"
    setsid --wait timeout 200 $ON node1 "$PROGRAM" compare "$SHARED/$physics.toml" --hosts "$SHARED/$name.hosts" --repeats 1 "$*" \
        --output "$SHARED/$name" >"$SHARED/$name.log" 2>&1 </dev/null || { show "$name"; fail "$name"; }
    grep -q "^ *C  processes over TCP: [0-9] x 1 ranks x threads on ${hosts//,/, }\$" "$SHARED/$name.log" || { show "$name"; fail "$name: C is not on $hosts"; }
    python3 - "$SHARED/$name/compare.csv" "$(digest_of "$SHARED/$physics-alone")" "$*" "$hosts" <<'PYTHON' || { show "$name"; fail "$name"; }
import csv, sys

rows = {row["model"]: row for row in csv.DictReader(open(sys.argv[1]))}
c = rows["C"]
assert {"A", "B", "C"} <= set(rows) and {row["digest"] for row in rows.values()} == {sys.argv[2]}, rows
assert float(c["latency_s"]) > 0 and c["from_step"], c
if "--cut-host" in sys.argv[3]:
    assert c["cut_host"] == [host for host in sys.argv[4].split(",") if host != "node1"][-1] and int(c["cut_from_step"]) > 0 and float(c["cut_ended_after_s"]) > 0, c
    print(f"  {c['cut_host']} cut off: the job ended after {float(c['cut_ended_after_s']):.1f} s, went on from step {c['cut_from_step']}")
else:
    assert not c["cut_host"], c
PYTHON
    ! grep -q '^ *\(cut: \)\?same digest.*NO' "$SHARED/$name.log" || { show "$name"; fail "$name: another digest"; }
    echo "  $name, C on $hosts: the same digest"
}

daemon=orted killed=137 lost=205
# In version 5 a neighbour often sees first that a rank has gone, and aborts with the number of MPI's error; where a daemon is lost, mpirun says 0
# or what ssh said, and run_cluster.sh makes 1 of a 0.
! "$MPIRUN" --version | grep -q 'Open MPI) 5' || daemon=prted killed='137|14' lost='1|14|137|205'
# What a fault is done to: node3. Its name is that of a function below.
rank_killed() { kill_on node3 parhelion; }
daemon_killed() { kill_on node3 "$daemon"; }
link_cut() { cut_link node3; }
rank_0_cut() { cut_link node3; }
switched_off() { power_off node3; }

ended() { grep -q '^run_cluster: the run ended with' "$SHARED/$1.log"; }

# What holds a run back, so that it lasts half a minute.
declare -A pace=([heat]=1mbit [bodies]=16mbit)

# fault PHYSICS FAULT CODE HOSTS [HOSTFILE]: a run that is held back by a slow link until it has a checkpoint is struck; the job ends soon with CODE (a pattern), and goes
# on from a checkpoint on HOSTS.
fault() {
    local name=$1-$2 began took
    slow_link node2 "${pace[$1]}"
    cluster "$name" --restarts 1 --hostfile "${5:-$four}" "$SHARED/$1.toml" -- &
    local run=$!
    await "$name: a checkpoint" 60 compgen -G "$SHARED/$name/checkpoints/*.checkpoint" >/dev/null
    began=$(date +%s.%N)
    "$2"
    await "$name: the end of the job" 60 ended "$name"
    took=$(awk -v a="$began" -v b="$(date +%s.%N)" 'BEGIN { printf "%.1f", b - a }')
    normal_link node2
    wait $run || { show "$name"; fail "$name: no good end"; }
    grep -q -E "^run_cluster: the run ended with ($3): restart 1 of 1" "$SHARED/$name.log" || { show "$name"; fail "$name: not ended with $3"; }
    grep -q '"from": ".*checkpoint"' "$SHARED/$name/report.json" || fail "$name: began anew"
    awk -v t="$took" -v a="$allowed" 'BEGIN { exit !(t <= a) }' || { show "$name"; fail "$name: the job ended after $took s, not within $allowed"; }
    same "$name" "$1" "$4"
    echo "  $name: ended with $(sed -n 's/^run_cluster: the run ended with \([0-9]*\).*/\1/p' "$SHARED/$name.log") after $took s; on $4: the same digest"
}

digests() {
    local physics
    for physics in heat bodies; do
        cluster $physics-four --hostfile "$four" "$SHARED/$physics.toml" -- || { show $physics-four; fail "$physics on four hosts"; }
        same $physics-four $physics node1,node2,node3,node4
        echo "  $physics on 4 hosts: $(digest_of "$SHARED/$physics-four")"
    done

    # Faces between four ranks have 32 x 16 cells, and node3 sends two of them in each of 400 steps, which takes 3.3 s at 8 Mbit/s
    # at least, whatever else happens.
    slow_link node3 8mbit
    cluster slow --hostfile "$four" "$SHARED/heat.toml" -- || { show slow; fail "heat over a slow link"; }
    normal_link node3
    same slow heat node1,node2,node3,node4
    awk -v t="$(loop_seconds slow)" 'BEGIN { exit !(t >= 3.0) }' || fail "the slow link was not used: $(loop_seconds slow) s"
    echo "  heat over a slow link: the same digest; $(loop_seconds heat-four) s without, $(loop_seconds slow) s with"
}

comparisons() {
    compared heat long node1,node2,node3 --workers 3 --cut-host "$SHARED/bin/cut"
    await "nothing runs on the host that was cut off" 30 idle node3
    mend_link node3
    compared bodies bodies node1,node2 --workers 2
}

faults() {
    fault heat rank_killed "$killed" node1,node2,node3,node4
    fault bodies daemon_killed "$lost" node1,node2,node3,node4
    fault heat link_cut "$lost" node1,node2,node4
    await "nothing runs on the host that was cut off" 30 idle node3
    mend_link node3
    # Rank 0 holds the directory until it has ended.
    fault heat rank_0_cut "$lost" node2,node4 "$node3_first"
    await "nothing runs on the host that was cut off" 30 idle node3
    mend_link node3
    if [ "$part" = thorough ]; then
        fault bodies rank_killed "$killed" node1,node2,node3,node4
        fault heat daemon_killed "$lost" node1,node2,node3,node4
        fault bodies link_cut "$lost" node1,node2,node4
        await "nothing runs on the host that was cut off" 30 idle node3
        mend_link node3
    fi
    fault bodies switched_off "$lost" node1,node2,node4
}

# MPICH never yields while it waits: two ranks, for two cores.
mpich() {
    PROGRAM=$PWD/target/mpich/debug/parhelion MPIRUN=$(command -v mpirun.mpich || true)
    local two physics
    if [ -z "$MPIRUN" ] || [ ! -x "$PROGRAM" ]; then
        echo "  SKIPPED on MPICH: there is no mpirun.mpich, or no program in $PROGRAM"
        return
    fi
    two=$(hostfile node1 node2)
    for physics in heat bodies; do
        cluster $physics-mpich --hostfile "$two" "$SHARED/$physics.toml" -- || { show $physics-mpich; fail "$physics on MPICH"; }
        same $physics-mpich $physics node1,node2
        echo "  $physics on 2 hosts, MPICH: $(digest_of "$SHARED/$physics-mpich")"
    done
    compared mpich heat node1,node2 --workers 2
    # Its launcher does not look after its hosts: the watchdog of the run ends it.
    compared mpich-cut long node1,node4 --workers 2 --cut-host "$SHARED/bin/cut"
    # Its launcher may stay there: nobody tells it.
    await "no rank runs on the host that was cut off" 60 without_ranks node4
    mend_link node4
    # Rank 0 is on the host that is cut off, and holds the directory until it has ended.
    compared mpich-first long node4,node1 --workers 2 --cut-host "$SHARED/bin/cut"
}

part=${1-}
if [ "$part" != mpich ]; then
    digests
    comparisons
    faults
fi
mpich
