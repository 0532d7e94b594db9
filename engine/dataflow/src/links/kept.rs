//! What is kept of one link: facts of the last window, bounded.

use std::collections::VecDeque;
use std::time::Duration;

use vlot_model::{DeviceIx, RoadClass, Timestamp};

use super::fuse::{Bias, Measure, Passed, Z_RANGE, of_detectors, of_probes, plausible, space_mean_kmh, z_of};

/// Of each kind of fact of a link no more are kept: an estimate gains little from further ones.
const MOST: usize = 128;
/// Detectors that are nearer to each other along a link count the same vehicles.
const SECTION_M: f32 = 20.0;
/// A detector that says more says a code.
const FASTEST_KMH: f32 = 250.0;
/// What detectors are off by is learned this often: windows that overlap say the same twice.
const LEARN_EVERY: Duration = Duration::from_secs(300);

/// A followed vehicle passed.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Followed {
    pub(super) at: Timestamp,
    pub(super) z: f32,
    pub(super) token: u32,
}

/// An interval of a detector.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Counted {
    pub(super) device: DeviceIx,
    /// Where its interval ends.
    pub(super) at: Timestamp,
    pub(super) interval_s: u16,
    pub(super) vehicles: u32,
    pub(super) speed_kmh: Option<f32>,
}

/// A detector on the link.
#[derive(Clone, Copy, Debug)]
pub(super) struct Seat {
    pub(super) device: DeviceIx,
    pub(super) offset_m: f32,
    pub(super) believed: bool,
}

/// What a link's own sources say now.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Local {
    /// Of the detectors' own places.
    spot: Option<Measure>,
    pub(super) detectors: Option<Measure>,
    pub(super) probes: Option<Measure>,
    /// Distinct vehicles; 0 where they are fewer than may be published.
    pub(super) vehicles: u16,
    pub(super) flow_vph: Option<u32>,
    /// Of the newest fact that these rest on.
    pub(super) newest: Option<Timestamp>,
}

/// Memory that serves again.
#[derive(Debug, Default)]
pub(super) struct Scratch {
    passed: Vec<Passed>,
    z: Vec<f64>,
    pub(super) sorted: Vec<f64>,
    tokens: Vec<u32>,
}

/// One link's facts.
#[derive(Debug)]
pub(super) struct Kept {
    pub(super) free_flow_kmh: f64,
    pub(super) free_flow_s: f64,
    /// In order of their offsets.
    pub(super) seats: Vec<Seat>,
    followed: VecDeque<Followed>,
    counted: VecDeque<Counted>,
    bias: Bias,
    learned_at: Option<Timestamp>,
    spot_sd: f64,
}

impl Kept {
    pub(super) fn new(free_flow_kmh: f32, free_flow_s: f32, class: RoadClass) -> Self {
        // A motorway's detector sees what the link is like; one in a street with lights and turns sees its own spot.
        let spot_sd = if class <= RoadClass::Trunk { 0.15 } else { 0.35 };
        Kept {
            free_flow_kmh: f64::from(free_flow_kmh),
            free_flow_s: f64::from(free_flow_s),
            seats: Vec::new(),
            followed: VecDeque::new(),
            counted: VecDeque::new(),
            bias: Bias::of(spot_sd),
            learned_at: None,
            spot_sd,
        }
    }

    /// A vehicle passed; whether that can be.
    #[expect(clippy::cast_possible_truncation, reason = "within Z_RANGE")]
    pub(super) fn follow(&mut self, at: Timestamp, seconds: f32, token: u32) -> bool {
        let z = z_of(f64::from(seconds), self.free_flow_s);
        let can_be = seconds >= 0.0 && Z_RANGE.contains(&z);
        if can_be {
            if self.followed.len() == MOST {
                self.followed.pop_front();
            }
            self.followed.push_back(Followed { at, z: z as f32, token });
        }
        can_be
    }

    /// A detector counted.
    pub(super) fn count(&mut self, mut counted: Counted) {
        // Without vehicles there is no speed, whatever the detector says: most say 0.
        let is_speed = |v: &f32| *v > 0.0 && *v <= FASTEST_KMH && counted.vehicles > 0;
        counted.speed_kmh = counted.speed_kmh.filter(is_speed);
        if self.counted.iter().any(|c| c.device == counted.device && c.at == counted.at) {
            return;
        }
        if self.counted.len() == MOST {
            self.counted.pop_front();
        }
        self.counted.push_back(counted);
    }

    /// A detector is believed or not; whether that is new.
    pub(super) fn stand(&mut self, device: DeviceIx, believed: bool) -> bool {
        let seat = self.seats.iter_mut().find(|seat| seat.device == device);
        seat.is_some_and(|seat| std::mem::replace(&mut seat.believed, believed) != believed)
    }

    fn believed(&self, device: DeviceIx) -> bool {
        self.seats.iter().any(|seat| seat.device == device && seat.believed)
    }

