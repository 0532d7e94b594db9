//! `vlot demo --faults`: sensors go wrong, a sign says less, a person counts, and the sign recovers.
//!
//! What the sign says, and why, is read through gRPC, as any client would; the count goes in through gRPC, as an operator's
//! would.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use anyhow::{Context, Result};
use serde::Serialize;
use tonic::transport::{Channel, Endpoint};
use vlot_guidance::rounded;
use vlot_model::{City, Clock, Counting, FacilityIx, Placement, Target, Timestamp};
use vlot_proto::parking::v1::operation_service_client::OperationServiceClient;
use vlot_proto::parking::v1::parking_service_client::ParkingServiceClient;
use vlot_proto::parking::v1::{
    Attribution, GetFacilityRequest, RecordVerifiedCountRequest, ResetCounterRequest,
};
use vlot_proto::sign::v1::row::Figure;
use vlot_proto::sign::v1::sign_service_client::SignServiceClient;
use vlot_proto::sign::v1::{ListSignsRequest, SignFilter};
use vlot_simulators::city::{Drift, Live, Silence, Trouble};

/// From the start until sensors go wrong, in city time and by the wall: by then every sensor has spoken.
const BEGINS_AFTER: Duration = Duration::from_mins(10);
const BEGINS_AFTER_WALL: Duration = Duration::from_secs(4);
/// Of vehicles that leave, so many go unseen: a loop at the exit that mostly fails; of those that enter, so many count twice.
const MISSED_EXITS: f64 = 0.7;
const DOUBLED_ENTRIES: f64 = 0.15;
/// City time for which a sign has to say less before somebody goes to count, and for which it has to be right again:
/// longer than its calm after a change.
const HOLDS: Duration = Duration::from_mins(3);
/// So many spaces below the best figure are no reaction yet, however small the car park: signs round down.
const LOW_MIN: u32 = 20;
/// Wall time between two looks.
const LOOK: Duration = Duration::from_millis(100);
/// How many looks in a row have to agree.
const LOOKS: u32 = 3;

/// What became of it; instants are the city's.
#[derive(Clone, Debug, Default, Serialize)]
pub(crate) struct Report {
    /// The car park whose barriers miscount.
    pub(crate) facility: String,
    /// The sign that is watched.
    pub(crate) sign: String,
    /// When the barriers began to miscount.
    pub(crate) begun_at: Option<Timestamp>,
    /// When the sign went blank, or to a figure well below the best one (by more than a twentieth of the capacity).
    pub(crate) went_blank_or_low_at: Option<Timestamp>,
    /// The sign's reason then.
    pub(crate) reason_before: Option<String>,
    /// When a person counted.
    pub(crate) verified_at: Option<Timestamp>,
    /// When the sign said its figure again.
    pub(crate) recovered_at: Option<Timestamp>,
    /// The sign's reason then.
    pub(crate) reason_after: Option<String>,
    /// The zone whose sensors fell silent; empty: the city has none on a sign.
    pub(crate) zone: String,
    /// When its sign went blank.
    pub(crate) zone_blank_at: Option<Timestamp>,
    /// The sign's reason then.
    pub(crate) zone_reason: Option<String>,
}

/// A line of a street sign.
#[derive(Clone, Debug)]
struct Place {
    sign: String,
    facility: String,
}

/// What is to go wrong in a city.
pub(crate) struct Plan {
    drifting: Place,
    silent: Option<Place>,
    from: Timestamp,
    pub(crate) trouble: Trouble,
}

