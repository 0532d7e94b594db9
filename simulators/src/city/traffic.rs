//! How traffic really flows: one truth that loops, followed vehicles, readers of plates and air stations all tell of.
//!
//! A pure function of seed, street and instant, so that nobody has to be asked in an order.

use std::sync::Arc;

use super::calendar::Calendar;
use super::chance::Chance;
use super::demand::{MOTOR_IN, MOTOR_OUT};
use crate::streets::{Place, Streets};
use crate::time::{HOUR, MINUTE};

/// Vehicles that a lane passes an hour at best.
pub(crate) const LANE_CAPACITY_VPH: f64 = 1_600.0;
/// Share of a busy street's hours in which a jam begins.
const JAMS_AN_HOUR: f64 = 0.04;
/// A jam's speed, as a share of what there would be.
const IN_JAM: f64 = 0.2;
/// The speed of the streets that lead into it.
const BEHIND_JAM: f64 = 0.45;

/// Traffic on a street.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Flow {
    pub(crate) speed_kmh: f64,
    /// Of one lane.
    pub(crate) flow_vph: f64,
    /// Demand against capacity.
    pub(crate) load: f64,
}

/// The traffic of a city.
pub(crate) struct Traffic {
    pub(crate) streets: Streets,
    seed: u64,
    /// Of each street: how much of it leads towards the centre, 0..=1, and its demand at the peak.
    habits: Vec<(f64, f64)>,
}

impl Traffic {
    pub(crate) fn new(streets: Streets, seed: u64) -> Arc<Traffic> {
        let n = streets.nodes.len().max(1) as f64;
        let sum = streets.nodes.iter().fold((0.0, 0.0), |s, p| (s.0 + p.lat, s.1 + p.lon));
        let centre = Place { lat: sum.0 / n, lon: sum.1 / n };
        let far = |node: usize| {
            let (east, north) = centre.to(streets.nodes[node]);
            east.hypot(north)
        };
        let habits = streets.links.iter().enumerate().map(|(i, street)| {
            let inward = (far(street.from) - far(street.to)) / street.length_m;
            let mut chance = Chance::new(seed, &format!("street {} {i}", street.road));
            let peak = if street.through { chance.between(0.6, 1.12) } else { chance.between(0.1, 0.4) };
            (0.5 + 0.5 * inward.clamp(-1.0, 1.0), peak)
        });
        let habits = habits.collect();
        Arc::new(Traffic { streets, seed, habits })
    }

    /// How it flows on a street.
    pub(crate) fn at(&self, link: usize, at: i64, calendar: &Calendar) -> Flow {
        let Some((street, (inward, peak))) = self.streets.links.get(link).zip(self.habits.get(link)) else {
            return Flow { speed_kmh: 30.0, flow_vph: 0.0, load: 0.0 };
        };
        let local = calendar.local(at);
        let load = peak * (inward * MOTOR_IN.at(local) + (1.0 - inward) * MOTOR_OUT.at(local));
        let (mut flow_vph, mut speed_kmh) = fundamental(load, street.free_kmh);
        let stopped = self.jammed(link, at, load);
        let behind = !stopped && self.streets.out[street.to].iter().any(|next| self.jammed(*next, at, load));
        if stopped || behind {
            speed_kmh *= if stopped { IN_JAM } else { BEHIND_JAM };
            flow_vph *= 0.6;
        }
        Flow { speed_kmh: speed_kmh.max(3.0), flow_vph, load }
    }

    /// Whether a jam stands on a street: some hours have one, for 10 to 40 minutes.
    fn jammed(&self, link: usize, at: i64, load: f64) -> bool {
        let jam = |hour: i64| {
            let [happens, begins, lasts] = drawn(self.seed, link, hour);
            if happens >= JAMS_AN_HOUR * load.min(1.2) {
                return false;
            }
            let begins = hour * HOUR + crate::time::round(begins * HOUR as f64);
            let lasts = crate::time::round((10.0 + 30.0 * lasts) * MINUTE as f64);
            (begins..begins + lasts).contains(&at)
        };
        let hour = at.div_euclid(HOUR);
        self.streets.links.get(link).is_some_and(|s| s.through) && (jam(hour) || jam(hour - 1))
    }

    /// When a vehicle that enters a way now leaves it; `pace` is the driver's own, about 1.
    pub(crate) fn arrival(&self, way: &[usize], at: i64, pace: f64, calendar: &Calendar) -> i64 {
        way.iter().fold(at, |at, link| {
            let length_m = self.streets.links.get(*link).map_or(0.0, |s| s.length_m);
            let speed = self.at(*link, at, calendar).speed_kmh * pace;
            at + crate::time::round(length_m * 3.6 / speed * 1e6)
        })
    }
}

/// Three draws within 0..1 of their own for each street and hour (splitmix64): asked for each vehicle at each step, so cheap.
fn drawn(seed: u64, link: usize, hour: i64) -> [f64; 3] {
    let mut state =
        seed ^ (link as u64).rotate_left(40) ^ hour.cast_unsigned().wrapping_mul(0x9E37_79B9_7F4A_7C15);
    std::array::from_fn(|_| {
        state = state.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = state;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        ((z ^ (z >> 31)) >> 11) as f64 / (1_u64 << 53) as f64
    })
}

/// Flow of a lane and speed at a load: below capacity speed sinks slowly; above it, density wins and fewer get through.
pub(crate) fn fundamental(load: f64, free_kmh: f64) -> (f64, f64) {
    if load <= 1.0 {
        (load * LANE_CAPACITY_VPH, free_kmh / (1.0 + 0.25 * load.powi(4)))
    } else {
        (LANE_CAPACITY_VPH * (2.0 - load).max(0.4), free_kmh * 0.35 / load)
    }
}
