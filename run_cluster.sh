#!/usr/bin/env bash
# Builds parhelion with MPI and runs it: on this machine, on the machines of a host file, or through Slurm, PBS or LSF.
#
#   ./run_cluster.sh [OPTIONS] [DECK] [-- OPTIONS OF `parhelion run`]
#
#   ./run_cluster.sh                                             this machine, ranks and threads from its cores
#   ./run_cluster.sh --ranks 4 --threads 2 inputs/heat/heat_sink.toml -- --set time.steps=500
#   ./run_cluster.sh --hostfile hosts --ranks 16                 the machines listed in the file `hosts`
#   ./run_cluster.sh --nodes 4 --ntasks-per-node 8 --cpus-per-task 16 --time 02:00:00    writes and submits a batch script
#   ./run_cluster.sh --restarts 3 --hostfile hosts               after a crash it goes on from the last checkpoint, without lost hosts
#
# Inside an allocation it launches there; with --nodes (or NODES) and outside of one, it submits, by --scheduler slurm, pbs or lsf, or by
# the one that is there. Every variable below may be set in the environment instead. The exact command is printed before it runs.
set -euo pipefail

# ------------------------------------------------------------------------------------------------------------ what to run
DECK=${DECK:-inputs/heat/hot_plate.toml}
RANKS=${RANKS:-}                     # ranks in all; default: from the cores, or from the allocation
THREADS=${THREADS:-}                 # threads of each rank; default: from the cores, or from the allocation
HOSTFILE=${HOSTFILE:-}               # lines `name slots=N` or `name:N`, N being the cores of a machine
RESTARTS=${RESTARTS:-0}              # how often a run that crashed is started again; a batch job: how often it is requeued at its limit
RESTART_DELAY=${RESTART_DELAY:-5}    # seconds before that
LOCK_WAIT=${LOCK_WAIT:-60}           # seconds that a restart waits while ranks of the run before still hold the output directory
RSH=${RSH:-}                         # asks whether a machine is still there; default: the batch system's own, or ssh
WATCH_EVERY=${WATCH_EVERY:-60}       # seconds after which another node of a Slurm job looks whether that of its script is there; 0: none does
# ------------------------------------------------------------------------------------------------------------- batch jobs
SCHEDULER=${SCHEDULER:-}             # slurm, pbs or lsf; default: the one that is there
NODES=${NODES:-}                     # asks for a batch job
NTASKS_PER_NODE=${NTASKS_PER_NODE:-1}
CPUS_PER_TASK=${CPUS_PER_TASK:-}     # default: THREADS, or 1
TIME=${TIME:-01:00:00}
PARTITION=${PARTITION:-}             # or queue
ACCOUNT=${ACCOUNT:-}                 # or project
SIGNAL_BEFORE=${SIGNAL_BEFORE:-60}   # seconds before the time limit at which the job is told to stop
# ----------------------------------------------------------------------------------------------------------------- build
MPIRUN=${MPIRUN:-mpirun}             # or srun, inside a Slurm allocation
PMI=${PMI:-}                         # how srun speaks to MPI; default: pmix for Open MPI, pmi2 for MPICH
MPICC=${MPICC:-mpicc}
MODULE=${MODULE:-openmpi}            # for `module load`, where there are modules and no mpirun
MPI_FLAGS=${MPI_FLAGS:-}             # more words for mpirun or srun
BUILD=${BUILD:-1}                    # 0: use the program that was built before
PROGRAM=${PROGRAM:-}                 # a parhelion that is there already: nothing is built or installed
YES=${YES:-0}                        # 1: install what is missing without asking
DRY_RUN=${DRY_RUN:-0}                # 1: print the command or the batch script, and do nothing

say() { printf '%s\n' "run_cluster: $*" >&2; }
die() {
    printf '%s\n' "error: $*" >&2
    exit 2
}
usage() { sed -n '2,/^set -/{/^set -/d;s/^# \{0,1\}//;p}' "$0"; }

# value NAME ARGUMENTS...: the argument of an option.
value() {
    [ $# -ge 2 ] || die "$1 needs a value; see ./run_cluster.sh --help"
    printf '%s' "$2"
}

# number NAME VALUE: refuses what is not a whole number.
number() {
    case $2 in
    '' | *[!0-9]* | 0?*) die "$1 is '$2'; it must be a whole number" ;;
    esac
}

# count NAME VALUE: refuses what is not a positive whole number.
count() {
    case $2 in
    '' | *[!0-9]* | 0*) die "$1 is '$2'; it must be a whole number of at least 1" ;;
    esac
}

