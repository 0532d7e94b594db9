//! Products as encoded messages, each made once and then shared by all who read it.

use std::sync::Arc;

use bytes::Bytes;
use parking_lot::Mutex;
use prost::Message;
use vlot_model::{City, Entry, FacilityIx, GarageIx, SignIx, StationIx, Tick, Timestamp};

use crate::convert::{self, Edge};

/// One message a place.
struct Shelf(Vec<Mutex<Option<Made>>>);

/// Good for one version of the product, and until something in it goes stale.
struct Made {
    version: Tick,
    until: Timestamp,
    bytes: Bytes,
}

impl Shelf {
    fn new(len: usize) -> Self {
        Shelf((0..len).map(|_| Mutex::new(None)).collect())
    }

    fn get<M: Message>(
        &self,
        at: usize,
        version: Tick,
        now: Timestamp,
        make: impl FnOnce(&mut Edge) -> M,
    ) -> Bytes {
        let Some(slot) = self.0.get(at) else { return Bytes::new() };
        let mut slot = slot.lock();
        if let Some(made) = slot.as_ref()
            && made.version == version
            && now < made.until
        {
            return made.bytes.clone();
        }
        let mut edge = Edge::at(now);
        let bytes = Bytes::from(make(&mut edge).encode_to_vec());
        *slot = Some(Made { version, until: edge.until(), bytes: bytes.clone() });
        bytes
    }
}

/// What the server has encoded. `None` for an entry is a place without a product yet.
pub(crate) struct ReadyMade {
    city: Arc<City>,
    facilities: Shelf,
    garages: Shelf,
    stations: Shelf,
    faces: Shelf,
}

impl ReadyMade {
    pub(crate) fn new(city: &Arc<City>) -> Self {
        ReadyMade {
            city: Arc::clone(city),
            facilities: Shelf::new(city.facilities.len()),
            garages: Shelf::new(city.garages.len()),
            stations: Shelf::new(city.stations.len()),
            faces: Shelf::new(city.signs.len()),
        }
    }

    /// A `vlot.parking.v1.Facility`.
    pub(crate) fn facility(&self, ix: FacilityIx, entry: Option<&Entry>, now: Timestamp) -> Bytes {
        self.facilities
            .get(ix.at(), version(entry), now, |edge| convert::facility(&self.city, ix, entry, edge))
    }

    /// A `vlot.bicycle.v1.Garage`.
    pub(crate) fn garage(&self, ix: GarageIx, entry: Option<&Entry>, now: Timestamp) -> Bytes {
        self.garages.get(ix.at(), version(entry), now, |edge| convert::garage(&self.city, ix, entry, edge))
    }

    /// A `vlot.traffic.v1.Station`.
    pub(crate) fn station(&self, ix: StationIx, entry: Option<&Entry>, now: Timestamp) -> Bytes {
        self.stations.get(ix.at(), version(entry), now, |edge| convert::station(&self.city, ix, entry, edge))
    }

    /// The fields of a `vlot.sign.v1.Face` that all its readers share: all but `pages` and `time_to_live`.
    pub(crate) fn face(&self, ix: SignIx, version: Tick, face: &vlot_model::Face, now: Timestamp) -> Bytes {
        self.faces.get(ix.at(), version, now, |_| convert::face(&self.city, face))
    }
}

fn version(entry: Option<&Entry>) -> Tick {
    entry.map_or(0, |e| e.version)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::common::v1::StreamPosition;

    #[test]
    fn a_message_is_made_anew_for_a_new_version_and_when_it_goes_stale() {
        let shelf = Shelf::new(1);
        let made = std::cell::Cell::new(0);
        let get = |version, second| {
            shelf.get(0, version, Timestamp::from_secs(second), |edge| {
                made.set(made.get() + 1);
                edge.quality(vlot_model::Quality::Good, Some(Timestamp::from_secs(10)));
                StreamPosition { tick: made.get() }
            })
        };
        let first = get(1, 5);
        assert_eq!((get(1, 9).as_ptr(), made.get()), (first.as_ptr(), 1));
        assert_ne!(get(1, 10), first);
        assert_eq!((get(1, 11), made.get()), (get(1, 12), 2));
        get(2, 12);
        assert_eq!(made.get(), 3);
    }
}
