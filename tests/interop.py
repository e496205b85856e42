#!/usr/bin/env python3
"""Opens every output of run directories with the programs that users have, numpy and VTK (pyvista), and compares values.

usage: interop.py RUN_DIR [RUN_DIR ...]

Everything that is there is checked; `--complete` also asks for report.json. Leaves with 1 and one line per run that fails.
"""

import csv
import json
import re
import struct
import sys
import tomllib
import xml.etree.ElementTree as xml
from pathlib import Path

import numpy
import pyvista
import vtk

REPORT_KEYS = """status exit_code physics title version build hosts ranks threads_per_rank process_grid steps time dt unknowns
digest wall_s loop_s updates_per_s phases memory messages validation""".split()


def expect(condition, message):
    if not condition:
        raise AssertionError(message)


def read_deck(run):
    deck = tomllib.loads((run / "deck.toml").read_text())
    return deck["grid"]["cells"], deck["grid"]["size"]


def read_array(path, cells):
    array = numpy.load(path, allow_pickle=False)
    expect(array.dtype == numpy.dtype("<f8"), f"{path}: type {array.dtype}")
    expect(list(array.shape) == cells[::-1], f"{path}: shape {array.shape}")
    expect(array.flags.c_contiguous and numpy.isfinite(array).all(), f"{path}: order or values")
    return array


def cell_values(mesh, path):
    """Cell data as (z, y, x), whatever the number of dimensions."""
    expect(mesh.array_names.count("temperature") == 1, f"{path}: arrays {mesh.array_names}")
    counts = [max(points - 1, 1) for points in mesh.dimensions]
    values = mesh.cell_data["temperature"]
    expect(values.dtype == numpy.float64, f"{path}: type {values.dtype}")
    return values.reshape(counts[::-1])


def check_geometry(mesh, path, cells, size):
    for axis, (count, length) in enumerate(zip(cells, size)):
        expect(mesh.dimensions[axis] == count + 1, f"{path}: {mesh.dimensions} points for {cells} cells")
        low, high = mesh.bounds[2 * axis : 2 * axis + 2]
        expect(abs(low) <= 1e-12 * length and abs(high - length) <= 1e-12 * length, f"{path}: bounds {mesh.bounds}")
    if len(cells) == 2:
        expect(mesh.dimensions[2] == 1, f"{path}: a plate has one layer of points")


def read_piece(path):
    reader = vtk.vtkXMLImageDataReader()
    reader.SetFileName(str(path))
    reader.Update()
    expect(reader.GetErrorCode() == 0, f"{path}: VTK error {reader.GetErrorCode()}")
    return pyvista.wrap(reader.GetOutput())


def check_pieces(directory, whole):
    """Every piece on its own, at its place; together they cover every cell exactly once."""
    solid = whole if whole.ndim == 3 else whole[numpy.newaxis]
    seen = numpy.zeros(solid.shape, dtype=int)
    pieces = sorted(directory.glob("temperature_*.vti"))
    for path in pieces:
        mesh = read_piece(path)
        x0, _, y0, _, z0, _ = mesh.extent
        values = cell_values(mesh, path)
        nz, ny, nx = values.shape
        box = numpy.s_[z0 : z0 + nz, y0 : y0 + ny, x0 : x0 + nx]
        expect(numpy.array_equal(values, solid[box]), f"{path}: values differ from the array")
        seen[box] += 1
    expect((seen == 1).all(), f"{directory}: the pieces do not tile the grid")
    listed = {piece.get("Source") for piece in xml.parse(directory / "temperature.pvti").iter("Piece")}
    expect(listed == {path.name for path in pieces}, f"{directory}: temperature.pvti lists other pieces")


def check_vtk(directory, cells, size, array):
    path = directory / "temperature.pvti"
    mesh = pyvista.read(path)
    check_geometry(mesh, path, cells, size)
    values = cell_values(mesh, path)
    whole = array if array is not None else values.reshape(cells[::-1])
    expect(numpy.array_equal(values.reshape(whole.shape), whole), f"{path}: values differ from the array")
    check_pieces(directory, whole)
    return whole


def check_snapshot(directory, cells, size):
    array = None
    if (directory / "temperature.npy").exists():
        array = read_array(directory / "temperature.npy", cells)
    if (directory / "temperature.pvti").exists():
        array = check_vtk(directory, cells, size, array)
    expect(array is not None, f"{directory}: no snapshot in it")
    return array


