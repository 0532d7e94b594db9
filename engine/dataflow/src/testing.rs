//! What the operators' tests share: small cities, and scripts of ticks that are played to one operator's logic.

use std::time::Duration;

use proptest::prelude::*;
use vlot_model::{
    Admitted, Bay, City, ClockTick, CountMode, Counting, Device, DeviceIx, DeviceKind, Facility, FacilityIx,
    FacilityKind, Garage, GarageIx, LonLat, Matrix, Placement, RackKind, Reading, Role, Section, SectionIx,
    Sign, SignIx, Station, StationIx, Timestamp, Update, UserGroup, Value,
};

use crate::shell::Logic;

pub(crate) fn s(seconds: i64) -> Timestamp {
    Timestamp::from_secs(seconds)
}

/// Some batch or clock tick, at its instant in seconds.
#[derive(Clone, Debug)]
pub(crate) enum Step {
    Clock(i64),
    Batch(i64, Vec<Reading>),
}

impl Step {
    pub(crate) fn at(&self) -> Timestamp {
        let (Step::Clock(at) | Step::Batch(at, _)) = self;
        s(*at)
    }

    pub(crate) fn readings(&self) -> &[Reading] {
        match self {
            Step::Clock(_) => &[],
            Step::Batch(_, readings) => readings,
        }
    }
}

/// The steps as the dataflow's two inputs; a step's tick is its position, from 1.
pub(crate) fn inputs(steps: &[Step]) -> (Vec<ClockTick>, Vec<Admitted>) {
    let (mut clocks, mut admitted) = (Vec::new(), Vec::new());
    for (tick, step) in (1..).zip(steps) {
        match step {
            Step::Clock(_) => clocks.push(ClockTick { tick, at: step.at() }),
            Step::Batch(_, readings) => admitted.extend((0..).zip(readings).map(|(index, r)| Admitted {
                tick,
                at: step.at(),
                index,
                reading: r.clone(),
            })),
        }
    }
    (clocks, admitted)
}

/// Plays the steps; a step's tick is its position, from 1.
pub(crate) fn play<L: Logic<In = Admitted>>(logic: &mut L, steps: &[Step]) -> Vec<Update> {
    let mut out = Vec::new();
    for (tick, step) in (1..).zip(steps) {
        let before = out.len();
        match step {
            Step::Clock(_) => logic.on_clock(tick, step.at(), &mut out),
            Step::Batch(_, readings) if readings.is_empty() => {}
            Step::Batch(..) => {
                let batch = std::slice::from_ref(step);
                let mut admitted = inputs(batch).1;
                admitted.iter_mut().for_each(|a| a.tick = tick);
                logic.on_tick(tick, step.at(), &admitted, &mut out);
            }
        }
        let mut keys: Vec<_> = out[before..].iter().map(|u| u.product.key()).collect();
        keys.sort_unstable();
        assert!(keys.windows(2).all(|w| w[0] != w[1]), "a key twice in tick {tick}");
    }
    out
}

/// A reading without a sequence number, observed and received at one instant.
pub(crate) fn said(device: u32, at: i64, value: Value) -> Reading {
    Reading { device: DeviceIx(device), sequence: None, observed_at: s(at), received_at: s(at), value }
}

pub(crate) fn numbered(device: u32, sequence: u32, at: i64, value: Value) -> Reading {
    Reading { sequence: Some(sequence), ..said(device, at, value) }
}

/// One message as a device sent it, and what became of it on the way.
#[derive(Clone, Debug)]
pub(crate) struct Sent {
    /// Which device, modulo their number.
    pub(crate) device: u32,
    /// Seconds since the message before.
    pub(crate) gap_s: i64,
    /// What it says, for the test to interpret.
    pub(crate) choice: u8,
    pub(crate) number: u32,
    lost: bool,
    /// How many messages overtake it.
    delay: usize,
    /// The device's clock error.
    skew_s: i64,
    ends_tick: bool,
    clock_after_s: Option<i64>,
}

