//! What stands beside the road and counts nothing: traffic lights' controllers, and air stations.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::actor::{Actor, Said};
use super::calendar::{Calendar, Day};
use super::chance::Chance;
use super::traffic::Traffic;
use crate::time::{MINUTE, round};
use crate::wire::Value;

/// A controller's lights flash for some minutes in one message of so many.
const FLASHES: f64 = 0.003;
/// Air stations report so often.
const AIR_EVERY: i64 = 10 * MINUTE;

/// A controller of traffic lights, with a plan for each part of the day.
pub(crate) struct Controller {
    device: usize,
    every: i64,
    flashes_until: i64,
    chance: Chance,
}

impl Controller {
    pub(crate) fn new(device: usize, every: i64, chance: Chance) -> Controller {
        Controller { device, every, flashes_until: i64::MIN, chance }
    }
}

impl Actor for Controller {
    fn act(&mut self, at: i64, calendar: &Calendar, said: &mut Vec<Said>) -> i64 {
        let local = calendar.local(at);
        let plan = match (local.day, local.hour) {
            (_, hour) if !(6.0..22.0).contains(&hour) => 1,
            (Day::Weekday, hour) if (6.5..9.5).contains(&hour) => 2,
            (Day::Weekday, hour) if (15.5..19.0).contains(&hour) => 3,
            _ => 4,
        };
        if self.chance.happens(FLASHES) {
            self.flashes_until = at + round(self.chance.between(5.0, 30.0) * MINUTE as f64);
        }
        let value = if at < self.flashes_until {
            Value::Signal { state: "flashing", plan: None }
        } else {
            Value::Signal { state: "running", plan: Some(plan) }
        };
        said.push(Said::now(self.device, value));
        at + self.every.min(MINUTE)
    }

    fn truth(&self, _: &mut BTreeMap<String, u32>) {}
}

/// A reader that says that it lives, however few vehicles pass it.
pub(crate) struct Reader {
    device: usize,
    every: i64,
}

impl Reader {
    pub(crate) fn new(device: usize, every: i64) -> Reader {
        Reader { device, every }
    }
}

impl Actor for Reader {
    fn act(&mut self, at: i64, _: &Calendar, said: &mut Vec<Said>) -> i64 {
        said.push(Said::now(self.device, Value::Alive));
        at + self.every
    }

    fn truth(&self, _: &mut BTreeMap<String, u32>) {}
}

/// An air station beside a street: what it measures follows that street's traffic.
pub(crate) struct AirStation {
    device: usize,
    traffic: Arc<Traffic>,
    link: Option<usize>,
    /// The day's weather: what blows away, 0.7 to 1.6.
    weather: f64,
    chance: Chance,
}

impl AirStation {
    pub(crate) fn new(
        device: usize,
        traffic: Arc<Traffic>,
        link: Option<usize>,
        mut chance: Chance,
    ) -> AirStation {
        let weather = chance.between(0.7, 1.6);
        AirStation { device, traffic, link, weather, chance }
    }
}

impl Actor for AirStation {
    fn act(&mut self, at: i64, calendar: &Calendar, said: &mut Vec<Said>) -> i64 {
        let load = self.link.map_or(0.4, |link| self.traffic.at(link, at, calendar).load);
        let figures = [
            ("no2", (8.0 + 32.0 * load) * self.weather, 500.0),
            ("pm10", (14.0 + 10.0 * load) * self.weather, 500.0),
            ("pm25", (8.0 + 5.0 * load) * self.weather, 300.0),
            ("noise", 48.0 + 20.0 * load.sqrt(), 110.0),
        ];
        for (quantity, value, most) in figures {
            let value = (value * (1.0 + 0.04 * self.chance.normal())).clamp(10.0_f64.min(value), most);
            said.push(Said::now(self.device, Value::Air { quantity, value }));
        }
        at + AIR_EVERY
    }

    fn truth(&self, _: &mut BTreeMap<String, u32>) {}
}
