//! Drive in or park at the edge, as a sign compares them.

use vlot_model::{EdgeOrIn, FacilityKind, LineWay, Onward, SignPlan, Timestamp};
use vlot_network::geo;

use super::decide::{Planner, WALK_DETOUR, WALK_M_S, facility, id, small};
use crate::trip::{Door, edge_door, edge_or_in};

impl Planner {
    /// What a sign that announces an edge car park says of both; `None`: there is nothing to compare, or no need to.
    pub(super) fn edge(&self, plan: &SignPlan, at: Timestamp) -> Option<EdgeOrIn> {
        let rules = &self.city.guidance;
        let centre = rules.centre?;
        let on_foot = |from| geo::distance_m(from, centre) * WALK_DETOUR / WALK_M_S;
        let (mut edges, mut inner) = (Vec::new(), Vec::new());
        for (n, (line, planned)) in
            self.city.signs.get(plan.sign.at())?.lines.iter().zip(&plan.lines).enumerate()
        {
            let Some(ix) = facility(line) else { continue };
            if planned.way == LineWay::None || !self.is_candidate(plan, n, at) {
                continue;
            }
            let Some(park) = self.city.facilities.get(ix.at()) else { continue };
            let drive_s = self.drive_s(plan.sign, id(n), planned);
            let risk = planned.arrival.map_or(1.0, |arrival| 1.0 - f64::from(arrival.chance));
            let risk_s = risk * rules.turned_away.as_secs_f64();
            if park.kind == FacilityKind::Edge {
                let walk = |line: &Onward| line.alights.map(on_foot);
                edges.extend(edge_door(ix, drive_s, risk_s, &park.site.onward, at, walk));
            } else {
                inner.push(Door { facility: ix, door_s: drive_s + on_foot(park.position), risk_s });
            }
        }
        let compared = edge_or_in(&edges, &inner, rules.edge_margin).filter(|compared| compared.shown)?;
        let lines = &self.city.signs.get(plan.sign.at())?.lines;
        let line = lines.iter().position(|line| facility(line) == Some(compared.edge))?;
        let drive_s = self.drive_s(plan.sign, id(line), plan.lines.get(line)?);
        Some(EdgeOrIn {
            line: id(line),
            drive_s: small(drive_s),
            onward_s: small(compared.edge_s - drive_s),
            in_s: small(compared.in_s),
        })
    }
}
