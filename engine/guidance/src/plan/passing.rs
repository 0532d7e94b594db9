//! Who would come where if everybody obeyed: what counts are compared with to see how many do.

use std::collections::BTreeMap;

use vlot_model::Timestamp;

/// Whoever looks for a car park passes one of the signs that announce it, and is on the way elsewhere if that one advises another.
#[derive(Clone, Debug, Default)]
pub(super) struct Passing {
    /// By facility: signs that announce it, and the share of those who look for it that pass each.
    signs: Vec<Vec<(usize, f64)>>,
    /// Vehicles on the way to a facility, by when they are there.
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
    /// better off elsewhere; `sent`: where a sign sends them, and when they are there.
    pub(super) fn moved(
        &mut self,
        looking: &[f64],
        sent: impl Fn(usize) -> Option<(usize, Timestamp)>,
        at: Timestamp,
    ) -> Vec<f64> {
        let mut moved = vec![0.0; self.signs.len()];
        for (facility, (signs, looking)) in self.signs.iter().zip(looking).enumerate() {
            for (sign, share) in signs.iter().filter(|_| *looking > 0.0) {
                if let Some((to, when)) = sent(*sign).filter(|(to, _)| *to != facility) {
                    moved[facility] -= looking * share;
                    *self.coming.entry((when, to)).or_default() += looking * share;
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
        // The first sends to 1 in a minute, the second to 0, the third nowhere.
        let sent = |sign: usize| match sign {
            0 => Some((1, at(60))),
            1 => Some((0, at(90))),
            _ => None,
        };
        assert_eq!(passing.moved(&[8.0, 0.0, 5.0], sent, at(0)), [-6.0, 0.0, 0.0]);
        assert_eq!(passing.moved(&[0.0, 16.0, 0.0], sent, at(59)), [0.0, -2.0, 0.0]);
        assert_eq!(passing.moved(&[0.0; 3], sent, at(60)), [0.0, 6.0, 0.0]);
        assert_eq!(passing.moved(&[0.0; 3], sent, at(200)), [2.0, 0.0, 0.0]);
        assert_eq!(passing.moved(&[0.0; 3], sent, at(300)), [0.0; 3]);
    }
}
