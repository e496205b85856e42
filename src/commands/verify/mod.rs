//! `parhelion verify`: the built-in ladder of verification. Every rung runs the same code as `run` does.
//!
//! | part | module |
//! |---|---|
//! | heat: exact solutions, balance, shapes | `heat` |
//! | bodies: forces against known forces | `forces` |
//! | bodies: orbits whose places are known, orders in time | `orbits` |
//! | bodies: clusters that are in balance or collapse | `clusters` |
//! | bodies: one digest for every shape | `shapes` |

mod clusters;
mod forces;
mod heat;
mod orbits;
mod rung;
mod shapes;
mod trial;

pub use rung::Rung;

use crate::cli::VerifyArgs;
use crate::console;
use crate::error::{Error, Result};
use serde_json::{Value, json};

/// A part of the ladder: its rungs, fewer or on coarser problems if it must be quick.
type Part = fn(bool) -> Result<Vec<Rung>>;

/// Names are those of the table; the first word is the physics of decks.
const LADDER: [(&str, Part); 5] = [
    ("heat", heat::rungs),
    ("nbody, forces", forces::rungs),
    ("nbody, orbits", orbits::rungs),
    ("nbody, clusters", clusters::rungs),
    ("nbody, shapes", shapes::rungs),
];

/// Climbs the ladder and prints it as a table, part by part as it goes, or as JSON.
///
/// # Errors
/// A defect if any rung fails.
pub fn verify(arguments: &VerifyArgs) -> Result<u8> {
    let (mut list, mut failed) = (Vec::new(), 0);
    show(arguments, rung::head);
    for (part, rungs) in LADDER {
        show(arguments, || part.to_owned());
        for rung in rungs(arguments.quick)? {
            show(arguments, || rung.line());
            failed += usize::from(!rung.pass());
            list.push(as_json(part, &rung));
        }
    }
    if arguments.json {
        console::print(&format!("{:#}", json!({ "rungs": list })));
    }
    match failed {
        0 => Ok(0),
        failed => Err(Error::Defect(format!("{failed} of {} rungs of the verification failed", list.len()))),
    }
}

fn show(arguments: &VerifyArgs, line: impl Fn() -> String) {
    if !arguments.json {
        console::print(&line());
    }
}

fn as_json(part: &str, rung: &Rung) -> Value {
    json!({
        "part": part,
        "name": rung.name,
        "value": rung.value,
        "expected": rung.expected,
        "tolerance": rung.tolerance,
        "pass": rung.pass(),
    })
}
