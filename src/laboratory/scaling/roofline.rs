//! The roofline of Williams, Waterman and Patterson (2009): what a shape computes a second, against what memory and arithmetic allow.
//!
//! Both sides count useful work, so that machines and shapes can be compared: operations that the law needs, whatever instructions they
//! become, and the least bytes that must move if caches keep everything they can.
//! ```text
//! heat    an update: operations of heat::stencil; bytes: read once, written once, and the coefficients if there are several materials
//! bodies  a pair: 20 operations; bytes: each body read (place, mass) and written (acceleration, potential) once in an evaluation: 64
//! ```
//! Of multipoles only pairs of bodies are counted: cells, moments and the tree are work on top, so those points are lower bounds. A fused
//! multiply-add counts as two, here and in the peak that `parhelion machine` measures.
//!
//! Refused: operations of pairs of cells. Each pair takes the lowest order that its error allows, and counting them would cost time in the
//! hottest loop of all.

use super::analysis::{Analysis, Row};
use super::axes::{Axes, Scale};
use super::drawing::{Anchor, Drawing, Tint};
use super::plan::{Mode, Plan, Shape};
use crate::heat::problem::HeatProblem;
use crate::laboratory::machine::Machine;
use crate::laboratory::predict::bandwidth_of;
use serde_json::Value;

/// Operations of a cell update with one material, in two and three dimensions. `heat::stencil`, `Constant`: along each axis a sum, a
/// fused `- 2 t` and a product (4); sums of axes (1 or 2), and one with the old value.
const UNIFORM_FLOPS: [f64; 2] = [10.0, 15.0];
/// The same with several materials. `Variable`: along each axis two differences, two products and their difference (5); sums of axes; two
/// products and a sum for the new value (3).
const MIXED_FLOPS: [f64; 2] = [14.0, 20.0];
/// Bytes of a cell update with one material: the old value read, the new one written past the caches.
const UNIFORM_BYTES: f64 = 16.0;
/// The same with several: also a conductance for each axis and a capacity are read, and their neighbours' are in a cache.
const MIXED_BYTES: [f64; 2] = [40.0, 48.0];
/// Operations of a pair of bodies. `nbody::pair_force`: 3 differences, 3 fused sums of squares (6), an inverse root (counted as 1, as is
/// customary, whatever it takes), 3 products, 1 difference for the potential, 3 fused sums for the acceleration (6). Nyland, Harris and
/// Prins (2007, GPU Gems 3, chapter 31) count 20 too.
const PAIR_FLOPS: f64 = 20.0;
/// Bytes of a body in an evaluation of forces: three coordinates and a mass are read, three accelerations and a potential written.
const BODY_BYTES: f64 = 64.0;
/// How much faster arithmetic in 32 bits is: registers hold twice as many.
const SINGLE: f64 = 2.0;
/// Most roofs and points that are drawn.
const MOST: usize = 6;
/// Points closer than this, as natural logarithm, lie on each other.
const DISTINCT: f64 = 0.3;

/// Bytes and operations of a cell update.
pub fn per_update(problem: &HeatProblem) -> [f64; 2] {
    let solid = usize::from(problem.grid.dimensions == 3);
    match problem.regions.iter().all(|(_, material)| *material == problem.background) {
        true => [UNIFORM_BYTES, UNIFORM_FLOPS[solid]],
        false => [MIXED_BYTES[solid], MIXED_FLOPS[solid]],
    }
}

/// What a run does a second.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Load {
    /// Operations.
    pub flops_per_s: f64,
    /// Bytes that must move at least.
    pub bytes_per_s: f64,
}

impl Load {
    /// Operations for each byte.
    pub fn intensity(&self) -> f64 {
        self.flops_per_s / self.bytes_per_s
    }
}

/// What a machine allows a shape.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Roof {
    /// Bytes a second of a copy.
    pub bytes_per_s: f64,
    /// Peak operations a second of the vector instructions in use; infinite if they were not measured.
    pub flops_per_s: f64,
}

impl Roof {
    /// Operations a second that it allows.
    pub fn at(&self, intensity: f64) -> f64 {
        (intensity * self.bytes_per_s).min(self.flops_per_s)
    }
}

/// What the run of a report did; none without a loop.
pub fn load(plan: &Plan, report: &Value) -> Option<Load> {
    let number = |key: &str| report[key].as_f64();
    let load = match plan.per_update {
        Some([bytes, flops]) => {
            let updates_per_s = number("updates_per_s")?;
            Load { flops_per_s: flops * updates_per_s, bytes_per_s: bytes * updates_per_s }
        }
        None => {
            let loop_s = number("loop_s")?;
            let evaluations = number("force_evaluations")?;
            Load {
                flops_per_s: PAIR_FLOPS * number("pairs")? / loop_s,
                bytes_per_s: BODY_BYTES * number("bodies")? * evaluations / loop_s,
            }
        }
    };
    (load.flops_per_s > 0.0 && load.intensity().is_finite()).then_some(load)
}

