#!/usr/bin/env bash
# The one test command. Usage: tests/run.sh [--quick]
#
# Installs the system packages that are missing (Debian and its relatives, as root or by sudo), then runs every stage to its end
# and counts them. --quick leaves out what needs MPI, Python or the network. The last line is `N passed, N failed, N skipped`.
set -uo pipefail
cd "$(dirname "$0")/.." || exit

quick=0
case "${1-}" in
"") ;;
--quick) quick=1 ;;
*)
    echo "usage: tests/run.sh [--quick]" >&2
    exit 2
    ;;
esac

# One target directory for each MPI: its build script does not notice that another one is wanted.
target=${CARGO_TARGET_DIR:-$PWD/target}
mpi_target=$target/openmpi
passed=() failed=() skipped=()

# ---------------------------------------------------------------------------------------------------------------- stages

# stage NAME COMMAND...: runs it, prints its time and counts it. A command that returns 77 has been skipped.
stage() {
    local name=$1 start=$SECONDS code=0
    shift
    printf '\n=== %s\n' "$name"
    "$@" </dev/null || code=$?
    case $code in
    0) passed+=("$name") verdict=passed ;;
    77) skipped+=("$name") verdict=SKIPPED ;;
    *) failed+=("$name") verdict="FAILED (exit code $code)" ;;
    esac
    printf '=== %s: %s, %d s\n' "$name" "$verdict" $((SECONDS - start))
}

skip() {
    echo "SKIPPED: $*"
    return 77
}

formatting() {
    timeout 300 cargo fmt --check && timeout 300 cargo fmt --check --manifest-path fuzz/Cargo.toml &&
        timeout 300 cargo fmt --check --manifest-path tests/simgrid/Cargo.toml
}

clippy_default() {
    timeout 1800 cargo clippy --locked --all-targets -- -D warnings
}

clippy_mpi() {
    CARGO_TARGET_DIR=$mpi_target timeout 1800 cargo clippy --locked --all-targets --features mpi,hdf5 -- -D warnings
}

documentation() {
    RUSTDOCFLAGS="-D warnings" timeout 1800 cargo doc --locked --no-deps
}

shell_scripts() {
    command -v shellcheck >/dev/null || { skip "shellcheck is not installed"; return; }
    shellcheck -x .ci/run tests/*.sh tests/mpi/*.sh tests/soak/*.sh tests/disk/*.sh tests/cluster/*.sh run_cluster.sh
}

tests_default() {
    timeout 3600 cargo test --locked --no-fail-fast
}

tests_mpi() {
    CARGO_TARGET_DIR=$mpi_target timeout 3600 cargo test --locked --no-fail-fast --features mpi,hdf5
}

# test_program NAME: path of a test's executable in the build with MPI.
test_program() {
    CARGO_TARGET_DIR=$mpi_target timeout 1800 cargo test --locked --features mpi,hdf5 --test "$1" --no-run --message-format json |
        sed -n 's/.*"executable":"\([^"]*\/'"$1"'-[^"]*\)".*/\1/p' | tail -1
}

contract_under_mpirun() {
    local program n last
    program=$(test_program mpi_contract)
    [ -x "$program" ] || return 1
    for n in 1 2 3 4; do
        last=$(PARHELION_TEST_RANKS=$n ranks "$n" "$program" | tail -1)
        echo "$last"
        [ "$last" = "$n ranks over MPI: all kept" ] || return 1
    done
}

endings_under_mpirun() {
    local program
    program=$(test_program endings)
    [ -x "$program" ] || return 1
    PARHELION_TEST_LAUNCHER=$(launcher 3) timeout 300 "$program"
}

# Runs with every format, in two and three dimensions, on one process, on domains and on MPI ranks; read back by numpy and VTK.
runs_to_open() {
    local every=(--overwrite --quiet --threads 1 --set output.snapshot_every=20 --set 'output.snapshot_formats=["vti","npy"]'
        --set output.frames_every=20 --set output.diagnostics_every=10 --set time.steps=40)
    "$PARHELION" run inputs/heat/hot_plate.toml "${every[@]}" --output "$1/plate" &&
        "$PARHELION" run inputs/heat/eigenmode_3d.toml "${every[@]}" --domains 5 --output "$1/domains" &&
        ranks 3 "$PARHELION" run inputs/heat/heat_sink.toml "${every[@]}" --output "$1/ranks"
}

