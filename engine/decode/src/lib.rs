//! Bytes to readings: one folder a wire format. No I/O, no clock.
