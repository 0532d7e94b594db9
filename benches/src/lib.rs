//! What the measurements share: a city to measure with, a paced load, sign clients, the processes under test.
//!
//! Every figure is taken beside a floor in the same run on the same machine: read ratios, not absolutes.

pub mod bare;
pub mod city;
pub mod engine;
pub mod flood;
pub mod journal;
pub mod load;
pub mod process;
pub mod signs;
pub mod traci;
pub mod wire;

use hdrhistogram::Histogram;

/// The wall's clock, in microseconds since the epoch: all processes of a measurement run on one machine.
#[must_use]
pub fn now_micros() -> i64 {
    #[expect(clippy::disallowed_methods, reason = "a measurement reads the wall's clock")]
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    since.map_or(0, |d| i64::try_from(d.as_micros()).unwrap_or(i64::MAX))
}

/// A histogram of microseconds up to a minute.
///
/// # Panics
/// Never: the bounds are sound.
#[must_use]
#[expect(clippy::expect_used, reason = "constant bounds")]
pub fn histogram() -> Histogram<u64> {
    Histogram::new_with_bounds(1, 60_000_000, 3).expect("constant bounds")
}

/// `p50 0.21  p99 2.40  max 5.10 ms (n 120000)`.
#[must_use]
pub fn milliseconds(h: &Histogram<u64>) -> String {
    let at = |q: f64| h.value_at_quantile(q) as f64 / 1_000.0;
    format!(
        "p50 {:>7.2}  p99 {:>7.2}  max {:>8.2} ms  (n {})",
        at(0.5),
        at(0.99),
        h.max() as f64 / 1_000.0,
        h.len()
    )
}

/// Adds a row to the table of `benches/all`, when that is what runs: what was measured, its aim, whether it is reached.
///
/// # Errors
/// When the table cannot be written to.
pub fn row(what: &str, measured: &str, aim: &str, reached: bool) -> std::io::Result<()> {
    let Some(table) = std::env::var_os("VLOT_BENCH_TABLE") else { return Ok(()) };
    let mut table = std::fs::OpenOptions::new().create(true).append(true).open(table)?;
    let reached = if reached { "yes" } else { "no" };
    std::io::Write::write_all(&mut table, format!("{what}\t{measured}\t{aim}\t{reached}\n").as_bytes())
}
