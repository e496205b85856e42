#!/usr/bin/env python3
"""Opens every output of N-body run directories with the programs that users have, numpy, VTK (pyvista), h5py, yt and pynbody, and
compares values.

usage: interop_bodies.py RUN_DIR [RUN_DIR ...]

Everything that is there is checked. yt and pynbody are used if they are installed; `--all-readers` fails without them. Leaves with 1
and one line per run that fails.
"""

import csv
import importlib.util
import re
import sys
import warnings
from pathlib import Path

import numpy
import pyvista
import vtk

from interop import check_all, check_pictures, expect

ARRAYS = {"position": 3, "velocity": 3, "acceleration": 3, "mass": 1, "potential": 1}
FILES = {"position": "positions", "velocity": "velocities", "acceleration": "accelerations"}
FILES |= {"mass": "masses", "potential": "potentials"}
# Of the units of length, mass and velocity in cgs units, by the name of the unit of time in the log.
CGS = {
    "1": (1.0, 1.0, 1.0),
    "s": (1e2, 1e3, 1e2),
    "yr": (1.495978707e13, 1.98841e33, 1.495978707e13 / 3.15576e7),
    "d": (1.495978707e13, 1.98841e33, 1.495978707e13 / 86400),
    "kpc/(km/s)": (3.0856775815e21, 1.98841e43, 1e5),
}


def read_arrays(directory):
    """The arrays of a snapshot by name; empty if there are none."""
    if not (directory / "ids.npy").exists():
        return {}
    ids = numpy.load(directory / "ids.npy", allow_pickle=False)
    expect(ids.dtype == numpy.dtype("<u8") and ids.ndim == 1, f"{directory}: ids of type {ids.dtype}")
    expect((numpy.diff(ids.astype(object)) > 0).all(), f"{directory}: ids are not in order")
    arrays = {"id": ids}
    for name, width in ARRAYS.items():
        path = directory / f"{FILES[name]}.npy"
        array = numpy.load(path, allow_pickle=False)
        expect(array.dtype == numpy.dtype("<f8"), f"{path}: type {array.dtype}")
        expect(array.shape == ((len(ids),) if width == 1 else (len(ids), width)), f"{path}: shape {array.shape}")
        expect(numpy.isfinite(array).all(), f"{path}: not finite")
        arrays[name] = array
    return arrays


def compare(found, arrays, path):
    """Equal bits of every array that both have."""
    for name in found.keys() & arrays.keys():
        expect(found[name].dtype == arrays[name].dtype, f"{path}: {name} has type {found[name].dtype}")
        expect(numpy.array_equal(found[name], arrays[name]), f"{path}: {name} differs from the arrays")
    return {**found, **arrays}


def read_pvtp(path):
    """By VTK's reader: pyvista has no name for it."""
    reader = vtk.vtkXMLPPolyDataReader()
    reader.SetFileName(str(path))
    reader.Update()
    expect(reader.GetErrorCode() == 0, f"{path}: VTK error {reader.GetErrorCode()}")
    return pyvista.wrap(reader.GetOutput())


def values_of(mesh):
    names = [name for name in (*ARRAYS, "id") if name != "position"]
    return {"position": mesh.points, **{name: numpy.asarray(mesh.point_data[name]) for name in names}}


def check_vtp(directory, arrays):
    path = directory / "bodies.pvtp"
    mesh = read_pvtp(path)
    arrays = compare(values_of(mesh), arrays, path)
    pieces = [pyvista.read(piece) for piece in sorted(directory.glob("bodies_*.vtp"), key=piece_number)]
    expect(sum(piece.n_points for piece in pieces) == mesh.n_points, f"{path}: pieces have other numbers of bodies")
    expect(sum(piece.n_verts for piece in pieces) == sum(piece.n_points > 0 for piece in pieces), f"{path}: vertices")
    ids = numpy.concatenate([piece.point_data["id"] for piece in pieces])
    expect(numpy.array_equal(ids, arrays["id"]), f"{path}: the pieces are not in the order of ids")
    return arrays