RUN_OPTIONS=()
while [ $# -gt 0 ]; do
    case $1 in
    --ranks) RANKS=$(value "$@"); shift ;;
    --threads) THREADS=$(value "$@"); shift ;;
    --hostfile) HOSTFILE=$(value "$@"); shift ;;
    --restarts) RESTARTS=$(value "$@"); shift ;;
    --nodes) NODES=$(value "$@"); shift ;;
    --ntasks-per-node) NTASKS_PER_NODE=$(value "$@"); shift ;;
    --cpus-per-task) CPUS_PER_TASK=$(value "$@"); shift ;;
    --time) TIME=$(value "$@"); shift ;;
    --scheduler) SCHEDULER=$(value "$@"); shift ;;
    --partition | --queue) PARTITION=$(value "$@"); shift ;;
    --account) ACCOUNT=$(value "$@"); shift ;;
    --yes | -y) YES=1 ;;
    --dry-run) DRY_RUN=1 ;;
    --help | -h)
        usage
        exit 0
        ;;
    --)
        shift
        RUN_OPTIONS=("$@")
        break
        ;;
    -*) die "unknown option $1; see ./run_cluster.sh --help (options of the run go after --)" ;;
    *) DECK=$1 ;;
    esac
    shift
done
for option in RANKS THREADS NODES CPUS_PER_TASK; do
    [ -z "${!option}" ] || count "$option" "${!option}"
done
count NTASKS_PER_NODE "$NTASKS_PER_NODE"
number RESTARTS "$RESTARTS"
number RESTART_DELAY "$RESTART_DELAY"
number LOCK_WAIT "$LOCK_WAIT"
number WATCH_EVERY "$WATCH_EVERY"

# The deck and the host file are named from where the user stands; everything else from the project.
[ ! -f "$DECK" ] || DECK=$(realpath "$DECK")
if [ -n "$HOSTFILE" ]; then
    [ -f "$HOSTFILE" ] || die "host file $HOSTFILE does not exist; write one line 'name slots=N' for each machine"
    HOSTFILE=$(realpath "$HOSTFILE")
fi
cd "$(dirname "$(realpath "$0")")"
[ -f "$DECK" ] || die "deck $DECK does not exist; there are: $(echo inputs/*/*.toml)"
case $SCHEDULER in '' | slurm | pbs | lsf) ;; *) die "--scheduler is '$SCHEDULER'; it must be slurm, pbs or lsf" ;; esac

# The batch system around this process, or nothing.
allocation() {
    if [ -n "${SLURM_JOB_ID:-}" ]; then echo slurm; elif [ -n "${PBS_NODEFILE:-}" ]; then echo pbs; elif [ -n "${LSB_DJOB_HOSTFILE:-}" ]; then echo lsf; fi
}
in_allocation() { [ -n "$(allocation)" ]; }

# ------------------------------------------------------------------------------------------------------- what is installed
have() { command -v "$1" >/dev/null 2>&1; }
have_libclang() {
    [ -n "${LIBCLANG_PATH:-}" ] && return 0
    compgen -G '/usr/lib/llvm-*/lib/libclang*.so*' >/dev/null || compgen -G '/usr/lib*/libclang*.so*' >/dev/null ||
        compgen -G '/usr/lib/*/libclang*.so*' >/dev/null || compgen -G '/usr/lib64/llvm*/lib*/libclang*.so*' >/dev/null ||
        compgen -G '/opt/homebrew/opt/llvm/lib/libclang.dylib' >/dev/null ||
        compgen -G '/usr/local/opt/llvm/lib/libclang.dylib' >/dev/null ||
        compgen -G '/Library/Developer/CommandLineTools/usr/lib/libclang.dylib' >/dev/null
}
# HDF5 is for files in GADGET's layout; everything else works without it.
have_hdf5() {
    [ -n "${HDF5_DIR:-}" ] || have h5cc || { have pkg-config && pkg-config --exists hdf5; } ||
        compgen -G '/usr/include/hdf5/*/hdf5.h' >/dev/null
}
# A program that is there already, as in a job on nodes without compilers, is only launched; with srun, mpicc says what MPI it is.
complete() {
    have "$MPIRUN" || return
    [ "$BUILD" != 0 ] || by_srun || return 0
    have "$MPICC" || return
    [ "$BUILD" = 0 ] || { have_libclang && have cc; }
}

# The command that installs what is missing, for the package manager that is there.
install_command() {
    if have apt-get; then
        echo "apt-get update -q && apt-get install -y --no-install-recommends gcc libc6-dev libopenmpi-dev openmpi-bin libclang-dev libhdf5-dev"
    elif have dnf; then
        echo "dnf install -y gcc openmpi-devel clang-devel hdf5-devel"
    elif have zypper; then
        echo "zypper --non-interactive install gcc openmpi4-devel clang-devel hdf5-devel"
    elif have brew; then
        echo "brew install open-mpi llvm hdf5"
    fi
}

agreed_to() {
    [ "$YES" = 1 ] || [ "$(id -u)" = 0 ] && return 0
    [ -t 0 ] || die "MPI or libclang is missing and nobody can be asked; run again with --yes, or run: $1"
    local answer
    read -r -p "MPI or libclang is missing. Run '$1'? [y/N] " answer
    case $answer in y | Y | yes) ;; *) die "nothing installed; parhelion with MPI needs mpicc, mpirun and libclang" ;; esac
}

