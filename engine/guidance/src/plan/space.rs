//! Free spaces when somebody who is sent now arrives.
//!
//! The facility's forecast where it has one; else the present figure carried on at the rates of what went in and out of late.
//! Less the vehicles that were already sent there and are still on the way. Arrivals and departures scatter as Poisson counts do;
//! the sum is taken as normal.

use std::collections::VecDeque;
use std::time::Duration;

use vlot_model::{
    Arrival, ArrivalBasis, ExpectedArrivals, FacilityForecast, FacilityState, FacilityStatus, ForecastBasis,
    Sight, Timestamp,
};

use super::decide::small;

/// Rates look back about this far, seconds.
const MEMORY_S: f64 = 600.0;
/// Before so much of that was seen, rates are held low rather than guessed high.
const LEAST_SEEN_S: f64 = 120.0;
/// A leap of the count beyond this is a correction and no traffic.
const LEAP: i64 = 8;
/// After it was full, those whom it turned away come back to it for about so long.
const CENSORED_FOR: Duration = Duration::from_mins(5);
/// With a chance of a space below the one it is filling, from the other upwards no longer.
const PROBABLY: f64 = 0.5;
const CLEARLY: f64 = 0.75;
/// `Certainty` is at 99 % to either side, forecasts at 90 %.
const Z99: f64 = 2.326_35;
const Z90: f64 = 1.281_55;

/// What guidance knows of a facility.
#[derive(Clone, Debug)]
pub(crate) struct Space {
    pub(crate) sight: Sight,
    forecast: Option<FacilityForecast>,
    counted: Option<i64>,
    /// Vehicles of late, each weighed by its age.
    entered: Fading,
    left: Fading,
    /// Of those who entered, the ones who were sent.
    arrived_sent: Fading,
    since: Option<Timestamp>,
    /// Vehicles that were sent, by when they arrive; rising.
    sent: VecDeque<(Timestamp, f64)>,
    filling: bool,
    /// Its entries may be fewer than those who wanted in, until then.
    censored_until: Option<Timestamp>,
    /// Vehicles that apps send there.
    announced: Option<ExpectedArrivals>,
    /// Vehicles a second that want in of their own accord, where entries do not tell.
    latent_per_s: f64,
}

/// A sum in which each part loses weight with age.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Fading {
    sum: f64,
    at: Option<Timestamp>,
}

impl Fading {
    pub(crate) fn add(&mut self, count: f64, at: Timestamp) {
        self.sum = self.now(at) + count;
        self.at = Some(at);
    }

    pub(crate) fn now(&self, at: Timestamp) -> f64 {
        self.at.map_or(0.0, |before| self.sum * (-at.since(before).as_secs_f64() / MEMORY_S).exp())
    }
}

/// What the choice needs of a facility, as of one instant.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Outlook {
    /// Expected free spaces after a time, with nobody sent from now on: at 0 s and how it moves a second.
    pub(crate) free: f64,
    pub(crate) drift_per_s: f64,
    /// Its standard deviation squared: at 0 s, and what each second adds.
    pub(crate) var: f64,
    pub(crate) var_per_s: f64,
}

impl Outlook {
    pub(crate) fn at(&self, after_s: f64) -> (f64, f64) {
        let var = self.var + self.var_per_s * after_s;
        (self.free + self.drift_per_s * after_s, var.max(0.25).sqrt())
    }
}

impl Space {
    pub(crate) fn new(capacity: u32) -> Self {
        Space {
            sight: Sight::unseen(capacity),
            forecast: None,
            counted: None,
            entered: Fading::default(),
            left: Fading::default(),
            arrived_sent: Fading::default(),
            since: None,
            sent: VecDeque::new(),
            filling: false,
            censored_until: None,
            announced: None,
            latent_per_s: 0.0,
        }
    }

    /// The newest state. How many vehicles went in since the one before, as far as it shows.
    pub(crate) fn state(&mut self, state: &FacilityState, at: Timestamp) -> u32 {
        self.sight = Sight::facility(state);
        let counted = state.occupied_uncorrected.or(state.occupied.map(i64::from));
        let before = std::mem::replace(&mut self.counted, counted);
        self.since.get_or_insert(at);
        let (Some(before), Some(now)) = (before, counted) else { return 0 };
        let leap = LEAP.max(i64::from(state.capacity) / 20);
        match now - before {
            entered @ 1.. if entered <= leap => {
                self.entered.add(entered as f64, at);
                u32::try_from(entered).unwrap_or(0)
            }
            left @ ..=-1 if -left <= leap => {
                self.left.add(-left as f64, at);
                0
            }
            _ => 0,
        }
    }

