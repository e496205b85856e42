//! Systems of units: the gravitational constant in each, and the names of its units.
//!
//! Constants and their sources:
//! - G = 6.67430e-11 m3/(kg s2): CODATA 2018.
//! - GM of the sun, nominal: 1.3271244e20 m3/s2, IAU 2015 resolution B3. It is known to ten digits, G to five; so a system with
//!   the solar mass as its unit takes GM and never G times a mass.
//! - The astronomical unit: 149,597,870,700 m, IAU 2012 resolution B2, exact. The parsec: 648,000 / pi au, IAU 2015 B2.
//! - The Gaussian constant k = 0.01720209895: G = k^2 in au, days and solar masses (IAU 1976), in which the classic integrations
//!   of the solar system are written.

/// Units in which a deck and its results are written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum UnitSystem {
    /// G = 1, no names.
    #[default]
    NBody,
    /// m, kg, s.
    Si,
    /// au, solar masses, Julian years.
    SolarYears,
    /// au, solar masses, days.
    SolarDays,
    /// kpc, 1e10 solar masses, km/s.
    Galactic,
}

/// Newton's constant in m3/(kg s2).
const NEWTON: f64 = 6.67430e-11;
/// GM of the sun in m3/s2.
const GM_SUN: f64 = 1.3271244e20;
/// Astronomical unit in m.
const AU: f64 = 149_597_870_700.0;
/// Kiloparsec in m.
const KPC: f64 = 1000.0 * 648_000.0 / std::f64::consts::PI * AU;
/// Day in s.
const DAY: f64 = 86_400.0;
/// Julian year in s.
const YEAR: f64 = 365.25 * DAY;
/// Gaussian gravitational constant in au^(3/2) / (day Msun^(1/2)).
const GAUSS: f64 = 0.017_202_098_95;
/// Solar masses in the galactic unit of mass.
const GALACTIC_MASS: f64 = 1e10;
/// km/s in m/s.
const KM_S: f64 = 1000.0;

impl UnitSystem {
    /// The gravitational constant in these units.
    pub fn gravitational_constant(self) -> f64 {
        match self {
            UnitSystem::NBody => 1.0,
            UnitSystem::Si => NEWTON,
            UnitSystem::SolarYears => GM_SUN * YEAR * YEAR / (AU * AU * AU),
            UnitSystem::SolarDays => GAUSS * GAUSS,
            UnitSystem::Galactic => GM_SUN * GALACTIC_MASS / (KPC * KM_S * KM_S),
        }
    }

    /// Name of the unit of length; empty if it has none.
    pub fn length(self) -> &'static str {
        match self {
            UnitSystem::NBody => "",
            UnitSystem::Si => "m",
            UnitSystem::SolarYears | UnitSystem::SolarDays => "au",
            UnitSystem::Galactic => "kpc",
        }
    }

    /// Name of the unit of mass; empty if it has none.
    pub fn mass(self) -> &'static str {
        match self {
            UnitSystem::NBody => "",
            UnitSystem::Si => "kg",
            UnitSystem::SolarYears | UnitSystem::SolarDays => "Msun",
            UnitSystem::Galactic => "1e10 Msun",
        }
    }

    /// Name of the unit of time; empty if it has none. A galactic unit of time is 0.978 Gyr.
    pub fn time(self) -> &'static str {
        match self {
            UnitSystem::NBody => "",
            UnitSystem::Si => "s",
            UnitSystem::SolarYears => "yr",
            UnitSystem::SolarDays => "d",
            UnitSystem::Galactic => "kpc/(km/s)",
        }
    }

    /// Name of the unit of velocity; empty if it has none.
    pub fn velocity(self) -> &'static str {
        match self {
            UnitSystem::NBody => "",
            UnitSystem::Si => "m/s",
            UnitSystem::SolarYears => "au/yr",
            UnitSystem::SolarDays => "au/d",
            UnitSystem::Galactic => "km/s",
        }
    }

    /// The units of length, mass and time in m, kg and s; `None` if they have no names.
    pub fn in_si(self) -> Option<[f64; 3]> {
        let solar_mass = GM_SUN / NEWTON;
        match self {
            UnitSystem::NBody => None,
            UnitSystem::Si => Some([1.0; 3]),
            UnitSystem::SolarYears => Some([AU, solar_mass, YEAR]),
            UnitSystem::SolarDays => Some([AU, solar_mass, DAY]),
            UnitSystem::Galactic => Some([KPC, GALACTIC_MASS * solar_mass, KPC / KM_S]),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn constants_are_those_of_the_literature() {
        // 4 pi^2 au3/(Msun yr2) but for the Gaussian year of 365.2568983 d and the digits of GM: 39.47692.
        assert!((UnitSystem::SolarYears.gravitational_constant() - 39.476_92).abs() < 1e-4);
        // 4.30091e-6 kpc (km/s)^2 / Msun.
        assert!((UnitSystem::Galactic.gravitational_constant() - 43_009.1).abs() < 0.2);
        assert!((UnitSystem::SolarDays.gravitational_constant() - 2.959_122_083e-4).abs() < 1e-12);
    }

    #[test]
    fn a_constant_is_newtons_in_the_units() {
        for units in [UnitSystem::Si, UnitSystem::SolarYears, UnitSystem::SolarDays, UnitSystem::Galactic] {
            let [length, mass, time] = units.in_si().unwrap();
            let constant = NEWTON * mass * time * time / (length * length * length);
            // k^2 and the nominal GM of the sun differ by less than 1e-7 of their value; the rest is rounding.
            assert!((constant / units.gravitational_constant() - 1.0).abs() < 1e-7, "{units:?}");
        }
        assert_eq!(UnitSystem::NBody.in_si(), None);
        // The velocity of the galactic system is km/s exactly.
        let [length, _, time] = UnitSystem::Galactic.in_si().unwrap();
        assert_eq!(length / time, KM_S);
    }
}
