#!/usr/bin/env bash
# Wrong input under mpirun: exit code 2 on all ranks, one line that begins with `error:`, nothing written, no hang.
set -euo pipefail
cd "$(dirname "$0")/../.."
source tests/mpi_env.sh

# The program without its commands accepts anything.
"$PARHELION" --version </dev/null 2>/dev/null | grep -q . || exit 77

scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT

# refuse LABEL ARGUMENTS...: three ranks must refuse these arguments.
refuse() {
    local label=$1 code=0 lines
    shift
    LIMIT=20 ranks 3 "$PARHELION" "$@" --output "$scratch/out" >"$scratch/stdout" 2>"$scratch/stderr" || code=$?
    lines=$(grep -c '^error:' "$scratch/stderr" || true)
    [ "$code" = 2 ] && [ "$lines" = 1 ] && [ ! -e "$scratch/out" ] && { echo "  $label: refused"; return; }
    cat "$scratch/stderr" >&2
    fail "$label: exit code $code, $lines error lines"
}

printf 'title = "no physics"\nphysics = "alchemy"\n' >"$scratch/alchemy.toml"
printf 'title = \n' >"$scratch/broken.toml"
: >"$scratch/empty.toml"
refuse "missing deck" run "$scratch/none.toml"
refuse "a directory" run "$scratch"
refuse "empty deck" run "$scratch/empty.toml"
refuse "broken deck" run "$scratch/broken.toml"
refuse "unknown physics" run "$scratch/alchemy.toml"
refuse "unknown flag" run "$scratch/alchemy.toml" --no-such-flag
refuse "domains and ranks" run "$scratch/alchemy.toml" --domains 2
