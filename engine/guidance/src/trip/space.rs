//! What will be free when one arrives: the forecast where there is one, else the present figure; less those who are on the way.

use vlot_model::{
    Counting, Facility, FacilityState, FacilityStatus, GarageState, Quality, SectionIx, SpaceBasis,
    SpaceOnArrival, Timestamp, UserGroup,
};

use super::{BicycleGarage, CarPark, Trip};

/// A 90 % bound lies so many standard deviations from the middle.
const SD_OF_90_PCT: f64 = 1.281_55;
/// A 95 % interval is so many standard deviations wide.
const SDS_OF_95_PCT: f64 = 3.919_93;
/// Where nothing else is known, a place is taken to turn over once in so many seconds; one for short stays in the longest of them.
const TURNOVER_S: f64 = 7_200.0;
/// No figure is surer than this, vehicles.
const SD_MIN: f64 = 0.5;

/// Free spaces with how far they scatter to either side.
#[derive(Clone, Copy, Debug)]
struct Guess {
    free: f64,
    sd_below: f64,
    sd_above: f64,
    basis: SpaceBasis,
}

impl Guess {
    /// A present figure after so many turnovers of so many spaces: as many come as leave, each when it likes.
    fn drifted(free: f64, sd: f64, capacity: f64, turnovers: f64, observed_at: Timestamp) -> Guess {
        let sd = (sd * sd + 2.0 * capacity * turnovers).sqrt();
        Guess { free, sd_below: sd, sd_above: sd, basis: SpaceBasis::Present { observed_at } }
    }

    /// Without the spaces of those who will be there first.
    fn on_arrival(self, on_the_way: f64, capacity: f64) -> SpaceOnArrival {
        let free = self.free - on_the_way;
        let [below, above] = [self.sd_below, self.sd_above].map(|sd| sd.max(SD_MIN));
        let margin = free - 0.5;
        let chance = normal(margin / if margin > 0.0 { below } else { above });
        let within = |n: f64| Some(n.clamp(0.0, capacity));
        SpaceOnArrival {
            chance: Some(chance),
            free_low: within(free - SD_OF_90_PCT * below),
            free: within(free),
            free_high: within(free + SD_OF_90_PCT * above),
            on_the_way,
            basis: self.basis,
        }
    }
}

fn unknown(on_the_way: f64) -> SpaceOnArrival {
    let (chance, none) = (None, None);
    SpaceOnArrival {
        chance,
        free_low: none,
        free: none,
        free_high: none,
        on_the_way,
        basis: SpaceBasis::Unknown,
    }
}

/// Probability that a standard normal variable is no higher (Abramowitz and Stegun, 26.2.17; error below 1e-7).
fn normal(z: f64) -> f64 {
    let t = 1.0 / (1.0 + 0.231_641_9 * z.abs());
    let series = [0.319_381_530, -0.356_563_782, 1.781_477_937, -1.821_255_978, 1.330_274_429];
    let sum = series.into_iter().rev().fold(0.0, |sum, c| t * (c + sum));
    let tail = (-z * z / 2.0).exp() / std::f64::consts::TAU.sqrt() * sum;
    if z < 0.0 { tail } else { 1.0 - tail }
}

/// Spaces of a group, as far as is configured.
pub(super) fn group_capacity(park: &CarPark<'_>, group: UserGroup, now: Timestamp) -> u32 {
    let facility = park.facility;
    let stated = facility.site.groups_at(Some(now)).find(|(g, _)| *g == group).map(|(_, spaces)| spaces);
    let bays = facility.bays.iter().filter(|bay| bay.bay_use == group).count();
    stated.unwrap_or_else(|| u32::try_from(bays).unwrap_or(u32::MAX))
}

/// For whom whoever belongs to no group may park.
fn is_for_all(group: UserGroup) -> bool {
    matches!(group, UserGroup::Everyone | UserGroup::ShortStay)
}

