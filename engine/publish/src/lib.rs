//! The board to bytes: rendered sign faces and why they are so, the board as JSON.

mod board;
mod face;
mod guidance;
mod reading;
mod reason;
mod sensor;
mod trip;

pub use board::board_json;
pub use face::{FaceRenderer, RenderError, RenderedPage};
pub use guidance::{PlanReasons, drive_s, guidance_sentences, plan_reasons, refused_set, target_name};
pub use reading::reading_words;
pub use reason::{Reasons, reasons};
pub use sensor::sensor_why;
pub use trip::{option_why, ruled_out_why};
