//! How the coefficients of an expansion are numbered.
//!
//! A coefficient belongs to a triple of exponents (i, j, k) with i + j + k at most the order. In the store of a cell they stand by
//! degree, so that the expansion of a lower order is a prefix. In work space they stand in a cube with k fastest, so that all
//! k of one (i, j) are neighbours in memory, which is what shifts and contractions run along. Spherical harmonics have fewer
//! coefficients ((p + 1)^2) but expand 1/r only; here the softened kernel is expanded as it is.

/// Largest total degree of an expansion.
pub const MAX_ORDER: usize = 10;
/// Exponents of one axis.
pub const SIDE: usize = MAX_ORDER + 1;
/// Places in the cube of exponents.
pub const CUBE: usize = SIDE * SIDE * SIDE;
/// Coefficients of an expansion of [`MAX_ORDER`].
pub const MOST: usize = count(MAX_ORDER);

/// n! of every exponent.
pub const FACTORIALS: [f64; SIDE] = [1.0, 1.0, 2.0, 6.0, 24.0, 120.0, 720.0, 5040.0, 40_320.0, 362_880.0, 3_628_800.0];

/// Number of coefficients up to a degree.
pub const fn count(order: usize) -> usize {
    (order + 1) * (order + 2) * (order + 3) / 6
}

/// Exponents of every coefficient, by degree.
pub const EXPONENTS: [[u8; 3]; MOST] = exponents();

/// Place in the cube of every coefficient.
pub const PLACES: [u16; MOST] = places();

const fn exponents() -> [[u8; 3]; MOST] {
    let mut all = [[0; 3]; MOST];
    let mut next = 0;
    let mut degree = 0;
    while degree <= MAX_ORDER {
        let mut i = 0;
        while i <= degree {
            let mut j = 0;
            while j <= degree - i {
                all[next] = [i as u8, j as u8, (degree - i - j) as u8];
                next += 1;
                j += 1;
            }
            i += 1;
        }
        degree += 1;
    }
    all
}

const fn places() -> [u16; MOST] {
    let mut all = [0; MOST];
    let mut n = 0;
    while n < MOST {
        let [i, j, k] = EXPONENTS[n];
        all[n] = place(i as usize, j as usize, k as usize) as u16;
        n += 1;
    }
    all
}

/// Place of a triple of exponents in the cube.
pub const fn place(i: usize, j: usize, k: usize) -> usize {
    (i * SIDE + j) * SIDE + k
}

/// Place of a triple of exponents in the store.
pub const fn number(i: usize, j: usize, k: usize) -> usize {
    let rest = j + k;
    let degree = i + rest;
    let below = if degree == 0 { 0 } else { count(degree - 1) };
    // Before x^i come x^0 to x^(i-1), with degree + 1, degree, ... triples each.
    below + i * (degree + 1) - i * (i.saturating_sub(1)) / 2 + j
}

/// Coefficients in the cube of exponents.
pub type Cube = [f64; CUBE];

/// Spreads stored coefficients over the cube. Places of higher degree than `order` keep what they held.
pub fn unpack(order: usize, stored: &[f64], cube: &mut Cube) {
    for (value, place) in stored[..count(order)].iter().zip(PLACES) {
        cube[place as usize] = *value;
    }
}

/// Adds the coefficients of a cube to stored ones.
pub fn pack_add(order: usize, cube: &Cube, stored: &mut [f64]) {
    for (value, place) in stored[..count(order)].iter_mut().zip(PLACES) {
        *value += cube[place as usize];
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_triple_has_one_place_and_lower_orders_come_first() {
        let mut places = PLACES.to_vec();
        places.sort_unstable();
        places.dedup();
        assert_eq!(places.len(), MOST);
        for (n, exponents) in EXPONENTS.iter().enumerate() {
            let degree: u8 = exponents.iter().sum();
            let [i, j, k] = exponents.map(usize::from);
            assert_eq!(number(i, j, k), n);
            assert!(n < count(degree.into()) && (degree == 0 || n >= count(usize::from(degree) - 1)));
        }
    }
}