def check_series(run, arrays):
    """The time series: the steps and times of times.csv, and the values of every time through VTK's reader."""
    with open(run / "snapshots" / "times.csv", newline="") as file:
        rows = [(int(row["step"]), float(row["time (s)"])) for row in csv.DictReader(file)]
    expect([step for step, _ in rows] == sorted(arrays), f"{run}: times.csv lists other steps")
    path = run / "snapshots" / "temperature.pvd"
    if not path.exists():
        return
    reader = pyvista.PVDReader(path)
    expect(list(reader.time_values) == [time for _, time in rows], f"{path}: times {reader.time_values}")
    for number, (step, _) in enumerate(rows):
        reader.set_active_time_point(number)
        values = cell_values(reader.read()[0], path)
        expect(numpy.array_equal(values.reshape(arrays[step].shape), arrays[step]), f"{path}: step {step} differs")


def check_snapshots(run, cells, size):
    directories = [path for path in sorted((run / "snapshots").iterdir()) if path.is_dir()]
    arrays = {}
    for directory in directories:
        expect(re.fullmatch(r"\d{8,}", directory.name), f"{directory}: not a step")
        arrays[int(directory.name)] = check_snapshot(directory, cells, size)
    if arrays:
        check_series(run, arrays)
    return len(arrays)


def png_chunks(path):
    data = path.read_bytes()
    expect(data[:8] == b"\x89PNG\r\n\x1a\n", f"{path}: no PNG signature")
    at = 8
    while at < len(data):
        (length,) = struct.unpack(">I", data[at : at + 4])
        yield data[at + 4 : at + 8], data[at + 8 : at + 8 + length]
        at += 12 + length
    expect(at == len(data), f"{path}: truncated")


def check_pictures(run):
    pictures = sorted((run / "frames").glob("*.png"))
    for path in pictures:
        chunks = list(png_chunks(path))
        expect(chunks[0][0] == b"IHDR" and chunks[-1][0] == b"IEND", f"{path}: not a whole PNG")
        texture = numpy.asarray(pyvista.read_texture(path).to_array())
        expect(texture.min() < texture.max(), f"{path}: one colour only")
        if path.name == "animation.png":
            check_animation(path, chunks)
        else:
            expect(re.fullmatch(r"frame_\d{8,}\.png", path.name), f"{path}: unknown picture")
    return len(pictures)


def check_animation(path, chunks):
    control = [data for kind, data in chunks if kind == b"acTL"]
    expect(len(control) == 1, f"{path}: not an animated PNG")
    promised = struct.unpack(">I", control[0][:4])[0]
    expect(promised == sum(kind == b"fcTL" for kind, _ in chunks) >= 2, f"{path}: frames missing")


def check_diagnostics(run):
    with open(run / "diagnostics.csv", newline="") as file:
        rows = list(csv.reader(file))
    header, rows = rows[0], rows[1:]
    expect(len(set(header)) == len(header) and all(header), f"{run}: columns {header}")
    expect(header[0] == "step", f"{run}: the first column is {header[0]}")
    expect(any(re.fullmatch(r"time.*[(\[_]s[)\]]?", name) for name in header), f"{run}: no time in seconds in {header}")
    expect(all(len(row) == len(header) for row in rows), f"{run}: a row of another length")
    steps = [float(row[0]) for row in rows]
    expect(steps == sorted(set(steps)), f"{run}: steps {steps}")
    _ = [float(value) for row in rows for value in row]
    return len(rows)


def check_report(run, cells, required):
    path = run / "report.json"
    if not path.exists():
        expect(not required, f"{path} is missing")
        return "absent"
    report = json.loads(path.read_text())
    missing = [key for key in REPORT_KEYS if key not in report]
    expect(not missing, f"{path}: no {', '.join(missing)}")
    expect(re.fullmatch("[0-9a-f]{64}", report["digest"]), f"{path}: digest {report['digest']}")
    expect(report["unknowns"] == numpy.prod(cells, dtype=object), f"{path}: unknowns {report['unknowns']}")
    return report["status"]


def check_run(run, complete):
    cells, size = read_deck(run)
    snapshots = check_snapshots(run, cells, size)
    pictures = check_pictures(run)
    rows = check_diagnostics(run) if (run / "diagnostics.csv").exists() else 0
    report = check_report(run, cells, complete)
    print(f"PASS {run}: {snapshots} snapshots, {pictures} pictures, {rows} rows of diagnostics, report {report}")


def check_all(usage, flag, check):
    """Checks the runs of the command line, `check(run, whether the flag is there)`, and leaves with 1 if one fails."""
    runs = [Path(argument) for argument in sys.argv[1:] if argument != flag]
    if not runs:
        sys.exit(usage)
    failed = False
    for run in runs:
        try:
            check(run, flag in sys.argv)
        except (AssertionError, OSError, ValueError, KeyError) as cause:
            failed = True
            print(f"FAIL {run}: {type(cause).__name__}: {cause}")
    sys.exit(failed)


if __name__ == "__main__":
    check_all(__doc__, "--complete", check_run)
