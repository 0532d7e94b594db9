//! What the signs show now, and how true and how calm it is.

use std::collections::HashMap;
use std::sync::Arc;

use vlot_model::{Face, Figure, Target};

use super::driver::{Said, Says};
use super::engine::Vlot;
use super::result::Played;
use super::scenario::Scenario;
use super::sensors::at;
use super::signs::Post;
use super::{Mode, WARM_UP_S};

/// So much of a capacity is free: then FULL is wrong.
const NOT_FULL: f64 = 0.1;

pub(super) struct Watch<'a> {
    posts: &'a [Post],
    on: HashMap<usize, usize>,
    mode: Mode,
    said: Vec<Said>,
    shown: Vec<Option<Arc<Face>>>,
    flips: u32,
    changes: u32,
    rows: u32,
    wrong_free: u32,
    wrong_full: u32,
    dark: u32,
}

impl<'a> Watch<'a> {
    pub(super) fn new(posts: &'a [Post], mode: Mode) -> Self {
        Watch {
            posts,
            on: posts.iter().enumerate().map(|(sign, post)| (post.edge, sign)).collect(),
            mode,
            said: vec![Said::default(); posts.len()],
            shown: vec![None; posts.len()],
            flips: 0,
            changes: 0,
            rows: 0,
            wrong_free: 0,
            wrong_full: 0,
            dark: 0,
        }
    }

    /// The sign on an edge.
    pub(super) fn sign(&self, edge: usize) -> Option<usize> {
        self.on.get(&edge).copied()
    }

    pub(super) fn said(&self, sign: usize) -> Said {
        self.said[sign].clone()
    }

    /// Looks at all signs.
    pub(super) fn second(&mut self, second: i64, vlot: &Vlot, scenario: &Scenario, occupied: &[u32]) {
        for sign in 0..self.posts.len() {
            // A face ends by itself: the sign is dark.
            let face = vlot.face(sign).filter(|face| face.valid_until > at(second));
            let before = self.shown[sign].as_ref();
            if second >= WARM_UP_S {
                let advice = |face: Option<&Arc<Face>>| face.and_then(advised);
                self.flips += u32::from(advice(face.as_ref()) != advice(before));
                self.changes += u32::from(before.map(|f| f.version) != face.as_ref().map(|f| f.version));
            }
            self.said[sign] = face.as_ref().map(|face| said(face, self.mode)).unwrap_or_default();
            self.shown[sign] = face;
        }
        if second % 60 == 0 && second >= WARM_UP_S {
            for (park, says) in self.said.iter().flat_map(|said| said.rows.iter().copied()) {
                let capacity = f64::from(scenario.parks[park].capacity);
                let free = capacity - f64::from(occupied[park]);
                self.rows += 1;
                self.dark += u32::from(says == Says::Dark);
                self.wrong_free += u32::from(matches!(says, Says::Space | Says::Filling) && free < 1.0);
                self.wrong_full += u32::from(says == Says::No && free > (capacity * NOT_FULL).max(2.0));
            }
        }
    }

    pub(super) fn tell(&self, played: &mut Played, seconds: i64) {
        let hours = (seconds - WARM_UP_S).max(1) as f64 / 3_600.0 * self.posts.len().max(1) as f64;
        let share = |count: u32| f64::from(count) / f64::from(self.rows.max(1));
        played.flips_per_sign_hour = f64::from(self.flips) / hours;
        played.changes_per_sign_hour = f64::from(self.changes) / hours;
        played.wrong_free = share(self.wrong_free);
        played.wrong_full = share(self.wrong_full);
        played.dark = share(self.dark);
    }
}

fn park(target: Target) -> Option<usize> {
    match target {
        Target::Facility(facility) => Some(facility.at()),
        _ => None,
    }
}

fn advised(face: &Arc<Face>) -> Option<usize> {
    park(face.rows.get(face.advice? as usize)?.target)
}

/// What a driver reads from a face. Here, and nowhere else, faces are understood.
fn said(face: &Arc<Face>, mode: Mode) -> Said {
    let says = |row: &vlot_model::FaceRow| match row.figure {
        Figure::Free(_) if row.filling => Says::Filling,
        Figure::Free(_) => Says::Space,
        Figure::Full | Figure::Closed => Says::No,
        Figure::Blank => Says::Dark,
    };
    let rows = face.rows.iter().filter_map(|row| Some((park(row.target)?, says(row))));
    Said {
        rows: rows.collect(),
        advice: if mode.is_guided() { advised(face) } else { None },
        warns: mode == Mode::Full,
    }
}
