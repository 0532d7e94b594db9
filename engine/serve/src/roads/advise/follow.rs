//! Vehicles that apps announce: each an input like a sensor's, and none of them known afterwards.
//!
//! What is held of a trip, under an id that the client chose at random, is held in memory until its arrival, so that what is said
//! twice counts once. A client is told apart by its certificate's name, else by its address, and may announce so many a minute, and
//! have so many under way to one car park: no app alone fills it on paper.

use std::collections::{BTreeMap, VecDeque};
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use tonic::{Request, Status};
use vlot_model::{
    ANNOUNCED_AHEAD_MAX_S, DeviceIx, FacilityIx, Key, Product, Reading, RefusalKind, Tick, Timestamp, Value,
};

use crate::acts::{CertifiedClient, ask, through};
use crate::connection::Peer;
use crate::convert;
use crate::shared::Shared;
use crate::wire::guidance::v1::{FollowRequest, FollowResponse};

/// Of one client, in a minute of the engine's time.
const A_MINUTE: usize = 30;
/// Of one client on its way to one car park: this part of its spaces, and at least so many.
const PART_OF_SPACES: u32 = 10;
const UNDER_WAY_MIN: u32 = 2;
/// Of all clients together.
const TRIPS_MAX: usize = 100_000;
const MINUTE: Duration = Duration::from_secs(60);
/// Another machine's clock may be behind ours by this much.
const BEHIND_MAX: Duration = Duration::from_secs(120);

/// Who asks.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Client {
    Named(Arc<str>),
    From(IpAddr),
    /// Nobody can be told from anybody else.
    Anyone,
}

/// Who sends a request.
pub(super) fn client<T>(request: &Request<T>) -> Client {
    let certified = request.extensions().get::<CertifiedClient>().and_then(|client| client.name.clone());
    let from = || request.extensions().get::<Peer>().map(|peer| Client::From(peer.0));
    certified.map(Client::Named).or_else(from).unwrap_or(Client::Anyone)
}

/// What all clients have announced.
#[derive(Default)]
pub(super) struct Followers(Mutex<Held>);

#[derive(Default)]
struct Held {
    trips: BTreeMap<(Client, String), Trip>,
    /// When each client announced in the minute that is ending now.
    of_late: BTreeMap<Client, VecDeque<Timestamp>>,
    /// The newest reading of each desk: no two are of one instant, for admission would take them for one.
    newest: BTreeMap<DeviceIx, Timestamp>,
}

struct Trip {
    facility: FacilityIx,
    arrival: Timestamp,
    reading: Reading,
    /// It is in the journal.
    counted: bool,
}

/// What is to be done with a request.
#[derive(Debug)]
enum Turn {
    /// It was announced and counted before.
    Before,
    /// This is to be handed in, perhaps not for the first time.
    HandIn(Reading),
}

impl Held {
    /// Lets go of what is over.
    fn forget(&mut self, now: Timestamp) {
        self.trips.retain(|_, trip| now < trip.arrival);
        self.of_late.retain(|_, times| {
            while times.front().is_some_and(|t| now.since(*t) >= MINUTE) {
                times.pop_front();
            }
            !times.is_empty()
        });
    }

    fn take(
        &mut self,
        (client, id): (Client, String),
        (facility, capacity, device): (FacilityIx, u32, DeviceIx),
        arrival: Timestamp,
        now: Timestamp,
    ) -> Result<Turn, Status> {
        self.forget(now);
        if let Some(trip) = self.trips.get(&(client.clone(), id.clone())) {
            return match trip {
                trip if trip.facility != facility => Err(Status::already_exists(
                    "trip_id: is another trip, to another car park (hint: every trip has an id of its own)",
                )),
                Trip { counted: true, .. } => Ok(Turn::Before),
                trip => Ok(Turn::HandIn(trip.reading.clone())),
            };
        }
        let full = |what: String| Err(Status::resource_exhausted(what));
        let of_late = self.of_late.get(&client).map_or(0, VecDeque::len);
        if of_late >= A_MINUTE {
            return full(format!(
                "this client has announced {of_late} vehicles in the last minute, which is its bound"
            ));
        }
        let theirs = |((c, _), trip): &(&(Client, String), &Trip)| *c == client && trip.facility == facility;
        let under_way = self.trips.iter().filter(theirs).count();
        let most = (capacity / PART_OF_SPACES).max(UNDER_WAY_MIN);
        if under_way >= most as usize {
            return full(format!(
                "this client has {under_way} vehicles under way there, which is its bound: a tenth of the spaces"
            ));
        }
        if self.trips.len() >= TRIPS_MAX {
            return full(format!("{TRIPS_MAX} vehicles are under way, which is the engine's bound"));
        }
        let newest = self.newest.entry(device).or_insert(Timestamp::from_micros(i64::MIN));
        let observed_at = now.max(*newest + Duration::from_micros(1));
        *newest = observed_at;
        let arrive_after_s = u32::try_from(arrival.since(now).as_secs()).unwrap_or(u32::MAX);
        let value = Value::Guided { vehicles: 1, arrive_after_s: arrive_after_s.min(ANNOUNCED_AHEAD_MAX_S) };
        let reading = Reading { device, sequence: None, observed_at, received_at: observed_at, value };
        self.of_late.entry(client.clone()).or_default().push_back(now);
        let trip = Trip { facility, arrival, reading: reading.clone(), counted: false };
        self.trips.insert((client, id), trip);
        Ok(Turn::HandIn(reading))
    }
}

fn wrong(what: impl Into<String>) -> Status {
    Status::invalid_argument(what)
}

