//! The signs along the streets, as one passes them.

use rustc_hash::FxHashMap;
use vlot_model::{City, LinkIx, LiveWay, SignIx};

use super::place::stand;

/// Signs along streets.
pub(super) struct Stands {
    /// By link, in the order in which one passes them: metres, sign.
    on: FxHashMap<LinkIx, Vec<(f32, SignIx)>>,
    /// A bit a link: whether any stands there. Of the links of a way few have one.
    any: Vec<u64>,
}

impl Stands {
    pub(super) fn of(city: &City) -> Self {
        let mut on: FxHashMap<LinkIx, Vec<(f32, SignIx)>> = FxHashMap::default();
        let links = city.network.as_ref().map_or(0, |network| network.links.len());
        let mut any = vec![0; links.div_ceil(64)];
        for ix in (0..city.signs.len()).map(SignIx::from_position) {
            let Some(at) = stand(city, ix) else { continue };
            on.entry(at.link).or_default().push((at.offset_m, ix));
            if let Some(word) = any.get_mut(at.link.at() / 64) {
                *word |= 1_u64 << (at.link.at() % 64);
            }
        }
        for stands in on.values_mut() {
            stands.sort_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
        }
        Stands { on, any }
    }

    fn any(&self, link: LinkIx) -> bool {
        self.any.get(link.at() / 64).is_some_and(|word| word >> (link.at() % 64) & 1 == 1)
    }

    /// The signs that somebody comes to who sets out from a sign, in order, each with its link. Of several at one place one comes to
    /// them in the order of their numbers.
    pub(super) fn met<'a>(
        &'a self,
        sign: SignIx,
        start_m: f32,
        way: &'a LiveWay,
    ) -> impl Iterator<Item = (LinkIx, SignIx)> + 'a {
        let last = way.links.len().saturating_sub(1);
        let signed = way.links.iter().enumerate().filter(|(_, link)| self.any(**link));
        signed.flat_map(move |(i, link)| {
            let ahead = move |(offset_m, at): &&(f32, SignIx)| {
                let passed = i == 0 && (*offset_m < start_m || *offset_m <= start_m && *at <= sign);
                !passed && (i < last || *offset_m < way.end_m)
            };
            let along = self.on.get(link).map_or(&[][..], Vec::as_slice);
            along.iter().filter(ahead).map(move |(_, at)| (*link, *at))
        })
    }
}
