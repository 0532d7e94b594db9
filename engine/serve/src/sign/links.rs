//! Which connection each sign has: at most one, the newest.

use std::sync::Arc;

use parking_lot::Mutex;
use vlot_model::{City, Meters, SignIx};

/// Sign connections by sign.
pub(crate) struct Links {
    held: Mutex<Held>,
    meters: Arc<Meters>,
}

struct Held {
    /// Which connection holds the sign, by its number.
    by_sign: Vec<Option<u64>>,
    last: u64,
    connected: u64,
}

impl Links {
    pub(crate) fn new(city: &City, meters: Arc<Meters>) -> Self {
        let held = Held { by_sign: vec![None; city.signs.len()], last: 0, connected: 0 };
        Links { held: Mutex::new(held), meters }
    }

    /// Gives the sign to a new connection and returns its number; whoever held the sign has lost it.
    pub(super) fn take(&self, sign: SignIx) -> u64 {
        let mut held = self.held.lock();
        held.last += 1;
        let number = held.last;
        if let Some(place) = held.by_sign.get_mut(sign.at())
            && place.replace(number).is_none()
        {
            held.connected += 1;
        }
        self.meters.signs_connected.set(held.connected);
        number
    }

    /// Whether the connection of that number still has the sign.
    pub(super) fn holds(&self, sign: SignIx, number: u64) -> bool {
        self.held.lock().by_sign.get(sign.at()) == Some(&Some(number))
    }

    /// Gives the sign back; `false` when another connection has taken it.
    pub(super) fn release(&self, sign: SignIx, number: u64) -> bool {
        let mut held = self.held.lock();
        let Some(place) = held.by_sign.get_mut(sign.at()).filter(|p| **p == Some(number)) else {
            return false;
        };
        *place = None;
        held.connected -= 1;
        self.meters.signs_connected.set(held.connected);
        true
    }
}

#[cfg(test)]
mod tests {
    use vlot_model::{LonLat, Matrix, Placement, Sign};

    use super::*;

    #[test]
    fn the_newest_connection_has_the_sign() {
        let sign = Sign {
            id: "s".into(),
            name: String::new(),
            position: LonLat::default(),
            matrix: Matrix { width_px: 1, height_px: 1 },
            placement: Placement::Street,
            lines: Vec::new(),
            template: 0,
            time_to_live: std::time::Duration::ZERO,
            min_dwell: std::time::Duration::ZERO,
            demand: 1.0,
            device: vlot_model::DeviceIx(0),
        };
        let meters = Arc::new(Meters::default());
        let links = Links::new(&City { signs: vec![sign], ..City::default() }, Arc::clone(&meters));
        let sign = SignIx(0);
        let first = links.take(sign);
        let second = links.take(sign);
        assert!(!links.holds(sign, first) && links.holds(sign, second));
        assert!(!links.release(sign, first));
        assert_eq!(meters.signs_connected.get(), 1);
        assert!(links.release(sign, second) && !links.release(sign, second));
        assert_eq!(meters.signs_connected.get(), 0);
    }
}
