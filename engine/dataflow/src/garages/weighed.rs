//! A section that several sources speak of: gates, single places with sensors, cameras, a sensor of its own.
//!
//! Gates and places are what barriers and bays are to a car park, and are kept by the same bookkeeping
//! ([`crate::parking::sources`]). A sensor that is taken at its word ties the gates' count to the truth each time it
//! speaks; without gates, and for cameras always, what is stated is weighed with all the rest ([`weigh`]), each by how
//! sure it is. Until something has tied it, a gates' count is no figure.

use std::time::Duration;

use vlot_model::{
    Bay, Certainty, City, Counting, DeviceIx, Facility, FacilityKind, FacilityStatus, Figure, LonLat,
    Quality, Reading, Reliability, Section, SectionIx, SectionState, Share, Site, SureWhy, Timestamp,
    UserGroup,
};

use super::witness::{Heard, Witness};
use crate::estimate::{Decider, Estimate, Policy, Says, Weighed, Why, weigh};
use crate::parking::sources::Sources;
use crate::shell::Standing;

/// Fewer of the places' sensors say nothing sure of the section.
const MIN_SHARE: f32 = 0.75;

/// The devices of a section by what they do, in the order of their positions.
#[derive(Clone, Debug, Default)]
pub(super) struct Devices {
    pub(super) gates: Vec<DeviceIx>,
    /// With the standard deviation of what it states.
    pub(super) witnesses: Vec<(DeviceIx, f64)>,
    pub(super) places: Vec<DeviceIx>,
}

#[derive(Debug)]
pub(super) struct Several {
    section: SectionIx,
    capacity: u32,
    sources: Sources,
    gates: bool,
    /// Gates or places.
    counts: bool,
    witnesses: Vec<Witness>,
    policy: Policy,
    decider: Decider,
}

/// A section's state, and when time alone changes it next.
pub(super) struct Seen {
    pub(super) state: SectionState,
    pub(super) share: Share,
    pub(super) due: Option<Timestamp>,
}

impl Several {
    pub(super) fn new(ix: SectionIx, section: &Section, devices: &Devices, city: &City) -> Self {
        let bay = |device: &DeviceIx| Bay { id: "".into(), bay_use: UserGroup::Everyone, device: *device };
        let gates = !devices.gates.is_empty();
        // To the bookkeeping, it is a small car park.
        let as_facility = Facility {
            id: section.id.clone(),
            name: String::new(),
            kind: FacilityKind::OffStreet,
            position: LonLat::default(),
            capacity: section.capacity,
            counting: if gates { Counting::Barriers } else { Counting::Bays },
            bays: devices.places.iter().map(bay).collect(),
            valid_for: Duration::ZERO,
            min_share: MIN_SHARE,
            full_at: section.full_at,
            reopen_at: section.reopen_at,
            estimate: Reliability::of(section.capacity),
            site: Site::default(),
        };
        let silent_after = |device: DeviceIx| city.devices[device.at()].silent_after;
        Several {
            section: ix,
            capacity: section.capacity,
            sources: Sources::new(&as_facility, &devices.gates, city),
            gates,
            counts: gates || !devices.places.is_empty(),
            witnesses: devices
                .witnesses
                .iter()
                .map(|(device, sd)| Witness::new(*sd, silent_after(*device)))
                .collect(),
            policy: Policy { full_at: section.full_at, reopen_at: section.reopen_at, ..Policy::default() },
            decider: Decider::default(),
        }
    }

    pub(super) fn take_gate(&mut self, position: usize, reading: &Reading) {
        self.sources.take_member(position, reading);
    }

    pub(super) fn take_place(&mut self, position: usize, reading: &Reading, now: Timestamp) {
        self.sources.take_bay(position, reading, now);
    }

    pub(super) fn take_witness(&mut self, position: usize, reading: &Reading, now: Timestamp) {
        let Some(witness) = self.witnesses.get_mut(position) else { return };
        let Heard::Occupied(occupied) = witness.take(reading, self.capacity) else { return };
        let counted = if self.gates { self.sources.counted_at(reading.observed_at) } else { Some(0) };
        match counted {
            Some(counted) if !self.gates || witness.sd > 0.0 => {
                witness.hold(i64::from(occupied) - counted, reading);
            }
            _ => self.tie(occupied, position, reading, now),
        }
    }

    /// What is stated ties the gates' count.
    fn tie(&mut self, occupied: u32, position: usize, reading: &Reading, now: Timestamp) {
        let sd = self.witnesses.get(position).map_or(0.0, |witness| witness.sd);
        let at = reading.observed_at;
        let before = self.sources.counted_at(at);
        self.sources.stated(occupied, sd, reading, now);
        if let (Some(before), Some(after)) = (before, self.sources.counted_at(at)) {
            for witness in &mut self.witnesses {
                witness.rebase(after - before);
            }
        }
    }

    pub(super) fn gate_stands(&mut self, position: usize, standing: Standing) {
        self.sources.member_stands(position, standing);
    }

