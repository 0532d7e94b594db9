//! What a device said, after `decode` and before any estimate.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::{AirQuantity, DeviceIx, LinkId, SignalState, Situation, Timestamp, Verdict};

/// The number of an admitted batch: strictly growing over the life of a journal, the dataflow's notion of time.
pub type Tick = u64;

/// So many ticks are left out when an engine goes on from a journal. Ticks that a crash took after they were published
/// and before they were on disk are never used again: a client that has seen them and resumes after them must not
/// miss what comes now. Far more than can be under way. Where two ticks of the clock are further apart than this, the
/// engine was started anew in between.
pub const TICKS_SKIPPED: Tick = 1 << 16;

/// One statement of one device. Carries no personal data: what identifies a person never leaves `decode`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Reading {
    /// Who said it.
    pub device: DeviceIx,
    /// The device's own message counter, where it has one.
    pub sequence: Option<u32>,
    /// When it was true, by the device's or its network's clock.
    pub observed_at: Timestamp,
    /// When it reached us.
    pub received_at: Timestamp,
    /// What was said.
    pub value: Value,
}

/// What a device can say.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Value {
    /// A bay is taken or free.
    Bay {
        /// Whether a vehicle stands in it.
        occupied: bool,
    },
    /// A bay's sensor says that its last word is not to be trusted (it calibrates, or has failed): the bay is unknown
    /// until it speaks again.
    BayUnsure,
    /// Vehicles passed a barrier since the last message.
    Passage {
        /// Which way.
        direction: Direction,
        /// How many, usually one.
        vehicles: u16,
    },
    /// A barrier's running totals since its last restart; a total that falls is a restart.
    Totals {
        /// Vehicles that went in.
        entries: u32,
        /// Vehicles that went out.
        exits: u32,
    },
    /// Occupied spaces by the account of a controller or a third party: a barrier count starts over from it.
    Occupied {
        /// Spaces, within 0..=the wire format's bound; may exceed the capacity.
        spaces: u32,
    },
    /// A facility says whether it lets vehicles in.
    Opening {
        /// Open to vehicles.
        open: bool,
    },
    /// Motor traffic of one lane over an interval that starts at `observed_at`.
    Traffic {
        /// Length of the interval.
        interval_s: u16,
        /// Vehicles counted.
        vehicles: u32,
        /// Arithmetic mean speed; `None` without vehicles or without a reading.
        speed_kmh: Option<f32>,
        /// Share of the interval in which the detector was covered, 0..=100.
        detector_occupancy_pct: Option<f32>,
    },
    /// Bicycles over an interval that starts at `observed_at`; `None` is a gap, never 0.
    Bicycles {
        /// Length of the interval.
        interval_s: u16,
        /// Towards the centre.
        inbound: Option<u32>,
        /// Away from it.
        outbound: Option<u32>,
    },
    /// Free places of a garage section.
    Places {
        /// Places without a bicycle.
        free: u32,
    },
    /// A person counted the vehicles inside, at `observed_at`.
    Verified {
        /// Occupied spaces.
        occupied: u32,
    },
    /// An operator sets the occupied spaces without anybody having counted.
    Corrected {
        /// Occupied spaces.
        occupied: u32,
    },
    /// A facility's counter was replaced or set back: its count goes on, and what was learned of its errors is forgotten.
    CounterReplaced,
    /// An operator closes a facility, whatever it says itself, or gives it back to its own word.
    Closure {
        /// Closed by the operator.
        closed: bool,
    },
    /// Vehicles set out for a facility, as an app says that guides them.
    Guided {
        /// How many, at least 1.
        vehicles: u16,
        /// Seconds from `observed_at` to their arrival, at most [`crate::ANNOUNCED_AHEAD_MAX_S`].
        arrive_after_s: u32,
    },
    /// A situation on the roads, as an operator or a feed states it.
    Situation(Arc<Situation>),
    /// An operator says what a suspected incident is.
    IncidentVerdict {
        /// Where it is suspected.
        link: LinkId,
        /// What it is.
        verdict: Verdict,
    },
    /// A followed vehicle left a link over whose whole length it had gone, at `observed_at`. Which vehicle, and where else it
    /// went, cannot be told from it.
    Traversal {
        /// The link.
        link: LinkId,
        /// Seconds over the whole link.
        seconds: f32,
        /// The same for the same vehicle on the same link within a window, and nowhere else: for counting distinct vehicles.
        token: u32,
    },
    /// A vehicle was seen at the second end of a pair, at `observed_at`, so long after the first.
    PairTime {
        /// Seconds.
        seconds: f32,
    },
    /// A traffic-light controller says what it does.
    Signal {
        /// What.
        state: SignalState,
        /// The plan that runs, by the controller's own number.
        plan: Option<u16>,
    },
    /// An air station measured.
    Air {
        /// What.
        quantity: AirQuantity,
        /// In the quantity's unit.
        value: f32,
    },
    /// The device lives but said nothing of its subject (start-up, battery report).
    Alive,
    /// A sign says which face it displays; 0 is its own fallback.
    SignShown {
        /// [`crate::Face::version`].
        face_version: u64,
    },
    /// A sign reports its health.
    SignFault {
        /// What is wrong.
        fault: SignFault,
    },
    /// A sign's connection opened or closed.
    SignLink {
        /// Open.
        connected: bool,
    },
}

/// Through a barrier.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Direction {
    /// Into the facility.
    In,
    /// Out of it.
    Out,
}

/// A sign's self-diagnosis, after NTCIP 1203 `shortErrorStatus`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum SignFault {
    /// All is well.
    None,
    /// Pixels are dark or stuck.
    Pixel,
    /// Power failed or is low.
    Power,
    /// Too hot or too cold.
    Temperature,
    /// The light sensor failed.
    Photocell,
    /// The controller itself failed.
    Controller,
    /// The sign refused a face.
    FaceRejected,
}

/// A reading with its place in the journal.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Admitted {
    /// The batch that it came with.
    pub tick: Tick,
    /// The batch's instant, by the engine's clock.
    pub at: Timestamp,
    /// Its position in the batch.
    pub index: u32,
    /// The reading.
    pub reading: Reading,
}

/// The engine's clock as an input: without readings, time still passes, and things go stale.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct ClockTick {
    /// Its place in the journal.
    pub tick: Tick,
    /// The engine's time.
    pub at: Timestamp,
}
