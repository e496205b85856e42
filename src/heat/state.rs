//! The state of a heat model as sections of bytes in the global order, and back.
//!
//! | section | holds |
//! |---|---|
//! | `temperature` | all cells in C order z, y, x |
//! | `wall_x_lower` ... | sums over steps of dt (ghost - T) for each cell of the face: the recent ones, then the settled ones; the lower of the two in-plane axes fastest |
//!
//! With them go the steps done, the heat at the start, and the heat of the sources with what its sum has rounded away. Halos are not part of the state: the
//! first step after a restart exchanges them, whatever their width.

use super::HeatModel;
use super::walls::Wall;
use crate::bytes::{self, F64};
use crate::error::Result;
use crate::rows;

/// Scalars of the state.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct HeatScalars {
    /// Steps done.
    pub steps: u64,
    /// Total heat at time 0 in joules, once it has been measured.
    pub initial_heat: Option<f64>,
    /// Joules put in by sources, and what adding them has rounded away.
    pub source_heat: [f64; 2],
}

/// Fills bytes from a section at an offset.
pub type ReadSection<'a> = dyn FnMut(usize, u64, &mut [u8]) -> Result<()> + 'a;

/// Name of the section of the temperatures.
pub const TEMPERATURE: &str = "temperature";

/// A face of the grid whose heat is counted.
#[derive(Clone, Copy, Debug)]
struct Face {
    axis: usize,
    side: usize,
}

impl Face {
    fn name(self) -> String {
        format!("wall_{}_{}", ["x", "y", "z"][self.axis], ["lower", "upper"][self.side])
    }

    /// The axes in the plane, the fastest first.
    fn plane(self) -> [usize; 2] {
        [[1, 2], [0, 2], [0, 1]][self.axis]
    }
}

impl HeatModel<'_> {
    /// Names and bytes of the sections, the same on every rank.
    pub fn sections(&self) -> Vec<(String, u64)> {
        let grid = &self.problem.grid;
        let temperature = (TEMPERATURE.to_owned(), (grid.cell_count() * F64) as u64);
        let walls = self.state_faces().into_iter().map(|face| {
            let [first, second] = face.plane();
            (face.name(), (2 * grid.cells[first] * grid.cells[second] * F64) as u64)
        });
        std::iter::once(temperature).chain(walls).collect()
    }

    /// Faces through which heat can pass: the z faces of a plate are none.
    fn state_faces(&self) -> Vec<Face> {
        let axes = (0..self.problem.grid.dimensions).filter(|&axis| !self.decomposition.periodic[axis]);
        axes.flat_map(|axis| [0, 1].map(|side| Face { axis, side })).collect()
    }

    /// Scalars of the state.
    pub fn scalars(&self) -> HeatScalars {
        HeatScalars { steps: self.steps, initial_heat: self.initial_heat, source_heat: self.sources.sum() }
    }

    /// Hands out all sections: `visit(section, offset, bytes)`, every byte once over all ranks. Collective.
    pub fn export(&self, visit: &mut dyn FnMut(usize, u64, &[u8])) {
        let [nx, ny, _] = self.problem.grid.cells;
        let (part, row_bytes) = (self.subdomain, nx * F64);
        rows::for_each_batch(&self.decomposition, &self.old, self.comm, &mut |first, bytes| {
            let (mut row, mut rest) = (first, bytes);
            while !rest.is_empty() {
                let (j, k) = (row % part.cells[1], row / part.cells[1]);
                // Planes that this rank has whole are one run.
                let left = if part.cells[1] == ny { rest.len() } else { (part.cells[1] - j) * row_bytes };
                let (run, later) = rest.split_at(left.min(rest.len()));
                let global = (k + part.start[2]) * ny + j + part.start[1];
                visit(0, (global * row_bytes) as u64, run);
                row += run.len() / row_bytes;
                rest = later;
            }
        });
        for (number, face) in self.state_faces().into_iter().enumerate() {
            if let Some(wall) = &self.walls.faces[face.axis][face.side] {
                self.export_wall(face, wall, &mut |offset, bytes| visit(1 + number, offset, bytes));
            }
        }
    }

    fn export_wall(&self, face: Face, wall: &Wall, visit: &mut dyn FnMut(u64, &[u8])) {
        for (half, sums) in wall.sums().into_iter().enumerate() {
            for (start, length, offset) in self.runs_of(face, half) {
                let mut buffer = vec![0; length * F64];
                bytes::encode(&sums[start..start + length], &mut buffer);
                visit(offset, &buffer);
            }
        }
    }

    /// Runs of this rank's part of a face: the first of its values, their number, and their offset in the section.
    fn runs_of(&self, face: Face, half: usize) -> Vec<(usize, usize, u64)> {
        let ([first, second], part, global) = (face.plane(), self.subdomain, self.problem.grid.cells);
        let (width, height) = (part.cells[first], part.cells[second]);
        let offset = |row: usize| {
            let cell = (half * global[second] + part.start[second] + row) * global[first] + part.start[first];
            (cell * F64) as u64
        };
        if width == global[first] {
            return vec![(0, width * height, offset(0))];
        }
        (0..height).map(|row| (row * width, width, offset(row))).collect()
    }

    /// Takes up a state. Local: every rank reads its own part.
    ///
    /// # Errors
    /// Those of `read`.
    pub fn restore(&mut self, scalars: &HeatScalars, read: &mut ReadSection<'_>) -> Result<()> {
        self.restore_temperature(read)?;
        for (number, face) in self.state_faces().into_iter().enumerate() {
            let runs = [0, 1].map(|half| self.runs_of(face, half));
            let Some(wall) = &mut self.walls.faces[face.axis][face.side] else { continue };
            for (sums, runs) in wall.sums_mut().into_iter().zip(&runs) {
                for &(start, length, offset) in runs {
                    read_values(&mut |bytes| read(1 + number, offset, bytes), &mut sums[start..start + length])?;
                }
            }
        }
        (self.steps, self.origin) = (scalars.steps, scalars.steps);
        self.initial_heat = scalars.initial_heat;
        self.sources.set_sum(scalars.source_heat);
        Ok(())
    }

    fn restore_temperature(&mut self, read: &mut ReadSection<'_>) -> Result<()> {
        let ([gx, gy, _], part, layout) = (self.problem.grid.cells, self.subdomain, *self.old.layout());
        let [nx, ny, nz] = part.cells;
        // Rows that this rank has whole lie together.
        let together = if nx == gx { ny } else { 1 };
        let mut buffer = vec![0.0; nx * together];
        for row in (0..ny * nz).step_by(together) {
            let (j, k) = (row % ny, row / ny);
            let cell = ((k + part.start[2]) * gy + j + part.start[1]) * gx + part.start[0];
            read_values(&mut |bytes| read(0, (cell * F64) as u64, bytes), &mut buffer)?;
            for (n, values) in buffer.chunks_exact(nx).enumerate() {
                let start = layout.index([0, (j + n) as isize, k as isize]);
                self.old.values_mut()[start..start + nx].copy_from_slice(values);
            }
        }
        Ok(())
    }
}

fn read_values(read: &mut dyn FnMut(&mut [u8]) -> Result<()>, values: &mut [f64]) -> Result<()> {
    let mut buffer = vec![0; values.len() * F64];
    read(&mut buffer)?;
    values.iter_mut().zip(bytes::decode(&buffer)).for_each(|(value, number)| *value = number);
    Ok(())
}