prop_compose! {
    pub(crate) fn sent()(
        device in 0_u32..64,
        gap_s in prop_oneof![12 => 0_i64..20, 2 => 20_i64..150, 1 => 150_i64..2_000],
        choice in any::<u8>(),
        number in 0_u32..12,
        lost in prop::bool::weighted(0.08),
        delay in prop_oneof![6 => Just(0_usize), 2 => 1_usize..12],
        skew_s in prop_oneof![8 => Just(0_i64), 1 => -30_i64..30],
        ends_tick in prop::bool::weighted(0.4),
        clock_after_s in prop::option::weighted(0.4, 0_i64..120),
    ) -> Sent {
        Sent { device, gap_s, choice, number, lost, delay, skew_s, ends_tick, clock_after_s }
    }
}

/// The steps in which messages reach the dataflow: some lost, some overtaken, none twice, between clock ticks.
///
/// `say` makes of each message what its device said: its sequence number, when it observed it, and the value.
pub(crate) fn arrivals(
    sent: &[Sent],
    devices: u32,
    mut say: impl FnMut(DeviceIx, &Sent, i64) -> (Option<u32>, i64, Value),
) -> Vec<Step> {
    let mut now = 1_700_000_000;
    let mut on_the_way: Vec<(usize, i64, &Sent, Reading)> = Vec::new();
    for (i, message) in sent.iter().enumerate() {
        now += message.gap_s;
        let device = DeviceIx(message.device % devices);
        let (sequence, observed, value) = say(device, message, now);
        let observed_at = s(observed + message.skew_s);
        let reading = Reading { device, sequence, observed_at, received_at: s(now), value };
        if !message.lost {
            on_the_way.push((i + message.delay, now, message, reading));
        }
    }
    on_the_way.sort_by_key(|(place, ..)| *place);
    let mut steps = Vec::new();
    let (mut at, mut batch) = (0, Vec::new());
    for (_, sent_at, message, mut reading) in on_the_way {
        at = at.max(sent_at);
        reading.received_at = s(at);
        batch.push(reading);
        if message.ends_tick {
            steps.push(Step::Batch(at, std::mem::take(&mut batch)));
            if let Some(after) = message.clock_after_s {
                at += after;
                steps.push(Step::Clock(at));
            }
        }
    }
    steps.push(Step::Batch(at, batch));
    steps.push(Step::Clock(at + 10_000));
    steps
}

/// Makes cities, device by device.
#[derive(Default)]
pub(crate) struct Builder {
    pub(crate) city: City,
}

impl Builder {
    pub(crate) fn device(&mut self, kind: DeviceKind, role: Role, silent_after_s: u64) -> DeviceIx {
        let id = format!("d{}", self.city.devices.len()).into();
        let silent_after = Duration::from_secs(silent_after_s);
        self.city.devices.push(Device {
            id,
            kind,
            role,
            silent_after,
            service: vlot_model::Service::default(),
        });
        DeviceIx::from_position(self.city.devices.len() - 1)
    }

    /// A facility with that many bays, barriers and counters; bays are silent after 600 s, the others after 300 s.
    pub(crate) fn facility(
        &mut self,
        counting: Counting,
        bays: u32,
        barriers: u32,
        counters: u32,
    ) -> &mut Facility {
        let facility = FacilityIx::from_position(self.city.facilities.len());
        let bay = |bay| Bay {
            id: format!("{bay}").into(),
            bay_use: UserGroup::Everyone,
            device: self.device(DeviceKind::Bay, Role::Bay { facility, bay }, 600),
        };
        let bays: Vec<Bay> = (0..bays).map(bay).collect();
        for _ in 0..barriers {
            self.device(DeviceKind::Barrier, Role::Barrier { facility }, 300);
        }
        for _ in 0..counters {
            self.device(DeviceKind::Counter, Role::Counter { facility }, 300);
        }
        let capacity = if bays.is_empty() { 20 } else { u32::try_from(bays.len()).unwrap() };
        self.city.facilities.push(Facility {
            id: "f".into(),
            name: "F".into(),
            kind: FacilityKind::OffStreet,
            position: LonLat::default(),
            capacity,
            counting,
            bays,
            valid_for: Duration::from_secs(900),
            min_share: 0.75,
            full_at: 1,
            reopen_at: 3,
            // What a controller states is exact: the bookkeeping is what these tests look at.
            estimate: vlot_model::Reliability { figure_sd: 0.0, ..vlot_model::Reliability::of(capacity) },
            site: vlot_model::Site::default(),
        });
        self.city.facilities.last_mut().unwrap()
    }

