//! Products to messages, written by hand: the engine's types and the interfaces change for different reasons.
//!
//! Every function takes the city (ids and names), the newest state if there is one, and the [`Edge`], which judges
//! age at the moment of sending: an engine that stands still must not make old figures look fresh.

mod act;
mod count;
mod facility;
mod forecast;
mod garage;
mod guidance;
pub(crate) mod road;
pub(crate) mod roadside;
mod sensor;
mod sign;
mod site;
mod situation;
mod zone;

use std::time::Duration;

use vlot_model::{FacilityStatus, LonLat, Quality, Share, Timestamp};

use crate::wire::common::v1 as wire;

pub(crate) use act::act;
pub(crate) use count::{mode as count_mode, station};
pub(crate) use facility::{facility, kind as facility_kind};
pub(crate) use forecast::{forecast, on_arrival};
pub(crate) use garage::{garage, unmoved};
pub(crate) use guidance::{advice_reason, arrival, guidance};
pub(crate) use sensor::{kind as sensor_kind, sensor};
pub(crate) use sign::{face, sign, sign_fault, target};
pub(crate) use situation::{kind as situation_kind, link_id, modes, phase as situation_phase, situation};
pub(crate) use zone::zone;

/// The present instant, and the next one at which a judgement made now would be another.
pub(crate) struct Edge {
    now: Timestamp,
    until: Timestamp,
}

impl Edge {
    pub(crate) fn at(now: Timestamp) -> Self {
        Edge { now, until: Timestamp::from_micros(i64::MAX) }
    }

    /// Until then everything that was judged stays as it is.
    pub(crate) fn until(&self) -> Timestamp {
        self.until
    }

    /// Closed until then, whatever became of the figures.
    pub(crate) fn closed(&mut self, until: Option<Timestamp>) -> wire::Status {
        match until {
            Some(end) if end <= self.now => wire::Status::Unknown,
            Some(end) => {
                self.until = self.until.min(end);
                wire::Status::Closed
            }
            None => wire::Status::Closed,
        }
    }

    /// The quality at this moment: what has outlived its validity is stale, whatever the product says of itself.
    pub(crate) fn quality(&mut self, stated: Quality, valid_until: Option<Timestamp>) -> wire::Quality {
        match (stated, valid_until) {
            (Quality::Missing, _) => wire::Quality::Missing,
            (Quality::Stale, _) => wire::Quality::Stale,
            (_, Some(end)) if end <= self.now => wire::Quality::Stale,
            (fresh, end) => {
                self.until = self.until.min(end.unwrap_or(self.until));
                if fresh == Quality::Good { wire::Quality::Good } else { wire::Quality::Degraded }
            }
        }
    }
}

/// The word that the engine chose for figures of that quality, unless they have grown old since: then no word is known
/// to be true any more, FULL least of all.
fn status(stated: FacilityStatus, of: Quality, now: wire::Quality) -> wire::Status {
    let outlived = now == wire::Quality::Stale && of != Quality::Stale;
    if outlived { wire::Status::Unknown } else { word(stated) }
}

fn word(status: FacilityStatus) -> wire::Status {
    match status {
        FacilityStatus::SpacesAvailable => wire::Status::SpacesAvailable,
        FacilityStatus::Full => wire::Status::Full,
        FacilityStatus::Closed => wire::Status::Closed,
        FacilityStatus::Unknown => wire::Status::Unknown,
    }
}

pub(crate) fn position(p: LonLat) -> wire::Position {
    wire::Position { latitude: p.lat, longitude: p.lon }
}

fn share(s: Share) -> wire::SensorShare {
    wire::SensorShare { reporting: s.reporting, total: s.total }
}

/// None of `total` sensors has reported.
fn silent(total: usize) -> wire::SensorShare {
    wire::SensorShare { reporting: 0, total: u32::try_from(total).unwrap_or(u32::MAX) }
}

pub(crate) fn timestamp(t: Timestamp) -> prost_types::Timestamp {
    let micros = t.micros();
    let nanos = i32::try_from(micros.rem_euclid(1_000_000) * 1_000).unwrap_or(0);
    prost_types::Timestamp { seconds: micros.div_euclid(1_000_000), nanos }
}

/// `None` when it is no instant that the engine can count.
pub(crate) fn instant(t: &prost_types::Timestamp) -> Option<Timestamp> {
    let nanos = u32::try_from(t.nanos).ok().filter(|n| *n < 1_000_000_000)?;
    let micros = t.seconds.checked_mul(1_000_000)?.checked_add(i64::from(nanos / 1_000))?;
    Some(Timestamp::from_micros(micros))
}

pub(crate) fn duration(d: Duration) -> prost_types::Duration {
    prost_types::Duration {
        seconds: i64::try_from(d.as_secs()).unwrap_or(i64::MAX),
        nanos: i32::try_from(d.subsec_nanos()).unwrap_or(0),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quality_is_judged_at_the_moment_of_sending() {
        let (now, later) = (Timestamp::from_secs(100), Timestamp::from_secs(160));
        let judge = |stated, valid_until| {
            let mut edge = Edge::at(now);
            (edge.quality(stated, valid_until), edge.until())
        };
        let never = Timestamp::from_micros(i64::MAX);
        assert_eq!(judge(Quality::Good, Some(later)), (wire::Quality::Good, later));
        assert_eq!(judge(Quality::Degraded, Some(later)), (wire::Quality::Degraded, later));
        // Stale from the instant on, not after it.
        assert_eq!(judge(Quality::Good, Some(now)), (wire::Quality::Stale, never));
        assert_eq!(judge(Quality::Degraded, Some(Timestamp::EPOCH)), (wire::Quality::Stale, never));
        assert_eq!(judge(Quality::Stale, Some(later)), (wire::Quality::Stale, never));
        assert_eq!(judge(Quality::Missing, Some(Timestamp::EPOCH)), (wire::Quality::Missing, never));
        assert_eq!(judge(Quality::Good, None), (wire::Quality::Good, never));
        let mut edge = Edge::at(now);
        edge.quality(Quality::Good, Some(later));
        edge.quality(Quality::Good, Some(Timestamp::from_secs(130)));
        assert_eq!(edge.until(), Timestamp::from_secs(130));
    }

    #[test]
    fn figures_that_grew_old_on_the_way_have_no_word() {
        for stated in [FacilityStatus::SpacesAvailable, FacilityStatus::Full, FacilityStatus::Closed] {
            assert_eq!(status(stated, Quality::Good, wire::Quality::Stale), wire::Status::Unknown);
            assert_eq!(status(stated, Quality::Degraded, wire::Quality::Stale), wire::Status::Unknown);
            assert_eq!(status(stated, Quality::Degraded, wire::Quality::Degraded), word(stated));
        }
        // A barrier that is known to be closed needs no count to be so.
        for (stated, sent) in
            [(Quality::Stale, wire::Quality::Stale), (Quality::Missing, wire::Quality::Missing)]
        {
            assert_eq!(status(FacilityStatus::Closed, stated, sent), wire::Status::Closed);
        }
    }

    #[test]
    fn instants_survive_the_way_out_and_in_and_nonsense_is_none() {
        for micros in [0, -1, 1_700_000_000_123_456, -62_135_596_800_000_000] {
            let t = Timestamp::from_micros(micros);
            assert_eq!(instant(&timestamp(t)), Some(t));
        }
        for (seconds, nanos) in [(i64::MAX, 0), (i64::MIN, 0), (0, -1), (0, 1_000_000_000)] {
            assert_eq!(instant(&prost_types::Timestamp { seconds, nanos }), None);
        }
    }
}
