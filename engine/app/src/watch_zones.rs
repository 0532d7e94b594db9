//! `vlot watch zones`: one line a change of how hard a zone's spaces are used.

use vlot_model::Timestamp;
use vlot_proto::parking::v1::{Overstay, Zone};

pub(crate) fn line(zone: &Zone) -> String {
    let share = |pct: Option<f32>| pct.map_or_else(|| "-".to_owned(), |p| format!("{p:.0} %"));
    let mut text = format!(
        "{:<28} {} this hour, {} the last",
        zone.id,
        share(zone.pressure_pct),
        share(zone.last_hour_pct)
    );
    if let Some(left) = zone.departures {
        text.push_str(&format!(", {left} left"));
    }
    if let Some(b) = &zone.balance {
        text.push_str(&format!(
            ", demand {:.1} of {}, at most {}, full for {} min",
            b.demand_mean,
            b.capacity,
            b.demand_peak,
            b.full_s / 60
        ));
    }
    if zone.alarm {
        text.push_str("  ALARM");
    }
    zone.overstays.iter().for_each(|o| text.push_str(&overstay(o)));
    text
}

fn overstay(overstay: &Overstay) -> String {
    let since = Timestamp::from_secs(overstay.since.unwrap_or_default().seconds);
    format!("\n  bay {} since {since}, {} min allowed", overstay.bay, overstay.limit_s / 60)
}

#[cfg(test)]
mod tests {
    use super::*;
    use vlot_proto::parking::v1::Balance;

    #[test]
    fn a_line_says_what_is_known_and_names_who_overstays() {
        let mut zone = Zone { id: "lei".into(), pressure_pct: Some(44.6), ..Zone::default() };
        assert_eq!(line(&zone).trim_end(), format!("{:<28} 45 % this hour, - the last", "lei"));
        zone.last_hour_pct = Some(91.0);
        zone.departures = Some(12);
        zone.balance = Some(Balance { capacity: 20, demand_mean: 18.25, demand_peak: 20, full_s: 600 });
        zone.alarm = true;
        zone.overstays = vec![Overstay { bay: "3".into(), since: Some(Default::default()), limit_s: 1_800 }];
        let text = line(&zone);
        let expected = "91 % the last, 12 left, demand 18.2 of 20, at most 20, full for 10 min  ALARM\n  bay 3 since \
                        1970-01-01T00:00:00Z, 30 min allowed";
        assert!(text.ends_with(expected), "{text}");
    }
}
