//! Bodies at time 0 against theory, and the same for every number of ranks.

use super::*;
use crate::comm::{solo::Solo, threads};
use crate::nbody::groups::{DiscGalaxy, FileFormat, Orbit, Path, Placement, Polygon, Profile, Sphere, UniformSphere};
use std::f64::consts::PI;

/// Reads no files.
struct NoFiles;

impl BodyFiles for NoFiles {
    fn open(&self, path: &std::path::Path, _: FileFormat) -> Result<Box<dyn BodyRows>> {
        Err(Error::Input(format!("{}: there are no files here", path.display())))
    }
}

fn problem(groups: Vec<BodyGroup>) -> NBodyProblem {
    NBodyProblem { groups, ..NBodyProblem::default() }
}

fn group(model: Model, seed: u64, placement: Placement) -> BodyGroup {
    BodyGroup::Generated(Generated { model, seed, placement })
}

fn made(model: Model) -> Particles {
    bodies(&problem(vec![group(model, 1, Placement::default())]), &NoFiles, &Solo).unwrap()
}

fn sphere(profile: Profile, count: u64) -> Sphere {
    let truncation = if profile == Profile::Nfw { 10.0 } else { f64::INFINITY };
    Sphere { profile, count, mass: 1.0, scale_radius: 1.0, truncation }
}

fn galaxy() -> DiscGalaxy {
    DiscGalaxy {
        count: 20_000,
        mass: 1.0,
        scale_radius: 1.0,
        scale_height: 0.1,
        truncation: 8.0,
        toomre_q: 1.5,
        halo: Sphere { profile: Profile::Hernquist, count: 7_001, mass: 9.0, scale_radius: 4.0, truncation: 40.0 },
        bulge: Some(Sphere { profile: Profile::Hernquist, count: 999, mass: 0.2, scale_radius: 0.2, truncation: 4.0 }),
    }
}

fn length(vector: [f64; 3]) -> f64 {
    vector.iter().map(|x| x * x).sum::<f64>().sqrt()
}

fn sorted_radii(bodies: &Particles) -> Vec<f64> {
    let mut radii: Vec<f64> = (0..bodies.len()).map(|n| length(bodies.position_of(n))).collect();
    radii.sort_by(f64::total_cmp);
    radii
}

/// Twice the kinetic energy of bodies of mass 1 in all.
fn twice_kinetic(bodies: &Particles) -> f64 {
    (0..bodies.len()).map(|n| bodies.mass[n] * length(bodies.velocity_of(n)).powi(2)).sum()
}

/// Potential energy by all pairs.
fn potential(bodies: &Particles) -> f64 {
    let pair = |n: usize, m: usize| {
        let (a, b) = (bodies.position_of(n), bodies.position_of(m));
        bodies.mass[n] * bodies.mass[m] / length(std::array::from_fn(|axis| a[axis] - b[axis]))
    };
    -(0..bodies.len())
        .into_par_iter()
        .map(|n| (0..n).map(|m| pair(n, m)).sum::<f64>())
        .collect::<Vec<_>>()
        .iter()
        .sum::<f64>()
}

#[test]
fn plummer_has_the_energies_and_radii_of_theory() {
    let count = 10_000;
    let bodies = made(Model::Sphere(sphere(Profile::Plummer, count)));
    let noise = 1.0 / (count as f64).sqrt();
    // -3 pi / 32; the standard deviation of W over samples is 0.6 W / sqrt(N) (from 100 samples), so this is five of them.
    let expected = -3.0 * PI / 32.0;
    let (w, t) = (potential(&bodies), 0.5 * twice_kinetic(&bodies));
    assert!((w / expected - 1.0).abs() < 3.0 * noise, "W = {w} and not {expected}");
    assert!((-2.0 * t / w - 1.0).abs() < 4.0 * noise, "-2T/W = {}", -2.0 * t / w);
    assert!(((t + w) / (0.5 * expected) - 1.0).abs() < 6.0 * noise, "E = {}", t + w);
    let radii = sorted_radii(&bodies);
    for (fraction, expected) in [(0.1, 0.5240281), (0.5, 1.3047660), (0.9, 3.7071128)] {
        let found = radii[(fraction * count as f64) as usize];
        // Five deviations of a quantile: sqrt(p (1 - p) / N) / (dM/dln r), which is 0.22, 0.61 and 0.26 for these radii.
        let slope = 3.0 * found.powi(3) * (1.0 + found * found).powf(-2.5);
        let deviation = (fraction * (1.0 - fraction)).sqrt() * noise / slope;
        assert!((found / expected - 1.0).abs() < 5.0 * deviation, "radius of {fraction}: {found}, not {expected}");
    }
}

