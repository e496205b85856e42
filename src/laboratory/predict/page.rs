//! A prediction as a page for people and as JSON.

use super::{Links, Prediction};
use crate::error::Result;
use crate::output::disk::in_words;
use serde_json::{Value, json};
use std::fmt::Write;

/// What a table is about.
#[derive(Clone, Debug)]
pub struct Heading<'a> {
    /// Title of the deck.
    pub title: &'a str,
    /// Where the machine's figures come from, in words.
    pub machine: String,
    /// Messages.
    pub links: &'a Links,
    /// What was measured, a line each.
    pub measured: Vec<String>,
}

/// The page.
pub fn page(heading: &Heading<'_>, rows: &[(usize, Result<Prediction>)], best: Option<&Prediction>) -> String {
    let mut text = String::new();
    let mut line = |value: String| writeln!(text, "{value}").expect("writing to a string");
    line(format!("title         {}", heading.title));
    line(format!("machine       {}", heading.machine));
    heading.measured.iter().for_each(|words| line(format!("measured      {words}")));
    let link = &heading.links.remote;
    let rate = 1e-9 / link.beta_s_per_byte.max(1e-18);
    let (alpha_s, far_alpha_s) = (link.alpha_s, heading.links.far_alpha_s);
    let far = if far_alpha_s > alpha_s { format!(" ({:.3} us from afar)", far_alpha_s * 1e6) } else { String::new() };
    line(format!("network       {:.3} us{far} + bytes / {rate:.2} GB/s, {}", alpha_s * 1e6, heading.links.origin));
    line(String::new());
    line("  ranks threads hosts       s/step  range                      total s  speed-up  efficiency  messages  memory/rank".into());
    for (ranks, row) in rows {
        line(row.as_ref().map_or_else(|cause| format!("{ranks:>7} {cause}"), table_line));
    }
    line(String::new());
    if let Some(first) = rows.iter().find_map(|(_, row)| row.as_ref().ok()) {
        line(format!("base          {} ranks x {} threads", first.ranks, first.threads));
    }
    if let Some(best) = best {
        line(format!(
            "fastest       {} ranks: {:.4e} s a step; more ranks make it slower or are not listed",
            best.ranks, best.step_s
        ));
    }
    if rows.iter().any(|(_, row)| row.as_ref().is_ok_and(|row| row.extrapolated)) {
        line("* extrapolated beyond this host: hosts like the machine, joined by the network above".to_owned());
    }
    text
}

fn table_line(row: &Prediction) -> String {
    let total = row.total_s.map_or("-".to_owned(), |seconds| format!("{seconds:.4e}"));
    let [low, high] = row.step_s_range;
    format!(
        "{:>7}{}{:>7} {:>5} {:>12.4e}  {low:.4e} to {high:.4e} {total:>12} {:>9.2} {:>9.1} % {:>7.1} %  {:>11}",
        row.ranks,
        if row.extrapolated { '*' } else { ' ' },
        row.threads,
        row.hosts,
        row.step_s,
        row.speedup,
        100.0 * row.efficiency,
        100.0 * (row.step_s - row.parts.compute_s) / row.step_s,
        in_words(row.memory_per_rank)
    )
}

/// The table for programs.
pub fn json(heading: &Heading<'_>, rows: &[(usize, Result<Prediction>)], best: Option<&Prediction>) -> String {
    let row = |(ranks, row): &(usize, Result<Prediction>)| match row {
        Ok(row) => serde_json::to_value(row).unwrap_or(Value::Null),
        Err(cause) => json!({ "ranks": ranks, "does_not_fit": cause.to_string() }),
    };
    let value = json!({
        "title": heading.title,
        "machine": heading.machine,
        "measured": heading.measured,
        "local": heading.links.local,
        "remote": heading.links.remote,
        "remote_far_alpha_s": heading.links.far_alpha_s,
        "remote_far_beta_s_per_byte": heading.links.far_beta_s_per_byte,
        "remote_origin": heading.links.origin,
        "predictions": rows.iter().map(row).collect::<Vec<_>>(),
        "fastest_ranks": best.map(|best| best.ranks),
    });
    format!("{value:#}")
}