    /// Forgets all that was heard.
    pub(super) fn clear(&mut self) {
        (self.followed, self.counted) = (VecDeque::new(), VecDeque::new());
    }

    /// Forgets what is older.
    pub(super) fn forget(&mut self, before: Timestamp) {
        self.followed.retain(|f| f.at >= before);
        self.counted.retain(|c| c.at >= before);
        if self.followed.is_empty() {
            self.followed = VecDeque::new();
        }
    }

    /// What detectors and followed vehicles say, each for itself. `min` vehicles at least, or nothing of them shows.
    pub(super) fn local(&self, now: Timestamp, min: u16, scratch: &mut Scratch) -> Local {
        let mut local = Local::default();
        self.detectors(now, &mut local, scratch);
        self.probes(now, min, &mut local, scratch);
        local
    }

    fn probes(&self, now: Timestamp, min: u16, local: &mut Local, scratch: &mut Scratch) {
        if self.followed.len() < usize::from(min) {
            return;
        }
        scratch.z.clear();
        scratch.z.extend(self.followed.iter().map(|f| f64::from(f.z)));
        let keep = plausible(&scratch.z, &mut scratch.sorted);
        let kept = || self.followed.iter().filter(|f| keep(f64::from(f.z)));
        scratch.tokens.clear();
        scratch.tokens.extend(kept().map(|f| f.token));
        scratch.tokens.sort_unstable();
        scratch.tokens.dedup();
        let vehicles = u16::try_from(scratch.tokens.len()).unwrap_or(u16::MAX);
        if vehicles < min.max(1) {
            return;
        }
        scratch.passed.clear();
        let passed = kept().map(|f| Passed { z: f64::from(f.z), vehicles: 1.0, age_s: age_s(now, f.at) });
        scratch.passed.extend(passed);
        local.probes = of_probes(&scratch.passed);
        local.vehicles = vehicles;
        local.newest = local.newest.max(kept().map(|f| f.at).max());
    }

    fn detectors(&self, now: Timestamp, local: &mut Local, scratch: &mut Scratch) {
        if self.counted.is_empty() {
            return;
        }
        let counted = || self.counted.iter().filter(|c| self.believed(c.device));
        scratch.passed.clear();
        scratch.passed.extend(counted().filter_map(|c| {
            let speed = space_mean_kmh(f64::from(c.speed_kmh?));
            let z = z_of(self.free_flow_s * self.free_flow_kmh / speed, self.free_flow_s);
            let z = z.clamp(*Z_RANGE.start(), *Z_RANGE.end());
            Some(Passed { z, vehicles: f64::from(c.vehicles), age_s: age_s(now, c.at) })
        }));
        local.spot = of_detectors(&scratch.passed);
        local.detectors = local.spot.map(|spot| self.bias.apply(spot));
        local.flow_vph = self.flow_vph();
        let with_speed = counted().filter(|c| c.speed_kmh.is_some()).map(|c| c.at).max();
        let any = local.flow_vph.and(counted().map(|c| c.at).max());
        local.newest = with_speed.max(any);
    }

    /// Of the newest interval, over the cross-sections whose detectors have all said it; their mean.
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "`as` saturates, and counts are 0 or more"
    )]
    fn flow_vph(&self) -> Option<u32> {
        let newest = self.counted.iter().filter(|c| self.believed(c.device)).map(|c| c.at).max()?;
        let (mut sections, mut sum) = (0_u32, 0.0);
        let mut rest = self.seats.as_slice();
        while let Some(first) = rest.first() {
            let length = rest.iter().take_while(|seat| seat.offset_m - first.offset_m <= SECTION_M).count();
            let (section, after) = rest.split_at(length);
            rest = after;
            let of = |seat: &Seat| {
                let mut said = self.counted.iter().rev();
                said.find(|c| seat.believed && c.device == seat.device && c.at == newest)
                    .map(|c| f64::from(c.vehicles) * 3_600.0 / f64::from(c.interval_s))
            };
            if let Some(vph) = section.iter().map(of).sum::<Option<f64>>() {
                sections += 1;
                sum += vph;
            }
        }
        (sections > 0).then(|| (sum / f64::from(sections)).round() as u32)
    }

    /// Learns how far detectors are off, if both say something and it is time.
    pub(super) fn learn(&mut self, now: Timestamp, local: &Local) {
        let (Some(spot), Some(probes)) = (local.spot, local.probes) else { return };
        if self.learned_at.is_some_and(|at| now < at + LEARN_EVERY) {
            return;
        }
        let after_s = self.learned_at.map_or(0.0, |at| age_s(now, at));
        self.bias.learn(probes, spot, after_s, self.spot_sd);
        self.learned_at = Some(now);
    }
}

pub(super) fn age_s(now: Timestamp, at: Timestamp) -> f64 {
    now.since(at).as_secs_f64()
}
