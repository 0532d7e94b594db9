//! Sums over links.

use std::collections::BTreeMap;
use std::sync::Arc;

use vlot_model::{
    City, CorridorIx, CorridorState, LinkIx, LinkState, Product, Quality, Tick, Timestamp, Update,
};

use crate::links::fuse::{PRIOR_SD, SD_OF_80_PCT};
use crate::shell::{Logic, Part};

/// This share of the errors of two links' times is alike: a lull or a shower is everywhere.
const ALIKE: f64 = 0.3;

/// What the sum needs of a link.
#[derive(Clone, Copy, Debug)]
struct Piece {
    free_flow_s: f64,
    length_m: f64,
}

pub(crate) struct Corridors {
    corridors: Vec<Vec<(LinkIx, Piece)>>,
    /// The corridors of a link.
    of_link: BTreeMap<LinkIx, Vec<CorridorIx>>,
    /// Links that something is known of: measured, closed, or slower by a situation.
    known: BTreeMap<LinkIx, LinkState>,
    begun: bool,
}

impl Corridors {
    pub(crate) fn new(city: &City, part: Part) -> Self {
        let mut of_link: BTreeMap<LinkIx, Vec<CorridorIx>> = BTreeMap::new();
        let piece = |link: LinkIx| {
            let of = city.network.as_ref()?.link(link)?;
            Some(Piece { free_flow_s: of.free_flow_s().into(), length_m: of.length_m.into() })
        };
        let mut corridors = Vec::new();
        for (i, corridor) in city.corridors.iter().enumerate() {
            let ix = CorridorIx::from_position(i);
            for link in &corridor.links {
                let of = of_link.entry(*link).or_default();
                if of.last() != Some(&ix) {
                    of.push(ix);
                }
            }
            corridors.push(corridor.links.iter().filter_map(|link| Some((*link, piece(*link)?))).collect());
        }
        Corridors { corridors, of_link, known: BTreeMap::new(), begun: !part.owns(0) }
    }

    fn state(&self, ix: CorridorIx) -> CorridorState {
        let pieces = self.corridors.get(ix.at()).map_or(&[][..], Vec::as_slice);
        let (mut time, mut free, mut length, mut measured) = (0.0, 0.0, 0.0, 0.0);
        let (mut apart, mut alike) = (0.0, 0.0);
        let (mut observed_at, mut valid_until, mut good) = (None::<Timestamp>, None::<Timestamp>, true);
        let mut closed = false;
        for (link, piece) in pieces {
            let known = self.known.get(link);
            closed |= known.is_some_and(LinkState::is_closed);
            let (t, sd) = match known {
                Some(state) if state.quality == Quality::Missing => {
                    (f64::from(state.travel_time_s), PRIOR_SD)
                }
                Some(state) => {
                    measured += piece.length_m;
                    observed_at = Some(observed_at.map_or(state.observed_at, |t| t.min(state.observed_at)));
                    valid_until = Some(valid_until.map_or(state.valid_until, |t| t.min(state.valid_until)));
                    good &= state.quality == Quality::Good;
                    let ends = f64::from(state.speed_high_kmh / state.speed_low_kmh).ln();
                    (f64::from(state.travel_time_s), ends / (2.0 * SD_OF_80_PCT))
                }
                None => (piece.free_flow_s, PRIOR_SD),
            };
            time += t;
            free += piece.free_flow_s;
            length += piece.length_m;
            apart += (t * sd).powi(2);
            alike += t * sd;
        }
        let sd = ((1.0 - ALIKE) * apart + ALIKE * alike * alike).sqrt();
        // Of the logarithm: a time is never negative.
        let factor = if time > 0.0 { (SD_OF_80_PCT * sd / time).exp() } else { 1.0 };
        let measured_pct = if length > 0.0 { 100.0 * measured / length } else { 0.0 };
        let quality = match observed_at {
            None => Quality::Missing,
            Some(_) if good && measured_pct > 99.9 => Quality::Good,
            Some(_) => Quality::Degraded,
        };
        CorridorState {
            corridor: ix,
            observed_at,
            valid_until,
            travel_time_s: (!closed).then(|| single(time)),
            travel_time_low_s: (!closed).then(|| single(time / factor)),
            travel_time_high_s: (!closed).then(|| single(time * factor)),
            free_flow_s: single(free),
            measured_pct: single(measured_pct),
            closed,
            quality,
        }
    }

    fn emit(&self, ix: CorridorIx, tick: Tick, at: Timestamp, out: &mut Vec<Update>) {
        out.push(Update { tick, at, trigger: None, product: Arc::new(Product::Corridor(self.state(ix))) });
    }
}

#[expect(clippy::cast_possible_truncation, reason = "times and shares fit f32")]
fn single(x: f64) -> f32 {
    x as f32
}

impl Logic for Corridors {
    type In = Update;

    fn on_clock(&mut self, tick: Tick, at: Timestamp, out: &mut Vec<Update>) {
        if !std::mem::replace(&mut self.begun, true) {
            (0..self.corridors.len()).for_each(|i| self.emit(CorridorIx::from_position(i), tick, at, out));
        }
    }

    fn on_tick(&mut self, tick: Tick, at: Timestamp, inputs: &[Update], out: &mut Vec<Update>) {
        let mut touched = Vec::new();
        for update in inputs {
            let Product::Link(state) = &*update.product else { continue };
            let Some(of) = self.of_link.get(&state.link) else { continue };
            touched.extend_from_slice(of);
            if state.quality == Quality::Missing && !state.sources.situations {
                self.known.remove(&state.link);
            } else {
                self.known.insert(state.link, state.clone());
            }
        }
        touched.sort_unstable();
        touched.dedup();
        touched.into_iter().for_each(|ix| self.emit(ix, tick, at, out));
    }
}
