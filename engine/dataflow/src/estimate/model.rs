//! What is configured of a facility's sources.

/// Microseconds since 1970, UTC, as `vlot_model::Timestamp` holds them.
pub type Instant = i64;

/// How a facility's sources err. All rates are shares of 1 and at most 0.4; [`Model::checked`] brings them there.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Model {
    /// Spaces.
    pub capacity: u32,
    /// Vehicles that can be inside at most, at least the capacity: in full car parks some stand beside the spaces.
    pub ceiling: u32,
    /// All ways in and out are counted. Without, a count of vehicles holds for its instant alone.
    pub barriers: bool,
    /// Passages that a barrier does not count.
    pub miss: f64,
    /// Passages that a barrier counts twice.
    pub double: f64,
    /// How far a lane's errors may lean one way for good, as a share of `miss + double`: standard deviation.
    pub lean: f64,
    /// Reporting bays whose word is wrong.
    pub lie: f64,
    /// Standard deviation of a third party's figure, vehicles.
    pub figure_sd: f64,
    /// Vehicles an hour that may come or go unseen while a third party's figure ages; matters without barriers alone.
    pub turnover_per_hour: f64,
    /// A third party's figure that has not changed for so long ages from its last change, microseconds.
    pub flat_after_us: i64,
    /// Readings may come that late or in another order, microseconds: a bound must be broken for so long to be believed.
    pub settle_us: i64,
}

impl Model {
    /// The defaults for a capacity: 1 % missed, 0.5 % double, 2 % of bays wrong.
    #[must_use]
    pub fn new(capacity: u32) -> Self {
        Model {
            capacity,
            ceiling: capacity,
            barriers: true,
            miss: 0.01,
            double: 0.005,
            lean: 0.1,
            lie: 0.02,
            figure_sd: 3.0,
            turnover_per_hour: f64::from(capacity) * 0.25,
            flat_after_us: 3_600_000_000,
            settle_us: 60_000_000,
        }
    }

    /// With every value in its bounds; what is no number becomes 0.
    #[must_use]
    pub fn checked(self) -> Self {
        let rate = |x: f64| if x > 0.0 { x.min(0.4) } else { 0.0 };
        let size = |x: f64| if x > 0.0 { x.min(1e6) } else { 0.0 };
        Model {
            ceiling: self.ceiling.max(self.capacity),
            miss: rate(self.miss),
            double: rate(self.double),
            lean: size(self.lean).min(1.0),
            lie: rate(self.lie),
            figure_sd: size(self.figure_sd),
            turnover_per_hour: size(self.turnover_per_hour),
            flat_after_us: self.flat_after_us.max(0),
            settle_us: self.settle_us.max(0),
            ..self
        }
    }

    /// Variance of the drift that one passage adds: a passage errs by one vehicle or not at all.
    pub(super) fn per_passage(&self) -> f64 {
        self.miss + self.double
    }
}
