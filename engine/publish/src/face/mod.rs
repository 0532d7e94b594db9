//! Sign faces: from MULTI to full-colour pixels.

mod cache;
mod check;
mod error;
mod fonts;
mod markup;
mod renderer;

pub use error::RenderError;
pub use renderer::{FaceRenderer, RenderedPage};

#[cfg(test)]
mod tests;
