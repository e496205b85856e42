//! What the system counts of this process and its threads: page faults, switches, memory. Absent where it does not tell.

use serde::{Deserialize, Serialize};
use std::path::Path;

/// What a process has used so far, in numbers that add up over processes; 0 where the system does not tell.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Usage {
    /// Its process.
    pub process: u32,
    /// Bytes of memory now, pages of several processes in parts.
    pub proportional_bytes: u64,
    /// Bytes of memory now that no other process maps.
    pub private_bytes: u64,
    /// Page faults that needed no disk.
    pub page_faults: u64,
    /// Times that a thread had to wait for something.
    pub voluntary_switches: u64,
    /// Times that another was put in the place of a thread.
    pub involuntary_switches: u64,
}

impl Usage {
    /// Of this process now.
    pub fn now() -> Usage {
        let (shares, switches) = (shares().unwrap_or_default(), process_switches().unwrap_or_default());
        Usage {
            process: std::process::id(),
            proportional_bytes: shares.proportional,
            private_bytes: shares.private,
            page_faults: page_faults().unwrap_or(0),
            voluntary_switches: switches.voluntary,
            involuntary_switches: switches.involuntary,
        }
    }

    /// The switches since an earlier look; everything else as it is now.
    pub fn since(self, earlier: Switches) -> Usage {
        Usage {
            voluntary_switches: self.voluntary_switches.saturating_sub(earlier.voluntary),
            involuntary_switches: self.involuntary_switches.saturating_sub(earlier.involuntary),
            ..self
        }
    }
}

/// Changes of what runs on the core of a thread.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Switches {
    /// It had to wait for something.
    pub voluntary: u64,
    /// Another was put in its place.
    pub involuntary: u64,
}

impl Switches {
    /// Both kinds.
    pub fn all(self) -> u64 {
        self.voluntary + self.involuntary
    }
}

/// Of the calling thread so far.
pub fn thread_switches() -> Option<Switches> {
    switches(&super::read("/proc/thread-self/status"))
}

/// Of all threads of this process that live, so far.
pub fn process_switches() -> Option<Switches> {
    let tasks = std::fs::read_dir("/proc/self/task").ok()?.flatten();
    let counted = tasks.filter_map(|task| switches(&line_file(&task.path().join("status"))));
    Some(counted.fold(Switches::default(), |sum, one| Switches {
        voluntary: sum.voluntary + one.voluntary,
        involuntary: sum.involuntary + one.involuntary,
    }))
}

/// Page faults without disk of this process and of its children that have ended, so far.
pub fn page_faults() -> Option<u64> {
    let [own, children] = faults(&super::read("/proc/self/stat"))?;
    Some(own + children)
}

/// Proportional share and private part of the memory of this process, in bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Shares {
    /// Pages that several processes map count in parts.
    pub proportional: u64,
    /// Pages that no other process maps.
    pub private: u64,
}

/// The memory of this process now.
pub fn shares() -> Option<Shares> {
    let text = super::read("/proc/self/smaps_rollup");
    let of = |key: &str| super::kibibytes(&text, key);
    Some(Shares { proportional: of("Pss:")?, private: of("Private_Clean:")? + of("Private_Dirty:")? })
}

fn switches(status: &str) -> Option<Switches> {
    let number = |key: &str| status.lines().find_map(|line| line.strip_prefix(key)?.trim().parse().ok());
    Some(Switches {
        voluntary: number("voluntary_ctxt_switches:")?,
        involuntary: number("nonvoluntary_ctxt_switches:")?,
    })
}

/// Minor faults of the process and of its children: fields 10 and 11 of all, 8 and 9 behind the name.
fn faults(stat: &str) -> Option<[u64; 2]> {
    let (_, rest) = stat.rsplit_once(')')?;
    let mut fields = rest.split_whitespace().skip(7);
    Some([fields.next()?.parse().ok()?, fields.next()?.parse().ok()?])
}

fn line_file(path: &Path) -> String {
    std::fs::read_to_string(path).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_of_the_system_are_understood() {
        assert_eq!(faults("7 (a b) c) S 1 2 3 4 5 6 70 80 9 10"), Some([70, 80]));
        let found = switches("Name: x\nvoluntary_ctxt_switches:\t12\nnonvoluntary_ctxt_switches:\t3\n");
        assert_eq!(found, Some(Switches { voluntary: 12, involuntary: 3 }));
        assert_eq!((faults("nothing"), switches("nothing")), (None, None));
    }

    #[test]
    fn this_process_is_counted() {
        let before = (page_faults().unwrap(), thread_switches().unwrap());
        let block = std::hint::black_box(vec![1u8; 8 << 20]);
        std::thread::sleep(std::time::Duration::from_millis(2));
        assert!(page_faults().unwrap() > before.0 && thread_switches().unwrap().voluntary > before.1.voluntary);
        assert!(process_switches().unwrap().voluntary >= before.1.voluntary);
        let shares = shares().unwrap();
        assert!(shares.private as usize > block.len() && shares.proportional as usize > block.len(), "{shares:?}");
    }
}
