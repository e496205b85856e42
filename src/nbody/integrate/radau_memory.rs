//! What one step of the Gauss-Radau scheme leaves to the next, and the same as bytes.

use super::radau_series::TERMS;
use crate::bytes;

/// Arrays have three numbers for each body: x of all, then y, then z.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Memory {
    /// Step that the criterion asks for; 0 before the first.
    pub natural: f64,
    /// Length of the last step; 0 if there is nothing to predict from.
    pub last: f64,
    /// What positions lack for being rounded.
    pub position_residue: Vec<f64>,
    /// What velocities lack.
    pub velocity_residue: Vec<f64>,
    /// Coefficients b of the last step.
    pub coefficients: [Vec<f64>; TERMS],
    /// What had been predicted for them; all 0 if nothing had.
    pub predicted: [Vec<f64>; TERMS],
}

/// Numbers for each body.
const PER_BODY: usize = 3 * (2 + 2 * TERMS);

impl Memory {
    /// Before the first step of so many bodies, which is tried with this length.
    pub fn before_first_step(bodies: usize, natural: f64) -> Memory {
        let zeros = || vec![0.0; 3 * bodies];
        let seven = || std::array::from_fn(|_| zeros());
        let (position_residue, velocity_residue) = (zeros(), zeros());
        Memory { natural, last: 0.0, position_residue, velocity_residue, coefficients: seven(), predicted: seven() }
    }

    /// True before the first step.
    pub fn is_empty(&self) -> bool {
        self.natural == 0.0
    }

    /// Number of bodies.
    pub fn bodies(&self) -> usize {
        self.position_residue.len() / 3
    }

    /// All numbers; empty before the first step.
    pub fn to_bytes(&self) -> Vec<u8> {
        if self.is_empty() {
            return Vec::new();
        }
        let residues = [&self.position_residue, &self.velocity_residue];
        let arrays = residues.into_iter().chain(&self.coefficients).chain(&self.predicted);
        let numbers: Vec<f64> = [self.natural, self.last].into_iter().chain(arrays.flatten().copied()).collect();
        let mut state = vec![0; numbers.len() * bytes::F64];
        bytes::encode(&numbers, &mut state);
        state
    }

    /// From [`Memory::to_bytes`]; `None` if the bytes are something else.
    pub fn from_bytes(state: &[u8]) -> Option<Memory> {
        if state.is_empty() {
            return Some(Memory::default());
        }
        let mut numbers = bytes::decode(state);
        let arrays = numbers.len().checked_sub(2)?;
        if !state.len().is_multiple_of(bytes::F64) || !arrays.is_multiple_of(PER_BODY) {
            return None;
        }
        let (natural, last) = (numbers.next()?, numbers.next()?);
        let mut memory = Memory { last, ..Memory::before_first_step(arrays / PER_BODY, natural) };
        let residues = [&mut memory.position_residue, &mut memory.velocity_residue];
        let values = residues.into_iter().chain(&mut memory.coefficients).chain(&mut memory.predicted).flatten();
        values.zip(numbers).for_each(|(value, number)| *value = number);
        Some(memory)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_carry_every_number() {
        let mut memory = Memory { last: 0.5, ..Memory::before_first_step(2, 0.25) };
        memory.position_residue[1] = 1e-20;
        memory.velocity_residue[5] = -1e-20;
        memory.coefficients[6][3] = 7.0;
        memory.predicted[0][2] = -3.0;
        let state = memory.to_bytes();
        assert_eq!(Memory::from_bytes(&state), Some(memory));
        assert_eq!(Memory::from_bytes(&state[..state.len() - 8]), None);
        assert_eq!(Memory::from_bytes(&state[1..]), None);
        assert_eq!(Memory::from_bytes(&[1; 7]), None);
        assert!(Memory::from_bytes(&Memory::default().to_bytes()).unwrap().is_empty());
    }
}
