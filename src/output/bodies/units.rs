//! Names of units in files and pictures, and their sizes in cgs units for formats that want these.
//!
//! The au is exact (IAU 2012, resolution B2) and so is the parsec, 648000/pi au (IAU 2015, resolution B2). The solar mass is the nominal
//! G M of the sun, 1.3271244e20 m^3/s^2 (IAU 2015, resolution B3), over G = 6.67430e-11 m^3/(kg s^2) (CODATA 2018). A year has 365.25 days of
//! 86400 s.

use crate::nbody::problem::UnitSystem;

/// The astronomical unit in centimetres.
const AU: f64 = 1.495978707e13;
/// The kiloparsec in centimetres.
const KPC: f64 = 3.085677581491367e21;
/// The mass of the sun in grams.
const SUN: f64 = 1.3271244e26 / 6.67430e-8;
/// Seconds of a day.
const DAY: f64 = 86_400.0;
/// Seconds of a Julian year.
const YEAR: f64 = 365.25 * DAY;

/// Names and sizes of a system of units.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Units {
    /// Name of the unit of length; empty if it has none.
    pub length: &'static str,
    /// Name of the unit of mass; empty if it has none.
    pub mass: &'static str,
    /// Name of the unit of time; empty if it has none.
    pub time: &'static str,
    /// Name of the unit of velocity; empty if it has none.
    pub velocity: &'static str,
    /// Unit of time in pictures, and how many of them the unit of time has.
    pub shown_time: (&'static str, f64),
    /// Length, mass and velocity in cm, g, cm/s; 1 if they have no size.
    pub cgs: [f64; 3],
}

impl Units {
    /// The units of a system.
    pub fn of(system: UnitSystem) -> Units {
        let same =
            |time, length, mass, velocity, cgs| Units { length, mass, time, velocity, shown_time: (time, 1.0), cgs };
        match system {
            UnitSystem::NBody => same("", "", "", "", [1.0; 3]),
            UnitSystem::Si => same("s", "m", "kg", "m/s", [100.0, 1000.0, 100.0]),
            UnitSystem::SolarYears => same("yr", "au", "Msun", "au/yr", [AU, SUN, AU / YEAR]),
            UnitSystem::SolarDays => same("d", "au", "Msun", "au/d", [AU, SUN, AU / DAY]),
            UnitSystem::Galactic => Units {
                shown_time: ("Gyr", KPC / 1e5 / YEAR / 1e9),
                ..same("kpc/(km/s)", "kpc", "1e10 Msun", "km/s", [KPC, 1e10 * SUN, 1e5])
            },
        }
    }

    /// Unit of energy.
    pub fn energy(&self) -> String {
        self.product(format!("{} ({})^2", self.mass, self.velocity))
    }

    /// Unit of momentum.
    pub fn momentum(&self) -> String {
        self.product(format!("{} {}", self.mass, self.velocity))
    }

    /// Unit of angular momentum.
    pub fn angular_momentum(&self) -> String {
        self.product(format!("{} {} {}", self.mass, self.length, self.velocity))
    }

    /// Unit of acceleration.
    pub fn acceleration(&self) -> String {
        self.product(format!("({})^2/{}", self.velocity, self.length))
    }

    /// Unit of surface density, with a raised 2.
    pub fn surface_density(&self) -> String {
        self.product(format!("{}/{}\u{b2}", self.mass, self.length))
    }

    fn product(&self, text: String) -> String {
        if self.length.is_empty() { String::new() } else { text }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_those_of_the_tables() {
        // A kiloparsec at 1 km/s: 0.9778 thousand million years (any textbook).
        let galactic = Units::of(UnitSystem::Galactic);
        assert!((galactic.shown_time.1 - 0.977_792_2).abs() < 1e-7);
        // The earth's mean speed is 2 pi au a year, 29.785 km/s.
        let speed = std::f64::consts::TAU * Units::of(UnitSystem::SolarYears).cgs[2];
        assert!((speed / 2.9785e6 - 1.0).abs() < 1e-4);
        assert!((SUN / 1.98841e33 - 1.0).abs() < 1e-6);
        assert!((KPC / (AU * 648_000_000.0 / std::f64::consts::PI) - 1.0).abs() < 1e-15);
    }

    #[test]
    fn the_unnamed_system_has_no_names() {
        let none = Units::of(UnitSystem::NBody);
        assert_eq!(none.energy() + &none.surface_density() + &none.acceleration(), "");
        assert_eq!(Units::of(UnitSystem::Galactic).energy(), "1e10 Msun (km/s)^2");
    }
}
