//! Spaces by group of users: of each group its own free ones over its own spaces, never of one over another's.

use vlot_model::{Bay, Facility, Group, GroupState, Site, Timestamp, UserGroup};

/// What the bays of one group say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Sum {
    pub(crate) group: UserGroup,
    /// Bays of it.
    pub(crate) total: u32,
    /// Bays that report.
    pub(crate) reporting: u32,
    /// Bays that report and are free.
    pub(crate) free: u32,
}

/// Sums by group, kept while bays come and go; sorted by group.
#[derive(Clone, Debug)]
pub(crate) struct Tally {
    /// The place in the sums of each bay.
    places: Vec<u8>,
    sums: Vec<Sum>,
}

impl Tally {
    pub(crate) fn new(bays: &[Bay]) -> Self {
        let mut sums: Vec<Sum> = Vec::new();
        for group in bays.iter().map(|bay| bay.bay_use) {
            let place = sums.partition_point(|sum| sum.group < group);
            match sums.get_mut(place).filter(|sum| sum.group == group) {
                Some(sum) => sum.total += 1,
                None => sums.insert(place, Sum { group, total: 1, reporting: 0, free: 0 }),
            }
        }
        let place = |bay: &Bay| {
            let place = sums.partition_point(|sum| sum.group < bay.bay_use);
            u8::try_from(place).unwrap_or(u8::MAX)
        };
        Tally { places: bays.iter().map(place).collect(), sums }
    }

    /// A bay begins to report (`by` 1) or ceases to (`by` -1), as a free or a taken one.
    pub(crate) fn count(&mut self, position: usize, free: bool, by: i32) {
        let sum = self.places.get(position).and_then(|place| self.sums.get_mut(usize::from(*place)));
        if let Some(sum) = sum {
            sum.reporting = sum.reporting.saturating_add_signed(by);
            if free {
                sum.free = sum.free.saturating_add_signed(by);
            }
        }
    }

    pub(crate) fn sums(&self) -> &[Sum] {
        &self.sums
    }
}

/// What is configured of a facility's groups.
#[derive(Clone, Debug)]
pub(crate) struct Groups {
    /// `None` where no group is configured.
    site: Option<Box<Site>>,
    min_share: f32,
}

impl Groups {
    pub(crate) fn new(facility: &Facility) -> Self {
        let groups: Vec<Group> = facility.site.groups.clone();
        let site = (!groups.is_empty()).then(|| Box::new(Site { groups, ..Site::default() }));
        Groups { site, min_share: facility.min_share }
    }

    /// Nothing of the configuration changes before.
    pub(crate) fn until(&self, now: Timestamp) -> Option<Timestamp> {
        self.site.as_ref()?.groups.iter().filter_map(|g| g.from).filter(|from| now < *from).min()
    }

    /// The groups at `now`: those that are configured, in that order, then those of bays alone. Empty where all spaces are
    /// for everyone.
    ///
    /// A group has a count of its own where each of its spaces has a sensor and enough of those report.
    pub(crate) fn states(&self, sums: &[Sum], now: Timestamp) -> Vec<GroupState> {
        let configured: Vec<(UserGroup, u32)> =
            self.site.iter().flat_map(|site| site.groups_at(Some(now))).collect();
        let only_everyone = sums.iter().all(|sum| sum.group == UserGroup::Everyone);
        if configured.is_empty() && only_everyone {
            return Vec::new();
        }
        let of_bays = sums.iter().filter(|sum| configured.iter().all(|(group, _)| *group != sum.group));
        let all = configured.iter().copied().chain(of_bays.map(|sum| (sum.group, sum.total)));
        let state =
            |(group, capacity)| GroupState { group, capacity, free: self.free(sums, group, capacity) };
        all.map(state).collect()
    }

