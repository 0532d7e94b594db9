//! Of groups, zones and overstays: what the board says becomes records.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use vlot_model::{
    Cell, Facility, FacilityIx, FacilityState, HistoryRecord, HistoryTable, Quality, Timestamp, UserGroup,
    ZonePressure,
};

use super::sampler::{is_known, quality, quality_at, real, record, whole, word};

const HOUR: Duration = Duration::from_hours(1);

/// A facility's groups at the beginning of a minute: of one that is not on the board, that nothing is known.
pub(super) fn groups(
    facility: &Facility,
    state: Option<&FacilityState>,
    minute: Timestamp,
    at: Timestamp,
    out: &mut Vec<HistoryRecord>,
) {
    let mut push = |group: UserGroup, free: Option<u32>, capacity: u32, held: Quality| {
        let id: Arc<str> = format!("{}/{}", facility.id, name(group)).into();
        let cells =
            vec![free.filter(|_| is_known(held)).and_then(whole), whole(capacity), word(quality(held))];
        out.push(record(HistoryTable::GroupMinute, &id, minute, cells));
    };
    match state {
        Some(s) => {
            let held = quality_at(s.quality, s.valid_until, at);
            s.groups.iter().for_each(|g| push(g.group, g.free, g.capacity, held));
        }
        None => facility
            .site
            .groups_at(Some(minute))
            .for_each(|(group, capacity)| push(group, None, capacity, Quality::Missing)),
    }
}

/// What has been said of zones, so that it is said once.
#[derive(Default)]
pub(super) struct Zones {
    hours: BTreeMap<FacilityIx, HistoryRecord>,
    /// Vehicles that overstay, by bay and when they came, with their limit.
    standing: BTreeMap<FacilityIx, BTreeMap<(u32, Timestamp), u32>>,
}

impl Zones {
    /// The last whole hour, and the overstays that have begun or ended; `at` is when that is seen.
    pub(super) fn look(
        &mut self,
        facility: &Facility,
        id: &Arc<str>,
        zone: &ZonePressure,
        at: Timestamp,
        out: &mut Vec<HistoryRecord>,
    ) {
        let hour = record(HistoryTable::ZoneHour, id, zone.hour - HOUR, hour_cells(zone));
        // An hour of which nothing is known must not replace what a run before this one knew of it.
        if hour.cells.iter().any(Option::is_some) && self.hours.get(&zone.facility) != Some(&hour) {
            self.hours.insert(zone.facility, hour.clone());
            out.push(hour);
        }
        let now: BTreeMap<_, _> = zone.overstays.iter().map(|o| ((o.bay, o.since), o.limit_s)).collect();
        let before = self.standing.insert(zone.facility, now.clone()).unwrap_or_default();
        let mut push = |(bay, since): (u32, Timestamp), limit_s: u32, stood_s: Option<Cell>| {
            let Some(bay) = facility.bays.get(bay as usize) else { return };
            let id: Arc<str> = format!("{id}/{}", bay.id).into();
            out.push(record(HistoryTable::Overstay, &id, since, vec![whole(limit_s), stood_s]));
        };
        for (key, limit_s) in &now {
            if before.get(key) != Some(limit_s) {
                push(*key, *limit_s, None);
            }
        }
        for (key, limit_s) in before.iter().filter(|(key, _)| !now.contains_key(key)) {
            let stood = i64::try_from(at.since(key.1).as_secs()).ok().map(Cell::Whole);
            push(*key, *limit_s, stood);
        }
    }
}

fn hour_cells(zone: &ZonePressure) -> Vec<Option<Cell>> {
    let balance = zone.balance.as_ref();
    vec![
        real(zone.last_hour_pct),
        zone.departures.and_then(whole),
        balance.and_then(|b| whole(b.capacity)),
        real(balance.map(|b| b.demand_mean)),
        balance.and_then(|b| whole(b.demand_peak)),
        balance.and_then(|b| whole(b.full_s)),
    ]
}

/// As the configuration writes it.
fn name(group: UserGroup) -> &'static str {
    match group {
        UserGroup::Everyone => "everyone",
        UserGroup::ShortStay => "short-stay",
        UserGroup::Accessible => "accessible",
        UserGroup::Charging => "charging",
        UserGroup::Residents => "residents",
        UserGroup::CareGivers => "care-givers",
        UserGroup::Loading => "loading",
        UserGroup::CargoBicycles => "cargo-bicycles",
        UserGroup::TwoWheelers => "two-wheelers",
    }
}

