//! The only place where tokio and timely meet: admission, lanes, workers, shutdown.
