//! How often a sensor's value changes, by local hour of the week.

/// Hours of a week.
pub(crate) const WEEK: usize = 168;

/// The class of a day, which learns five times as fast as one weekday: 0 Monday-Friday, 1 Saturday, 2 Sunday.
pub(crate) fn day_class(hour_of_week: u8) -> usize {
    match hour_of_week / 24 {
        0..=4 => 0,
        5 => 1,
        _ => 2,
    }
}

/// Position of an hour in a table of 3 classes of days.
pub(crate) fn class_hour(hour_of_week: u8) -> usize {
    day_class(hour_of_week) * 24 + usize::from(hour_of_week % 24)
}

/// What one exposure is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Exposure {
    /// A reading that could have shown a change.
    Poll,
    /// An hour in which a change would have been told.
    Hour,
}

/// Changes of one thing or of several that are exposed together.
#[derive(Clone, Copy, Debug)]
struct Cell<const N: usize> {
    changes: [f32; N],
    exposure: f32,
}

impl<const N: usize> Cell<N> {
    const EMPTY: Self = Cell { changes: [0.0; N], exposure: 0.0 };

    fn add(&mut self, changes: [f32; N], exposure: f32, memory: f32) {
        for (sum, changes) in self.changes.iter_mut().zip(changes) {
            *sum += changes;
        }
        self.exposure += exposure;
        // Halving forgets the old: what a garage was like a year ago does not judge it today.
        if self.exposure > memory {
            for sum in &mut self.changes {
                *sum /= 2.0;
            }
            self.exposure /= 2.0;
        }
    }
}

/// Change rates: 168 hours of the week, each leaning on its hour of its class of days while it is young. 1.9 kB.
#[derive(Clone, Debug)]
pub(crate) struct Rates<const N: usize = 1> {
    exposure: Exposure,
    week: [Cell<N>; WEEK],
    class: [Cell<N>; 72],
}

impl<const N: usize> Rates<N> {
    pub(crate) fn new(exposure: Exposure) -> Self {
        Rates { exposure, week: [Cell::EMPTY; WEEK], class: [Cell::EMPTY; 72] }
    }

    /// (memory, weight of the class of days, prior without changes), in exposures.
    fn weights(&self) -> (f32, f32, f32) {
        match self.exposure {
            Exposure::Poll => (150.0, 6.0, 3.0),
            Exposure::Hour => (13.0, 1.0, 1.0),
        }
    }

    /// Learns `changes` of each seen in `exposure` (polls, or hours).
    pub(crate) fn learn_each(&mut self, hour_of_week: u8, changes: [f32; N], exposure: f32) {
        let (memory, _, _) = self.weights();
        if let Some(cell) = self.week.get_mut(usize::from(hour_of_week)) {
            cell.add(changes, exposure, memory);
        }
        if let Some(cell) = self.class.get_mut(class_hour(hour_of_week)) {
            cell.add(changes, exposure, memory * 5.0);
        }
    }

    /// Changes of each expected of one exposure; 0 while nothing is known.
    pub(crate) fn each(&self, hour_of_week: u8) -> [f32; N] {
        let (_, lean, prior) = self.weights();
        let class = self.class.get(class_hour(hour_of_week)).copied().unwrap_or(Cell::EMPTY);
        let week = self.week.get(usize::from(hour_of_week)).copied().unwrap_or(Cell::EMPTY);
        let mut rates = week.changes;
        for (rate, changes) in rates.iter_mut().zip(class.changes) {
            let class_rate = changes / (class.exposure + prior);
            *rate = (*rate + lean * class_rate) / (week.exposure + lean);
        }
        rates
    }
}

impl Rates {
    /// Learns `changes` seen in `exposure` (polls, or hours).
    pub(crate) fn learn(&mut self, hour_of_week: u8, changes: f32, exposure: f32) {
        self.learn_each(hour_of_week, [changes], exposure);
    }

    /// Changes expected of one exposure; 0 while nothing is known.
    pub(crate) fn rate(&self, hour_of_week: u8) -> f32 {
        let [rate] = self.each(hour_of_week);
        rate
    }

    /// How much `exposure` without any change surprises: minus the logarithm of its probability, in nats.
    pub(crate) fn surprise(&self, hour_of_week: u8, exposure: f32) -> f32 {
        let rate = self.rate(hour_of_week);
        match self.exposure {
            Exposure::Poll => -(1.0 - rate.min(0.95)).ln() * exposure,
            Exposure::Hour => rate * exposure,
        }
    }
}