# The same of bodies, in three systems of units.
bodies_to_open() {
    local every=(--overwrite --quiet --threads 1 --set 'output.snapshot_formats=["vtp","npy","hdf5"]' --set output.snapshot_every=2
        --set output.frames_every=2 --set output.diagnostics_every=1)
    "$PARHELION" run inputs/nbody/plummer_100k.toml "${every[@]}" --set bodies.count=3000 --set time.steps=4 --output "$1/plummer" &&
        "$PARHELION" run inputs/nbody/solar_system.toml "${every[@]}" --set time.steps=4 --domains 2 --output "$1/planets" &&
        ranks 3 "$PARHELION" run inputs/nbody/galaxy_collision.toml "${every[@]}" --set time.steps=4 --output "$1/galaxies"
}

interoperability() {
    local runs=$target/tmp/interop
    [ -x .venv-test/bin/python ] || timeout 300 python3 -m venv .venv-test || return 1
    timeout 900 .venv-test/bin/python -m pip install --quiet --disable-pip-version-check numpy pyvista || return 1
    mkdir -p "$runs" && runs_to_open "$runs" || return 1
    timeout 1800 .venv-test/bin/python tests/interop.py --complete "$runs/plate" "$runs/domains" "$runs/ranks"
}

interoperability_of_bodies() {
    local runs=$target/tmp/interop-bodies
    [ -x .venv-test/bin/python ] || timeout 300 python3 -m venv .venv-test || return 1
    timeout 1800 .venv-test/bin/python -m pip install --quiet --disable-pip-version-check numpy pyvista h5py yt pynbody || return 1
    mkdir -p "$runs" && bodies_to_open "$runs" || return 1
    timeout 1800 .venv-test/bin/python tests/interop_bodies.py --all-readers "$runs/plummer" "$runs/planets" "$runs/galaxies"
}

# Licences, duplicate crates and sources from what is here; advisories from a database that must be fetched.
dependencies() {
    if ! cargo deny --version >/dev/null 2>&1; then
        echo "installing cargo-deny"
        timeout 1200 cargo install --quiet cargo-deny --locked ||
            { skip "cargo-deny cannot be installed: cargo install cargo-deny --locked"; return; }
    fi
    timeout 300 cargo deny check --hide-inclusion-graph licenses bans sources || return 1
    if timeout 60 cargo deny fetch db; then
        timeout 300 cargo deny check --disable-fetch advisories
    else
        skipped+=("advisories: their database, https://github.com/rustsec/advisory-db, cannot be reached from here")
        echo "SKIPPED: advisories were not looked at"
    fi
}

# Ten seconds for each reader, so that the whole command keeps to its half hour; tests/fuzz.sh 60 is the full smoke test.
fuzzing() {
    timeout 2400 tests/fuzz.sh "${FUZZ_SECONDS:-10}"
}

scaling_pages() {
    timeout 900 bash tests/scaling_page.sh "$target/tmp/scaling-page" || return
    command -v pdflatex >/dev/null ||
        skipped+=("tables were not compiled: no pdflatex; apt-get install --no-install-recommends texlive-latex-recommended")
}

# Kills of ranks and of mpirun; those of the plain program are among the tests of restarts.
killed_ranks() {
    timeout 300 tests/soak/kill.sh 6 1 ranks
}

# --------------------------------------------------------------------------------------------------------------- packages

as_root() {
    if [ "$(id -u)" = 0 ]; then "$@"; else sudo -n "$@"; fi
}

