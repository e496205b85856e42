//! Vectors of three components: products and lengths that neither overflow nor underflow on the way.

/// Cross product.
pub fn cross(a: [f64; 3], b: [f64; 3]) -> [f64; 3] {
    [a[1] * b[2] - a[2] * b[1], a[2] * b[0] - a[0] * b[2], a[0] * b[1] - a[1] * b[0]]
}

/// Difference `a - b`.
pub fn difference(a: [f64; 3], b: [f64; 3]) -> [f64; 3] {
    std::array::from_fn(|axis| a[axis] - b[axis])
}

/// Sum of the squares, x first.
pub fn squared(a: [f64; 3]) -> f64 {
    a[0] * a[0] + a[1] * a[1] + a[2] * a[2]
}

/// Length. Squares are taken of numbers near 1 if those of the components would leave the range of normal numbers. Not
/// `hypot`: its bits belong to the mathematical library.
pub fn length(a: [f64; 3]) -> f64 {
    let largest = a.iter().fold(0.0f64, |m, x| m.max(x.abs()));
    if (1e-140..1e140).contains(&largest) {
        return squared(a).sqrt();
    }
    if largest == 0.0 || largest.is_infinite() {
        return largest;
    }
    squared(a.map(|x| x / largest)).sqrt() * largest
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_over_the_whole_range() {
        assert_eq!(length([2.0, 3.0, 6.0]), 7.0);
        assert_eq!(length([0.0; 3]), 0.0);
        assert_eq!(length([0.0, -1e300, 0.0]), 1e300);
        assert_eq!(length([f64::INFINITY, 1.0, 0.0]), f64::INFINITY);
        // Two divisions, a root and a product are rounded.
        assert!((length([2e-200, 3e-200, 6e-200]) / 7e-200 - 1.0).abs() < 4.0 * f64::EPSILON);
    }

    #[test]
    fn the_cross_product_is_right_handed() {
        assert_eq!(cross([1.0, 0.0, 0.0], [0.0, 1.0, 0.0]), [0.0, 0.0, 1.0]);
        assert_eq!(cross([1.0, 2.0, 3.0], [4.0, 5.0, 6.0]), [-3.0, 6.0, -3.0]);
    }
}
