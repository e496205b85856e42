//! Built-in materials: thermal properties at about 20 to 25 degC with the source of every number.
//!
//! Values are those of the reference named, not averages of several. Solids vary (alloy, moisture, direction of the grain):
//! a deck can override any of the three numbers. Liquids and gases conduct here as if they stood still; convection inside
//! them is not part of the heat equation.

use super::problem::Material;

/// An entry of the table.
#[derive(Clone, Copy, Debug)]
pub struct NamedMaterial {
    /// Name in the deck.
    pub name: &'static str,
    /// Its three properties.
    pub material: Material,
    /// Where the numbers come from.
    pub source: &'static str,
}

const INCROPERA_1: &str = "Incropera & DeWitt, Fundamentals of Heat and Mass Transfer, table A.1, 300 K";
const INCROPERA_3: &str = "Incropera & DeWitt, table A.3, 300 K";
const INCROPERA_4: &str = "Incropera & DeWitt, table A.4, 300 K, 1 atm";
const INCROPERA_6: &str = "Incropera & DeWitt, table A.6, saturated liquid, 300 K";
/// As tabulated in the library `ht` (C. Bell), which cites the standard; the standard itself was not seen. Superseded by ISO 10456:2007.
const EN_12524: &str = "EN 12524:2000";

/// All built-in materials in alphabetical order.
pub const MATERIALS: &[NamedMaterial] = &[
    entry("acrylic", 0.18, 1180.0, 1500.0, "EN 12524:2000, PMMA"),
    entry("air", 0.0263, 1.1614, 1007.0, INCROPERA_4),
    entry("alumina", 36.0, 3970.0, 765.0, "Incropera & DeWitt, table A.2, polycrystalline, 300 K"),
    entry("aluminium", 237.0, 2702.0, 903.0, INCROPERA_1),
    entry("aluminium_6061", 167.0, 2700.0, 896.0, "ASM Handbook vol. 2 (1990), alloy 6061-T6"),
    entry("brass", 110.0, 8530.0, 380.0, "Incropera & DeWitt, table A.1, cartridge brass, 300 K"),
    entry("brick", 0.72, 1920.0, 835.0, "Incropera & DeWitt, table A.3, common brick, 300 K"),
    entry("bronze", 52.0, 8800.0, 420.0, "Incropera & DeWitt, table A.1, commercial bronze, 300 K"),
    entry(
        "cola",
        0.578,
        1041.0,
        3901.0,
        "10.6 % sucrose in water, 20 degC: density CRC Handbook; k, c Choi & Okos (1986)",
    ),
    entry("concrete", 1.4, 2300.0, 880.0, "Incropera & DeWitt, table A.3, stone mix, 300 K"),
    entry("copper", 401.0, 8933.0, 385.0, INCROPERA_1),
    entry(
        "diamond",
        2300.0,
        3515.0,
        520.0,
        "Type IIa, 300 K: k, density S. J. Sque, University of Exeter; c Ioffe Institute, NSM archive",
    ),
    entry("epoxy", 0.20, 1200.0, 1400.0, EN_12524),
    entry(
        "fr4",
        0.343,
        1850.0,
        999.0,
        "Through the board: k Sarvar, Poole & Witting (1990); density Wikipedia, FR-4; c NIST, G-10 CR, 300 K",
    ),
    entry("glass", 1.0, 2500.0, 750.0, "EN 12524:2000, soda-lime glass"),
    entry("gold", 317.0, 19300.0, 129.0, INCROPERA_1),
    entry("granite", 2.8, 2600.0, 1000.0, EN_12524),
    entry("gypsum_board", 0.25, 900.0, 1000.0, "EN 12524:2000, gypsum plasterboard"),
    entry("ice", 2.2, 900.0, 2000.0, "EN 12524:2000, 0 degC"),
    entry("iron", 80.2, 7870.0, 447.0, INCROPERA_1),
    entry("lead", 35.3, 11340.0, 129.0, INCROPERA_1),
    entry("limestone", 1.7, 2200.0, 1000.0, "EN 12524:2000, hard"),
    entry("marble", 3.5, 2800.0, 1000.0, EN_12524),
    entry("mineral_wool", 0.038, 40.0, 1030.0, "k, density: a usual product by EN 13162; c: ISO 10456:2007, table 4"),
    entry("nickel", 90.7, 8900.0, 444.0, INCROPERA_1),
    entry("nylon", 0.25, 1150.0, 1600.0, "EN 12524:2000, polyamide"),
    entry("oak", 0.16, 720.0, 1255.0, "Incropera & DeWitt, table A.3, hardwoods, across the grain, 300 K"),
    entry("pet", 0.145, 1345.0, 1445.0, "Ashby, Materials and the Environment, middles of the ranges"),
    entry("pine", 0.12, 510.0, 1380.0, "Incropera & DeWitt, table A.3, softwoods, across the grain, 300 K"),
    entry("plaster", 0.72, 1860.0, 780.0, "Incropera & DeWitt, table A.3, cement mortar, 300 K"),
    entry("plywood", 0.12, 545.0, 1215.0, INCROPERA_3),
    entry("polycarbonate", 0.20, 1200.0, 1200.0, EN_12524),
    entry("polyethylene", 0.50, 980.0, 1800.0, "EN 12524:2000, high density"),
    entry("polypropylene", 0.22, 910.0, 1800.0, EN_12524),
    entry("polystyrene", 0.040, 16.0, 1210.0, "Expanded (EPS): Incropera & DeWitt, table A.3, molded beads, 300 K"),
    entry("ptfe", 0.25, 2200.0, 1000.0, EN_12524),
    entry("pvc", 0.17, 1390.0, 900.0, EN_12524),
    entry("quartz_glass", 1.38, 2220.0, 745.0, "Incropera & DeWitt, table A.2, fused silica, 300 K"),
    entry("rubber", 0.13, 910.0, 1100.0, "EN 12524:2000, natural rubber"),
    entry("sand", 2.0, 1950.0, 1045.0, "EN 12524:2000, sand and gravel, middles of the ranges"),
    entry("silicon", 148.0, 2330.0, 712.0, INCROPERA_1),
    entry("silicone", 0.35, 1200.0, 1000.0, "EN 12524:2000, pure silicone"),
    entry("silver", 429.0, 10500.0, 235.0, INCROPERA_1),
    entry("soil", 1.5, 1500.0, 2085.0, "EN 12524:2000, clay or silt, middles of the ranges"),
    entry("stainless_steel", 17.0, 7900.0, 460.0, EN_12524),
    entry("steel", 60.5, 7854.0, 434.0, "Incropera & DeWitt, table A.1, plain carbon steel, 300 K"),
    entry("tin", 66.6, 7310.0, 227.0, INCROPERA_1),
    entry("titanium", 21.9, 4500.0, 522.0, INCROPERA_1),
    entry("tungsten", 174.0, 19300.0, 132.0, INCROPERA_1),
    entry("water", 0.613, 997.0, 4179.0, INCROPERA_6),
    entry("zinc", 110.0, 7200.0, 380.0, EN_12524),
];