impl Followers {
    pub(super) async fn follow(
        &self,
        shared: &Shared,
        client: Client,
        request: FollowRequest,
    ) -> Result<FollowResponse, Status> {
        let FollowRequest { facility_id, arrival, trip_id } = request;
        let at = shared.names.facilities.find(&facility_id)?;
        let (context, facility) = (&shared.context, FacilityIx::from_position(at));
        let now = context.clock.now();
        if !ask::is_id(&trip_id) {
            return Err(wrong(
                "trip_id: is required: at most 64 of A-Z a-z 0-9 . _ : -, chosen at random for this trip",
            ));
        }
        let arrival = arrival.ok_or_else(|| wrong("arrival: is required"))?;
        let arrival = convert::instant(&arrival).ok_or_else(|| wrong("arrival: is no instant"))?;
        if now.since(arrival) > BEHIND_MAX {
            return Err(wrong(format!("arrival: {arrival} is over; the engine's clock says {now}")));
        }
        if arrival.since(now) > Duration::from_secs(ANNOUNCED_AHEAD_MAX_S.into()) {
            return Err(wrong(format!("arrival: {arrival} is more than two hours ahead of {now}")));
        }
        // Who is there in this moment is still expected for as long as it takes to say so.
        let arrival = arrival.max(now + Duration::from_secs(1));
        let capacity = context.city.facilities.get(at).map_or(0, |f| f.capacity);
        let device = context.city.apps_desk(facility).ok_or_else(|| {
            Status::failed_precondition("this engine's configuration has no desk for apps there")
        })?;
        let name = (client, trip_id);
        let turn = self.0.lock().take(name.clone(), (facility, capacity, device), arrival, now)?;
        let tick = match turn {
            Turn::Before => 0,
            Turn::HandIn(reading) => {
                let tick = hand_in(shared, reading).await?;
                if let Some(trip) = self.0.lock().trips.get_mut(&name) {
                    trip.counted = true;
                }
                tick
            }
        };
        let on_the_way =
            context.board.get(Key::Expected(facility)).map_or(0, |entry| match &*entry.product {
                Product::Expected(expected) => expected.on_the_way(now),
                _ => 0,
            });
        Ok(FollowResponse { tick, on_the_way })
    }
}

/// Until it is in the journal.
async fn hand_in(shared: &Shared, reading: Reading) -> Result<Tick, Status> {
    let settled = through(shared, reading).await.ok_or_else(|| {
        Status::unavailable(
            "the journal does not have it yet (hint: again with the same trip_id: it counts once)",
        )
    })?;
    match settled.refused {
        // Handed in before, and it came through.
        None | Some(RefusalKind::Duplicate | RefusalKind::Superseded) => Ok(settled.tick),
        Some(kind) => Err(Status::unavailable(format!("admission does not take it: {}", kind.name()))),
    }
}

#[cfg(test)]
mod tests {
    use tonic::Code;

    use super::*;

    const NOW: Timestamp = Timestamp::from_secs(1_000_000);
    const HERE: (FacilityIx, u32, DeviceIx) = (FacilityIx(0), 40, DeviceIx(7));

    fn client(n: u8) -> Client {
        Client::From(IpAddr::from([192, 0, 2, n]))
    }

    fn take(
        held: &mut Held,
        who: u8,
        id: usize,
        at: (FacilityIx, u32, DeviceIx),
        s: u64,
    ) -> Result<Turn, Code> {
        let now = NOW + Duration::from_secs(s);
        let arrival = now + Duration::from_secs(600);
        held.take((client(who), format!("t{id}")), at, arrival, now).map_err(|e| e.code())
    }

    #[test]
    fn a_client_has_a_tenth_of_the_spaces_under_way_and_thirty_a_minute() {
        let mut held = Held::default();
        for id in 0..4 {
            assert!(matches!(take(&mut held, 1, id, HERE, 0), Ok(Turn::HandIn(_))));
        }
        assert_eq!(take(&mut held, 1, 4, HERE, 1).unwrap_err(), Code::ResourceExhausted);
        // Another client, and another car park, are another matter.
        assert!(take(&mut held, 2, 4, HERE, 1).is_ok());
        let elsewhere = (FacilityIx(1), 10_000, DeviceIx(8));
        for id in 10..36 {
            assert!(take(&mut held, 1, id, elsewhere, 1).is_ok(), "{id}");
        }
        assert_eq!(take(&mut held, 1, 36, elsewhere, 2).unwrap_err(), Code::ResourceExhausted);
        assert!(take(&mut held, 1, 36, elsewhere, 61).is_ok());
        // Who has arrived is on the way no more.
        assert!(take(&mut held, 1, 4, HERE, 601).is_ok());
        assert!(held.of_late.len() == 1 && held.trips.len() < 30);
    }

    #[test]
    fn said_again_it_is_the_same_reading_and_counted_it_is_none() {
        let mut held = Held::default();
        let Ok(Turn::HandIn(first)) = take(&mut held, 1, 0, HERE, 0) else { panic!("refused") };
        let Ok(Turn::HandIn(again)) = take(&mut held, 1, 0, HERE, 5) else { panic!("refused") };
        assert_eq!(first, again);
        assert_eq!(
            take(&mut held, 1, 0, (FacilityIx(1), 40, DeviceIx(8)), 5).unwrap_err(),
            Code::AlreadyExists
        );
        // Two in one instant are two statements to admission.
        let Ok(Turn::HandIn(other)) = take(&mut held, 2, 0, HERE, 0) else { panic!("refused") };
        assert!(other.observed_at > first.observed_at && other.value == first.value);
        held.trips.values_mut().for_each(|trip| trip.counted = true);
        assert!(matches!(take(&mut held, 1, 0, HERE, 6), Ok(Turn::Before)));
    }
}
