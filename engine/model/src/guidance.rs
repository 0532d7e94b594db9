//! What signs advise, all of them together, and what that rests on.

use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::{Arrow, FacilityIx, LinkIx, LonLat, SignIx, Timestamp};

/// How signs come to their advice.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum GuidanceMode {
    /// They count, and advise nothing.
    Count,
    /// Each for itself: the nearest with space.
    Each,
    /// All signs together.
    #[default]
    Together,
}

/// How guidance decides.
#[derive(Clone, Debug, PartialEq)]
pub struct GuidanceRules {
    /// How signs come to their advice.
    pub mode: GuidanceMode,
    /// Where most people want to be in the end; `None`: the walk from a car park counts for nothing.
    pub centre: Option<LonLat>,
    /// Share of drivers looking for a space who obey, 0..=1: what is assumed until it was measured.
    pub compliance: f32,
    /// Ways and advice are looked at again after this, and at once when something becomes untrue.
    pub every: Duration,
    /// An advice stands for at least this long, unless it would mislead.
    pub min_dwell: Duration,
    /// Another advice must save each driver this much.
    pub margin: Duration,
    /// What it costs a driver to be turned away.
    pub turned_away: Duration,
    /// Both times, drive in or park at the edge, are shown when the edge takes no longer than this more.
    pub edge_margin: Duration,
}

impl Default for GuidanceRules {
    fn default() -> Self {
        GuidanceRules {
            mode: GuidanceMode::Together,
            centre: None,
            compliance: 0.3,
            every: Duration::from_secs(10),
            min_dwell: Duration::from_mins(2),
            margin: Duration::from_secs(30),
            turned_away: Duration::from_mins(10),
            edge_margin: Duration::from_mins(5),
        }
    }
}

/// What is decided for one sign, before it is laid out on its face. Of a set that was proven as a whole.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SignPlan {
    /// The sign.
    pub sign: SignIx,
    /// When it was decided.
    pub decided_at: Timestamp,
    /// By the sign's lines.
    pub lines: Vec<LinePlan>,
    /// Position of the advised line.
    pub advice: Option<u32>,
    /// Since when that is advised.
    pub advised_since: Option<Timestamp>,
    /// Why this line and no other.
    pub reason: AdviceReason,
    /// Vehicles an hour that come to this sign before any other, look for a space, and will not find it where they want to go.
    pub seekers_vph: f32,
    /// Drive in or park at the edge, where both are worth a look; `None`: nothing to compare, or the edge is no match.
    pub edge: Option<EdgeOrIn>,
}

/// From a sign to where people want to be, over the edge or driving in.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct EdgeOrIn {
    /// Position of the line that announces the edge car park.
    pub line: u32,
    /// Seconds of driving to it.
    pub drive_s: f32,
    /// Seconds from there on: wait, ride and walk.
    pub onward_s: f32,
    /// Seconds driving in: to the space and on foot from there.
    pub in_s: f32,
}

/// One line of a sign's plan.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct LinePlan {
    /// The way there.
    pub way: LineWay,
    /// What will be free when somebody who reads the sign now arrives; `None`: not known, or nothing that fills.
    pub arrival: Option<Arrival>,
    /// Whoever sets out for it now will probably find it full.
    pub avoid: bool,
    /// What the choice compares, seconds from the sign to where people want to be, the risk of being turned away in it; `None`:
    /// it could not be advised.
    pub cost_s: Option<f32>,
    /// Of that on foot, from the target to where this sign's readers want to be; `None`: the walk counts for nothing here.
    pub walk_s: Option<f32>,
}

/// The way from a sign to what a line announces.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum LineWay {
    /// The city has no streets here, or the sign is inside a garage: as configured.
    Configured,
    /// Over these streets now.
    Live(LiveWay),
    /// No way leads there now: the line says nothing.
    None,
}

/// A way with live travel times.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct LiveWay {
    /// In order of travel, from the sign's link to the target's.
    pub links: Arc<[LinkIx]>,
    /// Metres along the first link where the sign stands.
    pub start_m: f32,
    /// Metres along the last link where the entrance is.
    pub end_m: f32,
    /// Seconds.
    pub travel_time_s: f32,
    /// Metres.
    pub length_m: f32,
    /// The way at the first junction where there is a choice.
    pub arrow: Arrow,
}

/// What will be free on arrival.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Arrival {
    /// Seconds until then.
    pub after_s: f32,
    /// No fewer are free then, at 90 %.
    pub free_low: f32,
    /// As many as not.
    pub free: f32,
    /// No more, at 90 %.
    pub free_high: f32,
    /// Vehicles that were sent there and have not arrived yet.
    pub on_the_way: f32,
    /// Probability of a space, 0..=1.
    pub chance: f32,
    /// What it rests on.
    pub basis: ArrivalBasis,
}

/// What an expectation of spaces rests on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ArrivalBasis {
    /// The facility's forecast.
    Forecast,
    /// What goes in and out now.
    Trend,
}

/// Why a sign advises what it does.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum AdviceReason {
    /// Nothing to advise: no line has space and a way.
    #[default]
    NoCandidate,
    /// Advice is switched off.
    Off,
    /// Least cost for all drivers together.
    Assigned,
    /// Another would be a little better, but not by enough, or the advice has not stood for long enough.
    Held,
    /// The nearest with space.
    Nearest,
    /// The newest set broke a rule: the last good one holds.
    LastGood,
    /// The newest set broke a rule, and so does the last good one now.
    Withdrawn,
}

/// How guidance does as a whole.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct GuidanceState {
    /// How signs come to their advice.
    pub mode: GuidanceMode,
    /// When the published set was decided and proven; `None`: none yet.
    pub proven_at: Option<Timestamp>,
    /// Why a newer set was not published, and since when; `None`: the newest is.
    pub refused: Option<RefusedSet>,
    /// What drivers do of what signs say.
    pub compliance: Compliance,
    /// Vehicles an hour that went into facilities of late.
    pub entries_vph: f32,
    /// Vehicles an hour that look for a space, as counted where all of them get in.
    pub seeking_vph: f32,
    /// By facility that any sign announces, in order.
    pub loads: Vec<FacilityLoad>,
}

/// A set of advice that broke a rule.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RefusedSet {
    /// Sets have been refused since then.
    pub since: Timestamp,
    /// What the newest one breaks, one sentence a fault; at most ten.
    pub faults: Vec<String>,
}

/// Share of drivers looking for a space who go where they are sent.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Compliance {
    /// 0..=1.
    pub share: f32,
    /// Standard deviation of it.
    pub sd: f32,
    /// Minutes of counts that it rests on, weighted by their age; 0: it is assumed.
    pub minutes: f32,
}

/// Demand that guidance expects at a facility.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct FacilityLoad {
    /// Which.
    pub facility: FacilityIx,
    /// Vehicles an hour that come of their own accord.
    pub own_vph: f32,
    /// Vehicles an hour that signs send there now.
    pub sent_vph: f32,
    /// Vehicles that signs sent there and that have not arrived yet.
    pub on_the_way: f32,
    /// Vehicles an hour that leave.
    pub leaving_vph: f32,
}
