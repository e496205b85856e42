//! The first writes to the state: pages to the threads that will sweep them, then the temperatures at time 0.

use super::HeatModel;
use super::exact::ExactSolution;
use super::problem::Initial;
use crate::parallel::Shared;

impl HeatModel<'_> {
    /// First write to every page of both fields, by the threads that will sweep it.
    pub(super) fn touch(&mut self) {
        const PAGE: usize = 4096 / size_of::<f64>();
        let (layout, interior) = (*self.old.layout(), self.old.layout().interior());
        for field in [&mut self.old, &mut self.new] {
            let target = Shared::new(field.values_mut());
            self.plan.for_each_row(&interior, |[j, k], [x0, x1]| {
                let start = layout.index([x0, j, k]);
                // SAFETY: each row of each tile is visited once.
                let row = unsafe { target.slice_mut(start..start + (x1 - x0) as usize) };
                row.iter_mut().step_by(PAGE).for_each(|value| *value = 0.0);
            });
        }
    }

    pub(super) fn set_initial(&mut self) {
        let start = self.subdomain.start;
        let global = |cell: [usize; 3]| std::array::from_fn(|a| cell[a] + start[a]);
        let grid = self.problem.grid.clone();
        if let Some(shape) = ExactSolution::initial_shape(&self.problem) {
            return self.fill(|cell| shape.at(global(cell)));
        }
        match self.problem.initial.clone() {
            Initial::Regions { background, patches } if patches.is_empty() => self.fill(|_| background),
            Initial::Regions { background, patches } => self.fill(|cell| {
                let at = global(cell);
                let last = patches.iter().rev().find(|(region, _)| region.contains(at, grid.center(at)));
                last.map_or(background, |(_, value)| *value)
            }),
            Initial::Array(values) => self.fill(|cell| {
                let [i, j, k] = global(cell);
                values[[k, j, i]]
            }),
            Initial::File(_) | Initial::Gaussian { .. } | Initial::Eigenmode { .. } => self.fill(|_| 0.0),
        }
    }

    /// Sets every own cell to a function of its local index.
    fn fill(&mut self, value: impl Fn([usize; 3]) -> f64 + Sync) {
        let (layout, interior) = (*self.old.layout(), self.old.layout().interior());
        let target = Shared::new(self.old.values_mut());
        self.plan.for_each_row(&interior, |[j, k], [x0, x1]| {
            let start = layout.index([x0, j, k]);
            // SAFETY: each row of each tile is visited once.
            let row = unsafe { target.slice_mut(start..start + (x1 - x0) as usize) };
            for (i, cell) in row.iter_mut().enumerate() {
                *cell = value([x0 as usize + i, j as usize, k as usize]);
            }
        });
    }
}