    pub(super) fn place_stands(&mut self, position: usize, standing: Standing) {
        self.sources.bay_stands(position, standing);
    }

    pub(super) fn witness_stands(&mut self, position: usize, standing: Standing) {
        if let Some(witness) = self.witnesses.get_mut(position) {
            witness.stand(standing);
        }
    }

    pub(super) fn state(&mut self, now: Timestamp, valid_for: Duration) -> Seen {
        let said = self.sources.said(now);
        let counts = self.counts;
        let counted = said.estimate.filter(|_| counts);
        let count_holds = said.sound && said.rests_on.is_some_and(|at| now < at + valid_for);
        let base = if self.gates { said.uncorrected.unwrap_or(0) } else { 0 };
        let sure = counted.filter(|_| count_holds);
        let says: Vec<_> = self.witnesses.iter().map(|w| (w.sd, w.says(now, valid_for))).collect();
        let sound = sure.is_some() || says.iter().any(|(_, said)| said.is_some());
        // Where nothing is sound, the last that was known still is what it was.
        let (count, says) = if sound {
            (sure, says)
        } else {
            (counted, self.witnesses.iter().map(|w| (w.sd, w.stated())).collect())
        };
        let stated: Vec<_> = says.iter().filter_map(|(sd, said)| said.map(|said| (*sd, said))).collect();
        let estimate = self.together(count, base, &stated);
        let rests_on = count.and(said.rests_on).max(stated.iter().map(|(_, (_, at))| *at).max());
        let valid_until = estimate.and(rests_on).map(|at| at + valid_for);
        let mut share = said.share;
        for witness in self.witnesses.iter().filter(|w| w.counts()) {
            share.total += 1;
            share.reporting += u32::from(witness.reports(now));
        }
        let (quality, certainty) = self.judge(estimate.as_ref(), sound, valid_until, now);
        let status = match certainty.map(|c| c.says) {
            Some(Figure::Full) => FacilityStatus::Full,
            Some(Figure::Free(_)) => FacilityStatus::SpacesAvailable,
            _ => FacilityStatus::Unknown,
        };
        let state = SectionState {
            section: self.section,
            capacity: self.capacity,
            free: estimate.map(|e| self.capacity.saturating_sub(e.best)),
            status,
            observed_at: estimate.and(rests_on),
            valid_until,
            quality,
            certainty,
        };
        let count_ends = said.rests_on.map(|at| at + valid_for);
        let due = self.witnesses.iter().flat_map(|w| w.due(valid_for));
        let due = due.chain(said.due).chain(count_ends).chain(valid_until).filter(|at| now < *at).min();
        Seen { state, share, due }
    }

    fn together(
        &self,
        count: Option<Estimate>,
        base: i64,
        stated: &[(f64, (i64, Timestamp))],
    ) -> Option<Estimate> {
        if stated.is_empty() {
            return count;
        }
        let own = stated.iter().map(|(sd, (occupied, _))| {
            let occupied = u32::try_from((base + occupied).max(0)).unwrap_or(u32::MAX);
            Weighed { occupied: f64::from(occupied.min(self.capacity)), sd: *sd }
        });
        let all = count.as_ref().map(Weighed::of).into_iter().chain(own);
        let mut estimate = weigh(all, self.policy.tail, self.capacity)?;
        estimate.conflict |= count.is_some_and(|count| count.conflict);
        Some(estimate)
    }

    fn judge(
        &mut self,
        estimate: Option<&Estimate>,
        sound: bool,
        valid_until: Option<Timestamp>,
        now: Timestamp,
    ) -> (Quality, Option<Certainty>) {
        let (Some(estimate), Some(valid_until)) = (estimate, valid_until) else {
            return (Quality::Missing, None);
        };
        if valid_until <= now {
            return (Quality::Stale, None);
        }
        let (mut says, mut why) = (Figure::Blank, SureWhy::SensorsMissing);
        // Signs show good figures of sections alone: of sources that contradict each other they say nothing, and the
        // memory of FULL stays as it is.
        if sound && !estimate.conflict {
            let decided = self.decider.decide(estimate, self.capacity, &self.policy);
            says = match decided.0 {
                Says::Free(free) => Figure::Free(free),
                Says::Full => Figure::Full,
                Says::Blank => Figure::Blank,
            };
            why = match decided.1 {
                Why::Sure => SureWhy::Sure,
                Why::TooWide => SureWhy::TooWide,
                Why::MayNotBeFull => SureWhy::MayNotBeFull,
                Why::MayBeFull => SureWhy::MayBeFull,
            };
        } else if sound {
            why = SureWhy::TooWide;
        }
        let good = sound && !estimate.conflict && why != SureWhy::TooWide;
        let certainty = Certainty {
            occupied_low: estimate.low,
            occupied_high: estimate.high,
            says,
            why,
            conflict: estimate.conflict,
            bays_alone: false,
            anchored: self.sources.anchored(),
        };
        (if good { Quality::Good } else { Quality::Degraded }, Some(certainty))
    }
}
