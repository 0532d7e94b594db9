//! Ways from door to door for one trip by car or by bicycle, each with what it rests on.

use crate::{ClosedBy, FacilityIx, GarageIx, SectionIx, Timestamp, UserGroup};

/// Seconds, and between which of them four of five outcomes lie.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Span {
    /// As expected.
    pub seconds: f64,
    /// Low end of the 80 % interval.
    pub low_s: f64,
    /// High end.
    pub high_s: f64,
}

impl Span {
    /// Without any doubt.
    #[must_use]
    pub fn exactly(seconds: f64) -> Self {
        Span { seconds, low_s: seconds, high_s: seconds }
    }

    /// One after the other, each erring on its own.
    #[must_use]
    pub fn then(self, next: Span) -> Span {
        let seconds = self.seconds + next.seconds;
        let below = (self.seconds - self.low_s).hypot(next.seconds - next.low_s);
        let above = (self.high_s - self.seconds).hypot(next.high_s - next.seconds);
        Span { seconds, low_s: seconds - below, high_s: seconds + above }
    }
}

/// A part of a trip.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Leg {
    /// How.
    pub kind: LegKind,
    /// How long.
    pub time: Span,
    /// Metres; `None`: not known, or none.
    pub length_m: Option<f64>,
    /// What that rests on.
    pub basis: LegBasis,
}

/// How one gets on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum LegKind {
    /// By car.
    Drive,
    /// By bicycle.
    Cycle,
    /// For the bus or the shuttle.
    Wait,
    /// On it.
    Ride,
    /// On foot.
    Walk,
}

/// What the time of a part rests on.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum LegBasis {
    /// A way over the streets, as they are now; of this share of its length traffic is measured, 0..=100.
    Streets {
        /// Percent.
        measured_pct: f64,
    },
    /// No street leads there for pedestrians: a straight line and a third more.
    StraightLine,
    /// The timetable.
    Timetable {
        /// When the run leaves.
        leaves: Timestamp,
    },
    /// Departures so many minutes apart, at times that are not known.
    Headway {
        /// Minutes.
        minutes: u32,
    },
    /// As configured.
    Configured,
}

/// Where one parks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum ParkedAt {
    /// The car.
    Facility(FacilityIx),
    /// The bicycle.
    Garage(GarageIx),
}

/// How one travels.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum TripKind {
    /// Drive, park, walk.
    DrivePark,
    /// Drive to the edge, park, ride, walk.
    EdgeRide,
    /// Cycle, park, walk.
    CycleGarage,
}

/// What will be free where one parks, when one arrives there.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct SpaceOnArrival {
    /// Probability of a space, 0..=1; `None`: nothing is known.
    pub chance: Option<f64>,
    /// No fewer are free, at 90 %.
    pub free_low: Option<f64>,
    /// As many as not.
    pub free: Option<f64>,
    /// No more are free, at 90 %.
    pub free_high: Option<f64>,
    /// Vehicles that signs and apps have sent there, and that will be there first; the figures above are without their spaces.
    pub on_the_way: f64,
    /// What it rests on.
    pub basis: SpaceBasis,
}

/// What an expectation of spaces rests on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SpaceBasis {
    /// The facility's forecast, made then.
    Forecast {
        /// When.
        made_at: Timestamp,
    },
    /// The present figure and what goes in and out now.
    Trend {
        /// Of the newest reading.
        observed_at: Timestamp,
    },
    /// The present figure, and what usually changes in that time.
    Present {
        /// Of the newest reading.
        observed_at: Timestamp,
    },
    /// Nothing that may be relied on.
    Unknown,
}

/// A way from door to door.
#[derive(Clone, Debug, PartialEq)]
pub struct TripOption {
    /// How.
    pub kind: TripKind,
    /// Where one parks.
    pub at: ParkedAt,
    /// Position among the facility's ways on, where one rides.
    pub onward: Option<usize>,
    /// When to leave.
    pub departs: Timestamp,
    /// When one is to stand before a free space.
    pub parks: Timestamp,
    /// When one is to be there.
    pub arrives: Timestamp,
    /// In order.
    pub legs: Vec<Leg>,
    /// All of them together.
    pub door: Span,
    /// What will be free.
    pub space: SpaceOnArrival,
    /// Whether it lets in when one arrives; `None`: nobody said, and nobody says that it does not.
    pub open: Option<bool>,
    /// What options are ranked by: seconds from door to door, and the risk of being turned away in seconds.
    pub cost_s: f64,
    /// Sections of a bicycle garage that suit, in their order.
    pub sections: Vec<SectionIx>,
    /// Seconds that one may stay from then on; `None`: as long as one likes, or nobody said.
    pub stay_max_s: Option<u64>,
}

/// Where one cannot park, or should not.
#[derive(Clone, Debug, PartialEq)]
pub struct RuledOut {
    /// How one would have travelled.
    pub kind: TripKind,
    /// Where.
    pub at: ParkedAt,
    /// Why not.
    pub why: RuledOutBy,
}

/// Why one cannot park there, or should not.
#[derive(Clone, Debug, PartialEq)]
pub enum RuledOutBy {
    /// It lets nobody in when one arrives.
    Closed {
        /// Then.
        arrival: Timestamp,
        /// Who says so.
        by: ClosedBy,
    },
    /// There will be no space.
    Full {
        /// Probability of one, 0..=1; `None`: its status says so.
        chance: Option<f64>,
    },
    /// No way leads there.
    NoWay {
        /// By this means.
        by: LegKind,
    },
    /// It has no spaces for a group.
    NoSpaceFor {
        /// This one.
        group: UserGroup,
    },
    /// One may not stay for so long.
    StayTooLong {
        /// Seconds that one may.
        limit_s: u64,
    },
    /// It has no places that suit the bicycle.
    NoRack,
    /// The vehicle is too high.
    TooHigh {
        /// Centimetres that fit.
        limit_cm: u32,
    },
    /// On foot it is too far.
    TooFar {
        /// Metres.
        walk_m: f64,
    },
    /// It has no bus or shuttle, or where that stops is not known.
    NoLine,
    /// Nothing leaves in time by the timetable.
    NoDeparture {
        /// From then on.
        from: Timestamp,
    },
    /// It is for those who hire a place.
    NotPublic,
    /// One would be too late.
    TooLate {
        /// Leaving now, one is there then.
        arrives: Timestamp,
    },
}