    pub(crate) fn forecast(&mut self, forecast: &FacilityForecast) {
        self.forecast = Some(forecast.clone());
    }

    /// Looks whether everybody who comes still gets in.
    pub(crate) fn censor(&mut self, now: Timestamp) {
        let free = self.sight.sayable().unwrap_or(0);
        let few = self.sight.capacity / 25;
        let open = self.sight.status == FacilityStatus::SpacesAvailable && free > few;
        if !open && self.sight.status != FacilityStatus::Closed {
            self.censored_until = Some(now + CENSORED_FOR);
        }
    }

    /// Whether those who enter are fewer than those who want in, as far as anybody knows.
    pub(crate) fn is_censored(&self, now: Timestamp) -> bool {
        self.censored_until.is_some_and(|until| now < until)
    }

    /// So many a second would come of their own accord.
    pub(crate) fn expect(&mut self, latent_per_s: f64) {
        self.latent_per_s = latent_per_s;
    }

    /// What apps announce.
    pub(crate) fn announced(&mut self, expected: &ExpectedArrivals) {
        self.announced = Some(expected.clone());
    }

    /// Vehicles that apps have announced and that are not there yet.
    fn by_apps(&self, now: Timestamp) -> f64 {
        self.announced.as_ref().map_or(0.0, |expected| f64::from(expected.on_the_way(now)))
    }

    /// Vehicles were sent there that will arrive then.
    pub(crate) fn send(&mut self, vehicles: f64, arriving: Timestamp) {
        match self.sent.back_mut() {
            // Ways become quicker: those sent later may arrive first. To the second it is all the same.
            Some((last, count)) if *last >= arriving => *count += vehicles,
            _ => self.sent.push_back((arriving, vehicles)),
        }
    }

    /// Time passed: whoever should be there is there. How many came now.
    pub(crate) fn arrive(&mut self, now: Timestamp) -> f64 {
        let mut arrived = 0.0;
        while let Some((_, vehicles)) = self.sent.pop_front_if(|(arriving, _)| *arriving <= now) {
            arrived += vehicles;
        }
        if arrived > 0.0 {
            self.arrived_sent.add(arrived, now);
        }
        arrived
    }

    /// Whether whoever sets out now, and drives for so long, will probably find it full. It stays so until that is clearly over.
    pub(crate) fn look_ahead(&mut self, now: Timestamp, drive_s: f64) {
        let Some(arrival) = self.arrival(now, drive_s) else {
            self.filling = false;
            return;
        };
        self.filling = f64::from(arrival.chance) < if self.filling { CLEARLY } else { PROBABLY };
    }

    pub(crate) fn filling(&self) -> bool {
        self.filling
    }

    /// Those who were sent and are still on the way.
    pub(crate) fn on_the_way(&self) -> f64 {
        self.sent.iter().fold(0.0, |sum, (_, vehicles)| sum + vehicles)
    }

    fn rate(&self, of: &Fading, now: Timestamp) -> f64 {
        let seen = self.since.map_or(0.0, |since| now.since(since).as_secs_f64()).max(LEAST_SEEN_S);
        of.now(now) / (MEMORY_S * (1.0 - (-seen / MEMORY_S).exp()))
    }

    /// Vehicles a second that enter, that leave, and that enter of their own accord.
    pub(crate) fn rates(&self, now: Timestamp) -> [f64; 3] {
        let entering = self.rate(&self.entered, now);
        let own = (entering - self.rate(&self.arrived_sent, now)).max(entering * 0.2);
        let own = if self.is_censored(now) { own.max(self.latent_per_s) } else { own };
        [entering, self.rate(&self.left, now), own]
    }

    /// What is expected with nobody sent from now on; `None`: not known well enough to send anybody.
    pub(crate) fn outlook(&self, now: Timestamp) -> Option<Outlook> {
        if !self.sight.is_trusted(now) {
            return None;
        }
        let said = f64::from(self.sight.sayable()?);
        let sd = self
            .sight
            .certainty
            .map_or(0.0, |c| f64::from(c.occupied_high.saturating_sub(c.occupied_low)) / (2.0 * Z99));
        let [entering, leaving, own] = self.rates(now);
        let on_the_way = self.on_the_way() + self.by_apps(now);
        Some(Outlook {
            free: said - on_the_way,
            drift_per_s: leaving - own,
            var: sd * sd + on_the_way,
            var_per_s: entering + leaving,
        })
    }

