//! The journal as its users see it: on the machine's disk, and on one that fails at will.

#![allow(clippy::unwrap_used, reason = "a test fails by it")]

mod basics;
mod crash;
mod damage;
mod disk;
mod faults;
mod golden;
mod help;
