//! Which pairs of cells interact through their expansions, and to which order.
//!
//! The error of a pair (Dehnen 2014, section 3.2, with the first order that is left out instead of the last one that is taken):
//! with source powers P_k = M rho_S^k p_k, target radius rho_T and R^2 = r^2 + eps^2, the acceleration that order p leaves out is about
//! E_p = (p + 1) M / R^2 times the sum over k of binom(p, k) p_k a^k b^(p-k), where a = rho_S / R and b = rho_T / R. The next one is
//! added, because every second power of a symmetric source is 0 (behind the highest order (a + b)^2 times the one before stands for
//! it), and what follows falls like (a + b)^n. That is compared with the field at the target. The smallest order that is good enough is taken; if none is,
//! the pair is opened. Eight sources are judged at once. Everything in it belongs to the two cells of the global tree, so the decision is the same wherever it is made.

use super::cell::Cell;
use super::expansion::{MAX_ORDER, SIDE};
use super::lanes::{Instructions, Lanes, Line, WIDTH, dispatched};
use super::store::{BODIES, CENTER, IS_LEAF, MASS, RADIUS, Shape};
use crate::nbody::problem::{Gravity, Softening};

/// Support of the spline kernel in units of its softening length (Springel 2001).
const SPLINE_SUPPORT: f64 = 2.8;
/// Expansions are taken only if the sum of the radii is at most this share of the distance.
const WIDEST_OPENING: f64 = 0.9;

/// Square of the distance in units of the sum of the radii from which on cells have no body in common. A softened expansion would
/// converge nearer than that, even of a cell about itself, but then with the potential of each body at itself.
const APART: f64 = 1.01;

/// How the error of a pair is limited.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Limit {
    /// Estimated error of a pair at most a share of the field at the target.
    Error {
        /// The share.
        share: f64,
        /// Estimated error of the expansion about the target alone at most this share of what the source itself gives: where sources all
        /// lie in one direction these errors have one sign, however small each is, and dividing the sources would not help.
        target: f64,
    },
    /// Sum of the radii at most this share of the distance; always the highest order.
    Opening(f64),
}

/// The rule.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Acceptance {
    limit: Limit,
    lowest: usize,
    highest: usize,
    softening_squared: f64,
    /// Pairs of bodies that cost as much as a pair of cells, by order.
    worth: [u64; SIDE],
    /// Nearest distance of two bodies at which the expanded kernel is the true one.
    nearest: f64,
    /// Fields are accelerations, errors are judged without the gravitational constant.
    inverse_constant: f64,
}

impl Acceptance {
    /// For expansions of order `lowest` to `highest`.
    pub fn new(gravity: &Gravity, limit: Limit, lowest: usize, highest: usize) -> Acceptance {
        let (softening, nearest) = match gravity.softening {
            Softening::None => (0.0, 0.0),
            Softening::Plummer(eps) => (eps, 0.0),
            Softening::Spline(eps) => (0.0, SPLINE_SUPPORT * eps),
        };
        let highest = highest.min(MAX_ORDER);
        Acceptance {
            limit,
            lowest,
            highest,
            softening_squared: softening * softening,
            worth: worth(),
            nearest,
            inverse_constant: 1.0 / gravity.constant,
        }
    }

    /// Highest order that pairs may take.
    pub fn highest(&self) -> usize {
        self.highest
    }

    /// eps^2 of the expanded kernel.
    pub fn softening_squared(&self) -> f64 {
        self.softening_squared
    }

    /// Judges up to eight sources. Missing lanes repeat the first.
    #[inline]
    pub fn judge(
        &self,
        instructions: Instructions,
        target: &Cell,
        shapes: &[Shape],
        sources: &[u32],
        batch: &mut Batch,
    ) {
        let rows: [&Shape; WIDTH] =
            std::array::from_fn(|lane| &shapes[*sources.get(lane).unwrap_or(&sources[0]) as usize]);
        judge_lanes(instructions, self, target, rows.map(|row| &row.geometry), rows.map(|row| &row.powers), batch);
    }

    /// The order that was found for a lane, or `None` if the pair must be opened.
    #[inline]
    pub fn order(&self, target: &Cell, batch: &Batch, lane: usize) -> Option<usize> {
        let order = batch.order.0[lane];
        if order < 0.0 {
            return None;
        }
        let order = order as usize;
        let pairs = u64::from(target.bodies) * batch.geometry[BODIES].0[lane] as u64;
        let is_dear = pairs <= self.worth[order] && target.is_leaf() && batch.is_leaf(lane);
        (!is_dear).then_some(order)
    }
}

/// Eight sources, one per lane.
#[derive(Clone, Copy, Debug, Default)]
pub struct Batch {
    geometry: [Line; WIDTH],
    order: Line,
}

impl Batch {
    /// Whether the source has no children.
    #[inline]
    pub fn is_leaf(&self, lane: usize) -> bool {
        self.geometry[IS_LEAF].0[lane] != 0.0
    }

    /// Bodies of the source.
    #[inline]
    pub fn bodies(&self, lane: usize) -> u64 {
        self.geometry[BODIES].0[lane] as u64
    }

    /// Radius of the source.
    #[inline]
    pub fn radius(&self, lane: usize) -> f64 {
        self.geometry[RADIUS].0[lane]
    }
}

