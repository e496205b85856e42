//! What is to be simulated: the validated physics of an N-body deck. Plain data; nothing here computes.
//!
//! All numbers are in the unit system of the deck, whose gravitational constant stands in [`Gravity::constant`].

pub use super::groups::{Body, BodyGroup};
pub use super::units::UnitSystem;

/// Bodies, their law of force and the scheme that moves them. By default there are no bodies, no units, and a leapfrog without substeps.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct NBodyProblem {
    /// Units of all numbers.
    pub units: UnitSystem,
    /// The law of force, and how it is summed.
    pub gravity: Gravity,
    /// The method is chosen when the number of bodies is known; `gravity.method` does not count then.
    pub auto_method: bool,
    /// Scheme that advances time.
    pub integrator: Integrator,
    /// Whether steps are cut further.
    pub substeps: Substeps,
    /// Where the bodies come from; ids count through all groups.
    pub groups: Vec<BodyGroup>,
}

/// How bodies attract each other.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Gravity {
    /// Gravitational constant in the units of the deck.
    pub constant: f64,
    /// How forces are summed.
    pub method: Method,
    /// 99th percentile of the relative force error that the multipole method may have.
    pub accuracy: f64,
    /// Force at short distances.
    pub softening: Softening,
    /// Arithmetic of pair forces.
    pub precision: Precision,
    /// Only exactly rounded operations, so that every CPU path gives the same bits.
    pub portable_bits: bool,
}

/// Newton's law with G = 1, summed over all pairs in 64 bits.
impl Default for Gravity {
    fn default() -> Gravity {
        Gravity {
            constant: 1.0,
            method: Method::Direct,
            accuracy: 1e-3,
            softening: Softening::None,
            precision: Precision::Double,
            portable_bits: false,
        }
    }
}

/// How forces are summed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Method {
    /// All pairs.
    Direct,
    /// Fast multipole method on an adaptive octree.
    Fmm,
}

impl Method {
    /// As decks and reports call it.
    pub fn name(self) -> &'static str {
        match self {
            Method::Direct => "direct",
            Method::Fmm => "fmm",
        }
    }
}

/// Arithmetic of pair forces.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Precision {
    /// 64 bits.
    Double,
    /// 32 bits for distances and forces of pairs, 64 bits for positions and sums.
    Single,
}

/// Force at short distances.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Softening {
    /// Newton's law at all distances.
    None,
    /// Plummer: the potential of a pair is -m / sqrt(r^2 + eps^2), with this eps.
    Plummer(f64),
    /// Cubic spline (M4) of support h = 2.8 eps, with this eps: -m / eps at r = 0, Newton's law for r >= h (Springel 2001).
    Spline(f64),
}

impl Softening {
    /// The length eps; 0 without softening.
    pub fn length(self) -> f64 {
        match self {
            Softening::None => 0.0,
            Softening::Plummer(eps) | Softening::Spline(eps) => eps,
        }
    }
}

/// Scheme that advances time.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Integrator {
    /// Kick-drift-kick, second order, symplectic.
    #[default]
    Leapfrog,
    /// Yoshida's composition of three leapfrogs, fourth order, symplectic.
    Yoshida4,
    /// Hermite predictor and corrector, fourth order.
    Hermite4,
    /// Adaptive Gauss-Radau scheme of order 15, for few bodies.
    GaussRadau15,
}

impl Integrator {
    /// As decks and reports call it.
    pub fn name(self) -> &'static str {
        match self {
            Integrator::Leapfrog => "leapfrog",
            Integrator::Yoshida4 => "yoshida4",
            Integrator::Hermite4 => "hermite4",
            Integrator::GaussRadau15 => "gauss_radau15",
        }
    }
}

/// Whether a step of the run is cut further.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub enum Substeps {
    /// Every body takes the step of the run.
    #[default]
    None,
    /// All bodies take the step of the run divided by the power of two that the shortest criterion asks for.
    Global {
        /// Factor of the criterion eta sqrt(eps / |a|) (Aarseth's criterion for the Hermite scheme).
        eta: f64,
    },
    /// Every body takes the step of the run divided by a power of two of its own.
    Block {
        /// As for [`Substeps::Global`].
        eta: f64,
    },
}
