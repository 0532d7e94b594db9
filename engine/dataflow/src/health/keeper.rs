//! The health of an operator's devices: each reading is judged before the operator takes it.
//!
//! **Which readings pass.** Those of sensors that are healthy or suspect. A failed sensor's are withheld until its rule
//! recovers; so are those of a sensor that is being commissioned, which is judged all the same, and of one that is
//! retired, which is not. What a facility says of its opening, and what operators do, always passes.
//!
//! **When time is looked at.** Bays each at an instant of their own, on a grid of ten seconds; other devices once a
//! minute. Both follow from the engine's clock alone, so that the number of workers never shows.

use std::sync::Arc;

use vlot_model::{
    City, Device, DeviceIx, FacilityIx, HealthState, Life, Reading, Role, SensorHealth, SensorRule,
    TICKS_SKIPPED, Tick, Timestamp, Value,
};

use super::kept::{BayKept, bay_rules};
use super::local::LocalHours;
use super::subject::Subject;
use super::words::{Words, life, published};
use super::{MINUTE, Micros, Rules};
use crate::shell::{Part, Standing};
use crate::trust::said_at;

/// Other devices are looked at this often.
const SUBJECT_GRID: Micros = MINUTE;

/// What becomes of a reading.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// The operator takes it.
    Pass,
    /// Nobody hears it.
    Withhold,
}

#[derive(Debug)]
struct SubjectKept {
    subject: Subject,
    said: Words,
}

/// Where a device is kept.
#[derive(Clone, Copy, Debug)]
enum Seat {
    None,
    Bay(u32),
    Subject(u32),
}

/// A change of one device, for its operator and for the board.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Changed {
    pub(crate) standing: Standing,
    pub(crate) health: SensorHealth,
}

/// The health of a worker's devices of one operator.
pub(crate) struct Keeper {
    city: Arc<City>,
    rules: Rules,
    local: LocalHours,
    seats: Vec<Seat>,
    bays: Vec<BayKept>,
    subjects: Vec<SubjectKept>,
    /// Instants at which a device's life changes, the next one last.
    turns: Vec<(Timestamp, DeviceIx)>,
    /// No bay is due before.
    bays_due: Micros,
    clock: Option<(Tick, Timestamp)>,
    /// Devices whose words may have changed.
    touched: Vec<DeviceIx>,
}

impl Keeper {
    /// Keeps those devices of `city` that `mine` names and whose readings come to this worker.
    pub(crate) fn new(
        city: &Arc<City>,
        part: Part,
        route: impl Fn(DeviceIx) -> u64,
        mine: impl Fn(&Device) -> bool,
    ) -> Self {
        let mut keeper = Keeper {
            city: Arc::clone(city),
            rules: city.health.rules,
            local: LocalHours::new(city),
            seats: Vec::with_capacity(city.devices.len()),
            bays: Vec::new(),
            subjects: Vec::new(),
            turns: Vec::new(),
            bays_due: Micros::MAX,
            clock: None,
            touched: Vec::new(),
        };
        for (i, device) in city.devices.iter().enumerate() {
            let ix = DeviceIx::from_position(i);
            let kept = mine(device) && part.owns(route(ix));
            let seat = if kept { keeper.take_in(ix, device) } else { Seat::None };
            keeper.seats.push(seat);
        }
        keeper.turns.sort_unstable_by(|a, b| b.cmp(a));
        keeper.bays.shrink_to_fit();
        // Most operators have few of a city's devices.
        let last = keeper.seats.iter().rposition(|seat| !matches!(seat, Seat::None));
        keeper.seats.truncate(last.map_or(0, |last| last + 1));
        keeper.seats.shrink_to_fit();
        keeper
    }

    fn take_in(&mut self, ix: DeviceIx, device: &Device) -> Seat {
        let position = |n: usize| u32::try_from(n).unwrap_or(u32::MAX);
        let seat = if let Role::Bay { .. } | Role::Place { .. } = device.role {
            self.bays.push(BayKept::new(ix));
            Seat::Bay(position(self.bays.len() - 1))
        } else if let Some(subject) = Subject::new(ix, device, &self.city) {
            self.subjects.push(SubjectKept { subject, said: Words::UNSAID });
            Seat::Subject(position(self.subjects.len() - 1))
        } else {
            return Seat::None;
        };
        let dates = [device.service.in_service_from, device.service.retired_from];
        self.turns.extend(dates.into_iter().flatten().map(|at| (at, ix)));
        seat
    }

    /// Judges a reading that is on its way to the operator in a tick of that instant.
    pub(crate) fn judge(&mut self, reading: &Reading, now: Timestamp) -> Verdict {
        let ix = reading.device;
        let Some(device) = self.city.devices.get(ix.at()) else { return Verdict::Pass };
        let life = life(device, now);
        if life == Life::Retired {
            return Verdict::Withhold;
        }
        let rules = bay_rules(device, &self.rules.bay);
        match (device.role, &reading.value) {
            (Role::Operator { facility }, value) => {
                self.act(facility, value, reading.observed_at.micros());
                return Verdict::Pass;
            }
            (
                Role::Barrier { facility } | Role::Counter { facility } | Role::Bay { facility, .. },
                Value::Opening { open },
            ) => {
                let at = said_at(reading).micros();
                self.of_facility(facility, |subject| subject.opening(at, *open));
            }
            _ => {}
        }
        let (said, words) = match self.seats.get(ix.at()) {
            Some(&Seat::Bay(i)) => {
                let Some(bay) = self.bays.get_mut(i as usize) else { return Verdict::Pass };
                bay.take(reading, &rules, &self.rules);
                self.bays_due = self.bays_due.min(bay.due(&rules));
                (bay.said, bay.words(life))
            }
            Some(&Seat::Subject(i)) => {
                let Some(kept) = self.subjects.get_mut(i as usize) else { return Verdict::Pass };
                kept.subject.take(reading, &mut self.local, &self.rules);
                (kept.said, Words::of(life, &kept.subject.health(now.micros())))
            }
            _ => return Verdict::Pass,
        };
        if said != words {
            self.touched.push(ix);
        }
        match reading.value {
            Value::Opening { .. } => Verdict::Pass,
            // Passages add up: of a barrier in service that is not believed, withheld ones would be missing for ever. The
            // operator says nothing sure of the count meanwhile, and less after.
            Value::Passage { .. } | Value::Totals { .. } if words.life == Life::InService => Verdict::Pass,
            _ if words.life == Life::Commissioning || words.state == HealthState::Failed => Verdict::Withhold,
            _ => Verdict::Pass,
        }
    }

