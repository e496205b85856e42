//! VTK polygonal data: one `.vtp` piece per rank, a `.pvtp` that joins them (and a `.pvd` that lists the pieces of all times).
//!
//! A piece is XML with appended raw blocks, each a `UInt64` length and little-endian numbers: points, the values of the bodies, and one vertex
//! cell of all points, without which ParaView draws nothing. The pieces in the order of ranks are the bodies in the order of ids, so a
//! point has the same number at all times.
//!
//! # Refused
//! Base64 and compression, as for heat. A vertex cell per body: 8 bytes more for each.

use crate::bytes::F64;
use crate::comm::agree;
use crate::error::Result;
use crate::index_order::IndexOrder;
use crate::output::atomic;
use crate::output::vtk::opening;
use crate::particles::Particles;
use std::fmt::Write as _;
use std::io::{self, Write};
use std::path::Path;

/// Words of a body in a piece: its values and its number in the vertex cell.
pub const WORDS: usize = 13;

/// Values of a body: name, type, components.
const ARRAYS: [(&str, &str, usize); 5] = [
    ("velocity", "Float64", 3),
    ("acceleration", "Float64", 3),
    ("mass", "Float64", 1),
    ("potential", "Float64", 1),
    ("id", "UInt64", 1),
];

const TAIL: &str = "\n  </AppendedData>\n</VTKFile>\n";

/// Writes `bodies_<rank>.vtp` on every rank and `bodies.pvtp` on rank 0. Returns the bytes of all ranks. Collective.
///
/// # Errors
/// Exit code 3, the same on all ranks.
pub fn write(order: &IndexOrder, directory: &Path) -> Result<u64> {
    let comm = order.comm();
    let own = order.own();
    let count = own.end - own.start;
    let head = head(count);
    let length = (head.len() + TAIL.len()) as u64 + data_bytes(count);
    let path = directory.join(piece_name(comm.rank()));
    atomic::write_each(comm, &path, length, |writer| write_piece(order, &head, writer))?;
    let index = if comm.rank() == 0 { write_index(comm.size(), directory) } else { Ok(0) };
    let mut bytes = [(length + agree(comm, index)?) as i64];
    comm.all_sum(&mut bytes);
    Ok(bytes[0] as u64)
}

/// `bodies_<rank>.vtp`
pub fn piece_name(rank: usize) -> String {
    format!("bodies_{rank}.vtp")
}

/// Bytes of all blocks of so many bodies, their lengths included.
fn data_bytes(count: u64) -> u64 {
    let vertex = u64::from(count > 0);
    let blocks = 1 + ARRAYS.len() as u64 + 2;
    blocks * F64 as u64 + (count * WORDS as u64 + vertex) * F64 as u64
}

fn head(count: u64) -> String {
    let mut text = opening("PolyData", "1.0");
    let vertices = u64::from(count > 0);
    let _ = writeln!(
        text,
        "  <PolyData>\n    <Piece NumberOfPoints=\"{count}\" NumberOfVerts=\"{vertices}\" NumberOfLines=\"0\" \
         NumberOfStrips=\"0\" NumberOfPolys=\"0\">"
    );
    let mut offset = 0;
    let mut block = |text: &mut String, (name, kind, components): (&str, &str, usize), numbers: u64| {
        let _ = writeln!(
            text,
            "        <DataArray type=\"{kind}\" Name=\"{name}\" NumberOfComponents=\"{components}\" format=\"appended\" \
             offset=\"{offset}\"/>"
        );
        offset += (numbers + 1) * F64 as u64;
    };
    text.push_str("      <Points>\n");
    block(&mut text, ("position", "Float64", 3), 3 * count);
    text.push_str("      </Points>\n      <PointData Scalars=\"mass\" Vectors=\"velocity\">\n");
    for array in ARRAYS {
        block(&mut text, array, count * array.2 as u64);
    }
    text.push_str("      </PointData>\n      <Verts>\n");
    block(&mut text, ("connectivity", "Int64", 1), count);
    block(&mut text, ("offsets", "Int64", 1), vertices);
    text.push_str("      </Verts>\n    </Piece>\n  </PolyData>\n  <AppendedData encoding=\"raw\">\n   _");
    text
}

/// Writes a whole piece. All messages are exchanged even if writing fails.
fn write_piece(order: &IndexOrder, head: &str, writer: &mut dyn Write) -> io::Result<()> {
    let mut outcome = writer.write_all(head.as_bytes());
    let bits = |vector: [f64; 3]| vector.map(f64::to_bits);
    let mut blocks = Blocks { order, writer, outcome: &mut outcome };
    blocks.write(|b, n| bits(b.position_of(n)));
    blocks.write(|b, n| bits(b.velocity_of(n)));
    blocks.write(|b, n| bits(b.acceleration_of(n)));
    blocks.write(|b, n| [b.mass[n].to_bits()]);
    blocks.write(|b, n| [b.potential[n].to_bits()]);
    blocks.write(|b, n| [b.id[n]]);
    outcome?;
    let own = order.own();
    let count = own.end - own.start;
    write_numbers(writer, count, 0..count)?;
    write_numbers(writer, u64::from(count > 0), (count > 0).then_some(count).into_iter())?;
    writer.write_all(TAIL.as_bytes())
}

/// Blocks of values of this rank's bodies, one after the other. The first failure stays.
struct Blocks<'a, 'o> {
    order: &'a IndexOrder<'o>,
    writer: &'a mut dyn Write,
    outcome: &'a mut io::Result<()>,
}

impl Blocks<'_, '_> {
    fn write<const W: usize>(&mut self, words: impl Fn(&Particles, usize) -> [u64; W] + Sync) {
        let own = self.order.own();
        self.put(&((own.end - own.start) * (W * F64) as u64).to_le_bytes());
        self.order.for_each_batch(words, &mut |_, bytes| self.put(bytes));
    }

    fn put(&mut self, bytes: &[u8]) {
        if self.outcome.is_ok() {
            *self.outcome = self.writer.write_all(bytes);
        }
    }
}

fn write_numbers(writer: &mut dyn Write, count: u64, numbers: impl Iterator<Item = u64>) -> io::Result<()> {
    writer.write_all(&(count * F64 as u64).to_le_bytes())?;
    for number in numbers {
        writer.write_all(&number.to_le_bytes())?;
    }
    Ok(())
}

fn write_index(ranks: usize, directory: &Path) -> Result<u64> {
    let mut text = opening("PPolyData", "1.0");
    text.push_str("  <PPolyData GhostLevel=\"0\">\n    <PPoints>\n");
    let array = |text: &mut String, (name, kind, components): (&str, &str, usize)| {
        let _ =
            writeln!(text, "      <PDataArray type=\"{kind}\" Name=\"{name}\" NumberOfComponents=\"{components}\"/>");
    };
    array(&mut text, ("position", "Float64", 3));
    text.push_str("    </PPoints>\n    <PPointData Scalars=\"mass\" Vectors=\"velocity\">\n");
    ARRAYS.into_iter().for_each(|entry| array(&mut text, entry));
    text.push_str("    </PPointData>\n");
    for rank in 0..ranks {
        let _ = writeln!(text, "    <Piece Source=\"{}\"/>", piece_name(rank));
    }
    text.push_str("  </PPolyData>\n</VTKFile>\n");
    atomic::write_file(&directory.join("bodies.pvtp"), |writer| writer.write_all(text.as_bytes()))
}