dispatched! {
    /// [`Acceptance::judge`].
    judge_lanes = judge(acceptance: &Acceptance, target: &Cell, geometry: [&Line; WIDTH], powers: [&Line; WIDTH], batch: &mut Batch)
}

#[inline(always)]
fn judge<V: Lanes>(
    acceptance: &Acceptance,
    target: &Cell,
    geometry: [&Line; WIDTH],
    powers: [&Line; WIDTH],
    batch: &mut Batch,
) {
    batch.geometry = V::transpose(geometry);
    let powers = V::transpose(powers);
    let geometry = &batch.geometry;
    let order = &mut batch.order;
    for part in 0..V::PARTS {
        let get = |n: usize| V::load(&geometry[n], part);
        let mut distance_squared = V::splat(0.0);
        for axis in 0..3 {
            let away = get(CENTER + axis).add(V::splat(-target.center[axis]));
            distance_squared = away.multiply_add(away, distance_squared);
        }
        let squared = distance_squared.add(V::splat(acceptance.softening_squared));
        let inverse = squared.inverse_root();
        let reach = get(RADIUS).add(V::splat(target.radius));
        let opening = reach.mul(inverse);
        let none = V::splat(-1.0);
        let found = match acceptance.limit {
            Limit::Opening(widest) => opening.select_up_to(V::splat(widest), V::splat(acceptance.highest as f64), none),
            Limit::Error { share, target: of_target } => {
                let clear = V::splat(1.0).add(opening.mul(V::splat(-1.0)));
                let allowed = squared.mul(V::splat(share * (acceptance.inverse_constant * target.field))).mul(clear);
                let [a, b] = [get(RADIUS).mul(inverse), V::splat(target.radius).mul(inverse)];
                // The force of a softened source is M r / R^3, and near its middle such forces cancel while these errors add up: measured, r^2 / R^2
                // keeps dense clusters that are smaller than the softening at the accuracy, r / R does not.
                let given = distance_squared.mul(inverse).mul(inverse);
                let bounds = Bounds { pair: allowed, target: V::splat(of_target).mul(given) };
                smallest(acceptance, bounds, get(MASS), &powers, a, b, part)
            }
        };
        let found = opening.select_up_to(V::splat(WIDEST_OPENING), found, none);
        let touching = reach.mul(reach).mul(V::splat(APART));
        let found = distance_squared.select_up_to(touching, none, found);
        // Without softening R is the distance.
        let gap = squared.mul(inverse).add(reach.mul(none)).add(V::splat(-acceptance.nearest));
        let touching = gap.select_up_to(V::splat(0.0), none, found);
        (if acceptance.nearest > 0.0 { touching } else { found }).store(order, part);
    }
}

/// What errors may be at most.
#[derive(Clone, Copy)]
struct Bounds<V> {
    /// Of a pair, times R^2.
    pair: V,
    /// Of the expansion about the target alone, in units of what the source gives.
    target: V,
}

/// The smallest order with an error of at most `allowed` (error times R^2), or -1.
#[inline(always)]
fn smallest<V: Lanes>(
    acceptance: &Acceptance,
    bounds: Bounds<V>,
    mass: V,
    powers: &[Line; WIDTH],
    a: V,
    b: V,
    part: usize,
) -> V {
    let mut weighted = [mass; SIDE];
    let mut power = mass;
    for k in 1..=acceptance.highest {
        power = power.mul(a);
        // Normalised powers fall with the degree, so that the last one that is kept bounds those behind it.
        weighted[k] = power.mul(V::load(&powers[(k - 1).min(WIDTH - 1)], part));
    }
    let mut of_target = [V::splat(1.0); SIDE];
    for order in 1..=acceptance.highest {
        of_target[order] = of_target[order - 1].mul(b);
    }
    for (order, error) in of_target.iter_mut().enumerate() {
        *error = error.mul(V::splat((order + 1) as f64));
    }
    let highest = acceptance.highest;
    let mut errors = [V::splat(0.0); SIDE];
    for order in acceptance.lowest.min(highest.saturating_sub(1))..=highest {
        for k in 0..=order {
            errors[order] = errors[order].multiply_add(b, weighted[k].mul(V::splat(BINOMIALS[order][k])));
        }
    }
    let opening = a.add(b);
    let mut next = errors[highest.saturating_sub(1)].mul(opening).mul(opening);
    let mut found = V::splat(-1.0);
    for order in (acceptance.lowest..=highest).rev() {
        let good = errors[order].add(next).select_up_to(bounds.pair, V::splat(order as f64), found);
        found = of_target[order].select_up_to(bounds.target, good, found);
        next = errors[order];
    }
    found
}

/// (p + 1) binom(p, k).
const BINOMIALS: [[f64; SIDE]; SIDE] = binomials();

const fn binomials() -> [[f64; SIDE]; SIDE] {
    let mut all = [[0.0; SIDE]; SIDE];
    let mut p = 0;
    while p < SIDE {
        let mut value = (p + 1) as f64;
        let mut k = 0;
        while k <= p {
            all[p][k] = value;
            value = value * (p - k) as f64 / (k + 1) as f64;
            k += 1;
        }
        p += 1;
    }
    all
}

/// Measured: a pair of bodies costs about as much as two products of coefficients.
fn worth() -> [u64; SIDE] {
    std::array::from_fn(|order| {
        let products: u64 = (1..=6).fold(1, |value, n| value * (order as u64 + n) / n);
        products / 2
    })
}
