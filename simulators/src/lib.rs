//! A simulated city: field devices, signs and garages, clients of the public interfaces only.
