//! What a visitor wants to know of a facility, and its groups.

use vlot_model::{Facility, GroupState, UserGroup};

use crate::wire::parking::v1 as wire;

/// Adds what is configured.
pub(super) fn describe(facility: &Facility, told: wire::Facility) -> wire::Facility {
    let site = &facility.site;
    wire::Facility {
        opening_hours: site.opening_hours.clone(),
        height_limit_cm: site.height_limit_cm,
        tariff: site.tariff.clone(),
        onward: site
            .onward
            .iter()
            .map(|o| wire::Onward {
                line: o.line.clone(),
                to: o.to.clone(),
                headway_min: o.headway_min,
                ride_min: o.ride_min,
            })
            .collect(),
        parts: site
            .parts
            .iter()
            .map(|p| wire::Part {
                id: p.id.to_string(),
                name: p.name.clone(),
                level: i32::from(p.level),
                capacity: p.capacity,
            })
            .collect(),
        ..told
    }
}

pub(super) fn groups(groups: &[GroupState]) -> Vec<wire::GroupState> {
    let told = |g: &GroupState| wire::GroupState {
        group: group(g.group).into(),
        capacity: g.capacity,
        free: g.free,
    };
    groups.iter().map(told).collect()
}

fn group(group: UserGroup) -> wire::UserGroup {
    match group {
        UserGroup::Everyone => wire::UserGroup::Everyone,
        UserGroup::ShortStay => wire::UserGroup::ShortStay,
        UserGroup::Accessible => wire::UserGroup::Accessible,
        UserGroup::Charging => wire::UserGroup::Charging,
        UserGroup::Residents => wire::UserGroup::Residents,
        UserGroup::CareGivers => wire::UserGroup::CareGivers,
        UserGroup::Loading => wire::UserGroup::Loading,
        UserGroup::CargoBicycles => wire::UserGroup::CargoBicycles,
        UserGroup::TwoWheelers => wire::UserGroup::TwoWheelers,
    }
}
