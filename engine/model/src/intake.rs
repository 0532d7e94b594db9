//! From a transport to admission: what came in, and whom to tell once it is on disk.

use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::{DeviceIx, LonLat, Reading, RefusalKind, Tick, Timestamp};

/// The wire formats that a topic can be configured to carry.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Format {
    /// Vlot's own JSON.
    VlotJson,
    /// Vlot's own protobuf (`vlot.device.v1.Envelope`).
    VlotProtobuf,
    /// The Things Stack v3 uplinks, JSON.
    TtsV3,
    /// ChirpStack v4 uplinks, JSON.
    ChirpstackV4,
    /// Sightings of vehicles, JSON: what they say of a vehicle ends at the gate.
    VlotSightings,
}

/// A vehicle was seen. Lives in memory between `decode` and the gate, and nowhere else.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Sighting {
    /// The feed or the reader that saw it.
    pub device: DeviceIx,
    /// Which vehicle, under names that only this process knows.
    pub vehicle: Pseudonym,
    /// When.
    pub observed_at: Timestamp,
    /// When it reached us.
    pub received_at: Timestamp,
    /// Where; `None`: where the reader stands.
    pub position: Option<LonLat>,
    /// Its speed, where the feed says it.
    pub speed_kmh: Option<f32>,
    /// Its direction, degrees clockwise from north, where the feed says it.
    pub heading_deg: Option<f32>,
}

/// A vehicle's name under the key of the moment and under the one before, so that a vehicle is followed over a change of keys;
/// without the keys, which live in memory for a while, it says nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pseudonym {
    /// Under the key of the moment.
    pub now: u64,
    /// Under the one before.
    pub before: u64,
}

/// Makes a name of an identity (a plate, a Bluetooth address, a fleet's number) that nobody can turn back.
pub trait Anonymise: Send + Sync {
    /// The names of that identity now.
    fn pseudonym(&self, identity: &[u8]) -> Pseudonym;
}

/// Whom to tell that a message is durable. May be called from any thread; must not block.
pub trait Acknowledge: Send + Sync {
    /// The message of that token is on disk (or was refused for good): the sender may forget it.
    fn acknowledge(&self, token: u64);

    /// The same, with what became of the message, for who wants to know.
    fn settle(&self, token: u64, settled: Settled) {
        let _indifferent = settled;
        self.acknowledge(token);
    }
}

/// What became of a message.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Settled {
    /// The tick that it came with.
    pub tick: Tick,
    /// Why its last refused reading was refused; `None`: all were admitted.
    pub refused: Option<RefusalKind>,
}

/// The right to acknowledge one message, once. Dropped unused, the message stays unacknowledged and comes again.
pub struct Receipt {
    to: Arc<dyn Acknowledge>,
    token: u64,
    settled: Settled,
}

impl Receipt {
    /// For the message that `to` knows by `token`.
    pub fn new(to: Arc<dyn Acknowledge>, token: u64) -> Self {
        Receipt { to, token, settled: Settled::default() }
    }

    /// Notes what became of the message; told when it is durable.
    pub fn note(&mut self, settled: Settled) {
        self.settled = settled;
    }

    /// Tells the sender that the message is durable.
    pub fn acknowledge(self) {
        self.to.settle(self.token, self.settled);
    }
}

impl fmt::Debug for Receipt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Receipt({})", self.token)
    }
}

/// One decoded message on its way to admission.
#[derive(Debug)]
pub struct Submission {
    /// What it said; seldom more than one reading.
    pub readings: Vec<Reading>,
    /// To be acknowledged after the journal has the readings; `None` where nobody waits (QoS 0).
    pub receipt: Option<Receipt>,
}