def piece_number(path):
    return int(re.search(r"(\d+)\.(vtp|hdf5)$", path.name)[1])


def check_hdf5(directory, arrays, unit):
    import h5py

    paths = sorted(directory.glob("snapshot_*.hdf5"), key=piece_number)
    names = {"Coordinates": "position", "Velocities": "velocity", "Acceleration": "acceleration"}
    names |= {"Masses": "mass", "Potential": "potential", "ParticleIDs": "id"}
    parts = {name: [] for name in names}
    for path in paths:
        with h5py.File(path) as file:
            header = file["Header"].attrs
            expect(header["NumFilesPerSnapshot"] == len(paths), f"{path}: {header['NumFilesPerSnapshot']} files")
            expect(header["NumPart_ThisFile"][1] == len(file["PartType1/ParticleIDs"]), f"{path}: NumPart_ThisFile")
            expect("HubbleParam" not in header, f"{path}: comoving units")
            for name in names:
                parts[name].append(file["PartType1"][name][()])
            total = int(header["NumPart_Total"][1]) + (int(header["NumPart_Total_HighWord"][1]) << 32)
            units = file["Units"].attrs
            for name, size in zip(("Length_in_cm", "Mass_in_g", "Velocity_in_cm_per_s"), CGS[unit]):
                expect(abs(units[f"Unit{name}"] / size - 1) < 1e-5, f"{path}: Unit{name} is {units[f'Unit{name}']}")
    found = {names[name]: numpy.concatenate(part) for name, part in parts.items()}
    expect(total == len(found["id"]), f"{directory}: NumPart_Total is {total}")
    arrays = compare(found, arrays, directory)
    readers = [check_by_yt(paths[0], arrays, unit), check_by_pynbody(directory, arrays, unit)]
    return arrays, [reader for reader in readers if reader]


def is_close(found, expected):
    # Readers convert by factors of their own, the solar mass among them.
    scale = numpy.abs(expected).max()
    return found.shape == expected.shape and numpy.allclose(found, expected, rtol=1e-3, atol=1e-5 * scale)


def check_by_yt(path, arrays, unit):
    if importlib.util.find_spec("yt") is None:
        return None
    import h5py
    import yt

    yt.set_log_level(50)
    low, high = arrays["position"].min(), arrays["position"].max()
    margin = 0.01 * (high - low) + 1e-9
    box = [[low - margin, high + margin]] * 3
    # yt takes the units of a GADGET file from its caller alone, else they are kpc.
    with h5py.File(path) as file:
        units = {name: float(size) for name, size in file["Units"].attrs.items()}
    data = yt.load(str(path), bounding_box=box, unit_base=units).all_data()
    order = numpy.argsort(data["PartType1", "ParticleIDs"])
    for name, field, size, cgs in (
        ("position", "Coordinates", CGS[unit][0], "cm"),
        ("velocity", "Velocities", CGS[unit][2], "cm/s"),
        ("mass", "Masses", CGS[unit][1], "g"),
    ):
        found = data["PartType1", field].in_units(cgs).d[order]
        expect(is_close(found, arrays[name] * size), f"{path}: yt reads another {name}")
    return "yt"


def check_by_pynbody(directory, arrays, unit):
    if importlib.util.find_spec("pynbody") is None:
        return None
    import pynbody

    stem = re.sub(r"\.\d+\.hdf5$", "", str(next(directory.glob("snapshot_*.hdf5"))))
    snapshot = pynbody.load(stem)
    order = numpy.argsort(snapshot["iord"])
    for name, field, size, cgs in (
        ("position", "pos", CGS[unit][0], "cm"),
        ("velocity", "vel", CGS[unit][2], "cm s**-1"),
        ("mass", "mass", CGS[unit][1], "g"),
    ):
        found = numpy.asarray(snapshot[field].in_units(cgs))[order]
        expect(is_close(found, arrays[name] * size), f"{stem}: pynbody reads another {name}")
    return "pynbody"


