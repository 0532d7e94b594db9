//! Who would come where if everybody obeyed: what counts are compared with to see how many do.

use std::collections::BTreeMap;

use vlot_model::Timestamp;

/// Whoever looks for a car park passes one of the signs that announce it, and is on the way elsewhere if that one advises another.
#[derive(Clone, Debug, Default)]
pub(super) struct Passing {
    /// By facility: signs that announce it, and the share of those who look for it that pass each.
    signs: Vec<Vec<(usize, f64)>>,
    /// Vehicles more, or fewer, that will come to a facility, by when.
    coming: BTreeMap<(Timestamp, usize), f64>,
}

impl Passing {
    /// `signs`: the demand of each, and the facilities that it announces.
    pub(super) fn new(facilities: usize, signs: impl Iterator<Item = (f64, Vec<usize>)>) -> Passing {
        let mut of: Vec<Vec<(usize, f64)>> = vec![Vec::new(); facilities];
        for (sign, (demand, mut announced)) in signs.enumerate().filter(|(_, (demand, _))| *demand > 0.0) {
            announced.sort_unstable();
            announced.dedup();
            announced.into_iter().for_each(|facility| of[facility].push((sign, demand)));
        }
        for signs in &mut of {
            let all: f64 = signs.iter().map(|(_, demand)| demand).sum();
            signs.iter_mut().for_each(|(_, demand)| *demand /= all);
        }
        Passing { signs: of, coming: BTreeMap::new() }
    }

    /// Vehicles more, or fewer, at each facility since the last call. `looking`: by facility, who has passed a sign since then and is
    /// better off elsewhere; `sent`: where a sign sends them; `there`: when somebody is at a facility who passes a sign now.
    pub(super) fn moved(
        &mut self,
        looking: &[f64],
        sent: impl Fn(usize) -> Option<usize>,
        there: impl Fn(usize, usize) -> Option<Timestamp>,
        at: Timestamp,
    ) -> Vec<f64> {
        let mut moved = vec![0.0; self.signs.len()];
        for (facility, (signs, looking)) in self.signs.iter().zip(looking).enumerate() {
            for (sign, share) in signs.iter().filter(|_| *looking > 0.0) {
                let Some(to) = sent(*sign).filter(|to| *to != facility) else { continue };
                // Who would have gone on to the one would not be there yet either.
                for (place, vehicles) in [(to, looking * share), (facility, -looking * share)] {
                    if let Some(when) = there(*sign, place) {
                        *self.coming.entry((when, place)).or_default() += vehicles;
                    }
                }
            }
        }
        while let Some(first) = self.coming.first_entry().filter(|first| first.key().0 <= at) {
            moved[first.key().1] += first.get();
            first.remove();
        }
        moved
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_looks_for_a_car_park_passes_a_sign_that_announces_it_and_arrives_when_the_drive_is_over() {
        // 0 is announced by the first two signs, 1 by all that somebody passes, 2 by none but an idle one.
        let signs = [(3.0, vec![0, 1, 0]), (1.0, vec![1, 0]), (4.0, vec![1]), (0.0, vec![2])];
        let mut passing = Passing::new(3, signs.into_iter());
        let at = Timestamp::from_secs;
        // The first sends to 1, the second to 0, the third nowhere; it takes 30 s to 0, 60 s to 1.
        let sent = |sign: usize| [Some(1), Some(0), None][sign];
        let mut moved = |looking: [f64; 3], second: i64| {
            passing.moved(&looking, sent, |_, place| Some(at(second + 30 * (place as i64 + 1))), at(second))
        };
        assert_eq!(moved([8.0, 0.0, 5.0], 0), [0.0; 3]);
        assert_eq!(moved([0.0, 16.0, 0.0], 31), [-6.0, 0.0, 0.0]);
        assert_eq!(moved([0.0; 3], 60), [0.0, 6.0, 0.0]);
        assert_eq!(moved([0.0; 3], 91), [2.0, -2.0, 0.0]);
        assert_eq!(moved([0.0; 3], 900), [0.0; 3]);
    }
}
