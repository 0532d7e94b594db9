//! What becomes of sightings of vehicles: sums over all of them.

use crate::Meter;

/// What the gate counts.
#[derive(Debug, Default)]
pub struct GateMeters {
    /// Sightings that were looked at.
    pub taken: Meter,
    /// Whole links that vehicles were followed along.
    pub traversals: Meter,
    /// Vehicles that were seen at both ends of a pair, in time.
    pub pair_times: Meter,
    /// Vehicles that are followed now (a gauge).
    pub followed: Meter,
    /// Vehicles that are awaited at second readers now (a gauge).
    pub awaited: Meter,
    dropped: [Meter; Dropped::ALL.len()],
}

macro_rules! reasons {
    ($($(#[$doc:meta])* $name:ident = $text:literal),* $(,)?) => {
        /// Why a sighting, or what was known of a vehicle, is of no use.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Dropped { $($(#[$doc])* $name),* }

        impl Dropped {
            /// Every reason, in order of declaration.
            pub const ALL: &'static [Dropped] = &[$(Dropped::$name),*];

            /// Its stable name in metrics and summaries.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self { $(Dropped::$name => $text),* }
            }
        }
    };
}

reasons! {
    /// Dated in the future.
    Ahead = "ahead",
    /// Dated too long ago.
    Behind = "behind",
    /// Not later than the vehicle's last one.
    Repeated = "repeated",
    /// Further away than any vehicle drives.
    Jump = "jump",
    /// Of a vehicle that stands, and has stood for long.
    Parked = "parked",
    /// No link is near.
    OffNetwork = "off_network",
    /// No way over the network leads there.
    NoWay = "no_way",
    /// Without a position, where one is needed.
    NoPosition = "no_position",
    /// The city has no network, or the device sees no vehicles.
    NoNetwork = "no_network",
    /// A vehicle that gave its place to another one: the gate holds no more.
    Crowded = "crowded",
    /// Seen at the second reader sooner or later than a vehicle drives.
    PairTime = "pair_time",
}

impl GateMeters {
    /// Counts one.
    pub fn count(&self, why: Dropped) {
        self.dropped[why as usize].add(1);
    }

    /// So many of one reason so far.
    #[must_use]
    pub fn dropped(&self, why: Dropped) -> u64 {
        self.dropped[why as usize].get()
    }
}
