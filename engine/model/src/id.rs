//! Dense indices into [`crate::City`]: hot paths carry these, never strings.

use serde::{Deserialize, Serialize};

macro_rules! index {
    ($($(#[$doc:meta])* $name:ident),* $(,)?) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        pub struct $name(pub u32);

        impl $name {
            /// The position in the city's table.
            #[must_use]
            pub const fn at(self) -> usize {
                self.0 as usize
            }

            /// From a position in the city's table.
            ///
            /// # Panics
            /// Past `u32::MAX` entries, which the settings refuse long before.
            #[must_use]
            pub fn from_position(position: usize) -> Self {
                $name(u32::try_from(position).expect("the settings bound every table"))
            }
        }
    )*};
}

index! {
    /// A field device: a bay sensor, a barrier, a loop, a counter or a sign.
    DeviceIx,
    /// A car park or an on-street zone.
    FacilityIx,
    /// A bicycle garage.
    GarageIx,
    /// A section of a bicycle garage.
    SectionIx,
    /// A count station.
    StationIx,
    /// A sign.
    SignIx,
    /// A directed link of the road network.
    LinkIx,
    /// A junction of the road network.
    NodeIx,
    /// A stretch of streets with a name, whose travel time people ask for.
    CorridorIx,
    /// Two readers of plates or Bluetooth, and the way between them.
    PairIx,
    /// A traffic-light controller.
    ControllerIx,
    /// An air-quality or noise station.
    AirIx,
    /// A place in the list of situations.
    SituationIx,
    /// A named place that signs lead to.
    PlaceIx,
}
