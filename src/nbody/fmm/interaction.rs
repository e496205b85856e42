//! The far field of eight source cells on one target cell: the hot loop of the fast multipole method.
//!
//! Lanes are source cells. With M the scaled moments of a source, L the expansion of the target and D the derivatives of
//! 1 / sqrt(r^2 + eps^2) at the distance of their centres, L_n += sum of M_m D_(n+m) over all m with |n| + |m| <= p. D follows from
//! the recursion of McMurchie and Davidson (1978): with g_j = (1/r d/dr)^j (r^2 + eps^2)^(-1/2) and R^j_0 = g_j,
//! R^j_(n+e) = r_e R^(j+1)_n + n_e R^(j+1)_(n-e) and D = R^0, which is exact for the softened kernel.
//!
//! All three are cubes of lines (165 of 1331 lines in use at order 8, so 10 KiB each). For one (i, j) of the target and one of the
//! source what remains is a triangle of products along k, whose operands stay in registers. Per eight sources 28, 84, 210, 462,
//! 924, 1716, 3003, 5005, 8008 fused operations at order 2 to 10, less those of the dipole, which is 0 about the centre of mass.
//! Refused: interactions that both cells share (each lane would write to its own target), and one source at a time over the
//! coefficients (triangles do not fill vectors).

use super::expansion::{CUBE, MAX_ORDER, MOST, PLACES, SIDE, count, number, place};
use super::lanes::{Instructions, Lanes, Line, WIDTH, dispatched};

/// Lines in the order of [`super::expansion::place`].
pub type Lines = [Line; CUBE];

/// Room for cubes of lines, kept per thread.
#[derive(Debug)]
pub struct Workspace {
    /// By degree.
    moments: Box<[Line; STORED]>,
    derivatives: Box<Lines>,
    expansion: Box<Lines>,
    distance: [Line; 3],
}

/// A cube of zeros that never lay on the stack.
pub fn zero_lines() -> Box<Lines> {
    vec![Line::default(); CUBE].into_boxed_slice().try_into().expect("the length of a cube")
}

/// Lines that hold the coefficients of a cell.
const BLOCKS: usize = MOST.div_ceil(WIDTH);
/// The same coefficients with a line for each.
const STORED: usize = BLOCKS * WIDTH;
/// Moments of a source that is not there.
const NO_MOMENTS: [Line; BLOCKS] = [Line([0.0; WIDTH]); BLOCKS];

impl Default for Workspace {
    fn default() -> Workspace {
        Workspace {
            moments: Box::new([Line::default(); STORED]),
            derivatives: zero_lines(),
            expansion: zero_lines(),
            distance: Default::default(),
        }
    }
}

impl Workspace {
    /// Adds what up to eight sources contribute to the expansion: `distances` from their centres to the target's, and their moments by
    /// degree.
    pub fn interact(
        &mut self,
        instructions: Instructions,
        order: usize,
        distances: &[[f64; 3]],
        moments: &[&[Line]],
        softening_squared: f64,
    ) {
        for lane in 0..WIDTH {
            // Lanes without a source have no moments, at the distance of the first.
            let distance = distances.get(lane).unwrap_or(&distances[0]);
            (0..3).for_each(|axis| self.distance[axis].0[lane] = distance[axis]);
        }
        let rows = std::array::from_fn(|lane| moments.get(lane).copied().unwrap_or(&NO_MOMENTS));
        interact_lanes(instructions, self, order, rows, softening_squared);
    }

    /// The expansion of all lanes together, up to this order, in the order of storage; empties it.
    pub fn take_expansion(&mut self, order: usize) -> [f64; MOST] {
        let mut sums = [0.0; MOST];
        for (sum, place) in sums.iter_mut().zip(&PLACES[..count(order)]) {
            let line = &mut self.expansion[usize::from(*place)];
            let [a, b, c, d, e, f, g, h] = std::mem::take(line).0;
            *sum = ((a + b) + (c + d)) + ((e + f) + (g + h));
        }
        sums
    }
}

