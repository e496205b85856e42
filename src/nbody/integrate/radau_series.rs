//! The Gauss-Radau quadrature of order 15 and the two bases of its polynomial (Everhart 1985; Rein & Spiegel 2015).
//!
//! Inside a step of length H the acceleration at the time h H, 0 <= h <= 1, is taken as
//! ```text
//! a(h) = a0 + b0 h + b1 h^2 + ... + b6 h^7
//!      = a0 + g0 h + g1 h (h - h1) + ... + g6 h (h - h1) ... (h - h6)
//! ```
//! The g follow one after the other from accelerations at the nodes h1 ... h7 (divided differences); the b are what is integrated.

/// Unknown coefficients of the polynomial, and nodes after the first.
pub const TERMS: usize = 7;

/// Nodes: 0 and the roots of (P7(x) + P8(x)) / (1 + x) with x = 2 h - 1, P the Legendre polynomials.
pub const NODES: [f64; TERMS + 1] = [
    0.0,
    0.056_262_560_536_922_15,
    0.180_240_691_736_892_36,
    0.352_624_717_113_169_6,
    0.547_153_626_330_555_4,
    0.734_210_177_215_410_5,
    0.885_320_946_839_095_8,
    0.977_520_613_561_287_5,
];

/// A square matrix over the coefficients.
pub type Matrix = [[f64; TERMS]; TERMS];

/// Row j: the powers of h in (h - h1) ... (h - hj). Turns a change of g_j into changes of b_0 ... b_j.
pub fn powers_of_newton() -> Matrix {
    let mut rows = [[0.0; TERMS]; TERMS];
    rows[0][0] = 1.0;
    for j in 1..TERMS {
        for k in 0..=j {
            let raised = if k > 0 { rows[j - 1][k - 1] } else { 0.0 };
            rows[j][k] = raised - NODES[j] * rows[j - 1][k];
        }
    }
    rows
}

/// The inverse. Row j: h^j as a sum of products (h - h1) ... (h - hk).
pub fn newton_of_powers() -> Matrix {
    let mut rows = [[0.0; TERMS]; TERMS];
    rows[0][0] = 1.0;
    for j in 1..TERMS {
        for k in 0..=j {
            let raised = if k > 0 { rows[j - 1][k - 1] } else { 0.0 };
            rows[j][k] = raised + NODES[k + 1] * rows[j - 1][k];
        }
    }
    rows
}

/// 1 / (h_n - h_k) in row n - 1 for k = 0 ... n - 1.
pub fn inverse_differences() -> Matrix {
    let mut rows = [[0.0; TERMS]; TERMS];
    for n in 1..=TERMS {
        for k in 0..n {
            rows[n - 1][k] = 1.0 / (NODES[n] - NODES[k]);
        }
    }
    rows
}

/// Binomial coefficients: row k, column j is "j + 1 over k + 1", with which the polynomial is continued past its step.
pub fn continuation() -> Matrix {
    let mut rows = [[0.0; TERMS]; TERMS];
    for (k, row) in rows.iter_mut().enumerate() {
        let mut value = 1.0;
        for (j, entry) in row.iter_mut().enumerate().skip(k) {
            *entry = value;
            value = value * (j + 2) as f64 / (j + 1 - k) as f64;
        }
    }
    rows
}

/// The integral of a(h) - a0 from 0 to h: the gain in velocity over H is h a0 + this.
#[inline(always)]
pub fn once_integrated(b: [f64; TERMS], h: f64) -> f64 {
    let mut sum = 0.0;
    for k in (0..TERMS).rev() {
        sum = (sum + b[k] * (1.0 / (k + 2) as f64)) * h;
    }
    sum * h
}

/// The integral of that: the gain in position over H^2 is h^2 a0 / 2 + this.
#[inline(always)]
pub fn twice_integrated(b: [f64; TERMS], h: f64) -> f64 {
    let mut sum = 0.0;
    for k in (0..TERMS).rev() {
        sum = (sum + b[k] * (1.0 / ((k + 2) * (k + 3)) as f64)) * h;
    }
    sum * h * h
}

/// The seventh root of a number between 0 and 4^7, by Newton's method. The library's `powf` may differ in bits between machines.
pub fn seventh_root(x: f64) -> f64 {
    let mut root = 4.0f64;
    loop {
        let sixth = (root * root * root) * (root * root * root);
        let next = root + (x / sixth - root) / 7.0;
        // From above the sequence falls until round-off stops it.
        let falls = next > 0.0 && next < root;
        if !falls {
            return root;
        }
        root = next;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn legendre(n: usize, x: f64) -> f64 {
        let (mut before, mut value) = (1.0, x);
        for k in 1..n {
            let k = k as f64;
            (before, value) = (value, ((2.0 * k + 1.0) * x * value - k * before) / (k + 1.0));
        }
        value
    }

    #[test]
    fn nodes_are_the_roots_of_radau() {
        for h in NODES {
            let x = 2.0 * h - 1.0;
            // Slopes at the roots are 60 at most, and h is rounded by 1e-16.
            assert!((legendre(7, x) + legendre(8, x)).abs() < 2e-14, "{h}");
        }
    }

    #[test]
    fn the_bases_are_inverse_to_each_other() {
        let (c, d) = (powers_of_newton(), newton_of_powers());
        for (i, row) in c.iter().enumerate() {
            for j in 0..TERMS {
                let product: f64 = row.iter().zip(&d).map(|(c, d)| c * d[j]).sum();
                // Entries are below 4 in magnitude.
                assert!((product - f64::from(i == j)).abs() < 1e-14, "{i} {j} {product}");
            }
        }
    }

    #[test]
    fn the_continuation_is_the_polynomial_about_its_end() {
        let b = [0.3, -1.0, 0.5, 2.0, -0.7, 0.1, 1.1];
        let at = |b: [f64; TERMS], h: f64| b.iter().rev().fold(0.0, |sum, b| (sum + b) * h);
        let rows = continuation();
        let next: [f64; TERMS] = std::array::from_fn(|k| (0..TERMS).map(|j| rows[k][j] * b[j]).sum());
        assert_eq!(rows[2][4], 10.0);
        for h in [0.25, 0.5, 1.0] {
            let expected = at(b, 1.0 + h) - at(b, 1.0);
            assert!((at(next, h) - expected).abs() < 1e-13 * expected.abs());
        }
    }

    #[test]
    fn integrals_of_powers() {
        let b: [f64; TERMS] = std::array::from_fn(|k| ((k + 2) * (k + 3)) as f64);
        let h = 0.75f64;
        let expected: f64 = (3..10).map(|k| h.powi(k)).sum();
        assert!((twice_integrated(b, h) - expected).abs() < 1e-15);
        let expected: f64 = (2..9).map(|k| (k + 1) as f64 * h.powi(k)).sum();
        assert!((once_integrated(b, h) - expected).abs() < 1e-14);
    }

    #[test]
    fn roots_to_the_seventh() {
        for x in [1e-30, 1e-9, 0.5, 1.0, 2.0, 1000.0, 16384.0f64] {
            assert!((seventh_root(x).powi(7) / x - 1.0).abs() < 1e-14, "{x}");
        }
        assert!(seventh_root(0.0) < 1e-40);
    }
}
