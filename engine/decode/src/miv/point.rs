//! One measuring point of a publication.

use vlot_model::{City, DeviceIx, DeviceKind, Reading, Refusal, Timestamp, Value};

use super::xml::Attributes;
use crate::refuse::{malformed, out_of_range, quote, wrong_kind};
use crate::statement::find;

/// Its minutes are minutes.
const INTERVAL_S: u16 = 60;
/// Vehicles of one class in one lane and minute: more than three a second is a code.
const VEHICLES_A_CLASS: u32 = 200;
/// Above this a speed is a code (252: no vehicle, 254: not computed).
const SPEED_KMH_MOST: f32 = 250.0;
/// A minute of which less than this was measured is not counted: it would pass for a quiet one.
const AVAILABLE_PCT_LEAST: f32 = 90.0;

/// What becomes of a point.
#[derive(Debug)]
pub(super) enum Verdict {
    /// Its minute.
    Read(Reading),
    /// It repeats the loop of the opposite direction.
    Ghost,
    /// The feed does not stand behind it.
    Unwell,
    /// Its minute is of an earlier publication.
    Old,
    /// It cannot be read.
    Refused(Refusal),
}

/// A point that the configuration knows, while it is read.
#[derive(Debug)]
pub(super) struct Point {
    id: String,
    lane: String,
    device: DeviceIx,
    observed_at: Option<Timestamp>,
    valid: Option<bool>,
    well: Option<bool>,
    available: bool,
    current: bool,
    available_pct: Option<f32>,
    occupancy_pct: Option<f32>,
    vehicles: u32,
    classes: u32,
    /// Vehicles with a speed, and the sum of these speeds.
    with_speed: u32,
    speeds_kmh: f32,
    class: Option<Class>,
    wrong: Option<Refusal>,
}

/// One class of vehicles of the point.
#[derive(Debug, Default)]
struct Class {
    vehicles: Option<u32>,
    speed_kmh: Option<f32>,
}

impl Point {
    /// The point of these attributes, if the configuration knows it.
    pub(super) fn of(attributes: Attributes<'_>, city: &City) -> Option<Point> {
        let id = attributes.get("unieke_id")?;
        let (device, found) = find(city, &format!("miv-{id}"))?;
        let wrong = (found.kind != DeviceKind::Loop)
            .then(|| wrong_kind(format!("traffic: device {} is of kind {:?}", quote(&found.id), found.kind)));
        Some(Point {
            id: id.to_owned(),
            lane: attributes.get("beschrijvende_id").unwrap_or_default().to_owned(),
            device,
            observed_at: None,
            valid: None,
            well: None,
            available: true,
            current: true,
            available_pct: None,
            occupancy_pct: None,
            vehicles: 0,
            classes: 0,
            with_speed: 0,
            speeds_kmh: 0.0,
            class: None,
            wrong,
        })
    }

    /// As the feed calls it.
    pub(super) fn called(&self) -> String {
        format!("meetpunt {} {}", quote(&self.id), quote(&self.lane))
    }

    pub(super) fn open_class(&mut self, attributes: Attributes<'_>) {
        self.class = Some(Class::default());
        if !attributes.get("klasse_id").is_some_and(|class| matches!(class, "1" | "2" | "3" | "4" | "5")) {
            self.wrong(malformed("meetdata: its klasse_id is none of 1 to 5"));
        }
    }

    pub(super) fn close_class(&mut self) {
        let Some(class) = self.class.take() else { return };
        let Some(vehicles) = class.vehicles else {
            return self.wrong(malformed("meetdata: has no verkeersintensiteit"));
        };
        self.classes += 1;
        self.vehicles = self.vehicles.saturating_add(vehicles);
        // Who passed a loop had a speed: 0 is "no vehicle", or none was measured.
        if let Some(speed) = class.speed_kmh.filter(|s| vehicles > 0 && *s > 0.0 && *s <= SPEED_KMH_MOST) {
            self.with_speed = self.with_speed.saturating_add(vehicles);
            self.speeds_kmh += speed * vehicles as f32;
        }
    }

