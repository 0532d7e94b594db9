//! `[facility.estimate]`: how a facility's sources err, and what its sign may say of a figure that is not sure.

use std::time::Duration;

use vlot_model::{Reliability, Shows};

use crate::read::{Named, Number, Span, Table, Whole};

/// More often wrong than that, a sensor says nothing.
const RATE_MAX: f64 = 0.4;
/// How long after closing the last may leave.
const LEAVING: std::ops::RangeInclusive<Duration> = Duration::from_mins(1)..=Duration::from_hours(24);

/// Reads the table of a facility with that capacity; every key may be left out, and so may the table.
pub(super) fn read(facility: &mut Table<'_>, capacity: u32) -> Reliability {
    let capacity_known = facility.is_sound("capacity");
    let mut table = facility.section("estimate");
    let ceiling = table.optional("ceiling", Whole(1..=200_000));
    if let Some(ceiling) = ceiling
        && ceiling < capacity
        && capacity_known
    {
        table.problem(
            "ceiling",
            format!("{ceiling} is below the capacity, {capacity}"),
            "it says how many can be inside at most: the spaces, and those that stand beside them",
        );
    }
    Reliability {
        ceiling: ceiling.unwrap_or(capacity).max(capacity),
        miss_rate: table.or("miss_rate", Number(0.0..=RATE_MAX), "0.01"),
        double_rate: table.or("double_rate", Number(0.0..=RATE_MAX), "0.005"),
        lie_rate: table.or("lie_rate", Number(0.0..=RATE_MAX), "0.02"),
        figure_sd: table.or("figure_sd", Number(0.0..=10_000.0), "3.0"),
        empty_after_closing: table.optional("empty_after_closing", Span(LEAVING)),
        width_max: table.or("width_max", Number(0.0..=1.0), "0.2"),
        shows: table.or("shows", Named::or_stand_in(Shows::Low), "\"low\""),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Source, check};

    fn reliability(estimate: &str) -> Reliability {
        let facility = format!(
            "[[facility]]\nid = \"a\"\nname = \"A\"\nkind = \"edge\"\nlat = 50.5\nlon = 4.5\ncapacity = 80\n\
             counting = \"barriers\"\nvalid_for = \"15m\"\nfull_at = 0\nreopen_at = 1\n\
             device = [{{ id = \"in\", kind = \"barrier\" }}]\n{estimate}"
        );
        let files = [
            (
                "city.toml",
                "name = \"L\"\ntimezone = \"UTC\"\narea = { south = 50, north = 51, west = 4, east = 5 }\n",
            ),
            (
                "mqtt.toml",
                "[[source]]\nname = \"f\"\nhost = \"localhost\"\nport = 1883\nclient_id = \"v\"\n\
                 subscription = [{ filter = \"a\", format = \"vlot-json\" }]\n",
            ),
            ("facilities.toml", facility.as_str()),
        ];
        let settings = check(&Source::from_files(files)).unwrap_or_else(|problems| panic!("\n{problems}"));
        settings.city.facilities[0].estimate
    }

    #[test]
    fn left_out_it_is_the_default_of_its_capacity() {
        assert_eq!(reliability(""), Reliability::of(80));
        assert_eq!(reliability("[facility.estimate]\n"), Reliability::of(80));
    }

    #[test]
    fn every_key_arrives() {
        let written = "[facility.estimate]\nceiling = 90\nmiss_rate = 0.03\ndouble_rate = 0\nlie_rate = 0.1\n\
                       figure_sd = 5\nempty_after_closing = \"45m\"\nwidth_max = 0.5\nshows = \"best\"\n";
        let expected = Reliability {
            ceiling: 90,
            miss_rate: 0.03,
            double_rate: 0.0,
            lie_rate: 0.1,
            figure_sd: 5.0,
            empty_after_closing: Some(Duration::from_mins(45)),
            width_max: 0.5,
            shows: Shows::Best,
        };
        assert_eq!(reliability(written), expected);
    }
}
