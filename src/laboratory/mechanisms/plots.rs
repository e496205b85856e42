//! Pictures of the paths: half a round trip, and bandwidth, over the size of a message.

use super::paths::{Path, Point};
use crate::laboratory::scaling::axes::{Axes, Scale};
use crate::laboratory::scaling::drawing::{Drawing, Tint};

/// How far before the first and behind the last point an axis goes.
const ROOM: f64 = 1.4;

/// File name, caption and picture of each figure.
pub fn figures(paths: &[Path]) -> Vec<(&'static str, &'static str, Drawing)> {
    let latency = figure("Time of a message", "half round trip, us", paths, &|p| 1e6 * p.seconds);
    let bandwidth = figure("Bandwidth", "GB/s in one direction", paths, &|p| p.bandwidth() / 1e9);
    let named = [
        ("latency", "Median half round trip of a message by its size.", latency),
        ("bandwidth", "Bytes of a message over its median half round trip.", bandwidth),
    ];
    named.into_iter().filter_map(|(name, caption, drawing)| Some((name, caption, drawing?))).collect()
}

fn figure(title: &str, y_name: &str, paths: &[Path], value: &dyn Fn(&Point) -> f64) -> Option<Drawing> {
    let points = || paths.iter().flat_map(|path| &path.points);
    let sizes = points().map(|point| point.bytes as f64);
    let (first, last) = ends(sizes)?;
    let (low, high) = ends(points().map(value))?;
    // The legend stands to the right of all curves: they cross everywhere else.
    let mut axes = Axes::new(title, Scale::Log(first / ROOM, last * ROOM), Scale::Log(low / ROOM, high * ROOM), 160.0);
    axes.x_grid(None);
    axes.y_grid("");
    for (series, path) in paths.iter().enumerate() {
        let tint = Tint::Series(series);
        let places: Vec<[f64; 2]> = path.points.iter().map(|point| axes.at(point.bytes as f64, value(point))).collect();
        places.iter().for_each(|&at| axes.drawing.dot(at, 3.5, tint));
        axes.drawing.line(places, tint, 2.0);
    }
    paths.iter().enumerate().for_each(|(series, path)| axes.legend(&path.name, Tint::Series(series), true, false));
    axes.names("bytes of a message", y_name);
    axes.frame();
    Some(axes.drawing)
}

/// Smallest and largest of positive values.
fn ends(values: impl Iterator<Item = f64>) -> Option<(f64, f64)> {
    let (low, high) = values.fold((f64::INFINITY, 0.0), |(low, high): (f64, f64), x| (low.min(x), high.max(x)));
    (low > 0.0 && low <= high && high.is_finite()).then_some((low, high))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_path_is_drawn_and_named() {
        let path = |name: &str, slow: f64| Path {
            name: name.into(),
            between: "two".into(),
            points: [8, 4096].map(|bytes| Point { bytes, seconds: slow * (1e-6 + 1e-10 * bytes as f64) }).to_vec(),
        };
        let drawn = figures(&[path("pipe", 2.0), path("tcp", 5.0)]);
        assert_eq!(drawn.iter().map(|figure| figure.0).collect::<Vec<_>>(), ["latency", "bandwidth"]);
        for (_, _, drawing) in drawn {
            let svg = drawing.svg(true);
            assert!(svg.contains(">pipe</text>") && svg.contains(">tcp</text>") && !svg.contains("NaN"), "{svg}");
            assert_eq!(svg.matches("<circle").count(), 4);
        }
        assert!(figures(&[]).is_empty());
    }
}
