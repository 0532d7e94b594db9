//! Why a way from door to door stands where it does, and why a place is none, in sentences.

use vlot_model::{
    City, ClosedBy, LegBasis, LegKind, ParkedAt, RuledOut, RuledOutBy, SpaceBasis, SpaceOnArrival, Timestamp,
    TripOption, UserGroup,
};

/// What an option's time and chance rest on, one sentence each; times are in seconds and minutes, without a time zone. `now` is when
/// the advice was made.
#[must_use]
pub fn option_why(option: &TripOption, city: &City, now: Timestamp) -> Vec<String> {
    let mut why = vec![door(option)];
    for leg in &option.legs {
        match (leg.kind, leg.basis) {
            (LegKind::Drive, LegBasis::Streets { measured_pct }) => why.push(format!(
                "The drive follows traffic as it is now, measured on {measured_pct:.0} % of the way."
            )),
            (LegKind::Walk, LegBasis::StraightLine) => why.push(
                "The walk is estimated from a straight line: no way over streets is known for it.".to_owned(),
            ),
            (LegKind::Wait, LegBasis::Headway { minutes }) => why.push(format!(
                "{} leaves every {minutes} minutes, at times that are not known: half of that is counted as the wait.",
                line(option, city)
            )),
            (LegKind::Wait, LegBasis::Timetable { leaves }) => why.push(format!(
                "{} leaves {} after one has parked, by its timetable.",
                line(option, city),
                minutes(leaves.since(option.parks).as_secs_f64())
            )),
            _ => {}
        }
    }
    why.push(space(&option.space, now));
    if let Some(limit_s) = option.stay_max_s {
        why.push(format!("For short stays alone: {} at most.", minutes(limit_s as f64)));
    }
    if option.open.is_none() && matches!(option.at, ParkedAt::Facility(_)) {
        why.push("Whether it is open then is not stated.".to_owned());
    }
    why
}

fn door(option: &TripOption) -> String {
    let door = option.door;
    let risk_s = option.cost_s - door.seconds;
    let mut text = format!(
        "{} from door to door ({} to {} with 80 %)",
        minutes(door.seconds),
        minutes(door.low_s),
        minutes(door.high_s)
    );
    match option.space.chance {
        Some(_) if risk_s >= 30.0 => {
            text.push_str(&format!(
                ", ranked as {}: the risk of being turned away counts.",
                minutes(option.cost_s)
            ));
        }
        Some(_) => text.push('.'),
        None => text.push_str(", ranked as if one were turned away: nothing is known of its spaces."),
    }
    text
}

fn line(option: &TripOption, city: &City) -> String {
    let facility = if let ParkedAt::Facility(ix) = option.at { city.facilities.get(ix.at()) } else { None };
    let onward = option.onward.and_then(|position| facility?.site.onward.get(position));
    onward.map_or_else(|| "The line".to_owned(), |line| format!("{} to {}", line.line, line.to))
}

fn space(space: &SpaceOnArrival, now: Timestamp) -> String {
    let (Some(chance), Some(low), Some(free), Some(high)) =
        (space.chance, space.free_low, space.free, space.free_high)
    else {
        return "How many spaces will be free is not known.".to_owned();
    };
    let before = if space.on_the_way >= 0.5 {
        format!(", {:.0} on the way there before you not counted", space.on_the_way)
    } else {
        String::new()
    };
    let ago = |at: Timestamp| minutes(now.since(at).as_secs_f64());
    let basis = match space.basis {
        SpaceBasis::Forecast { made_at } => format!("by the forecast of {} ago", ago(made_at)),
        SpaceBasis::Trend { observed_at } => {
            format!("by the figure of {} ago and what goes in and out now", ago(observed_at))
        }
        SpaceBasis::Present { observed_at } => {
            format!("by the figure of {} ago, with the usual turnover until then", ago(observed_at))
        }
        SpaceBasis::Unknown => "by nothing that may be relied on".to_owned(),
    };
    format!(
        "{:.0} % chance of a space: {free:.0} free on arrival ({low:.0} to {high:.0}), {basis}{before}.",
        // 100 % is promised by nobody.
        (100.0 * chance).min(99.0)
    )
}

/// Why a place is none, in a sentence.
#[must_use]
pub fn ruled_out_why(ruled_out: &RuledOut, city: &City, now: Timestamp) -> String {
    let limits = match ruled_out.at {
        ParkedAt::Facility(ix) => city.facilities.get(ix.at()).map(|f| f.full_at),
        ParkedAt::Garage(_) => None,
    };
    match &ruled_out.why {
        RuledOutBy::Closed { arrival, by } => {
            let by = match by {
                ClosedBy::Operator => "an operator has closed it",
                ClosedBy::Hours => "by its opening hours",
                ClosedBy::OwnWord => "it says so itself",
                ClosedBy::Dates => "it does not stand there then",
            };
            format!("Closed on arrival, in {}: {by}.", minutes(arrival.since(now).as_secs_f64()))
        }
        RuledOutBy::Full { chance: Some(chance) } => {
            format!("Full on arrival: a {:.0} % chance of a space.", 100.0 * chance)
        }
        RuledOutBy::Full { chance: None } => match limits {
            Some(full_at) => format!("Full: no more than {full_at} spaces are free."),
            None => "Full.".to_owned(),
        },
        RuledOutBy::NoWay { by } => match by {
            LegKind::Drive => "No way leads there by car now.".to_owned(),
            LegKind::Cycle => "No way leads there by bicycle now.".to_owned(),
            LegKind::Walk | LegKind::Wait | LegKind::Ride => "No way leads on from there on foot.".to_owned(),
        },
        RuledOutBy::NoSpaceFor { group } => format!("It has no spaces {}.", group_words(*group)),
        RuledOutBy::StayTooLong { limit_s } => {
            format!("For short stays alone: {} at most.", minutes(*limit_s as f64))
        }
        RuledOutBy::NoRack => "It has no places that suit the bicycle.".to_owned(),
        RuledOutBy::TooHigh { limit_cm } => {
            format!("The vehicle is too high: {:.2} m fit.", f64::from(*limit_cm) / 100.0)
        }
        RuledOutBy::TooFar { walk_m } => format!("Too far to walk: {walk_m:.0} m."),
        RuledOutBy::NoLine => {
            "No bus or shuttle leads on from there, or where it stops is not configured.".to_owned()
        }
        RuledOutBy::NoDeparture { .. } => "By the timetable nothing leaves in time.".to_owned(),
        RuledOutBy::NotPublic => "It is for those who hire a place.".to_owned(),
        RuledOutBy::TooLate { arrives } => {
            format!("Too late: leaving now, one is there in {}.", minutes(arrives.since(now).as_secs_f64()))
        }
    }
}

