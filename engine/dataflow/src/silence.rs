//! After how long without a word a facility's bays are silent: nearly always all of them after the same time, which is
//! then kept once, for a city may have 200,000.

use std::time::Duration;

use vlot_model::{City, Facility};

/// The limits of a facility's bays.
#[derive(Clone, Debug)]
pub(crate) enum Silences {
    Same(Duration),
    /// By position.
    Each(Box<[Duration]>),
}

impl Silences {
    pub(crate) fn of(facility: &Facility, city: &City) -> Self {
        let limit = |bay: &vlot_model::Bay| {
            city.devices.get(bay.device.at()).map_or(Duration::ZERO, |d| d.silent_after)
        };
        let mut limits = facility.bays.iter().map(limit);
        let Some(first) = limits.next() else { return Silences::Same(Duration::ZERO) };
        if limits.all(|other| other == first) {
            Silences::Same(first)
        } else {
            Silences::Each(facility.bays.iter().map(limit).collect())
        }
    }

    /// Of the bay at `position`.
    pub(crate) fn after(&self, position: usize) -> Duration {
        match self {
            Silences::Same(limit) => *limit,
            Silences::Each(limits) => limits.get(position).copied().unwrap_or_default(),
        }
    }
}

#[cfg(test)]
mod tests {
    use vlot_model::Counting;

    use super::*;
    use crate::testing::Builder;

    #[test]
    fn each_bay_has_its_own_limit_whether_or_not_they_are_the_same() {
        let mut builder = Builder::default();
        builder.facility(Counting::Bays, 3, 0, 0);
        builder.facility(Counting::Barriers, 0, 1, 0);
        let mut city = builder.city;
        let limits = |city: &City, facility: usize| {
            let silences = Silences::of(&city.facilities[facility], city);
            (0..3).map(|bay| silences.after(bay).as_secs()).collect::<Vec<_>>()
        };
        let usual = city.devices[city.facilities[0].bays[0].device.at()].silent_after.as_secs();
        assert_eq!(limits(&city, 0), [usual; 3]);
        assert_eq!(limits(&city, 1), [0; 3]);
        let second = city.facilities[0].bays[1].device;
        city.devices[second.at()].silent_after = Duration::from_secs(7);
        assert_eq!(limits(&city, 0), [usual, 7, usual]);
    }
}
