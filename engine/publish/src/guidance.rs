//! Why signs advise what they do, in sentences: what was decided for one of them, and how guidance does as a whole.

use std::time::Duration;

use vlot_model::{
    AdviceReason, Arrival, ArrivalBasis, City, Face, Figure, GuidanceMode, GuidanceState, LinePlan, LineWay,
    Quality, SignLine, SignPlan, Target, Timestamp,
};

/// Below this, a set's cost and another's are the same to a driver, seconds.
const SAME_S: f32 = 1.0;

/// Why a sign advises what it does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PlanReasons {
    /// Why this line and no other, or why none.
    pub advice: String,
    /// One sentence a line, in the lines' order: what it costs against what is advised, or why it could not be advised.
    pub lines: Vec<String>,
}

/// The reasons of `plan`, a plan of a sign of `city`. `face` is what the sign shows, `state` how guidance does; both of the same
/// moment.
#[must_use]
pub fn plan_reasons(
    plan: &SignPlan,
    face: Option<&Face>,
    state: Option<&GuidanceState>,
    city: &City,
) -> PlanReasons {
    let told = Told { plan, face, state, city };
    let lines = (0..plan.lines.len()).map(|line| told.line(line)).collect();
    PlanReasons { advice: told.advice(), lines }
}

struct Told<'a> {
    plan: &'a SignPlan,
    face: Option<&'a Face>,
    state: Option<&'a GuidanceState>,
    city: &'a City,
}