    fn free(&self, sums: &[Sum], group: UserGroup, capacity: u32) -> Option<u32> {
        let sum = sums.iter().find(|sum| sum.group == group)?;
        let enough = sum.reporting > 0 && sum.reporting as f32 >= self.min_share * sum.total as f32;
        (sum.total == capacity && enough).then_some(sum.free)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use vlot_model::{Counting, DeviceIx, UserGroup};

    use super::*;
    use crate::testing::{Builder, s};

    const USES: [UserGroup; 4] =
        [UserGroup::Everyone, UserGroup::ShortStay, UserGroup::Accessible, UserGroup::TwoWheelers];

    fn bays(uses: &[UserGroup]) -> Vec<Bay> {
        uses.iter().map(|u| Bay { id: "b".into(), bay_use: *u, device: DeviceIx(0) }).collect()
    }

    fn groups(min_share: f32, groups: &[(UserGroup, u32, Option<i64>)]) -> Groups {
        let mut builder = Builder::default();
        let facility = builder.facility(Counting::Bays, 1, 0, 0);
        facility.min_share = min_share;
        facility.site.groups = groups
            .iter()
            .map(|(group, capacity, from)| Group { group: *group, capacity: *capacity, from: from.map(s) })
            .collect();
        Groups::new(facility)
    }

    #[test]
    fn dates_take_effect_and_a_group_without_sensors_of_its_own_has_no_count() {
        use UserGroup::{Accessible, Charging, Residents};
        let config = [
            (Accessible, 4, None),
            (Charging, 8, Some(100)),
            (Accessible, 2, Some(200)),
            (Residents, 9, None),
        ];
        let groups = groups(0.8, &config);
        let mut tally = Tally::new(&bays(&[UserGroup::Accessible, UserGroup::Accessible]));
        tally.count(0, true, 1);
        tally.count(1, false, 1);
        let at = |second| groups.states(tally.sums(), s(second));
        let state = |group, capacity, free| GroupState { group, capacity, free };
        assert_eq!(at(99), [state(Accessible, 4, None), state(Residents, 9, None)]);
        assert_eq!(at(100)[1], state(Charging, 8, None));
        assert_eq!(
            at(200),
            [state(Charging, 8, None), state(Accessible, 2, Some(1)), state(Residents, 9, None)]
        );
        assert_eq!([99, 100, 200].map(|t| groups.until(s(t))), [Some(s(100)), Some(s(200)), None]);
    }

    #[test]
    fn a_zone_for_everyone_has_no_groups_and_a_mixed_one_has_all() {
        let groups = groups(0.8, &[]);
        assert_eq!(groups.states(Tally::new(&bays(&[UserGroup::Everyone; 3])).sums(), s(0)), []);
        let mixed = Tally::new(&bays(&[UserGroup::Loading, UserGroup::Everyone]));
        let states = groups.states(mixed.sums(), s(0));
        assert_eq!(
            states.iter().map(|g| (g.group, g.capacity, g.free)).collect::<Vec<_>>(),
            [(UserGroup::Everyone, 1, None), (UserGroup::Loading, 1, None)]
        );
    }

    proptest! {
        /// Each group's figures are those of counting its own bays one by one.
        #[test]
        fn sums_are_those_of_counting_each_groups_bays(
            uses in prop::collection::vec(prop::sample::select(USES.to_vec()), 1..30),
            acts in prop::collection::vec((0_usize..30, prop::option::of(any::<bool>())), 0..100),
            min_share in 0.0_f32..1.0,
        ) {
            let mut tally = Tally::new(&bays(&uses));
            let mut said: Vec<Option<bool>> = vec![None; uses.len()];
            for (at, free) in acts {
                let at = at % uses.len();
                if let Some(before) = said[at] {
                    tally.count(at, before, -1);
                }
                if let Some(free) = free {
                    tally.count(at, free, 1);
                }
                said[at] = free;
            }
            for state in groups(min_share, &[]).states(tally.sums(), s(0)) {
                let own = || uses.iter().zip(&said).filter(|(u, _)| **u == state.group);
                let total = own().count();
                let reporting = own().filter(|(_, said)| said.is_some()).count();
                let free = own().filter(|(_, said)| **said == Some(true)).count();
                let enough = reporting > 0 && reporting as f32 >= min_share * total as f32;
                prop_assert_eq!(state.capacity as usize, total);
                prop_assert_eq!(state.free.map(|f| f as usize), enough.then_some(free));
            }
        }
    }
}
