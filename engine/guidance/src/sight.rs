//! What is known of a line's target, and what may be said of it.

use vlot_model::{
    City, FacilityState, FacilityStatus, Figure, GarageState, RackKind, SectionState, Sight, Timestamp,
    UserGroup, closed_by_dates,
};

/// A garage as a whole is full when no section has space, and places in a closed section do not count. Neither do places for cargo
/// bicycles, unless there are no others: whoever reads a garage's name looks for a place for an ordinary one.
pub(crate) fn garage(p: &GarageState, city: &City) -> Sight {
    let cargo =
        |s: &&SectionState| city.sections.get(s.section.at()).is_some_and(|s| s.rack == RackKind::Cargo);
    let mut sections: Vec<_> = p.sections.iter().filter(|s| !cargo(s)).collect();
    let all_counted = sections.len() == p.sections.len() || sections.is_empty();
    if sections.is_empty() {
        sections.extend(&p.sections);
    }
    let all = |status: FacilityStatus| sections.iter().all(|s| s.status == status);
    let any = |status: FacilityStatus| sections.iter().any(|s| s.status == status);
    let status = if sections.is_empty() || any(FacilityStatus::Unknown) {
        FacilityStatus::Unknown
    } else if all(FacilityStatus::Closed) {
        FacilityStatus::Closed
    } else if any(FacilityStatus::SpacesAvailable) {
        FacilityStatus::SpacesAvailable
    } else {
        FacilityStatus::Full
    };
    let sum = |of: &dyn Fn(&SectionState) -> u32| sections.iter().map(|s| of(s)).fold(0, u32::saturating_add);
    let free = if all_counted {
        p.free
    } else {
        p.free.and(sections.iter().try_fold(0_u32, |sum, s| Some(sum.saturating_add(s.free?))))
    };
    let behind_doors: u32 = sections
        .iter()
        .filter(|s| s.status == FacilityStatus::Closed)
        .filter_map(|s| s.free)
        .fold(0, u32::saturating_add);
    // Of a section that is not sure, no more counts than may be said of it.
    let unsure: u32 = sections.iter().fold(0, |sum: u32, s| match s.certainty.map(|c| c.says) {
        None | Some(Figure::Closed) => sum,
        Some(Figure::Free(said)) => sum.saturating_add(s.free.unwrap_or(0).saturating_sub(said)),
        Some(Figure::Full | Figure::Blank) => sum.saturating_add(s.free.unwrap_or(0)),
    });
    Sight {
        free: free.map(|free| free.saturating_sub(behind_doors).saturating_sub(unsure)),
        capacity: if all_counted { p.capacity } else { sum(&|s| s.capacity) },
        status,
        closed: closed_by_dates(status),
        quality: p.quality,
        observed_at: p.observed_at,
        valid_until: p.valid_until,
        sensors: p.sensors,
        lost_messages: 0,
        certainty: None,
    }
}

/// The spaces of one group of users: free ones are known where they are counted by themselves.
pub(crate) fn of_group(p: &FacilityState, group: UserGroup) -> Sight {
    let of = p.groups.iter().find(|state| state.group == group);
    let free = of.and_then(|state| state.free);
    let status = match (p.status, free) {
        (FacilityStatus::Closed, _) => FacilityStatus::Closed,
        (_, None) => FacilityStatus::Unknown,
        (_, Some(0)) => FacilityStatus::Full,
        (_, Some(_)) => FacilityStatus::SpacesAvailable,
    };
    // How sure the whole is says nothing of a part that is counted by itself.
    let capacity = of.map_or(0, |state| state.capacity);
    Sight { free, capacity, status, certainty: None, ..Sight::facility(p) }
}

/// What a sign would say of it at `at`, were there no calm to keep.
pub(crate) fn figure(sight: &Sight, at: Timestamp) -> Figure {
    match (sight.status, sight.sayable()) {
        // Nobody needs a figure to know that a place is closed.
        (FacilityStatus::Closed, _) => {
            if sight.is_closed(at) {
                Figure::Closed
            } else {
                Figure::Blank
            }
        }
        _ if !sight.is_trusted(at) => Figure::Blank,
        (FacilityStatus::Full, _) => Figure::Full,
        (FacilityStatus::SpacesAvailable, Some(free)) => Figure::Free(rounded(free)),
        (FacilityStatus::SpacesAvailable, None) | (FacilityStatus::Unknown, _) => Figure::Blank,
    }
}

