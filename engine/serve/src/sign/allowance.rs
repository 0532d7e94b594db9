//! What a sign may say in a second, and what becomes of the rest.
//!
//! A sign that says more than it may is read on, so that it costs neither its connection nor the other signs on it: HTTP/2
//! ends a connection on which too many small messages lie unread. Of the rest the newest of each kind is kept until the
//! next second, which leaves the engine with what is so now.

use std::collections::VecDeque;
use std::mem::discriminant;
use std::time::Duration;

use tokio::time::{Interval, MissedTickBehavior};
use vlot_model::{DeviceIx, RefusalKind, Submission};

use crate::shared::Shared;

/// What a sign has said and the inbox does not have yet.
pub(super) struct Allowance {
    /// Messages that it may say a second.
    limit: u32,
    /// Of those, left until the next second.
    left: u32,
    refill: Interval,
    waiting: Option<Submission>,
    /// Said beyond the limit: of each kind of value the newest, oldest first.
    excess: VecDeque<Submission>,
    complained: bool,
}

impl Allowance {
    pub(super) fn new(shared: &Shared, first: Submission) -> Self {
        let mut refill = tokio::time::interval(Duration::from_secs(1));
        refill.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let limit = shared.sign_messages_per_s();
        Allowance {
            limit,
            left: limit,
            refill,
            waiting: Some(first),
            excess: VecDeque::new(),
            complained: false,
        }
    }

    /// Something waits for the inbox.
    pub(super) fn waits(&self) -> bool {
        self.waiting.is_some()
    }

    /// The next message of the sign is to be read: held back is only who has not said too much, by an inbox that is full.
    pub(super) fn reads(&self) -> bool {
        self.waiting.is_none() || self.left == 0
    }

    /// It is beyond the limit.
    pub(super) fn spent(&self) -> bool {
        self.left == 0
    }

    /// A message that was read; `None`: it was refused.
    pub(super) fn hears(&mut self, shared: &Shared, sign: DeviceIx, said: Option<Submission>) {
        if self.left > 0 {
            self.left -= 1;
            self.waiting = said;
            return;
        }
        if !std::mem::replace(&mut self.complained, true) {
            let sign = shared.context.city.devices.get(sign.at()).map_or("", |d| &*d.id);
            tracing::warn!(sign, limit = self.limit, "a sign says more a second than it may");
        }
        let Some(said) = said else { return };
        let kind = |s: &Submission| s.readings.first().map(|r| discriminant(&r.value));
        if let Some(older) = self.excess.iter().position(|s| kind(s) == kind(&said)) {
            self.excess.remove(older);
            shared.context.meters.refuse(RefusalKind::Overload, 1);
        }
        self.excess.push_back(said);
    }

    /// Takes what waits for the inbox.
    pub(super) fn take(&mut self) -> Option<Submission> {
        let taken = self.waiting.take();
        self.goes_on();
        taken
    }

    /// Waits for the next second; never ends while nothing was said in this one.
    pub(super) async fn refilled(&mut self) {
        if self.left == self.limit {
            std::future::pending::<()>().await;
        }
        self.refill.tick().await;
        self.left = self.limit;
        self.goes_on();
    }

    /// All that the inbox does not have yet.
    pub(super) fn rest(&mut self) -> impl Iterator<Item = Submission> + use<> {
        self.waiting.take().into_iter().chain(std::mem::take(&mut self.excess))
    }

    fn goes_on(&mut self) {
        if self.waiting.is_none()
            && self.left > 0
            && let Some(next) = self.excess.pop_front()
        {
            self.left -= 1;
            self.waiting = Some(next);
        }
    }
}
