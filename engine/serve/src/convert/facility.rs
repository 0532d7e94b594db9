//! Car parks and zones.

use vlot_model::{
    AnchorKind, Anchored, Certainty, City, Counting, Entry, FacilityIx, FacilityKind, FacilityState, Figure,
    Opening, Product, Role, SureWhy,
};

use super::site::{describe, groups};
use super::{Edge, position, share, silent, status, timestamp};
use crate::wire::common::v1 as common;
use crate::wire::parking::v1 as wire;

/// A facility in its present state.
pub(crate) fn facility(
    city: &City,
    ix: FacilityIx,
    entry: Option<&Entry>,
    edge: &mut Edge,
) -> wire::Facility {
    let Some(facility) = city.facilities.get(ix.at()) else { return wire::Facility::default() };
    let state = match entry.map(|e| (e.version, &*e.product)) {
        Some((version, Product::Facility(state))) => known(version, state, edge),
        _ => wire::FacilityState {
            capacity: facility.capacity,
            opening: wire::Opening::Unknown.into(),
            status: common::Status::Unknown.into(),
            quality: common::Quality::Missing.into(),
            sensors: Some(silent(sensors(city, ix))),
            ..wire::FacilityState::default()
        },
    };
    let told = wire::Facility {
        id: facility.id.to_string(),
        name: facility.name.clone(),
        kind: kind(facility.kind).into(),
        position: Some(position(facility.position)),
        state: Some(state),
        ..wire::Facility::default()
    };
    describe(facility, told)
}

fn known(version: u64, state: &FacilityState, edge: &mut Edge) -> wire::FacilityState {
    let quality = edge.quality(state.quality, state.valid_until);
    wire::FacilityState {
        capacity: state.capacity,
        occupied: state.occupied,
        free: state.free,
        occupied_uncorrected: state.occupied_uncorrected,
        opening: opening(state.opening).into(),
        status: match state.closed {
            Some(closed) => edge.closed(closed.until),
            None => status(state.status, state.quality, quality),
        }
        .into(),
        observed_at: state.observed_at.map(timestamp),
        valid_until: state.valid_until.map(timestamp),
        quality: quality.into(),
        sensors: Some(share(state.sensors)),
        lost_messages: state.lost_messages,
        version,
        // What may be said is no older than the figures that it is said of.
        certainty: state
            .certainty
            .filter(|_| quality != common::Quality::Stale)
            .map(|c| certainty(state.capacity, &c)),
        groups: groups(&state.groups),
    }
}

pub(super) fn certainty(capacity: u32, certainty: &Certainty) -> wire::Certainty {
    use wire::certainty::Says;
    let free = |occupied| capacity.saturating_sub(occupied);
    wire::Certainty {
        occupied_low: certainty.occupied_low,
        occupied_high: certainty.occupied_high,
        free_low: free(certainty.occupied_high),
        free_high: free(certainty.occupied_low),
        says: Some(match certainty.says {
            Figure::Free(free) => Says::Free(free),
            Figure::Full => Says::Word(common::Status::Full.into()),
            Figure::Closed => Says::Word(common::Status::Closed.into()),
            Figure::Blank => Says::Blank(true),
        }),
        why: match certainty.why {
            SureWhy::Sure => wire::Sureness::Sure,
            SureWhy::TooWide => wire::Sureness::TooWide,
            SureWhy::MayNotBeFull => wire::Sureness::MayNotBeFull,
            SureWhy::MayBeFull => wire::Sureness::MayBeFull,
            SureWhy::SensorsMissing => wire::Sureness::SensorsMissing,
        }
        .into(),
        conflict: certainty.conflict,
        bays_alone: certainty.bays_alone,
        last_anchor: certainty.anchored.map(anchor),
    }
}