    /// What an operator did to a facility's devices.
    fn act(&mut self, facility: FacilityIx, value: &Value, at: Micros) {
        match *value {
            Value::CounterReplaced => {
                self.of_facility(facility, |subject| subject.replaced(at));
            }
            Value::Closure { closed } => self.of_facility(facility, |subject| subject.opening(at, !closed)),
            _ => {}
        }
    }

    /// Acts and openings are rare: all devices are looked through.
    fn of_facility(&mut self, facility: FacilityIx, mut then: impl FnMut(&mut Subject)) {
        for kept in &mut self.subjects {
            let device = self.city.devices.get(kept.subject.device.at());
            if device.and_then(|d| crate::parking::facility_of(d.role)) == Some(facility) {
                then(&mut kept.subject);
                self.touched.push(kept.subject.device);
            }
        }
    }

    /// Time passes.
    pub(crate) fn on_clock(&mut self, tick: Tick, at: Timestamp) {
        let now = at.micros();
        let before = self.clock.replace((tick, at));
        // Before the engine heard, or while it was away, nobody was silent.
        if before.is_none_or(|(last, _)| tick.saturating_sub(last) > TICKS_SKIPPED) {
            self.awake(now);
        }
        while let Some((_, device)) = self.turns.pop_if(|(turn, _)| *turn <= at) {
            self.touched.push(device);
        }
        if before.is_none() {
            // A device that is being commissioned is known as one from the start.
            let new = |d: &Device| d.service.in_service_from.is_some();
            let all =
                self.bays.iter().map(|b| b.device).chain(self.subjects.iter().map(|s| s.subject.device));
            self.touched.extend(all.filter(|ix| self.city.devices.get(ix.at()).is_some_and(new)));
        }
        if self.bays_due <= now {
            self.look_at_bays(at);
        }
        let turned = before
            .is_none_or(|(_, last)| last.micros().div_euclid(SUBJECT_GRID) != now.div_euclid(SUBJECT_GRID));
        if turned {
            self.look_at_subjects(at);
        }
    }

    fn awake(&mut self, now: Micros) {
        for bay in &mut self.bays {
            bay.health.awake(now);
        }
        for kept in self.subjects.iter_mut().filter(|k| k.said.rule != Some(SensorRule::Silent)) {
            kept.subject.awake(now);
        }
        self.bays_due = now;
    }

    fn look_at_bays(&mut self, at: Timestamp) {
        let now = at.micros();
        self.bays_due = Micros::MAX;
        for bay in &mut self.bays {
            let Some(device) = self.city.devices.get(bay.device.at()) else { continue };
            let life = life(device, at);
            if life == Life::Retired {
                continue;
            }
            let rules = bay_rules(device, &self.rules.bay);
            if bay.due(&rules) <= now {
                bay.health.on_clock(now, &rules);
                if bay.words(life) != bay.said {
                    self.touched.push(bay.device);
                }
            }
            self.bays_due = self.bays_due.min(bay.due(&rules));
        }
    }

    fn look_at_subjects(&mut self, at: Timestamp) {
        for kept in &mut self.subjects {
            let Some(device) = self.city.devices.get(kept.subject.device.at()) else { continue };
            let life = life(device, at);
            if life == Life::Retired {
                continue;
            }
            kept.subject.on_clock(at.micros(), &mut self.local, &self.rules);
            if Words::of(life, &kept.subject.health(at.micros())) != kept.said {
                self.touched.push(kept.subject.device);
            }
        }
    }

    /// Hands over each device whose words are others than those it handed over last, once.
    pub(crate) fn changes(&mut self, at: Timestamp, mut then: impl FnMut(Changed)) {
        if self.touched.is_empty() {
            return;
        }
        let mut touched = std::mem::take(&mut self.touched);
        touched.sort_unstable();
        touched.dedup();
        for ix in touched.drain(..) {
            let Some(device) = self.city.devices.get(ix.at()) else { continue };
            let life = life(device, at);
            let (said, health, words) = match self.seats.get(ix.at()) {
                Some(&Seat::Bay(i)) => {
                    let Some(bay) = self.bays.get_mut(i as usize) else { continue };
                    let rules = bay_rules(device, &self.rules.bay);
                    let words = bay.words(life);
                    (&mut bay.said, bay.health.state(at.micros(), &rules), words)
                }
                Some(&Seat::Subject(i)) => {
                    let Some(kept) = self.subjects.get_mut(i as usize) else { continue };
                    let health = kept.subject.health(at.micros());
                    let words = Words::of(life, &health);
                    (&mut kept.said, health, words)
                }
                _ => continue,
            };
            if *said == words {
                continue;
            }
            let turned = said.life != words.life || words.life == Life::Retired;
            *said = words;
            then(Changed { standing: words.standing(), health: published(ix, words, &health, turned, at) });
        }
        self.touched = touched;
    }
}