dispatched! {
    /// [`Workspace::interact`].
    interact_lanes = interact(work: &mut Workspace, order: usize, rows: [&[Line]; WIDTH], softening_squared: f64)
}

#[inline(always)]
fn interact<V: Lanes>(work: &mut Workspace, order: usize, rows: [&[Line]; WIDTH], softening_squared: f64) {
    assert!(order <= MAX_ORDER);
    load::<V>(&mut work.moments, order, rows);
    for part in 0..V::PARTS {
        let r = V::load_three(&work.distance, part);
        derive::<V>(&mut work.derivatives, order, r, softening_squared, part);
        contract::<V>(work, order, part);
    }
}

/// Spreads the moments of eight sources over the lanes.
#[inline(always)]
fn load<V: Lanes>(moments: &mut [Line; STORED], order: usize, rows: [&[Line]; WIDTH]) {
    let blocks = count(order).div_ceil(WIDTH);
    for (block, lines) in moments.as_chunks_mut().0[..blocks].iter_mut().enumerate() {
        let [a, b, c, d, e, f, g, h] = rows;
        V::transpose_into(
            [&a[block], &b[block], &c[block], &d[block], &e[block], &f[block], &g[block], &h[block]],
            lines,
        );
    }
}

/// Lines (i, j, 0) and on of a cube.
///
/// The order is checked once per call of [`interact`].
#[inline(always)]
fn row(cube: &Lines, i: usize, j: usize) -> &[Line; SIDE] {
    debug_assert!(i + j <= MAX_ORDER);
    // SAFETY: i + j <= order <= MAX_ORDER in all callers, so the row lies inside the cube.
    unsafe { &*cube.as_ptr().add((i * SIDE + j) * SIDE).cast() }
}

/// As [`row`].
#[inline(always)]
fn row_mut(cube: &mut Lines, i: usize, j: usize) -> &mut [Line; SIDE] {
    debug_assert!(i + j <= MAX_ORDER);
    // SAFETY: as in `row`.
    unsafe { &mut *cube.as_mut_ptr().add((i * SIDE + j) * SIDE).cast() }
}

/// (1/r d/dr)^j of the kernel, for j = 0 to `order`.
#[inline(always)]
fn radial<V: Lanes>(order: usize, r: [V; 3], softening_squared: f64) -> [V; SIDE] {
    let squared = r[2].multiply_add(r[2], V::splat(softening_squared));
    let squared = r[0].multiply_add(r[0], r[1].multiply_add(r[1], squared));
    let inverse = squared.inverse_root();
    let step = inverse.mul(inverse);
    let mut all = [inverse; SIDE];
    for j in 1..=order {
        all[j] = all[j - 1].mul(step).mul(V::splat(1.0 - 2.0 * j as f64));
    }
    all
}

/// R^j up to one more degree, in place, from R^(j+1): for every exponent of an axis, from the highest down, the exponents that are left
/// for the others. Written out, so that places are constants.
macro_rules! raise {
    ($V:ident, $cube:ident, $part:ident, $r:ident, $($n:literal [$($k:literal)*]),*) => {{
        $(raise!(@plane $V, $cube, $part, $r, $n, [0 1 2 3 4 5 6 7 8 9 10], [$($k)*]);)*
        $($(raised::<$V>($cube, $part, const { place(0, $n, $k) }, SIDE, $n, $r[1]);)*)*
        $(raised::<$V>($cube, $part, const { place(0, 0, $n) }, 1, $n, $r[2]);)*
    }};
    (@plane $V:ident, $cube:ident, $part:ident, $r:ident, $i:literal, $j:tt, []) => {};
    (@plane $V:ident, $cube:ident, $part:ident, $r:ident, $i:literal, [$j:literal $($more:literal)*], [$q:literal $($k:literal)*]) => {
        raised::<$V>($cube, $part, const { place($i, $j, $q) }, SIDE * SIDE, $i, $r[0]);
        $(raised::<$V>($cube, $part, const { place($i, $j, $k) }, SIDE * SIDE, $i, $r[0]);)*
        raise!(@plane $V, $cube, $part, $r, $i, [$($more)*], [$($k)*]);
    };
}

