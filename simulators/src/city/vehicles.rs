//! Vehicles that are seen: a fleet's that says where it is, and plates that pass two readers.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap};
use std::sync::Arc;

use super::actor::{Actor, Said};
use super::calendar::Calendar;
use super::chance::Chance;
use super::demand::MOTOR_IN;
use super::traffic::Traffic;
use crate::streets::angle;
use crate::time::{HOUR, MINUTE, SECOND, round};
use crate::wire::{Position, Value};

/// A followed vehicle says where it is so often while it drives.
const SAYS_EVERY: i64 = 10 * SECOND;
/// How far off its receiver is, usually.
const NOISE_M: f64 = 4.0;
/// Vehicles an hour that a reader takes note of at the peak, for one pair.
const PLATES_VPH: f64 = 90.0;
/// Of those, how many the second reader sees too.
const SEEN_AGAIN: f64 = 0.7;
/// Of those, how many stop on the way.
const STOPS: f64 = 0.12;

/// A vehicle of a fleet that drives about the city, and parks now and then.
pub(crate) struct Vehicle {
    device: usize,
    name: u64,
    traffic: Arc<Traffic>,
    /// Street and metres along it; `None` while parked.
    on: Option<(usize, f64)>,
    parks_at: i64,
    was_at: i64,
    pace: f64,
    chance: Chance,
}

impl Vehicle {
    pub(crate) fn new(device: usize, name: u64, traffic: Arc<Traffic>, mut chance: Chance) -> Vehicle {
        let pace = chance.between(0.92, 1.08);
        Vehicle { device, name, traffic, on: None, parks_at: 0, was_at: 0, pace, chance }
    }

    /// Drives until `at`.
    fn drive(&mut self, at: i64, calendar: &Calendar) {
        let Some((mut link, mut offset_m)) = self.on else { return };
        let mut left_s = (at - self.was_at) as f64 / 1e6;
        // Bounded: a street takes at least a moment.
        for _ in 0..64 {
            let speed_ms = self.traffic.at(link, at, calendar).speed_kmh * self.pace / 3.6;
            let rest_m = self.traffic.streets.links[link].length_m - offset_m;
            if speed_ms * left_s < rest_m {
                offset_m += speed_ms * left_s;
                break;
            }
            left_s -= rest_m / speed_ms;
            let Some(next) = self.turn(link) else {
                self.on = None;
                return;
            };
            (link, offset_m) = (next, 0.0);
        }
        self.on = Some((link, offset_m));
    }

    /// Where it goes at the end of a street: rather straight on, seldom into a quiet street, back only where nothing else is.
    fn turn(&mut self, link: usize) -> Option<usize> {
        let streets = &self.traffic.streets;
        let street = &streets.links[link];
        let (_, heading) = streets.on(link, street.length_m);
        let weigh = |next: &usize| {
            let to = &streets.links[*next];
            let back = to.road == street.road && to.to == street.from;
            let quiet = if to.through { 1.0 } else { 0.1 };
            let straight = 1.0 - angle(heading, streets.on(*next, 0.0).1) / 200.0;
            (*next, if back { 1e-6 } else { quiet * straight })
        };
        let choices: Vec<(usize, f64)> = streets.out[street.to].iter().map(weigh).collect();
        let mut drawn = self.chance.unit() * choices.iter().map(|(_, w)| w).sum::<f64>();
        for (next, weight) in &choices {
            drawn -= weight;
            if drawn <= 0.0 {
                return Some(*next);
            }
        }
        choices.last().map(|(next, _)| *next)
    }
}

impl Actor for Vehicle {
    fn act(&mut self, at: i64, calendar: &Calendar, said: &mut Vec<Said>) -> i64 {
        if self.on.is_none() {
            self.on = Some((self.chance.pick(self.traffic.streets.links.len()), 0.0));
            self.parks_at = at + round(self.chance.between(10.0, 35.0) * MINUTE as f64);
        } else {
            self.drive(at, calendar);
        }
        self.was_at = at;
        let Some((link, offset_m)) = self.on.filter(|_| at < self.parks_at) else {
            self.on = None;
            return at + round(self.chance.between(0.5, 5.0) * MINUTE as f64);
        };
        let (place, heading) = self.traffic.streets.on(link, offset_m);
        let place = place.moved(NOISE_M * self.chance.normal(), NOISE_M * self.chance.normal());
        let speed = self.traffic.at(link, at, calendar).speed_kmh * self.pace;
        let position = Position {
            lat: place.lat,
            lon: place.lon,
            speed_kmh: (speed + self.chance.normal()).clamp(0.0, 200.0),
            heading_deg: Some((heading + 4.0 * self.chance.normal()).rem_euclid(360.0)),
        };
        said.push(Said::now(self.device, Value::Sighting { vehicle: self.name, position: Some(position) }));
        at + SAYS_EVERY
    }

    fn truth(&self, _: &mut BTreeMap<String, u32>) {}
}

/// Vehicles that pass two readers, and some that pass the first alone.
pub(crate) struct Plates {
    from: usize,
    to: usize,
    way: Vec<usize>,
    traffic: Arc<Traffic>,
    comes_at: Option<i64>,
    /// Who passes the second reader when.
    under_way: BinaryHeap<Reverse<(i64, u64)>>,
    chance: Chance,
}

impl Plates {
    pub(crate) fn new(
        (from, to): (usize, usize),
        way: Vec<usize>,
        traffic: Arc<Traffic>,
        chance: Chance,
    ) -> Plates {
        Plates { from, to, way, traffic, comes_at: None, under_way: BinaryHeap::new(), chance }
    }

    fn next_comes(&mut self, at: i64, calendar: &Calendar) -> i64 {
        let level = MOTOR_IN.at(calendar.local(at)).max(0.05);
        at + self.chance.wait(PLATES_VPH * level / 3_600.0).unwrap_or(HOUR)
    }
}

impl Actor for Plates {
    fn act(&mut self, at: i64, calendar: &Calendar, said: &mut Vec<Said>) -> i64 {
        let sighting = |vehicle| Value::Sighting { vehicle, position: None };
        while let Some(Reverse((when, vehicle))) = self.under_way.peek().copied() {
            if when > at {
                break;
            }
            self.under_way.pop();
            said.push(Said::now(self.to, sighting(vehicle)));
        }
        let comes_at = match self.comes_at {
            None => self.next_comes(at, calendar),
            Some(when) if when > at => when,
            Some(_) => {
                let vehicle = round(self.chance.unit() * 1e12).unsigned_abs();
                said.push(Said::now(self.from, sighting(vehicle)));
                if self.chance.happens(SEEN_AGAIN) {
                    let pace = self.chance.log_normal(1.0, 0.07);
                    let mut when = self.traffic.arrival(&self.way, at, pace, calendar);
                    if self.chance.happens(STOPS) {
                        when += round(self.chance.between(3.0, 25.0) * MINUTE as f64);
                    }
                    self.under_way.push(Reverse((when, vehicle)));
                }
                self.next_comes(at, calendar)
            }
        };
        self.comes_at = Some(comes_at);
        self.under_way.peek().map_or(comes_at, |Reverse((when, _))| comes_at.min(*when))
    }

    fn truth(&self, _: &mut BTreeMap<String, u32>) {}
}
