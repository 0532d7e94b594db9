//! When something was observed: absolute time, local time of week, and the kind of day.

/// Seconds per slot of the internal grid.
pub const SLOT_S: i64 = 300;
/// Minutes per week.
pub(crate) const WEEK_MIN: i64 = 7 * 1440;

/// What the calendar says about a day, decided by the caller's configuration.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum DayKind {
    /// A day like its weekday.
    #[default]
    Ordinary,
    /// A public holiday: expected and learned as a Sunday, for no facility sees enough holidays to learn them alone.
    Holiday,
}

/// A place in an event that fills the facility.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct InEvent {
    /// Which event, by its name: the next one of the same name is expected to be alike.
    pub name: u16,
    /// When this one begins, seconds since the Unix epoch.
    pub from_s: i64,
}

/// An instant as the forecaster needs it; the caller knows the time zone and the calendar.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Moment {
    /// Seconds since the Unix epoch, UTC.
    pub unix_s: i64,
    /// Minutes since Monday 00:00 local, `0..10_080`; larger values wrap.
    pub week_minute: u16,
    /// The kind of the local day.
    pub today: DayKind,
    /// The kind of the next local day: a horizon may pass midnight.
    pub tomorrow: DayKind,
    /// The event under way, or that begins within an hour.
    pub event: Option<InEvent>,
}

impl Moment {
    /// A moment between two ordinary days.
    #[must_use]
    pub const fn ordinary(unix_s: i64, week_minute: u16) -> Self {
        Moment { unix_s, week_minute, today: DayKind::Ordinary, tomorrow: DayKind::Ordinary, event: None }
    }

    /// The slot of the absolute grid.
    pub(crate) const fn slot(self) -> i64 {
        self.unix_s.div_euclid(SLOT_S)
    }

    /// Local offset from UTC in slots, derived from both clocks, within half a week.
    pub(crate) fn offset_slots(self) -> i64 {
        let utc = (self.unix_s.div_euclid(60) + 3 * 1440).rem_euclid(WEEK_MIN);
        let offset = (i64::from(self.week_minute) - utc + WEEK_MIN / 2).rem_euclid(WEEK_MIN) - WEEK_MIN / 2;
        offset.div_euclid(SLOT_S / 60)
    }

    /// Minute of the local day in `0..1440`, `ahead_min` later.
    pub(crate) fn day_minute(self, ahead_min: i64) -> i64 {
        (i64::from(self.week_minute) + ahead_min).rem_euclid(1440)
    }

    /// Whether an event is under way: its figures would spoil the weekly profile.
    pub(crate) fn is_in_event(self) -> bool {
        self.event.is_some_and(|event| event.from_s <= self.unix_s)
    }

    /// Minute of the profile week `ahead_min` later: holidays fall on Sunday.
    pub(crate) fn profile_minute(self, ahead_min: i64) -> i64 {
        let minute = (i64::from(self.week_minute) + ahead_min).rem_euclid(WEEK_MIN);
        match self.kind(ahead_min) {
            DayKind::Holiday => 6 * 1440 + minute.rem_euclid(1440),
            DayKind::Ordinary => minute,
        }
    }

    /// The kind of the day `ahead_min` later, at most a day ahead.
    pub(crate) fn kind(self, ahead_min: i64) -> DayKind {
        let passes_midnight = i64::from(self.week_minute).rem_euclid(1440) + ahead_min >= 1440;
        if passes_midnight { self.tomorrow } else { self.today }
    }
}
