#!/usr/bin/env bash
# The laboratory under mpirun: messages between two ranks over shared memory and over TCP, a timeline of all ranks, refusals with one
# error line. Exit code 77: nothing to run.
set -euo pipefail
cd "$(dirname "$0")/../.."
source tests/mpi_env.sh

"$PARHELION" --version </dev/null 2>/dev/null | grep -q . || exit 77

scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT

# check FILE: the link and the bindings of two ranks are there, and make sense.
check() {
    python3 - "$1" <<'PYTHON'
import json, sys

machine = json.load(open(sys.argv[1]))
link = [link for link in machine["links"] if link["name"] == "mpi"]
assert len(link) == 1 and 0 < link[0]["alpha_s"] < 1 and 0 <= link[0]["beta_s_per_byte"] < 1e-4, link
assert [binding["rank"] for binding in machine["bindings"]] == [0, 1], machine["bindings"]
assert machine["seconds"] < 60, machine["seconds"]
print(f"  {link[0]['between']}: {link[0]['alpha_s'] * 1e6:.1f} us, {1e-9 / max(link[0]['beta_s_per_byte'], 1e-18):.2f} GB/s")
PYTHON
}

LIMIT=120 ranks 2 "$PARHELION" machine --output "$scratch/shared.json" >"$scratch/page"
grep -q "ranks 0 and 1 on" "$scratch/page" || fail "no link between ranks: $(cat "$scratch/page")"
check "$scratch/shared.json"
if "$MPIRUN" --version 2>&1 | grep -qE "Open MPI|OpenRTE|Open RTE"; then
    # What mpirun takes as --mca works as a variable too.
    OMPI_MCA_pml=ob1 OMPI_MCA_btl=tcp,self OMPI_MCA_btl_tcp_if_include=lo \
        LIMIT=120 ranks 2 "$PARHELION" machine --output "$scratch/tcp.json" >/dev/null
    check "$scratch/tcp.json"
fi

code=0
LIMIT=60 ranks 2 "$PARHELION" machine --output "$scratch/missing/m.json" >/dev/null 2>"$scratch/stderr" || code=$?
lines=$(grep -c '^error:' "$scratch/stderr" || true)
if [ "$code" != 3 ] || [ "$lines" != 1 ]; then
    fail "a missing directory: exit code $code, $lines error lines: $(cat "$scratch/stderr")"
fi
echo "  a missing directory: refused"

LIMIT=120 ranks 3 "$PARHELION" run inputs/heat/eigenmode_3d.toml --quiet --threads 2 --set time.steps=5 --output "$scratch/run" --trace >/dev/null
python3 - "$scratch/run/trace.json" <<'PYTHON'
import json, sys

events = json.load(open(sys.argv[1]))["traceEvents"]
places = {(event["pid"], event["tid"]) for event in events}
assert places == {(rank, thread) for rank in range(3) for thread in range(2)}, places
for rank in range(3):
    steps = [event["args"]["step"] for event in events if event["name"] == "step" and event["pid"] == rank]
    assert steps == [1, 2, 3, 4, 5], steps
begins = [event["ts"] for event in events if event["name"] == "step" and event["args"]["step"] == 1]
assert max(begins) - min(begins) < 5e6, f"clocks of ranks are set against each other: {begins}"
print(f"  a timeline of 3 ranks, {len(events)} events")
PYTHON

# The models side by side: ranks over shared memory and, where flags choose it, over TCP; each survives the death of a rank.
for deck in "inputs/heat/eigenmode_3d.toml --set time.steps=400" "inputs/nbody/plummer_100k.toml --set bodies.count=3000 --set time.steps=40"; do
    read -ra words <<<"$deck"
    timeout 280 "$PARHELION" compare "${words[@]}" --workers 2 --repeats 1 --output "$scratch/compare" >"$scratch/table" 2>"$scratch/stderr" </dev/null ||
        fail "compare $deck: $(cat "$scratch/table" "$scratch/stderr")"
    python3 - "$scratch/compare/compare.csv" "$scratch/table" <<'PYTHON'
import csv, sys

rows = {row["model"]: row for row in csv.DictReader(open(sys.argv[1]))}
table = open(sys.argv[2]).read()
assert {"one worker", "A", "B"} <= set(rows), (sorted(rows), table)
assert len({row["digest"] for row in rows.values()}) == 1, rows
for model in sorted(set(rows) - {"one worker", "A"}):
    assert float(rows[model]["messages"]) > 0 and float(rows[model]["latency_s"]) > 0, rows[model]
    assert rows[model]["from_step"] or "the run was over" in " ".join(table.split()), table
assert "NO" not in table.split("same digest")[1].split("\n")[0], table
print(f"  compared: {', '.join(sorted(rows))}, one digest")
PYTHON
    latex_compiles "$scratch/compare/compare.tex" || echo "  SKIPPED: no pdflatex, so compare.tex was not compiled"
    rm -r "$scratch/compare"
done

