//! Names, units and texts of the columns of `diagnostics.csv`.

use super::units::Units;
use crate::nbody::diagnostics::NBodyDiagnostics;
use crate::output::diagnostics::number;

/// Columns of a row: name with its unit in brackets, `1` for none, and value. Ids are written as whole numbers; what is not defined is
/// `NaN`.
pub fn columns(figures: &NBodyDiagnostics, units: &Units) -> Vec<(String, String)> {
    let mut columns = vec![("step".to_owned(), figures.step.to_string())];
    let mut push = |name: &str, unit: &str, value: f64| {
        let unit = if unit.is_empty() { "1" } else { unit };
        columns.push((format!("{name} [{unit}]"), number(value)));
    };
    push("time", units.time, figures.time);
    for (name, value) in
        [("kinetic", figures.kinetic), ("potential", figures.potential), ("total_energy", figures.total_energy)]
    {
        push(name, &units.energy(), value);
    }
    push("energy_drift", "", figures.energy_drift);
    push_vector(&mut push, "momentum", &units.momentum(), figures.momentum);
    push_vector(&mut push, "angular_momentum", &units.angular_momentum(), figures.angular_momentum);
    push_vector(&mut push, "centre_of_mass", units.length, figures.centre_of_mass);
    push("virial_ratio", "", figures.virial_ratio);
    for (percent, radius) in ["radius_10", "radius_50", "radius_90"].iter().zip(figures.lagrangian_radii) {
        push(percent, units.length, radius);
    }
    push("largest_acceleration", &units.acceleration(), figures.largest_acceleration);
    push("closest_distance", units.length, figures.closest.map_or(f64::NAN, |pair| pair.distance));
    for (n, name) in ["closest_id_a", "closest_id_b"].iter().enumerate() {
        let text = figures.closest.map_or("NaN".into(), |pair| pair.ids[n].to_string());
        columns.push(((*name).to_owned(), text));
    }
    columns
}

fn push_vector(push: &mut impl FnMut(&str, &str, f64), name: &str, unit: &str, vector: [f64; 3]) {
    for (axis, value) in ["x", "y", "z"].iter().zip(vector) {
        push(&format!("{name}_{axis}"), unit, value);
    }
}