impl Told<'_> {
    fn advice(&self) -> String {
        let Some(line) = self.plan.advice.map(|line| line as usize) else { return self.no_advice() };
        let name = self.name(line);
        let since =
            self.plan.advised_since.map_or_else(String::new, |since| format!(" since {}", second(since)));
        let mut text = match self.plan.reason {
            AdviceReason::Assigned => format!("{name} is advised{since}: {}", self.assigned(line)),
            AdviceReason::Held => format!("{name} stays advised{since}: {}", self.held(line)),
            AdviceReason::Nearest => {
                // Within a garage no line is nearer than another by a time.
                let drive = self.drive_s(line).filter(|s| *s > SAME_S);
                let drive = drive.map_or_else(String::new, |s| format!(", {}", minutes(s)));
                match self.candidates() {
                    0 | 1 => format!("{name} is advised{since}: {}{drive}", self.among()),
                    _ => format!("{name} is advised{since}: {}, and the nearest{drive}", self.among()),
                }
            }
            AdviceReason::LastGood => format!(
                "{name} stays advised{since}: the newest set of advice broke a rule{}, and the last good one holds",
                self.fault()
            ),
            AdviceReason::Off | AdviceReason::NoCandidate | AdviceReason::Withdrawn => {
                format!("{name} is advised{since}")
            }
        };
        if self.face.is_some_and(|face| face.advice != self.plan.advice) {
            text.push_str("; the sign does not show it, for it no longer says that there is space");
        }
        text + "."
    }

    fn no_advice(&self) -> String {
        let why = match self.plan.reason {
            AdviceReason::Off => "it is switched off: signs count, and advise nothing".to_owned(),
            AdviceReason::LastGood => format!(
                "the newest set of advice broke a rule{}, and in the last good one this sign had none",
                self.fault()
            ),
            AdviceReason::Withdrawn if self.state.is_some_and(|state| state.refused.is_some()) => format!(
                "the newest set of advice broke a rule{}, and what was advised before no longer holds either",
                self.fault()
            ),
            AdviceReason::Withdrawn => {
                "it is taken back here, for following it from sign to sign would have led in a circle"
                    .to_owned()
            }
            AdviceReason::Held => {
                "a moment ago no line had both space and a way, and what comes and goes is not advised"
                    .to_owned()
            }
            _ if self.candidates() > 0 => "none was better than none".to_owned(),
            _ => "no line has both space and a way".to_owned(),
        };
        format!("No advice: {why}.")
    }

    /// Least cost for all drivers together need not be the least for one.
    fn assigned(&self, line: usize) -> String {
        let own = self.cost(line);
        let cost = own.map_or_else(String::new, |s| format!(", {} for a driver", minutes(s)));
        let against = match self.best_other(line).zip(own) {
            None => String::new(),
            Some(((other, cost), own)) if cost < own - SAME_S => format!(
                "; {} would be {} less for one, and more for all who are sent there",
                self.name(other),
                minutes(own - cost)
            ),
            Some(((other, cost), own)) if cost <= own + SAME_S => {
                format!(", as much as {}", self.name(other))
            }
            Some(((other, cost), own)) => {
                format!(", {} less than {}, the next", minutes(cost - own), self.name(other))
            }
        };
        match self.candidates() {
            0 | 1 => format!("{}{cost}", self.among()),
            _ => format!("{}, and the least time for all drivers together{cost}{against}", self.among()),
        }
    }

    fn held(&self, line: usize) -> String {
        let better = self.best_other(line).zip(self.cost(line)).filter(|((_, cost), own)| cost < own);
        let Some(((other, cost), own)) = better else { return "no other line is better".to_owned() };
        let rules = &self.city.guidance;
        let together = rules.mode == GuidanceMode::Together && self.is_for_cars();
        let dwell = match self.city.signs.get(self.plan.sign.at()) {
            Some(sign) if !together => sign.min_dwell,
            _ => rules.min_dwell,
        };
        let less = minutes(own - cost);
        let why = if self.plan.advised_since.is_some_and(|since| self.plan.decided_at < since + dwell) {
            format!("this has not stood for {} yet", minutes(dwell.as_secs_f32()))
        } else if together && own - cost > rules.margin.as_secs_f32() {
            return format!(
                "{} would be {less} less for one, and not for all who are sent there",
                self.name(other)
            );
        } else if together {
            format!("that is not worth a change, which takes {}", minutes(rules.margin.as_secs_f32()))
        } else {
            "that is not worth a change".to_owned()
        };
        format!("{} would be {less} less, and {why}", self.name(other))
    }

    fn line(&self, line: usize) -> String {
        let Some(plan) = self.plan.lines.get(line) else { return String::new() };
        let name = self.name(line);
        let why = match (plan.cost_s, &plan.way) {
            (_, LineWay::None) => "no way leads there now: the sign says nothing of it".to_owned(),
            (Some(cost), _) => self.candidate(line, plan, cost),
            (None, _) => self.not_a_candidate(line, plan),
        };
        format!("{name}: {why}.")
    }

    fn candidate(&self, line: usize, plan: &LinePlan, cost: f32) -> String {
        let mut text = minutes(cost);
        let drive = self.drive_s(line).unwrap_or(cost);
        if cost - drive > SAME_S {
            text.push_str(&format!(", {} of it driving", minutes(drive)));
            let walk = plan.walk_s.unwrap_or(0.0);
            if walk > SAME_S {
                text.push_str(&format!(", {} on foot", minutes(walk)));
            }
            let risk = cost - drive - walk;
            if risk > SAME_S {
                text.push_str(&format!(", {} for the risk of being turned away", minutes(risk)));
            }
        }
        if let Some(a) = &plan.arrival {
            text.push_str("; ");
            text.push_str(&arrival(a));
        }
        let advised = self.plan.advice.map(|line| line as usize);
        match advised.and_then(|advised| Some((advised, self.cost(advised)?))) {
            _ if advised == Some(line) => text.push_str("; advised"),
            Some((to, own)) if cost > own + SAME_S => {
                text.push_str(&format!("; {} more than {}", minutes(cost - own), self.name(to)));
            }
            Some((to, own)) if cost < own - SAME_S => {
                text.push_str(&format!("; {} less than {}", minutes(own - cost), self.name(to)));
            }
            Some((to, _)) => text.push_str(&format!("; as much as {}", self.name(to))),
            None => {}
        }
        text
    }

    /// Why a line with a way was not compared.
    fn not_a_candidate(&self, line: usize, plan: &LinePlan) -> String {
        if self.plan.reason == AdviceReason::Off {
            let free = plan.arrival.as_ref().map_or_else(String::new, |a| format!(", {}", arrival(a)));
            return format!("not compared, as advice is switched off{free}");
        }
        let row = self.face.and_then(|face| face.rows.get(line));
        let target = self.sign_line(line).map(|line| line.target);
        let by_bicycle = target.is_some_and(|target| target.mode(self.city) == vlot_model::Mode::Bicycle);
        let is_likely = plan.arrival.as_ref().is_some_and(|arrival| arrival.chance >= 0.5);
        let why = match (target, row.map(|row| (row.why.wanted, &row.why.sight))) {
            (Some(Target::Place(_)), _) => {
                return "never advised: it is a place, where nothing is counted".to_owned();
            }
            _ if by_bicycle && self.is_for_cars() => "it is for bicycles, and the sign advises drivers",
            (_, Some((Figure::Free(_), _))) if plan.avoid && is_likely => {
                "it is filling, and that is not clearly over"
            }
            (_, Some((Figure::Free(_), _))) if plan.avoid => "it will probably be full on arrival",
            (Some(Target::Group { .. }), Some((Figure::Free(_), _))) => {
                "its spaces are for some alone, and the sign advises everybody"
            }
            (_, Some((Figure::Full, _))) => "it is full",
            (_, Some((Figure::Closed, _))) => "it is closed",
            (_, Some((Figure::Blank, sight))) if sight.observed_at.is_none() => "nothing is known of it yet",
            (_, Some((Figure::Blank, sight)))
                if sight.quality == Quality::Good && sight.certainty.is_some() =>
            {
                "it is not sure that it has space"
            }
            (_, Some((Figure::Blank, _))) => "its figure cannot be trusted now",
            (_, Some((Figure::Free(_), _))) => "too few are free to send somebody there",
            (_, None) => "nothing is known of it yet",
        };
        let free = plan.arrival.as_ref().map_or_else(String::new, |a| format!("; {}", arrival(a)));
        format!("not to be advised, {why}{free}")
    }

    fn fault(&self) -> String {
        let fault = self.state.and_then(|state| state.refused.as_ref()).and_then(|r| r.faults.first());
        fault.map_or_else(String::new, |fault| format!(" ({fault})"))
    }

    fn among(&self) -> String {
        match self.candidates() {
            0 | 1 => "the only line with space and a way".to_owned(),
            n => format!("one of {n} lines with space and a way"),
        }
    }

    fn candidates(&self) -> usize {
        self.plan.lines.iter().filter(|line| line.cost_s.is_some()).count()
    }

    /// The cheapest of the others.
    fn best_other(&self, line: usize) -> Option<(usize, f32)> {
        let others = self.plan.lines.iter().enumerate().filter(|(n, _)| *n != line);
        others
            .filter_map(|(n, l)| Some((n, l.cost_s?)))
            .min_by(|a, b| a.1.total_cmp(&b.1).then(a.0.cmp(&b.0)))
    }

    fn cost(&self, line: usize) -> Option<f32> {
        self.plan.lines.get(line)?.cost_s
    }

    fn drive_s(&self, line: usize) -> Option<f32> {
        drive_s(self.plan.lines.get(line)?, self.sign_line(line))
    }

    fn is_for_cars(&self) -> bool {
        self.lines().any(|line| matches!(line.target, Target::Facility(_)))
    }

    fn lines(&self) -> impl Iterator<Item = &SignLine> {
        self.city.signs.get(self.plan.sign.at()).into_iter().flat_map(|sign| &sign.lines)
    }

    fn sign_line(&self, line: usize) -> Option<&SignLine> {
        self.lines().nth(line)
    }

    fn name(&self, line: usize) -> &str {
        self.sign_line(line).map_or("?", |line| target_name(self.city, line.target))
    }
}

