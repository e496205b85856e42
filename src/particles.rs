//! Bodies of one rank as a structure of arrays.
//!
//! Every body has an `id`, which the user sees, and an `index`, its place in the order of ids: 0 to N - 1 over all ranks. The order
//! in memory is free: index order under direct summation, the order of a space-filling curve under the tree. Whatever must not
//! depend on that order (files, digests) goes by index. One array per component, so that a kernel loads vectors of bodies.
//! Refused: an array of structures, of which a force kernel would use a quarter of each cache line.

/// Bodies of this rank. All arrays have the same length.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Particles {
    /// x, y, z in the length unit of the problem.
    pub position: [Vec<f64>; 3],
    /// x, y, z in length per time.
    pub velocity: [Vec<f64>; 3],
    /// x, y, z in length per time squared, as of the last force evaluation; 0 before the first.
    pub acceleration: [Vec<f64>; 3],
    /// Gravitational potential at the body without its own share, in length squared per time squared, as of the last evaluation.
    pub potential: Vec<f64>,
    /// In the mass unit of the problem, not negative.
    pub mass: Vec<f64>,
    /// Name of the body, unique.
    pub id: Vec<u64>,
    /// Place in the order of ids over all ranks.
    pub index: Vec<u64>,
    /// Block steps: the body's step is that of the run divided by 2^level. 0 where all share a step.
    pub level: Vec<u8>,
}

/// Numbers of f64 size that make up one body.
pub const WORDS: usize = 14;

/// One body with all of its values, as it travels between ranks.
pub type Row = [u64; WORDS];

impl Particles {
    /// No bodies, with room for so many.
    pub fn with_capacity(count: usize) -> Particles {
        let triple = || std::array::from_fn(|_| Vec::with_capacity(count));
        Particles {
            position: triple(),
            velocity: triple(),
            acceleration: triple(),
            potential: Vec::with_capacity(count),
            mass: Vec::with_capacity(count),
            id: Vec::with_capacity(count),
            index: Vec::with_capacity(count),
            level: Vec::with_capacity(count),
        }
    }

    /// Number of bodies of this rank.
    pub fn len(&self) -> usize {
        self.mass.len()
    }

    /// True if this rank has none.
    pub fn is_empty(&self) -> bool {
        self.mass.is_empty()
    }

    /// Appends a body without a force yet: acceleration, potential and level are 0.
    pub fn push(&mut self, index: u64, id: u64, mass: f64, position: [f64; 3], velocity: [f64; 3]) {
        for axis in 0..3 {
            self.position[axis].push(position[axis]);
            self.velocity[axis].push(velocity[axis]);
            self.acceleration[axis].push(0.0);
        }
        self.potential.push(0.0);
        self.mass.push(mass);
        self.id.push(id);
        self.index.push(index);
        self.level.push(0);
    }

    /// Position of a body.
    pub fn position_of(&self, body: usize) -> [f64; 3] {
        std::array::from_fn(|axis| self.position[axis][body])
    }

    /// Velocity of a body.
    pub fn velocity_of(&self, body: usize) -> [f64; 3] {
        std::array::from_fn(|axis| self.velocity[axis][body])
    }

    /// Acceleration of a body.
    pub fn acceleration_of(&self, body: usize) -> [f64; 3] {
        std::array::from_fn(|axis| self.acceleration[axis][body])
    }

    /// All values of a body.
    pub fn row(&self, body: usize) -> Row {
        let mut row = [0; WORDS];
        for axis in 0..3 {
            row[axis] = self.position[axis][body].to_bits();
            row[3 + axis] = self.velocity[axis][body].to_bits();
            row[6 + axis] = self.acceleration[axis][body].to_bits();
        }
        row[9] = self.potential[body].to_bits();
        row[10] = self.mass[body].to_bits();
        row[11] = self.id[body];
        row[12] = self.index[body];
        row[13] = u64::from(self.level[body]);
        row
    }

    /// Appends a body that was a [`Particles::row`].
    pub fn push_row(&mut self, row: &Row) {
        for axis in 0..3 {
            self.position[axis].push(f64::from_bits(row[axis]));
            self.velocity[axis].push(f64::from_bits(row[3 + axis]));
            self.acceleration[axis].push(f64::from_bits(row[6 + axis]));
        }
        self.potential.push(f64::from_bits(row[9]));
        self.mass.push(f64::from_bits(row[10]));
        self.id.push(row[11]);
        self.index.push(row[12]);
        self.level.push(row[13] as u8);
    }

    /// The bodies in another order: body `n` of the result is body `order[n]` of `self`. `order` need not name all bodies.
    pub fn reordered(&self, order: &[u32]) -> Particles {
        let floats = |from: &Vec<f64>| order.iter().map(|&n| from[n as usize]).collect::<Vec<f64>>();
        let words = |from: &Vec<u64>| order.iter().map(|&n| from[n as usize]).collect::<Vec<u64>>();
        Particles {
            position: std::array::from_fn(|axis| floats(&self.position[axis])),
            velocity: std::array::from_fn(|axis| floats(&self.velocity[axis])),
            acceleration: std::array::from_fn(|axis| floats(&self.acceleration[axis])),
            potential: floats(&self.potential),
            mass: floats(&self.mass),
            id: words(&self.id),
            index: words(&self.index),
            level: order.iter().map(|&n| self.level[n as usize]).collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn three() -> Particles {
        let mut bodies = Particles::with_capacity(3);
        for n in 0..3 {
            let x = n as f64;
            bodies.push(n, 10 * n, 1.0 + x, [x, 2.0 * x, -x], [0.5 * x, 0.0, x]);
            bodies.acceleration[1][n as usize] = 7.0 + x;
            bodies.level[n as usize] = n as u8;
        }
        bodies
    }

    #[test]
    fn rows_carry_every_value() {
        let bodies = three();
        let mut copy = Particles::default();
        (0..bodies.len()).for_each(|n| copy.push_row(&bodies.row(n)));
        assert_eq!(copy, bodies);
    }

    #[test]
    fn an_order_moves_all_arrays_alike() {
        let bodies = three();
        let turned = bodies.reordered(&[2, 0]);
        assert_eq!(turned.len(), 2);
        assert_eq!(turned.row(0), bodies.row(2));
        assert_eq!(turned.row(1), bodies.row(0));
    }
}
