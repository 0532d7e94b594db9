//! Which links are near a point.

use rstar::primitives::{GeomWithData, Line};
use rstar::{PointDistance, RTree};
use vlot_model::{LinkIx, LonLat, OnLink, RoadNetwork};

use crate::geo;

type Piece = GeomWithData<Line<[f64; 2]>, LinkIx>;

/// A spatial index over the pieces of all links, on a plane around the network's middle.
#[derive(Debug)]
pub struct Index {
    origin: LonLat,
    tree: RTree<Piece>,
}

impl Index {
    /// Of all links that `wanted` lets through.
    #[must_use]
    pub fn new(network: &RoadNetwork, wanted: impl Fn(LinkIx) -> bool) -> Self {
        let origin = middle(network);
        let mut pieces = Vec::new();
        for link in (0..network.links.len()).map(LinkIx::from_position).filter(|link| wanted(*link)) {
            let on_plane = network.shape(link).windows(2).map(|ab| {
                GeomWithData::new(Line::new(geo::plane(origin, ab[0]), geo::plane(origin, ab[1])), link)
            });
            pieces.extend(on_plane);
        }
        Index { origin, tree: RTree::bulk_load(pieces) }
    }

    /// Each link within `within_m` metres of a point once, at its nearest place, nearest first and then by link; at most
    /// `most`.
    #[must_use]
    pub fn near(&self, network: &RoadNetwork, point: LonLat, within_m: f64, most: usize) -> Vec<OnLink> {
        let here = geo::plane(self.origin, point);
        // The plane's scale is off by less than this at a city's edge.
        let reach = within_m * 1.01 + 1.0;
        let pieces = self.tree.locate_within_distance(here, reach * reach);
        let mut links: Vec<_> = pieces.map(|piece| (piece.data, piece.geom().distance_2(&here))).collect();
        links.sort_unstable_by(|a, b| (a.0).cmp(&b.0).then(a.1.total_cmp(&b.1)));
        links.dedup_by_key(|(link, _)| *link);
        let mut found: Vec<_> = links
            .into_iter()
            .filter_map(|(link, _)| {
                let at = geo::project(network.shape(link), point)?;
                (at.distance_m <= within_m).then_some(on_link(network, link, at))
            })
            .collect();
        found.sort_unstable_by(|a, b| a.distance_m.total_cmp(&b.distance_m).then(a.link.cmp(&b.link)));
        found.truncate(most);
        found
    }
}

#[expect(clippy::cast_possible_truncation, reason = "metres within a city fit f32 to a millimetre or so")]
fn on_link(network: &RoadNetwork, link: LinkIx, at: geo::Projected) -> OnLink {
    let longest = network.link(link).map_or(0.0, |link| link.length_m);
    OnLink { link, offset_m: (at.along_m as f32).clamp(0.0, longest), distance_m: at.distance_m as f32 }
}

fn middle(network: &RoadNetwork) -> LonLat {
    let n = network.nodes.len().max(1) as f64;
    let sum = network.nodes.iter().fold([0.0, 0.0], |s, p| [s[0] + p.lon, s[1] + p.lat]);
    LonLat { lon: sum[0] / n, lat: sum[1] / n }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use vlot_model::RoadClass;

    use super::*;
    use crate::{Draft, DraftLink};

    const HERE: LonLat = LonLat { lon: 4.7, lat: 50.88 };

    fn network(lines: &[[[f64; 2]; 2]]) -> RoadNetwork {
        let mut draft = Draft::new("test");
        for (i, line) in lines.iter().enumerate() {
            let points: Vec<_> = line.iter().map(|p| geo::offset(HERE, *p)).collect();
            let nodes = [2 * i as i64, 2 * i as i64 + 1];
            draft.link(DraftLink { points, ..DraftLink::new(nodes, i as u64 + 1, RoadClass::Primary) });
        }
        draft.make().network
    }

    proptest! {
        #[test]
        fn what_is_near_is_what_a_look_at_every_link_finds(
            lines in prop::collection::vec(prop::array::uniform2(prop::array::uniform2(-900.0..900.0_f64)), 1..30),
            point in prop::array::uniform2(-900.0..900.0_f64),
            within in 1.0..700.0_f64,
        ) {
            let network = network(&lines);
            let point = geo::offset(HERE, point);
            let got: Vec<_> = Index::new(&network, |_| true)
                .near(&network, point, within, usize::MAX)
                .into_iter()
                .map(|on| on.link)
                .collect();
            let mut all: Vec<_> = (0..network.links.len())
                .map(LinkIx::from_position)
                .filter_map(|link| Some((geo::project(network.shape(link), point)?.distance_m, link)))
                .filter(|(distance, _)| *distance <= within)
                .collect();
            #[expect(clippy::cast_possible_truncation, reason = "as the index states distances")]
            let short = |m: f64| m as f32;
            all.sort_by(|a, b| short(a.0).total_cmp(&short(b.0)).then(a.1.cmp(&b.1)));
            prop_assert_eq!(got, all.into_iter().map(|(_, link)| link).collect::<Vec<_>>());
        }
    }
}
