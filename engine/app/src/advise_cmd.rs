//! `vlot advise`: where to park for a trip.

use std::fmt::Write as _;
use std::io::Write as _;

use anyhow::{Result, bail};
use clap::{Args, ValueEnum};
use vlot_model::{LonLat, Timestamp};
use vlot_proto::common::v1::Position;
use vlot_proto::guidance::v1::advise_request::When;
use vlot_proto::guidance::v1::advise_service_client::AdviseServiceClient;
use vlot_proto::guidance::v1::{
    AdviseRequest, AdviseResponse, BicycleNeeds, CarNeeds, FollowRequest, Leg, LegKind, Option as Way,
    OptionKind, RuledOut, Space, SpaceBasis, SpaceFor,
};

use crate::cli::{Engine, instant};
use crate::facility::{new_id, timestamp};
use crate::route_cmd::spot;
use crate::watch::{connect, told};

/// Where to park for a trip.
#[derive(Debug, Args)]
pub(crate) struct AdviseOf {
    /// From here: latitude,longitude
    #[arg(allow_hyphen_values = true, value_parser = spot)]
    pub(crate) from: LonLat,

    /// To here: latitude,longitude
    #[arg(allow_hyphen_values = true, value_parser = spot)]
    pub(crate) to: LonLat,

    /// Be there by then (RFC 3339), e.g. 2026-05-08T19:30:00+02:00
    #[arg(long, value_name = "TIME", value_parser = instant, conflicts_with = "depart")]
    pub(crate) arrive: Option<Timestamp>,

    /// Leave then (RFC 3339); without it: now
    #[arg(long, value_name = "TIME", value_parser = instant)]
    pub(crate) depart: Option<Timestamp>,

    /// What the driver needs, separated by commas
    #[arg(long, value_enum, value_delimiter = ',')]
    pub(crate) needs: Vec<Needs>,

    /// Height of the vehicle, centimetres
    #[arg(long, value_name = "CM")]
    pub(crate) height: Option<u32>,

    /// By bicycle
    #[arg(long)]
    pub(crate) bicycle: bool,

    /// It is a cargo bicycle
    #[arg(long, requires = "bicycle")]
    pub(crate) cargo: bool,

    /// Racks of two tiers will not do
    #[arg(long, requires = "bicycle")]
    pub(crate) ground_only: bool,

    /// Stay for so long, e.g. 45m, 3h
    #[arg(long, value_name = "TIME", value_parser = crate::cli::duration)]
    pub(crate) stay: Option<std::time::Duration>,

    /// Walk no farther than this at a stretch, metres
    #[arg(long, value_name = "M", value_parser = clap::value_parser!(u32).range(..=10_000))]
    pub(crate) walk_max: Option<u32>,

    /// So many options at most
    #[arg(long, value_name = "N", default_value = "5", value_parser = clap::value_parser!(u32).range(1..=20))]
    pub(crate) limit: u32,

    /// Set out for the option of that number: the engine then expects the car there
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=20), conflicts_with = "json")]
    pub(crate) follow: Option<u32>,

    /// As JSON
    #[arg(long)]
    pub(crate) json: bool,

    /// Which engine
    #[command(flatten)]
    pub(crate) engine: Engine,
}

/// Whom a space is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Needs {
    /// Holders of a card for disabled persons
    Accessible,
    /// Vehicles that charge
    Charging,
    /// Care-givers
    CareGivers,
    /// Residents
    Residents,
    /// Motor cycles and mopeds
    TwoWheelers,
}

