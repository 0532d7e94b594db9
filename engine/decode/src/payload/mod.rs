//! Payload codecs of LoRaWAN bay sensors: one folder a sensor.
//!
//! The device's kind in the configuration names its codec. Only the bay's state becomes a reading; the rest of
//! [`Decoded`] is for whoever looks at one sensor.

mod bosch_tps110;
mod libelium_parking;
mod netvox_r719a;
mod nwave;

use serde::Serialize;
use vlot_model::{DeviceKind, Refusal};

use crate::refuse::{malformed, unsupported, wrong_kind};

/// A sensor's message, without what identifies a person.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Decoded {
    /// Why the sensor spoke.
    pub message: Message,
    /// Whether a vehicle stands in the bay; `None` where the message does not say or the sensor does not know.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub occupied: Option<bool>,
    /// The sensor says that its detection is being calibrated or has failed: its state is not to be trusted.
    #[serde(skip_serializing_if = "is_false")]
    pub unsure: bool,
    /// Temperature in degrees Celsius.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub temperature_c: Option<f32>,
    /// Battery in millivolts.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub battery_mv: Option<u16>,
    /// Battery in millivolts, mean of the last 24 hours.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub battery_mean_mv: Option<u16>,
    /// The sensor asks for a new battery.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub battery_low: Option<bool>,
    /// Battery of a driver's tag in millivolts.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tag_battery_mv: Option<u16>,
    /// Firmware, the most significant number first.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub firmware: Option<[u8; 3]>,
    /// Why the sensor started again.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reset_cause: Option<ResetCause>,
    /// The maker's own health bits; 0 is well.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hardware_health: Option<u8>,
    /// How long the state before this one lasted.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub previous_state: Option<PreviousState>,
    /// The maker's own debug bytes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub debug_info: Option<[u8; 12]>,
    /// A vehicle counter's count.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub count: Option<u16>,
    /// When the sensor is set to report.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reporting: Option<Reporting>,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks for a reference")]
fn is_false(b: &bool) -> bool {
    !*b
}

/// Why a sensor spoke.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Message {
    /// The bay's state changed, or is told anew.
    #[default]
    Status,
    /// It is time for a sign of life.
    Heartbeat,
    /// It started, or started again.
    StartUp,
    /// It says what it is, or answers a command.
    Information,
    /// It reports on itself, for the maker.
    Debug,
    /// A driver's tag was seen in the bay.
    Registration,
    /// It counted vehicles.
    Count,
}

/// Why a sensor started again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum ResetCause {
    /// It lost its network and joins anew.
    Rejoin,
    /// Its software hung.
    Watchdog,
    /// Power came.
    PowerOn,
    /// It was told to.
    Request,
    /// Power was low.
    Brownout,
    /// Anything else.
    Other,
}

/// How long the state before this one lasted, in minutes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct PreviousState {
    /// At least this long.
    pub minutes: u16,
    /// And at most this much longer; `None` is any length.
    pub error_minutes: Option<u16>,
}

/// When a sensor is set to report.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Reporting {
    /// Never sooner than this many seconds after the last report.
    pub min_interval_s: u16,
    /// Never later than this.
    pub max_interval_s: u16,
    /// When the battery changed by this many millivolts.
    pub battery_change_mv: u16,
}

/// Reads the application payload of an uplink on `f_port`, as a sensor of that kind packs it.
///
/// # Errors
/// `WrongKind` for a kind that does not speak LoRaWAN; `Unsupported` for a port or type that the codec does not
/// know; `Malformed` for a payload that is too short or too long; `OutOfRange` for a value that means nothing.
pub fn decode(kind: DeviceKind, f_port: u8, bytes: &[u8]) -> Result<Decoded, Refusal> {
    match kind {
        DeviceKind::BoschTps110 => bosch_tps110::decode(f_port, bytes),
        DeviceKind::Nwave => nwave::decode(f_port, bytes),
        DeviceKind::NetvoxR719a => netvox_r719a::decode(f_port, bytes),
        DeviceKind::LibeliumParking => libelium_parking::decode(f_port, bytes),
        DeviceKind::Bay
        | DeviceKind::Barrier
        | DeviceKind::Counter
        | DeviceKind::Loop
        | DeviceKind::BicycleCounter
        | DeviceKind::SectionSensor
        | DeviceKind::Camera
        | DeviceKind::Sign
        | DeviceKind::ProbeFeed
        | DeviceKind::Reader
        | DeviceKind::Pair
        | DeviceKind::SignalController
        | DeviceKind::AirStation
        | DeviceKind::SituationFeed
        | DeviceKind::Operator
        | DeviceKind::Apps => {
            Err(wrong_kind(format!("a device of kind {kind:?} is configured, which speaks no LoRaWAN")))
        }
    }
}

fn wrong_length(what: &str, f_port: u8, expected: &str, bytes: &[u8]) -> Refusal {
    malformed(format!("payload on f_port {f_port}: length {}, where {what} has {expected}", bytes.len()))
}

fn unknown_port(sensor: &str, f_port: u8, known: &str) -> Refusal {
    unsupported(format!("f_port {f_port}: {sensor} uses {known}"))
}