impl Plan {
    /// The largest car park with barriers, and the largest zone of bays, that a street sign announces.
    pub(crate) fn of(city: &City, now: Timestamp, speed: f64) -> Result<Plan> {
        let drifting = largest(city, Counting::Barriers)
            .context("--faults needs a car park that counts by barriers and stands on a street sign")?;
        let silent = largest(city, Counting::Bays);
        let from = now + BEGINS_AFTER.max(BEGINS_AFTER_WALL.mul_f64(speed));
        let trouble = Trouble {
            drift: Some(Drift {
                facility: drifting.facility.clone(),
                from_micros: from.micros(),
                missed_exits: MISSED_EXITS,
                doubled_entries: DOUBLED_ENTRIES,
            }),
            silence: silent
                .as_ref()
                .map(|zone| Silence { facility: zone.facility.clone(), from_micros: from.micros() }),
            ..Trouble::default()
        };
        Ok(Plan { drifting, silent, from, trouble })
    }

    /// The facilities whose figures are not what is so.
    pub(crate) fn spoiled(&self) -> Vec<String> {
        let silent = self.silent.iter().map(|zone| zone.facility.clone());
        silent.chain([self.drifting.facility.clone()]).collect()
    }
}

fn largest(city: &City, counting: Counting) -> Option<Place> {
    let streets = city.signs.iter().filter(|sign| sign.placement == Placement::Street);
    let lines = streets.flat_map(|sign| sign.lines.iter().map(move |line| (sign, line.target)));
    let fitting = lines.filter_map(|(sign, target)| match target {
        Target::Facility(ix) => Some((sign, ix)).filter(|(_, ix)| counts(city, *ix) == Some(counting)),
        _ => None,
    });
    // Of several the first.
    let capacity = |ix: FacilityIx| city.facilities.get(ix.at()).map_or(0, |f| f.capacity);
    let (sign, ix) = fitting.min_by_key(|(_, ix)| std::cmp::Reverse(capacity(*ix)))?;
    let facility = city.facilities.get(ix.at())?.id.to_string();
    Some(Place { sign: sign.id.to_string(), facility })
}

fn counts(city: &City, ix: FacilityIx) -> Option<Counting> {
    city.facilities.get(ix.at()).map(|f| f.counting)
}

/// Who watches the signs and goes to count.
pub(crate) struct Keeper {
    pub(crate) grpc: SocketAddr,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) city: Arc<Live>,
    pub(crate) report: Arc<Mutex<Report>>,
}

/// What a sign says of a facility.
#[derive(Clone, Debug, PartialEq)]
struct Seen {
    said: Said,
    why: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Said {
    /// Nothing.
    Blank,
    /// A figure well below the best one.
    Low,
    /// A figure somewhat below it, or a word.
    Fair,
    /// The best figure, or near to it.
    Well,
}

/// So long in a row, by both clocks.
#[derive(Default)]
struct Streak {
    /// It was otherwise before: what never was well has not gone wrong.
    armed: bool,
    looks: u32,
    since: Option<(Timestamp, String)>,
}

impl Streak {
    /// Notes a look; once it holds, the instant and the reason of its first one.
    fn look(&mut self, holds: bool, now: Timestamp, why: &str) -> Option<(Timestamp, String)> {
        if !holds || !self.armed {
            *self = Streak { armed: self.armed || !holds, ..Streak::default() };
            return None;
        }
        self.looks += 1;
        let since = self.since.get_or_insert_with(|| (now, why.to_owned()));
        (self.looks >= LOOKS && now.since(since.0) >= HOLDS).then(|| since.clone())
    }
}

impl Keeper {
    /// Watches until it is dropped.
    pub(crate) async fn run(self, plan: Plan) {
        if let Err(error) = self.watch(plan).await {
            tracing::warn!(%error, "the demo's keeper gave up");
        }
    }

    fn note(&self, change: impl FnOnce(&mut Report)) {
        change(&mut self.report.lock().unwrap_or_else(PoisonError::into_inner));
    }