/// Gives every timed row its roof: a copy by the run itself if it made one, else by the machine.
pub fn raise(analysis: &mut Analysis, machine: Option<&Machine>) {
    for row in &mut analysis.rows {
        let shape = row.shape;
        let Some(timing) = &mut row.timing else { continue };
        let of_machine = || machine.map(|machine| bandwidth_of(machine, shape.workers()));
        timing.copy_bytes_per_s = timing.report["copy_bytes_per_s"].as_f64().or_else(of_machine);
        let path = timing.report["build"]["cpu_path"].as_str().unwrap_or_default();
        let flops_per_s = machine.and_then(|machine| peak(machine, path, shape)).unwrap_or(f64::INFINITY);
        timing.roof = timing.copy_bytes_per_s.map(|bytes_per_s| Roof { bytes_per_s, flops_per_s });
    }
}

/// Peak operations a second of a path on a shape: as many times that of one thread as there are cores for.
fn peak(machine: &Machine, path: &str, shape: Shape) -> Option<f64> {
    let single = || machine.flops.iter().filter(|f| f.threads == 1);
    // A path of another name is what the portable one is compiled to.
    let own = single().find(|f| f.path == path).or_else(|| single().next())?;
    Some(own.f64_per_s * shape.workers().min(machine.cores.max(1)) as f64)
}

/// A point with its roof.
struct Place<'a> {
    row: &'a Row,
    load: Load,
    roof: Roof,
}

fn places(analysis: &Analysis) -> Vec<Place<'_>> {
    let mode = if analysis.timed(Mode::Strong).next().is_some() { Mode::Strong } else { Mode::Weak };
    let mut found: Vec<Place<'_>> = Vec::new();
    for (row, timing) in analysis.timed(mode) {
        let (Some(load), Some(roof)) = (timing.load, timing.roof) else { continue };
        let apart = |other: &Place<'_>| (load.flops_per_s / other.load.flops_per_s).ln().abs() > DISTINCT;
        if found.len() < MOST && found.iter().all(apart) {
            found.push(Place { row, load, roof });
        }
    }
    found
}

/// Operations a second over operations for each byte: roofs of memory and of arithmetic, and points of shapes whose rates differ.
pub fn draw(plan: &Plan, analysis: &Analysis, machine: Option<&Machine>) -> Option<Drawing> {
    let places = places(analysis);
    let largest = analysis.rows.iter().map(|row| row.shape).max_by_key(|shape| shape.workers())?;
    let peaks = machine.map_or(Vec::new(), |machine| peaks(machine, largest, plan.physics == "nbody"));
    let ridge = |place: &Place<'_>| place.roof.flops_per_s / place.roof.bytes_per_s;
    let across = places.iter().flat_map(|place| [place.load.intensity(), ridge(place)]).filter(|x| x.is_finite());
    let up = places.iter().flat_map(|place| [place.load.flops_per_s, place.roof.at(place.load.intensity())]);
    let (low, high) = ends(up.chain(peaks.iter().map(|(_, rate)| *rate)))?;
    let (left, right) = ends(across)?;
    let mut axes = Axes::new(
        "Roofline: memory bandwidth and peak arithmetic",
        Scale::Log(left / 8.0, right * 8.0),
        Scale::Log(0.3 * low / 1e9, 8.0 * high / 1e9),
        0.0,
    );
    axes.x_grid(None);
    axes.y_grid("");
    // Names of peaks stand where no points are.
    let most = ends(places.iter().map(|place| place.load.intensity()))?.1;
    let end =
        axes.left() + if axes.at(most, 1.0)[0] > 0.6 * axes.edge() { 0.6 } else { 1.0 } * (axes.edge() - axes.left());
    peaks.iter().for_each(|(name, rate)| flat(&mut axes, name, rate / 1e9, end));
    for (n, place) in places.iter().enumerate() {
        axes.curve(|x| place.roof.at(x) / 1e9, Tint::Series(n), true);
        axes.legend(&words(place), Tint::Series(n), true, true);
    }
    for (n, Place { row, load, roof }) in places.iter().enumerate() {
        let at = axes.at(load.intensity(), load.flops_per_s / 1e9);
        axes.drawing.dot(at, 5.0, Tint::Series(n));
        let share = 100.0 * load.flops_per_s / roof.at(load.intensity());
        let text = format!("{} {share:.0} %", row.shape.words());
        axes.drawing.text([at[0] - 10.0, at[1] + 12.0], text, Tint::Ink, Anchor::End);
    }
    axes.names("flops for each byte that must move", "Gflop/s");
    axes.frame();
    Some(axes.drawing)
}

fn words(Place { row, roof, .. }: &Place<'_>) -> String {
    let memory = format!("{}: copy {:.1} GB/s", row.shape.words(), roof.bytes_per_s / 1e9);
    match roof.flops_per_s.is_finite() {
        true => format!("{memory}, peak {:.0} Gflop/s", roof.flops_per_s / 1e9),
        false => memory,
    }
}

/// The smallest and the largest.
fn ends(values: impl Iterator<Item = f64>) -> Option<(f64, f64)> {
    let all: Vec<f64> = values.collect();
    let low = all.iter().copied().reduce(f64::min)?;
    Some((low, all.iter().copied().fold(low, f64::max)))
}

