//! The row of fault tolerance: what happened when a worker was killed, and when a host was cut off.

use super::Comparison;
use super::kill::Struck;
use super::model::Model;
use super::rows::{Row, each};
use crate::laboratory::mechanisms::tables::duration;

/// Figures of blows, by what struck.
type Told = (&'static str, fn(&Struck) -> String);
const KILLED: [Told; 5] = [
    ("killed: job ends after", |s| duration(s.ended_after_s)),
    ("went on from step", |s| s.from_step.to_string()),
    ("work lost", |s| duration(s.lost_s)),
    ("started again after", |s| duration(s.recovered_after_s)),
    ("same digest", |s| yes_or_no(s.same_digest)),
];
const CUT: [&str; 5] = [
    "host cut: job ends after",
    "cut: went on from step",
    "cut: work lost",
    "cut: started again after",
    "cut: same digest",
];

fn yes_or_no(is_so: bool) -> String {
    if is_so { "yes".to_owned() } else { "NO".to_owned() }
}

/// What happened to C when a host was cut off.
fn cut(found: &Comparison) -> (Vec<(&'static str, Vec<String>)>, Option<String>) {
    let of_tcp = |text: String| each(found, |c| if c.model == Model::Tcp { text.clone() } else { "-".to_owned() });
    if found.columns.iter().all(|c| c.model != Model::Tcp) {
        return (Vec::new(), None);
    }
    match &found.cut {
        Ok(cut) => {
            let figures = CUT.iter().zip(KILLED).map(|(name, (_, value))| (*name, of_tcp(value(&cut.struck))));
            let note = format!(
                "C: {} was cut off; the job went on on {}; the time to its end counts from the start of the command that cut",
                cut.host,
                cut.rest.join(", ")
            );
            (figures.collect(), Some(note))
        }
        Err(why) => {
            let word = if why.starts_with("not tried") { "not tried" } else { "-" };
            (vec![(CUT[0], of_tcp(word.to_owned()))], Some(format!("C: host cut off: {why}")))
        }
    }
}

/// The row.
pub fn faults(found: &Comparison) -> Row {
    let mut figures: Vec<(&'static str, Vec<String>)> = KILLED
        .into_iter()
        .map(|(name, value)| (name, each(found, |c| c.killed.as_ref().map_or("-".to_owned(), value))))
        .collect();
    let (more, about_cut) = cut(found);
    figures.extend(more);
    let mut notes: Vec<String> = found
        .columns
        .iter()
        .filter_map(|c| c.killed.as_ref().err().map(|why| format!("{}: not measured: {why}", c.model.letter())))
        .collect();
    let died: Vec<&str> = found
        .columns
        .iter()
        .filter(|c| c.model != Model::Threads && c.killed.is_ok())
        .map(|c| c.model.letter())
        .collect();
    if !died.is_empty() {
        notes.push(format!(
            "{}: said to be high since processes are isolated; but the whole job ended with its worker, as the process of A does. \
             What saves the work is the checkpoint, in every model",
            died.join(", ")
        ));
    }
    notes.extend(about_cut);
    Row {
        name: "fault tolerance",
        said: [
            "lower: one crash can take the process down",
            "high: processes are isolated",
            "high when designed for it: redundancy",
        ],
        figures,
        notes,
    }
}