install_missing() {
    complete && return 0
    if [ "$(type -t module || true)" = function ]; then
        say "module load $MODULE"
        module load "$MODULE" || true
    fi
    # Fedora and openSUSE keep MPI out of the usual places.
    local directory
    for directory in /usr/lib64/openmpi/bin /usr/lib64/mpi/gcc/openmpi4/bin; do
        [ ! -d "$directory" ] || PATH=$directory:$PATH
    done
    complete && return 0
    local command runner=()
    command=$(install_command)
    [ -n "$command" ] || die "MPI (mpicc, mpirun) or libclang is missing, and no package manager is known here; install them"
    have brew || [ "$(id -u)" = 0 ] || runner=(sudo)
    agreed_to "$command"
    say "${runner[*]-} sh -c '$command'"
    ${runner[@]+"${runner[@]}"} sh -c "$command"
    for directory in /usr/lib64/openmpi/bin /usr/lib64/mpi/gcc/openmpi4/bin; do
        [ ! -d "$directory" ] || PATH=$directory:$PATH
    done
    complete || die "MPI or libclang is still missing after the installation; set MPICC, MPIRUN and LIBCLANG_PATH"
}

# --------------------------------------------------------------------------------------------------------- which MPI it is
by_srun() { [ "${MPIRUN##*/}" = srun ]; }

# Sets FLAVOR (openmpi or mpich) and MAJOR from the launcher.
detect_mpi() {
    local text
    if by_srun; then
        # Open MPI's compiler says what it is; MPICH's does not know the option.
        text=$("$MPICC" --showme:version 2>/dev/null || echo MPICH 0.)
    else
        text=$("$MPIRUN" --version 2>&1 || true)
    fi
    case $text in
    *"Open MPI"* | *OpenRTE* | *"Open RTE"* | *PRRTE* | *prte*) FLAVOR=openmpi ;;
    *HYDRA* | *MPICH* | *Intel* | *MVAPICH*) FLAVOR=mpich ;;
    *) die "$MPIRUN --version names neither Open MPI nor MPICH (or an MPI made from it); set MPIRUN" ;;
    esac
    case $text in *Intel*) INTEL=1 ;; *) INTEL=0 ;; esac
    MAJOR=$(sed -n '1,3s/[^0-9]*\([0-9][0-9]*\)\..*/\1/p' <<<"$text" | head -1)
    MAJOR=${MAJOR:-0}
}

build() {
    if [ -n "$PROGRAM" ]; then
        [ -x "$PROGRAM" ] || die "PROGRAM=$PROGRAM is no program"
        return 0
    fi
    if [ "$BUILD" = 0 ]; then
        [ -x "$TARGET/release/parhelion" ] || die "BUILD=0, but $TARGET/release/parhelion has not been built yet"
        return 0
    fi
    if ! have cargo; then
        # shellcheck disable=SC1091
        [ ! -f "${HOME:-}/.cargo/env" ] || . "$HOME/.cargo/env"
        have cargo || die "Rust is missing; install it with: curl --proto '=https' --tlsv1.2 -sSf https://sh.rustup.rs | sh -s -- -y"
    fi
    local features=mpi
    have_hdf5 && features=mpi,hdf5
    say "MPICC=$MPICC CARGO_TARGET_DIR=$TARGET cargo build --release --locked --features $features"
    MPICC=$MPICC CARGO_TARGET_DIR=$TARGET cargo build --release --locked --features "$features"
}

# -------------------------------------------------------------------------------------------------------------- its command
# Cores on which this process may run: both MPIs bind to cores, so the second thread of a core does not count.
cores() {
    local usable physical
    if ! have nproc; then
        sysctl -n hw.physicalcpu
        return
    fi
    usable=$(nproc)
    physical=$(lscpu -p=CORE,SOCKET 2>/dev/null | grep -v '^#' | sort -u | wc -l)
    if [ "$physical" -ge 1 ] && [ "$physical" -lt "$usable" ]; then echo "$physical"; else echo "$usable"; fi
}

# Ranks and threads where nobody has said: a rank for each eight cores (memory of one socket stays with its rank), all cores busy.
choose_shape() {
    local cores
    cores=$(cores)
    if [ -z "$RANKS" ] && [ -n "$HOSTFILE" ]; then
        RANKS=$(slots_of_hostfile)
        RANKS=$((RANKS / ${THREADS:-1}))
    elif [ -z "$RANKS" ] && [ -n "$THREADS" ]; then
        RANKS=$((cores / THREADS))
    elif [ -z "$RANKS" ]; then
        RANKS=$(((cores + 7) / 8))
        # One rank would not show that messages work.
        [ "$RANKS" -gt 1 ] || [ "$cores" -lt 2 ] || RANKS=2
    fi
    [ "$RANKS" -ge 1 ] || RANKS=1
    if [ -z "$THREADS" ]; then
        THREADS=1
        [ -n "$HOSTFILE" ] || THREADS=$((cores / RANKS))
    fi
    [ "$THREADS" -ge 1 ] || THREADS=1
}

# Lines `name N` of the host file: `slots=N` or `:N`, one for a line without.
hosts() {
    sed 's/#.*//' "$HOSTFILE" | awk 'NF { n = 1; name = $1; sub(/:[0-9]+$/, "", name)
        if (match($0, /slots *= *[0-9]+/)) { n = substr($0, RSTART, RLENGTH); sub(/.*= */, "", n) }
        else if (match($1, /:[0-9]+$/)) n = substr($1, RSTART + 1)
        print name, n }'
}
slots_of_hostfile() { hosts | awk '{ sum += $2 } END { print sum + 0 }'; }