#[test]
fn spheres_follow_their_mass_profiles_and_are_in_balance() {
    let count = 20_000u64;
    for profile in [Profile::Plummer, Profile::Hernquist, Profile::Nfw] {
        let sphere =
            Sphere { truncation: if profile == Profile::Plummer { 20.0 } else { 10.0 }, ..sphere(profile, count) };
        let bodies = made(Model::Sphere(sphere));
        let distribution = profile::Distribution::of(&sphere);
        let radii = sorted_radii(&bodies);
        assert!(radii[radii.len() - 1] <= sphere.truncation * 1.01, "nothing lies beyond the truncation");
        // Kolmogorov and Smirnov: 1.95 / sqrt(N) is passed by one sample in a thousand.
        let distance = radii
            .iter()
            .enumerate()
            .map(|(n, &r)| ((n as f64 + 0.5) / count as f64 - distribution.mass_within(r)).abs());
        assert!(distance.fold(0.0, f64::max) < 1.95 / (count as f64).sqrt(), "{profile:?} does not follow its profile");
        local_balance(profile, &bodies, &distribution);
    }
}

/// Jeans' equation of an isotropic sphere around the scale radius: rho s^2 at r is the integral of rho G M / r^2 beyond it.
fn local_balance(profile: Profile, bodies: &Particles, distribution: &profile::Distribution) {
    let (low, high) = (0.7, 1.4);
    let (mut count, mut squares) = (0.0f64, [0.0; 3]);
    for n in 0..bodies.len() {
        let (x, v) = (bodies.position_of(n), bodies.velocity_of(n));
        let r = length(x);
        if (low..high).contains(&r) {
            let along = (0..3).map(|axis| x[axis] * v[axis]).sum::<f64>() / r;
            // On the polar side two thirds of the tangential square, by symmetry.
            (0..3).for_each(|axis| squares[axis] += v[axis] * v[axis]);
            squares[2] += along * along - v[2] * v[2];
            count += 1.0;
        }
    }
    let steps = 4000;
    let dispersion = |r: f64| {
        let ratio = (1e4 / r).powf(1.0 / f64::from(steps));
        let at = |n: i32| r * ratio.powf(f64::from(n) + 0.5);
        let force = |r: f64| distribution.density(r)[0] * distribution.mass_within(r) / (r * r);
        (0..steps).map(|n| force(at(n)) * at(n) * ratio.ln()).sum::<f64>() / distribution.density(r)[0]
    };
    let expected = 0.5 * (dispersion(low) + dispersion(high));
    // Five deviations of a mean square, and 3 % for the mean over the shell.
    let tolerance = 5.0 * (2.0 / count).sqrt() + 0.03;
    for (what, square) in [("x", squares[0]), ("y", squares[1]), ("radial", squares[2])] {
        let found = square / count;
        assert!((found / expected - 1.0).abs() < tolerance, "{profile:?}, {what}: {found} and not {expected}");
    }
}

#[test]
fn a_uniform_sphere_has_its_potential_energy_and_virial_ratio() {
    let count = 8_000;
    let model = |virial_ratio| Model::Uniform(UniformSphere { count, mass: 1.0, radius: 1.0, virial_ratio });
    let cold = made(model(0.0));
    assert_eq!(twice_kinetic(&cold), 0.0);
    // W = -3/5; its noise is far below N^-1/2.
    assert!((potential(&cold) / -0.6 - 1.0).abs() < 1.0 / (count as f64).sqrt());
    let warm = made(model(0.5));
    // Mean square of 3 N components.
    assert!((twice_kinetic(&warm) / (0.5 * 0.6) - 1.0).abs() < 5.0 * (2.0 / (3.0 * count as f64)).sqrt());
}

