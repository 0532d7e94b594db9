//! A simulated city: field devices, signs and garages, clients of the public interfaces only.
//!
//! Nothing here depends on the engine: the encoders, the reading of the configuration files and the signs' rules
//! are written a second time from the same public descriptions, so that a mistake on one side shows.

pub mod city;
pub mod drivers;
pub mod layout;
pub mod load;
pub mod mqtt;
pub mod picture;
pub mod recordings;
pub mod signs;
pub mod streets;
pub mod sumo;
pub mod time;
pub mod wire;

/// Why a simulation cannot start or go on.
#[derive(Debug, thiserror::Error)]
pub enum SimError {
    /// A configuration file cannot be used.
    #[error("{file}: {what}")]
    Config {
        /// Name of the file.
        file: String,
        /// What is wrong with it.
        what: String,
    },
    /// The broker does not take messages.
    #[error("broker {broker}: {what}")]
    Broker {
        /// Host and port.
        broker: String,
        /// What is wrong.
        what: String,
    },
    /// The engine's address cannot be used.
    #[error("engine {endpoint}: {what}")]
    Engine {
        /// Its address.
        endpoint: String,
        /// What is wrong.
        what: String,
    },
    /// A recording cannot be read.
    #[error("{file}: {what}")]
    Recording {
        /// The file.
        file: String,
        /// What is wrong, with its line where there is one.
        what: String,
    },
    /// A picture cannot be made.
    #[error("picture: {0}")]
    Picture(String),
}
