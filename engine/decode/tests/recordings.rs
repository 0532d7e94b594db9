//! Real uplinks.