    /// A field of it.
    pub(super) fn hear(&mut self, name: &str, text: &str) {
        match name {
            "tijd_waarneming" => match text.parse() {
                Ok(at) => self.observed_at = Some(at),
                Err(_) => self.wrong(malformed("tijd_waarneming: no instant with its offset")),
            },
            "geldig" => self.valid = self.flag(name, text).map(|not_valid| !not_valid),
            "defect" => self.well = self.flag(name, text).map(|defect| !defect),
            "beschikbaar" => self.available = self.flag(name, text).unwrap_or(false),
            "actueel_publicatie" => self.current = self.flag(name, text).unwrap_or(false),
            "bezettingsgraad" => self.occupancy_pct = self.figure(name, text),
            "beschikbaarheidsgraad" => self.available_pct = self.figure(name, text),
            "voertuigsnelheid_rekenkundig" => {
                let speed = self.figure(name, text);
                if let Some(class) = &mut self.class {
                    class.speed_kmh = speed;
                }
            }
            "verkeersintensiteit" => {
                let vehicles = match text.parse::<i64>().map(u32::try_from) {
                    Ok(Ok(n)) if n <= VEHICLES_A_CLASS => Some(n),
                    Ok(_) => {
                        let detail = format!("verkeersintensiteit: {text} is outside 0..={VEHICLES_A_CLASS}");
                        self.wrong(out_of_range(detail));
                        Some(0)
                    }
                    Err(_) => {
                        self.wrong(malformed(format!("verkeersintensiteit: {} is no number", quote(text))));
                        None
                    }
                };
                if let Some(class) = &mut self.class {
                    class.vehicles = vehicles;
                }
            }
            _ => {}
        }
    }

    fn wrong(&mut self, refusal: Refusal) {
        self.wrong.get_or_insert(refusal);
    }

    /// `0` or `1`.
    fn flag(&mut self, name: &str, text: &str) -> Option<bool> {
        match text {
            "0" => Some(false),
            "1" => Some(true),
            _ => {
                self.wrong(malformed(format!("{name}: {} is neither 0 nor 1", quote(text))));
                None
            }
        }
    }

    /// A number; with a decimal comma too, as the list of points has it.
    fn figure(&mut self, name: &str, text: &str) -> Option<f32> {
        match text.replace(',', ".").parse::<f32>().ok().filter(|x| x.is_finite()) {
            Some(x) => Some(x),
            None => {
                self.wrong(malformed(format!("{name}: {} is no number", quote(text))));
                None
            }
        }
    }

    /// What it comes to. What the feed says of its own trust goes first: of a defect point nothing else counts.
    pub(super) fn verdict(self, received_at: Timestamp) -> Verdict {
        if is_ghost(&self.lane) {
            return Verdict::Ghost;
        }
        let partial = self.available_pct.is_some_and(|pct| pct < AVAILABLE_PCT_LEAST);
        if self.valid == Some(false) || self.well == Some(false) || !self.available || partial {
            return match self.wrong {
                Some(refusal) if refusal.kind == vlot_model::RefusalKind::WrongKind => {
                    Verdict::Refused(refusal)
                }
                _ => Verdict::Unwell,
            };
        }
        if let Some(refusal) = self.wrong {
            return Verdict::Refused(refusal);
        }
        if self.valid.is_none() || self.well.is_none() {
            return Verdict::Refused(malformed("it says neither geldig nor defect: its trust is not known"));
        }
        if !self.current {
            return Verdict::Old;
        }
        let Some(observed_at) = self.observed_at else {
            return Verdict::Refused(malformed("tijd_waarneming: missing"));
        };
        if self.classes == 0 {
            return Verdict::Refused(malformed("meetdata: missing"));
        }
        let speed_kmh = (self.with_speed > 0).then(|| self.speeds_kmh / self.with_speed as f32);
        Verdict::Read(Reading {
            device: self.device,
            sequence: None,
            observed_at,
            received_at,
            value: Value::Traffic {
                interval_s: INTERVAL_S,
                vehicles: self.vehicles,
                speed_kmh,
                detector_occupancy_pct: self.occupancy_pct.filter(|pct| (0.0..=100.0).contains(pct)),
            },
        })
    }
}

/// `TRxx` and `TLxx` repeat the loops of `Rxx` and `Lxx` for the opposite direction: `H222TR10` beside `H222R10`.
fn is_ghost(lane: &str) -> bool {
    let rest = lane.trim_start_matches(|c: char| c.is_ascii_uppercase() && c != 'T');
    let rest = rest.trim_start_matches(|c: char| c.is_ascii_digit() || matches!(c, '.' | '-' | '_' | ' '));
    let mut marks = rest.chars();
    marks.next() == Some('T') && marks.next().is_some_and(|c| matches!(c, 'R' | 'L') || c.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::is_ghost;

    #[test]
    fn ghosts_are_told_by_their_lane() {
        for ghost in ["TR10", "TL11", "H222TR10", "H222TL10", "H291T10", "R001.TR12"] {
            assert!(is_ghost(ghost), "{ghost}");
        }
        for lane in ["R10", "L11", "H222L10", "H222R10", "", "H291B10", "TUNNEL", "H2T"] {
            assert!(!is_ghost(lane), "{lane}");
        }
    }
}
