//! The hot loops: one row of cells, one forward-Euler step.
//!
//! # Formulas
//! Constant coefficients, with `r = k dt / (rho c h^2)` per axis (dimensionless):
//!
//! ```text
//! T' = T + ((rx (xm + xp - 2 T) + ry (ym + yp - 2 T)) + rz (zm + zp - 2 T))
//! ```
//!
//! Variable coefficients, with face conductances `g` (harmonic mean k / h^2, W/(m3 K)) and `w = dt / (rho c)`:
//!
//! ```text
//! T' = T + w ((gx+ (xp - T) - gx- (T - xm)) + (gy+ (yp - T) - gy- (T - ym)) + (gz+ (zp - T) - gz- (T - zm)))
//! ```
//!
//! # Price
//! Constant: 13 flops (9 in two dimensions) and 16 bytes an update: each value is read once from memory, since its five other
//! uses hit the caches, and written once past them. Variable: 20 flops (13) and 48 bytes (40).
//!
//! # Why this way
//! A kernel sees slices and numbers, never a wall: the caller passes rows of ghost values and the two values beyond the ends
//! of the row, so interior, rim and boundary cells use one expression. That expression is written once, over [`Lanes`], for
//! all CPU paths. Refused: `c0 T + rx (xm + xp) + ...` saves three flops but does not keep a constant state constant; fused
//! multiply-adds round differently where the CPU has none (but for `- 2 T`, which is exact either way); ghost cells in memory cost two cache lines a row.

use super::lanes::Lanes;
use crate::cpu::CpuPath;
#[cfg(target_arch = "x86_64")]
use std::arch::x86_64::{__m256d, __m512d};

/// The old values around a row. All slices are as long as the row.
#[derive(Clone, Copy, Debug)]
pub struct Row<'a> {
    /// The row itself.
    pub center: &'a [f64],
    /// Values before the first and behind the last cell of the row.
    pub ends: [f64; 2],
    /// Rows at y - 1 and y + 1.
    pub y: [&'a [f64]; 2],
    /// Rows at z - 1 and z + 1; not read in two dimensions.
    pub z: [&'a [f64]; 2],
}

/// Conductances of a row with variable coefficients.
#[derive(Clone, Copy, Debug)]
pub struct Conductances<'a> {
    /// Faces between cells along x: face `i` is below cell `i`; one more than cells.
    pub x: &'a [f64],
    /// Lower and upper faces along y.
    pub y: [&'a [f64]; 2],
    /// Lower and upper faces along z; not read in two dimensions.
    pub z: [&'a [f64]; 2],
    /// 1 / (rho c) of the cells, m3 K / J.
    pub inverse_capacity: &'a [f64],
}

/// How many cells ahead the newest row is fetched into the second-level cache. The hardware's own prefetchers stop at page borders,
/// which with rows of a page or less is at every row: without this a sweep reaches 35 to 80 % of the bound. Every line must be
/// fetched, those at the ends of rows too: two that are not cost a sixth of the speed. So does the first-level cache at a quarter of
/// the distance; twice the distance is slightly slower, four times about a fifth (Zen 4, rows of 512, two threads).
const LOOKAHEAD: usize = 1024;

/// How a row is to be computed: nothing here changes a bit of the result.
#[derive(Clone, Copy, Debug)]
pub struct Mode {
    /// Instruction set.
    pub path: CpuPath,
    /// Write past the caches: right for fields that do not fit in them. The caller ends with [`super::lanes::fence_streams`].
    pub stream: bool,
    /// False: z neighbours are not read.
    pub three_d: bool,
}

/// One row with constant coefficients `r = k dt / (rho c h^2)` along x, y, z.
pub fn constant_row(mode: Mode, r: [f64; 3], old: Row<'_>, new: &mut [f64]) {
    check(&old, new.len());
    dispatch(mode, &Constant { r, old }, new);
}

/// Copies a row with the same loop and the same kind of stores: the bound for a sweep, which moves the same bytes.
pub fn copy_row(mode: Mode, old: &[f64], new: &mut [f64]) {
    let old = Row { center: old, ends: [0.0; 2], y: [old; 2], z: [old; 2] };
    check(&old, new.len());
    dispatch(mode, &Identity { old }, new);
}

/// One row with variable coefficients over a time step `dt` (seconds).
pub fn variable_row(mode: Mode, dt: f64, g: Conductances<'_>, old: Row<'_>, new: &mut [f64]) {
    let n = new.len();
    check(&old, n);
    assert!(g.x.len() == n + 1 && g.inverse_capacity.len() == n, "coefficients fit the row");
    assert!(g.y.iter().chain(&g.z).all(|row| row.len() == n), "coefficients fit the row");
    dispatch(mode, &Variable { dt, g, old }, new);
}

fn check(old: &Row<'_>, n: usize) {
    assert!(old.center.len() == n && old.y.iter().chain(&old.z).all(|row| row.len() == n), "rows of equal length");
}

/// A formula for the cells `i..i + WIDTH`, given their old values and those of their x neighbours.
trait Formula {
    fn old(&self) -> &Row<'_>;
    /// The row whose values no earlier row has used: they come from memory, all others from a cache.
    fn newest<const THREE_D: bool>(&self) -> *const f64 {
        let old = self.old();
        if THREE_D { old.z[1].as_ptr() } else { old.y[1].as_ptr() }
    }
    /// # Safety
    /// The CPU has the instruction set of `V`, and `i + V::WIDTH` is at most the row length.
    unsafe fn update<V: Lanes, const THREE_D: bool>(&self, i: usize, t: V, xm: V, xp: V) -> V;
}

struct Identity<'a> {
    old: Row<'a>,
}

impl Formula for Identity<'_> {
    fn old(&self) -> &Row<'_> {
        &self.old
    }

    #[inline(always)]
    unsafe fn update<V: Lanes, const THREE_D: bool>(&self, _i: usize, t: V, _xm: V, _xp: V) -> V {
        t
    }
}

