//! Zones second by second, from all that was heard so far and nothing else.

use std::collections::BTreeSet;

use proptest::prelude::*;
use vlot_model::{Balance, Overstay};

use super::*;

/// A tick, at its second.
type Step = (i64, Vec<(u32, What)>);

struct Twin<'a> {
    steps: &'a [Step],
    facility: u32,
    over: BTreeSet<u32>,
    begun: u64,
    minute: Option<i64>,
    last: Option<ZonePressure>,
}

struct Second {
    taken: u32,
    all: u32,
    full: bool,
    capacity: u32,
}

fn tenth(x: f64) -> f32 {
    format!("{:.1}", (x * 10.0).round() / 10.0).parse().unwrap()
}

impl Twin<'_> {
    fn heard(&self, steps: usize) -> impl Iterator<Item = (i64, &What)> {
        let mine = |(facility, what)| (facility == self.facility).then_some(what);
        self.steps[..steps].iter().flat_map(move |(at, words)| {
            let words = words.iter().map(|(facility, what)| (*facility, what));
            words.filter_map(mine).map(move |what| (*at, what))
        })
    }

    /// The figure that was in force in the second that begins at `second`.
    fn second(&self, steps: usize, second: i64) -> Option<Second> {
        let figures = self.heard(steps).filter_map(|(at, what)| match what {
            What::Figure(figure) if at <= second => Some(*figure),
            _ => None,
        });
        let figure = figures.last()?.filter(|f| second < micros(f.until))?;
        Some(Second {
            taken: figure.taken,
            all: figure.taken + figure.free,
            full: figure.free == 0,
            capacity: figure.capacity,
        })
    }

    fn hour(&self, steps: usize, from: i64, to: i64, whole: i64) -> Option<(f64, Balance)> {
        let seconds: Vec<Second> = (from..to).filter_map(|second| self.second(steps, second)).collect();
        let known = seconds.len() as f64;
        if known == 0.0 || known < 0.75 * whole as f64 {
            return None;
        }
        let taken: f64 = seconds.iter().map(|s| f64::from(s.taken)).sum();
        let balance = Balance {
            capacity: seconds.last().unwrap().capacity,
            demand_mean: tenth(taken / known),
            demand_peak: seconds.iter().map(|s| s.taken).max().unwrap(),
            full_s: u32::try_from(seconds.iter().filter(|s| s.full).count()).unwrap(),
        };
        Some((taken / seconds.iter().map(|s| f64::from(s.all)).sum::<f64>(), balance))
    }

    /// Of each bay, since when a vehicle stands there and when the bay was last heard; and every departure.
    fn stays(&self, words: &[What]) -> (Vec<(Option<i64>, i64)>, Vec<i64>) {
        let mut left = Vec::new();
        let mut bays = Vec::new();
        for b in 0..4 {
            let mut since: Option<i64> = None;
            let (mut heard, mut level_at, mut number, mut known) = (i64::MIN, i64::MIN, None, false);
            for what in words {
                let What::Bay { position, reading: r } = what else { continue };
                if *position != b {
                    continue;
                }
                let (observed, said) = (micros(r.observed_at), micros(r.observed_at.min(r.received_at)));
                let old = observed < level_at;
                let next: Option<u32> = number.map(|n: u32| n + 1);
                let gap = number.is_some() && r.sequence != number && r.sequence != next;
                let broken = gap || (known && heard.saturating_add(600) <= said);
                heard = heard.max(said);
                if old {
                    continue;
                }
                number = r.sequence;
                if broken && since.is_some() {
                    since = None;
                    known = false;
                }
                match r.value {
                    Value::Bay { occupied } => {
                        level_at = observed;
                        known = true;
                        if occupied {
                            since = since.or(Some(said));
                        } else if since.take().is_some() {
                            left.push(said);
                        }
                    }
                    Value::BayUnsure => {
                        level_at = observed;
                        (since, known) = (None, false);
                    }
                    _ if broken => known = false,
                    _ => {}
                }
            }
            bays.push((since, heard));
        }
        (bays, left)
    }

    /// The bays on which a vehicle stands too long.
    fn too_long(&self, words: &[What], now: i64) -> BTreeSet<u32> {
        let (bays, _) = self.stays(words);
        let over = |(since, heard): &(Option<i64>, i64)| {
            since.is_some_and(|t| t + 1_800 <= now) && now < heard + 600
        };
        (0..3).filter(|b| over(&bays[*b as usize])).collect()
    }

    /// Plays step `i`, whose words are the last of `steps`.
    fn step(&mut self, i: usize) -> Option<ZonePressure> {
        let (now, words) = self.steps[i].clone();
        let all: Vec<What> = self.heard(i + 1).map(|(_, what)| what.clone()).collect();
        let own = words.iter().filter(|(facility, _)| *facility == self.facility).count();
        let before = all.len() - own;
        let known = |words: &[What]| words.iter().any(|what| !matches!(what, What::Figure(None)));
        if !known(&all) || (!words.is_empty() && own == 0) {
            return None;
        }
        // Time first, then word by word.
        let mut changed = false;
        for heard in before..=all.len() {
            let over = self.too_long(&all[..heard], now);
            self.begun += over.difference(&self.over).count() as u64;
            changed |= over != self.over;
            self.over = over;
        }
        let due = now >= *self.minute.get_or_insert((now / 60 + 1) * 60);
        if due {
            self.minute = Some((now / 60 + 1) * 60);
        }
        if !due && !changed {
            return None;
        }
        let start = (now - 1_800).div_euclid(3_600) * 3_600 + 1_800;
        let (bays, left) = self.stays(&all);
        let last = self.hour(i + 1, start - 3_600, start, 3_600);
        let overstay = |b: &u32| Overstay { bay: *b, since: s(bays[*b as usize].0.unwrap()), limit_s: 1_800 };
        let departed = left.iter().filter(|at| (start - 3_600..start).contains(*at)).count();
        let state = ZonePressure {
            facility: FacilityIx(self.facility),
            hour: s(start),
            pressure_pct: self.hour(i + 1, start, now, now - start).map(|(p, _)| tenth(p * 100.0)),
            last_hour_pct: last.map(|(p, _)| tenth(p * 100.0)),
            departures: last.filter(|_| self.facility == 0).map(|_| u32::try_from(departed).unwrap()),
            alarm: last.is_some_and(|(p, _)| p > 0.849_999),
            balance: last.map(|(_, balance)| balance),
            overstays: self.over.iter().map(overstay).collect(),
            overstays_begun: self.begun,
        };
        if self.last.as_ref() == Some(&state) {
            return None;
        }
        self.last = Some(state.clone());
        Some(state)
    }
}