fn group_words(group: UserGroup) -> &'static str {
    match group {
        UserGroup::Everyone => "for everyone",
        UserGroup::ShortStay => "for short stays",
        UserGroup::Accessible => "for holders of a card for disabled persons",
        UserGroup::Charging => "to charge at",
        UserGroup::Residents => "for residents",
        UserGroup::CareGivers => "for care-givers",
        UserGroup::Loading => "for loading",
        UserGroup::CargoBicycles => "for cargo bicycles",
        UserGroup::TwoWheelers => "for motor cycles",
    }
}

fn minutes(seconds: f64) -> String {
    if seconds < 90.0 { format!("{seconds:.0} s") } else { format!("{:.0} min", seconds / 60.0) }
}

#[cfg(test)]
mod tests {
    use vlot_model::{FacilityIx, Leg, Span, TripKind};

    use super::*;

    const NOW: Timestamp = Timestamp::from_secs(1_000_000);

    fn option(space: SpaceOnArrival, cost_s: f64) -> TripOption {
        let time = |seconds| Span { seconds, low_s: seconds * 0.8, high_s: seconds * 1.2 };
        let leg = |kind, basis| Leg { kind, time: time(300.0), length_m: None, basis };
        let s = std::time::Duration::from_secs;
        TripOption {
            kind: TripKind::EdgeRide,
            at: ParkedAt::Facility(FacilityIx(0)),
            onward: Some(0),
            departs: NOW,
            parks: NOW + s(300),
            arrives: NOW + s(900),
            legs: vec![
                leg(LegKind::Drive, LegBasis::Streets { measured_pct: 61.7 }),
                leg(LegKind::Wait, LegBasis::Timetable { leaves: NOW + s(420) }),
                leg(LegKind::Walk, LegBasis::StraightLine),
            ],
            door: time(900.0),
            space,
            open: None,
            cost_s,
            sections: Vec::new(),
            stay_max_s: None,
        }
    }

    #[test]
    fn an_option_says_what_it_rests_on() {
        let space = SpaceOnArrival {
            chance: Some(0.998),
            free_low: Some(30.2),
            free: Some(44.0),
            free_high: Some(60.0),
            on_the_way: 3.0,
            basis: SpaceBasis::Forecast { made_at: NOW - std::time::Duration::from_secs(120) },
        };
        let city = City::default();
        assert_eq!(
            option_why(&option(space, 901.0), &city, NOW),
            [
                "15 min from door to door (12 min to 18 min with 80 %).",
                "The drive follows traffic as it is now, measured on 62 % of the way.",
                "The line leaves 2 min after one has parked, by its timetable.",
                "The walk is estimated from a straight line: no way over streets is known for it.",
                "99 % chance of a space: 44 free on arrival (30 to 60), by the forecast of 2 min ago, 3 on the way there before you not \
                 counted.",
                "Whether it is open then is not stated.",
            ]
        );
        let (none, basis) = (None, SpaceBasis::Unknown);
        let unknown = SpaceOnArrival {
            chance: None,
            free_low: none,
            free: none,
            free_high: none,
            on_the_way: 0.0,
            basis,
        };
        let why = option_why(&option(unknown, 1_500.0), &city, NOW);
        assert!(
            why[0].ends_with("ranked as if one were turned away: nothing is known of its spaces."),
            "{why:?}"
        );
        assert_eq!(why[4], "How many spaces will be free is not known.");
    }

    #[test]
    fn what_is_ruled_out_says_why() {
        let why = |why| {
            let at = ParkedAt::Facility(FacilityIx(9));
            ruled_out_why(&RuledOut { kind: TripKind::DrivePark, at, why }, &City::default(), NOW)
        };
        let arrival = NOW + std::time::Duration::from_secs(600);
        assert_eq!(
            why(RuledOutBy::Closed { arrival, by: ClosedBy::Hours }),
            "Closed on arrival, in 10 min: by its opening hours."
        );
        assert_eq!(
            why(RuledOutBy::Full { chance: Some(0.021) }),
            "Full on arrival: a 2 % chance of a space."
        );
        assert_eq!(why(RuledOutBy::TooHigh { limit_cm: 190 }), "The vehicle is too high: 1.90 m fit.");
        assert_eq!(why(RuledOutBy::TooFar { walk_m: 2_345.6 }), "Too far to walk: 2346 m.");
    }
}