struct Constant<'a> {
    r: [f64; 3],
    old: Row<'a>,
}

impl Formula for Constant<'_> {
    fn old(&self) -> &Row<'_> {
        &self.old
    }

    #[inline(always)]
    unsafe fn update<V: Lanes, const THREE_D: bool>(&self, i: usize, t: V, xm: V, xp: V) -> V {
        let [y, z] = [self.old.y, self.old.z];
        // SAFETY: the caller's promise; all rows are equally long (checked on entry).
        unsafe {
            let mut change = curvature(self.r[0], xm, t, xp);
            change = change.add(curvature(self.r[1], at(y[0], i), t, at(y[1], i)));
            if THREE_D {
                change = change.add(curvature(self.r[2], at(z[0], i), t, at(z[1], i)));
            }
            t.add(change)
        }
    }
}

struct Variable<'a> {
    dt: f64,
    g: Conductances<'a>,
    old: Row<'a>,
}

impl Formula for Variable<'_> {
    fn old(&self) -> &Row<'_> {
        &self.old
    }

    #[inline(always)]
    unsafe fn update<V: Lanes, const THREE_D: bool>(&self, i: usize, t: V, xm: V, xp: V) -> V {
        let ([y, z], g) = ([self.old.y, self.old.z], &self.g);
        // SAFETY: the caller's promise; all rows are equally long (checked on entry), `g.x` one longer.
        unsafe {
            let mut inflow = net_flux([at(g.x, i), at(g.x, i + 1)], xm, t, xp);
            inflow = inflow.add(net_flux([at(g.y[0], i), at(g.y[1], i)], at(y[0], i), t, at(y[1], i)));
            if THREE_D {
                inflow = inflow.add(net_flux([at(g.z[0], i), at(g.z[1], i)], at(z[0], i), t, at(z[1], i)));
            }
            t.add(V::splat(self.dt).mul(at(g.inverse_capacity, i)).mul(inflow))
        }
    }
}

// Functions and not closures: a closure would be compiled without the vector instructions of its caller.

/// # Safety
/// The CPU has the instruction set of `V`, and `i + V::WIDTH <= row.len()`.
#[inline(always)]
unsafe fn at<V: Lanes>(row: &[f64], i: usize) -> V {
    // SAFETY: the caller's promise.
    unsafe { V::load(row.as_ptr().add(i)) }
}

/// `r (m + p - 2 t)`.
///
/// # Safety
/// The CPU has the instruction set of `V`.
#[inline(always)]
unsafe fn curvature<V: Lanes>(r: f64, m: V, t: V, p: V) -> V {
    // SAFETY: the caller's promise.
    unsafe { V::splat(r).mul(m.add(p).sub_twice(t)) }
}

