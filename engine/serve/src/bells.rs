//! Wakes those streams that a change concerns, and no others.

use std::sync::Arc;

use tokio::sync::watch;
use vlot_model::{City, Key, Placement, SignIx, Tick};

use crate::filter::Filter;
use crate::shared::Shared;

/// Rings when something changed that its holder may want to see.
pub(crate) type Bell = watch::Receiver<()>;

/// A bell for all of a kind, and one for each.
struct Row {
    all: watch::Sender<()>,
    each: Vec<watch::Sender<()>>,
}

impl Row {
    fn new(len: usize) -> Self {
        Row { all: watch::Sender::new(()), each: (0..len).map(|_| watch::Sender::new(())).collect() }
    }

    fn bell(&self, filter: &Filter) -> Bell {
        filter.single().and_then(|at| self.each.get(at)).unwrap_or(&self.all).subscribe()
    }

    fn ring_one(&self, at: usize) {
        if let Some(bell) = self.each.get(at) {
            bell.send_replace(());
        }
    }
}

/// All bells of the house.
pub(crate) struct Bells {
    facilities: Row,
    garages: Row,
    stations: Row,
    signs: Row,
    /// One bell for all: they are many, and seldom change.
    sensors: Row,
    forecasts: Row,
    zones: Row,
    /// One bell for all: who looks at links looks at many.
    links: Row,
    /// Corridors, queues, incidents, situations, traffic lights, air: few, and one bell for all.
    roads: Row,
}

impl Bells {
    pub(crate) fn new(city: &City) -> Self {
        Bells {
            facilities: Row::new(city.facilities.len()),
            garages: Row::new(city.garages.len()),
            stations: Row::new(city.stations.len()),
            signs: Row::new(city.signs.len()),
            sensors: Row::new(0),
            forecasts: Row::new(city.facilities.len()),
            zones: Row::new(city.facilities.len()),
            links: Row::new(0),
            roads: Row::new(0),
        }
    }

    pub(crate) fn facilities(&self, filter: &Filter) -> Bell {
        self.facilities.bell(filter)
    }

    /// Rings for a garage and for the faces of the signs in it.
    pub(crate) fn garages(&self, filter: &Filter) -> Bell {
        self.garages.bell(filter)
    }

    pub(crate) fn stations(&self, filter: &Filter) -> Bell {
        self.stations.bell(filter)
    }

    pub(crate) fn zones(&self, filter: &Filter) -> Bell {
        self.zones.bell(filter)
    }

    /// Rings for a sign's face and for what it reports.
    pub(crate) fn signs(&self, filter: &Filter) -> Bell {
        self.signs.bell(filter)
    }

    pub(crate) fn sensors(&self) -> Bell {
        self.sensors.bell(&Filter::ALL)
    }

    /// Rings for forecasts of facilities.
    pub(crate) fn forecasts(&self, filter: &Filter) -> Bell {
        self.forecasts.bell(filter)
    }

    /// Rings for traffic on links.
    pub(crate) fn links(&self) -> Bell {
        self.links.bell(&Filter::ALL)
    }

    /// Rings for corridors, queues, incidents, situations, traffic lights and air.
    pub(crate) fn roads(&self) -> Bell {
        self.roads.bell(&Filter::ALL)
    }

    /// Wakes the one that holds this sign's connection.
    pub(crate) fn ring_sign(&self, sign: SignIx) {
        self.signs.ring_one(sign.at());
    }

    /// Wakes everyone.
    pub(crate) fn ring_all(&self) {
        for row in [
            &self.facilities,
            &self.garages,
            &self.stations,
            &self.signs,
            &self.sensors,
            &self.forecasts,
            &self.zones,
            &self.links,
            &self.roads,
        ] {
            row.all.send_replace(());
            for bell in &row.each {
                bell.send_replace(());
            }
        }
    }

    fn ring(&self, city: &City, changed: impl Iterator<Item = Key>) {
        let mut kinds = [
            (&self.facilities, false),
            (&self.garages, false),
            (&self.stations, false),
            (&self.signs, false),
            (&self.sensors, false),
            (&self.forecasts, false),
            (&self.zones, false),
            (&self.links, false),
            (&self.roads, false),
        ];
        for key in changed {
            let (kind, at) = match key {
                Key::Health(ix) => (4, ix.at()),
                Key::Facility(ix) => (0, ix.at()),
                Key::Garage(ix) => (1, ix.at()),
                Key::Station(ix) => (2, ix.at()),
                Key::Face(ix) | Key::Sign(ix) => (3, ix.at()),
                Key::Forecast(ix) => (5, ix.at()),
                Key::Zone(ix) => (6, ix.at()),
                Key::Link(ix) => (7, ix.at()),
                Key::Corridor(_)
                | Key::Jams
                | Key::Incident(_)
                | Key::Situation(_)
                | Key::Controller(_)
                | Key::Air(_) => (8, 0),
                Key::Plan(ix) => (3, ix.at()),
                Key::Guidance | Key::Expected(_) => (8, 0),
            };
            kinds[kind].1 = true;
            kinds[kind].0.ring_one(at);
            if let Key::Face(ix) = key
                && let Some(Placement::Garage(garage)) = city.signs.get(ix.at()).map(|s| s.placement)
            {
                self.garages.ring_one(garage.at());
            }
        }
        for (row, rung) in kinds {
            if rung {
                row.all.send_replace(());
            }
        }
    }
}

/// Rings for every change of the board until the engine has gone.
pub(crate) fn ringer(shared: &Arc<Shared>) -> impl Future<Output = ()> + Send + use<> {
    let shared = Arc::clone(shared);
    let mut changed: watch::Receiver<Tick> = shared.context.changed.clone();
    // Before the first stream is open, so that no stream has looked at the board before this.
    let mut cursor = shared.context.board.completed();
    async move {
        while changed.changed().await.is_ok() {
            // One look at the board a round: while streams are being served, further ticks gather for the next one.
            let (next, changes) = shared.context.board.changed_since(cursor, |_| true);
            cursor = next;
            shared.bells.ring(&shared.context.city, changes.iter().map(|(key, _)| *key));
        }
        tracing::debug!("the board has no writer any more");
    }
}