/// From so many free spaces on, figures go in steps of so many.
const STEPS: [(u32, u32); 3] = [(100, 10), (20, 5), (0, 1)];

/// The figure for so many free spaces: never more than there are.
#[must_use]
pub fn rounded(free: u32) -> u32 {
    let step = STEPS.iter().find(|(from, _)| free >= *from).map_or(1, |(_, step)| *step);
    free - free % step
}

/// Whether showing `shown` on would mislead, when `wanted` is what holds.
pub(crate) fn is_untrue(shown: Figure, wanted: Figure) -> bool {
    match (shown, wanted) {
        (Figure::Free(shown), Figure::Free(wanted)) => wanted < shown,
        (_, Figure::Free(_)) => false,
        (shown, wanted) => shown != wanted,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use vlot_model::{GarageIx, Quality, SectionIx, Share};

    #[test]
    fn figures_are_rounded_down_in_steps() {
        let table =
            [(0, 0), (1, 1), (19, 19), (20, 20), (24, 20), (25, 25), (99, 95), (100, 100), (109, 100)];
        for (free, shown) in table {
            assert_eq!(rounded(free), shown, "{free} free");
        }
        for free in 0..5_000 {
            assert!(rounded(free) <= free && rounded(free) <= rounded(free + 1), "{free} free");
            assert_eq!(rounded(rounded(free)), rounded(free), "{free} free");
        }
    }

    #[test]
    fn bad_news_is_told_at_once_and_good_news_waits() {
        use Figure::{Blank, Closed, Free, Full};
        let table = [
            (Free(10), Free(9), true),
            (Free(10), Free(10), false),
            (Free(10), Free(11), false),
            (Free(10), Full, true),
            (Free(10), Closed, true),
            (Free(10), Blank, true),
            (Full, Free(40), false),
            (Full, Closed, true),
            (Full, Blank, true),
            (Full, Full, false),
            (Closed, Full, true),
            (Closed, Free(3), false),
            (Blank, Full, true),
            (Blank, Closed, true),
            (Blank, Free(3), false),
            (Blank, Blank, false),
        ];
        for (shown, wanted, untrue) in table {
            assert_eq!(is_untrue(shown, wanted), untrue, "{shown:?} shown, {wanted:?} wanted");
        }
    }

    #[test]
    fn what_is_sure_is_said_and_no_more() {
        use Figure::{Blank, Free, Full};
        let now = crate::testing::at(0);
        let good = crate::testing::good(40, now);
        let sight = |says, status, quality| {
            let why = vlot_model::SureWhy::Sure;
            let (occupied_low, occupied_high) = (150, 170);
            let certainty = vlot_model::Certainty {
                occupied_low,
                occupied_high,
                says,
                why,
                conflict: false,
                bays_alone: false,
                anchored: None,
            };
            Sight { certainty: Some(certainty), status, quality, ..good }
        };
        let (space, full, unknown) =
            (FacilityStatus::SpacesAvailable, FacilityStatus::Full, FacilityStatus::Unknown);
        let table = [
            (sight(Free(29), space, Quality::Good), Free(25)),
            (sight(Free(29), space, Quality::Degraded), Free(25)),
            (sight(Full, full, Quality::Degraded), Full),
            (sight(Blank, unknown, Quality::Good), Blank),
            (sight(Free(29), space, Quality::Stale), Blank),
            (Sight { quality: Quality::Degraded, ..good }, Blank),
            (good, Free(40)),
        ];
        for (sight, said) in table {
            assert_eq!(figure(&sight, now), said, "{sight:?}");
        }
        let past = sight(Free(29), space, Quality::Good);
        assert_eq!(figure(&past, now + std::time::Duration::from_secs(60)), Blank);
    }

    #[test]
    fn closed_needs_no_figure_but_somebody_who_says_so() {
        use vlot_model::{Closed, ClosedBy};
        let now = crate::testing::at(0);
        let good = crate::testing::good(40, now);
        let until = |second| Closed { by: ClosedBy::OwnWord, until: Some(crate::testing::at(second)) };
        let operator = Closed { by: ClosedBy::Operator, until: None };
        for quality in [Quality::Good, Quality::Degraded, Quality::Stale, Quality::Missing] {
            for valid_until in [None, Some(now), good.valid_until] {
                let closed = |closed| Sight {
                    status: FacilityStatus::Closed,
                    closed,
                    quality,
                    valid_until,
                    free: None,
                    ..good
                };
                let said = |why| figure(&closed(why), now);
                assert_eq!(said(Some(operator)), Figure::Closed, "{quality:?}");
                assert_eq!(said(Some(until(1))), Figure::Closed, "{quality:?}");
                assert_eq!((said(Some(until(0))), said(None)), (Figure::Blank, Figure::Blank), "{quality:?}");
            }
        }
        let open = Sight { closed: Some(operator), ..good };
        assert_eq!(figure(&open, now), Figure::Free(40), "the status has the word");
    }

    #[test]
    fn a_garage_that_does_not_stand_there_is_closed() {
        let section = |status| SectionState {
            section: SectionIx(0),
            capacity: 50,
            free: None,
            status,
            observed_at: None,
            valid_until: None,
            quality: Quality::Missing,
            certainty: None,
        };
        let garage = |status| GarageState {
            garage: GarageIx(0),
            sections: vec![section(status); 2],
            free: None,
            capacity: 100,
            observed_at: None,
            valid_until: None,
            quality: Quality::Missing,
            sensors: Share::default(),
            unmoved: None,
        };
        let now = crate::testing::at(0);
        for (status, said) in
            [(FacilityStatus::Closed, Figure::Closed), (FacilityStatus::Unknown, Figure::Blank)]
        {
            assert_eq!(figure(&super::garage(&garage(status), &City::default()), now), said);
            assert_eq!(figure(&Sight::section(&section(status)), now), said);
        }
    }

    #[test]
    fn a_garage_is_what_its_sections_are() {
        use FacilityStatus::{Closed, Full, SpacesAvailable, Unknown};
        let garage = |sections: &[(FacilityStatus, u32)]| GarageState {
            garage: GarageIx(0),
            sections: sections
                .iter()
                .map(|(status, free)| SectionState {
                    section: SectionIx(0),
                    capacity: 100,
                    free: Some(*free),
                    status: *status,
                    observed_at: None,
                    valid_until: None,
                    quality: Quality::Good,
                    certainty: None,
                })
                .collect(),
            free: Some(sections.iter().map(|(_, free)| free).sum()),
            capacity: 300,
            observed_at: None,
            valid_until: None,
            quality: Quality::Good,
            sensors: Share::default(),
            unmoved: None,
        };
        let table: [(&[_], _, _); 6] = [
            (&[(SpacesAvailable, 30), (Full, 2)], SpacesAvailable, 32),
            (&[(Full, 1), (Full, 2)], Full, 3),
            (&[(SpacesAvailable, 30), (Closed, 50)], SpacesAvailable, 30),
            (&[(Full, 1), (Closed, 50)], Full, 1),
            (&[(Closed, 1), (Closed, 50)], Closed, 0),
            (&[(SpacesAvailable, 30), (Unknown, 0)], Unknown, 30),
        ];
        for (sections, status, free) in table {
            let sight = super::garage(&garage(sections), &City::default());
            assert_eq!((sight.status, sight.free), (status, Some(free)), "{sections:?}");
        }
    }

    #[test]
    fn a_garage_says_no_more_than_its_sections_may() {
        let now = crate::testing::at(0);
        let section = |free, says: Option<Figure>| SectionState {
            section: SectionIx(0),
            capacity: 100,
            free: Some(free),
            status: FacilityStatus::SpacesAvailable,
            observed_at: Some(now),
            valid_until: Some(now + std::time::Duration::from_secs(60)),
            quality: Quality::Good,
            certainty: says.map(|says| vlot_model::Certainty {
                occupied_low: 0,
                occupied_high: 100,
                says,
                why: vlot_model::SureWhy::Sure,
                conflict: false,
                bays_alone: false,
                anchored: None,
            }),
        };
        let table =
            [(Some(Figure::Free(10)), 40), (Some(Figure::Full), 30), (Some(Figure::Blank), 30), (None, 43)];
        for (says, free) in table {
            let sections = vec![section(30, None), section(13, says)];
            let garage = GarageState {
                garage: GarageIx(0),
                free: Some(43),
                capacity: 200,
                observed_at: Some(now),
                valid_until: sections[0].valid_until,
                quality: Quality::Good,
                sensors: Share::default(),
                sections,
                unmoved: None,
            };
            assert_eq!(super::garage(&garage, &City::default()).free, Some(free), "{says:?}");
        }
    }
}