#[cfg(test)]
mod tests {
    use vlot_model::{Balance, Bay, Counting, DeviceIx, FacilityKind, LonLat, Overstay, Reliability, Site};

    use super::*;

    const NOON: Timestamp = Timestamp::from_secs(1_767_268_800);

    fn facility() -> Facility {
        let bay = |id: &str| Bay { id: id.into(), bay_use: UserGroup::ShortStay, device: DeviceIx(0) };
        Facility {
            id: "lei".into(),
            name: "Lei".into(),
            kind: FacilityKind::OnStreet,
            position: LonLat::default(),
            capacity: 2,
            counting: Counting::Bays,
            bays: vec![bay("1"), bay("2")],
            valid_for: HOUR,
            min_share: 0.8,
            full_at: 0,
            reopen_at: 1,
            estimate: Reliability::of(2),
            site: Site::default(),
        }
    }

    fn zone(last_hour_pct: Option<f32>, overstays: &[(u32, Timestamp)]) -> ZonePressure {
        ZonePressure {
            facility: FacilityIx(0),
            hour: NOON,
            pressure_pct: Some(12.5),
            last_hour_pct,
            departures: last_hour_pct.map(|_| 3),
            alarm: false,
            balance: last_hour_pct.map(|_| Balance {
                capacity: 2,
                demand_mean: 1.5,
                demand_peak: 2,
                full_s: 600,
            }),
            overstays: overstays
                .iter()
                .map(|&(bay, since)| Overstay { bay, since, limit_s: 1_800 })
                .collect(),
            overstays_begun: 9,
        }
    }

    fn look(
        zones: &mut Zones,
        zone: &ZonePressure,
        minutes: u64,
    ) -> Vec<(HistoryTable, String, Vec<Option<Cell>>)> {
        let mut out = Vec::new();
        zones.look(&facility(), &"lei".into(), zone, NOON + Duration::from_mins(minutes), &mut out);
        out.into_iter().map(|r| (r.table, format!("{} {}", r.id, r.start), r.cells)).collect()
    }

    #[test]
    fn a_whole_hour_is_recorded_once_and_an_unknown_one_never() {
        let mut zones = Zones::default();
        assert!(look(&mut zones, &zone(None, &[]), 0).is_empty());
        let said = look(&mut zones, &zone(Some(75.0), &[]), 1);
        let cells = vec![
            Some(Cell::Real(75.0)),
            whole(3_u32),
            whole(2_u32),
            Some(Cell::Real(1.5)),
            whole(2_u32),
            whole(600_u32),
        ];
        assert_eq!(said, [(HistoryTable::ZoneHour, format!("lei {}", NOON - HOUR), cells)]);
        assert_eq!(said[0].2.len(), HistoryTable::ZoneHour.columns().len());
        assert!(look(&mut zones, &zone(Some(75.0), &[]), 2).is_empty(), "nothing new");
        assert_eq!(look(&mut zones, &zone(Some(80.0), &[]), 3).len(), 1, "a late reading changed it");
    }

    #[test]
    fn an_overstay_is_recorded_when_it_begins_and_again_when_it_ends() {
        let mut zones = Zones::default();
        let came = NOON - Duration::from_mins(31);
        let begun = look(&mut zones, &zone(None, &[(1, came)]), 0);
        let standing = vec![whole(1_800_u32), None];
        assert_eq!(begun, [(HistoryTable::Overstay, format!("lei/2 {came}"), standing)]);
        assert!(look(&mut zones, &zone(None, &[(1, came)]), 5).is_empty());
        // Another vehicle on the same bay, and on one that the configuration does not have.
        let next = NOON - Duration::from_mins(1);
        let after = look(&mut zones, &zone(None, &[(1, next), (7, next)]), 9);
        let ended = vec![whole(1_800_u32), whole(40 * 60_u32)];
        assert_eq!(
            after,
            [
                (HistoryTable::Overstay, format!("lei/2 {next}"), vec![whole(1_800_u32), None]),
                (HistoryTable::Overstay, format!("lei/2 {came}"), ended),
            ]
        );
    }

    #[test]
    fn every_group_is_called_as_the_configuration_writes_it() {
        for group in [
            UserGroup::Everyone,
            UserGroup::ShortStay,
            UserGroup::Accessible,
            UserGroup::Charging,
            UserGroup::Residents,
            UserGroup::CareGivers,
            UserGroup::Loading,
            UserGroup::CargoBicycles,
            UserGroup::TwoWheelers,
        ] {
            assert_eq!(serde_json::to_string(&group).unwrap(), format!("{:?}", name(group)));
        }
    }
}
