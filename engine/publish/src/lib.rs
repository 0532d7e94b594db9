//! The board to bytes: rendered sign faces and why they are so, the board as JSON.

mod board;
mod face;
mod reason;
mod sensor;
mod trip;

pub use board::board_json;
pub use face::{FaceRenderer, RenderError, RenderedPage};
pub use reason::{Reasons, reasons};
pub use sensor::sensor_why;
pub use trip::{option_why, ruled_out_why};