fn request(options: &AdviseOf) -> AdviseRequest {
    let at = |p: LonLat| Some(Position { latitude: p.lat, longitude: p.lon });
    let group = |needs: &Needs| {
        i32::from(match needs {
            Needs::Accessible => SpaceFor::Accessible,
            Needs::Charging => SpaceFor::Charging,
            Needs::CareGivers => SpaceFor::CareGivers,
            Needs::Residents => SpaceFor::Residents,
            Needs::TwoWheelers => SpaceFor::TwoWheelers,
        })
    };
    let groups: Vec<i32> = options.needs.iter().map(group).collect();
    let by_car = !options.bicycle || !groups.is_empty() || options.height.is_some();
    AdviseRequest {
        origin: at(options.from),
        destination: at(options.to),
        when: match (options.arrive, options.depart) {
            (Some(by), _) => Some(When::Arrival(timestamp(by))),
            (None, Some(from)) => Some(When::Departure(timestamp(from))),
            (None, None) => None,
        },
        car: by_car.then_some(CarNeeds { groups, height_cm: options.height }),
        bicycle: options
            .bicycle
            .then_some(BicycleNeeds { cargo: options.cargo, ground_only: options.ground_only }),
        walk_max_m: options.walk_max,
        limit: options.limit,
        stay_s: options.stay.map(|stay| u32::try_from(stay.as_secs()).unwrap_or(u32::MAX)),
    }
}

/// Prints advice.
pub(crate) async fn advise(options: AdviseOf) -> Result<()> {
    let mut client = AdviseServiceClient::new(connect(&options.engine).await?);
    let advice = client.advise(request(&options)).await.map_err(told)?.into_inner();
    let text = if options.json { json(&advice)? } else { table(&advice) };
    // Whoever reads the output may have seen enough.
    drop(std::io::stdout().lock().write_all(text.as_bytes()));
    if let Some(number) = options.follow {
        let followed = follow(&advice, number)?;
        let name = advice.options.iter().find(|o| o.facility_id == followed.facility_id);
        let name = name.map_or_else(|| followed.facility_id.clone(), |option| option.name.clone());
        client.follow(followed).await.map_err(told)?;
        drop(writeln!(std::io::stdout().lock(), "\non the way to {name}: one more is expected there"));
    }
    Ok(())
}

/// The announcement of an option.
fn follow(advice: &AdviseResponse, number: u32) -> Result<FollowRequest> {
    let place = (number as usize).checked_sub(1);
    let Some(option) = place.and_then(|place| advice.options.get(place)) else {
        bail!("there is no option {number} (hint: 1 to {})", advice.options.len());
    };
    if option.facility_id.is_empty() {
        bail!("option {number} is a bicycle garage, where nobody is announced (hint: --follow is for cars)");
    }
    let (facility_id, arrival, trip_id) = (option.facility_id.clone(), option.parked, new_id());
    Ok(FollowRequest { facility_id, arrival, trip_id })
}

fn table(advice: &AdviseResponse) -> String {
    let mut text = String::new();
    let mut say = |line: std::fmt::Arguments<'_>| writeln!(text, "{line}").unwrap_or_default();
    if advice.options.is_empty() {
        say(format_args!("nowhere to park for this trip"));
    } else {
        say(format_args!(
            "  {:<34} {:>7}  {:<13} {:<6} {:<8} {:<16} {}",
            "where", "door", "with 80 %", "leave", "chance", "free on arrival", "how"
        ));
    }
    for (n, option) in (1..).zip(&advice.options) {
        let space = option.space.unwrap_or_default();
        let chance =
            space.chance.map_or_else(|| "?".to_owned(), |c| format!("{:.0} %", (100.0 * c).min(99.0)));
        say(format_args!(
            "{n} {:<34} {:>7}  {:<13} {:<6} {:<8} {:<16} {}",
            clipped(&option.name, 34),
            minutes(option.door_s),
            format!("{} to {}", minutes(option.door_low_s), minutes(option.door_high_s)),
            clock(option),
            chance,
            free(&space),
            legs(&option.legs),
        ));
    }
    for option in &advice.options {
        let at = if option.facility_id.is_empty() { &option.garage_id } else { &option.facility_id };
        say(format_args!("\n{} ({at}{})", option.name, kind(option)));
        for why in &option.why {
            say(format_args!("  {why}"));
        }
        if !option.tariff.is_empty() {
            say(format_args!("  prices: {}", option.tariff));
        }
    }
    if !advice.ruled_out.is_empty() {
        say(format_args!("\nruled out"));
    }
    for RuledOut { name, why, kind, .. } in &advice.ruled_out {
        let ride = if *kind == i32::from(OptionKind::EdgeRide) { ", riding on" } else { "" };
        say(format_args!("  {name}{ride}: {why}"));
    }
    text
}

