//! The arithmetic of a link's estimate: what each source says, how sure that is, and all of it weighed together.
//!
//! All of it is in `z`, the logarithm of the travel time over the free-flow time, both longer by two seconds ([`z_of`]): 0 is free
//! flow, 0.69 on a long link twice as long.

/// How far a link usually is from free flow when nothing is known of it.
pub(crate) const PRIOR_SD: f64 = 0.75;
/// An 80 % interval ends so many standard deviations from the middle.
pub(crate) const SD_OF_80_PCT: f64 = 1.281_55;
/// What is told of a link is of use for about so many seconds.
const MEMORY_S: f64 = 1_200.0;
/// Of facts of one source, those that are older by this count for a third (1/e).
const KERNEL_S: f64 = 240.0;
/// Faster than free flow by more, slower by more: nobody drives so.
pub(super) const Z_RANGE: std::ops::RangeInclusive<f64> = -0.7..=4.5;

/// On a link that takes a second, seconds of waiting are no matter of shares.
const SOFT_S: f64 = 2.0;

/// How a time on a link stands to its free-flow time.
pub(super) fn z_of(seconds: f64, free_flow_s: f64) -> f64 {
    ((seconds + SOFT_S) / (free_flow_s + SOFT_S)).ln()
}

/// The time on a link that stands so to its free-flow time.
pub(crate) fn seconds_of(z: f64, free_flow_s: f64) -> f64 {
    ((free_flow_s + SOFT_S) * z.exp() - SOFT_S).max(free_flow_s / 2.0)
}

/// Vehicles differ by this share of their mean, before the link's own show by how much.
const SCATTER: f64 = 0.4;
/// The scatter before counts as so many vehicles.
const SCATTER_WORTH: f64 = 6.0;
/// A mean of followed vehicles errs by this, however many they are: they are not like all others.
const PROBES_SD: f64 = 0.08;
/// Speeds of single vehicles at a detector, by share of their mean.
const SPOT_SCATTER: f64 = 0.2;
/// An outlier is further from the median than this many standard deviations (of the median absolute deviation), and than
/// `OUTLIER_Z`: a red light alone makes a vehicle's time on a short link several times the others'.
const OUTLIER_SD: f64 = 3.5;
const OUTLIER_Z: f64 = 1.6;

/// What one source says of a link now.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Measure {
    pub(super) z: f64,
    /// Variance of its error, as of when it was true.
    pub(super) var: f64,
    /// How long ago that was.
    pub(super) age_s: f64,
}

/// What all sources say together.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Estimate {
    pub(super) z: f64,
    pub(super) sd: f64,
}

/// Weighs measures with each other and with what is `usual` by their precisions: free flow (0), or what a speed limit leaves.
///
/// The link's state is taken for an Ornstein-Uhlenbeck process around that (standard deviation `PRIOR_SD`, memory
/// `MEMORY_S`), and each measure for one of the state `age_s` ago: it says `rho = exp(-age / memory)` as much of the present, with
/// `PRIOR_SD^2 (1 - rho^2)` more variance. With one measure this is a Kalman filter's prediction.
pub(super) fn fuse(usual: f64, measures: impl IntoIterator<Item = Measure>) -> Estimate {
    let prior = PRIOR_SD * PRIOR_SD;
    let (mut precision, mut sum) = (1.0 / prior, 0.0);
    for measure in measures {
        let rho = (-measure.age_s.max(0.0) / MEMORY_S).exp();
        let var = measure.var + prior * (1.0 - rho * rho);
        precision += rho * rho / var;
        sum += rho * (measure.z - usual) / var;
    }
    Estimate { z: usual + sum / precision, sd: precision.recip().sqrt() }
}

/// A vehicle's time on the link, or several vehicles' at once.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Passed {
    pub(super) z: f64,
    pub(super) vehicles: f64,
    pub(super) age_s: f64,
}

/// Weighted mean, its vehicles' worth, their scatter by share of the mean, and their age; `None` without any.
struct Mean {
    z: f64,
    worth: f64,
    scatter: f64,
    age_s: f64,
}

