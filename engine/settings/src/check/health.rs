//! health.toml: the bounds of the rules that judge sensors, by kind of device.

use std::ops::RangeInclusive;
use std::time::Duration;

use vlot_model::{BarrierRules, BayRules, City, ClockRules, CountRules, DeviceIx, FigureRules, HealthRules};

use crate::read::{Among, Number, Span, Table, Whole, written};

const SECOND: Duration = Duration::from_secs(1);
const MINUTE: Duration = Duration::from_mins(1);
const HOUR: Duration = Duration::from_hours(1);
const DAY: Duration = Duration::from_hours(24);
/// Surprise: e^-3 is once in twenty, e^-1000 never.
const NATS: RangeInclusive<f64> = 3.0..=1_000.0;
const TIMES: RangeInclusive<f64> = 1.0..=100.0;
const SHARE: RangeInclusive<f64> = 0.0..=1.0;
const LEARNING: RangeInclusive<Duration> = HOUR..=Duration::from_hours(90 * 24);
/// Holding on to a verdict for longer than this would be a second fault.
const HOLDING: RangeInclusive<Duration> = MINUTE..=Duration::from_hours(7 * 24);

pub(super) fn read(mut root: Table<'_>, city: &mut City) {
    let rules = &mut city.health.rules;
    bay(Bounds(root.section("bay")), &mut rules.bay);
    figure(Bounds(root.section("figure")), &mut rules.figure);
    barrier(Bounds(root.section("barrier")), &mut rules.barrier);
    count(Bounds(root.section("loop")), "vehicles_an_hour", &mut rules.motor);
    count(Bounds(root.section("bicycle-counter")), "bicycles_an_hour", &mut rules.bicycle);
    roadside(&mut root, rules);
    clock(Bounds(root.section("clock")), &mut rules.clock);
}

/// Reads `reports` of a device that states figures.
pub(super) fn reports(table: &mut Table<'_>, city: &mut City, device: DeviceIx) {
    let changes_only =
        table.or("reports", Among(&[("repeatedly", false), ("changes", true)]), "\"repeatedly\"");
    if changes_only {
        // Devices are made in order, and one beyond the most of a city is none of them.
        city.health.changes_only.push(device);
    }
}

fn bay(mut bounds: Bounds<'_>, rules: &mut BayRules) {
    bounds.number("chatter_changes", 2.0..=1_000.0, &mut rules.chatter_changes);
    bounds.span("chatter_window", MINUTE..=DAY, &mut rules.chatter_window);
    bounds.span("chatter_calm", HOLDING, &mut rules.chatter_calm);
    bounds.span("stuck_least", HOUR..=Duration::from_hours(365 * 24), &mut rules.stuck_least);
    bounds.number("stuck_changes", 2.0..=10_000.0, &mut rules.stuck_changes);
    bounds.whole("learnt_changes", 2..=10_000, &mut rules.learnt_changes);
}

