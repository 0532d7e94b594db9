//! `vlot situation`: works, closures, incidents and events, stated and withdrawn by name and with a reason.

use std::process::ExitCode;

use anyhow::{Result, anyhow};
use clap::{Args, Subcommand, ValueEnum};
use vlot_model::Timestamp;
use vlot_proto::common::v1::{Position, TravelMode};
use vlot_proto::parking::v1::Act;
use vlot_proto::traffic::v1::situation_effect::Effect;
use vlot_proto::traffic::v1::situation_location::Place;
use vlot_proto::traffic::v1::situation_service_client::SituationServiceClient;
use vlot_proto::traffic::v1::{
    IncidentJudgement, JudgeIncidentRequest, ListSituationsRequest, Situation, SituationEffect,
    SituationKind, SituationLine, SituationLinks, SituationLocation, SituationPhase, SituationStatement,
    StateSituationRequest, WithdrawSituationRequest,
};

use crate::cli::{Engine, instant};
use crate::facility::{NOT_KNOWN, is_open, new_id, print, timestamp};
use crate::watch::{connect, told};

/// State what happens on the roads: works, closures, incidents, events. Every act has a name and is kept.
#[derive(Debug, Args)]
#[command(
    after_help = "Exit codes: 0 done; 1 refused, nothing changed; 2 wrong use; 3 not known to be done: the same command \
    with the --act-id that it names finds out, and counts once.\n\nExamples:\n  vlot situation close --id ring-n --line \
    '50.8870,4.6960 50.8885,4.7010' --both --headline 'Ring closed at the canal' --by 'Mia Peeters'\n  vlot situation works \
    --at 50.8790,4.7010 --speed 30 --until 2026-06-01T18:00:00+02:00 --by 'Mia Peeters'\n  vlot situation withdraw ring-n --by \
    'Mia Peeters' --reason 'water is gone'"
)]
pub(crate) struct SituationCommand {
    /// Which engine
    #[command(flatten)]
    engine: Engine,

    /// What to do
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, Subcommand)]
enum What {
    /// A street is closed
    Close(Statement),
    /// Works; alone they do nothing to the streets: --closes, --lanes and --speed say what they do
    Works(Statement),
    /// An accident, a breakdown, an obstacle
    Incident(Statement),
    /// A market, a match, a march
    Event(Statement),
    /// Anything else that travellers should know
    Notice(Statement),
    /// All that stand, and what ended within the last hour
    List,
    /// Take back what an operator has stated: it is over
    #[command(visible_alias = "end")]
    Withdraw {
        /// The situation's id
        id: String,
        #[command(flatten)]
        operator: Operator,
    },
    /// A suspected incident is one
    Confirm {
        /// The link on which it is suspected, 16 hexadecimal digits
        link: String,
        #[command(flatten)]
        operator: Operator,
    },
    /// A suspected incident is none
    Dismiss {
        /// The link on which it is suspected, 16 hexadecimal digits
        link: String,
        #[command(flatten)]
        operator: Operator,
    },
}

/// Where, when, what.
#[derive(Debug, Args)]
#[group(id = "place", required = true, multiple = false, args = ["at", "line", "links"])]
struct Statement {
    /// Its own id, to replace or withdraw it by; without it, a new one
    #[arg(long, value_name = "ID")]
    id: Option<String>,

    /// The street nearest to a point, "lat,lon"
    #[arg(long, value_name = "LAT,LON", value_parser = position, allow_hyphen_values = true)]
    at: Option<Position>,

    /// The streets along a line, in its direction: "lat,lon lat,lon ..."
    #[arg(long, value_name = "POINTS", value_parser = line, allow_hyphen_values = true)]
    line: Option<Line>,

    /// These links, 16 hexadecimal digits each, with commas between
    #[arg(long, value_name = "IDS", value_delimiter = ',')]
    links: Vec<String>,

    /// Both directions of the street
    #[arg(long)]
    both: bool,

    /// From when on (RFC 3339), e.g. 2026-05-08T16:30:00+02:00; without it: now
    #[arg(long, value_name = "TIME", value_parser = instant)]
    from: Option<Timestamp>,

    /// Until when (RFC 3339); without it: until further notice
    #[arg(long, value_name = "TIME", value_parser = instant)]
    until: Option<Timestamp>,