    /// Free spaces after so long.
    pub(crate) fn arrival(&self, now: Timestamp, after_s: f64) -> Option<Arrival> {
        let outlook = self.outlook(now)?;
        let on_the_way = self.on_the_way() + self.by_apps(now);
        let (trend, sd) = outlook.at(after_s);
        let (free, sd, basis) = match self.forecast_at(now, after_s) {
            // What usually comes is in the forecast; of those who were sent only what is more than that is taken off.
            Some((free, sd_forecast)) => {
                let usual = self.rates(now)[0] * after_s;
                (free - (on_the_way - usual).max(0.0), sd_forecast.max(sd.min(1.0)), ArrivalBasis::Forecast)
            }
            None => (trend, sd, ArrivalBasis::Trend),
        };
        let capacity = f64::from(self.sight.capacity);
        let within = |x: f64| small(x.clamp(0.0, capacity));
        Some(Arrival {
            after_s: small(after_s),
            free_low: within(free - Z90 * sd),
            free: within(free),
            free_high: within(free + Z90 * sd),
            on_the_way: small(on_the_way),
            chance: small(below((free - 0.5) / sd)),
            basis,
        })
    }

    fn forecast_at(&self, now: Timestamp, after_s: f64) -> Option<(f64, f64)> {
        let forecast = self.forecast.as_ref().filter(|f| now < f.valid_until)?;
        if forecast.basis == ForecastBasis::NoHistory {
            return None;
        }
        let point = forecast.on_arrival(now + Duration::from_secs_f64(after_s.max(0.0)))?;
        let sd = f64::from(point.free_high.saturating_sub(point.free_low)) / (2.0 * Z90);
        Some((f64::from(point.free), sd.max(0.5)))
    }

    /// The outlook with the forecast in it where there is one: through what is free now and what is forecast for `after_s`.
    pub(crate) fn outlook_to(&self, now: Timestamp, after_s: f64) -> Option<Outlook> {
        let trend = self.outlook(now)?;
        let Some((free, sd)) = self.forecast_at(now, after_s).filter(|_| after_s > 0.0) else {
            return Some(trend);
        };
        let usual = self.rates(now)[0] * after_s;
        let on_the_way = self.on_the_way() + self.by_apps(now);
        let at_end = free - (on_the_way - usual).max(0.0);
        let start = trend.free + on_the_way;
        let var_per_s = ((sd * sd - trend.var).max(0.0) / after_s).max(0.0);
        Some(Outlook { free: start, drift_per_s: (at_end - start) / after_s, var: trend.var, var_per_s })
    }
}

/// Share of a normal distribution below `z` (Abramowitz and Stegun 26.2.17; error below 1e-7).
pub(crate) fn below(z: f64) -> f64 {
    let t = 1.0 / (1.0 + 0.231_641_9 * z.abs());
    let series = [0.319_381_530, -0.356_563_782, 1.781_477_937, -1.821_255_978, 1.330_274_429];
    let sum = series.iter().rev().fold(0.0, |sum, b| (sum + b) * t);
    let upper = density(z) * sum;
    if z >= 0.0 { 1.0 - upper } else { upper }
}

/// Density of the normal distribution.
pub(crate) fn density(z: f64) -> f64 {
    (-0.5 * z * z).exp() / (2.0 * std::f64::consts::PI).sqrt()
}

/// How many more come than there are spaces for, of a normal count of spaces.
pub(crate) fn turned_away(free: f64, sd: f64) -> f64 {
    let z = free / sd;
    (sd * density(z) - free * (1.0 - below(z))).max(0.0)
}

#[cfg(test)]
mod tests {
    use vlot_model::{FacilityIx, ForecastPoint, Product};

    use super::*;
    use crate::testing::{at, facility_state, good};

    /// A facility that counts so many inside, as good as can be.
    fn state(inside: i64, second: i64) -> FacilityState {
        let free = u32::try_from(200 - inside).unwrap();
        let Product::Facility(state) = facility_state(FacilityIx(0), &good(free, at(second))) else {
            unreachable!()
        };
        FacilityState { occupied_uncorrected: Some(inside), ..state }
    }

