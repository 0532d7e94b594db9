//! The board to bytes: rendered sign faces, the board as JSON.

mod board;
mod face;

pub use board::board_json;
pub use face::{FaceRenderer, RenderError, RenderedPage};