/// `g+ (p - t) - g- (t - m)`.
///
/// # Safety
/// The CPU has the instruction set of `V`.
#[inline(always)]
unsafe fn net_flux<V: Lanes>([below, above]: [V; 2], m: V, t: V, p: V) -> V {
    // SAFETY: the caller's promise.
    unsafe { above.mul(p.sub(t)).sub(below.mul(t.sub(m))) }
}

fn dispatch(mode: Mode, formula: &impl Formula, new: &mut [f64]) {
    match (mode.stream, mode.three_d) {
        (false, false) => dispatch_path::<false, false>(mode.path, formula, new),
        (false, true) => dispatch_path::<false, true>(mode.path, formula, new),
        (true, false) => dispatch_path::<true, false>(mode.path, formula, new),
        (true, true) => dispatch_path::<true, true>(mode.path, formula, new),
    }
}

fn dispatch_path<const STREAM: bool, const THREE_D: bool>(path: CpuPath, formula: &impl Formula, new: &mut [f64]) {
    match path {
        // SAFETY: `CpuPath` values above `Portable` come from CPU detection.
        #[cfg(target_arch = "x86_64")]
        CpuPath::Avx512 => unsafe { row_avx512::<STREAM, THREE_D>(formula, new) },
        // SAFETY: as above.
        #[cfg(target_arch = "x86_64")]
        CpuPath::Avx2 => unsafe { row_avx2::<STREAM, THREE_D>(formula, new) },
        // SAFETY: plain f64 needs no instruction set beyond the target's.
        _ => unsafe { row::<f64, STREAM, THREE_D>(formula, new) },
    }
}

/// # Safety
/// The CPU has AVX-512F.
#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512f")]
unsafe fn row_avx512<const STREAM: bool, const THREE_D: bool>(formula: &impl Formula, new: &mut [f64]) {
    // SAFETY: the caller's promise.
    unsafe { row::<__m512d, STREAM, THREE_D>(formula, new) }
}

/// # Safety
/// The CPU has AVX2 and FMA.
#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2,fma")]
unsafe fn row_avx2<const STREAM: bool, const THREE_D: bool>(formula: &impl Formula, new: &mut [f64]) {
    // SAFETY: the caller's promise.
    unsafe { row::<__m256d, STREAM, THREE_D>(formula, new) }
}

/// Scalars up to the first aligned cell, vectors as far as they go, scalars to the end.
///
/// # Safety
/// The CPU has the instruction set of `V`.
#[inline(always)]
unsafe fn row<V: Lanes, const STREAM: bool, const THREE_D: bool>(formula: &impl Formula, new: &mut [f64]) {
    let (n, w) = (new.len(), V::WIDTH);
    // Only streaming stores need alignment.
    let head = if STREAM { new.as_ptr().align_offset(w * size_of::<f64>()).min(n) } else { 0 };
    // SAFETY: each call covers cells `i..i + width` with `i + width <= n`; streaming starts at an aligned cell.
    unsafe {
        for i in 0..head {
            block::<f64, false, THREE_D>(formula, new, i);
        }
        let mut i = head;
        if i == 0 && w <= n {
            block::<V, STREAM, THREE_D>(formula, new, 0);
            i = w;
        }
        let old = formula.old().center.as_ptr();
        let ahead = formula.newest::<THREE_D>().wrapping_add(LOOKAHEAD);
        while i + w < n {
            V::prefetch(ahead.wrapping_add(i));
            let t = V::load(old.add(i));
            let value = formula.update::<V, THREE_D>(i, t, V::load(old.add(i).sub(1)), V::load(old.add(i + 1)));
            put::<V, STREAM>(value, new.as_mut_ptr().add(i));
            i += w;
        }
        if i + w == n {
            block::<V, STREAM, THREE_D>(formula, new, i);
            i = n;
        }
        while i < n {
            block::<f64, false, THREE_D>(formula, new, i);
            i += 1;
        }
    }
}

/// A block of cells that may touch either end of the row.
///
/// # Safety
/// The CPU has the instruction set of `V`; `i + V::WIDTH <= new.len()`; the block is aligned if `STREAM`.
#[inline(always)]
unsafe fn block<V: Lanes, const STREAM: bool, const THREE_D: bool>(formula: &impl Formula, new: &mut [f64], i: usize) {
    let [before, behind] = formula.old().ends;
    // SAFETY: the caller's promise; neighbours outside the row come from `ends`.
    unsafe {
        V::prefetch(formula.newest::<THREE_D>().wrapping_add(i + LOOKAHEAD));
        let old = formula.old().center.as_ptr().add(i);
        let t = V::load(old);
        let xm = if i == 0 { t.shift_up(before) } else { V::load(old.sub(1)) };
        let xp = if i + V::WIDTH == new.len() { t.shift_down(behind) } else { V::load(old.add(1)) };
        put::<V, STREAM>(formula.update::<V, THREE_D>(i, t, xm, xp), new.as_mut_ptr().add(i));
    }
}

