//! Signs, their faces and what they report.

use bytes::Bytes;
use vlot_model::{
    Arrow, City, Face, FaceRow, Figure, Placement, Sign, SignFault, SignState, Target, Trigger,
};

use super::{position, timestamp};
use crate::wire::common::v1::Status;
use crate::wire::sign::v1 as wire;

/// A face without what differs from reader to reader: its pages and its time to live.
pub(crate) fn face(city: &City, face: &Face) -> wire::Face {
    let why = vlot_publish::reasons(face, city);
    wire::Face {
        sign_id: city.signs.get(face.sign.at()).map(|s| s.id.to_string()).unwrap_or_default(),
        version: face.version,
        multi: face.multi.clone(),
        pages: Vec::new(),
        rows: face.rows.iter().map(|r| row(city, r)).collect(),
        advised_row: face.advice,
        reason: Some(wire::Reason { rows: why.rows, advice: why.advice }),
        decided_at: Some(timestamp(face.decided_at)),
        valid_until: Some(timestamp(face.valid_until)),
        time_to_live: None,
        trigger: face.trigger.map(|t| trigger(city, &t)),
        multi_crc32c: crc32c::crc32c(face.multi.as_bytes()),
    }
}

/// A sign with an encoded face (empty: none is in force) and what it says of itself.
pub(crate) fn sign(city: &City, sign: &Sign, commanded: Bytes, state: Option<&SignState>) -> wire::Sign {
    wire::Sign {
        id: sign.id.to_string(),
        name: sign.name.clone(),
        position: Some(position(sign.position)),
        width_px: sign.matrix.width_px.into(),
        height_px: sign.matrix.height_px.into(),
        garage_id: match sign.placement {
            Placement::Street => String::new(),
            Placement::Garage(ix) => city.garages.get(ix.at()).map(|g| g.id.to_string()).unwrap_or_default(),
        },
        commanded,
        display: state.filter(|s| s.heard_at.is_some() || s.connected.is_some()).map(|s| wire::Display {
            connected: s.connected.unwrap_or(false),
            displayed_version: s.displayed_version,
            displayed_at: s.displayed_at.map(timestamp),
            fault: s.fault.map_or(wire::Fault::Unspecified, fault).into(),
            heard_at: s.heard_at.map(timestamp),
        }),
    }
}

fn row(city: &City, row: &FaceRow) -> wire::Row {
    use wire::row::Figure as Wire;
    wire::Row {
        target_id: target(city, row.target),
        label: row.label.to_string(),
        arrow: arrow(row.arrow).into(),
        figure: Some(match row.figure {
            Figure::Free(free) => Wire::Free(free),
            Figure::Full => Wire::Word(Status::Full.into()),
            Figure::Closed => Wire::Word(Status::Closed.into()),
            Figure::Blank => Wire::Blank(true),
        }),
        minutes: row.minutes,
        filling: row.filling,
    }
}

/// A target as the interfaces write it: a section stands behind its garage's id.
pub(crate) fn target(city: &City, target: Target) -> String {
    let garage_id = |ix: vlot_model::GarageIx| city.garages.get(ix.at()).map_or("", |g| &*g.id);
    match target {
        Target::Place(ix) => city.places.get(ix.at()).map(|p| format!("@{}", p.id)).unwrap_or_default(),
        Target::Group { facility, group } => {
            city.facilities.get(facility.at()).map(|f| format!("{}:{}", f.id, group.id())).unwrap_or_default()
        }
        Target::Facility(ix) => city.facilities.get(ix.at()).map(|f| f.id.to_string()).unwrap_or_default(),
        Target::Garage(ix) => garage_id(ix).to_owned(),
        Target::Section(ix) => city
            .sections
            .get(ix.at())
            .map(|s| format!("{}/{}", garage_id(s.garage), s.id))
            .unwrap_or_default(),
    }
}

fn trigger(city: &City, trigger: &Trigger) -> wire::Trigger {
    wire::Trigger {
        device_id: city.devices.get(trigger.device.at()).map(|d| d.id.to_string()).unwrap_or_default(),
        sequence: trigger.sequence,
        observed_at: Some(timestamp(trigger.observed_at)),
    }
}

fn arrow(arrow: Arrow) -> wire::Arrow {
    match arrow {
        Arrow::None => wire::Arrow::Unspecified,
        Arrow::Ahead => wire::Arrow::Ahead,
        Arrow::Left => wire::Arrow::Left,
        Arrow::Right => wire::Arrow::Right,
        Arrow::AheadLeft => wire::Arrow::AheadLeft,
        Arrow::AheadRight => wire::Arrow::AheadRight,
        Arrow::Back => wire::Arrow::Back,
        Arrow::Down => wire::Arrow::Down,
    }
}

/// A self-diagnosis on its way out.
fn fault(fault: SignFault) -> wire::Fault {
    match fault {
        SignFault::None => wire::Fault::None,
        SignFault::Pixel => wire::Fault::Pixel,
        SignFault::Power => wire::Fault::Power,
        SignFault::Temperature => wire::Fault::Temperature,
        SignFault::Photocell => wire::Fault::Photocell,
        SignFault::Controller => wire::Fault::Controller,
        SignFault::FaceRejected => wire::Fault::FaceRejected,
    }
}

/// A self-diagnosis on its way in; `None` when it says nothing.
pub(crate) fn sign_fault(fault: wire::Fault) -> Option<SignFault> {
    Some(match fault {
        wire::Fault::Unspecified => return None,
        wire::Fault::None => SignFault::None,
        wire::Fault::Pixel => SignFault::Pixel,
        wire::Fault::Power => SignFault::Power,
        wire::Fault::Temperature => SignFault::Temperature,
        wire::Fault::Photocell => SignFault::Photocell,
        wire::Fault::Controller => SignFault::Controller,
        wire::Fault::FaceRejected => SignFault::FaceRejected,
    })
}