def check_log(run):
    """The unit of time, and the rows of diagnostics.csv, of which the first three figures are checked against each other."""
    with open(run / "diagnostics.csv", newline="") as file:
        rows = list(csv.DictReader(file))
    header = list(rows[0])
    expect(header[0] == "step" and len(set(header)) == len(header), f"{run}: columns {header}")
    unit = re.fullmatch(r"time \[(.+)\]", header[1])
    expect(unit and unit[1] in CGS, f"{run}: no time with a known unit in {header[1]}")
    steps = [int(row["step"]) for row in rows]
    expect(steps == sorted(set(steps)), f"{run}: steps {steps}")
    for row in rows:
        kinetic, potential, total = (float(row[name]) for name in header[2:5])
        expect(total == kinetic + potential, f"{run}: energies of step {row['step']}")
        expect(all(row.values()) and float(row["closest_id_a"]) != float(row["closest_id_b"]), f"{run}: {row}")
    return unit[1], {int(row["step"]): row for row in rows}


def check_figures(row, arrays, directory):
    """Figures of the log against those of the arrays, summed by numpy."""
    mass, speed = arrays["mass"], arrays["velocity"]
    kinetic = 0.5 * (mass * (speed**2).sum(axis=1)).sum()
    potential = 0.5 * (mass * arrays["potential"]).sum()
    for name, value in (("kinetic", kinetic), ("potential", potential)):
        logged = float(next(text for column, text in row.items() if column.startswith(name)))
        expect(abs(logged - value) <= 1e-12 * abs(value), f"{directory}: {name} {logged} in the log, {value} in the arrays")


def check_times(run, steps, unit):
    with open(run / "snapshots" / "times.csv", newline="") as file:
        rows = list(csv.DictReader(file))
    expect(list(rows[0])[1] == ("time" if unit == "1" else f"time ({unit})"), f"{run}: columns {list(rows[0])}")
    expect([int(row["step"]) for row in rows] == steps, f"{run}: times.csv lists other steps")
    path = run / "snapshots" / "bodies.pvd"
    if path.exists():
        times = [float(list(row.values())[1]) for row in rows]
        reader = pyvista.PVDReader(path)
        expect(list(reader.time_values) == times, f"{path}: other times")
        ids = numpy.concatenate([block.point_data["id"] for block in reader.read() if block.n_points])
        expect((numpy.diff(ids.astype(object)) > 0).all(), f"{path}: ids are not in order")


def check_snapshots(run, unit, log):
    steps, used = [], set()
    for directory in sorted(path for path in (run / "snapshots").iterdir() if path.is_dir()):
        steps.append(int(directory.name))
        arrays = read_arrays(directory)
        used |= {"numpy"} if arrays else set()
        if (directory / "bodies.pvtp").exists():
            arrays = check_vtp(directory, arrays)
            used.add("pyvista")
        if any(directory.glob("*.hdf5")):
            arrays, readers = check_hdf5(directory, arrays, unit)
            used |= {"h5py", *readers}
        expect(arrays, f"{directory}: no snapshot in it")
        if steps[-1] in log:
            check_figures(log[steps[-1]], arrays, directory)
    check_times(run, steps, unit)
    return len(steps), used


def check_run(run, all_readers):
    unit, log = check_log(run)
    snapshots, used = check_snapshots(run, unit, log)
    wanted = {"numpy", "pyvista", "h5py", "yt", "pynbody"} if all_readers else set()
    expect(wanted <= used, f"{run}: not opened by {', '.join(sorted(wanted - used))}")
    pictures = check_pictures(run)
    readers = ", ".join(sorted(used))
    print(f"PASS {run}: {snapshots} snapshots by {readers}; {pictures} pictures, {len(log)} rows of diagnostics")


if __name__ == "__main__":
    # pynbody tells of cosmological defaults that nothing here uses.
    warnings.simplefilter("ignore")
    check_all(__doc__, "--all-readers", check_run)
