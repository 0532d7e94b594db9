//! Products as encoded messages, each made once and then shared by all who read it.

use std::sync::Arc;

use bytes::Bytes;
use parking_lot::Mutex;
use prost::Message;
use vlot_model::{City, Entry, FacilityIx, GarageIx, SignIx, StationIx, Tick, Timestamp};

use crate::convert::{self, Edge};
use crate::frames::frame;
use crate::wire::bicycle::v1::WatchGarageResponse;
use crate::wire::bicycle::v1::watch_garage_response::Change;
use crate::wire::common::v1::StreamPosition;
use crate::wire::parking::v1::{WatchFacilitiesResponse, WatchForecastsResponse};
use crate::wire::traffic::v1::WatchCountsResponse;

/// One message a place.
struct Shelf(Vec<Mutex<Option<Made>>>);

/// Good for one version of the product, and until something in it goes stale.
struct Made {
    version: Tick,
    until: Timestamp,
    message: Bytes,
    /// The change that carries it, without and with a position.
    changes: [Option<Bytes>; 2],
}

impl Shelf {
    fn new(len: usize) -> Self {
        Shelf((0..len).map(|_| Mutex::new(None)).collect())
    }

    fn with<T: Default, M: Message>(
        &self,
        at: usize,
        version: Tick,
        now: Timestamp,
        make: impl FnOnce(&mut Edge) -> M,
        take: impl FnOnce(&mut Made) -> T,
    ) -> T {
        let Some(slot) = self.0.get(at) else { return T::default() };
        let mut slot = slot.lock();
        if let Some(made) = slot.as_mut()
            && made.version == version
            && now < made.until
        {
            return take(made);
        }
        let mut edge = Edge::at(now);
        let message = Bytes::from(make(&mut edge).encode_to_vec());
        take(slot.insert(Made { version, until: edge.until(), message, changes: [None, None] }))
    }

    /// The message.
    fn message<M: Message>(
        &self,
        at: usize,
        version: Tick,
        now: Timestamp,
        make: impl FnOnce(&mut Edge) -> M,
    ) -> Bytes {
        self.with(at, version, now, make, |made| made.message.clone())
    }

    /// The change that carries the message, as a frame.
    fn change<M: Message, C: Message>(
        &self,
        at: usize,
        (entry, ends_tick): (Option<&Entry>, bool),
        now: Timestamp,
        make: impl FnOnce(&mut Edge) -> M,
        carry: impl FnOnce(Bytes, Option<StreamPosition>) -> C,
    ) -> Bytes {
        self.with(at, version(entry), now, make, |made| {
            let message = &made.message;
            let change = &mut made.changes[usize::from(ends_tick)];
            change.get_or_insert_with(|| frame(&carry(message.clone(), position(entry, ends_tick)))).clone()
        })
    }
}

/// What the server has encoded. `None` for an entry is a place without a product yet.
pub(crate) struct ReadyMade {
    city: Arc<City>,
    facilities: Shelf,
    forecasts: Shelf,
    garages: Shelf,
    stations: Shelf,
    faces: Shelf,
}

impl ReadyMade {
    pub(crate) fn new(city: &Arc<City>) -> Self {
        ReadyMade {
            city: Arc::clone(city),
            facilities: Shelf::new(city.facilities.len()),
            forecasts: Shelf::new(city.facilities.len()),
            garages: Shelf::new(city.garages.len()),
            stations: Shelf::new(city.stations.len()),
            faces: Shelf::new(city.signs.len()),
        }
    }

    /// A `vlot.parking.v1.Facility`.
    pub(crate) fn facility(&self, ix: FacilityIx, entry: Option<&Entry>, now: Timestamp) -> Bytes {
        let make = |edge: &mut Edge| convert::facility(&self.city, ix, entry, edge);
        self.facilities.message(ix.at(), version(entry), now, make)
    }

    /// The response of a watch.
    pub(crate) fn facility_change(
        &self,
        ix: FacilityIx,
        entry: Option<&Entry>,
        ends_tick: bool,
        now: Timestamp,
    ) -> Bytes {
        let make = |edge: &mut Edge| convert::facility(&self.city, ix, entry, edge);
        self.facilities.change(ix.at(), (entry, ends_tick), now, make, |facility, position| {
            WatchFacilitiesResponse { facility, position }
        })
    }

    /// The response of a watch.
    pub(crate) fn forecast_change(
        &self,
        ix: FacilityIx,
        entry: Option<&Entry>,
        ends_tick: bool,
        now: Timestamp,
    ) -> Bytes {
        let make = |edge: &mut Edge| convert::forecast(&self.city, ix, entry, edge);
        self.forecasts.change(ix.at(), (entry, ends_tick), now, make, |forecast, position| {
            WatchForecastsResponse { forecast, position }
        })
    }

    /// A `vlot.bicycle.v1.Garage`.
    pub(crate) fn garage(&self, ix: GarageIx, entry: Option<&Entry>, now: Timestamp) -> Bytes {
        let make = |edge: &mut Edge| convert::garage(&self.city, ix, entry, edge);
        self.garages.message(ix.at(), version(entry), now, make)
    }

    /// The response of a watch.
    pub(crate) fn garage_change(
        &self,
        ix: GarageIx,
        entry: Option<&Entry>,
        ends_tick: bool,
        now: Timestamp,
    ) -> Bytes {
        let make = |edge: &mut Edge| convert::garage(&self.city, ix, entry, edge);
        self.garages.change(ix.at(), (entry, ends_tick), now, make, |garage, position| WatchGarageResponse {
            change: Some(Change::Garage(garage)),
            position,
        })
    }

    /// A `vlot.traffic.v1.Station`.
    pub(crate) fn station(&self, ix: StationIx, entry: Option<&Entry>, now: Timestamp) -> Bytes {
        let make = |edge: &mut Edge| convert::station(&self.city, ix, entry, edge);
        self.stations.message(ix.at(), version(entry), now, make)
    }

    /// The response of a watch.
    pub(crate) fn station_change(
        &self,
        ix: StationIx,
        entry: Option<&Entry>,
        ends_tick: bool,
        now: Timestamp,
    ) -> Bytes {
        let make = |edge: &mut Edge| convert::station(&self.city, ix, entry, edge);
        self.stations.change(ix.at(), (entry, ends_tick), now, make, |station, position| {
            WatchCountsResponse { station, position }
        })
    }

    /// The fields of a `vlot.sign.v1.Face` that all its readers share: all but `pages` and `time_to_live`.
    pub(crate) fn face(&self, ix: SignIx, version: Tick, face: &vlot_model::Face, now: Timestamp) -> Bytes {
        self.faces.message(ix.at(), version, now, |_| convert::face(&self.city, face))
    }
}

/// The position that a change carries: behind the tick that it ends.
pub(crate) fn position(entry: Option<&Entry>, ends_tick: bool) -> Option<StreamPosition> {
    entry.filter(|_| ends_tick).map(|e| StreamPosition { tick: e.version })
}

fn version(entry: Option<&Entry>) -> Tick {
    entry.map_or(0, |e| e.version)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_is_made_anew_for_a_new_version_and_when_it_goes_stale() {
        let shelf = Shelf::new(1);
        let made = std::cell::Cell::new(0);
        let get = |version, second| {
            shelf.message(0, version, Timestamp::from_secs(second), |edge| {
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
