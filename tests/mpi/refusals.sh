#!/usr/bin/env bash
# Wrong input under mpirun: the exit code of the contract on all ranks, one line that begins with `error:`, nothing written, no hang.
set -euo pipefail
cd "$(dirname "$0")/../.."
source tests/mpi_env.sh

# The program without its commands accepts anything.
"$PARHELION" --version </dev/null 2>/dev/null | grep -q . || exit 77

scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT

# fails RANKS CODE TEXT LABEL ARGUMENTS...: a run must end with this code and one line that holds the text.
fails() {
    local count=$1 want=$2 text=$3 label=$4 code=0 lines
    shift 4
    LIMIT=30 ranks "$count" "$PARHELION" "$@" >"$scratch/stdout" 2>"$scratch/stderr" || code=$?
    lines=$(grep -c '^error:' "$scratch/stderr" || true)
    [ "$code" = "$want" ] && [ "$lines" = 1 ] && grep -q "^error:.*$text" "$scratch/stderr" && return
    cat "$scratch/stderr" >&2
    fail "$label on $count ranks: exit code $code, $lines error lines, or no '$text'"
}

# refuse TEXT LABEL ARGUMENTS...: two and three ranks must refuse a run with these arguments and write nothing.
refuse() {
    local text=$1 label=$2 count
    shift 2
    for count in 2 3; do
        fails "$count" 2 "$text" "$label" run "$@" --output "$scratch/out"
        [ ! -e "$scratch/out" ] || fail "$label on $count ranks: something has been written"
    done
    echo "  $label: refused"
}

# deck NAME SED-EXPRESSION...: the plate with something changed.
plate=$scratch/plate.toml
cat >"$plate" <<'DECK'
title = "Plate"
physics = "heat"
[grid]
cells = [24, 18]
size = [0.24, 0.18]
[material]
name = "copper"
[boundary]
all = { kind = "fixed", value = 20.0 }
[initial]
kind = "uniform"
value = 100.0
[time]
dt = "auto"
steps = 20
DECK
deck() {
    local name=$1
    shift
    sed "$@" "$plate" >"$scratch/$name.toml"
}
# masked NAME FILE: the plate with a region from a mask.
masked() {
    deck "$1" "s/^\[boundary\]/[[regions]]\nshape = \"mask\"\nfile = \"$2\"\nmaterial = \"glass\"\n[boundary]/"
}

printf 'title = "no physics"\nphysics = "alchemy"\n' >"$scratch/alchemy.toml"
printf 'title = \n' >"$scratch/broken.toml"
: >"$scratch/empty.toml"
head -c 4096 /dev/urandom >"$scratch/binary.toml"
truncate -s 1G "$scratch/huge.toml"
deck unknown 's/^size/sizes/'
deck type 's/100.0/"hot"/'
deck nan 's/100.0/nan/'
deck infinite 's/0.18\]/inf]/'
deck negative 's/0.18\]/-0.18]/'
deck zero 's/0.18\]/0.0]/'
deck nothing 's/24, 18/0, 18/'
deck overflow -e 's/24, 18/4194304, 4194304, 4194304/' -e 's/0.18\]/0.18, 0.1]/'
deck memory -e 's/24, 18/40000, 40000, 4000/' -e 's/0.18\]/0.18, 0.1]/'
deck step 's/"auto"/50.0/'
deck thin 's/24, 18/1, 1/'
masked no_mask none.png
masked cut_mask cut.png
masked other_mask other.png
cp inputs/heat/soda_bottle_cola.png "$scratch/other.png"
head -c 100 inputs/heat/soda_bottle_cola.png >"$scratch/cut.png"

refuse "No such file" "missing deck" "$scratch/none.toml"
refuse "directory" "a directory" "$scratch"
refuse "empty" "empty deck" "$scratch/empty.toml"
refuse "binary" "binary deck" "$scratch/binary.toml"
refuse "bytes" "a deck of 1 GiB" "$scratch/huge.toml"
refuse "broken.toml:1:" "broken deck" "$scratch/broken.toml"
refuse "alchemy.toml:2:" "unknown physics" "$scratch/alchemy.toml"
refuse "" "unknown flag" "$scratch/alchemy.toml" --no-such-flag
refuse "" "domains and ranks" "$scratch/alchemy.toml" --domains 2
refuse "unknown.toml:5:1: grid.sizes: .*did you mean" "unknown key" "$scratch/unknown.toml"
refuse "type.toml:12:9: initial.value: " "wrong type" "$scratch/type.toml"
refuse "nan.toml:12:9: initial.value: " "not a number" "$scratch/nan.toml"
refuse "infinite.toml:5:15: grid.size" "infinite" "$scratch/infinite.toml"
refuse "negative.toml:5:15: grid.size" "negative" "$scratch/negative.toml"
refuse "zero.toml:5:15: grid.size" "zero" "$scratch/zero.toml"
refuse "nothing.toml:4:10: grid.cells" "no cells" "$scratch/nothing.toml"
refuse "overflow.toml:4:9: grid.cells" "more cells than can be counted" "$scratch/overflow.toml"
refuse "memory.toml:4:9: grid.cells: .*memory" "more memory than there is" "$scratch/memory.toml"
refuse "step.toml:14:6: time.dt: .*stability limit" "unstable step" "$scratch/step.toml"
refuse "thin.toml:4:9: grid.cells: .*use at most 1 rank" "more ranks than cells" "$scratch/thin.toml"
refuse "no_mask.toml:10:8: regions" "missing mask" "$scratch/no_mask.toml"
refuse "cut_mask.toml:10:8: regions" "truncated mask" "$scratch/cut_mask.toml"
refuse "other_mask.toml:10:8: regions.*pixels" "mask of another size" "$scratch/other_mask.toml"

# Output directories: below a file, with a run in it, with a run at work in it.
for count in 2 3; do
    fails "$count" 2 "output directory" "a directory below a file" run "$plate" --output "$plate/below"
    rm -rf "$scratch/run"
    ranks "$count" "$PARHELION" run "$plate" --output "$scratch/run" --quiet >"$scratch/stdout"
    fails "$count" 6 "holds another run" "another run" run "$plate" --output "$scratch/run" --set time.steps=21
    timeout 60 "$PARHELION" run "$plate" --overwrite --quiet --output "$scratch/run" --set time.steps=1000000000 \
        --set output.diagnostics_every=0 >/dev/null 2>&1 &
    live=$!
    until grep -q 1000000000 "$scratch/run/deck.toml" 2>/dev/null; do sleep 0.05; done
    fails "$count" 6 "in use" "a live run" run "$plate" --output "$scratch/run" --overwrite
    kill "$live"
    wait "$live" || true
    # A state that becomes infinite; a reader that leaves early.
    fails "$count" 4 "step .*cell" "not a number on the way" run "$plate" --output "$scratch/run" --overwrite \
        --set time.dt=1e6 --set time.allow_unstable=true --set time.steps=400
    ranks "$count" "$PARHELION" run "$plate" --output "$scratch/run" --overwrite 2>"$scratch/stderr" | head -1 >/dev/null
    ! grep -q panicked "$scratch/stderr" || fail "a closed output ends in a panic"
done
echo "  output directories, infinite states, closed output: as the contract says"
