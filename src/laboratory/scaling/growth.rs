//! Problems that grow with the workers: `--set` arguments that make a deck `factor` times as much work.
//!
//! * Heat: cells and edges of the grid grow together along one axis after the other, so the spacing, the stable time step and the number
//!   of steps stay as they are, and what stands in the deck stays where it is. The shortest axis grows first.
//! * Bodies: the count of every group grows, with the square root of the factor for the direct sum (all pairs) and as N log N for
//!   multipoles. The method of the base is kept, also where `auto` would choose another one for more bodies.
//!
//! Counts are whole, so the work grows a little more or less than asked for; efficiencies use the work that was done.
//!
//! Refused: a finer grid in the same box. The stable step would shrink with the square of the spacing, and physics would change.

use crate::error::{Error, Result};
use crate::heat::problem::{HeatProblem, Initial};
use crate::nbody::problem::Method;
use toml_edit::{DocumentMut, Item, Table};

/// Arguments that make a heat problem `factor` times as large.
///
/// # Errors
/// Exit code 2 if its size is that of a file.
pub fn of_heat(problem: &HeatProblem, factor: f64, steps: Option<u64>) -> Result<Vec<String>> {
    if let Initial::File(path) = &problem.initial {
        return Err(Error::Input(format!(
            "weak scaling: the grid cannot grow, for its initial state is the file {}; use --mode strong",
            path.display()
        )));
    }
    let grid = &problem.grid;
    let mut cells = grid.cells[..grid.dimensions].to_vec();
    for part in factors(factor) {
        let shortest = (0..cells.len()).min_by_key(|&axis| cells[axis]).unwrap_or(0);
        cells[shortest] = ((cells[shortest] as f64 * part).round() as usize).max(1);
    }
    let size: Vec<String> = cells.iter().zip(grid.spacing).map(|(&n, h)| format!("{:e}", n as f64 * h)).collect();
    let steps = steps.map(|steps| format!("time.steps={steps}"));
    let grid = [format!("grid.cells={cells:?}"), format!("grid.size=[{}]", size.join(", "))];
    Ok(grid.into_iter().chain(steps).collect())
}

/// The prime factors of a whole number, largest first; any other number as it is.
fn factors(factor: f64) -> Vec<f64> {
    if factor.fract() != 0.0 {
        return vec![factor];
    }
    let (mut rest, mut found) = (factor as u64, Vec::new());
    let mut prime = 2;
    while rest > 1 {
        if rest.is_multiple_of(prime) {
            found.push(prime as f64);
            rest /= prime;
        } else {
            prime += 1;
        }
    }
    found.reverse();
    found
}

/// Arguments that make the bodies of a resolved deck, `count` in all, `factor` times as much work, and the method that stays.
///
/// # Errors
/// Exit code 2 if no group of bodies has a count.
pub fn of_bodies(deck: &DocumentMut, method: Method, count: u64, factor: f64) -> Result<Vec<String>> {
    let growth = growth_of_bodies(method, count as f64, factor);
    let mut arguments = Vec::new();
    match deck.get("bodies") {
        Some(Item::Table(group)) => grow(group, "bodies", growth, &mut arguments),
        Some(Item::ArrayOfTables(groups)) => {
            groups
                .iter()
                .enumerate()
                .for_each(|(n, group)| grow(group, &format!("bodies.{n}"), growth, &mut arguments));
        }
        _ => {}
    }
    if arguments.is_empty() {
        return Err(Error::Input(
            "weak scaling: the bodies of this deck are listed or read from a file, so their number cannot grow; use --mode \
             strong, or a deck with bodies.count"
                .to_owned(),
        ));
    }
    arguments.push(format!("gravity.method=\"{}\"", method.name()));
    Ok(arguments)
}

