//! VTK image data: one `.vti` piece per rank, a `.pvti` that joins them, and a `.pvd` that lists the times.
//!
//! A piece is XML with one appended block of raw bytes: a `UInt64` length and the cells of the rank as little-endian f64, x fastest
//! (which is C order (z, y, x)). Extents count points, so neighbouring pieces share the plane of points between them. A plate
//! (two dimensions) has the point extent `0 0` along z: it is an image of pixels, not a slab 1 m deep.
//!
//! # Refused
//! Base64 (a third more bytes) and compression (slower than the disk; zstd is not in VTK's reader everywhere). Writing
//! by `vtkio`: it encodes base64.

use super::atomic::{self, Durability};
use super::snapshot::{SeriesEntry, Snapshot};
use crate::bytes::F64;
use crate::comm::agree;
use crate::decomposition::Subdomain;
use crate::error::Result;
use crate::grid::UniformGrid;
use crate::rows;
use std::fmt::Write as _;
use std::io::{self, Write};
use std::path::Path;

/// Writes `temperature_<rank>.vti` on every rank and `temperature.pvti` on rank 0. Returns the bytes of all ranks. Collective.
///
/// # Errors
/// Exit code 3, the same on all ranks.
pub fn write(snapshot: &Snapshot, directory: &Path) -> Result<u64> {
    let comm = snapshot.comm;
    let own = agree(comm, write_piece(snapshot, &directory.join(piece_name(comm.rank()))))?;
    let index = if comm.rank() == 0 { write_index(snapshot, directory) } else { Ok(0) };
    let mut bytes = [(own + agree(comm, index)?) as i64];
    comm.all_sum(&mut bytes);
    Ok(bytes[0] as u64)
}

/// Writes `<stem>.pvd` into `snapshots/`, which lists the files of every step by their names there. By one rank.
///
/// # Errors
/// Exit code 3.
pub fn write_series(snapshots: &Path, stem: &str, names: &[String], entries: &[SeriesEntry]) -> Result<()> {
    let mut text = opening("Collection", "0.1");
    text.push_str("  <Collection>\n");
    for SeriesEntry { step, time } in entries {
        for (part, name) in names.iter().enumerate() {
            let file = format!("{step:08}/{name}");
            let _ = writeln!(text, r#"    <DataSet timestep="{time:?}" part="{part}" file="{file}"/>"#);
        }
    }
    text.push_str("  </Collection>\n</VTKFile>\n");
    let path = snapshots.join(format!("{stem}.pvd"));
    atomic::write_file(&path, |writer| writer.write_all(text.as_bytes())).map(|_| ())
}

fn piece_name(rank: usize) -> String {
    format!("temperature_{rank}.vti")
}

fn write_piece(snapshot: &Snapshot, path: &Path) -> Result<u64> {
    let part = snapshot.subdomain();
    let payload = (part.cells.iter().product::<usize>() * F64) as u64;
    let head = piece_head(snapshot, &part);
    let tail = "\n  </AppendedData>\n</VTKFile>\n";
    let length = (head.len() + F64 + tail.len()) as u64 + payload;
    atomic::write_sized(path, length, Durability::Synced, |writer| {
        writer.write_all(head.as_bytes())?;
        writer.write_all(&payload.to_le_bytes())?;
        write_cells(snapshot, writer)?;
        writer.write_all(tail.as_bytes())
    })
}

fn write_cells(snapshot: &Snapshot, writer: &mut dyn Write) -> io::Result<()> {
    let [nx, ny, nz] = snapshot.subdomain().cells;
    let (rows, batch) = (ny * nz, rows::rows_per_batch(nx * F64));
    let mut buffer = vec![0; batch.min(rows) * nx * F64];
    for first in (0..rows).step_by(batch) {
        let piece = &mut buffer[..batch.min(rows - first) * nx * F64];
        rows::pack(snapshot.field, first, piece);
        writer.write_all(piece)?;
    }
    Ok(())
}

fn piece_head(snapshot: &Snapshot, part: &Subdomain) -> String {
    let extent = extent(snapshot.grid, part);
    let time = snapshot.time;
    let mut text = opening("ImageData", "1.0");
    let _ = write!(
        text,
        r#"  <ImageData WholeExtent="{extent}" {}>
    <FieldData>
      <DataArray type="Float64" Name="TimeValue" NumberOfTuples="1" format="ascii">{time:?}</DataArray>
    </FieldData>
    <Piece Extent="{extent}">
      <CellData Scalars="temperature">
        <DataArray type="Float64" Name="temperature" format="appended" offset="0"/>
      </CellData>
    </Piece>
  </ImageData>
  <AppendedData encoding="raw">
   _"#,
        geometry(snapshot.grid)
    );
    text
}

fn write_index(snapshot: &Snapshot, directory: &Path) -> Result<u64> {
    let whole = Subdomain { start: [0; 3], cells: snapshot.grid.cells };
    let mut text = opening("PImageData", "1.0");
    let (extent_of_all, geometry) = (extent(snapshot.grid, &whole), geometry(snapshot.grid));
    let _ = write!(
        text,
        r#"  <PImageData WholeExtent="{extent_of_all}" GhostLevel="0" {geometry}>
    <PCellData Scalars="temperature">
      <PDataArray type="Float64" Name="temperature"/>
    </PCellData>
"#
    );
    for rank in 0..snapshot.decomposition.ranks() {
        let extent = extent(snapshot.grid, &snapshot.decomposition.subdomain(rank));
        let _ = writeln!(text, r#"    <Piece Extent="{extent}" Source="{}"/>"#, piece_name(rank));
    }
    text.push_str("  </PImageData>\n</VTKFile>\n");
    atomic::write_file(&directory.join("temperature.pvti"), |writer| writer.write_all(text.as_bytes()))
}

/// First lines of a VTK file of this kind.
pub fn opening(kind: &str, version: &str) -> String {
    format!(
        "<?xml version=\"1.0\"?>\n\
         <VTKFile type=\"{kind}\" version=\"{version}\" byte_order=\"LittleEndian\" header_type=\"UInt64\">\n"
    )
}

fn geometry(grid: &UniformGrid) -> String {
    let [x, y, z] = grid.spacing;
    format!(r#"Origin="0 0 0" Spacing="{x:?} {y:?} {z:?}""#)
}

/// First and last point of a part along each axis.
fn extent(grid: &UniformGrid, part: &Subdomain) -> String {
    let bounds = |axis: usize| {
        let last = part.start[axis] + if axis < grid.dimensions { part.cells[axis] } else { 0 };
        format!("{} {last}", part.start[axis])
    };
    (0..3).map(bounds).collect::<Vec<_>>().join(" ")
}