# The law of each model: fitted anew here from the reports of its runs, or the reason why there is none. That of C is fitted on any machine, for
# cores of hosts are not known to `compare`; this machine has two names here.
printf 'localhost\n127.0.0.1\n' >"$scratch/hosts"
timeout 280 "$PARHELION" compare inputs/heat/eigenmode_3d.toml --set time.steps=200 --workers 3 --repeats 3 --hosts "$scratch/hosts" --output "$scratch/laws" \
    >"$scratch/table" 2>"$scratch/stderr" </dev/null || fail "compare with laws: $(cat "$scratch/table" "$scratch/stderr")"
python3 - "$scratch/laws" "$(nproc)" <<'PYTHON'
import csv, json, re, sys
from pathlib import Path

folder, cores = Path(sys.argv[1]), int(sys.argv[2])
rows = {row["model"]: row for row in csv.DictReader(open(folder / "compare.csv"))}
text = (folder / "compare.md").read_text()
seconds = {}
for report in folder.glob("runs/[ABC]_*_[123]/report.json"):
    model, shape, _ = report.parent.name.split("_")
    workers = eval(shape.replace("x", "*"))
    seconds.setdefault("one worker" if workers == 1 else model, {}).setdefault(workers, []).append(json.loads(report.read_text())["loop_s"])
models = [model for model in rows if model != "one worker"]
assert models[0] == "A" and models[-1] == "C", rows
limits = dict(zip(models, re.search(r"\| fitted limit \| (.*) \|", text)[1].split(" | ")))

def serial(runs):
    """T = a + b / N by weighted least squares; the 95 % interval of a median of three is from the smallest to the largest."""
    m = [[0.0, 0.0], [0.0, 0.0]]
    v = [0.0, 0.0]
    for workers, times in runs.items():
        median = sorted(times)[1]
        weight = max((max(times) - min(times)) / (2 * 1.96 * median), 1e-3) * median
        x = [1 / weight, 1 / workers / weight]
        for i in range(2):
            v[i] += x[i] * median / weight
            for j in range(2):
                m[i][j] += x[i] * x[j]
    det = m[0][0] * m[1][1] - m[0][1] * m[1][0]
    a, b = (v[0] * m[1][1] - v[1] * m[0][1]) / det, (v[1] * m[0][0] - v[0] * m[1][0]) / det
    return 100 * a / (a + b)

for model, row in rows.items():
    runs = seconds[model][int(row["ranks"]) * int(row["threads"])]
    assert len(runs) == 3 and float(row["loop_s"]) == sorted(runs)[1], (row, runs)
for model in models:
    said = next(line for line in re.findall(r"^\[\^\d+\]: (.*)", text, re.M) if re.match(rf"[A-D, ]*\b{model}\b[A-D, ]*: (no law|Amdahl)", line))
    runs = seconds["one worker"] | seconds[model]
    fewer = model == "C" or cores >= 3
    assert sorted(runs) == ([1, 2, 3] if fewer else [1, 3]), runs
    if not fewer:
        assert f"no law is fitted: 3 workers share {cores} cores" in said and limits[model] == "-", said
        continue
    share = serial(runs)
    law = re.search(r"Amdahl's law over 1, 2, 3 workers: (-?[\d.]+) % serial \(95 %: (-?[\d.]+) to (-?[\d.]+) %\), limit (.*?)(;|$)", said)
    vague = re.search(r"no law is fitted: .* between (-?\d+) and (-?\d+) % \(best (-?\d+) %\)", said)
    best, low, high = map(float, law.groups()[:3] if law else (vague[3], vague[1], vague[2]))
    assert abs(best - share) <= (0.06 if law else 0.6) and low <= best <= high, (said, share)
    assert limits[model] == (law[4] if law else "-"), (limits, said)
    if law and low > 0.06:
        assert abs(float(limits[model].split()[0]) - 100 / share) <= 0.06, (limits, share)
    print(f"  the law of {model}: {said}")
PYTHON
rm -r "$scratch/laws"

# A launcher that is lost is no defect: one line with its name, how it ended, what it said and the way out.
cat >"$scratch/lost" <<SCRIPT
#!/bin/sh
[ "\$1" != --version ] || exec $MPIRUN --version
printf -- '-------\nno slots are left\n-------\n' >&2
[ ! -e "$scratch/killed" ] || kill -KILL \$\$
exit 213
SCRIPT
chmod +x "$scratch/lost"
# lost WORDS OPTIONS...: the comparison ends with 3 and one line with these words.
lost() {
    local said=$1
    shift
    MPIRUN=$scratch/lost must_end 3 timeout 120 "$PARHELION" compare inputs/heat/eigenmode_3d.toml --set time.steps=5 --workers 2 --repeats 1 "$@" \
        --output "$scratch/refused" </dev/null
    [ "$(grep -c '^error: ' "$scratch/err")" = 1 ] || fail "not one error line: $(cat "$scratch/err")"
    tail -1 "$scratch/err" | grep -q -F "$scratch/lost $said; see that nobody ends it and that \`$scratch/lost -n 2 hostname\` works here" ||
        fail "a launcher that is lost: $(cat "$scratch/err")"
    ! grep -q defect "$scratch/err" || fail "a launcher that is lost is called a defect: $(cat "$scratch/err")"
}
lost "ended with exit code 213, and said: no slots are left"
lost "ended with exit code 213, and said: no slots are left" --switches
touch "$scratch/killed"
lost "was ended by SIGKILL, and said: no slots are left"
echo "  a launcher that is lost: one line, and the way out"