# Prints the Debian packages that are wanted and not there.
missing_packages() {
    local package newest
    local wanted=(gcc g++ libc6-dev libopenmpi-dev openmpi-bin libhdf5-dev python3 python3-venv iproute2 slurm-wlm munge)
    # 50 MB and half a minute; what has LaTeX from elsewhere keeps it.
    command -v pdflatex >/dev/null || wanted+=(texlive-latex-recommended)
    if ! compgen -G '/usr/lib/llvm-*/lib/libclang*.so*' >/dev/null || ! compgen -G '/usr/lib/llvm-*/lib/clang/*/include/stddef.h' >/dev/null; then
        newest=$(apt-cache --names-only search '^libclang1-[0-9]+$' | sed 's/ .*//' | sort -V | tail -1)
        newest=${newest:-libclang1-14}
        wanted+=("$newest" "libclang-common-${newest#libclang1-}-dev")
    fi
    # Where package lists know no Debian package of it (Ubuntu has a snap), the stage that needs a browser is skipped.
    if [ -z "${CHROMIUM:-}" ] && ! command -v chromium chromium-browser google-chrome >/dev/null &&
        { ! compgen -G '/var/lib/apt/lists/*_Packages*' >/dev/null || apt-cache show chromium >/dev/null 2>&1; }; then
        wanted+=(chromium)
    fi
    for package in "${wanted[@]}"; do
        dpkg-query -W -f '${Status}' "$package" 2>/dev/null | grep -q 'ok installed' || echo "$package"
    done
}

system_packages() {
    command -v apt-get >/dev/null ||
        { skip "no apt-get: Open MPI, libclang and Python with venv must be there already"; return; }
    local missing
    mapfile -t missing < <(missing_packages)
    [ ${#missing[@]} = 0 ] && { echo "all there"; return; }
    as_root timeout 600 apt-get update -q || { echo "cannot install: ${missing[*]} (be root, or allow sudo)" >&2; return 1; }
    # The list again: the newest libclang is known only now.
    mapfile -t missing < <(missing_packages)
    echo "installing: ${missing[*]}"
    as_root env DEBIAN_FRONTEND=noninteractive timeout 1800 apt-get install -y -q --no-install-recommends "${missing[@]}"
}

# -------------------------------------------------------------------------------------------------------------------- run

if ! command -v cargo >/dev/null; then
    # shellcheck disable=SC1091
    [ -f "$HOME/.cargo/env" ] && source "$HOME/.cargo/env"
    command -v cargo >/dev/null ||
        { echo "Rust is missing: curl --proto '=https' --tlsv1.2 -sSf https://sh.rustup.rs | sh -s -- -y" >&2; exit 1; }
fi

[ $quick = 1 ] || stage "system packages" system_packages
# Only now is mpirun there for certain.
source tests/mpi_env.sh
MPICC=${MPICC:-$(command -v mpicc.openmpi || command -v mpicc || echo mpicc)}
export MPICC PARHELION=$mpi_target/debug/parhelion

stage "format" formatting
stage "clippy" clippy_default
stage "shell scripts" shell_scripts
stage "documentation" documentation
stage "tests" tests_default
if [ $quick = 0 ]; then
    stage "clippy with MPI" clippy_mpi
    stage "tests with MPI" tests_mpi
    stage "communicator contract under mpirun" contract_under_mpirun
    stage "endings under mpirun" endings_under_mpirun
    # On a busy machine the end of a job is late: here time only catches hangs. The suite prints the slowest end, to be compared with five seconds.
    export FAULT_SECONDS=${FAULT_SECONDS:-20}
    for suite in tests/mpi/*.sh; do
        stage "$suite" timeout 1800 bash "$suite"
    done
    export CLUSTER_SECONDS=${CLUSTER_SECONDS:-40}
    for suite in hostfile slurm; do
        stage "tests/cluster/$suite.sh" timeout 900 bash "tests/cluster/$suite.sh"
    done
    stage "kills of ranks and of mpirun" killed_ranks
    stage "other programs open the files" interoperability
    stage "other programs open the files of bodies" interoperability_of_bodies
    stage "pages of scaling experiments in a browser" scaling_pages
    stage "licences and advisories" dependencies
    stage "fuzzing of all readers" fuzzing
fi

printf '\n'
[ ${#skipped[@]} = 0 ] || printf 'skipped: %s\n' "${skipped[@]}"
[ ${#failed[@]} = 0 ] || printf 'FAILED: %s\n' "${failed[@]}"
printf 'total time: %d s\n' "$SECONDS"
printf '%d passed, %d failed, %d skipped\n' ${#passed[@]} ${#failed[@]} ${#skipped[@]}
[ ${#failed[@]} = 0 ]