fn anchor(anchored: Anchored) -> wire::Anchor {
    let kind = match anchored.by {
        AnchorKind::Verified => wire::AnchorKind::Verified,
        AnchorKind::Corrected => wire::AnchorKind::Corrected,
        AnchorKind::Stated => wire::AnchorKind::Stated,
        AnchorKind::ClosedAndEmpty => wire::AnchorKind::ClosedAndEmpty,
    };
    wire::Anchor { at: Some(timestamp(anchored.at)), kind: kind.into(), drift: anchored.drift }
}

/// Its bays, and the devices that its count or figure rests on.
fn sensors(city: &City, ix: FacilityIx) -> usize {
    let Some(facility) = city.facilities.get(ix.at()) else { return 0 };
    let rests_on = |role: Role| match (facility.counting, role) {
        (Counting::Barriers, Role::Barrier { facility })
        | (Counting::Absolute, Role::Counter { facility }) => facility == ix,
        _ => false,
    };
    facility.bays.len() + city.devices.iter().filter(|device| rests_on(device.role)).count()
}

/// The kind, as the interface calls it.
pub(crate) fn kind(kind: FacilityKind) -> wire::FacilityKind {
    match kind {
        FacilityKind::OffStreet => wire::FacilityKind::OffStreet,
        FacilityKind::Edge => wire::FacilityKind::Edge,
        FacilityKind::OnStreet => wire::FacilityKind::OnStreet,
    }
}

pub(super) fn opening(opening: Opening) -> wire::Opening {
    match opening {
        Opening::Open => wire::Opening::Open,
        Opening::Closed => wire::Opening::Closed,
        Opening::Unknown => wire::Opening::Unknown,
    }
}

#[cfg(test)]
mod tests {
    use vlot_model::Timestamp;

    use super::*;

    #[test]
    fn a_certainty_says_both_ends_and_why() {
        let at = Timestamp::from_secs(7);
        let anchored = Some(Anchored { at, by: AnchorKind::Verified, drift: Some(-3) });
        let sure = Certainty {
            occupied_low: 81,
            occupied_high: 104,
            says: Figure::Blank,
            why: SureWhy::MayBeFull,
            conflict: true,
            bays_alone: true,
            anchored,
        };
        let said = certainty(100, &sure);
        assert_eq!((said.occupied_low, said.occupied_high), (81, 104));
        assert_eq!((said.free_low, said.free_high), (0, 19));
        assert_eq!(said.says, Some(wire::certainty::Says::Blank(true)));
        assert_eq!((said.why(), said.conflict, said.bays_alone), (wire::Sureness::MayBeFull, true, true));
        let anchor = said.last_anchor.unwrap();
        assert_eq!((anchor.kind(), anchor.drift), (wire::AnchorKind::Verified, Some(-3)));
        assert_eq!(anchor.at, Some(timestamp(at)));
    }

    #[test]
    fn every_word_has_its_like() {
        let sure = |says, why| {
            let sure = Certainty {
                occupied_low: 1,
                occupied_high: 2,
                says,
                why,
                conflict: false,
                bays_alone: false,
                anchored: None,
            };
            let said = certainty(9, &sure);
            (said.says.unwrap(), said.why())
        };
        use wire::certainty::Says;
        let word = |status: common::Status| Says::Word(status.into());
        let table = [
            (Figure::Free(7), SureWhy::Sure, Says::Free(7), wire::Sureness::Sure),
            (Figure::Full, SureWhy::Sure, word(common::Status::Full), wire::Sureness::Sure),
            (Figure::Closed, SureWhy::Sure, word(common::Status::Closed), wire::Sureness::Sure),
            (Figure::Blank, SureWhy::TooWide, Says::Blank(true), wire::Sureness::TooWide),
            (Figure::Blank, SureWhy::MayNotBeFull, Says::Blank(true), wire::Sureness::MayNotBeFull),
            (Figure::Blank, SureWhy::SensorsMissing, Says::Blank(true), wire::Sureness::SensorsMissing),
        ];
        for (says, why, wire_says, wire_why) in table {
            assert_eq!(sure(says, why), (wire_says, wire_why));
        }
    }
}