    async fn watch(&self, plan: Plan) -> Result<()> {
        self.note(|report| {
            report.facility.clone_from(&plan.drifting.facility);
            report.sign.clone_from(&plan.drifting.sign);
            report.begun_at = Some(plan.from);
            report.zone = plan.silent.as_ref().map(|zone| zone.facility.clone()).unwrap_or_default();
        });
        let channel = Endpoint::from_shared(format!("http://{}", self.grpc))?.connect().await?;
        let mut zone = plan.silent.clone();
        let (mut less, mut zone_blank) = (Streak::default(), Streak::default());
        let mut well = Streak { armed: true, ..Streak::default() };
        let mut look = tokio::time::interval(LOOK);
        look.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        let (mut reacted, mut verified) = (false, false);
        loop {
            look.tick().await;
            let now = self.clock.now();
            if let Some(place) = &zone
                && let Some(seen) = seen(&channel, place).await?
                && let Some((at, why)) =
                    zone_blank.look(plan.from <= now && seen.said == Said::Blank, now, &seen.why)
            {
                self.note(|report| (report.zone_blank_at, report.zone_reason) = (Some(at), Some(why)));
                zone = None;
            }
            let Some(seen) = seen(&channel, &plan.drifting).await? else { continue };
            if !reacted {
                if let Some((at, why)) = less.look(
                    plan.from <= now && matches!(seen.said, Said::Blank | Said::Low),
                    now,
                    &seen.why,
                ) {
                    self.note(|report| {
                        (report.went_blank_or_low_at, report.reason_before) = (Some(at), Some(why));
                    });
                    reacted = true;
                }
            } else if !verified {
                plan.trouble.repair();
                self.count(&channel, &plan.drifting.facility).await?;
                self.note(|report| report.verified_at = Some(self.clock.now()));
                verified = true;
            } else if let Some((at, why)) = well.look(seen.said == Said::Well, now, &seen.why) {
                self.note(|report| (report.recovered_at, report.reason_after) = (Some(at), Some(why)));
                return self.rest_of_zone(&channel, zone, zone_blank).await;
            }
        }
    }

    /// The zone alone, when the car park's story is over.
    async fn rest_of_zone(&self, channel: &Channel, zone: Option<Place>, mut blank: Streak) -> Result<()> {
        let Some(place) = zone else { return Ok(()) };
        let mut look = tokio::time::interval(LOOK);
        loop {
            look.tick().await;
            let Some(seen) = seen(channel, &place).await? else { continue };
            if let Some((at, why)) = blank.look(seen.said == Said::Blank, self.clock.now(), &seen.why) {
                self.note(|report| (report.zone_blank_at, report.zone_reason) = (Some(at), Some(why)));
                return Ok(());
            }
        }
    }