fn kind(option: &Way) -> &'static str {
    if option.kind() == OptionKind::EdgeRide { ", riding on" } else { "" }
}

fn clipped(text: &str, chars: usize) -> String {
    text.chars().take(chars).collect()
}

/// When to leave, by UTC.
fn clock(option: &Way) -> String {
    let s = option.departure.unwrap_or_default().seconds.rem_euclid(86_400);
    format!("{:02}:{:02}Z", s / 3_600, s % 3_600 / 60)
}

fn free(space: &Space) -> String {
    match (space.free_low, space.free, space.free_high) {
        (Some(low), Some(free), Some(high)) => format!("{free:.0} ({low:.0} to {high:.0})"),
        _ => "not known".to_owned(),
    }
}

fn legs(legs: &[Leg]) -> String {
    let leg = |leg: &Leg| {
        let how = match leg.kind() {
            LegKind::Drive => "drive".to_owned(),
            LegKind::Cycle => "cycle".to_owned(),
            LegKind::Wait => "wait".to_owned(),
            LegKind::Ride => format!("{} to {}", leg.line, leg.to),
            LegKind::Walk | LegKind::Unspecified => "walk".to_owned(),
        };
        format!("{how} {}", minutes(leg.seconds))
    };
    legs.iter().map(leg).collect::<Vec<_>>().join(", ")
}

fn minutes(seconds: f64) -> String {
    if seconds < 90.0 { format!("{seconds:.0} s") } else { format!("{:.0} min", seconds / 60.0) }
}

