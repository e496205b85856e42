//! One rung of the ladder of verification.

/// What was measured, what it should be, how far off it may be.
#[derive(Clone, Debug)]
pub struct Rung {
    /// What is verified.
    pub name: String,
    /// Measured.
    pub value: f64,
    /// Expected.
    pub expected: f64,
    /// Largest distance that passes.
    pub tolerance: f64,
}

impl Rung {
    /// An error, which should be 0 and may be as large as `tolerance`.
    pub fn error(name: impl Into<String>, value: f64, tolerance: f64) -> Rung {
        Rung { name: name.into(), value, expected: 0.0, tolerance }
    }

    /// A number of things that should not be.
    pub fn none(name: impl Into<String>, found: usize) -> Rung {
        Rung::error(name, found as f64, 0.0)
    }

    /// Whether the rung holds.
    pub fn pass(&self) -> bool {
        (self.value - self.expected).abs() <= self.tolerance
    }

    /// A line of the table under the head.
    pub fn line(&self) -> String {
        let word = if self.pass() { "PASS" } else { "FAIL" };
        row(&format!("  {}", self.name), [self.value, self.expected, self.tolerance].map(short)) + "  " + word
    }
}

/// The first line of the table.
pub fn head() -> String {
    row("", ["measured", "expected", "+-"].map(str::to_owned))
}

fn row(name: &str, [value, expected, tolerance]: [String; 3]) -> String {
    format!("{name:<60} {value:>10} {expected:>9} {tolerance:>8}")
}

/// Four digits, with an exponent where there must be one.
fn short(value: f64) -> String {
    match value.abs() {
        0.0 => "0".into(),
        small if small < 1e-3 => format!("{value:.1e}"),
        _ => format!("{value:.4}").trim_end_matches('0').trim_end_matches('.').into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rung_holds_up_to_its_tolerance_and_not_without_a_number() {
        let rung = |value| Rung { name: "order".into(), value, expected: 2.0, tolerance: 0.05 };
        assert!(rung(2.05).pass() && rung(1.96).pass() && !rung(2.06).pass() && !rung(f64::NAN).pass());
        assert!(Rung::none("shapes", 0).pass() && !Rung::none("shapes", 1).pass());
        assert!(Rung::error("drift", -1e-13, 1e-12).pass());
    }

    #[test]
    fn lines_stand_under_their_head() {
        let line = Rung::error("energy of a thousand bodies, relative error", 3.21e-15, 1e-13).line();
        assert!(line.ends_with("3.2e-15         0  1.0e-13  PASS"), "{line}");
        assert_eq!(line.find("1.0e-13").map(|at| at + 7), Some(head().len()));
        assert_eq!([0.0, 2.01234567, -1.5, 12.0].map(short), ["0", "2.0123", "-1.5", "12"]);
    }
}
