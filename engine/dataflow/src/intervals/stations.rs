//! Counts of a mode in the dataflow.

use std::sync::Arc;

use vlot_model::{Admitted, City, Device, Meters};

use super::{Lane, Stations};
use crate::health::judged::Judged;
use crate::health::keeper::Keeper;
use crate::shell::per_tick;
use crate::{Clocks, Readings, Updates};

/// The count of each interval of the stations of a mode, once it is closed and whenever a late reading corrects it.
pub(crate) fn stations<'s, L: Lane>(
    name: &str,
    readings: Readings<'s>,
    clock: Clocks<'s>,
    city: &Arc<City>,
    meters: &Arc<Meters>,
) -> Updates<'s> {
    let station: Arc<[u64]> = super::station_of_device(city).into();
    let of_device = Arc::clone(&station);
    let route = move |input: &Admitted| station[input.reading.device.at()];
    per_tick(name, readings, clock, route, |part| {
        let mine = |device: &Device| super::counts(device.role, L::MODE, city);
        let keeper = Keeper::new(city, part, |device| of_device[device.at()], mine);
        Judged::new(Stations::<L>::new(city, meters), keeper, meters)
    })
}