    /// When within that time, as OpenStreetMap writes hours: "Mo-Fr 08:15-08:45"
    #[arg(long, value_name = "HOURS")]
    hours: Option<String>,

    /// Whom it hits, with commas between; without it: everybody
    #[arg(long, value_name = "MODES", value_enum, value_delimiter = ',')]
    modes: Vec<Mode>,

    /// Nobody whom it hits can pass
    #[arg(long, conflicts_with_all = ["lanes", "speed"])]
    closes: bool,

    /// It takes so many lanes
    #[arg(long, value_name = "N", conflicts_with = "speed", value_parser = clap::value_parser!(u32).range(1..=10))]
    lanes: Option<u32>,

    /// Nobody is faster than this, km/h
    #[arg(long, value_name = "KMH")]
    speed: Option<f32>,

    /// As people read it, one line; without it, what it is in a word
    #[arg(long, value_name = "TEXT")]
    headline: Option<String>,

    #[command(flatten)]
    operator: Operator,
}

/// Ways to travel.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Mode {
    /// Motor cars
    Car,
    /// Bicycles
    Bicycle,
    /// Pedestrians
    Foot,
    /// Buses
    Bus,
}

/// Who acts, and why.
#[derive(Debug, Args)]
struct Operator {
    /// Your name or account; with --cert it is the name in the certificate, and need not be said
    #[arg(long, env = "VLOT_OPERATOR", value_name = "NAME", required_unless_present = "cert")]
    by: Option<String>,

    /// Why, in a few words; without it, the headline
    #[arg(long, value_name = "TEXT")]
    reason: Option<String>,

    /// The act's own id, to send an act again that may have come through; without it, a new one
    #[arg(long, value_name = "ID")]
    act_id: Option<String>,
}

impl Operator {
    fn attribution(&self, reason: &str) -> vlot_proto::parking::v1::Attribution {
        vlot_proto::parking::v1::Attribution {
            act_id: self.act_id.clone().unwrap_or_else(new_id),
            actor: self.by.clone().unwrap_or_default(),
            reason: self.reason.clone().unwrap_or_else(|| reason.to_owned()),
        }
    }
}

#[derive(Clone, Debug, PartialEq)]
struct Line(Vec<Position>);

fn position(s: &str) -> Result<Position, String> {
    let wrong =
        || format!("{s:?} is no point such as 50.8790,4.7010 (hint: degrees north, then degrees east)");
    let (lat, lon) = s.trim().split_once(',').ok_or_else(wrong)?;
    let degrees = |s: &str| s.trim().parse::<f64>().map_err(|_| wrong());
    let (latitude, longitude) = (degrees(lat)?, degrees(lon)?);
    if (-90.0..=90.0).contains(&latitude) && (-180.0..=180.0).contains(&longitude) {
        Ok(Position { latitude, longitude })
    } else {
        Err(format!("{s:?} is no place on earth (hint: degrees north, then degrees east)"))
    }
}

fn line(s: &str) -> Result<Line, String> {
    let points: Vec<_> = s.split_whitespace().map(position).collect::<Result<_, _>>()?;
    match points.len() {
        0 | 1 => Err("a line has two points or more (hint: --at for a single one)".to_owned()),
        _ => Ok(Line(points)),
    }
}

fn word(kind: SituationKind) -> &'static str {
    match kind {
        SituationKind::Closure => "closure",
        SituationKind::Works => "works",
        SituationKind::Incident => "incident",
        SituationKind::Event => "event",
        SituationKind::Notice | SituationKind::Unspecified => "notice",
    }
}