/// # Safety
/// As [`Lanes::store`] or, if `STREAM`, [`Lanes::stream`].
#[inline(always)]
unsafe fn put<V: Lanes, const STREAM: bool>(value: V, to: *mut f64) {
    // SAFETY: the caller's promise.
    unsafe { if STREAM { value.stream(to) } else { value.store(to) } }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Values whose sums round, so that a different order of operations would show.
    fn noise(n: usize, seed: u64) -> Vec<f64> {
        (0..n as u64).map(|i| ((i + 1) * (seed + 7) * 2654435761 % 1000003) as f64 / 977.0).collect()
    }

    fn constant_twin(r: [f64; 3], old: Row<'_>, three_d: bool, i: usize) -> f64 {
        let n = old.center.len();
        let t = old.center[i];
        let xm = if i == 0 { old.ends[0] } else { old.center[i - 1] };
        let xp = if i + 1 == n { old.ends[1] } else { old.center[i + 1] };
        let mut change = r[0] * (xm + xp - 2.0 * t) + r[1] * (old.y[0][i] + old.y[1][i] - 2.0 * t);
        if three_d {
            change += r[2] * (old.z[0][i] + old.z[1][i] - 2.0 * t);
        }
        t + change
    }

    fn variable_twin(dt: f64, g: Conductances<'_>, old: Row<'_>, three_d: bool, i: usize) -> f64 {
        let n = old.center.len();
        let t = old.center[i];
        let xm = if i == 0 { old.ends[0] } else { old.center[i - 1] };
        let xp = if i + 1 == n { old.ends[1] } else { old.center[i + 1] };
        let net = |gm: f64, gp: f64, m: f64, p: f64| gp * (p - t) - gm * (t - m);
        let mut inflow = net(g.x[i], g.x[i + 1], xm, xp) + net(g.y[0][i], g.y[1][i], old.y[0][i], old.y[1][i]);
        if three_d {
            inflow += net(g.z[0][i], g.z[1][i], old.z[0][i], old.z[1][i]);
        }
        t + dt * g.inverse_capacity[i] * inflow
    }

    /// Every path, length, alignment and kind of store against the sequential twin, to the bit.
    #[test]
    fn all_paths_equal_the_sequential_twin() {
        let rows: Vec<Vec<f64>> = (0..12).map(|seed| noise(80, seed)).collect();
        for path in CpuPath::available() {
            for (stream, three_d) in [(false, false), (false, true), (true, false), (true, true)] {
                let mode = Mode { path, stream, three_d };
                for n in (0..40).chain([63, 64, 65]) {
                    for shift in 0..8 {
                        compare(mode, &rows, n, shift);
                    }
                }
            }
        }
    }

    fn compare(mode: Mode, rows: &[Vec<f64>], n: usize, shift: usize) {
        let part = |row: usize| &rows[row][shift..shift + n];
        let old = Row { center: part(0), ends: [3.7, -1.3], y: [part(1), part(2)], z: [part(3), part(4)] };
        let g = Conductances {
            x: &rows[5][shift..=shift + n],
            y: [part(6), part(7)],
            z: [part(8), part(9)],
            inverse_capacity: part(10),
        };
        let (r, dt) = ([0.11, 0.07, 0.13], 1e-7);
        let mut storage = vec![0.0; n + 16];
        let base = storage.as_ptr().align_offset(64) + shift % 8;
        let new = &mut storage[base..base + n];
        constant_row(mode, r, old, new);
        for (i, value) in new.iter().enumerate() {
            assert_eq!(value.to_bits(), constant_twin(r, old, mode.three_d, i).to_bits(), "{mode:?} {n} {shift} {i}");
        }
        variable_row(mode, dt, g, old, new);
        for (i, value) in new.iter().enumerate() {
            assert_eq!(value.to_bits(), variable_twin(dt, g, old, mode.three_d, i).to_bits(), "{mode:?} {n} {shift}");
        }
    }
}