/// Whether all spaces are for groups of users.
pub(super) fn reserved_wholly(park: &CarPark<'_>, now: Timestamp) -> bool {
    let facility = park.facility;
    let of_groups = facility.site.groups_at(Some(now)).filter(|(group, _)| !is_for_all(*group));
    let reserved: u64 = of_groups.map(|(_, spaces)| u64::from(spaces)).sum();
    let capacity = facility.site.capacity_at(facility.capacity, now);
    let bays = facility.counting == Counting::Bays && !facility.bays.is_empty();
    reserved >= u64::from(capacity.max(1)) || bays && !facility.bays.iter().any(|bay| is_for_all(bay.bay_use))
}

/// Whether all spaces for who belongs to no group are for short stays.
pub(super) fn short_stay_alone(facility: &Facility) -> bool {
    let mut open = facility.bays.iter().filter(|bay| is_for_all(bay.bay_use)).peekable();
    let some = facility.counting == Counting::Bays && open.peek().is_some();
    some && open.all(|bay| bay.bay_use == UserGroup::ShortStay)
}

/// A state that may be taken as present.
fn present<'a>(park: &CarPark<'a>, now: Timestamp) -> Option<&'a FacilityState> {
    let fresh = |state: &&FacilityState| {
        matches!(state.quality, Quality::Good | Quality::Degraded)
            && state.valid_until.is_some_and(|until| now < until)
    };
    park.state.filter(fresh)
}

/// What will be free at a car park, for the driver's groups.
pub(super) fn of_facility(trip: &Trip, park: &CarPark<'_>, parks: Timestamp) -> SpaceOnArrival {
    let now = trip.now;
    let ahead_s = parks.since(now).as_secs_f64();
    let state = present(park, now);
    if !trip.groups.is_empty() {
        let of_each = trip.groups.iter().map(|group| of_group(*group, state, ahead_s));
        let chance = |space: &SpaceOnArrival| space.chance.unwrap_or(-1.0);
        return of_each.min_by(|a, b| chance(a).total_cmp(&chance(b))).unwrap_or_else(|| unknown(0.0));
    }
    let announced = park.expected.map_or(0, |expected| expected.within(now, parks));
    let on_the_way = park.load.map_or(0.0, |load| f64::from(load.on_the_way)) + f64::from(announced);
    let capacity = f64::from(park.facility.site.capacity_at(park.facility.capacity, parks));
    // Spaces for others are none.
    let others = |state: &FacilityState| -> f64 {
        let of_others = state.groups.iter().filter(|g| !is_for_all(g.group));
        of_others.filter_map(|g| g.free).map(f64::from).sum()
    };
    let reserved = state.map_or(0.0, others);
    let forecast = park.forecast.filter(|f| now < f.valid_until);
    let forecast = forecast.and_then(|f| Some((f.made_at, f.on_arrival(parks)?)));
    let guess = match (forecast, state) {
        (Some((made_at, point)), _) => {
            let [low, free, high] = [point.free_low, point.free, point.free_high].map(f64::from);
            Guess {
                free,
                sd_below: (free - low) / SD_OF_90_PCT,
                sd_above: (high - free) / SD_OF_90_PCT,
                basis: SpaceBasis::Forecast { made_at },
            }
        }
        (None, Some(FacilityState { free: Some(free), observed_at: Some(observed_at), certainty, .. })) => {
            let (free, observed_at) = (f64::from(*free), *observed_at);
            let width = certainty.map_or(0, |c| c.occupied_high.saturating_sub(c.occupied_low));
            let sd = f64::from(width) / SDS_OF_95_PCT;
            match park.load {
                Some(load) => {
                    let [own, leaving] =
                        [load.own_vph, load.leaving_vph].map(|vph| f64::from(vph) * ahead_s / 3_600.0);
                    let sd = (sd * sd + own + leaving).sqrt();
                    let basis = SpaceBasis::Trend { observed_at };
                    let free = (free + leaving - own).min(capacity);
                    Guess { free, sd_below: sd, sd_above: sd, basis }
                }
                None => {
                    let short = short_stay_alone(park.facility);
                    let stay_s = park.facility.site.street.max_stay.as_secs_f64();
                    let turnover_s = if short { stay_s.clamp(60.0, TURNOVER_S) } else { TURNOVER_S };
                    Guess::drifted(free, sd, capacity, ahead_s / turnover_s, observed_at)
                }
            }
        }
        _ => return unknown(on_the_way),
    };
    Guess { free: guess.free - reserved, ..guess }.on_arrival(on_the_way, capacity)
}

