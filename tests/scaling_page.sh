#!/usr/bin/env bash
# The page of a scaling experiment in a real browser (headless Chromium): every figure is there, nothing is reported on the console, nothing
# is wider than the window at phone and desktop width, light and dark, the tables of shapes and predictions are whole in it, and words in
# figures are large enough to be read. Screenshots stay in the directory of the first argument.
# LaTeX compiles the table if there is one, within the width of a page. Exit code 77: no browser.
set -euo pipefail
cd "$(dirname "$0")/.."
source tests/mpi_env.sh
shots=${1:-target/tmp/scaling-page}
mkdir -p "$shots"
shots=$(realpath "$shots")
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT

browser=${CHROMIUM:-$(command -v chromium || command -v chromium-browser || command -v google-chrome || true)}
[ -n "$browser" ] || {
    echo "SKIPPED: no browser; install it with: apt-get install chromium"
    exit 77
}

# chrome ARGUMENTS...: headless, without a sandbox (root has none), quiet but for the console of pages.
chrome() {
    timeout 120 "$browser" --headless --no-sandbox --disable-gpu --disable-dev-shm-usage --hide-scrollbars \
        --user-data-dir="$scratch/profile" --enable-logging=stderr "$@" </dev/null
}

timeout 300 "$PARHELION" scaling inputs/heat/eigenmode_3d.toml --set time.steps=40 --ranks 1,2 --threads 1,2 --mode both --repeats 3 \
    --launcher none --time-limit 60 --output "$scratch/lab" >"$scratch/out" 2>"$scratch/err" || fail "$(cat "$scratch/err")"
page=$scratch/lab/report.html

# A copy that measures itself: what the page itself says must not be changed by a script in it.
probe=$scratch/probe.html
cp "$page" "$probe"
cat >>"$probe" <<'SCRIPT'
<script>
const wide = [...document.querySelectorAll('body > *')].filter(e => e.getBoundingClientRect().right > innerWidth + 1).length;
const empty = [...document.querySelectorAll('figure svg')].filter(e => e.getBoundingClientRect().height < 100).length;
const clipped = [...document.querySelectorAll('figure svg')].flatMap(svg => [...svg.querySelectorAll('text')].filter(t => {
    const a = t.getBoundingClientRect(), b = svg.getBoundingClientRect();
    return a.left < b.left - 1 || a.right > b.right + 1 || a.top < b.top - 1 || a.bottom > b.bottom + 1;
})).length;
const small = [...document.querySelectorAll('figure svg')].filter(e => 13 * e.getBoundingClientRect().width / e.viewBox.baseVal.width < 9).length;
const cut = [...document.querySelectorAll('table.cards')].filter(e => e.parentElement.scrollWidth > e.parentElement.clientWidth + 1).length;
document.title = `figures=${document.querySelectorAll('figure svg').length} empty=${empty} wide=${wide} clipped=${clipped} cut=${cut} small=${small} scroll=${document.documentElement.scrollWidth > innerWidth} height=${document.documentElement.scrollHeight}`;
</script>
SCRIPT

for size in phone:390,900 desktop:1280,900; do
    name=${size%%:*} width=${size#*:}
    width=${width%,*}
    chrome --window-size="${size#*:}" --dump-dom "file://$probe" >"$scratch/dom" 2>"$scratch/console" || fail "$name: the browser failed"
    ! grep -q 'CONSOLE' "$scratch/console" || fail "$name: $(grep CONSOLE "$scratch/console")"
    found=$(sed -n 's/.*<title>\(figures=[^<]*\)<.*/\1/p' "$scratch/dom" | head -1)
    height=${found##* height=}
    found=${found% height=*}
    [ "$found" = "figures=6 empty=0 wide=0 clipped=0 cut=0 small=0 scroll=false" ] || fail "$name: the page says: $found"
    for scheme in light dark; do
        flags=()
        [ "$scheme" = light ] || flags=(--blink-settings=preferredColorScheme=0 --force-dark-mode)
        # The whole page, as it scrolls by.
        chrome "${flags[@]}" --window-size="$width,$height" --screenshot="$shots/$name-$scheme.png" "file://$page" 2>/dev/null >&2 ||
            fail "$name, $scheme: no screenshot"
        [ -s "$shots/$name-$scheme.png" ] || fail "$name, $scheme: no screenshot"
    done
    echo "  $name: $found"
done

if latex_compiles "$scratch/lab/table.tex" "$shots"; then
    echo "  table.tex compiles, as wide as a page"
else
    echo "  SKIPPED: no pdflatex, so table.tex was not compiled"
fi
echo "screenshots: $shots"
