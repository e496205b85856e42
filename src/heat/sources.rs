//! Heat sources: which cells they warm, and how much of a step they are on.

use super::coefficients::{Coefficients, MaterialMap};
use super::problem::{HeatProblem, Source, Strength};
use crate::comm::Communicator;
use crate::decomposition::IndexBox;
use crate::error::{Error, Result};
use crate::field::Layout;

/// A run of cells of one row that one source warms at one rate.
#[derive(Clone, Copy, Debug)]
struct Span {
    source: u32,
    start: isize,
    end: isize,
    /// Kelvin per second while the source is on.
    rate: f64,
}

/// The sources of a rank as spans of cells, row by row. A source over a few cells costs a few spans and no array.
#[derive(Debug)]
pub struct Sources {
    whole: IndexBox,
    /// `row_starts[r]..row_starts[r + 1]` are the spans of row `r` of `whole` (y fastest); empty if there are no sources.
    row_starts: Vec<usize>,
    spans: Vec<Span>,
    windows: Vec<[f64; 2]>,
    /// Watts of each source over the whole domain.
    powers: Vec<f64>,
    /// Seconds of the current step during which each source is on.
    seconds_on: Vec<f64>,
    /// Joules put in since the start.
    heat: f64,
    /// What the additions to it have rounded away (Kahan): the same addend a hundred thousand times rounds in one direction.
    lost: f64,
}

impl Sources {
    /// Finds the cells of each source. Collective.
    ///
    /// # Errors
    /// If a source with a total power warms no cell.
    pub fn new(
        problem: &HeatProblem,
        map: &MaterialMap<'_>,
        coefficients: &Coefficients,
        layout: &Layout,
        comm: &dyn Communicator,
    ) -> Result<Sources> {
        let mut sources = Sources {
            whole: layout.whole(),
            row_starts: Vec::new(),
            spans: Vec::new(),
            windows: problem.sources.iter().map(|s| s.active).collect(),
            powers: Vec::new(),
            seconds_on: vec![0.0; problem.sources.len()],
            heat: 0.0,
            lost: 0.0,
        };
        if problem.sources.is_empty() {
            return Ok(sources);
        }
        let densities = sources.power_densities(problem, map, layout, comm)?;
        sources.find_spans(problem, map, coefficients, &densities);
        Ok(sources)
    }

    /// W/m3 of each source, from the number of cells that it warms.
    fn power_densities(
        &mut self,
        problem: &HeatProblem,
        map: &MaterialMap<'_>,
        layout: &Layout,
        comm: &dyn Communicator,
    ) -> Result<Vec<f64>> {
        let mut counts: Vec<i64> = problem.sources.iter().map(|s| count_cells(s, problem, map, layout)).collect();
        comm.all_sum(&mut counts);
        let volume = problem.grid.cell_volume();
        let mut densities = Vec::new();
        for (number, (source, &count)) in problem.sources.iter().zip(&counts).enumerate() {
            let filled = count as f64 * volume;
            let density = match source.strength {
                Strength::PerVolume(density) => density,
                Strength::Total(_) if count == 0 => {
                    return Err(Error::key(
                        format!("sources.{number}"),
                        "a power, but no cell centre in its shape to give it to",
                        "enlarge the shape or refine the grid",
                    ));
                }
                Strength::Total(power) => power / filled,
            };
            densities.push(density);
            self.powers.push(density * filled);
        }
        Ok(densities)
    }

    fn find_spans(
        &mut self,
        problem: &HeatProblem,
        map: &MaterialMap<'_>,
        coefficients: &Coefficients,
        densities: &[f64],
    ) {
        self.row_starts.push(0);
        for k in self.whole.lower[2]..self.whole.upper[2] {
            for j in self.whole.lower[1]..self.whole.upper[1] {
                for (number, source) in problem.sources.iter().enumerate() {
                    self.find_in_row(number, |i| {
                        let global = map.global([i, j, k]);
                        let inside = source.region.contains(global, problem.grid.center(global));
                        inside.then(|| densities[number] * coefficients.inverse_capacity_at([i, j, k]))
                    });
                }
                self.row_starts.push(self.spans.len());
            }
        }
    }

    fn find_in_row(&mut self, source: usize, rate_at: impl Fn(isize) -> Option<f64>) {
        let mut open: Option<Span> = None;
        for i in self.whole.lower[0]..self.whole.upper[0] {
            let rate = rate_at(i);
            match (&mut open, rate) {
                (Some(span), Some(rate)) if span.rate == rate => span.end = i + 1,
                (_, rate) => {
                    self.spans.extend(open.take());
                    open = rate.map(|rate| Span { source: source as u32, start: i, end: i + 1, rate });
                }
            }
        }
        self.spans.extend(open);
    }

    /// Sets how long each source is on during the step `t..t + dt` (seconds) and counts the heat.
    pub fn update(&mut self, t: f64, dt: f64) {
        for source in 0..self.windows.len() {
            let [on, off] = self.windows[source];
            let seconds = ((t + dt).min(off) - t.max(on)).max(0.0);
            // A source that is on all the time is on for dt exactly, not for (t + dt) - t.
            self.seconds_on[source] = if on <= t && off >= t + dt { dt } else { seconds };
            self.count(self.powers[source] * self.seconds_on[source]);
        }
    }

    fn count(&mut self, joules: f64) {
        let corrected = joules - self.lost;
        let sum = self.heat + corrected;
        self.lost = (sum - self.heat) - corrected;
        self.heat = sum;
    }

    /// Heat put in by all sources since the start, in joules.
    pub fn heat(&self) -> f64 {
        self.heat
    }

    /// That heat, and what adding it up has rounded away.
    pub fn sum(&self) -> [f64; 2] {
        [self.heat, self.lost]
    }

    /// Takes up a [`Sources::sum`].
    pub fn set_sum(&mut self, [heat, lost]: [f64; 2]) {
        (self.heat, self.lost) = (heat, lost);
    }

    /// True if the row has spans.
    #[inline]
    pub fn touch_row(&self, j: isize, k: isize) -> bool {
        !self.spans.is_empty() && !self.spans_of(j, k).is_empty()
    }

    /// Warms the cells `x0..x0 + new.len()` of a row whose new values are given.
    pub fn apply(&self, j: isize, k: isize, x0: isize, new: &mut [f64]) {
        let x1 = x0 + new.len() as isize;
        for span in self.spans_of(j, k) {
            let (start, end) = (span.start.max(x0), span.end.min(x1));
            let rise = span.rate * self.seconds_on[span.source as usize];
            if start < end && rise != 0.0 {
                for value in &mut new[(start - x0) as usize..(end - x0) as usize] {
                    *value += rise;
                }
            }
        }
    }

    fn spans_of(&self, j: isize, k: isize) -> &[Span] {
        let row = (j - self.whole.lower[1]) as usize + self.whole.extent(1) * (k - self.whole.lower[2]) as usize;
        &self.spans[self.row_starts[row]..self.row_starts[row + 1]]
    }
}

fn count_cells(source: &Source, problem: &HeatProblem, map: &MaterialMap<'_>, layout: &Layout) -> i64 {
    let [nx, ny, nz] = layout.cells.map(|n| n as isize);
    let inside = |i: isize, j: isize, k: isize| {
        let global = map.global([i, j, k]);
        source.region.contains(global, problem.grid.center(global))
    };
    (0..nz).map(|k| (0..ny).map(|j| (0..nx).filter(|&i| inside(i, j, k)).count() as i64).sum::<i64>()).sum()
}
