//! What will be free.

use std::time::Duration;

use vlot_model::{
    City, Entry, FacilityForecast, FacilityIx, ForecastBasis, ForecastPoint, Product, Quality, Timestamp,
};

use super::{Edge, timestamp};
use crate::wire::common::v1::Quality as Told;
use crate::wire::parking::v1 as wire;

/// A facility's forecast; without points when it has outlived its time.
pub(crate) fn forecast(
    city: &City,
    ix: FacilityIx,
    entry: Option<&Entry>,
    edge: &mut Edge,
) -> wire::FacilityForecast {
    let facility_id = city.facilities.get(ix.at()).map(|f| f.id.to_string()).unwrap_or_default();
    let Some((version, known)) = known(entry) else {
        let basis = wire::ForecastBasis::NoHistory.into();
        return wire::FacilityForecast { facility_id, basis, ..wire::FacilityForecast::default() };
    };
    let (basis, history_days) = match known.basis {
        ForecastBasis::NoHistory => (wire::ForecastBasis::NoHistory, 0),
        ForecastBasis::OwnHistory { days } => (wire::ForecastBasis::OwnHistory, days),
    };
    let holds = edge.quality(Quality::Good, Some(known.valid_until)) == Told::Good;
    let points = known.points.iter().filter(|_| holds).map(|p| point(known.made_at, p));
    wire::FacilityForecast {
        facility_id,
        basis: basis.into(),
        history_days,
        made_at: Some(timestamp(known.made_at)),
        valid_until: Some(timestamp(known.valid_until)),
        points: points.collect(),
        version,
    }
}

/// What will be free on arrival; `None` where nothing is known.
pub(crate) fn on_arrival(
    entry: Option<&Entry>,
    arrival: Timestamp,
    now: Timestamp,
) -> Option<wire::ForecastPoint> {
    let (_, known) = known(entry).filter(|(_, known)| now < known.valid_until)?;
    // A forecast may be some minutes old: its last point stands for what is still within an hour.
    let last = known.made_at + Duration::from_secs(known.points.last()?.ahead_s.into());
    let point = known.on_arrival(arrival.min(last))?;
    Some(wire::ForecastPoint { at: Some(timestamp(arrival)), ..self::point(known.made_at, &point) })
}

fn known(entry: Option<&Entry>) -> Option<(u64, &FacilityForecast)> {
    match entry.map(|e| (e.version, &*e.product)) {
        Some((version, Product::Forecast(known))) => Some((version, known)),
        _ => None,
    }
}

fn point(made_at: Timestamp, p: &ForecastPoint) -> wire::ForecastPoint {
    wire::ForecastPoint {
        at: Some(timestamp(made_at + Duration::from_secs(p.ahead_s.into()))),
        free_low: p.free_low,
        free: p.free,
        free_high: p.free_high,
    }
}
