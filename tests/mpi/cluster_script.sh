#!/usr/bin/env bash
# run_cluster.sh without building or running anything: wrong options end it at once, and dry runs show the right commands.
set -euo pipefail
cd "$(dirname "$0")/../.."
source tests/mpi_env.sh

scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
# The machine that tests may itself be an allocation.
unset SLURM_JOB_ID

# refuse TEXT OPTIONS...: exit code 2 within seconds and one line with the text. BUILD=0 keeps a script that goes on from building.
refuse() {
    local text=$1 code=0
    shift
    BUILD=0 timeout 20 ./run_cluster.sh "$@" </dev/null >"$scratch/stdout" 2>"$scratch/stderr" || code=$?
    [ "$code" = 2 ] && [ "$(grep -c '^error:' "$scratch/stderr")" = 1 ] && grep -q "^error:.*$text" "$scratch/stderr" && return
    cat "$scratch/stderr" >&2
    fail "run_cluster.sh $*: exit code $code, or no '$text'"
}

for option in --ranks --threads --hostfile --restarts --nodes --ntasks-per-node --cpus-per-task --time --partition --account; do
    refuse "$option needs a value" "$option"
done
refuse "unknown option" --no-such-option
refuse "whole number" --ranks 0
refuse "whole number" --threads two
refuse "does not exist" "$scratch/none.toml"
refuse "does not exist" --hostfile "$scratch/none"
command -v sbatch >/dev/null || refuse "no sbatch" --nodes 2
echo "  wrong options: refused"

# shows TEXT OPTIONS...: a dry run prints a line with the text.
shows() {
    local text=$1
    shift
    timeout 20 ./run_cluster.sh --dry-run "$@" </dev/null >"$scratch/stdout" 2>"$scratch/stderr" || fail "dry run: $*"
    grep -qF -- "$text" "$scratch/stdout" && return
    cat "$scratch/stdout" "$scratch/stderr" >&2
    fail "run_cluster.sh --dry-run $*: no '$text'"
}

printf 'localhost slots=3 # this machine\nlocalhost slots=2\n' >"$scratch/hosts"
deck=inputs/heat/heat_sink.toml
shows "-n 2" --ranks 2 --threads 1 "$deck"
shows "heat_sink.toml --threads 1 --set time.steps=5" --ranks 2 --threads 1 "$deck" -- --set time.steps=5
shows "-n 5" --hostfile "$scratch/hosts" "$deck"
for line in '#SBATCH --nodes=3' '#SBATCH --ntasks-per-node=4' '#SBATCH --cpus-per-task=8' '#SBATCH --time=00:20:00' \
    '#SBATCH --signal=B:USR1@60' 'run_cluster.sh --restarts 0 --threads 8'; do
    shows "$line" --nodes 3 --ntasks-per-node 4 --cpus-per-task 8 --time 00:20:00 "$deck"
done
shows "run_cluster.sh --restarts 3 --threads 8" --nodes 3 --ntasks-per-node 4 --cpus-per-task 8 --restarts 3 "$deck"
SLURM_JOB_ID=1 SLURM_NTASKS=6 SLURM_CPUS_PER_TASK=2 shows "-n 6" "$deck"
echo "  commands and batch script: as asked"

# A compute node has a launcher and no compilers: a program that is there already is launched all the same.
mkdir -p "$scratch/node" "$scratch/project/target/openmpi/release"
for command in bash sed awk grep head uname id dirname realpath basename nproc lscpu sort wc; do
    ln -s "$(command -v $command)" "$scratch/node/"
done
# shellcheck disable=SC2016
printf '#!/bin/sh\nif [ "$1" = --version ]; then echo "mpirun (Open MPI) 4.1.4"; else echo "launched: $*"; fi\n' >"$scratch/node/mpirun"
printf '#!/bin/sh\n' >"$scratch/project/target/openmpi/release/parhelion"
chmod +x "$scratch/node/mpirun" "$scratch/project/target/openmpi/release/parhelion"
cp run_cluster.sh "$scratch/project"
env -i PATH="$scratch/node" BUILD=0 "$BASH" "$scratch/project/run_cluster.sh" --ranks 1 --threads 1 "$deck" >"$scratch/stdout" 2>"$scratch/stderr" </dev/null ||
    fail "a program that is there, without compilers: $(cat "$scratch/stderr")"
grep -q '^launched: -n 1' "$scratch/stdout" || fail "not launched: $(cat "$scratch/stdout" "$scratch/stderr")"
echo "  without compilers: what is there is launched"