fn figure(mut bounds: Bounds<'_>, rules: &mut FigureRules) {
    bounds.span("learn_for", LEARNING, &mut rules.learn_for);
    bounds.span("gap", MINUTE..=DAY, &mut rules.gap);
    bounds.number("stuck_nats", NATS, &mut rules.stuck_nats);
    bounds.number("stuck_margin", TIMES, &mut rules.stuck_margin);
    bounds.number("stuck_nats_most", NATS, &mut rules.stuck_nats_most);
    bounds.number("holiday_times", TIMES, &mut rules.holiday_times);
    bounds.span("stuck_least", MINUTE..=DAY * 30, &mut rules.stuck_least);
    bounds.number("bound_times", TIMES, &mut rules.bound_times);
    bounds.number("bound_share", SHARE, &mut rules.bound_share);
    bounds.number("step_times", TIMES, &mut rules.step_times);
    bounds.number("step_margin", TIMES, &mut rules.step_margin);
    bounds.number("step_share", SHARE, &mut rules.step_share);
    bounds.number("step_spaces", 1.0..=100_000.0, &mut rules.step_spaces);
    bounds.number("step_share_most", SHARE, &mut rules.step_share_most);
    bounds.number("vehicles_a_minute", 1.0..=1_000.0, &mut rules.vehicles_a_minute);
    bounds.number("gap_times", TIMES, &mut rules.gap_times);
    bounds.whole("learnt_steps", 10..=100_000, &mut rules.learnt_steps);
    bounds.number("bound_habit", TIMES, &mut rules.bound_habit);
    let mut readings = u32::from(rules.spike_readings);
    bounds.whole("spike_readings", 1..=100, &mut readings);
    rules.spike_readings = u8::try_from(readings).unwrap_or(rules.spike_readings);
    bounds.span("spike_for", MINUTE..=DAY, &mut rules.spike_for);
    bounds.number("spike_back", SHARE, &mut rules.spike_back);
    bounds.span("spike_hold", HOLDING, &mut rules.spike_hold);
    bounds.span("reset_hold", HOLDING, &mut rules.reset_hold);
    bounds.span("midnight", MINUTE..=HOUR, &mut rules.midnight);
    bounds.number("repeat_nats", NATS, &mut rules.repeat_nats);
    bounds.number("dwell_times", TIMES, &mut rules.dwell_times);
    bounds.hours("dwell_least", MINUTE..=DAY, &mut rules.dwell_least_h);
    bounds.number("drift_slack", 0.1..=10.0, &mut rules.drift_slack);
    bounds.number("drift_limit", 1.0..=1_000.0, &mut rules.drift_limit);
    bounds.number("spread_least_share", SHARE, &mut rules.spread_least_share);
    bounds.number("spread_most_share", SHARE, &mut rules.spread_most_share);
    bounds.whole("learnt_days", 2..=365, &mut rules.learnt_days);
    bounds.number("outside_share", SHARE, &mut rules.outside_share);
    bounds.whole("sentinels", 1..=1_000, &mut rules.sentinels);
    bounds.nats_fit(rules.stuck_nats, rules.stuck_nats_most);
    bounds.fit(("step_share", rules.step_share), ("step_share_most", rules.step_share_most));
    bounds.fit(
        ("spread_least_share", rules.spread_least_share),
        ("spread_most_share", rules.spread_most_share),
    );
}

fn barrier(mut bounds: Bounds<'_>, rules: &mut BarrierRules) {
    bounds.number("vehicles_a_minute", 1.0..=1_000.0, &mut rules.vehicles_a_minute);
    bounds.number("stuck_nats", NATS, &mut rules.stuck_nats);
    bounds.number("stuck_margin", TIMES, &mut rules.stuck_margin);
    bounds.number("stuck_nats_most", NATS, &mut rules.stuck_nats_most);
    bounds.span("learn_for", LEARNING, &mut rules.learn_for);
    bounds.span("calm", HOLDING, &mut rules.calm);
    bounds.nats_fit(rules.stuck_nats, rules.stuck_nats_most);
}

fn count(mut bounds: Bounds<'_>, most: &'static str, rules: &mut CountRules) {
    bounds.number("stuck_nats", NATS, &mut rules.stuck_nats);
    bounds.number("stuck_margin", TIMES, &mut rules.stuck_margin);
    bounds.number("stuck_nats_most", NATS, &mut rules.stuck_nats_most);
    bounds.span("learn_for", LEARNING, &mut rules.learn_for);
    bounds.whole("alike", 2..=10_000, &mut rules.alike);
    if most == "bicycles_an_hour" {
        bounds.number(most, 10.0..=100_000.0, &mut rules.bicycles_an_hour);
    } else {
        bounds.number(most, 10.0..=100_000.0, &mut rules.vehicles_an_hour);
        bounds.number("speed_kmh_most", 50.0..=500.0, &mut rules.speed_kmh_most);
        bounds.span("locked_on", MINUTE..=DAY, &mut rules.locked_on);
    }
    bounds.whole("gaps", 1..=10_000, &mut rules.gaps);
    bounds.whole("recover", 1..=10_000, &mut rules.recover);
    bounds.nats_fit(rules.stuck_nats, rules.stuck_nats_most);
}

