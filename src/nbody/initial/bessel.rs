//! Modified Bessel functions of order 0 and 1, for the field of an exponential disc.
//!
//! The polynomials of Abramowitz and Stegun 1964, 9.8.1 to 9.8.8: seven digits, far more than a disc of bodies shows. Beyond 3.75 and 2
//! the exponential factor is left out, so that products of I and K neither overflow nor lose digits.

/// I0(x) K0(x) - I1(x) K1(x) for positive x.
pub fn disc_factor(x: f64) -> f64 {
    i0_scaled(x) * k0_scaled(x) - i1_scaled(x) * k1_scaled(x)
}

/// The polynomial with the lowest coefficient first.
fn polynomial<const N: usize>(x: f64, coefficients: [f64; N]) -> f64 {
    coefficients.iter().rev().fold(0.0, |sum, c| sum * x + c)
}

/// exp(-x) I0(x).
fn i0_scaled(x: f64) -> f64 {
    if x < 3.75 {
        return libm::exp(-x) * i0_small(x);
    }
    let series =
        [0.39894228, 0.01328592, 0.00225319, -0.00157565, 0.00916281, -0.02057706, 0.02635537, -0.01647633, 0.00392377];
    polynomial(3.75 / x, series) / x.sqrt()
}

fn i0_small(x: f64) -> f64 {
    let t = x / 3.75;
    polynomial(t * t, [1.0, 3.5156229, 3.0899424, 1.2067492, 0.2659732, 0.0360768, 0.0045813])
}

/// exp(-x) I1(x).
fn i1_scaled(x: f64) -> f64 {
    if x < 3.75 {
        return libm::exp(-x) * i1_small(x);
    }
    let series = [
        0.39894228,
        -0.03988024,
        -0.00362018,
        0.00163801,
        -0.01031555,
        0.02282967,
        -0.02895312,
        0.01787654,
        -0.00420059,
    ];
    polynomial(3.75 / x, series) / x.sqrt()
}

fn i1_small(x: f64) -> f64 {
    let t = x / 3.75;
    x * polynomial(t * t, [0.5, 0.87890594, 0.51498869, 0.15084934, 0.02658733, 0.00301532, 0.00032411])
}

/// exp(x) K0(x).
fn k0_scaled(x: f64) -> f64 {
    if x > 2.0 {
        let series = [1.25331414, -0.07832358, 0.02189568, -0.01062446, 0.00587872, -0.00251540, 0.00053208];
        return polynomial(2.0 / x, series) / x.sqrt();
    }
    let t = 0.5 * x;
    let series = [-0.57721566, 0.42278420, 0.23069756, 0.03488590, 0.00262698, 0.00010750, 0.00000740];
    libm::exp(x) * (polynomial(t * t, series) - libm::log(t) * i0_small(x))
}

/// exp(x) K1(x).
fn k1_scaled(x: f64) -> f64 {
    if x > 2.0 {
        let series = [1.25331414, 0.23498619, -0.03655620, 0.01504268, -0.00780353, 0.00325614, -0.00068245];
        return polynomial(2.0 / x, series) / x.sqrt();
    }
    let t = 0.5 * x;
    let series = [1.0, 0.15443144, -0.67278579, -0.18156897, -0.01919402, -0.00110404, -0.00004686];
    libm::exp(x) * (libm::log(t) * i1_small(x) + polynomial(t * t, series) / x)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_those_of_the_tables() {
        // Abramowitz and Stegun 1964, table 9.8: I0, I1, K0, K1 at 1 and 5.
        for (x, values) in [
            (1.0f64, [1.266065878, 0.5651591040, 0.4210244382, 0.6019072302]),
            (5.0, [27.23987182, 24.33564214, 3.691098334e-3, 4.044613445e-3]),
        ] {
            let (down, up) = ((-x).exp(), x.exp());
            let found = [i0_scaled(x) / down, i1_scaled(x) / down, k0_scaled(x) / up, k1_scaled(x) / up];
            for (a, b) in found.into_iter().zip(values) {
                // The authors state 2e-7.
                assert!((a / b - 1.0).abs() < 4e-7, "at {x}: {a} and not {b}");
            }
        }
    }
}
