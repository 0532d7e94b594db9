//! What Vlot hears: sensors, with their faults. Nothing else of the simulation reaches it.
//!
//! * a barrier at each car park: 1 % of passages missed, 0.5 % counted twice; about once in four hours it is silent for five
//!   minutes (its messages are lost), and about once in four hours its message counter starts anew;
//! * a person counts each car park at the start, and then once an hour;
//! * loops: vehicles that left the loop's edge in a minute and their mean speed over it; 2 % of minutes are missing;
//! * a tenth of all vehicles tells every ten seconds where it is: of each link that it has left, how long it took.

use vlot_model::{DeviceIx, Direction, Reading, Timestamp, Value};

use super::city::{self, Known};
use super::dice::{Dice, hash};
use super::scenario::Scenario;

const MISSED: f64 = 0.01;
const DOUBLE: f64 = 0.005;
/// Chance a second.
const FAILS: f64 = 1.0 / (4.0 * 3_600.0);
const SILENT_S: i64 = 300;
const COUNTED_EVERY_S: i64 = 3_600;
const MINUTE_MISSING: f64 = 0.02;
const FOLLOWED_PCT: u64 = 10;
const START_S: i64 = 1_700_000_040;

/// The engine's time so many seconds after the start.
pub(super) fn at(second: i64) -> Timestamp {
    Timestamp::from_secs(START_S + second)
}

#[derive(Default)]
struct Barrier {
    sequence: u32,
    silent_until: i64,
    heard: i64,
}

#[derive(Default)]
struct Minute {
    vehicles: u32,
    seconds: f64,
}

pub(super) struct Sensors<'a> {
    scenario: &'a Scenario,
    known: &'a Known,
    dice: Dice,
    seed: u64,
    barriers: Vec<Barrier>,
    /// By position in the scenario's loops.
    minutes: Vec<Minute>,
    /// Said in this second.
    out: Vec<Reading>,
    /// Links that followed vehicles have left, told with their next point.
    left: Vec<(i64, Reading)>,
}

impl<'a> Sensors<'a> {
    pub(super) fn new(scenario: &'a Scenario, known: &'a Known, seed: u64) -> Self {
        Sensors {
            scenario,
            known,
            dice: Dice::new(seed, 2),
            seed,
            barriers: scenario.parks.iter().map(|_| Barrier::default()).collect(),
            minutes: scenario.loops.iter().map(|_| Minute::default()).collect(),
            out: Vec::new(),
            left: Vec::new(),
        }
    }

    fn say(&mut self, device: DeviceIx, sequence: Option<u32>, second: i64, value: Value) {
        let (observed_at, received_at) = (at(second), at(second));
        self.out.push(Reading { device, sequence, observed_at, received_at, value });
    }

    fn barrier(&mut self, park: usize, second: i64, value: Value) {
        let barrier = &mut self.barriers[park];
        barrier.sequence += 1;
        let (sequence, heard) = (barrier.sequence, second >= barrier.silent_until);
        if heard {
            barrier.heard = second;
            self.say(self.known.barriers[park], Some(sequence), second, value);
        }
    }

    /// A vehicle drove in or out.
    pub(super) fn passes(&mut self, park: usize, direction: Direction, second: i64) {
        let times = match self.dice.share() {
            x if x < MISSED => 0,
            x if x < MISSED + DOUBLE => 2,
            _ => 1,
        };
        for _ in 0..times {
            self.barrier(park, second, Value::Passage { direction, vehicles: 1 });
        }
    }

    /// A vehicle left an edge that it was on for so long, from its start to its end.
    pub(super) fn leaves(&mut self, vehicle: usize, edge: usize, took_s: f64, second: i64) {
        if let Ok(position) = self.scenario.loops.binary_search(&edge) {
            self.minutes[position].vehicles += 1;
            self.minutes[position].seconds += took_s.max(0.5);
        }
        let of = hash(vehicle as u64, self.seed ^ 0x5eed);
        if of % 100 < FOLLOWED_PCT {
            // Points come every ten seconds, each vehicle's at its own.
            let known = second + 9 - (second + i64::try_from(of % 10).unwrap_or(0)) % 10;
            #[expect(clippy::cast_possible_truncation, reason = "seconds on a link, and a token")]
            let value = Value::Traversal {
                link: city::link(&self.scenario.edges[edge]),
                seconds: took_s.max(0.5) as f32,
                token: (hash(of, edge as u64) >> 32) as u32,
            };
            let (observed_at, received_at) = (at(second), at(known));
            let reading =
                Reading { device: self.known.feed, sequence: None, observed_at, received_at, value };
            self.left.push((known, reading));
        }
    }

    /// All that is heard in a second, in a fixed order; `occupied` is the truth, of which persons count.
    pub(super) fn heard(&mut self, second: i64, occupied: &[u32]) -> Vec<Reading> {
        for park in 0..self.barriers.len() {
            if self.dice.is(FAILS) {
                self.barriers[park].silent_until = second + SILENT_S;
            }
            if self.dice.is(FAILS) {
                self.barriers[park].sequence = 0;
            }
            if second >= self.barriers[park].heard + 60 {
                self.barrier(park, second, Value::Alive);
            }
            // Not all at one instant: one after the other through the hour.
            let turn = i64::try_from(park).unwrap_or(0) * 300;
            if second == 0 || second > 0 && (second + turn) % COUNTED_EVERY_S == 0 {
                let occupied = occupied[park];
                self.say(self.known.desks[park], None, second, Value::Verified { occupied });
            }
        }
        if second > 0 && second % 60 == 0 {
            for position in 0..self.minutes.len() {
                let minute = std::mem::take(&mut self.minutes[position]);
                if !self.dice.is(MINUTE_MISSING) {
                    let value = self.minute(position, &minute);
                    let device = self.known.loops[position];
                    let (observed_at, received_at) = (at(second - 60), at(second));
                    self.out.push(Reading { device, sequence: None, observed_at, received_at, value });
                }
            }
        }
        let (now, later) =
            std::mem::take(&mut self.left).into_iter().partition(|(known, _)| *known <= second);
        self.left = later;
        let now: Vec<(i64, Reading)> = now;
        self.out.extend(now.into_iter().map(|(_, reading)| reading));
        std::mem::take(&mut self.out)
    }

    #[expect(clippy::cast_possible_truncation, reason = "a speed and a share")]
    fn minute(&self, position: usize, minute: &Minute) -> Value {
        const VEHICLE_M: f64 = 5.0;
        let length = self.scenario.edges[self.scenario.loops[position]].length_m;
        let speed_ms = f64::from(minute.vehicles) * length / minute.seconds.max(0.1);
        let covered_s = f64::from(minute.vehicles) * VEHICLE_M / speed_ms.max(0.1);
        Value::Traffic {
            interval_s: 60,
            vehicles: minute.vehicles,
            speed_kmh: (minute.vehicles > 0).then_some((speed_ms * 3.6) as f32),
            detector_occupancy_pct: Some((covered_s / 0.6).min(100.0) as f32),
        }
    }
}