fn roadside(root: &mut Table<'_>, rules: &mut HealthRules) {
    let (mut bounds, probes) = (Bounds(root.section("probe-feed")), &mut rules.probes);
    bounds.whole("passages", 10..=100_000, &mut probes.passages);
    bounds.number("speed_kmh_most", 50.0..=500.0, &mut probes.speed_kmh_most);
    bounds.number("impossible_pct", 1.0..=100.0, &mut probes.impossible_pct);
    bounds.number("standing_kmh", 0.1..=20.0, &mut probes.standing_kmh);
    drop(bounds);
    Bounds(root.section("pair")).span("quiet_for", MINUTE..=DAY * 30, &mut rules.pair.quiet_for);
    let (mut bounds, signal) = (Bounds(root.section("signal-controller")), &mut rules.signal);
    bounds.span("all_red_for", MINUTE..=DAY, &mut signal.all_red_for);
    bounds.number("changes", 2.0..=1_000.0, &mut signal.changes);
    bounds.span("changes_window", MINUTE..=DAY, &mut signal.changes_window);
    drop(bounds);
    let (mut bounds, air) = (Bounds(root.section("air-station")), &mut rules.air);
    bounds.span("frozen_for", HOUR..=DAY * 30, &mut air.frozen_for);
    bounds.whole("frozen_values", 2..=100_000, &mut air.frozen_values);
    bounds.number("least", -1_000.0..=0.0, &mut air.least);
    bounds.number("most", 10.0..=100_000.0, &mut air.most);
    bounds.number("noise_least", -20.0..=60.0, &mut air.noise_least);
    bounds.number("noise_most", 80.0..=200.0, &mut air.noise_most);
    bounds.whole("outside", 1..=1_000, &mut air.outside);
    bounds.number("spike_times", 2.0..=1_000.0, &mut air.spike_times);
    bounds.number("spike_least", 1.0..=100_000.0, &mut air.spike_least);
    bounds.span("spike_hold", HOLDING, &mut air.spike_hold);
}

fn clock(mut bounds: Bounds<'_>, rules: &mut ClockRules) {
    bounds.span("ahead", SECOND..=HOUR, &mut rules.ahead);
    bounds.span("behind", SECOND..=DAY, &mut rules.behind);
    bounds.span("near_hour", SECOND..=Duration::from_mins(29), &mut rules.near_hour);
    bounds.span("lasting", MINUTE..=DAY, &mut rules.lasting);
}

/// One kind's table. Each bound keeps its default, which is the one in the rules, unless the file has another.
struct Bounds<'a>(Table<'a>);

impl Bounds<'_> {
    fn number(&mut self, key: &'static str, range: RangeInclusive<f64>, bound: &mut f32) {
        #[expect(clippy::cast_possible_truncation, reason = "a bound of six digits")]
        let read = self.0.or(key, Number(range), &bound.to_string()) as f32;
        *bound = read;
    }

    fn whole(&mut self, key: &'static str, range: RangeInclusive<u32>, bound: &mut u32) {
        *bound = self.0.or(key, Whole(range), &bound.to_string());
    }

    fn span(&mut self, key: &'static str, range: RangeInclusive<Duration>, bound_us: &mut i64) {
        let default = Duration::from_micros(u64::try_from(*bound_us).unwrap_or_default());
        let read = self.0.or(key, Span(range), &format!("{:?}", written(default)));
        *bound_us = i64::try_from(read.as_micros()).unwrap_or(i64::MAX);
    }

    fn hours(&mut self, key: &'static str, range: RangeInclusive<Duration>, bound_h: &mut f32) {
        let default = Duration::from_secs_f32(*bound_h * 3_600.0);
        let read = self.0.or(key, Span(range), &format!("{:?}", written(default)));
        *bound_h = read.as_secs_f32() / 3_600.0;
    }

    fn nats_fit(&self, least: f32, most: f32) {
        self.fit(("stuck_nats", least), ("stuck_nats_most", most));
    }

    /// Whether the smaller of two bounds is not above the greater.
    fn fit(&self, (low, least): (&'static str, f32), (high, most): (&'static str, f32)) {
        if least <= most || !self.0.is_sound(low) || !self.0.is_sound(high) {
        } else if self.0.has(high) {
            self.0.problem(
                high,
                format!("{most} is below {low}, {least}"),
                "of the two it is the upper bound",
            );
        } else {
            self.0.problem(
                low,
                format!("{least} is above {high}, {most}"),
                "of the two it is the lower bound",
            );
        }
    }
}