/// The mean is of times, not of their logarithms: a trip's time is a sum of times.
fn mean(passed: &[Passed]) -> Option<Mean> {
    let (mut sum, mut squares, mut times, mut ages) = (0.0, 0.0, 0.0, 0.0);
    for p in passed {
        let weight = p.vehicles * (-p.age_s.max(0.0) / KERNEL_S).exp();
        sum += weight;
        squares += weight * weight / p.vehicles;
        times += weight * p.z.exp();
        ages += weight * p.age_s;
    }
    if sum <= 0.0 {
        return None;
    }
    let mean = times / sum;
    let spread = |p: &Passed| {
        let off = p.z.exp() / mean - 1.0;
        p.vehicles * (-p.age_s.max(0.0) / KERNEL_S).exp() * off * off
    };
    let scatter = (passed.iter().map(spread).sum::<f64>() / sum).sqrt();
    Some(Mean { z: mean.ln(), worth: sum * sum / squares, scatter, age_s: ages / sum })
}

/// What followed vehicles say.
pub(super) fn of_probes(passed: &[Passed]) -> Option<Measure> {
    let mean = mean(passed)?;
    let scatter = (SCATTER_WORTH * SCATTER * SCATTER + mean.worth * mean.scatter * mean.scatter)
        / (SCATTER_WORTH + mean.worth);
    Some(Measure { z: mean.z, var: scatter / mean.worth + PROBES_SD * PROBES_SD, age_s: mean.age_s })
}

/// What detectors say of their own place.
pub(super) fn of_detectors(passed: &[Passed]) -> Option<Measure> {
    let mean = mean(passed)?;
    Some(Measure { z: mean.z, var: SPOT_SCATTER * SPOT_SCATTER / mean.worth, age_s: mean.age_s })
}

/// The space mean of speeds whose arithmetic mean a detector says (Wardrop 1952; Rakha and Zhang 2005): less by their
/// variance over their mean.
pub(super) fn space_mean_kmh(arithmetic_kmh: f64) -> f64 {
    arithmetic_kmh * (1.0 - SPOT_SCATTER * SPOT_SCATTER)
}

/// Which of these are no outliers; with fewer than five all.
pub(super) fn plausible(z: &[f64], scratch: &mut Vec<f64>) -> impl Fn(f64) -> bool + use<> {
    let (middle, reach) = if z.len() < 5 {
        (0.0, f64::INFINITY)
    } else {
        let middle = median(z.iter().copied(), scratch);
        let deviation = median(z.iter().map(|z| (z - middle).abs()), scratch);
        (middle, (OUTLIER_SD * 1.482_6 * deviation).max(OUTLIER_Z))
    };
    move |z| (z - middle).abs() <= reach
}

/// Of an even number, the mean of the two in the middle; 0 of none.
pub(super) fn median(values: impl Iterator<Item = f64>, scratch: &mut Vec<f64>) -> f64 {
    scratch.clear();
    scratch.extend(values);
    scratch.sort_unstable_by(f64::total_cmp);
    match (scratch.get(scratch.len() / 2), scratch.get(scratch.len().wrapping_sub(1) / 2)) {
        (Some(high), Some(low)) => f64::midpoint(*low, *high),
        _ => 0.0,
    }
}

/// How far a link's detectors are off its travel time, learned where followed vehicles pass as well.
///
/// A detector sees a spot: where vehicles wait at a light or in a queue further on, its speed says little of the link. Before
/// anything is learned its error is that large (`sd`); what then stays is `FLOOR`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Bias {
    pub(super) z: f64,
    pub(super) var: f64,
}

impl Bias {
    /// The link is not alike everywhere, whatever was learned.
    const FLOOR: f64 = 0.15;
    /// What was learned ages: so much variance an hour.
    const DRIFT: f64 = 0.01;

    pub(super) fn of(sd: f64) -> Self {
        Bias { z: 0.0, var: sd * sd }
    }

    /// Of what detectors say of their place, what it says of the link.
    pub(super) fn apply(self, spot: Measure) -> Measure {
        Measure { z: spot.z + self.z, var: spot.var + self.var + Self::FLOOR * Self::FLOOR, ..spot }
    }

