# shellcheck shell=bash
# Sourced by tests/run.sh and by every suite in tests/mpi: how ranks are started in tests.
#
# Ranks may outnumber cores here, so they are not bound, yield while they wait, and run under a time limit. MPICH never yields:
# with it more than two ranks on a small machine are slow, but they work.

MPIRUN=${MPIRUN:-$(command -v mpirun.openmpi || command -v mpirun || echo mpirun)}
export MPIRUN OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1
# Open MPI 5 takes the two of mpirun's own settings from here.
export PRTE_ALLOW_RUN_AS_ROOT=1 PRTE_ALLOW_RUN_AS_ROOT_CONFIRM=1

# launcher RANKS: the words of a command that starts so many ranks.
launcher() {
    local version quiet=
    version=$("$MPIRUN" --version 2>&1)
    case $version in *"Open MPI) 4"*) quiet=-q ;; esac # version 5 does not know it
    case $version in
    *"Open MPI"* | *OpenRTE* | *"Open RTE"* | *PRRTE* | *prte*)
        echo "$MPIRUN $quiet --oversubscribe --bind-to none --mca mpi_yield_when_idle 1" \
            "--mca btl_vader_single_copy_mechanism none -n $1"
        ;;
    *) echo "$MPIRUN -n $1" ;;
    esac
}

# ranks N COMMAND...: runs the command on N ranks, at most LIMIT seconds (300).
ranks() {
    local words
    read -ra words <<<"$(launcher "$1")"
    shift
    timeout "${LIMIT:-300}" "${words[@]}" "$@" </dev/null
}

# The program under test; tests/run.sh builds it.
PARHELION=${PARHELION:-target/openmpi/debug/parhelion}

fail() {
    echo "FAILED: $*" >&2
    exit 1
}

# latex_compiles FILE [DIRECTORY]: a table compiles and is no wider than a page; its PDF stays in the directory. Returns 1 without LaTeX.
latex_compiles() {
    local place name
    command -v pdflatex >/dev/null || return 1
    place=$(mktemp -d) name=$(basename "$1" .tex)
    printf '\\documentclass{article}\\usepackage{booktabs}\\begin{document}\\input{%s}\\end{document}\n' "$(realpath "$1")" >"$place/$name.tex"
    (cd "$place" && timeout 60 pdflatex -interaction=batchmode -halt-on-error "$name.tex" >/dev/null </dev/null) ||
        fail "LaTeX refuses $1: $(tail -20 "$place/$name.log")"
    ! grep "^Overfull" "$place/$name.log" || fail "$1 is wider than a page"
    [ -z "${2:-}" ] || cp "$place/$name.pdf" "$2"
    rm -r "$place"
}

# must_end CODE COMMAND...: it ends with this exit code; what it prints is in $scratch/out and $scratch/err.
must_end() {
    local wanted=$1 code=0
    shift
    "$@" >"${scratch:?}/out" 2>"$scratch/err" || code=$?
    [ "$code" = "$wanted" ] || fail "$* ended with $code, not $wanted: $(cat "$scratch/err")"
}