/// Peaks of all paths on a shape, those that are nearly alike under one name; `single` adds the fastest in 32 bits.
fn peaks(machine: &Machine, shape: Shape, single: bool) -> Vec<(String, f64)> {
    let mut found: Vec<(String, f64)> = Vec::new();
    for path in &machine.cpu_paths {
        let Some(rate) = peak(machine, path, shape) else { continue };
        match found.last_mut() {
            Some((name, other)) if (rate / *other).ln().abs() < DISTINCT => *name = format!("{name}, {path}"),
            _ => found.push((path.clone(), rate)),
        }
    }
    let fastest = found.iter().map(|(_, rate)| *rate).reduce(f64::max).filter(|_| single);
    found.extend(fastest.map(|rate| ("in 32 bits".to_owned(), SINGLE * rate)));
    found
}

/// A peak: a thin line over the whole width, with its name, which ends at `end`.
fn flat(axes: &mut Axes, name: &str, rate: f64, end: f64) {
    let [_, y] = axes.at(1.0, rate);
    let edge = axes.edge();
    let left = axes.left();
    axes.drawing.line(vec![[left, y], [edge, y]], Tint::Muted, 1.0);
    axes.drawing.text([end - 4.0, y - 9.0], format!("{name} {rate:.0} Gflop/s"), Tint::Muted, Anchor::End);
}

#[cfg(test)]
mod tests {
    use super::super::analysis::analyse;
    use super::super::analysis::tests::experiment;
    use super::*;
    use crate::laboratory::machine::flops::Flops;
    use serde_json::json;

    fn machine() -> Machine {
        let text = r#"{"version": 1, "host": "h", "cpu_model": "c", "cores": 2, "logical_cpus": 2, "numa_nodes": 1, "caches": [],
            "cpu_paths": ["portable", "avx2", "avx512"], "memory_bytes": 0, "bandwidth":
            [{"threads": 1, "copy_bytes_per_s": 1e10, "triad_bytes_per_s": 1e10, "nontemporal_copy_bytes_per_s": 2e10}],
            "flops": [], "links": [], "file_system": null, "bindings": []}"#;
        let mut machine: Machine = serde_json::from_str(text).unwrap();
        let of = |path: &str, rate: f64| Flops { path: path.to_owned(), threads: 1, f64_per_s: rate };
        machine.flops = vec![of("portable", 1e10), of("avx2", 5e10), of("avx512", 5.1e10)];
        machine
    }

    #[test]
    fn loads_by_hand() {
        let (plan, _, _) = experiment(&[((1, 1), 8.0)]);
        let heat = load(&plan, &json!({ "updates_per_s": 1e9 })).unwrap();
        assert_eq!(heat, Load { flops_per_s: 1e10, bytes_per_s: 1.6e10 });
        let bodies = Plan { per_update: None, ..plan };
        // 1000 bodies, 3 evaluations in the loop of 2 s: 3 x 1000 x 999 pairs.
        let report = json!({ "loop_s": 2.0, "pairs": 2_997_000, "bodies": 1000, "force_evaluations": 3 });
        let found = load(&bodies, &report).unwrap();
        assert_eq!(found, Load { flops_per_s: 2.997e7, bytes_per_s: 96_000.0 });
        assert!((found.intensity() - 20.0 * 999.0 / 64.0).abs() < 1e-9);
        assert_eq!(load(&bodies, &json!({ "loop_s": 2.0, "pairs": 0, "bodies": 1, "force_evaluations": 1 })), None);
    }

    #[test]
    fn a_roof_is_the_lower_one_and_ends_with_the_cores() {
        let roof = Roof { bytes_per_s: 2e10, flops_per_s: 1e11 };
        assert_eq!([1.0, 5.0, 100.0].map(|x| roof.at(x)), [2e10, 1e11, 1e11]);
        let of = |ranks, threads| peak(&machine(), "avx2", Shape { ranks, threads });
        assert_eq!([of(1, 1), of(1, 2), of(4, 2)], [Some(5e10), Some(1e11), Some(1e11)]);
    }

    #[test]
    fn both_roofs_and_the_paths_are_drawn() {
        let (plan, records, folder) = experiment(&[((1, 1), 8.0), ((1, 2), 4.0)]);
        let mut analysis = analyse(&plan, &records, folder.path());
        for row in &mut analysis.rows {
            row.timing.as_mut().unwrap().report["build"] = json!({ "cpu_path": "avx512" });
        }
        raise(&mut analysis, Some(&machine()));
        let svg = draw(&plan, &analysis, Some(&machine())).unwrap().svg(true);
        for words in ["portable 20 Gflop/s", "avx2, avx512 100 Gflop/s", "1 x 2: copy 0.0 GB/s, peak 102 Gflop/s"] {
            assert!(svg.contains(words), "no {words} in {svg}");
        }
        assert!(!svg.contains("32 bits"));
        raise(&mut analysis, None);
        let svg = draw(&plan, &analysis, None).unwrap().svg(true);
        assert!(svg.contains("1 x 1: copy") && !svg.contains("peak 5"), "{svg}");
    }
}
