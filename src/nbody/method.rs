//! Which way to sum forces, where the deck leaves it open.
//!
//! The choice decides on bits, so it depends on the deck alone: on numbers measured once, never on this machine.

use super::problem::{Integrator, Method, NBodyProblem, Softening};

/// An accuracy, and the bodies from which the tree is faster than the direct sum there: steps of a Plummer sphere, both measured on the same
/// two cores with arithmetic units of 512 bits (with units of 256 bits the tree is faster from an eighth to a third fewer bodies on, down to 1e-6).
/// Powers lie between.
const CROSSOVERS: [(f64, f64); 5] =
    [(1e-2, 4600.0), (1e-3, 6000.0), (1e-5, 9500.0), (1e-6, 11_500.0), (1e-7, 38_000.0)];

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
    let tighter = CROSSOVERS.iter().position(|row| row.0 <= accuracy).unwrap_or(CROSSOVERS.len() - 1).max(1);
    let [above, below] = [CROSSOVERS[tighter - 1], CROSSOVERS[tighter]];
    let way = ((above.0 / accuracy).ln() / (above.0 / below.0).ln()).clamp(0.0, 1.0);
    // Rounded, so that the last bits of a logarithm cannot decide.
    (above.1 * (below.1 / above.1).powf(way) / 100.0).round() * 100.0
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
        assert_eq!((choice(1e-2, 5_000), choice(1e-5, 5_000)), (Method::Fmm, Method::Direct));
        let measured = [0.1, 1e-2, 1e-3, 1e-6, 1e-7, 1e-9].map(crossover);
        assert_eq!(measured, [4600.0, 4600.0, 6000.0, 11_500.0, 38_000.0, 38_000.0]);
        assert!((6000.0..9500.0).contains(&crossover(1e-4)));
    }

    #[test]
    fn what_a_tree_cannot_do_is_summed_directly() {
        let unsoftened = problem(1e-3, Softening::None, Integrator::Leapfrog);
        assert_eq!(choose(&unsoftened, 1_000_000).0, Method::Direct);
        let hermite = problem(1e-3, Softening::Plummer(0.1), Integrator::Hermite4);
        assert_eq!(choose(&hermite, 1_000_000).0, Method::Direct);
    }
}