/// Seconds from the sign to the entrance of what a line announces; `None`: no way leads there.
#[must_use]
pub fn drive_s(plan: &LinePlan, line: Option<&SignLine>) -> Option<f32> {
    match &plan.way {
        LineWay::Live(way) => Some(way.travel_time_s),
        LineWay::Configured => line.map(|line| line.travel_time.as_secs_f32()),
        LineWay::None => None,
    }
}

/// The target's own name.
#[must_use]
pub fn target_name(city: &City, target: Target) -> &str {
    let name = match target {
        Target::Facility(f) | Target::Group { facility: f, .. } => {
            city.facilities.get(f.at()).map(|f| &f.name)
        }
        Target::Place(p) => city.places.get(p.at()).map(|p| &p.name),
        Target::Garage(g) => city.garages.get(g.at()).map(|g| &g.name),
        Target::Section(s) => city.sections.get(s.at()).map(|s| &s.name),
    };
    name.map_or("?", |name| &**name)
}

/// How guidance does, in sentences: proof, compliance, then each facility's load.
#[must_use]
pub fn guidance_sentences(state: &GuidanceState, city: &City) -> Vec<String> {
    let mut told = vec![proof(state), compliance(state)];
    told.push(format!(
        "{:.0} vehicles an hour go into the facilities that signs announce.",
        state.entries_vph
    ));
    told.extend(state.loads.iter().map(|load| {
        format!(
            "{}: {:.0} an hour come of their own accord, {:.0} an hour are sent, {:.0} of them on the way, {:.0} an hour leave.",
            target_name(city, Target::Facility(load.facility)),
            load.own_vph,
            load.sent_vph,
            load.on_the_way,
            load.leaving_vph
        )
    }));
    told
}

