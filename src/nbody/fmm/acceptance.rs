//! Which pairs of cells interact through their expansions, and to which order.
//!
//! The error of a pair (Dehnen 2014, section 3.2, with the first order that is left out instead of the last one that is taken):
//! with source powers P_k = M rho_S^k p_k, target radius rho_T and R^2 = r^2 + eps^2, the acceleration that order p leaves out is about
//! (p + 1) M / R^2 times the sum over k of binom(p, k) p_k a^k b^(p-k), where a = rho_S / R and b = rho_T / R, and what
//! follows it falls like (a + b)^n. That is compared with the field at the target. The smallest order that is good enough is taken; if none is,
//! the pair is opened. Everything in it belongs to the two cells of the global tree, so the decision is the same wherever it is made.

use super::cell::{Cell, away};
use super::expansion::{MAX_ORDER, SIDE};
use crate::nbody::problem::{Gravity, Softening};

/// Support of the spline kernel in units of its softening length (Springel 2001).
const SPLINE_SUPPORT: f64 = 2.8;
/// Expansions are taken only if the sum of the radii is at most this share of the distance.
const WIDEST_OPENING: f64 = 0.9;

/// How the error of a pair is limited.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Limit {
    /// Estimated error at most this share of the field at the target.
    Error(f64),
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
        Acceptance { limit, lowest, highest, softening_squared: softening * softening, worth: worth(), nearest }
    }

    /// Highest order that pairs may take.
    pub fn highest(&self) -> usize {
        self.highest
    }

    /// eps^2 of the expanded kernel.
    pub fn softening_squared(&self) -> f64 {
        self.softening_squared
    }

    /// The order at which the source acts on the target, or `None` if the pair must be opened.
    #[inline]
    pub fn order(&self, target: &Cell, source: &Cell) -> Option<usize> {
        let [x, y, z] = away(target.center, source.center);
        let distance_squared = x * x + y * y + z * z;
        let squared = distance_squared + self.softening_squared;
        let reach = target.radius + source.radius;
        let inverse = 1.0 / squared.sqrt();
        let opening = reach * inverse;
        let touches = self.nearest > 0.0 && distance_squared.sqrt() - reach < self.nearest;
        if touches || opening.is_nan() || opening > WIDEST_OPENING {
            return None;
        }
        let order = match self.limit {
            Limit::Opening(widest) => (opening <= widest).then_some(self.highest)?,
            Limit::Error(share) => {
                let allowed = share * target.field * squared * (1.0 - opening);
                self.smallest(allowed, source, source.radius * inverse, target.radius * inverse)?
            }
        };
        let pairs = u64::from(target.bodies) * u64::from(source.bodies);
        let is_dear = pairs <= self.worth[order] && target.is_leaf() && source.is_leaf();
        (!is_dear).then_some(order)
    }

    /// The smallest order with an error of at most `allowed` (error times R^2).
    #[inline]
    fn smallest(&self, allowed: f64, source: &Cell, a: f64, b: f64) -> Option<usize> {
        let allowed = allowed / source.mass;
        let mut weighted = [0.0; SIDE];
        let mut power = 1.0;
        for k in 0..=self.highest {
            weighted[k] = power * f64::from(source.powers[k]);
            power *= a;
        }
        // NaN (no mass, or no field and no error) compares as good enough.
        let is_good = |order: usize| !(binomial_sum(order, &weighted, b) > allowed);
        if !is_good(self.highest) {
            return None;
        }
        (self.lowest..self.highest).find(|&order| is_good(order)).or(Some(self.highest))
    }
}

/// (p + 1) times the sum over k of binom(p, k) w_k b^(p-k).
#[inline]
fn binomial_sum(order: usize, weighted: &[f64; SIDE], b: f64) -> f64 {
    let factors = &BINOMIALS[order];
    (0..=order).fold(0.0, |sum, k| sum * b + factors[k] * weighted[k])
}

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
