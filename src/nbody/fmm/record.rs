//! Cells as rows of numbers, as they travel between ranks.

use super::cell::{Cell, Content};
use super::expansion::SIDE;
use super::lanes::{self, Line};
use super::store::Store;

/// Appends a cell and its moments. Where its content is, is left to the reader: with the owner, at `place`.
pub fn write_cell(store: &Store, place: usize, numbers: &mut Vec<f64>) {
    let cell = &store.cells[place];
    numbers.extend([place as f64, f64::from(u8::from(cell.is_leaf())), f64::from(u8::from(cell.active))]);
    // A key has 63 bits, more than a number holds.
    numbers.extend([(cell.first_key >> 32) as f64, (cell.first_key & 0xffff_ffff) as f64]);
    numbers.extend([f64::from(cell.bodies), cell.radius, cell.mass, cell.field]);
    numbers.extend(cell.center);
    numbers.extend(cell.bounds.as_flattened());
    numbers.extend(cell.powers.map(f64::from));
    numbers.extend(lanes::numbers(store.moments_of(place)));
}

/// Reads what [`write_cell`] wrote.
pub fn read_cell(numbers: &mut Numbers<'_>, owner: u32, moments: &mut [Line]) -> Cell {
    let place = numbers.take() as u32;
    let is_leaf = numbers.take() != 0.0;
    let mut cell = Cell::empty(Content::Elsewhere { owner, place, is_leaf });
    cell.active = numbers.take() != 0.0;
    cell.first_key = (numbers.take() as u64) << 32 | numbers.take() as u64;
    cell.bodies = numbers.take() as u32;
    [cell.radius, cell.mass, cell.field] = numbers.array();
    cell.center = numbers.array();
    cell.bounds = [numbers.array(), numbers.array()];
    cell.powers = numbers.array::<SIDE>().map(|power| power as f32);
    numbers.fill(lanes::numbers_mut(moments));
    cell
}

/// Reads numbers from bytes, which need not be aligned.
#[derive(Debug)]
pub struct Numbers<'a> {
    bytes: &'a [u8],
}

impl<'a> Numbers<'a> {
    /// All numbers in these bytes.
    pub fn of(bytes: &'a [u8]) -> Numbers<'a> {
        Numbers { bytes }
    }

    /// True if there is another one.
    pub fn has_more(&self) -> bool {
        !self.bytes.is_empty()
    }

    /// The next number.
    ///
    /// # Panics
    /// If there is none: the message is not what this program writes.
    pub fn take(&mut self) -> f64 {
        let (number, rest) = self.bytes.split_first_chunk::<8>().expect("a message of whole records");
        self.bytes = rest;
        f64::from_le_bytes(*number)
    }

    /// As many of the next as there is room for.
    ///
    /// # Panics
    /// Likewise.
    pub fn fill(&mut self, room: &mut [f64]) {
        let (head, rest) = self.bytes.split_at(size_of_val(room));
        room.iter_mut().zip(head.as_chunks().0).for_each(|(number, bytes)| *number = f64::from_le_bytes(*bytes));
        self.bytes = rest;
    }

    /// The next few.
    pub fn array<const N: usize>(&mut self) -> [f64; N] {
        let mut numbers = [0.0; N];
        self.fill(&mut numbers);
        numbers
    }
}
