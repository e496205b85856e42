# shellcheck shell=bash
# Sourced after `cluster_of`: Slurm on the hosts, node1 being the controller. Everything of it is in "$SHARED/slurm."

export SLURM_CONF=$SHARED/slurm/slurm.conf

# start_slurm N: on the first N hosts. One munged serves all, for its socket is a file.
start_slurm() {
    local n
    mkdir -p "$SHARED/slurm/state" "$SHARED/munge"
    dd if=/dev/urandom of="$SHARED/munge/key" bs=128 count=1 status=none
    chmod 700 "$SHARED/munge"
    chmod 600 "$SHARED/munge/key"
    munged --foreground --force --key-file="$SHARED/munge/key" --socket="$SHARED/munge/socket" --pid-file="$SHARED/munge/pid" \
        --log-file="$SHARED/munge/log" --seed-file="$SHARED/munge/seed" >/dev/null 2>&1 &
    # Times are short, so that tests are. A credential's life is also how long a job waits that is queued again.
    cat >"$SLURM_CONF" <<CONF
ClusterName=cluster
SlurmctldHost=node1
SlurmUser=root
AuthType=auth/munge
AuthInfo=socket=$SHARED/munge/socket,cred_expire=5
CredType=cred/munge
StateSaveLocation=$SHARED/slurm/state
SlurmctldPidFile=$SHARED/slurm/slurmctld.pid
SlurmctldLogFile=$SHARED/slurm/slurmctld.log
SlurmdSpoolDir=$SHARED/slurm/%n
TmpFS=$SHARED/slurm/%n
SlurmdPidFile=$SHARED/slurm/%n.pid
SlurmdLogFile=$SHARED/slurm/%n.log
SlurmdParameters=config_overrides
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
SelectType=select/cons_tres
SelectTypeParameters=CR_Core
SwitchType=switch/none
MpiDefault=none
ReturnToService=2
SlurmdTimeout=15
KillWait=5
SchedulerParameters=batch_sched_delay=1,sched_interval=2,bf_interval=2
NodeName=node[1-$1] NodeAddr=10.77.0.[1-$1] CPUs=2 RealMemory=500 State=UNKNOWN
PartitionName=all Nodes=ALL Default=YES MaxTime=INFINITE State=UP
CONF
    await "munged" 10 test -S "$SHARED/munge/socket"
    $ON node1 exec slurmctld -D >/dev/null 2>&1 &
    for n in $(seq "$1"); do start_slurmd "node$n"; done
    await "Slurm has $1 idle nodes" 30 idle_nodes "$1"
}

# start_slurmd NODE
start_slurmd() {
    mkdir -p "$SHARED/slurm/$1"
    $ON "$1" exec slurmd -D >/dev/null 2>&1 &
}

# back_again NODE N: a node that was switched off boots, and Slurm has N idle nodes again.
back_again() {
    power_on "$1"
    start_slurmd "$1"
    await "Slurm has $2 idle nodes again" 60 idle_nodes "$2"
}

idle_nodes() { [ "$($ON node1 sinfo --noheader --Node --states=idle --format=%N 2>/dev/null | sort -u | wc -l)" = "$1" ]; }