# Lines of a host file for the machines of the allocation. PBS and LSF list a machine once for each core.
allocated_hosts() {
    case $(allocation) in
    slurm)
        local nodes=${SLURM_JOB_NUM_NODES:-1} ranks
        ranks=$(((RANKS + nodes - 1) / nodes))
        scontrol show hostnames "$SLURM_JOB_NODELIST" | sed "s/\$/ slots=$((ranks * THREADS))/"
        ;;
    pbs) sort "$PBS_NODEFILE" | uniq -c | awk '{ print $2 " slots=" $1 }' ;;
    lsf) sort "$LSB_DJOB_HOSTFILE" | uniq -c | awk '{ print $2 " slots=" $1 }' ;;
    esac
}

# A directory that goes with this script.
own_files() {
    [ -z "$FILES" ] || return 0
    FILES=$(mktemp -d)
    trap 'stop_watch; rm -rf "$FILES"' EXIT
}

# room CORES: `name:N,...` of all hosts, N being how many times so many cores fit, and at least one.
room() { hosts | awk -v t="$1" '{ n = int($2 / t); printf "%s%s:%d", (NR > 1 ? "," : ""), $1, (n < 1 ? 1 : n) }'; }

# True if ranks and threads do not fit on the cores that are known.
crowded() { [ -z "$HOSTFILE" ] && ! in_allocation && [ $((RANKS * THREADS)) -gt "$(cores)" ]; }

# In a step of Slurm that a lost node has left behind, daemons of the launcher still hold the cores. Said to srun itself: Open MPI 5 takes no words
# for it from the environment any more, for newer versions of Slurm put theirs there.
share_cores_with_lost_steps() { [ -z "$HOSTFILE" ] || [ "$(allocation)" != slurm ] || export SLURM_OVERLAP=1; }

# Sets LAUNCH to the words before the program.
launcher() {
    LAUNCH=("$MPIRUN" -n "$RANKS")
    share_cores_with_lost_steps
    if by_srun; then
        in_allocation || die "srun needs an allocation of Slurm: --nodes N asks for one, or salloc"
        # Without the first two srun takes one core for each rank, and waits for ranks whose neighbours have died.
        LAUNCH+=(--cpus-per-task="$THREADS" --kill-on-bad-exit=1 --mpi="${PMI:-$([ "$FLAVOR" = mpich ] && echo pmi2 || echo pmix)}")
        [ -z "$HOSTFILE" ] || LAUNCH+=(--nodes="$(hosts | wc -l)" --nodelist="$(hosts | sed 's/ .*//' | paste -sd,)")
    elif [ "$INTEL" = 1 ]; then
        launch_by_intel
    elif [ "$FLAVOR" = mpich ]; then
        # Its host files count ranks, ours cores.
        [ -z "$HOSTFILE" ] || LAUNCH+=(-hosts "$(room "$THREADS")")
        # Without -bind-to MPICH leaves ranks where the system puts them, which is right when there are too many.
        crowded || LAUNCH+=(-bind-to "core:$THREADS")
    else
        [ -z "$HOSTFILE" ] || LAUNCH+=(--hostfile "$HOSTFILE")
        start_hosts_by_batch_system
        notice_lost_links
        open_mpi_as_root
        if crowded; then
            LAUNCH+=(--oversubscribe --bind-to none)
        elif in_allocation || [ -n "$HOSTFILE" ]; then
            LAUNCH+=(--map-by "slot:PE=$THREADS" --bind-to core)
        else
            # The slots of this machine are its cores, also where mpirun counts fewer of them.
            LAUNCH+=(--host "localhost:$(cores)" --map-by "slot:PE=$THREADS" --bind-to core)
        fi
    fi
    local more
    read -ra more <<<"$MPI_FLAGS"
    LAUNCH+=(${more[@]+"${more[@]}"})
}

# Intel MPI takes numbers of ranks from a file only, and passes over -bind-to: each rank would get one core.
launch_by_intel() {
    if [ -n "$HOSTFILE" ]; then
        own_files
        room "$THREADS" | tr , '\n' >"$FILES/machines"
        LAUNCH+=(-machinefile "$FILES/machines")
    fi
    crowded || LAUNCH+=(-genv I_MPI_PIN_DOMAIN "$THREADS")
}

# How Open MPI starts its daemons. Where it does not know PBS or LSF, it reaches other hosts by their own remote shell instead of ssh, which many sites forbid.
start_hosts_by_batch_system() {
    case $(allocation) in
    pbs | lsf) ;;
    *) return 0 ;;
    esac
    have "$(remote_shell)" || return 0
    export OMPI_MCA_plm_rsh_agent=${OMPI_MCA_plm_rsh_agent:-$(remote_shell)}
    export PRTE_MCA_plm_ssh_agent=${PRTE_MCA_plm_ssh_agent:-$OMPI_MCA_plm_rsh_agent}
}