#[test]
fn a_disc_turns_as_its_field_asks() {
    let galaxy = galaxy();
    let bodies = made(Model::Disc(galaxy));
    let (mut rotation, mut outward, mut across, mut height, mut count) = (0.0, 0.0, 0.0, 0.0, 0.0f64);
    for n in 0..galaxy.count as usize {
        let ([x, y, z], [u, v, w]) = (bodies.position_of(n), bodies.velocity_of(n));
        let radius = x.hypot(y);
        assert!(radius <= 8.05, "nothing lies beyond the truncation (but for the shift of the centre)");
        height += z.abs() / galaxy.count as f64;
        if (2.3..2.7).contains(&radius) {
            rotation += (x * v - y * u) / radius;
            outward += ((x * u + y * v) / radius).powi(2);
            across += w * w;
            count += 1.0;
        }
    }
    // Mean of |z| of sech^2(z / z0) is z0 ln 2.
    assert!((height / (0.1 * 2f64.ln()) - 1.0).abs() < 0.03, "mean height {height}");
    let (rotation, outward, across) = (rotation / count, outward / count, across / count);
    // At 2.5 scale lengths: halo 9 / 0.8264 (1 / 6.5^2 * 2.5) and so on; the disc's own part by Freeman's formula is 0.387 G M / R_d at its
    // maximum at 2.15 and 0.383 at 2.5. The lag by the drift is below a tenth.
    let halo = 9.0 * 2.5 / 42.25 * (44.0f64 / 40.0).powi(2);
    let bulge = 0.2 * 2.5 / 2.7f64.powi(2) * (4.2f64 / 4.0).powi(2);
    let circular = (halo + bulge + 0.383).sqrt();
    assert!((0.88..1.0).contains(&(rotation / circular)), "rotation {rotation}, circular speed {circular}");
    let surface = (-2.5f64).exp() / (2.0 * PI);
    // Isothermal sheet: pi G Sigma z0; the shell has some 1,400 bodies and Sigma changes over it.
    assert!((across / (PI * surface * 0.1) - 1.0).abs() < 0.25, "vertical dispersion {across}");
    // Q = s kappa / (3.36 G Sigma), kappa between 1 and 2 of the angular speed.
    let q = outward.sqrt() * circular / 2.5 / (3.36 * surface);
    assert!((1.5 / 2.0..1.5).contains(&q), "Q would be {q} with the angular speed for kappa");
}

#[test]
fn parts_of_a_galaxy_stand_where_they_should() {
    let placement = Placement { position: [5.0, -3.0, 1.0], velocity: [0.1, 0.2, -0.3], rotation: [30.0, 60.0, 0.0] };
    let galaxy = galaxy();
    let bodies = bodies(&problem(vec![group(Model::Disc(galaxy), 3, placement)]), &NoFiles, &Solo).unwrap();
    let ends = [0, 20_000, 27_001, 28_000];
    for part in ends.windows(2) {
        for axis in 0..3 {
            let mean = |values: &[f64]| values[part[0]..part[1]].iter().sum::<f64>() / (part[1] - part[0]) as f64;
            // Rounding of 1e4 sums of numbers of size 40.
            assert!((mean(&bodies.position[axis]) - placement.position[axis]).abs() < 1e-13 * 40.0);
            assert!((mean(&bodies.velocity[axis]) - placement.velocity[axis]).abs() < 1e-13 * 40.0);
        }
    }
    // The spin of a disc at inclination 60 and node 30 points along (sin 30 sin 60, -cos 30 sin 60, cos 60).
    let mut spin = [0.0; 3];
    for n in 0..20_000 {
        let x: [f64; 3] = std::array::from_fn(|a| bodies.position[a][n] - placement.position[a]);
        let v: [f64; 3] = std::array::from_fn(|a| bodies.velocity[a][n] - placement.velocity[a]);
        (0..3).for_each(|a| spin[a] += x[(a + 1) % 3] * v[(a + 2) % 3] - x[(a + 2) % 3] * v[(a + 1) % 3]);
    }
    let expected = [0.5 * 0.75f64.sqrt(), -0.75, 0.5];
    (0..3).for_each(|a| assert!((spin[a] / length(spin) - expected[a]).abs() < 0.01, "{spin:?}"));
}