impl Statement {
    fn request(self, kind: SituationKind) -> StateSituationRequest {
        let headline = self.headline.unwrap_or_else(|| word(kind).to_owned());
        let attribution = Some(self.operator.attribution(&headline));
        let place = match (self.at, self.line) {
            (Some(at), _) => Place::Point(at),
            (_, Some(Line(points))) => Place::Line(SituationLine { points }),
            _ => Place::Links(SituationLinks { ids: self.links }),
        };
        let effect = match (self.closes, self.lanes, self.speed) {
            (true, ..) => Some(Effect::Closed(true)),
            (_, Some(lanes), _) => Some(Effect::LanesClosed(lanes)),
            (.., speed) => speed.map(Effect::SpeedLimitKmh),
        };
        let mode = |mode: &Mode| match mode {
            Mode::Car => TravelMode::Car.into(),
            Mode::Bicycle => TravelMode::Bicycle.into(),
            Mode::Foot => TravelMode::Foot.into(),
            Mode::Bus => TravelMode::Bus.into(),
        };
        let situation = SituationStatement {
            id: self.id.unwrap_or_default(),
            kind: kind.into(),
            headline,
            effect: effect.map(|effect| SituationEffect { effect: Some(effect) }),
            modes: self.modes.iter().map(mode).collect(),
            location: Some(SituationLocation { place: Some(place) }),
            both_directions: self.both,
            from: self.from.map(timestamp),
            until: self.until.map(timestamp),
            hours: self.hours.unwrap_or_default(),
        };
        StateSituationRequest { attribution, situation: Some(situation) }
    }
}

/// Carries it out; the exit code says whether it is done.
pub(crate) async fn situation(options: SituationCommand) -> Result<ExitCode> {
    let mut client = SituationServiceClient::new(connect(&options.engine).await?);
    let (act_id, answer) = match options.what {
        What::Close(statement) => state(&mut client, SituationKind::Closure, statement).await,
        What::Works(statement) => state(&mut client, SituationKind::Works, statement).await,
        What::Incident(statement) => state(&mut client, SituationKind::Incident, statement).await,
        What::Event(statement) => state(&mut client, SituationKind::Event, statement).await,
        What::Notice(statement) => state(&mut client, SituationKind::Notice, statement).await,
        What::List => {
            let all = client.list_situations(ListSituationsRequest::default()).await.map_err(told)?;
            return print(all.into_inner().situations.iter().map(text));
        }
        What::Withdraw { id, operator } => {
            let attribution = operator.attribution("it is over");
            let act_id = attribution.act_id.clone();
            let request = WithdrawSituationRequest { attribution: Some(attribution), id };
            let answer = client.withdraw_situation(request).await;
            (act_id, answer.map(|a| kept(&a.into_inner().act.unwrap_or_default(), "withdrawn")))
        }
        What::Confirm { link, operator } => {
            judge(&mut client, link, &operator, IncidentJudgement::Confirmed).await
        }
        What::Dismiss { link, operator } => {
            judge(&mut client, link, &operator, IncidentJudgement::Dismissed).await
        }
    };
    match answer {
        Ok(text) => print(std::iter::once(text)),
        Err(error) if is_open(&error) => {
            crate::complain(&told(error));
            crate::complain(&anyhow!(
                "it is not known whether the act counts (hint: again, with --act-id {act_id})"
            ));
            Ok(ExitCode::from(NOT_KNOWN))
        }
        Err(error) => Err(told(error)),
    }
}

type Client = SituationServiceClient<tonic::transport::Channel>;
type Answer = (String, Result<String, tonic::Status>);

async fn state(client: &mut Client, kind: SituationKind, statement: Statement) -> Answer {
    let request = statement.request(kind);
    let act_id = request.attribution.as_ref().map(|a| a.act_id.clone()).unwrap_or_default();
    let answer = client.state_situation(request).await.map(|answer| {
        let answer = answer.into_inner();
        let mut out = kept(&answer.act.unwrap_or_default(), "stated");
        if let Some(situation) = answer.situation {
            out.push('\n');
            out.push_str(&text(&situation));
            if situation.link_ids.is_empty() {
                out.push_str(
                    "\n  it is on no street, and changes no route (hint: nearer than 50 m to a street, or --line along one)",
                );
            }
        }
        out
    });
    (act_id, answer)
}

async fn judge(
    client: &mut Client,
    link_id: String,
    operator: &Operator,
    judgement: IncidentJudgement,
) -> Answer {
    let word = if judgement == IncidentJudgement::Confirmed { "confirmed" } else { "dismissed" };
    let attribution = operator.attribution(word);
    let act_id = attribution.act_id.clone();
    let request =
        JudgeIncidentRequest { attribution: Some(attribution), link_id, judgement: judgement.into() };
    let answer = client.judge_incident(request).await;
    (act_id, answer.map(|a| kept(&a.into_inner().act.unwrap_or_default(), word)))
}

fn kept(act: &Act, done: &str) -> String {
    format!("{}: {done} by {}, kept as act {} in tick {}", act.subject, act.actor, act.act_id, act.tick)
}

