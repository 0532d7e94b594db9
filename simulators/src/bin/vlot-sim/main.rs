//! Simulators on the command line.

fn main() {}
