//! Streets to links and turns: where ways meet, what their pieces are called, and which turns are forbidden.

pub(crate) mod built_up;
pub(crate) mod collect;
pub(crate) mod connected;
pub(crate) mod pieces;
pub(crate) mod restriction;
pub(crate) mod stranded;
pub(crate) mod turns;
