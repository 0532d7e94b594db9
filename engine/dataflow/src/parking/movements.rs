//! Vehicles through the barriers, and how many thousands of such movements are remembered in little.

use std::collections::VecDeque;

use vlot_model::Timestamp;

/// Vehicles through the barriers; negative where totals take back what passages told.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Moved {
    pub(crate) entries: i64,
    pub(crate) exits: i64,
}

impl Moved {
    pub(crate) fn net(self) -> i64 {
        self.entries - self.exits
    }

    pub(super) fn and(self, more: Moved) -> Moved {
        Moved { entries: self.entries + more.entries, exits: self.exits + more.exits }
    }

    pub(super) fn less(self, told: Moved) -> Moved {
        Moved { entries: self.entries - told.entries, exits: self.exits - told.exits }
    }
}

/// Vehicles that moved at an instant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Movement {
    pub(super) at: Timestamp,
    pub(super) moved: Moved,
}

/// Movements in the order in which they were told: 8 bytes each while none is large, and of no two more than two years
/// lie between, else 24.
#[derive(Clone, Debug)]
pub(super) enum Movements {
    /// Microseconds after `from` above, entries and exits in the lowest two bytes.
    Small {
        from: i64,
        kept: VecDeque<i64>,
    },
    Large(VecDeque<Movement>),
}

impl Default for Movements {
    fn default() -> Self {
        Movements::Small { from: 0, kept: VecDeque::new() }
    }
}

/// Bits of the vehicles.
const VEHICLES: u32 = 16;

/// A small movement in one word; `None` where it is none.
fn pack(from: i64, Movement { at, moved }: Movement) -> Option<i64> {
    let entries = i8::try_from(moved.entries).ok()?.to_be_bytes();
    let exits = i8::try_from(moved.exits).ok()?.to_be_bytes();
    let after = at.micros().checked_sub(from)?;
    let shifted = after.checked_mul(1 << VEHICLES)?;
    let ([entries], [exits]) = (entries, exits);
    Some(shifted | i64::from(u16::from_be_bytes([entries, exits])))
}

fn unpack(from: i64, word: i64) -> Movement {
    let [.., entries, exits] = word.to_be_bytes();
    let vehicles = |byte: u8| i64::from(i8::from_be_bytes([byte]));
    Movement {
        at: Timestamp::from_micros(from + (word >> VEHICLES)),
        moved: Moved { entries: vehicles(entries), exits: vehicles(exits) },
    }
}

impl Movements {
    pub(super) fn len(&self) -> usize {
        match self {
            Movements::Small { kept, .. } => kept.len(),
            Movements::Large(kept) => kept.len(),
        }
    }

    pub(super) fn push_back(&mut self, movement: Movement) {
        if let Movements::Small { from, kept } = self {
            if kept.is_empty() {
                *from = movement.at.micros();
            }
            if let Some(word) = pack(*from, movement) {
                return kept.push_back(word);
            }
            *self = Movements::Large(kept.iter().map(|word| unpack(*from, *word)).collect());
        }
        if let Movements::Large(kept) = self {
            kept.push_back(movement);
        }
    }

    pub(super) fn pop_front(&mut self) -> Option<Movement> {
        match self {
            Movements::Small { from, kept } => kept.pop_front().map(|word| unpack(*from, word)),
            Movements::Large(kept) => kept.pop_front(),
        }
    }

    pub(super) fn retain(&mut self, mut keep: impl FnMut(&Movement) -> bool) {
        match self {
            Movements::Small { from, kept } => kept.retain(|word| keep(&unpack(*from, *word))),
            Movements::Large(kept) => {
                kept.retain(keep);
                if kept.is_empty() {
                    *self = Movements::default();
                }
            }
        }
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = Movement> {
        let (small, large) = match self {
            Movements::Small { from, kept } => (Some(kept.iter().map(|word| unpack(*from, *word))), None),
            Movements::Large(kept) => (None, Some(kept.iter().copied())),
        };
        small.into_iter().flatten().chain(large.into_iter().flatten())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn movement() -> impl Strategy<Value = Movement> {
        let vehicles =
            || prop_oneof![20 => -3..4_i64, 1 => -200..200_i64, 1 => any::<i32>().prop_map(i64::from)];
        let at = prop_oneof![
            20 => 1_780_000_000_000_000..1_780_000_900_000_000_i64,
            1 => -4_000_000_000_000_000..4_000_000_000_000_000_i64,
        ];
        (at, vehicles(), vehicles()).prop_map(|(at, entries, exits)| Movement {
            at: Timestamp::from_micros(at),
            moved: Moved { entries, exits },
        })
    }

    #[derive(Clone, Debug)]
    enum Act {
        Push(Movement),
        Pop,
        After(i64),
    }

    proptest! {
        #[test]
        fn they_are_remembered_as_a_plain_list_remembers_them(acts in proptest::collection::vec(prop_oneof![
            8 => movement().prop_map(Act::Push),
            2 => Just(Act::Pop),
            1 => (1_780_000_000_000_000..1_780_001_000_000_000_i64).prop_map(Act::After),
        ], 0..60)) {
            let (mut kept, mut plain) = (Movements::default(), VecDeque::new());
            for act in acts {
                match act {
                    Act::Push(movement) => {
                        kept.push_back(movement);
                        plain.push_back(movement);
                    }
                    Act::Pop => prop_assert_eq!(kept.pop_front(), plain.pop_front()),
                    Act::After(at) => {
                        let at = Timestamp::from_micros(at);
                        kept.retain(|m| at < m.at);
                        plain.retain(|m| at < m.at);
                    }
                }
                prop_assert_eq!(kept.len(), plain.len());
                prop_assert!(kept.iter().eq(plain.iter().copied()));
            }
        }
    }

    #[test]
    fn small_ones_take_a_word() {
        let mut kept = Movements::default();
        for s in 0..1_000 {
            let moved = Moved { entries: s % 2, exits: -(s % 3) };
            kept.push_back(Movement { at: Timestamp::from_secs(1_780_000_000 - s), moved });
        }
        assert!(matches!(&kept, Movements::Small { kept, .. } if kept.len() == 1_000));
    }
}
