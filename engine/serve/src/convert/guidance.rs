//! What signs advise.

use vlot_model::{AdviceReason, Arrival, ArrivalBasis, City, GuidanceMode, GuidanceState};

use super::timestamp;
use crate::wire::guidance::v1 as wire;

pub(crate) fn guidance(city: &City, state: &GuidanceState) -> wire::Guidance {
    let facility_id = |ix: vlot_model::FacilityIx| {
        city.facilities.get(ix.at()).map(|f| f.id.to_string()).unwrap_or_default()
    };
    let mode = match state.mode {
        GuidanceMode::Count => "count",
        GuidanceMode::Each => "each",
        GuidanceMode::Together => "together",
    };
    let c = &state.compliance;
    wire::Guidance {
        mode: mode.to_owned(),
        proven_at: state.proven_at.map(timestamp),
        refused: state
            .refused
            .as_ref()
            .map(|r| wire::RefusedSet { since: Some(timestamp(r.since)), faults: r.faults.clone() }),
        compliance: Some(wire::Compliance { share: c.share, sd: c.sd, minutes: c.minutes }),
        entries_vph: state.entries_vph,
        loads: state
            .loads
            .iter()
            .map(|load| wire::FacilityLoad {
                facility_id: facility_id(load.facility),
                own_vph: load.own_vph,
                sent_vph: load.sent_vph,
                on_the_way: load.on_the_way,
                leaving_vph: load.leaving_vph,
            })
            .collect(),
        why: vlot_publish::guidance_sentences(state, city),
    }
}

pub(crate) fn arrival(a: &Arrival) -> wire::Arrival {
    let basis = match a.basis {
        ArrivalBasis::Forecast => wire::ArrivalBasis::Forecast,
        ArrivalBasis::Trend => wire::ArrivalBasis::Trend,
    };
    wire::Arrival {
        after_s: a.after_s,
        free_low: a.free_low,
        free: a.free,
        free_high: a.free_high,
        on_the_way: a.on_the_way,
        chance: a.chance,
        basis: basis.into(),
    }
}

pub(crate) fn advice_reason(reason: AdviceReason) -> wire::AdviceReason {
    match reason {
        AdviceReason::NoCandidate => wire::AdviceReason::NoCandidate,
        AdviceReason::Off => wire::AdviceReason::Off,
        AdviceReason::Assigned => wire::AdviceReason::Assigned,
        AdviceReason::Held => wire::AdviceReason::Held,
        AdviceReason::Nearest => wire::AdviceReason::Nearest,
        AdviceReason::LastGood => wire::AdviceReason::LastGood,
        AdviceReason::Withdrawn => wire::AdviceReason::Withdrawn,
    }
}
