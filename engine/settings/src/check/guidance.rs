//! city.toml `[guidance]`: how signs come to their advice.

use std::ops::RangeInclusive;
use std::time::Duration;

use vlot_model::{GuidanceMode, GuidanceRules};

use super::city::Area;
use crate::read::{Named, Share, Span, Table};

const HOUR: Duration = Duration::from_hours(1);
/// Slower than this, a sign would advise what has long filled.
const EVERY: RangeInclusive<Duration> = Duration::from_secs(1)..=Duration::from_mins(5);
const TURNED_AWAY: RangeInclusive<Duration> = Duration::from_mins(1)..=Duration::from_hours(2);

pub(super) fn read(mut table: Table<'_>, area: &Area) -> GuidanceRules {
    GuidanceRules {
        mode: table.or("mode", Named::or_stand_in(GuidanceMode::Together), "\"together\""),
        centre: table.table("centre").map(|mut centre| area.position(&mut centre)),
        compliance: table.or("compliance", Share, "0.3"),
        every: table.or("every", Span(EVERY), "\"10s\""),
        min_dwell: table.or("min_dwell", Span(Duration::ZERO..=HOUR), "\"2m\""),
        margin: table.or("margin", Span(Duration::ZERO..=HOUR), "\"30s\""),
        turned_away: table.or("turned_away", Span(TURNED_AWAY), "\"10m\""),
        edge_margin: table.or("edge_margin", Span(Duration::ZERO..=HOUR), "\"5m\""),
    }
}
