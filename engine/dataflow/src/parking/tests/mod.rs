//! Each rule by example, and the whole against twins that count everything anew at each tick.

mod acts;
mod cases;
mod shown;
mod twin;