    /// Both were measured, so long after the last time.
    pub(super) fn learn(&mut self, probes: Measure, spot: Measure, after_s: f64, most: f64) {
        self.var = (self.var + Self::DRIFT * after_s / 3_600.0).min(most * most);
        let var = probes.var + spot.var + Self::FLOOR * Self::FLOOR;
        let gain = self.var / (self.var + var);
        self.z += gain * (probes.z - spot.z - self.z);
        self.var *= 1.0 - gain;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn measure(z: f64, sd: f64, age_s: f64) -> Measure {
        Measure { z, var: sd * sd, age_s }
    }

    #[test]
    fn nothing_known_is_free_flow() {
        assert_eq!(fuse(0.0, []), Estimate { z: 0.0, sd: PRIOR_SD });
    }

    #[test]
    fn a_limit_is_what_an_old_measure_decays_to_and_a_fresh_one_stands() {
        let at = |age| fuse(0.5, [measure(1.0, 0.05, age)]).z;
        assert!((at(0.0) - 1.0).abs() < 0.02 && (at(100_000.0) - 0.5).abs() < 1e-6);
        assert_eq!(fuse(0.5, []), Estimate { z: 0.5, sd: PRIOR_SD });
    }

    #[test]
    fn a_sure_fresh_measure_is_taken_and_an_old_one_decays_to_free_flow() {
        let at = |age| fuse(0.0, [measure(1.0, 0.05, age)]);
        assert!((at(0.0).z - 1.0).abs() < 0.02 && at(0.0).sd < 0.06);
        let ages = [0.0, 100.0, 400.0, 900.0, 3_600.0, 100_000.0].map(at);
        assert!(ages.windows(2).all(|w| w[0].z > w[1].z && w[0].sd < w[1].sd), "{ages:?}");
        assert!(ages[5].z < 1e-6 && (ages[5].sd - PRIOR_SD).abs() < 1e-6);
    }

    #[test]
    fn two_sources_agree_on_the_surer_one_and_are_surer_than_either() {
        let (sure, unsure) = (measure(1.0, 0.1, 0.0), measure(0.0, 0.4, 0.0));
        let both = fuse(0.0, [sure, unsure]);
        assert!(both.z > 0.85 && both.sd < fuse(0.0, [sure]).sd);
        assert_eq!(fuse(0.0, [unsure, sure]).z.to_bits(), fuse(0.0, [unsure, sure]).z.to_bits());
    }

    #[test]
    fn the_mean_is_of_times() {
        let passed = [0.0, 3_f64.ln()].map(|z| Passed { z, vehicles: 1.0, age_s: 0.0 });
        let measure = of_probes(&passed).unwrap();
        assert!((measure.z - 2_f64.ln()).abs() < 1e-9, "once 1, once 3: 2");
        assert!(of_probes(&[]).is_none());
    }

    #[test]
    fn more_vehicles_are_surer_and_older_ones_count_less() {
        let many = |n: usize| of_probes(&vec![Passed { z: 0.5, vehicles: 1.0, age_s: 9.0 }; n]).unwrap();
        assert!(many(10).var < many(3).var && many(3).var < many(1).var);
        let passed = [(0.0, 0.0), (1.0, 500.0)].map(|(z, age_s)| Passed { z, vehicles: 1.0, age_s });
        assert!(of_probes(&passed).unwrap().z < 0.4);
    }

    #[test]
    fn one_that_stopped_on_the_way_is_left_out_and_a_red_light_is_not() {
        let mut scratch = Vec::new();
        let z = [0.0, 0.1, -0.1, 0.05, 1.3, 3.4];
        let keep = plausible(&z, &mut scratch);
        assert_eq!(z.map(keep), [true, true, true, true, true, false]);
        let keep = plausible(&z[..4], &mut scratch);
        assert!(keep(9.0), "four are too few to tell");
    }

    #[test]
    fn a_time_is_what_it_was_made_of_and_short_links_are_soft() {
        for (seconds, free) in [(40.0, 10.0), (10.0, 10.0), (6.0, 10.0), (12.0, 0.1)] {
            assert!((seconds_of(z_of(seconds, free), free) - seconds).abs() < 1e-9);
        }
        assert!(z_of(10.0, 0.1) < 2.0 && z_of(0.0, 0.1) > -0.1);
        assert_eq!(seconds_of(-5.0, 10.0), 5.0);
    }

    #[test]
    fn medians() {
        let mut scratch = Vec::new();
        let mut of = |values: &[f64]| median(values.iter().copied(), &mut scratch);
        assert_eq!((of(&[]), of(&[3.0]), of(&[3.0, 1.0]), of(&[9.0, 1.0, 2.0])), (0.0, 3.0, 2.0, 2.0));
    }

    #[test]
    fn a_detector_before_a_light_is_learned_to_say_too_little() {
        let mut bias = Bias::of(0.35);
        let (spot, probes) = (measure(0.0, 0.05, 0.0), measure(0.8, 0.1, 0.0));
        let unlearned = bias.apply(spot);
        for _ in 0..20 {
            bias.learn(probes, spot, 300.0, 0.35);
        }
        assert!((bias.z - 0.8).abs() < 0.1, "{bias:?}");
        assert!(bias.apply(spot).var < unlearned.var / 2.0);
    }
}
