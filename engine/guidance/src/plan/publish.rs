//! What of a set is published.

use vlot_model::{AdviceReason, LineWay, RefusedSet, SignPlan, Timestamp};

use super::decide::{Planner, Stand};
use super::judge::told;
use super::set::Chain;
use crate::proof::Fault;

/// Lines of signs that are darkened one after the other at most.
const LINES_MOST: usize = 8;

impl Planner {
    /// What is published: the set itself if it is proven, else the last good advice while that is.
    pub(super) fn publish(&mut self, set: &mut [SignPlan], chain: &Chain, broken: &[Fault], at: Timestamp) {
        let refused_since = self.state.refused.take().map(|refused| refused.since);
        if broken.is_empty() {
            self.state.proven_at = Some(at);
        } else {
            self.fall_back(set, chain, at);
            let since = refused_since.unwrap_or(at);
            self.state.refused = Some(RefusedSet { since, faults: told(broken) });
        }
        for (plan, stand) in set.iter_mut().zip(&mut self.stands) {
            if plan.advice != stand.advice {
                *stand = Stand { advice: plan.advice, since: Some(at) };
            }
            plan.advised_since = stand.since.filter(|_| plan.advice.is_some());
        }
    }

    /// The last good advice where it still holds; else none.
    fn fall_back(&self, set: &mut [SignPlan], chain: &Chain, at: Timestamp) {
        for (plan, stand) in set.iter_mut().zip(&self.stands) {
            plan.advice = stand.advice;
            plan.reason = AdviceReason::LastGood;
        }
        for plan in set.iter_mut() {
            let holds = plan.advice.is_none_or(|line| self.is_candidate(plan, line as usize, at));
            if !holds {
                plan.advice = None;
                plan.reason = AdviceReason::Withdrawn;
            }
        }
        chain.unwind(set);
        if self.faults(set, at).is_empty() {
            return;
        }
        for plan in set.iter_mut() {
            plan.advice = None;
            plan.reason = AdviceReason::Withdrawn;
        }
        // What leads astray without any advice says nothing: a dark line rather than a wrong one.
        for _ in 0..LINES_MOST {
            let faults = self.faults(set, at);
            let lines = faults.iter().filter_map(|fault| Some((fault.sign, fault.line?)));
            let mut darkened = false;
            for (sign, line) in lines {
                let line = set.get_mut(sign.at()).and_then(|plan| plan.lines.get_mut(line));
                darkened |=
                    line.is_some_and(|line| std::mem::replace(&mut line.way, LineWay::None) != LineWay::None);
            }
            if !darkened {
                return;
            }
        }
    }
}