    /// One vehicle a minute in, for twenty minutes; then `now`.
    fn filling() -> (Space, Timestamp) {
        let mut space = Space::new(200);
        for minute in 0..=20 {
            space.state(&state(100 + minute, minute * 60), at(minute * 60));
        }
        (space, at(1_200))
    }

    #[test]
    fn the_trend_goes_on_and_who_was_sent_is_counted() {
        let (mut space, now) = filling();
        let [entering, leaving, own] = space.rates(now);
        assert!((entering * 60.0 - 1.0).abs() < 0.1 && leaving == 0.0 && own == entering, "{entering} {own}");
        let arrival = space.arrival(now, 600.0).unwrap();
        assert_eq!(arrival.basis, ArrivalBasis::Trend);
        assert!((arrival.free - 70.0).abs() < 1.5, "{arrival:?}");
        assert!(arrival.free_low < arrival.free && arrival.chance > 0.99);
        space.send(65.0, now + Duration::from_secs(300));
        let arrival = space.arrival(now, 600.0).unwrap();
        assert!(
            (arrival.on_the_way - 65.0).abs() < 1e-3 && arrival.free < 7.0 && arrival.chance < 0.9,
            "{arrival:?}"
        );
        space.arrive(now + Duration::from_secs(299));
        assert!(space.on_the_way() > 64.0);
        space.arrive(now + Duration::from_secs(300));
        assert!(space.on_the_way() < 1e-9);
    }

    #[test]
    fn a_correction_is_no_traffic() {
        let mut space = Space::new(200);
        assert_eq!(space.state(&state(100, 0), at(0)), 0);
        assert_eq!(space.state(&state(103, 1), at(1)), 3);
        assert_eq!(space.state(&state(160, 2), at(2)), 0, "57 at once came through no barrier");
        assert_eq!(space.state(&state(158, 3), at(3)), 0);
        assert!((space.entered.now(at(3)) - 3.0).abs() < 0.1 && (space.left.now(at(3)) - 2.0).abs() < 0.1);
    }

    #[test]
    fn a_forecast_counts_more_than_a_trend() {
        let (mut space, now) = filling();
        let point = |ahead_s, free| ForecastPoint { ahead_s, free_low: free - 5, free, free_high: free + 5 };
        let forecast = FacilityForecast {
            facility: FacilityIx(0),
            made_at: now,
            valid_until: now + Duration::from_secs(120),
            basis: ForecastBasis::OwnHistory { days: 20 },
            points: vec![point(0, 80), point(900, 20)],
        };
        space.forecast(&forecast);
        let arrival = space.arrival(now, 900.0).unwrap();
        assert_eq!(arrival.basis, ArrivalBasis::Forecast);
        assert!((arrival.free - 20.0).abs() < 0.5);
        let outlook = space.outlook_to(now, 900.0).unwrap();
        assert!((outlook.at(900.0).0 - 20.0).abs() < 1e-6 && (outlook.at(0.0).0 - 80.0).abs() < 1e-6);
        // Fewer were sent than usually come: they are in the forecast.
        space.send(10.0, now + Duration::from_secs(300));
        assert!((space.arrival(now, 900.0).unwrap().free - 20.0).abs() < 0.5);
        space.send(15.0, now + Duration::from_secs(300));
        assert!((space.arrival(now, 900.0).unwrap().free - 10.0).abs() < 1.0);
        // Past its validity it is not used.
        let later = now + Duration::from_secs(121);
        space.state(&state(121, 1_321), later);
        assert_eq!(space.arrival(later, 600.0).unwrap().basis, ArrivalBasis::Trend);
    }

    #[test]
    fn nobody_is_sent_on_a_figure_that_cannot_be_trusted() {
        let (space, now) = filling();
        assert!(space.outlook(now).is_some());
        assert!(space.outlook(now + Duration::from_secs(61)).is_none(), "stale");
        assert!(Space::new(10).arrival(now, 60.0).is_none());
    }

    #[test]
    fn the_normal_distribution_is_the_normal_distribution() {
        for (z, share) in [(0.0, 0.5), (1.0, 0.841_345), (-1.281_55, 0.1), (2.326_35, 0.99), (-6.0, 0.0)] {
            assert!((below(z) - share).abs() < 1e-5, "{z}");
        }
        assert!((turned_away(0.0, 1.0) - 0.398_942).abs() < 1e-5);
        assert!((turned_away(-50.0, 2.0) - 50.0).abs() < 1e-6 && turned_away(50.0, 2.0) < 1e-9);
    }
}
