//! What bay sensors say together: sums that one bay's change moves in constant time, a byte a bay.

use super::maths::float;
use super::model::Model;

/// A bay, as far as its sensor says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BayState {
    /// Never heard, fallen silent, or not sure itself.
    Silent,
    /// Free.
    Free,
    /// A vehicle stands in it.
    Occupied,
}

#[derive(Clone, Copy, Debug)]
struct Bay {
    state: BayState,
    /// It was caught lying: it counts as silent until it is seen to tell the truth.
    doubted: bool,
}

/// All bays of a facility that have sensors.
#[derive(Clone, Debug)]
pub struct Bays {
    bays: Vec<Bay>,
    occupied: u32,
    free: u32,
    doubted: u32,
}

/// What the bays say of the whole facility.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Said {
    /// The plain sum, with the silent ones filled in after the others.
    pub(super) plain: f64,
    /// The unbiased figure.
    pub(super) fair: f64,
    /// Of the unbiased figure.
    pub(super) variance: f64,
    /// Vehicles that a reporting bay sees: less cannot be, but for lies.
    pub(super) reporting: u32,
}

/// Standard deviation of the difference in filling between spaces with and without sensors: those may be on another level.
const UNSENSED_SD: f64 = 0.25;
/// When a facility is said to be empty (or full), more bays than this share that say otherwise say it is not.
const CAUGHT_MAX: f64 = 0.2;

impl Bays {
    /// So many bays, all silent.
    #[must_use]
    pub fn new(bays: usize) -> Self {
        let silent = Bay { state: BayState::Silent, doubted: false };
        Bays { bays: vec![silent; bays], occupied: 0, free: 0, doubted: 0 }
    }

    /// Trusted bays that report a vehicle.
    #[must_use]
    pub fn occupied(&self) -> u32 {
        self.occupied
    }

    /// Trusted bays that report none.
    #[must_use]
    pub fn free(&self) -> u32 {
        self.free
    }

    /// Bays that were caught lying.
    #[must_use]
    pub fn doubted(&self) -> u32 {
        self.doubted
    }

    fn sum(&mut self, state: BayState) -> Option<&mut u32> {
        match state {
            BayState::Silent => None,
            BayState::Free => Some(&mut self.free),
            BayState::Occupied => Some(&mut self.occupied),
        }
    }

    /// The bay at `position` says so, or falls silent; `false` if that changes no sum.
    pub fn set(&mut self, position: usize, state: BayState) -> bool {
        let Some(bay) = self.bays.get_mut(position) else { return false };
        let old = *bay;
        bay.state = state;
        if old.doubted || old.state == state {
            return false;
        }
        if let Some(sum) = self.sum(old.state) {
            *sum -= 1;
        }
        if let Some(sum) = self.sum(state) {
            *sum += 1;
        }
        true
    }

    /// The part of all that the bays were wrong of which one change of one bay makes something else: with two states that
    /// alternate at a filling `p`, what a bay holds is forgotten as exp(-changes / 2p(1-p)).
    pub(super) fn turned(&self) -> f64 {
        let n = f64::from(self.occupied + self.free).max(1.0);
        let filling = (f64::from(self.occupied) + 0.5) / (n + 1.0);
        1.0 / (2.0 * n * filling * (1.0 - filling))
    }

    /// It is known for sure that all bays are `truth`: those that say otherwise are doubted, the others trusted again.
    /// `false`, and nothing is done, if too many say otherwise. The one call that looks at every bay.
    pub(super) fn judge(&mut self, truth: BayState) -> bool {
        let says = |bay: &&Bay| bay.state != BayState::Silent;
        let reporting = self.bays.iter().filter(says).count();
        let lies = self.bays.iter().filter(says).filter(|bay| bay.state != truth).count();
        let (lies, reporting) =
            (u32::try_from(lies).unwrap_or(u32::MAX), u32::try_from(reporting).unwrap_or(0));
        if f64::from(lies) > (CAUGHT_MAX * f64::from(reporting)).max(1.0) {
            return false;
        }
        (self.occupied, self.free, self.doubted) = (0, 0, 0);
        for bay in &mut self.bays {
            match bay.state {
                // Nothing new is known of it.
                BayState::Silent => {}
                said => bay.doubted = said != truth,
            }
            match bay.state {
                _ if bay.doubted => self.doubted += 1,
                BayState::Silent => {}
                BayState::Free => self.free += 1,
                BayState::Occupied => self.occupied += 1,
            }
        }
        true
    }

    /// The bays' evidence; `None` while no trusted bay reports.
    ///
    /// Of `n` reporting bays `k` say occupied, each wrong with chance `e`: k is binomial about `x + (n - 2x) e` where x are,
    /// so (k - n e) / (1 - 2 e) is unbiased with variance n e (1 - e) / (1 - 2 e)^2 (W. J. Youden 1950; W. J. Rogan,
    /// B. Gladen, *Am. J. Epidemiol.* 107, 1978). Silent bays are drawn like the reporting ones.
    pub(super) fn said(&self, model: &Model) -> Option<Said> {
        let reporting = self.occupied + self.free;
        if reporting == 0 {
            return None;
        }
        let (n, k, e) = (f64::from(reporting), f64::from(self.occupied), model.lie);
        let bays = u32::try_from(self.bays.len()).unwrap_or(u32::MAX);
        let silent = float(i64::from(bays) - i64::from(reporting));
        let unsensed = float((i64::from(model.capacity) - i64::from(bays)).max(0));
        let unknown = silent + unsensed;
        // Laplace's rule keeps a doubt where all say the same.
        let filling = (k + 0.5) / (n + 1.0);
        let honest = 1.0 - 2.0 * e;
        let fair = ((k - n * e) / honest).clamp(0.0, n);
        let drawn = unknown * filling * (1.0 - filling) * (1.0 + unknown / n);
        let elsewhere = unsensed * UNSENSED_SD;
        Some(Said {
            plain: k + unknown * k / n,
            fair: fair + unknown * fair / n,
            variance: (n * e * (1.0 - e)) / (honest * honest) * (1.0 + unknown / n)
                + drawn
                + elsewhere * elsewhere,
            reporting,
        })
    }
}