/// How many times as many bodies make `factor` times as much work.
fn growth_of_bodies(method: Method, count: f64, factor: f64) -> f64 {
    if method == Method::Direct {
        return factor.sqrt();
    }
    let work = |growth: f64| growth * (count * growth).max(2.0).ln() / count.max(2.0).ln();
    // Work grows faster than the count and slower than its square: bisection between these.
    let (mut low, mut high) = (factor.sqrt().min(factor), factor.max(factor.sqrt()));
    for _ in 0..60 {
        let middle = 0.5 * (low + high);
        if work(middle) < factor { low = middle } else { high = middle }
    }
    0.5 * (low + high)
}

fn grow(table: &Table, path: &str, growth: f64, arguments: &mut Vec<String>) {
    if let Some(count) = table.get("count").and_then(Item::as_integer) {
        arguments.push(format!("{path}.count={}", ((count as f64 * growth).round() as i64).max(1)));
    }
    for part in ["halo", "bulge"] {
        if let Some(inner) = table.get(part).and_then(Item::as_table) {
            grow(inner, &format!("{path}.{part}"), growth, arguments);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::grid::UniformGrid;
    use crate::heat::materials;
    use crate::heat::problem::FaceCondition;
    use crate::signal::Signal;

    fn problem() -> HeatProblem {
        let fixed = || FaceCondition::Fixed(Signal::Constant(20.0));
        HeatProblem {
            grid: UniformGrid::new(&[30, 20], &[0.3, 0.1]),
            background: materials::find("copper").unwrap(),
            regions: Vec::new(),
            faces: std::array::from_fn(|_| [fixed(), fixed()]),
            sources: Vec::new(),
            initial: Initial::Regions { background: 20.0, patches: Vec::new() },
        }
    }

    #[test]
    fn grids_grow_along_their_shortest_axis_and_keep_their_spacing() {
        let found = of_heat(&problem(), 6.0, None).unwrap();
        assert_eq!(found, ["grid.cells=[60, 60]", "grid.size=[6e-1, 3e-1]"]);
        assert_eq!(of_heat(&problem(), 1.0, None).unwrap()[0], "grid.cells=[30, 20]");
        assert_eq!(of_heat(&problem(), 1.5, Some(7)).unwrap()[0], "grid.cells=[30, 30]");
        assert_eq!(of_heat(&problem(), 1.5, Some(7)).unwrap()[2], "time.steps=7");
    }

    #[test]
    fn a_grid_of_a_file_cannot_grow() {
        let filed = HeatProblem { initial: Initial::File("t.npy".into()), ..problem() };
        let error = of_heat(&filed, 2.0, None).unwrap_err();
        assert!(error.exit_code() == 2 && error.to_string().contains("--mode strong"), "{error}");
    }

    #[test]
    fn bodies_grow_with_the_work_of_their_method() {
        let deck: DocumentMut = "[bodies]\ncount = 1000\n".parse().unwrap();
        let direct = of_bodies(&deck, Method::Direct, 1000, 4.0).unwrap();
        assert_eq!(direct, ["bodies.count=2000", "gravity.method=\"direct\""]);
        let fmm = of_bodies(&deck, Method::Fmm, 1000, 4.0).unwrap();
        let count: f64 = fmm[0].strip_prefix("bodies.count=").unwrap().parse().unwrap();
        let work = count * count.ln() / (1000.0 * 1000f64.ln());
        assert!((work - 4.0).abs() < 0.01 && (3000.0..4000.0).contains(&count), "{count} {work}");
        assert_eq!(of_bodies(&deck, Method::Fmm, 1000, 1.0).unwrap()[0], "bodies.count=1000");
    }

    #[test]
    fn all_groups_grow() {
        let deck = "[[bodies]]\ncount = 10\n[bodies.halo]\ncount = 20\n[[bodies]]\ncount = 30\n";
        let found = of_bodies(&deck.parse().unwrap(), Method::Direct, 60, 4.0).unwrap();
        assert_eq!(found[..3], ["bodies.0.count=20", "bodies.0.halo.count=40", "bodies.1.count=60"]);
        let error = of_bodies(&"[bodies]\nfile = \"a.csv\"\n".parse().unwrap(), Method::Direct, 3, 2.0).unwrap_err();
        assert!(error.exit_code() == 2 && error.to_string().contains("bodies.count"), "{error}");
    }
}
