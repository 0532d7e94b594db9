//! From the states of facilities to forecasts.

use std::sync::Arc;
use std::time::Duration;

use vlot_model::{
    City, FacilityForecast, FacilityIx, FacilityState, ForecastBasis, ForecastPoint, Opening, Product,
    Quality, Tick, Timestamp, Update,
};

use super::calendar::LocalTime;
use super::model::{Forecaster, Moment, SLOT_S};
use crate::shell::Logic;

/// Seconds ahead of the points beyond the present.
const AHEAD_S: [u32; 3] = [900, 1800, 3600];
/// A forecast ends so long after it was made: one round may be missed.
const VALID_FOR: Duration = Duration::from_secs(600);
/// Before so many whole days nothing is said: a facility's morning says nothing of its evening.
const DAYS_MIN: u32 = 1;

/// Seconds until a facility has its turn again.
const TURNS: usize = 300;

/// A figure that can be learned from.
#[derive(Clone, Copy, Debug)]
struct Seen {
    free: u32,
    /// The estimate's bounds of what is free now.
    low: u32,
    high: u32,
    capacity: u32,
    valid_until: Option<Timestamp>,
}

impl Seen {
    /// `None` unless it is open and its figure is good.
    fn of(state: &FacilityState) -> Option<Self> {
        let free =
            state.free.filter(|_| state.quality == Quality::Good && state.opening != Opening::Closed)?;
        let bound = |occupied: u32| state.capacity.saturating_sub(occupied);
        let (low, high) = state.certainty.as_ref().map_or((free, free), |sure| {
            (bound(sure.occupied_high).min(free), bound(sure.occupied_low).max(free))
        });
        Some(Seen { free, low, high, capacity: state.capacity, valid_until: state.valid_until })
    }
}

/// A facility of which something was heard.
#[derive(Default)]
struct Post {
    seen: Option<Seen>,
    /// Made at the first good figure: it is large.
    forecaster: Option<Box<Forecaster>>,
    /// Points stand on the board.
    has_points: bool,
}

/// The facilities of a worker.
pub(crate) struct Forecasts {
    city: Arc<City>,
    local: LocalTime,
    /// By facility; those of other workers stay empty.
    posts: Vec<Post>,
    /// The last second whose facilities had their turn.
    done_s: Option<i64>,
}

impl Forecasts {
    pub(crate) fn new(city: &Arc<City>) -> Self {
        Forecasts {
            city: Arc::clone(city),
            local: LocalTime::of(city),
            posts: city.facilities.iter().map(|_| Post::default()).collect(),
            done_s: None,
        }
    }

    /// Observes a facility, and says what is to be expected of it.
    fn turn(&mut self, facility: FacilityIx, moment: Moment, at: Timestamp) -> Option<FacilityForecast> {
        let post = self.posts.get_mut(facility.at())?;
        let seen = post.seen.filter(|seen| seen.valid_until.is_none_or(|until| at < until))?;
        let moment = Moment { event: self.local.event(facility, moment.unix_s), ..moment };
        let seed = || self.city.facilities.get(facility.at()).map_or(0, |f| seed(&f.id));
        let forecaster =
            post.forecaster.get_or_insert_with(|| Box::new(Forecaster::new(seen.capacity, seed())));
        forecaster.observe(moment, spaces(seen.free), seen.capacity);
        let points = if forecaster.days() < DAYS_MIN { None } else { points(forecaster, seen) };
        let basis = match points {
            Some(_) => ForecastBasis::OwnHistory { days: forecaster.days() },
            None => ForecastBasis::NoHistory,
        };
        post.has_points = points.is_some();
        let points = points.map(Vec::from).unwrap_or_default();
        Some(FacilityForecast { facility, made_at: at, valid_until: at + VALID_FOR, basis, points })
    }

    /// Who closed has no free spaces ahead: what was said of them ends at once.
    fn withdrawn(&mut self, state: &FacilityState, at: Timestamp) -> Option<FacilityForecast> {
        let post = self.posts.get_mut(state.facility.at())?;
        if state.opening != Opening::Closed || !std::mem::take(&mut post.has_points) {
            return None;
        }
        let days = post.forecaster.as_ref().map_or(0, |forecaster| forecaster.days());
        Some(FacilityForecast {
            facility: state.facility,
            made_at: at,
            valid_until: at,
            basis: ForecastBasis::OwnHistory { days },
            points: Vec::new(),
        })
    }
}

impl Logic for Forecasts {
    type In = Update;

    fn on_clock(&mut self, tick: Tick, at: Timestamp, out: &mut Vec<Update>) {
        let now_s = at.micros().div_euclid(1_000_000);
        // Nobody has two turns in one tick, however long the clock stood still.
        let from = self.done_s.map_or(now_s, |done| (done + 1).max(now_s - SLOT_S + 1));
        if from > now_s {
            return;
        }
        self.done_s = Some(now_s);
        let Some(moment) = self.local.moment(at) else { return };
        for second in from..=now_s {
            let first = usize::try_from(second.rem_euclid(SLOT_S)).unwrap_or(0);
            for facility in (first..self.posts.len()).step_by(TURNS) {
                if let Some(forecast) = self.turn(FacilityIx::from_position(facility), moment, at) {
                    out.push(Update {
                        tick,
                        at,
                        trigger: None,
                        product: Arc::new(Product::Forecast(forecast)),
                    });
                }
            }
        }
    }

    fn on_tick(&mut self, tick: Tick, at: Timestamp, inputs: &[Update], out: &mut Vec<Update>) {
        for input in inputs {
            let Product::Facility(state) = &*input.product else { continue };
            if let Some(post) = self.posts.get_mut(state.facility.at()) {
                post.seen = Seen::of(state);
            }
            if let Some(forecast) = self.withdrawn(state, at) {
                let trigger = input.trigger;
                out.push(Update { tick, at, trigger, product: Arc::new(Product::Forecast(forecast)) });
            }
        }
    }
}

/// The present and the three horizons; `None` while the forecaster has too little history.
fn points(forecaster: &Forecaster, seen: Seen) -> Option<[ForecastPoint; 4]> {
    let now = ForecastPoint { ahead_s: 0, free_low: seen.low, free: seen.free, free_high: seen.high };
    let [near, middle, far] = AHEAD_S.map(|ahead_s| {
        let forecast = forecaster.predict(i64::from(ahead_s))?;
        let free = whole(forecast.best.round(), seen.capacity);
        Some(ForecastPoint {
            ahead_s,
            // Rounded outwards, so that the interval holds at least as often as it claims.
            free_low: whole(forecast.low.floor(), seen.capacity).min(free),
            free,
            free_high: whole(forecast.high.ceil(), seen.capacity).max(free),
        })
    });
    Some([now, near?, middle?, far?])
}

/// FNV-1a of the id: a facility's forecasts do not depend on which others are configured.
fn seed(id: &str) -> u64 {
    id.bytes().fold(0xCBF2_9CE4_8422_2325, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01B3)
    })
}

/// Spaces as a ratio's part; beyond what any facility has, the forecaster refuses them.
fn spaces(n: u32) -> f32 {
    f32::from(u16::try_from(n).unwrap_or(u16::MAX))
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "clamped to the range first")]
fn whole(spaces: f32, capacity: u32) -> u32 {
    (spaces.clamp(0.0, 65_535.0) as u32).min(capacity)
}
