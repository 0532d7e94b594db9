//! The board to bytes: rendered sign faces, the board as JSON.
