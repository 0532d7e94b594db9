//! What the devices of a large city say in a second: bays that fill and empty with the day, each a few times an hour, car
//! parks through their barriers, and their systems' own figures.

use std::f64::consts::TAU;

use vlot_model::{DeviceIx, Direction, Reading, Timestamp, Value};

use crate::town::{Devices, SPACES};

/// Messages an hour.
#[derive(Clone, Copy)]
pub(crate) struct Pace {
    /// Of a bay; about half of them are changes.
    pub(crate) bay: f64,
    /// Passages of a car park.
    pub(crate) passages: f64,
    /// Figures of a car park's system.
    pub(crate) figures: f64,
}

impl Pace {
    /// As a city speaks.
    pub(crate) const USUAL: Pace = Pace { bay: 4.0, passages: 120.0, figures: 60.0 };
    /// Enough that nothing goes stale.
    pub(crate) const SPARSE: Pace = Pace { bay: 1.0, passages: 12.0, figures: 12.0 };

    fn times(self, density: f64) -> Pace {
        let Pace { bay, passages, figures } = self;
        Pace { bay: bay * density, passages: passages * density, figures: figures * density }
    }
}

pub(crate) struct Load {
    random: u64,
    /// By device.
    sequences: Vec<u32>,
    /// Vehicles in each car park.
    inside: Vec<u32>,
    /// Messages of bays, passages and figures that are owed but for a fraction.
    owed: [f64; 3],
    next_figure: usize,
}

impl Load {
    pub(crate) fn new(town: &Devices, devices: usize) -> Self {
        Load {
            random: 0x9E37_79B9_7F4A_7C15,
            sequences: vec![0; devices],
            inside: vec![SPACES / 3; town.parks.len()],
            owed: [0.0; 3],
            next_figure: 0,
        }
    }

    fn random(&mut self, below: usize) -> usize {
        self.random ^= self.random << 13;
        self.random ^= self.random >> 7;
        self.random ^= self.random << 17;
        usize::try_from(self.random >> 33).unwrap_or(0) % below.max(1)
    }

    fn chance(&mut self, share: f64) -> bool {
        (self.random(1 << 20) as f64) < share * f64::from(1 << 20)
    }

    /// The readings of the second that ends `at`, at the `density`-fold of a pace.
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "counts of a second")]
    pub(crate) fn second(
        &mut self,
        town: &Devices,
        at: Timestamp,
        pace: Pace,
        density: f64,
        out: &mut Vec<Reading>,
    ) {
        let pace = pace.times(density);
        let day = (at.micros() / 1_000_000) as f64 / 86_400.0 * TAU;
        let parks = town.parks.len() as f64;
        let due = [town.bays.len() as f64 * pace.bay, parks * pace.passages, parks * pace.figures];
        for (owed, due) in self.owed.iter_mut().zip(due) {
            *owed += due / 3_600.0;
        }
        let counts = self.owed.map(|owed| owed as u64);
        self.owed = self.owed.map(f64::fract);
        for _ in 0..counts[0] {
            let n = self.random(town.bays.len());
            // Fullest in the afternoon, at another hour and to another degree in each zone of 25.
            let zone = (n / 25) as f64;
            let occupied =
                self.chance(0.5 + (0.2 + zone % 7.0 / 40.0) * (day - 3.5 + zone % 13.0 / 6.0).sin());
            self.say(town.bays[n], at, Value::Bay { occupied }, out);
        }
        for _ in 0..counts[1] {
            let n = self.random(town.parks.len());
            let aim = f64::from(SPACES) * (0.5 + 0.35 * (day - 3.5 + n as f64 % 11.0 / 6.0).sin());
            let fills = f64::from(self.inside[n]) < aim;
            let (way, direction) = if self.chance(if fills { 0.7 } else { 0.3 }) {
                (0, Direction::In)
            } else {
                (1, Direction::Out)
            };
            let inside = &mut self.inside[n];
            *inside = if way == 0 { (*inside + 1).min(SPACES) } else { inside.saturating_sub(1) };
            self.say(town.parks[n].barriers[way], at, Value::Passage { direction, vehicles: 1 }, out);
        }
        for _ in 0..counts[2] {
            let n = self.next_figure;
            self.next_figure = (n + 1) % town.parks.len();
            self.say(town.parks[n].counter, at, Value::Occupied { spaces: self.inside[n] }, out);
        }
    }

    fn say(&mut self, device: DeviceIx, at: Timestamp, value: Value, out: &mut Vec<Reading>) {
        let sequence = &mut self.sequences[device.at()];
        *sequence += 1;
        // Some tenths of a second under way.
        let observed_at = Timestamp::from_micros(at.micros() - 300_000);
        out.push(Reading { device, sequence: Some(*sequence), observed_at, received_at: at, value });
    }
}