/// A situation in a few lines.
pub(crate) fn text(situation: &Situation) -> String {
    let stated = situation.stated.clone().unwrap_or_default();
    let phase = match situation.phase() {
        SituationPhase::Planned => "planned",
        SituationPhase::Active => "ACTIVE",
        SituationPhase::Paused => "paused",
        SituationPhase::Ended => "ended",
        SituationPhase::Unspecified => "unknown",
    };
    let effect = match stated.effect.and_then(|effect| effect.effect) {
        Some(Effect::Closed(true)) => "closed".to_owned(),
        Some(Effect::LanesClosed(lanes)) => format!("{lanes} lanes less"),
        Some(Effect::SpeedLimitKmh(kmh)) => format!("{kmh} km/h"),
        Some(Effect::Closed(false)) | None => "no effect".to_owned(),
    };
    let since = Timestamp::from_secs(situation.since.unwrap_or_default().seconds);
    let until = stated.until.map_or_else(
        || "until further notice".to_owned(),
        |until| format!("until {}", Timestamp::from_secs(until.seconds)),
    );
    let mut out = format!(
        "{}  {:<7} {} ({}, {}): {}, {} links, since {since}, {until}",
        stated.id,
        phase,
        stated.headline,
        word(stated.kind()),
        situation.source,
        effect,
        situation.link_ids.len(),
    );
    for detour in &situation.detours {
        let mode = match detour.mode() {
            TravelMode::Car => "car",
            TravelMode::Bicycle => "bicycle",
            TravelMode::Foot => "foot",
            TravelMode::Bus => "bus",
            TravelMode::Unspecified => "?",
        };
        let street = if detour.street.is_empty() { "it" } else { &detour.street };
        let bound = detour.bearing_deg.map(|deg| format!(", {}", bound(deg))).unwrap_or_default();
        out.push_str(&match (detour.travel_time_s, detour.extra_s) {
            (Some(all), Some(extra)) if detour.exists => {
                format!(
                    "\n  {mode}: around {street}{bound}: {all:.0} s, {extra:+.0} s, over {} links",
                    detour.link_ids.len()
                )
            }
            _ => format!("\n  {mode}: no way around {street}{bound}"),
        });
    }
    out
}

/// A direction of travel as people say it.
fn bound(bearing_deg: f32) -> &'static str {
    const BOUND: [&str; 8] = [
        "northbound",
        "northeastbound",
        "eastbound",
        "southeastbound",
        "southbound",
        "southwestbound",
        "westbound",
        "northwestbound",
    ];
    let eighths = f64::from(bearing_deg.rem_euclid(360.0)) / 45.0;
    let nearest = (0..8).find(|n| (eighths - f64::from(*n)).abs() <= 0.5);
    // What is nearly north from the west.
    BOUND[usize::try_from(nearest.unwrap_or(0)).unwrap_or(0)]
}

#[cfg(test)]
mod tests {
    use clap::Parser;
    use vlot_proto::traffic::v1::SituationDetour;

    use super::*;

    #[derive(Debug, Parser)]
    struct Alone {
        #[command(flatten)]
        command: SituationCommand,
    }

    fn parse(args: &[&str]) -> Result<What, String> {
        let args = ["situation"].iter().chain(args);
        Alone::try_parse_from(args).map(|alone| alone.command.what).map_err(|e| e.to_string())
    }

    #[test]
    fn a_closure_along_a_line_is_a_request() {
        let what = parse(&[
            "close",
            "--line",
            "50.88,4.7 50.89,-4.71",
            "--both",
            "--modes",
            "car,bus",
            "--until",
            "2026-06-01T18:00:00+02:00",
            "--headline",
            "Ring closed",
            "--by",
            "Mia",
            "--id",
            "ring",
        ])
        .unwrap();
        let What::Close(statement) = what else { panic!("{what:?}") };
        let StateSituationRequest { attribution, situation } = statement.request(SituationKind::Closure);
        let (attribution, situation) = (attribution.unwrap(), situation.unwrap());
        assert_eq!((attribution.actor.as_str(), attribution.reason.as_str()), ("Mia", "Ring closed"));
        assert_eq!(
            (situation.id.as_str(), situation.modes.len(), situation.both_directions),
            ("ring", 2, true)
        );
        assert_eq!(situation.effect, None, "a closure closes");
        let Some(Place::Line(line)) = situation.location.unwrap().place else { panic!() };
        assert_eq!(line.points[1], Position { latitude: 50.89, longitude: -4.71 });
        assert_eq!((situation.from, situation.until.unwrap().seconds), (None, 1_780_329_600));
    }