/// Facility, choice, number, clock error, lost message before.
type Said = (u32, u8, u32, i64, bool);

fn word() -> impl Strategy<Value = Said> {
    (
        0_u32..2,
        any::<u8>(),
        0_u32..12,
        prop_oneof![6 => Just(0_i64), 1 => -900_i64..30],
        prop::bool::weighted(0.05),
    )
}

fn step() -> impl Strategy<Value = (i64, Vec<Said>)> {
    let gap = prop_oneof![4 => 1_i64..120, 3 => 120_i64..560, 1 => 560_i64..2_000];
    (gap, prop_oneof![1 => Just(Vec::new()), 2 => prop::collection::vec(word(), 1..6)])
}

/// What was said at `now`: the first bays repeat their state often, so that stays grow long.
fn words(now: i64, sequences: &mut [u32; 4], said: &[Said]) -> Vec<(u32, What)> {
    let mut words: Vec<(u32, What)> = Vec::new();
    for (facility, choice, number, skew, lost) in said {
        let position = number % 4;
        let sequence = &mut sequences[position as usize];
        *sequence += 1 + u32::from(*lost);
        let mut say = |value| {
            let mut reading = crate::testing::numbered(position, *sequence, now + skew, value);
            reading.received_at = s(now);
            words.push(bay(position, reading));
        };
        match (facility, choice) {
            (0, 0..8) => say(Value::BayUnsure),
            (0, 8..16) => say(Value::Alive),
            (0, 16..180) => say(Value::Bay { occupied: *choice < 150 }),
            (_, 180..190) => words.push((*facility, What::Figure(None))),
            _ => words.push(figure(*facility, number % 5, 4 - number % 5, now + i64::from(*choice) * 40)),
        }
    }
    // Parking has one word a tick for each facility, after all readings.
    let mut figures: Vec<(u32, What)> = Vec::new();
    words.retain(|word| {
        if matches!(word.1, What::Figure(_)) {
            figures.retain(|f| f.0 != word.0);
            figures.push(word.clone());
        }
        matches!(word.1, What::Bay { .. })
    });
    words.extend(figures);
    words
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn zones_are_what_second_by_second_counting_makes_of_them(said in prop::collection::vec(step(), 1..45)) {
        let (mut now, mut sequences) = (1_700_000_000, [0; 4]);
        let mut steps: Vec<Step> = Vec::new();
        for (gap, said) in &said {
            now += gap;
            steps.push((now, words(now, &mut sequences, said)));
        }
        let mut zones = Zones::new(&city(None));
        let twin = |facility| Twin { steps: &steps, facility, over: BTreeSet::new(), begun: 0, minute: None, last: None };
        let mut twins = [twin(0), twin(1)];
        for (i, (at, said)) in steps.iter().enumerate() {
            let found = tick(&mut zones, i as u64 + 1, *at, said);
            let expected: Vec<ZonePressure> = twins.iter_mut().filter_map(|twin| twin.step(i)).collect();
            prop_assert_eq!(found, expected, "step {} at {}", i, at);
        }
    }
}