#[inline(always)]
fn derive<V: Lanes>(cube: &mut Lines, order: usize, r: [V; 3], softening_squared: f64, part: usize) {
    let radial = radial(order, r, softening_squared);
    radial[order].store(&mut cube[0], part);
    for degree in 1..=order {
        match degree {
            1 => raise!(V, cube, part, r, 1[0]),
            2 => raise!(V, cube, part, r, 2 [0], 1 [1 0]),
            3 => raise!(V, cube, part, r, 3 [0], 2 [1 0], 1 [2 1 0]),
            4 => raise!(V, cube, part, r, 4 [0], 3 [1 0], 2 [2 1 0], 1 [3 2 1 0]),
            5 => raise!(V, cube, part, r, 5 [0], 4 [1 0], 3 [2 1 0], 2 [3 2 1 0], 1 [4 3 2 1 0]),
            6 => raise!(V, cube, part, r, 6 [0], 5 [1 0], 4 [2 1 0], 3 [3 2 1 0], 2 [4 3 2 1 0], 1 [5 4 3 2 1 0]),
            7 => {
                raise!(V, cube, part, r, 7 [0], 6 [1 0], 5 [2 1 0], 4 [3 2 1 0], 3 [4 3 2 1 0], 2 [5 4 3 2 1 0], 1 [6 5 4 3 2 1 0])
            }
            8 => {
                raise!(V, cube, part, r, 8 [0], 7 [1 0], 6 [2 1 0], 5 [3 2 1 0], 4 [4 3 2 1 0], 3 [5 4 3 2 1 0], 2 [6 5 4 3 2 1 0], 1 [7 6 5 4 3 2 1 0])
            }
            9 => {
                raise!(V, cube, part, r, 9 [0], 8 [1 0], 7 [2 1 0], 6 [3 2 1 0], 5 [4 3 2 1 0], 4 [5 4 3 2 1 0], 3 [6 5 4 3 2 1 0], 2 [7 6 5 4 3 2 1 0], 1 [8 7 6 5 4 3 2 1 0])
            }
            _ => {
                raise!(V, cube, part, r, 10 [0], 9 [1 0], 8 [2 1 0], 7 [3 2 1 0], 6 [4 3 2 1 0], 5 [5 4 3 2 1 0], 4 [6 5 4 3 2 1 0], 3 [7 6 5 4 3 2 1 0], 2 [8 7 6 5 4 3 2 1 0], 1 [9 8 7 6 5 4 3 2 1 0])
            }
        }
        radial[order - degree].store(&mut cube[0], part);
    }
}

/// One coefficient of exponent `n` along an axis from those of n - 1 and n - 2, which lie `step` and twice as far below it.
#[inline(always)]
fn raised<V: Lanes>(cube: &mut Lines, part: usize, at: usize, step: usize, n: usize, r: V) {
    let mut value = r.mul(V::load(&cube[at - step], part));
    if n > 1 {
        value = V::splat((n - 1) as f64).multiply_add(V::load(&cube[at - 2 * step], part), value);
    }
    value.store(&mut cube[at], part);
}