fn json(advice: &AdviseResponse) -> Result<String> {
    let at = |t: &Option<prost_types::Timestamp>| t.map(|t| t.to_string());
    let leg = |leg: &Leg| {
        serde_json::json!({
            "kind": leg.kind().as_str_name(),
            "seconds": leg.seconds,
            "low_s": leg.low_s,
            "high_s": leg.high_s,
            "length_m": leg.length_m,
            "basis": leg.basis().as_str_name(),
            "measured_pct": leg.measured_pct,
            "line": leg.line,
            "to": leg.to,
            "leaves": at(&leg.leaves),
            "shape": leg.shape,
        })
    };
    let option = |option: &Way| {
        let space = option.space.unwrap_or_default();
        serde_json::json!({
            "kind": option.kind().as_str_name(),
            "facility_id": option.facility_id,
            "garage_id": option.garage_id,
            "section_ids": option.section_ids,
            "name": option.name,
            "departure": at(&option.departure),
            "parked": at(&option.parked),
            "arrival": at(&option.arrival),
            "door_s": option.door_s,
            "door_low_s": option.door_low_s,
            "door_high_s": option.door_high_s,
            "cost_s": option.cost_s,
            "chance": space.chance,
            "free_low": space.free_low,
            "free": space.free,
            "free_high": space.free_high,
            "on_the_way": space.on_the_way,
            "basis": SpaceBasis::try_from(space.basis).unwrap_or_default().as_str_name(),
            "open": option.open,
            "tariff": option.tariff,
            "stay_max_s": option.stay_max_s,
            "legs": option.legs.iter().map(leg).collect::<Vec<_>>(),
            "why": option.why,
        })
    };
    let ruled_out = |out: &RuledOut| {
        serde_json::json!({
            "kind": out.kind().as_str_name(),
            "facility_id": out.facility_id,
            "garage_id": out.garage_id,
            "name": out.name,
            "reason": out.reason().as_str_name(),
            "why": out.why,
        })
    };
    let all = serde_json::json!({
        "options": advice.options.iter().map(option).collect::<Vec<_>>(),
        "ruled_out": advice.ruled_out.iter().map(ruled_out).collect::<Vec<_>>(),
        "tick": advice.position.map(|p| p.tick),
        "at": at(&advice.at),
    });
    Ok(serde_json::to_string_pretty(&all)? + "\n")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::{Cli, Command};
    use clap::Parser as _;

    fn parsed(args: &[&str]) -> Result<AdviseOf, clap::Error> {
        let cli = Cli::try_parse_from(["vlot", "advise", "50.86,4.68", "50.879,4.701"].iter().chain(args))?;
        match cli.command {
            Some(Command::Advise(options)) => Ok(options),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn what_is_asked_for_is_what_was_typed() {
        let asked = |args: &[&str]| request(&parsed(args).unwrap());
        let plain = asked(&[]);
        assert!(plain.car.is_some() && plain.bicycle.is_none() && plain.when.is_none() && plain.limit == 5);
        let needs = asked(&["--needs", "accessible,charging", "--arrive", "2026-05-08T19:30:00+02:00"]);
        let groups = [SpaceFor::Accessible, SpaceFor::Charging].map(i32::from);
        assert_eq!(needs.car.unwrap().groups, groups);
        assert!(matches!(needs.when, Some(When::Arrival(at)) if at.seconds == 1_778_261_400));
        let bicycle = asked(&["--bicycle", "--cargo"]);
        assert_eq!((bicycle.car, bicycle.bicycle.map(|b| b.cargo)), (None, Some(true)));
        for wrong in [
            &["--cargo"][..],
            &["--needs", "a-lift"],
            &["--arrive", "2026-05-08T19:30:00Z", "--depart", "2026-05-08T19:00:00Z"],
            &["--limit", "21"],
            &["--walk-max", "20000"],
        ] {
            assert!(parsed(wrong).is_err(), "{wrong:?}");
        }
    }

    #[test]
    fn the_table_ranks_and_says_why() {
        let leg = |kind: LegKind, seconds: f64| Leg { kind: kind.into(), seconds, ..Leg::default() };
        let option = Way {
            kind: OptionKind::EdgeRide.into(),
            facility_id: "bodart".into(),
            name: "Bodart".into(),
            departure: Some(prost_types::Timestamp { seconds: 7 * 3_600 + 300, nanos: 0 }),
            legs: vec![
                leg(LegKind::Drive, 400.0),
                leg(LegKind::Wait, 450.0),
                Leg { line: "2".into(), to: "Station".into(), ..leg(LegKind::Ride, 60.0) },
            ],
            door_s: 910.0,
            door_low_s: 600.0,
            door_high_s: 1_300.0,
            space: Some(Space { chance: Some(1.0), ..Space::default() }),
            why: vec!["Because.".into()],
            ..Way::default()
        };
        let out = RuledOut {
            name: "Ladeuze".into(),
            why: "Too far to walk: 2800 m.".into(),
            ..RuledOut::default()
        };
        let advice =
            AdviseResponse { options: vec![option], ruled_out: vec![out], ..AdviseResponse::default() };
        let text = table(&advice);
        let row = text.lines().nth(1).unwrap();
        for part in [
            "1 Bodart",
            "15 min",
            "10 min to 22 min",
            "07:05Z",
            "99 %",
            "not known",
            "drive 7 min, wait 8 min, 2 to Station 60 s",
        ] {
            assert!(row.contains(part), "{part:?} in {row:?}");
        }
        assert!(text.contains("Bodart (bodart, riding on)\n  Because.\n"), "{text}");
        assert!(text.ends_with("ruled out\n  Ladeuze: Too far to walk: 2800 m.\n"), "{text}");
        assert!(table(&AdviseResponse::default()).starts_with("nowhere to park"));
        let going = follow(&advice, 1).unwrap();
        assert_eq!((going.facility_id.as_str(), going.trip_id.len()), ("bodart", 32));
        assert!(follow(&advice, 2).unwrap_err().to_string().contains("hint: 1 to 1"));
        let garage = Way { garage_id: "station".into(), ..Way::default() };
        let bicycle = AdviseResponse { options: vec![garage], ..AdviseResponse::default() };
        assert!(follow(&bicycle, 1).unwrap_err().to_string().contains("for cars"));
        let parsed: serde_json::Value = serde_json::from_str(&json(&advice).unwrap()).unwrap();
        assert_eq!(
            (&parsed["options"][0]["chance"], &parsed["options"][0]["free"]),
            (&1.0.into(), &serde_json::Value::Null)
        );
    }
}
