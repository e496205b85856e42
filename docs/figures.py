#!/usr/bin/env python3
"""Draws the pictures of docs/nbody.md from the tables of the example tree_picture. Needs numpy, matplotlib and pillow.

    cargo run --release --example tree_picture -- inputs/nbody/galaxy_collision.toml outputs/tree gravity.accuracy=1e-3
    cargo run --release --example tree_picture -- inputs/nbody/plummer_100k.toml outputs/plummer_tree
    python3 docs/figures.py outputs/tree outputs/plummer_tree
"""

import pathlib
import sys

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as pyplot
import numpy
from matplotlib.collections import PatchCollection
from matplotlib.lines import Line2D
from matplotlib.patches import Patch, Rectangle
from PIL import Image

IMAGES = pathlib.Path(__file__).parent / "images"
# Okabe and Ito's colours, which the colour-blind can tell apart.
OWNERS = ["#0072B2", "#E69F00", "#009E73", "#CC79A7"]
NEAR, TARGET = "#D55E00", "#000000"
WINDOW = 45.0  # kpc, half of the edge
HIGHEST = 10  # order of expansions
SLAB = 0.5  # kpc, half of the thickness of the slab whose bodies are shown


def read(directory, name):
    return numpy.genfromtxt(pathlib.Path(directory) / name, delimiter=",", names=True)


def cut(cells, z):
    """The cells that the plane goes through, large ones first."""
    crossing = cells[(cells["z"] <= z) & (z < cells["z"] + cells["edge"])]
    return crossing[numpy.argsort(-crossing["edge"])]


def squares(axes, cells, colours, **style):
    patches = [Rectangle((cell["x"], cell["y"]), cell["edge"], cell["edge"]) for cell in cells]
    axes.add_collection(PatchCollection(patches, facecolors=colours, **style))


def frame(axes, centre, half_width):
    axes.set_aspect("equal")
    axes.set_xlim(centre[0] - half_width, centre[0] + half_width)
    axes.set_ylim(centre[1] - half_width, centre[1] + half_width)
    axes.set_xlabel("x [kpc]")
    axes.set_ylabel("y [kpc]")


def save(figure, name):
    path = IMAGES / name
    figure.savefig(path, dpi=110, bbox_inches="tight", pad_inches=0.1)
    pyplot.close(figure)
    # A palette of 128 colours takes a third of the bytes.
    Image.open(path).convert("RGB").quantize(128, dither=Image.Dither.NONE).save(path, optimize=True)
    print(f"{path}: {path.stat().st_size // 1024} kB")


def leaves(directory):
    cells, bodies = cut(read(directory, "leaves.csv"), 0.0), read(directory, "bodies.csv")
    figure, axes = pyplot.subplots(figsize=(7.4, 6.2), layout="constrained")
    owner = cells["owner"].astype(int)
    fill = [matplotlib.colors.to_rgba(OWNERS[n], 0.35) for n in owner]
    squares(axes, cells, fill, edgecolors="#404040", linewidths=0.4)
    bodies = bodies[abs(bodies["z"]) < SLAB]
    for n, colour in enumerate(OWNERS):
        own = bodies[bodies["owner"] == n]
        axes.plot(own["x"], own["y"], ",", color=colour, alpha=0.8)
    frame(axes, (0.0, 0.0), WINDOW)
    handles = [Patch(facecolor=colour, label=f"rank {n}") for n, colour in enumerate(OWNERS)]
    figure.legend(handles=handles, title="owner", loc="outside right upper", frameon=False)
    axes.set_title(f"Leaves cut by the plane z = 0, bodies within {SLAB} kpc of it", fontsize=11)
    save(figure, "tree_leaves.png")


