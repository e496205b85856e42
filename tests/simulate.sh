#!/usr/bin/env bash
# The communication of heat, direct summation and multipoles on simulated ranks, against the model of `parhelion predict`: a table for docs/model.md.
# Usage: [NETWORKS="tree ethernet"] [CASES="heat direct fmm"] tests/simulate.sh [RANKS...] (16 64 256 1024). Needs SimGrid's SMPI (Debian: libsimgrid-dev). Exit code 77: it is not there.
# 1,024 ranks of the direct sum take some minutes and 3 GB.
#
# Platforms, one rank a host: a fat tree of two levels over 10 Gbit/s links, 1.25 GB/s and 1 us each; and Ethernet, one switch with a link of 1 Gbit/s,
# 0.125 GB/s and 12.5 us, to each host. SimGrid's factors for real networks are switched off, so that alpha and beta are those of the links. Reductions of
# multipoles are long, and take the ways that MPICH chooses: by SMPI's own choice one rank would collect them from all others.
set -euo pipefail
cd "$(dirname "$0")/.."

command -v smpirun >/dev/null && command -v smpicc >/dev/null || exit 77
work=$PWD/target/simgrid
mkdir -p "$work"

# MPI's bindings for this build only: SMPI's world is known after the start, and it says that it grants no threads, of which none calls it.
bindings() {
    local source
    source=$(cargo metadata --locked --format-version 1 --features mpi |
        python3 -c 'import json, os, sys; print(next(os.path.dirname(p["manifest_path"]) for p in json.load(sys.stdin)["packages"] if p["name"] == "mpi-sys"))')
    rm -rf "$work/patched"
    cp -r "$source" "$work/patched"
    chmod -R u+w "$work/patched"
    python3 - "$work/patched" <<'PYTHON'
import sys

def edit(name, pairs):
    path = f"{sys.argv[1]}/{name}"
    text = open(path).read()
    for old, new in pairs:
        assert old in text, f"{name} is not what this script knows: {old}"
        text = text.replace(old, new, 1)
    open(path, "w").write(text)

world = [(f"const MPI_Comm RSMPI_COMM_{name}", f"MPI_Comm RSMPI_COMM_{name}") for name in ("WORLD", "SELF")]
edit("src/rsmpi.h", world + [("double RSMPI_Wtime();", "void RSMPI_late_init();\ndouble RSMPI_Wtime();")])
edit("src/rsmpi.c", [
    ("const MPI_Comm RSMPI_COMM_WORLD = MPI_COMM_WORLD;", "MPI_Comm RSMPI_COMM_WORLD;"),
    ("const MPI_Comm RSMPI_COMM_SELF = MPI_COMM_SELF;", "MPI_Comm RSMPI_COMM_SELF;"),
    ("double RSMPI_Wtime() {",
     "void RSMPI_late_init() { RSMPI_COMM_WORLD = MPI_COMM_WORLD; RSMPI_COMM_SELF = MPI_COMM_SELF; }\ndouble RSMPI_Wtime() {"),
])
blocked = ["MPI_Init_thread", "MPI_Comm_spawn_multiple", "MPI_Comm_get_parent", "MPI_SUCCESS"]
edit("build.rs", [(".emit_builtins()", ".emit_builtins()" + "".join(f'.blocklist_item("{name}")' for name in blocked))])
edit("src/lib.rs", [("#[cfg(test)]", '''
pub const MPI_SUCCESS: u32 = 0;

/// # Safety
/// As MPI's.
pub unsafe fn MPI_Init_thread(
    count: *mut std::os::raw::c_int,
    values: *mut *mut *mut std::os::raw::c_char,
    required: std::os::raw::c_int,
    provided: *mut std::os::raw::c_int,
) -> std::os::raw::c_int {
    let code = MPI_Init(count, values);
    RSMPI_late_init();
    *provided = required;
    code
}

/// # Safety
/// As MPI's.
pub unsafe fn MPI_Comm_get_parent(parent: *mut MPI_Comm) -> std::os::raw::c_int {
    *parent = RSMPI_COMM_NULL;
    0
}

extern "C" {
    pub fn MPI_Comm_spawn_multiple(
        count: std::os::raw::c_int,
        commands: *mut *mut std::os::raw::c_char,
        arguments: *mut *mut *mut std::os::raw::c_char,
        most: *const std::os::raw::c_int,
        info: *const MPI_Info,
        root: std::os::raw::c_int,
        comm: MPI_Comm,
        between: *mut MPI_Comm,
        errors: *mut std::os::raw::c_int,
    ) -> std::os::raw::c_int;
}

#[cfg(test)]''')])
PYTHON
    # Files that are as they were are not built anew, nor is what stands on them.
    diff -rq "$work/patched" "$work/mpi-sys" >"$work/changed" 2>&1 && return
    rm -rf "$work/mpi-sys"
    mv "$work/patched" "$work/mpi-sys"
}

