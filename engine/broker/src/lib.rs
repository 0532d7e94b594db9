//! The MQTT broker inside the process, for the demo and for small installations.