def sources(directory):
    cells = read(directory, "sources.csv")
    target = cells[cells["order"] == -2][0]
    centre = [target[axis] + 0.5 * target["edge"] for axis in "xyz"]
    shown = cut(cells[cells["order"] > -2], centre[2])
    orders = sorted({int(order) for order in shown["order"] if order >= 0})
    ramp = matplotlib.colormaps["viridis_r"]
    colour = {n: ramp(0.05 + 0.9 * (n - 1) / (HIGHEST - 1)) for n in range(0, HIGHEST + 1)} | {-1: NEAR}
    figure, panels = pyplot.subplots(1, 2, figsize=(11.4, 5.6), layout="constrained")
    for axes, middle, half_width in [(panels[0], (0.0, 0.0), WINDOW), (panels[1], centre, 13.0 * target["edge"])]:
        squares(axes, shown, [colour[int(n)] for n in shown["order"]], edgecolors="white", linewidths=0.5)
        squares(axes, [target], [TARGET])
        frame(axes, middle, half_width)
    panels[0].set_title(f"Sources of one leaf, cut at z = {centre[2]:.2f} kpc")
    panels[1].set_title("The same, around the leaf")
    half = 13.0 * target["edge"]
    corner = (centre[0] - half, centre[1] - half)
    panels[0].add_patch(Rectangle(corner, 2 * half, 2 * half, fill=False, edgecolor="black", linewidth=1.2))
    handles = [Patch(facecolor=TARGET, label="target leaf"), Patch(facecolor=NEAR, label="leaves,\nbody by body")]
    handles += [Patch(facecolor=colour[n], label=f"order {n}") for n in reversed(orders)]
    figure.legend(handles=handles, title="taken as", loc="outside right upper", frameon=False)
    save(figure, "tree_sources.png")
    for n in [-1, *sorted({int(order) for order in cells["order"] if order >= 0})]:
        of = cells[cells["order"] == n]
        print(f"order {n}: {len(of)} cells, {int(of['bodies'].sum())} bodies")


def errors(galaxies, sphere):
    figure, axes = pyplot.subplots(figsize=(8.6, 5.2), layout="constrained")
    ramp = matplotlib.colormaps["viridis"]
    tables = [(read(sphere, "errors.csv"), "-"), (read(galaxies, "errors.csv"), "--")]
    accuracies = sorted(set(tables[0][0]["accuracy"]), reverse=True)
    for n, accuracy in enumerate(accuracies):
        colour = ramp(0.85 * n / (len(accuracies) - 1))
        for table, style in tables:
            of = table[table["accuracy"] == accuracy]
            axes.plot(of["error"], 100 * (1 - of["share"]), style, color=colour, linewidth=1.5)
        axes.plot([accuracy] * 2, [0.2, 1.0], color=colour, linewidth=1.2, linestyle=":")
        axes.plot(accuracy, 1.0, "v", color=colour, markersize=8)
        text = f"$10^{{{round(numpy.log10(accuracy))}}}$"
        box = {"facecolor": "white", "edgecolor": "none", "pad": 1.5}
        axes.text(accuracy, 0.2, text, ha="center", va="top", color=colour, bbox=box)
    axes.axhline(1.0, color="#808080", linewidth=0.8)
    axes.set(xscale="log", yscale="log", xlim=(1e-10, 1.0), ylim=(0.01, 100))
    axes.set_xlabel("relative error of the force, |a - a(direct sum)| / |a(direct sum)|")
    axes.set_ylabel("bodies with a larger error [%]")
    axes.set_yticks([0.01, 0.1, 1, 10, 100], ["0.01", "0.1", "1", "10", "100"])
    axes.grid(color="#e0e0e0", linewidth=0.5)
    handles = [
        Line2D([], [], color="black", label="Plummer sphere, 100,000 bodies"),
        Line2D([], [], color="black", linestyle="--", label="two galaxies, 60,000 bodies"),
        Line2D([], [], color="black", marker="v", linestyle=":", label="accuracy asked for, at 1 %"),
    ]
    figure.legend(handles=handles, loc="outside lower center", ncols=3, frameon=False)
    axes.set_title("Errors of all forces at six accuracies")
    save(figure, "force_errors.png")


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    IMAGES.mkdir(exist_ok=True)
    leaves(sys.argv[1])
    sources(sys.argv[1])
    errors(sys.argv[1], sys.argv[2])