# platform NETWORK RANKS FILE: a network with that many hosts.
platform() {
    local links
    case $1-$2 in
    tree-16) links='bw="1.25GBps" lat="1us" topology="FAT_TREE" topo_parameters="2;4,4;1,2;1,2"' ;;
    tree-64) links='bw="1.25GBps" lat="1us" topology="FAT_TREE" topo_parameters="2;8,8;1,4;1,2"' ;;
    tree-256) links='bw="1.25GBps" lat="1us" topology="FAT_TREE" topo_parameters="2;16,16;1,8;1,2"' ;;
    tree-1024) links='bw="1.25GBps" lat="1us" topology="FAT_TREE" topo_parameters="2;32,32;1,16;1,2"' ;;
    ethernet-*) links='bw="0.125GBps" lat="12.5us"' ;;
    *) echo "no $1 of $2 hosts is described here: take tree or ethernet, and 16, 64, 256 or 1024 ranks" >&2; return 2 ;;
    esac
    cat >"$3" <<XML
<?xml version='1.0'?>
<!DOCTYPE platform SYSTEM "https://simgrid.org/simgrid.dtd">
<platform version="4.1">
  <cluster id="net" prefix="host-" suffix="" radical="0-$(($2 - 1))" speed="1Gf" sharing_policy="SPLITDUPLEX" $links/>
</platform>
XML
    # Without a list SMPI takes hosts by their names, host-10 after host-1: neighbours in rank would not be neighbours in the tree.
    seq -f 'host-%.0f' 0 $(($2 - 1)) >"$3.hosts"
}

# simulate NETWORK RANKS KIND SIZE
simulate() {
    local collectives=default
    case $3 in fmm) collectives=mpich ;; esac
    platform "$1" "$2" "$work/$1-$2.xml"
    timeout 1800 smpirun -np "$2" -platform "$work/$1-$2.xml" -hostfile "$work/$1-$2.xml.hosts" --cfg=smpi/simulate-computation:no --cfg=smpi/bw-factor:0:1 \
        --cfg=smpi/lat-factor:0:1 "--cfg=smpi/coll-selector:$collectives" --cfg=smpi/privatization:dlopen --log=root.threshold:error \
        "$work/release/libparhelion_simgrid.so" "$3" "$PWD" "$4"
}

bindings
# One standard library for all ranks: each has a copy of the program, and with it would run out of keys for thread-local values.
export LD_LIBRARY_PATH
LD_LIBRARY_PATH=$(rustc --print target-libdir)
RUSTFLAGS="-C prefer-dynamic" MPICC=smpicc CARGO_TARGET_DIR=$work timeout 1800 cargo build --quiet --release --manifest-path tests/simgrid/Cargo.toml 2>"$work/build.log" || { cat "$work/build.log"; exit 1; }
for network in ${NETWORKS:-tree ethernet}; do
    printf '\n%s\n\n' "$network"
    echo "| case | ranks | link | simulated s/step | model s/step | error | messages |"
    echo "|---|---|---|---|---|---|---|"
    for ranks in "${@:-16 64 256 1024}"; do
        for count in $ranks; do
            for case in ${CASES:-heat direct fmm}; do
                case $case-$count in
                heat-*) simulate "$network" "$count" heat 256 ;;
                direct-*) simulate "$network" "$count" direct 16384 ;;
                fmm-1024) echo "not simulated: multipoles on 1,024 ranks, which do not come through one evaluation in 17 minutes and take 11 GB" >&2 ;;
                fmm-*) simulate "$network" "$count" fmm 65536 ;;
                esac
            done
        done
    done
done
