# shellcheck shell=bash
# Sourced by the suites of this directory: several hosts on one machine, made of Linux namespaces.
#
# `cluster_of N "$@"` starts the suite anew in process, mount, network, IPC and host name namespaces of its own, where it is process 1,
# and makes N hosts there, node1 to nodeN, each with its own network (eth0), host name and shared memory, on one bridge. Files are those of
# the machine, as on a cluster's shared file system; what a suite writes goes to $SHARED, which is in memory. All of it goes with process
# 1, however that ends: the kernel kills every process of the namespace and drops its mounts and networks. Nothing of the machine's own
# network is touched, and suites that run at the same time do not see each other.
#
# A host is one process that keeps its namespaces; `$ON nodeN COMMAND` runs a command there as ssh would, and is what launchers are given.
# Real sshd was not taken: it needs keys, users and a port, and launchers only see its command line. Process numbers are common to
# all hosts, because a launcher on one host must be able to enter another.

SHARED=/mnt
ON=$SHARED/bin/on

# skip REASON
skip() {
    echo "SKIPPED: $*" >&2
    exit 77
}

# needs PROGRAMS...: they are there, or the suite is skipped.
needs() {
    local program
    for program in "$@"; do
        command -v "$program" >/dev/null || skip "$program is not installed"
    done
}

# The namespaces that are needed can be made here: containers often forbid it also to root.
can_isolate() {
    [ "$(id -u)" = 0 ] || skip "only root can make hosts"
    needs ip tc unshare nsenter setsid
    unshare --mount --net --pid --ipc --uts --fork --mount-proc true 2>/dev/null || skip "this machine allows no new namespaces"
    unshare --net ip link add name bridge0 type bridge 2>/dev/null || skip "the kernel has no bridges"
    unshare --net ip link add name a type veth peer name b 2>/dev/null || skip "the kernel has no veth devices"
}

# cluster_of HOSTS ARGUMENTS...: returns where the hosts are; the arguments are the suite's own, for its new start.
cluster_of() {
    local hosts=$1
    shift
    if [ "${PARHELION_CLUSTER:-}" != inside ] || [ $$ != 1 ]; then
        can_isolate
        PATH=$PATH:/usr/sbin:/sbin PARHELION_CLUSTER=inside \
            exec unshare --mount --net --pid --ipc --uts --fork --kill-child --mount-proc bash "$(realpath "tests/cluster/${0##*/}")" "$@"
    fi
    # Process 1 gets only the signals that it handles.
    trap 'exit 143' TERM
    trap 'exit 130' INT
    trap 'exit 129' HUP
    mount -t tmpfs -o mode=755 cluster $SHARED
    mkdir -p $SHARED/bin $SHARED/hosts $SHARED/tmp $SHARED/outputs outputs
    # Job scripts and logs.
    mount --bind $SHARED/outputs outputs
    # Where launchers keep what they do not remove when they are killed.
    export TMPDIR=$SHARED/tmp
    # A batch system around the suite is not that of its hosts.
    local name
    for name in $(compgen -e | grep -E '^(SLURM|SBATCH|PBS|LSB|LSF|OMPI|PMIX|PMI)_'); do unset "$name"; done
    write_agent
    write_names "$hosts"
    ip link set lo up
    ip link add name switch type bridge forward_delay 0
    ip link set switch up
    for name in $(seq "$hosts"); do make_host "$name"; done
    for name in $(seq "$hosts"); do await "node$name is reached" 20 reaches "node$name"; done
}

# Like ssh: the words, joined, for a shell on the host; 255 when it is down or cut off; when that happens later it waits for ever, for nobody
# tells it. Options of ssh are understood and not heeded.
write_agent() {
    cat >$ON <<'SCRIPT'
#!/usr/bin/env bash
while [[ ${1-} == -* ]]; do
    case $1 in -l | -o | -p | -i | -F) shift ;; esac
    shift
done
name=$1
shift
read -r pid 2>/dev/null </mnt/hosts/"$name" || exit 255
is_up() { nsenter --target "$pid" --net ip -brief link show eth0 2>/dev/null | grep -q ' UP '; }
is_up || exit 255
nsenter --target "$pid" --net --uts --ipc --mount --wdns="$PWD" -- bash -c "$*" && exit
code=$?
is_up || exec sleep infinity
exit $code
SCRIPT
    chmod +x $ON
}

