//! Which way to sum forces, where the deck leaves it open.
//!
//! The choice decides on bits, so it depends on the deck alone: on numbers measured once, never on this machine.

use super::problem::{Integrator, Method, NBodyProblem, Softening};

/// Bodies from which the tree is faster than the direct sum at an accuracy of 1e-3, both measured on the same two cores.
const CROSSOVER: f64 = 12_000.0;
/// By how much the crossover grows for every further digit of accuracy, measured likewise.
const PER_DIGIT: f64 = 1.6;

/// The method for so many bodies, and the reason in words.
pub fn choose(problem: &NBodyProblem, count: u64) -> (Method, String) {
    let accuracy = problem.gravity.accuracy;
    match (problem.integrator, problem.gravity.softening) {
        (Integrator::Hermite4 | Integrator::GaussRadau15, _) => {
            (Method::Direct, "this integrator needs the direct sum".to_owned())
        }
        (_, Softening::None) => (Method::Direct, "a tree needs softened forces".to_owned()),
        _ => {
            let crossover = crossover(accuracy);
            let faster = count as f64 >= crossover;
            let (method, than) = if faster { (Method::Fmm, "at least") } else { (Method::Direct, "less than") };
            let bodies = if count == 1 { "body is" } else { "bodies are" };
            (
                method,
                format!(
                    "{count} {bodies} {than} the {crossover:.0} from which a tree is faster at accuracy {accuracy:e}"
                ),
            )
        }
    }
}

/// Bodies from which the tree is faster at an accuracy.
fn crossover(accuracy: f64) -> f64 {
    let digits = (1e-3 / accuracy).log10();
    // Rounded, so that the last bits of a logarithm cannot decide.
    (CROSSOVER * PER_DIGIT.powf(digits) / 100.0).round() * 100.0
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::nbody::problem::Gravity;

    fn problem(accuracy: f64, softening: Softening, integrator: Integrator) -> NBodyProblem {
        let gravity = Gravity { accuracy, softening, ..Gravity::default() };
        NBodyProblem { gravity, auto_method: true, integrator, ..NBodyProblem::default() }
    }

    #[test]
    fn few_bodies_are_summed_directly_and_many_by_the_tree() {
        let soft = Softening::Plummer(0.01);
        let choice = |accuracy, count| choose(&problem(accuracy, soft, Integrator::Leapfrog), count).0;
        assert_eq!(choice(1e-3, 1_000), Method::Direct);
        assert_eq!(choice(1e-3, 1_000_000), Method::Fmm);
        assert_eq!(choice(1e-7, 1_000_000), Method::Fmm);
        assert_eq!((choice(1e-2, 12_000), choice(1e-5, 12_000)), (Method::Fmm, Method::Direct));
    }

    #[test]
    fn what_a_tree_cannot_do_is_summed_directly() {
        let unsoftened = problem(1e-3, Softening::None, Integrator::Leapfrog);
        assert_eq!(choose(&unsoftened, 1_000_000).0, Method::Direct);
        let hermite = problem(1e-3, Softening::Plummer(0.1), Integrator::Hermite4);
        assert_eq!(choose(&hermite, 1_000_000).0, Method::Direct);
    }
}
