//! How full things are over a day: tables of (hour, level), read with straight lines between.

use super::calendar::{Day, Local};

/// Levels over a day.
type Table = &'static [(f64, f64)];

/// A habit: its levels on weekdays, Saturdays and Sundays.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Habit {
    weekday: Table,
    saturday: Table,
    sunday: Table,
}

impl Habit {
    /// The level at a local instant.
    pub(crate) fn at(&self, local: Local) -> f64 {
        let table = match local.day {
            Day::Weekday => self.weekday,
            Day::Saturday => self.saturday,
            Day::Sunday => self.sunday,
        };
        interpolate(table, local.hour)
    }
}

fn interpolate(table: Table, hour: f64) -> f64 {
    let mut before = (0.0, table.last().map_or(0.0, |p| p.1));
    for &(h, level) in table {
        if hour < h {
            let share = (hour - before.0) / (h - before.0).max(1e-9);
            return before.1 + (level - before.1) * share;
        }
        before = (h, level);
    }
    before.1
}

/// A car park of the shopping centre: share of its spaces taken.
pub(crate) const CENTRE: Habit = Habit {
    weekday: &[
        (6.0, 0.12),
        (8.0, 0.35),
        (10.0, 0.72),
        (14.0, 0.90),
        (17.0, 0.80),
        (19.0, 0.62),
        (21.0, 0.5),
        (24.0, 0.2),
    ],
    saturday: &[
        (7.0, 0.12),
        (10.0, 0.60),
        (13.0, 0.96),
        (15.5, 1.06),
        (17.5, 0.92),
        (20.0, 0.6),
        (24.0, 0.25),
    ],
    sunday: &[(8.0, 0.10), (12.0, 0.35), (15.0, 0.48), (18.0, 0.40), (22.0, 0.25), (24.0, 0.12)],
};

/// A car park beside restaurants and theatres: it fills in the evening, until it is full.
pub(crate) const EVENING: Habit = Habit {
    weekday: &[
        (6.0, 0.15),
        (9.0, 0.55),
        (12.0, 0.80),
        (16.0, 0.72),
        (18.0, 0.88),
        (19.5, 1.08),
        (21.5, 1.04),
        (23.0, 0.55),
        (24.0, 0.3),
    ],
    saturday: &[
        (7.0, 0.15),
        (11.0, 0.70),
        (14.0, 1.0),
        (17.0, 0.92),
        (19.0, 1.10),
        (22.0, 1.06),
        (24.0, 0.5),
    ],
    sunday: &[(8.0, 0.12), (12.0, 0.55), (15.0, 0.65), (18.0, 0.85), (20.0, 0.75), (24.0, 0.2)],
};

/// A car park at the edge, with commuters and a shuttle.
pub(crate) const EDGE: Habit = Habit {
    weekday: &[
        (5.5, 0.08),
        (7.5, 0.40),
        (9.0, 0.80),
        (13.0, 0.86),
        (16.0, 0.78),
        (18.0, 0.35),
        (20.0, 0.18),
        (24.0, 0.08),
    ],
    saturday: &[(8.0, 0.08), (11.0, 0.40), (15.0, 0.62), (18.0, 0.35), (24.0, 0.10)],
    sunday: &[(9.0, 0.06), (14.0, 0.25), (18.0, 0.20), (24.0, 0.06)],
};

/// Bays along a street: share taken.
pub(crate) const STREET: Habit = Habit {
    weekday: &[
        (5.0, 0.35),
        (8.0, 0.62),
        (10.0, 0.84),
        (12.5, 0.90),
        (14.0, 0.82),
        (17.0, 0.90),
        (19.0, 0.80),
        (22.0, 0.5),
        (24.0, 0.38),
    ],
    saturday: &[(6.0, 0.35), (10.0, 0.86), (15.0, 0.95), (18.0, 0.86), (21.0, 0.7), (24.0, 0.42)],
    sunday: &[(7.0, 0.30), (12.0, 0.55), (17.0, 0.60), (21.0, 0.45), (24.0, 0.33)],
};

/// A commuters' bicycle garage: share of its places taken.
pub(crate) const BICYCLE_GARAGE: Habit = Habit {
    weekday: &[
        (5.5, 0.38),
        (7.0, 0.52),
        (8.5, 0.88),
        (10.0, 0.96),
        (15.5, 0.95),
        (17.0, 0.74),
        (18.5, 0.52),
        (21.0, 0.42),
        (24.0, 0.38),
    ],
    saturday: &[(7.0, 0.36), (12.0, 0.52), (16.0, 0.55), (20.0, 0.46), (24.0, 0.38)],
    sunday: &[(8.0, 0.34), (16.0, 0.40), (21.0, 0.50), (24.0, 0.42)],
};