write_names() {
    local n
    echo '127.0.0.1 localhost' >$SHARED/names
    for n in $(seq "$1"); do echo "10.77.0.$n node$n" >>$SHARED/names; done
    mount --bind $SHARED/names /etc/hosts
}

# make_host N: node N. The number of its process is in a file of its name.
make_host() {
    local n=$1 pid
    setsid unshare --mount --net --ipc --uts sleep infinity </dev/null >/dev/null 2>&1 &
    disown
    pid=$!
    await "node$n has its namespaces" 10 own_namespaces $pid
    nsenter --target $pid --uts hostname "node$n"
    nsenter --target $pid --mount mount -t tmpfs shm /dev/shm
    # A host that boots anew has the address that the others remember.
    ip link add name "port$n" type veth peer name eth0 address "02:00:00:00:00:0$n" netns $pid
    ip link set "port$n" master switch up
    nsenter --target $pid --net ip link set lo up
    nsenter --target $pid --net ip address add "10.77.0.$n/24" dev eth0
    nsenter --target $pid --net ip link set eth0 up
    echo "$pid" >"$SHARED/hosts/node$n"
}

own_namespaces() {
    [ "$(readlink "/proc/$1/ns/uts")" != "$(readlink /proc/1/ns/uts)" ] && [ "$(cat "/proc/$1/comm")" = sleep ]
}

# await WHAT SECONDS COMMAND...: until the command succeeds.
await() {
    local what=$1 end=$((SECONDS + $2))
    shift 2
    until "$@"; do
        [ $SECONDS -lt $end ] || fail "waited in vain: $what"
        sleep 0.1
    done
}

# processes_of HOST [NAME]: numbers of the processes of a host (of this name) but the one that keeps its namespaces.
processes_of() {
    local keeper namespace process
    read -r keeper <"$SHARED/hosts/$1"
    namespace=$(readlink "/proc/$keeper/ns/uts") || return 0
    for process in /proc/[0-9]*; do
        if [ "${process#/proc/}" = "$keeper" ] || [ "$(readlink "$process/ns/uts")" != "$namespace" ]; then continue; fi
        if [ -z "${2-}" ] || [ "$(cat "$process/comm")" = "$2" ]; then echo "${process#/proc/}"; fi
    done 2>/dev/null
}

# kill_on HOST NAME: SIGKILL to the processes of this name.
kill_on() {
    local found
    found=$(processes_of "$1" "$2")
    [ -n "$found" ] || fail "no $2 on $1: $(ps ax 2>/dev/null)"
    # shellcheck disable=SC2086
    kill -KILL $found
}

# The host stops at once and for good, and nobody is told: the link goes first.
power_off() {
    local keeper found
    cut_link "$1"
    read -r keeper <"$SHARED/hosts/$1"
    found=$(processes_of "$1")
    # shellcheck disable=SC2086
    kill -KILL $found "$keeper" 2>/dev/null || true
}

# power_on HOST: it boots anew. Its old network lives on for a while, for connections that nobody has answered; the cable leaves it.
power_on() {
    ip link del "port${1#node}" 2>/dev/null || true
    make_host "${1#node}"
    await "$1 is reached" 20 reaches "$1"
}

cut_link() { ip link set "port${1#node}" down; }
# What was not there for a while is not asked for at once: the link is mended when the host is reached again.
mend_link() {
    ip link set "port${1#node}" up
    await "$1 is reached" 20 reaches "$1"
}

# reaches HOST: the first host and this one reach each other: nobody listens, but the host says so.
reaches() {
    local other=node1
    [ "$1" != node1 ] || other=localhost
    [[ $(timeout 3 $ON node1 "exec 3<>/dev/tcp/$1/9" 2>&1) == *refused* ]] && [[ $(timeout 3 $ON "$1" "exec 3<>/dev/tcp/$other/9" 2>&1) == *refused* ]]
}

# slow_link HOST BITS: what goes to and from the host, in bits a second; normal_link takes the limit away.
slow_link() {
    local keeper
    read -r keeper <"$SHARED/hosts/$1"
    tc qdisc replace dev "port${1#node}" root tbf rate "$2" burst 16k latency 500ms
    nsenter --target "$keeper" --net tc qdisc replace dev eth0 root tbf rate "$2" burst 16k latency 500ms
}
normal_link() {
    local keeper
    read -r keeper <"$SHARED/hosts/$1"
    tc qdisc del dev "port${1#node}" root
    nsenter --target "$keeper" --net tc qdisc del dev eth0 root
}
