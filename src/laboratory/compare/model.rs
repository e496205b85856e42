//! The models that are compared: how each is started, and what a course says of it.

use crate::laboratory::scaling::plan::Shape;

/// A way to run so many workers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Model {
    /// Threads of one process.
    Threads,
    /// Processes of one machine, over whatever MPI takes there: shared memory.
    Processes,
    /// Processes that talk TCP.
    Tcp,
    /// Processes of several threads.
    Hybrid,
}

/// All of them.
pub const MODELS: [Model; 4] = [Model::Threads, Model::Processes, Model::Tcp, Model::Hybrid];

impl Model {
    /// `A` to `D`.
    pub fn letter(self) -> &'static str {
        ["A", "B", "C", "D"][self as usize]
    }

    /// In words.
    pub fn words(self) -> &'static str {
        ["threads in one process", "processes over shared memory", "processes over TCP", "processes of several threads"]
            [self as usize]
    }

    /// Ranks and threads for so many workers; none if it cannot be told from another model.
    pub fn shape(self, workers: usize) -> Option<Shape> {
        match self {
            Model::Threads => Some(Shape { ranks: 1, threads: workers }),
            Model::Processes | Model::Tcp => Some(Shape { ranks: workers, threads: 1 }),
            Model::Hybrid if workers >= 4 && workers.is_multiple_of(2) => {
                Some(Shape { ranks: 2, threads: workers / 2 })
            }
            Model::Hybrid => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_model_has_all_workers_or_is_left_out() {
        for workers in 2..9 {
            for shape in MODELS.into_iter().filter_map(|model| model.shape(workers)) {
                assert_eq!(shape.workers(), workers);
            }
        }
        assert_eq!([2, 3, 4].map(|n| Model::Hybrid.shape(n).is_some()), [false, false, true]);
    }
}
