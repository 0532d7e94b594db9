//! Health for load balancers and supervisors: NOT_SERVING while what is served may be untrue.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::MissedTickBehavior;
use tonic_health::ServingStatus;
use tonic_health::server::HealthReporter;

use crate::shared::Shared;

/// How often the engine is looked at.
const LOOK_EVERY: Duration = Duration::from_millis(250);

/// Keeps the health of `services` (and of the server as a whole, the empty name) true.
pub(crate) async fn keep(shared: Arc<Shared>, reporter: HealthReporter, services: &'static [&'static str]) {
    let mut look = tokio::time::interval(LOOK_EVERY);
    look.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut told = None;
    loop {
        look.tick().await;
        let context = &shared.context;
        let halted =
            shared.standstill(context.clock.now()).into_iter().chain((context.problems)()).find(|p| p.halts);
        let status = if halted.is_some() { ServingStatus::NotServing } else { ServingStatus::Serving };
        if told == Some(status) {
            continue;
        }
        let starting = told.replace(status).is_none();
        match &halted {
            // Before the first tick there is nothing to serve, and nothing wrong.
            Some(problem) if starting => {
                tracing::debug!(part = problem.part, what = problem.what, "not serving yet")
            }
            Some(problem) => tracing::warn!(part = problem.part, what = problem.what, "not serving"),
            None => tracing::info!("serving"),
        }
        for service in services.iter().chain(&[""]) {
            reporter.set_service_status(service, status).await;
        }
    }
}