/// All sources of the target's coefficients (i, j, 0..=q), where the list counts from q, the degree that is left for k and the source,
/// down to 0. Written out, so that sums and factors live in registers.
macro_rules! contract_rows {
    ($V:ident, $work:ident, $i:ident, $j:ident, $part:ident, [$($k:literal)*]) => {{
        let mut sum = [$V::splat(0.0); SIDE];
        let target = row_mut(&mut $work.expansion, $i, $j);
        $(sum[$k] = $V::load(&target[$k], $part);)*
        contract_rows!(@planes $V, $work, $i, $j, $part, sum, [0 1 2 3 4 5 6 7 8 9 10], [$($k)*]);
        let target = row_mut(&mut $work.expansion, $i, $j);
        $(sum[$k].store(&mut target[$k], $part);)*
    }};
    // Every power a of x of the source; one less is left for the rest each time.
    (@planes $V:ident, $work:ident, $i:ident, $j:ident, $part:ident, $sum:ident, $a:tt, []) => {};
    (@planes $V:ident, $work:ident, $i:ident, $j:ident, $part:ident, $sum:ident, [$a:literal $($more:literal)*], [$q:literal $($k:literal)*]) => {
        contract_rows!(@rows $V, $work, $i, $j, $part, $sum, $a, [0 1 2 3 4 5 6 7 8 9 10], [$q $($k)*]);
        contract_rows!(@planes $V, $work, $i, $j, $part, $sum, [$($more)*], [$($k)*]);
    };
    // Every power b of y.
    (@rows $V:ident, $work:ident, $i:ident, $j:ident, $part:ident, $sum:ident, $a:literal, $b:tt, []) => {};
    (@rows $V:ident, $work:ident, $i:ident, $j:ident, $part:ident, $sum:ident, $a:literal, [$b:literal $($more:literal)*], [$q:literal $($k:literal)*]) => {
        let moments = &$work.moments;
        let derivatives = row(&$work.derivatives, $i + $a, $j + $b);
        let mut factor = [$V::splat(0.0); SIDE];
        factor[$q] = $V::load(&derivatives[$q], $part);
        $(factor[$k] = $V::load(&derivatives[$k], $part);)*
        contract_rows!(@powers $V, moments, factor, $part, $sum, $a, $b, [0 1 2 3 4 5 6 7 8 9 10], [$q $($k)*]);
        contract_rows!(@rows $V, $work, $i, $j, $part, $sum, $a, [$($more)*], [$($k)*]);
    };
    // Every power m of z, without the dipole: sum[n] += moments[m] factor[n + m].
    (@powers $V:ident, $moments:ident, $factor:ident, $part:ident, $sum:ident, $a:literal, $b:literal, $m:tt, []) => {};
    (@powers $V:ident, $moments:ident, $factor:ident, $part:ident, $sum:ident, $a:literal, $b:literal, [$m:literal $($more:literal)*], [$q:literal $($n:literal)*]) => {
        if $a + $b + $m != 1 {
            let moment = $V::load(&$moments[const { number($a, $b, $m) }], $part);
            $sum[$q] = moment.multiply_add($factor[$q + $m], $sum[$q]);
            $($sum[$n] = moment.multiply_add($factor[$n + $m], $sum[$n]);)*
        }
        contract_rows!(@powers $V, $moments, $factor, $part, $sum, $a, $b, [$($more)*], [$($n)*]);
    };
}

#[inline(always)]
fn contract<V: Lanes>(work: &mut Workspace, order: usize, part: usize) {
    for i in 0..=order {
        for j in 0..=order - i {
            match order - i - j {
                0 => contract_rows!(V, work, i, j, part, [0]),
                1 => contract_rows!(V, work, i, j, part, [1 0]),
                2 => contract_rows!(V, work, i, j, part, [2 1 0]),
                3 => contract_rows!(V, work, i, j, part, [3 2 1 0]),
                4 => contract_rows!(V, work, i, j, part, [4 3 2 1 0]),
                5 => contract_rows!(V, work, i, j, part, [5 4 3 2 1 0]),
                6 => contract_rows!(V, work, i, j, part, [6 5 4 3 2 1 0]),
                7 => contract_rows!(V, work, i, j, part, [7 6 5 4 3 2 1 0]),
                8 => contract_rows!(V, work, i, j, part, [8 7 6 5 4 3 2 1 0]),
                9 => contract_rows!(V, work, i, j, part, [9 8 7 6 5 4 3 2 1 0]),
                _ => contract_rows!(V, work, i, j, part, [10 9 8 7 6 5 4 3 2 1 0]),
            }
        }
    }
}

#[cfg(test)]
#[path = "interaction_tests.rs"]
mod tests;
