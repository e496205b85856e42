//! Pieces of space: from the keys of a shape to a [`Region`], and whether any cell lies in it.

use super::flaw::{Check, Flaw, ascending, keys_of_kind, positive, vector};
use super::physics::{Shape, ShapeKeys};
use super::validate::axis_number;
use super::{Context, kind_text};
use crate::error::Error;
use crate::grid::UniformGrid;
use crate::region::Region;
use std::sync::Arc;

/// The region that the shape keys of `table` describe.
pub fn region(table: &str, keys: &ShapeKeys<'_>, grid: &UniformGrid, context: &Context<'_>) -> Check<Region> {
    shape_has_its_keys(table, keys)?;
    let key = |name: &str| format!("{table}.{name}");
    let point = |name: &str, values: &Option<Vec<f64>>, z: f64| coordinates(&key(name), values, grid, z);
    let radius = || positive(&key("radius"), keys.radius.unwrap_or(f64::NAN), "m");
    let middle_z = grid.center([0; 3])[2];
    match keys.shape {
        Shape::Everywhere => Ok(Region::Everywhere),
        Shape::Box => {
            let lower = point("lower", keys.lower, 0.0)?;
            let upper = point("upper", keys.upper, grid.length(2))?;
            corners_in_order(table, lower, upper)?;
            Ok(Region::Box { lower, upper })
        }
        Shape::Sphere | Shape::Circle => {
            Ok(Region::Sphere { center: point("center", keys.center, middle_z)?, radius: radius()? })
        }
        Shape::Cylinder => cylinder(table, keys, grid, radius()?),
        Shape::HalfSpace => {
            let normal = point("normal", keys.normal, 0.0)?;
            if normal.iter().map(|n| n * n).sum::<f64>() == 0.0 {
                return Flaw::fail(key("normal"), "has no length", "write a vector that is not zero");
            }
            Ok(Region::HalfSpace { point: point("point", keys.point, middle_z)?, normal })
        }
        Shape::Mask => mask(&key("file"), keys.file.as_deref().unwrap_or(""), grid, context),
    }
}

fn shape_has_its_keys(table: &str, keys: &ShapeKeys<'_>) -> Check<()> {
    let given = [
        ("lower", keys.lower.is_some()),
        ("upper", keys.upper.is_some()),
        ("center", keys.center.is_some()),
        ("radius", keys.radius.is_some()),
        ("axis", keys.axis.is_some()),
        ("range", keys.range.is_some()),
        ("point", keys.point.is_some()),
        ("normal", keys.normal.is_some()),
        ("file", keys.file.is_some()),
    ];
    let (needed, optional): (&[&str], &[&str]) = match keys.shape {
        Shape::Everywhere => (&[], &[]),
        Shape::Box => (&["lower", "upper"], &[]),
        Shape::Sphere | Shape::Circle => (&["center", "radius"], &[]),
        Shape::Cylinder => (&["axis", "center", "radius"], &["range"]),
        Shape::HalfSpace => (&["point", "normal"], &[]),
        Shape::Mask => (&["file"], &[]),
    };
    keys_of_kind(table, &kind_text("shape", keys.shape), &given, needed, optional)
}

fn coordinates(key: &str, values: &Option<Vec<f64>>, grid: &UniformGrid, z_of_plate: f64) -> Check<[f64; 3]> {
    let values = vector(key, values.as_deref().unwrap_or(&[]), grid.dimensions)?;
    let mut point = [0.0, 0.0, z_of_plate];
    point[..values.len()].copy_from_slice(values);
    Ok(point)
}

fn corners_in_order(table: &str, lower: [f64; 3], upper: [f64; 3]) -> Check<()> {
    match (0..3).find(|&axis| lower[axis] >= upper[axis]) {
        Some(axis) => {
            let problem = format!("{} is not greater than {} of lower", upper[axis], lower[axis]);
            Flaw::fail(format!("{table}.upper.{axis}"), problem, "write a greater coordinate (m)")
        }
        None => Ok(()),
    }
}

fn cylinder(table: &str, keys: &ShapeKeys<'_>, grid: &UniformGrid, radius: f64) -> Check<Region> {
    if grid.dimensions == 2 {
        let fix = "write shape = \"circle\" with center and radius";
        return Flaw::fail(format!("{table}.shape"), "a cylinder needs a three-dimensional grid", fix);
    }
    let axis = keys.axis.map_or(2, axis_number);
    let center = coordinates(&format!("{table}.center"), keys.center, grid, 0.0)?;
    let range = match &keys.range {
        Some(range) => ascending(&format!("{table}.range"), range)?,
        None => [0.0, grid.length(axis)],
    };
    Ok(Region::Cylinder { axis, center, radius, range })
}

