//! Who started this process, and how many like it: read from the environment, without touching any MPI.

/// A program that starts the tasks of a parallel job.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Launcher {
    /// In words for a message.
    pub name: &'static str,
    /// Tasks that it started.
    pub tasks: usize,
    /// The number of this one.
    pub rank: usize,
}

/// Name, variable with the number of tasks, variable with the number of this task. The order matters: `mpirun` inside a Slurm
/// allocation starts its daemons with `srun`, whose variables (one task for each node) the ranks inherit. Slurm's own are those
/// of the step, which a batch script or a shell in an allocation does not have.
const LAUNCHERS: [(&str, &str, &str); 5] = [
    ("mpirun (Open MPI)", "OMPI_COMM_WORLD_SIZE", "OMPI_COMM_WORLD_RANK"),
    ("mpirun (MVAPICH)", "MV2_COMM_WORLD_SIZE", "MV2_COMM_WORLD_RANK"),
    ("mpiexec (PMI)", "PMI_SIZE", "PMI_RANK"),
    ("flux run", "FLUX_JOB_SIZE", "FLUX_TASK_RANK"),
    ("srun", "SLURM_STEP_NUM_TASKS", "SLURM_PROCID"),
];

impl Launcher {
    /// The launcher of this process, if there is one.
    pub fn of_environment() -> Option<Launcher> {
        Launcher::detect(|name| std::env::var(name).ok())
    }

    /// As [`Launcher::of_environment`], from any source of variables.
    fn detect(variable: impl Fn(&str) -> Option<String>) -> Option<Launcher> {
        let number = |name: &str| variable(name)?.trim().parse::<usize>().ok();
        LAUNCHERS.iter().find_map(|&(name, tasks, rank)| {
            let (tasks, rank) = (number(tasks)?, number(rank)?);
            (tasks > 0).then_some(Launcher { name, tasks, rank })
        })
    }
}

/// True on the one task that speaks for the whole job: rank 0, or the only one. Known before MPI is initialised, so that also
/// a wrong command line is reported once.
pub fn speaks_for_the_job() -> bool {
    Launcher::of_environment().is_none_or(|launcher| launcher.rank == 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn detect(variables: &[(&str, &str)]) -> Option<Launcher> {
        Launcher::detect(|name| variables.iter().find(|(key, _)| *key == name).map(|(_, value)| value.to_string()))
    }

    #[test]
    fn mpirun_inside_slurm_is_mpirun() {
        let inherited = [("SLURM_STEP_NUM_TASKS", "2"), ("SLURM_PROCID", "1"), ("PMI_SIZE", "8"), ("PMI_RANK", "5")];
        assert_eq!(detect(&inherited), Some(Launcher { name: "mpiexec (PMI)", tasks: 8, rank: 5 }));
        assert_eq!(detect(&inherited[..2]), Some(Launcher { name: "srun", tasks: 2, rank: 1 }));
    }

    #[test]
    fn a_batch_script_is_no_launcher() {
        assert_eq!(detect(&[("SLURM_NTASKS", "4"), ("SLURM_PROCID", "0"), ("SLURM_JOB_ID", "7")]), None);
        assert_eq!(detect(&[("OMPI_COMM_WORLD_SIZE", "many"), ("OMPI_COMM_WORLD_RANK", "0")]), None);
    }
}