# The command that runs another one on a host: RSH, or what belongs to the batch system, or ssh.
remote_shell() {
    local own=ssh
    case $(allocation) in
    slurm) own='srun --overlap --nodes=1 --ntasks=1 --nodelist' ;;
    pbs) ! have pbs_tmrsh || own=pbs_tmrsh ;;
    lsf) ! have blaunch || own=blaunch ;;
    esac
    echo "${RSH:-${OMPI_MCA_plm_rsh_agent:-$own}}"
}

# Left alone, Open MPI notices after 8 minutes that a host is silent. Now it is lost after 9 s.
notice_lost_links() {
    local to=--mca
    [ "$MAJOR" -lt 5 ] || to=--prtemca
    [ -n "$HOSTFILE" ] || in_allocation || return 0
    [ -z "${OMPI_MCA_oob_tcp_keepalive_time:-}${PRTE_MCA_oob_tcp_keepalive_time:-}" ] || return 0
    LAUNCH+=("$to" oob_tcp_keepalive_time 5 "$to" oob_tcp_keepalive_intvl 1 "$to" oob_tcp_keepalive_probes 4)
}

# Version 4 asks mpirun, version 5 asks prterun; both understand the variables, which also reach the other hosts' daemons.
open_mpi_as_root() {
    [ "$(id -u)" = 0 ] || return 0
    export OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1
    export PRTE_ALLOW_RUN_AS_ROOT=1 PRTE_ALLOW_RUN_AS_ROOT_CONFIRM=1
    say "running as root: OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1 and the same for PRTE"
}

# Sets COMMAND to the whole command of this machine, host file or allocation.
compose() {
    if [ "$(allocation)" = slurm ]; then
        RANKS=${RANKS:-${SLURM_NTASKS:-1}}
        THREADS=${THREADS:-${SLURM_CPUS_PER_TASK:-1}}
    else
        choose_shape
    fi
    launcher
    COMMAND=("${LAUNCH[@]}" "${PROGRAM:-$TARGET/release/parhelion}" run "$DECK" --threads "$THREADS" ${RUN_OPTIONS[@]+"${RUN_OPTIONS[@]}"})
}

# quoted WORDS...: one line that a shell reads back as the same words.
quoted() {
    local word line=
    for word in "$@"; do
        line+=" $(printf '%q' "$word")"
    done
    printf '%s\n' "${line# }"
}

# ------------------------------------------------------------------------------------------------------------- batch jobs
# seconds_of TIME: Slurm's ways to write a time: minutes, minutes:seconds, hours:minutes:seconds, days-hours[:minutes[:seconds]].
seconds_of() {
    awk -v t="$1" 'BEGIN {
        if (t !~ /^([0-9]+-)?[0-9]+(:[0-9]+)?(:[0-9]+)?$/) exit 1
        days = 0
        if (t ~ /-/) { split(t, d, "-"); days = d[1]; n = split(d[2], p, ":"); s = p[1] * 3600 + p[2] * 60 + p[3] }
        else { n = split(t, p, ":"); s = n == 1 ? p[1] * 60 : n == 2 ? p[1] * 60 + p[2] : p[1] * 3600 + p[2] * 60 + p[3] }
        print days * 86400 + s }' || die "--time is '$1'; it must be minutes, or hours:minutes:seconds"
}

# The script asks for cores and calls this script again, inside the allocation. SCRIPT is its name.
batch_script() {
    local name cores seconds='' run
    name=$(basename "$DECK" .toml)
    cores=$((NTASKS_PER_NODE * CPUS_PER_TASK))
    [ "$SCHEDULER" = slurm ] || seconds=$(seconds_of "$TIME") || exit
    run=$(quoted "$PWD/run_cluster.sh" --restarts "$RESTARTS" --threads "$CPUS_PER_TASK" "$DECK" -- ${RUN_OPTIONS[@]+"${RUN_OPTIONS[@]}"})
    echo '#!/usr/bin/env bash'
    "${SCHEDULER}_directives"
    echo "export BUILD=0 PROGRAM=$(quoted "$PROGRAM") MPIRUN=$(quoted "$MPIRUN") MPICC=$(quoted "$MPICC") MODULE=$(quoted "$MODULE") MPI_FLAGS=$(quoted "$MPI_FLAGS")"
    stop_before_limit
    [ "$RESTARTS" = 0 ] || queue_again
    printf 'exit "%scode"\n' $
}

# The run, told to stop before its time is over. Slurm signals the batch shell, which passes it on. What PBS and LSF signal, and how long
# before the limit, is up to the site, and a second signal ends a run at once; there the script keeps the time itself.
stop_before_limit() {
    if [ "$SCHEDULER" = slurm ]; then
        cat <<SCRIPT
$run &
run=\$!
trap 'kill -USR1 "\$run"' USR1
# A signal ends a wait, not the run: wait until the run has really ended.
wait "\$run"; code=\$?
while kill -0 "\$run" 2>/dev/null; do wait "\$run"; code=\$?; done
SCRIPT
    else
        [ "$seconds" -gt "$SIGNAL_BEFORE" ] || die "--time is '$TIME', which is no more than SIGNAL_BEFORE, $SIGNAL_BEFORE s"
        echo "timeout --preserve-status --foreground --signal=USR1 $((seconds - SIGNAL_BEFORE)) $run"
        echo "code=\$?"
    fi
}

