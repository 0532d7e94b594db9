//! What the situations that hold now do to the network; of several on one link the stronger binds.

use std::collections::BTreeMap;

use vlot_model::{Effect, LinkIx, Mode, Phase, SituationState};

fn holding<'s>(
    states: impl IntoIterator<Item = &'s SituationState>,
    mode: Mode,
) -> impl Iterator<Item = &'s SituationState> {
    states.into_iter().filter(move |state| state.phase == Phase::Active && state.situation.modes.has(mode))
}

/// Links that a mode cannot use now, in order, each once.
#[must_use]
pub fn closed_links<'s>(states: impl IntoIterator<Item = &'s SituationState>, mode: Mode) -> Vec<LinkIx> {
    let closed = holding(states, mode).filter(|state| state.situation.effect == Effect::Closed);
    let mut links: Vec<_> = closed.flat_map(|state| state.links.iter().copied()).collect();
    links.sort_unstable();
    links.dedup();
    links
}

/// The lowest speed that situations set now for a mode, km/h, by link, in order.
#[must_use]
pub fn speed_limits<'s>(
    states: impl IntoIterator<Item = &'s SituationState>,
    mode: Mode,
) -> Vec<(LinkIx, f32)> {
    let mut limits: BTreeMap<LinkIx, f32> = BTreeMap::new();
    for state in holding(states, mode) {
        if let Effect::SpeedLimit { kmh } = state.situation.effect {
            for link in &state.links {
                let lowest = limits.entry(*link).or_insert(kmh);
                *lowest = lowest.min(kmh);
            }
        }
    }
    limits.into_iter().collect()
}

/// The most lanes that one situation takes now from a mode's links, by link, in order.
#[must_use]
pub fn closed_lanes<'s>(
    states: impl IntoIterator<Item = &'s SituationState>,
    mode: Mode,
) -> Vec<(LinkIx, u8)> {
    let mut lost: BTreeMap<LinkIx, u8> = BTreeMap::new();
    for state in holding(states, mode) {
        if let Effect::LanesClosed { lanes } = state.situation.effect {
            for link in &state.links {
                let most = lost.entry(*link).or_default();
                *most = lanes.max(*most);
            }
        }
    }
    lost.into_iter().collect()
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use vlot_model::{Location, Modes, Situation, SituationIx, SituationKind, Timestamp};

    use super::*;

    fn state(effect: Effect, modes: Modes, phase: Phase, links: &[u32]) -> SituationState {
        let situation = Situation {
            id: "a".into(),
            source: "operator".into(),
            kind: SituationKind::Works,
            headline: "Works".into(),
            effect,
            modes,
            location: Location::Links(Vec::new()),
            both_directions: false,
            from: Timestamp::from_secs(0),
            until: None,
            hours: None,
            withdrawn: false,
        };
        SituationState {
            slot: SituationIx(0),
            situation: Arc::new(situation),
            phase,
            since: Timestamp::from_secs(0),
            links: links.iter().map(|n| LinkIx(*n)).collect(),
            detours: Vec::new(),
        }
    }

    #[test]
    fn the_stronger_binds_and_only_what_holds_now_counts() {
        let cars = Modes::NONE.with(Mode::Car);
        let slow = |kmh| Effect::SpeedLimit { kmh };
        let states = [
            state(Effect::Closed, Modes::ALL, Phase::Active, &[7, 3]),
            state(Effect::Closed, cars, Phase::Active, &[3, 5]),
            state(Effect::Closed, Modes::ALL, Phase::Planned, &[1]),
            state(Effect::Closed, Modes::ALL, Phase::Paused, &[1]),
            state(Effect::Closed, Modes::ALL, Phase::Ended, &[1]),
            state(slow(50.0), cars, Phase::Active, &[8, 9]),
            state(slow(30.0), Modes::ALL, Phase::Active, &[9, 3]),
            state(slow(10.0), Modes::ALL, Phase::Planned, &[9]),
            state(Effect::LanesClosed { lanes: 1 }, cars, Phase::Active, &[2]),
            state(Effect::LanesClosed { lanes: 2 }, cars, Phase::Active, &[2]),
        ];
        assert_eq!(closed_links(&states, Mode::Car), [LinkIx(3), LinkIx(5), LinkIx(7)]);
        assert_eq!(closed_links(&states, Mode::Bicycle), [LinkIx(3), LinkIx(7)]);
        let limits = speed_limits(&states, Mode::Car);
        assert_eq!(limits, [(LinkIx(3), 30.0), (LinkIx(8), 50.0), (LinkIx(9), 30.0)]);
        assert_eq!(closed_lanes(&states, Mode::Car), [(LinkIx(2), 2)]);
        assert_eq!(closed_lanes(&states, Mode::Bicycle), []);
    }
}