    /// The operator's desk of the last facility.
    pub(crate) fn operator(&mut self) -> DeviceIx {
        let facility = FacilityIx::from_position(self.city.facilities.len() - 1);
        self.device(DeviceKind::Operator, Role::Operator { facility }, 300)
    }

    /// A garage of sections with one sensor each, 10 places, silent after 300 s, valid for 900 s.
    pub(crate) fn garage(&mut self, sections: u32) {
        let garage = GarageIx::from_position(self.city.garages.len());
        let section = |_| {
            let section = SectionIx::from_position(self.city.sections.len());
            self.device(DeviceKind::SectionSensor, Role::Section { section }, 300);
            let (id, name) = ("s".into(), "S".into());
            let rack = RackKind::Single;
            self.city.sections.push(Section {
                id,
                name,
                garage,
                capacity: 10,
                rack,
                level: 0,
                full_at: 0,
                reopen_at: 2,
                sources: vlot_model::SectionSources::default(),
            });
            section
        };
        let sections = (0..sections).map(section).collect();
        let (id, name, valid_for) = ("g".into(), "G".into(), Duration::from_secs(900));
        self.city.garages.push(Garage {
            id,
            name,
            position: LonLat::default(),
            sections,
            valid_for,
            site: vlot_model::GarageSite::default(),
        });
    }

    /// A gate of a section, silent after 300 s like the section's other devices.
    pub(crate) fn gate(&mut self, section: usize) -> DeviceIx {
        let section = SectionIx::from_position(section);
        self.device(DeviceKind::Barrier, Role::Section { section }, 300)
    }

    pub(crate) fn camera(&mut self, section: usize, sd: f64) -> DeviceIx {
        let ix = SectionIx::from_position(section);
        let device = self.device(DeviceKind::Camera, Role::Section { section: ix }, 300);
        self.city.sections[section].sources.cameras.push(vlot_model::Camera { device, sd });
        device
    }

    pub(crate) fn place(&mut self, section: usize) -> DeviceIx {
        let ix = SectionIx::from_position(section);
        let place = self.city.sections[section].sources.places.len();
        let role = Role::Place { section: ix, place: u32::try_from(place).unwrap() };
        let device = self.device(DeviceKind::Bay, role, 300);
        let id = format!("{place}").into();
        self.city.sections[section].sources.places.push(vlot_model::Place { id, device });
        device
    }

    pub(crate) fn station(&mut self, mode: CountMode, lanes: u32, interval_s: u64, lateness_s: u64) {
        let station = StationIx::from_position(self.city.stations.len());
        let kind = if mode == CountMode::Motor { DeviceKind::Loop } else { DeviceKind::BicycleCounter };
        let devices = (0..lanes).map(|_| self.device(kind, Role::Lane { station }, 600)).collect();
        self.city.stations.push(Station {
            id: "c".into(),
            name: "C".into(),
            position: LonLat::default(),
            mode,
            interval: Duration::from_secs(interval_s),
            lateness: Duration::from_secs(lateness_s),
            uptime_corrected: false,
            devices,
        });
    }

    pub(crate) fn sign(&mut self) {
        let sign = SignIx::from_position(self.city.signs.len());
        let device = self.device(DeviceKind::Sign, Role::Sign { sign }, 60);
        self.city.signs.push(Sign {
            id: "v".into(),
            name: "V".into(),
            position: LonLat::default(),
            matrix: Matrix { width_px: 96, height_px: 32 },
            placement: Placement::Street,
            lines: Vec::new(),
            template: 0,
            time_to_live: Duration::from_secs(60),
            min_dwell: Duration::from_secs(5),
            demand: 1.0,
            device,
        });
    }
}

/// The first place where two runs differ, if they do: a whole diff of two scripts helps nobody.
pub(crate) fn difference<T: PartialEq + std::fmt::Debug>(found: &[T], expected: &[T]) -> Option<String> {
    let i = (0..found.len().max(expected.len())).find(|&i| found.get(i) != expected.get(i))?;
    Some(format!("at {i}: found {:#?}\nexpected {:#?}", found.get(i), expected.get(i)))
}