/// Motor traffic into the city, as a share of a lane's peak.
pub(crate) const MOTOR_IN: Habit = Habit {
    weekday: &[
        (4.0, 0.03),
        (6.0, 0.22),
        (7.6, 0.95),
        (8.6, 1.06),
        (9.6, 0.62),
        (12.0, 0.55),
        (15.0, 0.60),
        (17.0, 0.72),
        (19.0, 0.45),
        (22.0, 0.18),
        (24.0, 0.06),
    ],
    saturday: &[(5.0, 0.03), (9.0, 0.38), (11.0, 0.70), (15.0, 0.66), (19.0, 0.40), (24.0, 0.10)],
    sunday: &[(6.0, 0.03), (11.0, 0.32), (15.0, 0.45), (19.0, 0.35), (24.0, 0.07)],
};

/// Motor traffic out of the city, as a share of a lane's peak.
pub(crate) const MOTOR_OUT: Habit = Habit {
    weekday: &[
        (4.0, 0.03),
        (6.5, 0.30),
        (8.2, 0.62),
        (10.0, 0.48),
        (13.0, 0.55),
        (15.5, 0.74),
        (16.8, 1.05),
        (18.0, 0.98),
        (19.5, 0.5),
        (22.0, 0.22),
        (24.0, 0.07),
    ],
    saturday: &[(6.0, 0.04), (11.0, 0.50), (16.0, 0.72), (18.0, 0.62), (24.0, 0.12)],
    sunday: &[(7.0, 0.03), (13.0, 0.35), (17.0, 0.55), (20.0, 0.40), (24.0, 0.08)],
};

/// Bicycles into the city, as a share of a counter's peak.
pub(crate) const BICYCLES_IN: Habit = Habit {
    weekday: &[
        (5.0, 0.02),
        (7.0, 0.35),
        (8.2, 1.0),
        (9.2, 0.50),
        (12.0, 0.26),
        (14.0, 0.30),
        (17.0, 0.38),
        (19.0, 0.25),
        (22.0, 0.14),
        (24.0, 0.06),
    ],
    saturday: &[(6.0, 0.02), (11.0, 0.35), (15.0, 0.32), (20.0, 0.22), (24.0, 0.08)],
    sunday: &[(7.0, 0.02), (13.0, 0.22), (19.0, 0.30), (21.0, 0.22), (24.0, 0.05)],
};

/// Bicycles out of the city, as a share of a counter's peak.
pub(crate) const BICYCLES_OUT: Habit = Habit {
    weekday: &[
        (5.0, 0.02),
        (8.0, 0.30),
        (10.0, 0.20),
        (12.5, 0.36),
        (15.5, 0.48),
        (17.2, 0.95),
        (18.5, 0.60),
        (21.0, 0.24),
        (24.0, 0.10),
    ],
    saturday: &[(7.0, 0.03), (12.0, 0.28), (17.0, 0.38), (22.0, 0.18), (24.0, 0.12)],
    sunday: &[(8.0, 0.02), (14.0, 0.24), (18.0, 0.26), (24.0, 0.05)],
};

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn levels_join_over_midnight_and_stay_within_reason() {
        for habit in
            [CENTRE, EVENING, EDGE, STREET, BICYCLE_GARAGE, MOTOR_IN, MOTOR_OUT, BICYCLES_IN, BICYCLES_OUT]
        {
            for day in [Day::Weekday, Day::Saturday, Day::Sunday] {
                let mut last = habit.at(Local { hour: 0.0, day });
                assert!(
                    (last - habit.at(Local { hour: 23.999, day })).abs() < 0.02,
                    "{habit:?} jumps at midnight"
                );
                for minute in 0..24 * 60 {
                    let level = habit.at(Local { hour: f64::from(minute) / 60.0, day });
                    assert!((0.0..1.2).contains(&level), "{level}");
                    assert!((level - last).abs() < 0.02, "jump to {level} at minute {minute}");
                    last = level;
                }
            }
        }
    }

    #[test]
    fn the_evening_car_park_fills() {
        let at = |hour| EVENING.at(Local { hour, day: Day::Weekday });
        assert!(at(20.0) > 1.0 && at(15.0) < 0.8);
    }
}