# Lab switches on two ranks: every run has the digest of the first, or the command fails.
for deck in "inputs/heat/eigenmode_3d.toml --set time.steps=10" "inputs/nbody/plummer_100k.toml --set bodies.count=2000 --set time.steps=2"; do
    read -ra words <<<"$deck"
    timeout 120 "$PARHELION" compare "${words[@]}" --switches --workers 2 --repeats 1 --output "$scratch/switches" >"$scratch/table" 2>"$scratch/stderr" </dev/null ||
        fail "the switches on $deck: $(cat "$scratch/table" "$scratch/stderr")"
    grep -q -- "^--blocking --net-delay 0.0002,2,1," "$scratch/switches/switches.csv" || fail "no ranks: $(cat "$scratch/switches/switches.csv")"
    rm -r "$scratch/switches"
done
echo "  lab switches: one digest"

LIMIT=60 must_end 2 ranks 2 "$PARHELION" compare inputs/heat/eigenmode_3d.toml --output "$scratch/refused"
grep -q "^error: this command starts its ranks itself" "$scratch/err" || fail "compare under a launcher: $(cat "$scratch/err")"

# here: processes of runs below $scratch.
here() { grep -l -a -s "$scratch/ended" /proc/[0-9]*/cmdline || true; }

# await_here COUNT: so many of them are there, within half a minute.
await_here() {
    for _ in $(seq 600); do
        [ "$(here | wc -l)" -lt "$1" ] || return 0
        sleep 0.05
    done
    fail "no ranks were started: $(cat "$scratch/stderr")"
}

# A comparison that is asked to end takes its launcher and ranks with it.
"$PARHELION" compare inputs/heat/eigenmode_3d.toml --set time.steps=10000000 --switches --workers 2 --output "$scratch/ended" >/dev/null 2>"$scratch/stderr" </dev/null &
comparison=$!
await_here 3
kill -TERM $comparison
code=0
timeout 30 tail --pid=$comparison -f /dev/null || fail "the comparison had not ended 30 s after SIGTERM"
wait $comparison || code=$?
[ "$code" = 143 ] || fail "a comparison that was asked to end: exit code $code: $(cat "$scratch/stderr")"
[ -z "$(here)" ] || fail "left behind: $(here)"
echo "  a comparison that is asked to end leaves nothing behind"

# A scaling experiment too, in the middle of a run on two ranks; what ran before is kept, and the same command goes on.
experiment() {
    exec timeout --foreground 120 "$PARHELION" scaling inputs/heat/eigenmode_3d.toml --set time.steps=3000 --ranks 1,2 --threads 1 --repeats 1 --launcher mpirun \
        --machine "$scratch/shared.json" --output "$scratch/ended/experiment" >"$scratch/table" 2>"$scratch/stderr" </dev/null
}
(experiment) &
experiment=$!
# timeout, the program, mpirun, two ranks.
await_here 5
kill -TERM $experiment
code=0
wait $experiment || code=$?
[ "$code" = 75 ] || fail "an experiment that was asked to end: exit code $code: $(cat "$scratch/stderr")"
tail -1 "$scratch/stderr" | grep -q "^stopped by SIGTERM after .* run.*; the same command goes on" || fail "not said: $(cat "$scratch/stderr")"
[ -z "$(here)" ] || fail "left behind: $(here)"
kept=$(wc -l <"$scratch/ended/experiment/runs.csv")
[ "$kept" -ge 2 ] || fail "no run was kept: $(cat "$scratch/ended/experiment/runs.csv")"
(experiment) || fail "it does not go on: $(cat "$scratch/stderr")"
grep -q "going on after $((kept - 1)) runs" "$scratch/stderr" || fail "it began anew: $(cat "$scratch/stderr")"
[ "$(grep -c ",ok," "$scratch/ended/experiment/runs.csv")" = 4 ] || fail "$(cat "$scratch/ended/experiment/runs.csv")"
echo "  an experiment that is asked to end leaves nothing behind, and goes on"

# One that is killed cannot end its ranks; they see that it has gone.
"$PARHELION" scaling inputs/heat/eigenmode_3d.toml --set time.steps=300000 --ranks 2 --threads 1 --repeats 1 --launcher mpirun \
    --machine "$scratch/shared.json" --output "$scratch/ended/killed" >/dev/null 2>"$scratch/stderr" </dev/null &
experiment=$!
# The program, mpirun, two ranks.
await_here 4
sleep 1
kill -KILL $experiment
wait $experiment 2>/dev/null || true
for _ in $(seq 600); do
    [ -n "$(here)" ] || break
    sleep 0.05
done
[ -z "$(here)" ] || fail "left behind by an experiment that was killed: $(here)"
echo "  an experiment that is killed leaves nothing behind"