#[test]
fn ranks_and_threads_never_show() {
    let placement = Placement { position: [1.0, 2.0, 3.0], velocity: [0.0; 3], rotation: [10.0, 20.0, 30.0] };
    let small = DiscGalaxy { count: 301, ..galaxy() };
    let listed = vec![Body { mass: 1.0, position: [9.0; 3], velocity: [0.5; 3] }; 3];
    let path = Path { eccentricity: 0.5, pericentre: 1.0, true_anomaly: 30.0 };
    let problem = problem(vec![
        group(Model::Sphere(sphere(Profile::Plummer, 1001)), 1, placement),
        BodyGroup::Listed(listed),
        group(Model::Disc(small), 1, placement),
        group(Model::Orbit(Orbit { masses: [1.0, 2.0], path }), 1, placement),
        group(Model::Polygon(Polygon { count: 7, mass: 1.0, radius: 3.0 }), 1, placement),
        group(Model::Sphere(sphere(Profile::Nfw, 10)), 1, Placement::default()),
    ]);
    let alone = bodies(&problem, &NoFiles, &Solo).unwrap();
    assert_eq!(alone.len() as u64, open(&problem, &NoFiles).unwrap().count());
    assert!(alone.index.iter().enumerate().all(|(n, &index)| index == n as u64));
    for size in 2..=8 {
        let blocks = threads::run(size, |comm: &dyn Communicator| bodies(&problem, &NoFiles, comm).unwrap());
        let mut joined = Particles::default();
        for (rank, block) in blocks.iter().enumerate() {
            assert_eq!(block.len(), block_range(alone.len(), size, rank).1);
            (0..block.len()).for_each(|n| joined.push_row(&block.row(n)));
        }
        assert_eq!(joined, alone, "{size} ranks");
    }
    let pool = rayon::ThreadPoolBuilder::new().num_threads(3).build().unwrap();
    assert_eq!(pool.install(|| bodies(&problem, &NoFiles, &Solo).unwrap()), alone);
}

#[test]
fn seeds_and_groups_differ() {
    let plummer = |seed| group(Model::Sphere(sphere(Profile::Plummer, 100)), seed, Placement::default());
    let made = |groups| bodies(&problem(groups), &NoFiles, &Solo).unwrap();
    assert_ne!(made(vec![plummer(1)]), made(vec![plummer(2)]));
    let twins = made(vec![plummer(1), plummer(1)]);
    assert_ne!(twins.position[0][..100], twins.position[0][100..]);
}

#[test]
fn too_many_bodies_for_the_scheme_are_refused() {
    let mut problem = problem(vec![group(Model::Sphere(sphere(Profile::Plummer, 4097)), 1, Placement::default())]);
    problem.integrator = Integrator::GaussRadau15;
    let error = bodies(&problem, &NoFiles, &Solo).unwrap_err();
    assert!(error.exit_code() == 2 && error.to_string().contains("4097 bodies are too many"), "{error}");
}

#[test]
fn an_orbit_keeps_its_centre_and_its_masses() {
    let path = Path { eccentricity: 0.9, pericentre: 0.1, true_anomaly: 180.0 };
    let pair = made(Model::Orbit(Orbit { masses: [1.0, 1e-3], path }));
    assert_eq!(pair.mass, [1.0, 1e-3]);
    let apart = pair.position[0][1] - pair.position[0][0];
    assert!((apart + 1.9).abs() < 1e-14, "at the apocentre a (1 + e) = 1.9: {apart}");
    assert!((pair.position[0][0] + 1e-3 * pair.position[0][1]).abs() < 1e-16);
}