    #[test]
    fn each_command_says_its_own() {
        for (args, effect) in [
            (&["works", "--at", "50.88,4.7", "--lanes", "1", "--by", "M"][..], Effect::LanesClosed(1)),
            (
                &["incident", "--links", "00000000000000ab,00000000000000cd", "--speed", "30", "--by", "M"],
                Effect::SpeedLimitKmh(30.0),
            ),
            (&["event", "--at", "50.88,4.7", "--closes", "--by", "M"], Effect::Closed(true)),
        ] {
            let (What::Works(s) | What::Incident(s) | What::Event(s)) = parse(args).unwrap() else {
                panic!()
            };
            let stated = s.request(SituationKind::Works).situation.unwrap();
            assert_eq!(stated.effect.unwrap().effect, Some(effect));
        }
        assert!(matches!(parse(&["list"]), Ok(What::List)));
        assert!(matches!(parse(&["withdraw", "ring", "--by", "M"]), Ok(What::Withdraw { .. })));
        assert!(matches!(parse(&["confirm", "00000000000000ab", "--by", "M"]), Ok(What::Confirm { .. })));
        assert!(matches!(parse(&["dismiss", "00000000000000ab", "--by", "M"]), Ok(What::Dismiss { .. })));
    }

    #[test]
    fn what_is_wrong_is_said_with_a_hint() {
        for (args, says) in [
            (&["close", "--by", "M"][..], "--at"),
            (&["close", "--at", "50.88", "--by", "M"], "hint"),
            (&["close", "--at", "150,4.7", "--by", "M"], "no place on earth"),
            (&["close", "--line", "50.88,4.7", "--by", "M"], "--at for a single one"),
            (&["close", "--at", "1,1", "--line", "1,1 2,2", "--by", "M"], "cannot be used with"),
            (&["close", "--at", "1,1", "--until", "tomorrow", "--by", "M"], "not an instant"),
            (&["close", "--at", "1,1", "--modes", "tank", "--by", "M"], "bicycle"),
            (&["works", "--at", "1,1", "--lanes", "1", "--speed", "30", "--by", "M"], "cannot be used with"),
        ] {
            let wrong = parse(args).unwrap_err();
            assert!(wrong.contains(says), "{says:?} in {wrong}");
        }
    }

    #[test]
    fn a_situation_reads_as_a_few_lines() {
        let detour = |exists, seconds: Option<f32>, bearing_deg: Option<f32>| SituationDetour {
            mode: TravelMode::Car.into(),
            exists,
            street: if bearing_deg.is_some() { "Vest".into() } else { String::new() },
            bearing_deg,
            travel_time_s: seconds,
            extra_s: seconds,
            ..SituationDetour::default()
        };
        let situation = Situation {
            stated: Some(SituationStatement {
                id: "ring".into(),
                kind: SituationKind::Closure.into(),
                headline: "Ring closed".into(),
                effect: Some(SituationEffect { effect: Some(Effect::Closed(true)) }),
                ..SituationStatement::default()
            }),
            source: "operator".into(),
            phase: SituationPhase::Active.into(),
            since: Some(prost_types::Timestamp::default()),
            link_ids: vec!["00000000000000ab".into()],
            detours: vec![
                detour(true, Some(95.4), Some(50.0)),
                detour(false, None, Some(230.0)),
                detour(false, None, None),
            ],
            ..Situation::default()
        };
        let expected = "ring  ACTIVE  Ring closed (closure, operator): closed, 1 links, since 1970-01-01T00:00:00Z, until \
                        further notice\n  car: around Vest, northeastbound: 95 s, +95 s, over 0 links\n  car: no way around Vest, \
                        southwestbound\n  car: no way around it";
        assert_eq!(
            [0.0, 22.0, 23.0, 180.0, 337.0, 338.0, 360.0].map(bound),
            [
                "northbound",
                "northbound",
                "northeastbound",
                "southbound",
                "northwestbound",
                "northbound",
                "northbound"
            ]
        );
        assert_eq!(text(&situation), expected);
    }
}