slurm_directives() {
    printf '#SBATCH %s\n' --job-name="parhelion-$name" --nodes="$NODES" --ntasks-per-node="$NTASKS_PER_NODE" \
        --cpus-per-task="$CPUS_PER_TASK" --time="$TIME" --signal="B:USR1@$SIGNAL_BEFORE" --output="$PWD/outputs/$name-%j.log"
    [ -z "$PARTITION" ] || echo "#SBATCH --partition=$PARTITION"
    [ -z "$ACCOUNT" ] || echo "#SBATCH --account=$ACCOUNT"
    # A job that was stopped after a checkpoint goes back into the queue, and its log goes on. One that loses a node stays, and goes on without it.
    [ "$RESTARTS" = 0 ] || printf '#SBATCH %s\n' --requeue --open-mode=append --no-kill
}

# One line of the node file for each core, so that all MPIs count alike.
pbs_directives() {
    printf '#PBS %s\n' "-N parhelion-$name" "-l select=$NODES:ncpus=$cores:mpiprocs=$cores" '-l place=scatter' \
        "-l walltime=$(printf '%d:%02d:%02d' $((seconds / 3600)) $((seconds / 60 % 60)) $((seconds % 60)))" '-j oe' "-o $PWD/outputs/$name.pbs.log"
    [ -z "$PARTITION" ] || echo "#PBS -q $PARTITION"
    [ -z "$ACCOUNT" ] || echo "#PBS -A $ACCOUNT"
}

lsf_directives() {
    printf '#BSUB %s\n' "-J parhelion-$name" "-n $((NODES * cores))" "-R \"span[ptile=$cores]\"" \
        "-W $(printf '%d:%02d' $(((seconds + 59) / 3600)) $(((seconds + 59) / 60 % 60)))" "-o $PWD/outputs/$name-%J.log"
    [ -z "$PARTITION" ] || echo "#BSUB -q $PARTITION"
    [ -z "$ACCOUNT" ] || echo "#BSUB -P $ACCOUNT"
}

# Puts a job that was stopped after a checkpoint back into the queue, RESTARTS times in all.
queue_again() {
    local again times=PARHELION_REQUEUES
    case $SCHEDULER in
    slurm) times=SLURM_RESTART_COUNT again="scontrol requeue \"\$SLURM_JOB_ID\"" ;;
    pbs) again="qsub -v $times=\$((\${$times:-0} + 1)) $(quoted "$SCRIPT")" ;;
    lsf) again="$times=\$((\${$times:-0} + 1)) bsub <$(quoted "$SCRIPT")" ;;
    esac
    echo "if [ \"\$code\" = 75 ] && [ \"\${$times:-0}\" -lt $RESTARTS ]; then $again; fi"
}

# Sets SCHEDULER to the batch system that is there; a dry run may do without.
detect_scheduler() {
    local command
    [ -z "$SCHEDULER" ] || return 0
    for command in sbatch:slurm qsub:pbs bsub:lsf; do
        ! have "${command%:*}" || { SCHEDULER=${command#*:}; return 0; }
    done
    [ "$DRY_RUN" = 1 ] || die "--nodes asks for a batch job, but there is no sbatch, qsub or bsub here; leave it out to run on this machine"
    SCHEDULER=slurm
}

submit() {
    CPUS_PER_TASK=${CPUS_PER_TASK:-${THREADS:-1}}
    SCRIPT=$PWD/outputs/$(basename "$DECK" .toml).$(sed 's/slurm/sbatch/; s/lsf/bsub/' <<<"$SCHEDULER")
    local text
    text=$(batch_script) || exit
    if [ "$DRY_RUN" = 1 ]; then
        say "would submit to $SCHEDULER:"
        printf '%s\n' "$text"
        return
    fi
    mkdir -p outputs
    printf '%s\n' "$text" >"$SCRIPT"
    case $SCHEDULER in
    slurm) say "sbatch $SCRIPT" && sbatch "$SCRIPT" ;;
    pbs) say "qsub $SCRIPT" && qsub "$SCRIPT" ;;
    lsf) say "bsub <$SCRIPT" && bsub <"$SCRIPT" ;;
    esac
}

# ---------------------------------------------------------------------------------------------------------------- restarts
# Codes after which nothing is started again: done; wrong input; a state that is not finite; no usable checkpoint; a directory of another
# run; and 75, for then somebody or a time limit has asked the run to stop.
is_final() { case $1 in 0 | 2 | 4 | 5 | 6 | 75) ;; *) return 1 ;; esac }

# A run that goes on must not begin with throwing its checkpoints away.
drop_overwrite() {
    local option kept=()
    for option in ${RUN_OPTIONS[@]+"${RUN_OPTIONS[@]}"}; do
        [ "$option" = --overwrite ] || kept+=("$option")
    done
    RUN_OPTIONS=(${kept[@]+"${kept[@]}"})
}

