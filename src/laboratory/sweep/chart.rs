//! A column of the results against a varied key, as a picture. Members with the same values of all other keys are joined to one series.
//!
//! An axis is logarithmic where its values are positive and span two decades. Values of a key that are no numbers stand side by side.

use super::plan::Plan;
use super::results::Table;
use crate::error::{Error, Result};
use crate::laboratory::scaling::axes::{Axes, Scale};
use crate::laboratory::scaling::drawing::{Drawing, SERIES, Tint};

/// Ratio of values from which an axis is logarithmic.
const DECADES: f64 = 100.0;
/// Part of the span that is left free at both ends of an axis.
const ROOM: f64 = 0.06;
/// Pixels for the legend.
const LEGEND: f64 = 210.0;
/// Longest name in a legend, and of a value below the axis.
const LONGEST: usize = 24;

/// What is drawn.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request {
    /// The column, or a part of its name that only one has.
    pub column: String,
    /// The key; the first one if absent.
    pub against: Option<String>,
}

/// One point a member.
struct Point {
    x: f64,
    y: f64,
    series: String,
}

/// The name of the column that was meant and the picture; no picture if no member has a number in it.
///
/// # Errors
/// Exit code 2 if there is no such column or key.
pub fn draw(plan: &Plan, table: &Table, request: &Request, title: &str) -> Result<(String, Option<Drawing>)> {
    let column = meant(&request.column, &table.drawable())?;
    let key = match &request.against {
        None => 0,
        Some(key) => plan.keys.iter().position(|known| known == key).ok_or_else(|| {
            Error::Input(format!(
                "--against {}: it is not varied; use {}",
                crate::console::one_line(key),
                plan.keys.join(", ")
            ))
        })?,
    };
    let categories = categories(plan, key);
    let points = points(plan, table, key, &column, categories.as_deref());
    let drawing = (!points.is_empty()).then(|| picture(plan, key, &column, &points, categories.as_deref(), title));
    Ok((column, drawing))
}

/// The column of that name; of that name but for the unit; the only one whose name begins so; or the only one that has it in its name.
fn meant(wish: &str, known: &[String]) -> Result<String> {
    let lower = wish.to_lowercase();
    let only = |fits: &dyn Fn(&str) -> bool| {
        let mut fitting = known.iter().filter(|name| fits(&name.to_lowercase()));
        fitting.next().filter(|_| fitting.next().is_none())
    };
    let bare = |name: &str| name.split(" [").next() == Some(lower.as_str());
    let found = known.iter().find(|name| *name == wish).or_else(|| only(&bare));
    let found =
        found.or_else(|| only(&|name| name.starts_with(&lower))).or_else(|| only(&|name| name.contains(&lower)));
    let is_part = known.iter().any(|name| name.to_lowercase().contains(&lower));
    match found {
        Some(column) => Ok(column.clone()),
        None => Err(Error::Input(format!(
            "--plot {}: {}; the columns are {}",
            crate::console::one_line(wish),
            if is_part { "several columns have that in their names" } else { "there is no such column" },
            known.join(", ")
        ))),
    }
}

/// The values of a key in their order, if they are not all numbers.
fn categories(plan: &Plan, key: usize) -> Option<Vec<String>> {
    let mut values: Vec<String> = Vec::new();
    for member in &plan.members {
        if !values.contains(&member[key]) {
            values.push(member[key].clone());
        }
    }
    let are_numbers = values.iter().all(|value| value.parse::<f64>().is_ok_and(f64::is_finite));
    (!are_numbers).then_some(values)
}

fn points(plan: &Plan, table: &Table, key: usize, column: &str, categories: Option<&[String]>) -> Vec<Point> {
    let count = |value: &String| plan.members.iter().filter(|member| member[key] == *value).count();
    // Keys that only change together with this one make no series of their own.
    let is_alone = plan.members.iter().all(|member| count(&member[key]) == 1);
    let place = |value: &String| match categories {
        Some(all) => all.iter().position(|other| other == value).map(|n| n as f64 + 1.0),
        None => value.parse().ok(),
    };
    let point = |row: &super::results::Row| {
        let member = &plan.members[row.member];
        let y = table.value(row, column).parse::<f64>().ok().filter(|y| y.is_finite())?;
        let others = (0..member.len()).filter(|&n| n != key && !is_alone);
        let series =
            others.map(|n| format!("{}={}", last_word(&plan.keys[n]), member[n])).collect::<Vec<_>>().join(", ");
        Some(Point { x: place(&member[key])?, y, series })
    };
    table.rows().filter_map(point).collect()
}

fn last_word(key: &str) -> &str {
    key.rsplit('.').next().unwrap_or(key)
}

fn scale(values: impl Iterator<Item = f64> + Clone, may_be_log: bool) -> Scale {
    let low = values.clone().fold(f64::INFINITY, f64::min);
    let high = values.fold(f64::NEG_INFINITY, f64::max);
    if may_be_log && low > 0.0 && high / low >= DECADES {
        let room = (high / low).powf(ROOM);
        return Scale::Log(low / room, high * room);
    }
    let span = if high > low { high - low } else { high.abs().max(1.0) };
    Scale::Linear(low - ROOM * span, high + ROOM * span)
}