fn mask(key: &str, file: &str, grid: &UniformGrid, context: &Context<'_>) -> Check<Region> {
    let path = context.path(file);
    let extension = path.extension().and_then(|extension| extension.to_str()).unwrap_or("").to_lowercase();
    if !["png", "npy"].contains(&extension.as_str()) {
        let problem = format!("\"{file}\" is neither a .png nor a .npy file");
        return Flaw::fail(key, problem, "name a mask in one of these formats");
    }
    match (context.read_mask)(&path, grid.cells) {
        Ok(mask) => Ok(Region::Mask(Arc::new(mask))),
        Err(error) => {
            if matches!(error, Error::Remote { .. }) {
                context.remote_error.replace(Some(error.clone()));
            }
            Flaw::fail(key, error.to_string(), format!("give a readable mask of {}", cells_text(grid)))
        }
    }
}

fn cells_text(grid: &UniformGrid) -> String {
    let [x, y, z] = grid.cells;
    if grid.dimensions == 2 { format!("{x} x {y} cells") } else { format!("{x} x {y} (x {z}) cells") }
}

/// Whether no cell centre lies in the region. Looks only at the cell that is nearest to lying inside, so it costs nothing
/// on any grid; a mask is counted.
pub fn is_empty(region: &Region, grid: &UniformGrid) -> bool {
    let candidate = match region {
        Region::Everywhere => return false,
        Region::Mask(mask) => return !mask.inside.contains(&true),
        Region::Box { lower, upper } => nearest_cell(grid, std::array::from_fn(|a| 0.5 * (lower[a] + upper[a]))),
        Region::Sphere { center, .. } => nearest_cell(grid, *center),
        Region::Cylinder { axis, center, range, .. } => {
            let mut point = *center;
            point[*axis] = 0.5 * (range[0] + range[1]);
            nearest_cell(grid, point)
        }
        Region::HalfSpace { normal, .. } => {
            std::array::from_fn(|a| if normal[a] > 0.0 { 0 } else { grid.cells[a] - 1 })
        }
    };
    !region.contains(candidate, grid.center(candidate))
}

/// The cell whose centre is nearest to a point, along every axis for itself.
fn nearest_cell(grid: &UniformGrid, point: [f64; 3]) -> [usize; 3] {
    std::array::from_fn(|a| {
        let index = (point[a] / grid.spacing[a] - 0.5).round();
        index.clamp(0.0, (grid.cells[a] - 1) as f64) as usize
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn grid() -> UniformGrid {
        UniformGrid::new(&[7, 5, 3], &[0.7, 1.0, 0.9])
    }

    fn contains_no_cell(region: &Region, grid: &UniformGrid) -> bool {
        let [nx, ny, nz] = grid.cells;
        let cells = (0..nz).flat_map(|k| (0..ny).flat_map(move |j| (0..nx).map(move |i| [i, j, k])));
        cells.into_iter().all(|cell| !region.contains(cell, grid.center(cell)))
    }

    /// Regions of all kinds with corners, centres and normals from a fixed sequence of numbers.
    fn regions() -> Vec<Region> {
        let mut state = 1u64;
        let mut next = || {
            state = state.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
            (state >> 11) as f64 / (1u64 << 53) as f64 * 2.0 - 0.5
        };
        let mut regions = Vec::new();
        for axis in (0..900).map(|n| n % 3) {
            let a: [f64; 3] = std::array::from_fn(|_| next());
            let b: [f64; 3] = std::array::from_fn(|_| next());
            let radius = 0.2 * next().abs();
            let upper = std::array::from_fn(|n| a[n] + 0.4 * b[n].abs());
            regions.push(Region::Box { lower: a, upper });
            regions.push(Region::Sphere { center: a, radius });
            regions.push(Region::Cylinder { axis, center: a, radius, range: [b[0], b[0] + 0.3 * b[1].abs()] });
            regions.push(Region::HalfSpace { point: a.map(|x| 2.0 * x - 0.5), normal: b.map(|x| x - 0.5) });
        }
        regions
    }

    #[test]
    fn empty_means_that_no_cell_is_inside() {
        let (grid, mut empty) = (grid(), 0);
        for region in regions() {
            assert_eq!(is_empty(&region, &grid), contains_no_cell(&region, &grid), "{region:?}");
            empty += usize::from(is_empty(&region, &grid));
        }
        assert!(empty > 300, "the sample has too few empty regions: {empty}");
    }
}