/// Other names of the same things: `(other name, name in the table)`.
const OTHER_NAMES: &[(&str, &str)] = &[
    ("aluminum", "aluminium"),
    ("eps", "polystyrene"),
    ("hdpe", "polyethylene"),
    ("mortar", "plaster"),
    ("pmma", "acrylic"),
    ("teflon", "ptfe"),
    ("wood", "pine"),
];

const fn entry(name: &'static str, k: f64, rho: f64, c: f64, source: &'static str) -> NamedMaterial {
    NamedMaterial { name, material: Material { conductivity: k, density: rho, specific_heat: c }, source }
}

/// The built-in material of this name (lower case; spaces and hyphens count as underscores).
pub fn find(name: &str) -> Option<Material> {
    let wanted = name.to_lowercase().replace([' ', '-'], "_");
    let wanted = OTHER_NAMES.iter().find(|(other, _)| *other == wanted).map_or(wanted.as_str(), |(_, name)| name);
    MATERIALS.iter().find(|entry| entry.name == wanted).map(|entry| entry.material)
}

/// All names that [`find`] knows.
pub fn names() -> impl Iterator<Item = &'static str> {
    MATERIALS.iter().map(|entry| entry.name).chain(OTHER_NAMES.iter().map(|(other, _)| *other))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_sorted_and_unique() {
        assert!(MATERIALS.windows(2).all(|pair| pair[0].name < pair[1].name));
        assert!(OTHER_NAMES.iter().all(|(other, name)| find(other).is_some() && find(name) == find(other)));
    }

    #[test]
    fn diffusivities_lie_between_rubber_and_diamond() {
        for entry in MATERIALS {
            let diffusivity = entry.material.diffusivity();
            assert!((5e-8..2e-3).contains(&diffusivity), "{}: {diffusivity}", entry.name);
        }
    }

    #[test]
    fn heat_capacity_of_solids_and_liquids_is_of_one_order() {
        let light = ["air", "mineral_wool", "polystyrene"];
        for entry in MATERIALS.iter().filter(|entry| !light.contains(&entry.name)) {
            let capacity = entry.material.heat_capacity();
            assert!((0.6e6..4.3e6).contains(&capacity), "{}: {capacity}", entry.name);
        }
    }

    #[test]
    fn spelling_is_forgiven() {
        assert_eq!(find("Stainless Steel"), find("stainless_steel"));
        assert!(find("unobtainium").is_none());
    }
}