fn picture(
    plan: &Plan,
    key: usize,
    column: &str,
    points: &[Point],
    categories: Option<&[String]>,
    title: &str,
) -> Drawing {
    let mut names: Vec<&str> = Vec::new();
    points.iter().for_each(|point| {
        if !names.contains(&point.series.as_str()) {
            names.push(&point.series)
        }
    });
    let right = if names.len() > 1 { LEGEND } else { 0.0 };
    let across = match categories {
        Some(all) => Scale::Linear(0.5, all.len() as f64 + 0.5),
        None => scale(points.iter().map(|point| point.x), true),
    };
    let mut axes = Axes::new(&shortened(title, 80), across, scale(points.iter().map(|point| point.y), true), right);
    axes.y_grid("");
    match categories {
        None => axes.x_grid(None),
        Some(all) => {
            for (n, value) in all.iter().enumerate() {
                let [x, _] = axes.at(n as f64 + 1.0, 0.0);
                axes.below(x, &shortened(value, LONGEST));
            }
        }
    }
    for (n, name) in names.iter().enumerate() {
        let tint = if n < SERIES.len() { Tint::Series(n) } else { Tint::Muted };
        let mut line: Vec<[f64; 2]> =
            points.iter().filter(|point| point.series == *name).map(|point| [point.x, point.y]).collect();
        line.sort_by(|a, b| a[0].total_cmp(&b[0]));
        let line: Vec<[f64; 2]> = line.into_iter().map(|[x, y]| axes.at(x, y)).collect();
        line.iter().for_each(|&at| axes.drawing.dot(at, 4.0, tint));
        if categories.is_none() {
            axes.drawing.line(line, tint, 1.5);
        }
        if right > 0.0 && n < SERIES.len() {
            axes.legend(&shortened(name, LONGEST), tint, true, false);
        }
    }
    axes.names(&plan.keys[key], column);
    axes.frame();
    axes.drawing
}

fn shortened(text: &str, most: usize) -> String {
    if text.chars().count() <= most {
        text.to_owned()
    } else {
        format!("{}...", text.chars().take(most - 3).collect::<String>())
    }
}

/// The column as part of a file name.
pub fn slug(column: &str) -> String {
    let words = column.split(|c: char| !c.is_ascii_alphanumeric()).filter(|word| !word.is_empty());
    let slug = words.collect::<Vec<_>>().join("_").to_lowercase();
    if slug.is_empty() { "column".to_owned() } else { slug }
}

#[cfg(test)]
mod tests {
    use super::super::plan::tests::plan;
    use super::super::results::tests::done;
    use super::*;

    fn request(column: &str) -> Request {
        Request { column: column.into(), against: None }
    }

    fn table(count: usize) -> Table {
        let mut table = Table::default();
        (0..count).for_each(|n| table.insert(done(n, 0.1, "peak <temperature> (C)", 10.0 + n as f64)));
        table
    }

    #[test]
    fn whole_names_come_before_parts_of_names() {
        let known = ["steps", "step", "max [deg]", "error_max [deg]", "error_l2 [deg]"].map(String::from);
        for (wish, column) in
            [("step", "step"), ("max", "max [deg]"), ("error_m", "error_max [deg]"), ("L2", "error_l2 [deg]")]
        {
            assert_eq!(meant(wish, &known).unwrap(), column);
        }
        assert!(meant("error", &known).unwrap_err().to_string().contains("several columns"));
    }

    #[test]
    fn columns_are_found_by_a_part_of_their_name() {
        let (plan, table) = (plan("a", &["1", "2", "3"]), table(3));
        let (name, drawing) = draw(&plan, &table, &request("PEAK"), "T").unwrap();
        let svg = drawing.unwrap().svg(true);
        assert_eq!((name.as_str(), svg.matches("<circle").count()), ("peak <temperature> (C)", 3));
        assert!(svg.contains("peak &lt;temperature&gt;") && slug(&name) == "peak_temperature_c", "{svg}");
        for wish in ["nothing", "_s"] {
            let error = draw(&plan, &table, &request(wish), "T").unwrap_err();
            assert!(error.exit_code() == 2 && error.to_string().contains("wall_s, setup_s"), "{error}");
        }
        let other = Request { against: Some("b".into()), ..request("peak") };
        assert!(draw(&plan, &table, &other, "T").unwrap_err().to_string().contains("it is not varied; use a"));
    }

    #[test]
    fn words_stand_side_by_side_and_other_keys_make_series() {
        let mut plan = plan("material.name", &["copper", "steel", "copper", "steel"]);
        plan.keys.push("time.dt".into());
        plan.members.iter_mut().enumerate().for_each(|(n, member)| member.push((n / 2).to_string()));
        let svg = draw(&plan, &table(4), &request("peak"), "T").unwrap().1.unwrap().svg(false);
        assert!(svg.contains(">copper<") && svg.contains(">dt=0<") && svg.contains(">dt=1<"), "{svg}");
        assert!(draw(&plan, &Table::default(), &request("wall_s"), "T").unwrap().1.is_none());
    }

    #[test]
    fn wide_positive_ranges_are_logarithmic() {
        assert!(matches!(scale([1.0, 1000.0].into_iter(), true), Scale::Log(..)));
        assert!(matches!(scale([0.0, 1000.0].into_iter(), true), Scale::Linear(..)));
        assert!(matches!(scale([5.0].into_iter(), true), Scale::Linear(low, high) if low < 5.0 && high > 5.0));
    }
}
