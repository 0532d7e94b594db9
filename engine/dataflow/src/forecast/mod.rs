//! Free spaces 15, 30 and 60 minutes ahead, from each facility's own history.
//!
//! Every five minutes of the engine's time a facility's figure is observed, learned from, and forecast from. What is
//! not good is not learned from: a gap in the figures is a gap in the history. Nothing is said of a facility that is
//! closed, or whose figure is not good; before there is a day of history its forecast says so, and has no points.
//!
//! A forecast begins with the present figure (`ahead_s` 0), so that an arrival at any time within the hour lies
//! between two points.
//!
//! Facilities take their turns over the five minutes, so that a large city never learns all at once.

use std::sync::Arc;

use vlot_model::{City, Product};

use crate::shell::per_tick;
use crate::{Clocks, Updates};

mod calendar;
mod logic;
pub mod model;
#[cfg(test)]
mod tests;

/// The forecast of each facility, every five minutes; `facilities` are the states of facilities.
pub(crate) fn forecasts<'s>(facilities: Updates<'s>, clock: Clocks<'s>, city: &Arc<City>) -> Updates<'s> {
    let route = |update: &vlot_model::Update| match &*update.product {
        Product::Facility(state) => u64::from(state.facility.0),
        _ => 0,
    };
    per_tick("Forecasts", facilities, clock, route, |_| logic::Forecasts::new(city))
}