    /// A person counts what is really there, and says that the barriers are others now: what was learned of their errors
    /// no longer holds.
    async fn count(&self, channel: &Channel, facility: &str) -> Result<()> {
        let inside =
            self.city.taken().get(facility).copied().context("the simulated city knows the truth")?;
        let by = |act: &str, reason: &str| {
            Some(Attribution {
                act_id: format!("demo-{act}-{}", self.clock.now().micros()),
                actor: "the demo's keeper".to_owned(),
                reason: reason.to_owned(),
            })
        };
        let mut client = OperationServiceClient::new(channel.clone());
        let counted = RecordVerifiedCountRequest {
            facility_id: facility.to_owned(),
            attribution: by("count", "the sign says less than it could"),
            occupied: Some(inside),
            observed_at: None,
        };
        client.record_verified_count(counted).await?;
        let facility_id = facility.to_owned();
        let reset = ResetCounterRequest { facility_id, attribution: by("reset", "barriers repaired") };
        client.reset_counter(reset).await?;
        Ok(())
    }
}

/// What a sign says of a facility, and why; `None` before it says anything.
async fn seen(channel: &Channel, place: &Place) -> Result<Option<Seen>> {
    let filter = Some(SignFilter { ids: vec![place.sign.clone()] });
    let signs = SignServiceClient::new(channel.clone()).list_signs(ListSignsRequest { filter }).await?;
    let id = place.facility.clone();
    let facility = ParkingServiceClient::new(channel.clone()).get_facility(GetFacilityRequest { id }).await?;
    let state = facility.into_inner().facility.and_then(|f| f.state);
    let best = state.as_ref().and_then(|s| s.free);
    let capacity = state.as_ref().map_or(0, |s| s.capacity);
    let Some(face) = signs.into_inner().signs.into_iter().next().and_then(|s| s.commanded) else {
        return Ok(None);
    };
    let Some(at) = face.rows.iter().position(|row| row.target_id == place.facility) else { return Ok(None) };
    let said = match face.rows.get(at).and_then(|row| row.figure) {
        Some(Figure::Blank(_)) | None => Said::Blank,
        Some(Figure::Free(n)) => less_than_best(n, best.unwrap_or(n), capacity),
        Some(Figure::Word(_)) => Said::Fair,
    };
    let why = face.reason.and_then(|r| r.rows.into_iter().nth(at)).unwrap_or_default();
    Ok(Some(Seen { said, why }))
}

/// A sign that says the low end is always a little below the best figure: only more than that is a reaction.
fn less_than_best(shown: u32, best: u32, capacity: u32) -> Said {
    let less = rounded(best).saturating_sub(shown);
    match less {
        _ if less > LOW_MIN.max(capacity / 20) => Said::Low,
        _ if less > LOW_MIN.max(capacity / 40) => Said::Fair,
        _ => Said::Well,
    }
}

impl Report {
    /// How far it has come, one line each.
    pub(crate) fn lines(&self) -> Vec<String> {
        let mut lines = Vec::new();
        let mut line = |at: Option<Timestamp>, what: String| lines.extend(at.map(|at| (at, what)));
        let why = |why: &Option<String>| why.clone().unwrap_or_default();
        line(self.begun_at, format!("the barriers of {} miscount from here on", self.facility));
        line(self.zone_blank_at, format!("{}: no figure any more: {}", self.zone, why(&self.zone_reason)));
        line(
            self.went_blank_or_low_at,
            format!("sign {} says less of {}: {}", self.sign, self.facility, why(&self.reason_before)),
        );
        line(self.verified_at, format!("a person counts the vehicles in {}", self.facility));
        line(
            self.recovered_at,
            format!("sign {} says its figure again: {}", self.sign, why(&self.reason_after)),
        );
        lines.sort();
        lines.into_iter().map(|(at, what)| format!("FAULTS   {at}  {what}")).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_little_below_the_best_figure_is_no_reaction() {
        let cases = [
            (390, 404, 1_125, Said::Well),
            (372, 404, 1_125, Said::Well),
            (360, 404, 1_125, Said::Fair),
            (340, 404, 1_125, Said::Low),
            (20, 40, 60, Said::Well),
            (10, 40, 60, Said::Low),
            (50, 40, 60, Said::Well),
        ];
        for (shown, best, capacity, expected) in cases {
            assert_eq!(less_than_best(shown, best, capacity), expected, "{shown} of {best} ({capacity})");
        }
    }

    #[test]
    fn a_glimpse_is_no_streak() {
        let at = |minutes: i64| Timestamp::from_secs(60 * minutes);
        let mut streak = Streak::default();
        for minute in 0..9 {
            assert_eq!(streak.look(true, at(minute - 20), "z"), None, "it never was otherwise");
        }
        assert_eq!(streak.look(false, at(-1), "y"), None);
        assert_eq!(streak.look(true, at(0), "a"), None);
        assert_eq!(streak.look(true, at(9), "b"), None, "two looks are not enough, however far apart");
        assert_eq!(streak.look(false, at(10), "c"), None);
        for minute in 11..14 {
            assert_eq!(streak.look(true, at(minute), "d"), None);
        }
        assert_eq!(streak.look(true, at(14), "e"), Some((at(11), "d".to_owned())), "since its first look");
    }
}