is_there() {
    local here words
    here=$(uname -n)
    case $1 in localhost | 127.0.0.1 | "$here" | "${here%%.*}") return 0 ;; esac
    read -ra words <<<"$(remote_shell)"
    [ "${words[0]##*/}" != ssh ] || words+=(-o BatchMode=yes -o ConnectTimeout=5)
    ! have timeout || words=(timeout 15 "${words[@]}")
    "${words[@]}" "$1" true </dev/null >/dev/null 2>&1
}

# Makes a host file of the machines that answer, and takes no more ranks than they have room for.
leave_out_lost_hosts() {
    [ -s "$ALL_HOSTS" ] || [ "${SLURM_JOB_NUM_NODES:-1}" = 1 ] || allocated_hosts >"$ALL_HOSTS"
    [ -s "$ALL_HOSTS" ] || return 0
    local line name lost=() room
    : >"$REMAINING"
    while IFS= read -r line || [ -n "$line" ]; do
        read -r name _ <<<"${line%%#*}" || true
        [ -n "$name" ] || continue
        if is_there "${name%%:*}"; then printf '%s\n' "$line" >>"$REMAINING"; else lost+=("${name%%:*}"); fi
    done <"$ALL_HOSTS"
    RANKS=$ALL_RANKS
    # Slurm needs no list while all nodes are there.
    [ ${#lost[@]} -gt 0 ] || { [ -z "$HOSTFILE" ] || HOSTFILE=$REMAINING; return 0; }
    [ -s "$REMAINING" ] || return 1
    HOSTFILE=$REMAINING
    room=$(hosts | awk -v t="$THREADS" '{ n = int($2 / t); sum += n < 1 ? 1 : n } END { print sum }')
    [ "$RANKS" -le "$room" ] || RANKS=$room
    say "without ${lost[*]}: $RANKS ranks x $THREADS threads"
}

# Signals go to the launcher, which is in a process group of its own: Ctrl-C then comes once, and by this way.
pass_on() {
    ASKED=$1 WOKEN=1
    [ -z "$CHILD" ] || kill "-$1" "$CHILD" 2>/dev/null || true
}

# Runs COMMAND; its exit code is in CODE.
run_once() {
    local status
    set -m
    "${COMMAND[@]}" </dev/null &
    CHILD=$!
    set +m
    # Asked before there was anybody to tell.
    [ -z "$ASKED" ] || pass_on "$ASKED"
    CODE=127
    while :; do
        WOKEN=0 status=0
        wait "$CHILD" || status=$?
        # No child any more: a signal came together with its end, which has been seen.
        [ "$status" != 127 ] || break
        CODE=$status
        # A signal ends a wait, not the run.
        [ "$WOKEN" = 1 ] || break
    done
    CHILD=
}

# Version 5 of Open MPI's launcher says 0 even when it has lost a daemon and ended the job.
says_0_wrongly() { [ "$FLAVOR" = openmpi ] && [ "$MAJOR" -ge 5 ] && ! by_srun; }

# Where the run writes to.
output_directory() {
    local directory option before=
    directory=outputs/$(basename "$DECK" .toml)
    for option in ${RUN_OPTIONS[@]+"${RUN_OPTIONS[@]}"}; do
        [ "$before" != --output ] || directory=$option
        case $option in --output=*) directory=${option#*=} ;; esac
        before=$option
    done
    printf '%s\n' "$directory"
}

# A 0 that cannot be believed is checked against the report of the run, which a run that begins removes.
doubt() {
    local directory
    directory=$(output_directory)
    [ "$CODE" = 0 ] && says_0_wrongly && [ -d "$directory" ] || return 0
    grep -q '"status": *"done"' "$directory/report.json" 2>/dev/null && return 0
    CODE=1
    say "$MPIRUN ended with 0, but $directory/report.json does not say that the run is done"
}

# A restart whose directory is in use: a rank 0 that was cut off with its host, or is just dying, holds it until it has ended too.
held_by_the_last_run() {
    [ "$CODE" = 6 ] && [ $((restart + ${SLURM_RESTART_COUNT:-0})) -gt 0 ] && [ "$SECONDS" -lt $((ended + LOCK_WAIT)) ]
}

# The node of a Slurm job's script takes the script with it when it dies, and the job stands without. So a step on another node looks whether
# the job still has that node, and queues it again, or ends it when it may not be queued again. Only since 21.08 are such steps said to share
# cores with those that have not asked for it; an older one could keep them from the run.
watch_script_node() {
    local other act='scontrol requeue' log
    stop_watch
    [ "$(allocation)" = slurm ] && [ "$RESTARTS" != 0 ] && [ "$WATCH_EVERY" != 0 ] && [ -n "${SLURMD_NODENAME:-}" ] || return 0
    [ "0$(srun --version 2>/dev/null | tr -dc 0-9 | cut -c 1-4)" -ge 2108 ] || return 0
    other=$(if [ -n "$HOSTFILE" ]; then hosts; else scontrol show hostnames "$SLURM_JOB_NODELIST"; fi |
        awk -v here="$SLURMD_NODENAME" '$1 != here && !n++ { print $1 }') && [ -n "$other" ] || return 0
    [ "${SLURM_RESTART_COUNT:-0}" -lt "$RESTARTS" ] || act=scancel
    log=$(readlink "/proc/$$/fd/2") && [ -f "$log" ] || log=/dev/null
    # shellcheck disable=SC2016
    srun --overlap --nodes=1 --ntasks=1 --nodelist="$other" --job-name=watch --mpi=none bash -c 'while :; do
        if nodes=$(squeue --noheader --jobs="$SLURM_JOB_ID" --states=RUNNING --format=%N) && [ -n "$nodes" ] &&
            nodes=$(scontrol show hostnames "$nodes") && [ -n "$nodes" ]; then
            if grep -q -x -F "$2" <<<"$nodes"; then
                seen=1
            elif [ -n "$seen" ]; then
                echo "run_cluster: $2 is lost, and the job script with it: $3 $SLURM_JOB_ID" >>"$4"
                $3 "$SLURM_JOB_ID" >>"$4" 2>&1 || scancel "$SLURM_JOB_ID"
                exit
            fi
        fi
        sleep "$1"
    done' watch "$WATCH_EVERY" "$SLURMD_NODENAME" "$act" "$log" </dev/null >/dev/null 2>&1 &
    WATCH=$!
    disown
}
stop_watch() {
    [ -z "$WATCH" ] || kill "$WATCH" 2>/dev/null || true
    WATCH=
}

# Starts the run again after a crash. It goes on from its last checkpoint by itself.
run_with_restarts() {
    local restart=0 ended=$SECONDS
    own_files
    ALL_HOSTS=$FILES/all REMAINING=$FILES/remaining ALL_RANKS=$RANKS CHILD='' ASKED=''
    [ -z "$HOSTFILE" ] || cp "$HOSTFILE" "$ALL_HOSTS"
    trap 'pass_on INT' INT
    trap 'pass_on TERM' TERM
    trap 'pass_on USR1' USR1
    while :; do
        watch_script_node
        say "$(quoted "${COMMAND[@]}")"
        run_once
        doubt
        if held_by_the_last_run; then
            say "ranks of the run before still hold the directory: again in $((RESTART_DELAY + 1)) s"
            sleep $((RESTART_DELAY + 1))
            [ -z "$ASKED" ] || exit "$CODE"
            continue
        fi
        ! is_final "$CODE" || exit "$CODE"
        [ -z "$ASKED" ] || exit "$CODE"
        [ "$RESTARTS" != 0 ] || exit "$CODE"
        if [ "$restart" -ge "$RESTARTS" ]; then
            say "the run ended with $CODE, and $RESTARTS restarts are used up"
            exit "$CODE"
        fi
        restart=$((restart + 1)) ended=$SECONDS
        say "the run ended with $CODE: restart $restart of $RESTARTS in $RESTART_DELAY s"
        sleep "$RESTART_DELAY"
        [ -z "$ASKED" ] || exit "$CODE"
        leave_out_lost_hosts || { say "no machine answers" && exit "$CODE"; }
        drop_overwrite
        compose
    done
}

# -------------------------------------------------------------------------------------------------------------------- main
# An MPI is needed to know how its launcher is spoken to; a dry run installs nothing and takes Open MPI's words then.
if [ "$DRY_RUN" = 1 ] && ! have "$MPIRUN"; then
    say "$MPIRUN is not installed; showing the command for Open MPI"
    FLAVOR=openmpi MAJOR=4 INTEL=0
else
    [ "$DRY_RUN" = 1 ] || [ -n "$PROGRAM" ] || install_missing
    detect_mpi
fi
TARGET=$PWD/target/$FLAVOR
# mpicc must belong to the launcher; Debian gives both a suffix where several are installed.
if [ "$MPICC" = mpicc ] && have "mpicc.$FLAVOR"; then MPICC=mpicc.$FLAVOR; fi
say "MPI: $FLAVOR $MAJOR ($(command -v "$MPIRUN" || echo "$MPIRUN")); target directory $TARGET"

if [ -n "$NODES" ] && ! in_allocation; then
    # Said before the build, which takes minutes.
    detect_scheduler
    # Built here, once, and not by every job.
    [ "$DRY_RUN" = 1 ] || build
    submit
    exit
fi
[ "${SLURM_RESTART_COUNT:-0}${PARHELION_REQUEUES:-0}" = 00 ] || drop_overwrite
FILES='' WATCH=''
case $(allocation) in
pbs | lsf)
    if [ -z "$HOSTFILE" ]; then
        own_files
        HOSTFILE=$FILES/hosts
        allocated_hosts >"$HOSTFILE"
    fi
    ;;
esac
compose
if [ "$DRY_RUN" = 1 ]; then
    say "would run:"
    quoted "${COMMAND[@]}"
    exit
fi
build
say "$RANKS ranks x $THREADS threads"
# Rank 0 prints where each rank landed.
export PARHELION_SHOW_PLACEMENT=1
if [ "$RESTARTS$FILES" != 0 ] || says_0_wrongly; then run_with_restarts; fi
say "$(quoted "${COMMAND[@]}")"
exec "${COMMAND[@]}"
