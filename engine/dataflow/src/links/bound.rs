//! What situations leave of a link: who is kept out, and how fast the others may go.

use std::collections::BTreeMap;
use std::sync::Arc;

use vlot_model::{Effect, LinkIx, Mode, Phase, Situation, SituationIx, SituationState};

/// Situations in force on one link, by their places.
#[derive(Debug, Default)]
pub(super) struct Bounds(BTreeMap<SituationIx, Arc<Situation>>);

impl Bounds {
    /// A situation holds here from now on, or no longer; whether that is new.
    pub(super) fn set(&mut self, slot: SituationIx, situation: Option<&Arc<Situation>>) -> bool {
        match situation {
            Some(situation) => self.0.insert(slot, Arc::clone(situation)).as_ref() != Some(situation),
            None => self.0.remove(&slot).is_some(),
        }
    }

    /// Whether cars are kept out.
    pub(super) fn closed(&self) -> bool {
        self.0.values().any(|situation| situation.closes(Mode::Car))
    }

    /// The lowest limit for cars, km/h.
    pub(super) fn limit_kmh(&self) -> Option<f32> {
        self.0.values().filter_map(|situation| situation.limit_kmh(Mode::Car)).min_by(f32::total_cmp)
    }

    pub(super) fn all(&self) -> Vec<Arc<Situation>> {
        self.0.values().cloned().collect()
    }
}

/// Where each situation held last: what changes for which links when it is published anew.
#[derive(Debug, Default)]
pub(super) struct Reach(BTreeMap<SituationIx, (Arc<Situation>, Vec<LinkIx>)>);

impl Reach {
    /// The links for which something changes, in order, and whether the situation holds there now.
    pub(super) fn take(&mut self, state: &SituationState) -> Vec<(LinkIx, Option<Arc<Situation>>)> {
        let holds = state.phase == Phase::Active && state.situation.effect != Effect::None;
        let mut links = if holds { state.links.clone() } else { Vec::new() };
        links.sort_unstable();
        links.dedup();
        let before = self.0.remove(&state.slot);
        if !links.is_empty() {
            self.0.insert(state.slot, (Arc::clone(&state.situation), links.clone()));
        }
        let (same, before) = match before {
            Some((situation, links)) => (situation == state.situation, links),
            None => (true, Vec::new()),
        };
        if same && before == links {
            return Vec::new();
        }
        let left = before.into_iter().filter(|link| links.binary_search(link).is_err());
        let mut changed: Vec<_> = left.map(|link| (link, None)).collect();
        changed.extend(links.iter().map(|link| (*link, Some(Arc::clone(&state.situation)))));
        changed.sort_by_key(|(link, _)| *link);
        changed
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::situations::tests::closure;
    use crate::testing::s;

    fn state(slot: u32, phase: Phase, effect: Effect, links: &[u32]) -> SituationState {
        SituationState {
            slot: SituationIx(slot),
            situation: Arc::new(Situation { effect, ..closure("a") }),
            phase,
            since: s(0),
            links: links.iter().map(|link| LinkIx(*link)).collect(),
            detours: Vec::new(),
        }
    }

    #[test]
    fn only_what_changes_is_told_and_only_while_it_holds() {
        let mut reach = Reach::default();
        let mut take = |state: SituationState| -> Vec<(u32, Option<Effect>)> {
            reach.take(&state).into_iter().map(|(link, s)| (link.0, s.map(|s| s.effect))).collect()
        };
        let closed = Effect::Closed;
        assert_eq!(take(state(0, Phase::Planned, closed, &[1, 2])), []);
        assert_eq!(take(state(0, Phase::Active, closed, &[2, 1, 2])), [(1, Some(closed)), (2, Some(closed))]);
        assert_eq!(
            take(state(0, Phase::Active, closed, &[1, 2])),
            [],
            "other ways around are no news for a link"
        );
        assert_eq!(
            take(state(0, Phase::Active, closed, &[2, 3])),
            [(1, None), (2, Some(closed)), (3, Some(closed))]
        );
        assert_eq!(take(state(1, Phase::Active, Effect::None, &[2])), [], "a notice does nothing to a link");
        assert_eq!(take(state(0, Phase::Paused, closed, &[2, 3])), [(2, None), (3, None)]);
        assert_eq!(take(state(0, Phase::Ended, closed, &[2, 3])), []);
    }

    #[test]
    fn the_strongest_of_several_binds() {
        let mut bounds = Bounds::default();
        let with = |effect| Arc::new(Situation { effect, ..closure("a") });
        for (slot, kmh) in [(0, 50.0), (1, 30.0), (2, 70.0)] {
            assert!(bounds.set(SituationIx(slot), Some(&with(Effect::SpeedLimit { kmh }))));
        }
        assert_eq!((bounds.limit_kmh(), bounds.closed(), bounds.all().len()), (Some(30.0), false, 3));
        assert!(!bounds.set(SituationIx(1), Some(&with(Effect::SpeedLimit { kmh: 30.0 }))), "nothing new");
        assert!(bounds.set(SituationIx(1), Some(&with(Effect::Closed))) && bounds.closed());
        assert!(bounds.set(SituationIx(1), None) && !bounds.set(SituationIx(1), None));
        assert_eq!((bounds.limit_kmh(), bounds.closed()), (Some(50.0), false));
    }
}