/// What is wrong with the newest set of advice, and since when, for an operator; `None`: nothing.
#[must_use]
pub fn refused_set(state: &GuidanceState) -> Option<(Timestamp, String)> {
    let refused = state.refused.as_ref()?;
    let good = match state.proven_at {
        Some(at) => format!("what still holds of the set of {} stands", second(at)),
        None => "no set was good so far, and signs advise nothing".to_owned(),
    };
    Some((refused.since, format!("new sets of advice break a rule: {}; {good}", refused.faults.join("; "))))
}

fn proof(state: &GuidanceState) -> String {
    match (refused_set(state), state.proven_at) {
        (Some((since, what)), _) => format!("Since {} {what}.", second(since)),
        (None, Some(at)) => format!("The newest set of advice was proven at {}.", second(at)),
        (None, None) => "No set of advice yet.".to_owned(),
    }
}

fn compliance(state: &GuidanceState) -> String {
    let c = &state.compliance;
    let (share, sd) = (c.share * 100.0, c.sd * 100.0);
    if c.minutes <= 0.0 {
        return format!(
            "{share:.0} % of drivers are assumed to go where they are sent: nothing is measured yet."
        );
    }
    format!(
        "{share:.0} % of drivers go where they are sent, \u{b1} {sd:.0}, by {:.0} minutes of counts.",
        c.minutes
    )
}

fn arrival(a: &Arrival) -> String {
    let basis = match a.basis {
        ArrivalBasis::Forecast => "by its forecast",
        ArrivalBasis::Trend => "by what goes in and out now",
    };
    let before = match a.on_the_way {
        n if n >= 0.5 => format!(", {n:.0} on the way there taken off"),
        _ => String::new(),
    };
    format!(
        "{:.0} free on arrival ({:.0} to {:.0}), {:.0} % chance of a space, {basis}{before}",
        a.free,
        a.free_low,
        a.free_high,
        // Nobody promises 100 %.
        (a.chance * 100.0).floor().min(99.0)
    )
}

/// More than a second is of no use to a reader.
fn second(at: Timestamp) -> Timestamp {
    at.floor(Duration::from_secs(1))
}

fn minutes(seconds: f32) -> String {
    if seconds < 90.0 { format!("{seconds:.0} s") } else { format!("{:.1} min", seconds / 60.0) }
}

#[cfg(test)]
mod tests;