/// Of one group's spaces; of those alone that are counted on their own.
fn of_group(group: UserGroup, state: Option<&FacilityState>, ahead_s: f64) -> SpaceOnArrival {
    let counted = state.and_then(|state| {
        let group = state.groups.iter().find(|g| g.group == group)?;
        Some((f64::from(group.free?), f64::from(group.capacity), state.observed_at?))
    });
    match counted {
        Some((free, capacity, observed_at)) => {
            Guess::drifted(free, 0.0, capacity, ahead_s / TURNOVER_S, observed_at).on_arrival(0.0, capacity)
        }
        None => unknown(0.0),
    }
}

/// What will be free in those sections of a garage of which anything is known.
pub(super) fn of_garage(
    trip: &Trip,
    garage: &BicycleGarage<'_>,
    suiting: &[SectionIx],
    parks: Timestamp,
) -> SpaceOnArrival {
    let all = garage.state.map_or(&[][..], |GarageState { sections, .. }| sections);
    let (mut free, mut variance, mut capacity) = (0.0, 0.0, 0.0);
    let mut oldest: Option<Timestamp> = None;
    for section in all.iter().filter(|section| suiting.contains(&section.section)) {
        let fresh = section.valid_until.is_some_and(|until| trip.now < until)
            && matches!(section.quality, Quality::Good | Quality::Degraded);
        let (true, Some(here), Some(observed_at)) = (fresh, section.free, section.observed_at) else {
            continue;
        };
        // A section that is full by its sign is no place to be sent to.
        free += if section.status == FacilityStatus::Full { 0.0 } else { f64::from(here) };
        capacity += f64::from(section.capacity);
        let width = section.certainty.map_or(0, |c| c.occupied_high.saturating_sub(c.occupied_low));
        variance += (f64::from(width) / SDS_OF_95_PCT).powi(2);
        oldest = Some(oldest.map_or(observed_at, |oldest| oldest.min(observed_at)));
    }
    match oldest {
        Some(observed_at) => {
            let turnovers = parks.since(trip.now).as_secs_f64() / TURNOVER_S;
            Guess::drifted(free, variance.sqrt(), capacity, turnovers, observed_at).on_arrival(0.0, capacity)
        }
        None => unknown(0.0),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_normal_distribution_is_that() {
        for (z, p) in [(0.0, 0.5), (1.281_551_6, 0.9), (-1.644_853_6, 0.05), (3.0, 0.998_650_1), (-8.0, 0.0)]
        {
            assert!((normal(z) - p).abs() < 1e-6, "{z}: {}", normal(z));
        }
    }

    #[test]
    fn more_spaces_and_fewer_on_the_way_are_a_better_chance() {
        let basis = SpaceBasis::Unknown;
        let chance = |free, on_the_way| {
            let guess = Guess { free, sd_below: 4.0, sd_above: 6.0, basis };
            guess.on_arrival(on_the_way, 100.0).chance.unwrap()
        };
        let mut before = 0.0;
        for free in 0..40 {
            let now = chance(f64::from(free), 3.0);
            assert!(now >= before && (0.0..=1.0).contains(&now), "{free}: {now} after {before}");
            assert!(chance(f64::from(free), 4.0) <= now);
            before = now;
        }
        assert!(before > 0.99);
    }
}