#[cfg(test)]
mod tests {
    use vlot_model::{DeviceIx, HealthRules, Reporting};

    use crate::{Source, check};

    fn city(health: &str) -> std::sync::Arc<vlot_model::City> {
        let files = [
            (
                "city.toml",
                "name = 'L'\ntimezone = 'UTC'\narea = { south = 50, north = 51, west = 4, east = 5 }\n",
            ),
            (
                "mqtt.toml",
                "[[source]]\nname = 'f'\nhost = 'localhost'\nport = 1883\nclient_id = 'v'\n\
                 subscription = [{ filter = 'a', format = 'vlot-json' }]\n",
            ),
            (
                "facilities.toml",
                "[[facility]]\nid = 'a'\nname = 'A'\nkind = 'edge'\nlat = 50.5\nlon = 4.5\ncapacity = 80\n\
                 counting = 'absolute'\nvalid_for = '1d'\nfull_at = 0\nreopen_at = 1\ndevice = [\
                 { id = 'repeats', kind = 'counter' },\
                 { id = 'changes', kind = 'counter', reports = 'changes', silent_after = '12h' }]\n",
            ),
            ("health.toml", health),
        ];
        let settings = check(&Source::from_files(files)).unwrap_or_else(|problems| panic!("\n{problems}"));
        settings.city
    }

    #[test]
    fn left_out_every_bound_is_the_rules_own() {
        let every_table = "[bay]\n[figure]\n[barrier]\n[loop]\n[bicycle-counter]\n[probe-feed]\n[pair]\n\
             [signal-controller]\n[air-station]\n[clock]\n";
        for written in ["", every_table] {
            assert_eq!(city(written).health.rules, HealthRules::default());
        }
    }

    #[test]
    fn a_bound_arrives_at_its_own_kind_alone() {
        let written = "[figure]\nstuck_nats = 20\ndwell_least = '90m'\nspike_readings = 5\n\
                       [bicycle-counter]\nalike = 20\n[clock]\nahead = '2m'\n[bay]\nstuck_least = '21d'\n\
                       [air-station]\nleast = -2\n[pair]\nquiet_for = '3h'\n";
        let mut expected = HealthRules::default();
        expected.figure.stuck_nats = 20.0;
        expected.figure.dwell_least_h = 1.5;
        expected.figure.spike_readings = 5;
        expected.bicycle.alike = 20;
        expected.clock.ahead = 120_000_000;
        expected.air.least = -2.0;
        expected.pair.quiet_for = 3 * 3_600_000_000;
        expected.bay.stuck_least = 21 * 86_400_000_000;
        assert_eq!(city(written).health.rules, expected);
    }

    #[test]
    fn a_feed_that_tells_changes_alone_says_so() {
        let health = city("").health.clone();
        assert_eq!(health.reporting(DeviceIx(0)), Reporting::Repeated);
        assert_eq!(health.reporting(DeviceIx(1)), Reporting::ChangesOnly);
    }
}
