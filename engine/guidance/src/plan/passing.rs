//! Who would come where if everybody obeyed: what counts are compared with to see how many do.

use std::collections::BTreeMap;

use vlot_model::Timestamp;

/// Whoever looks for a car park passes one of the signs that announce it, and is on the way elsewhere if that one advises another.
#[derive(Clone, Debug, Default)]
pub(super) struct Passing {
    /// By facility: who announces it.
    signs: Vec<Vec<Announcing>>,
    /// Vehicles more, or fewer, that will come to a facility, by the second: as many entries as a drive has seconds, however many signs.
    coming: BTreeMap<(i64, usize), f64>,
}

/// A sign that announces a facility.
#[derive(Clone, Copy, Debug)]
struct Announcing {
    sign: usize,
    /// Position of the line on the sign.
    line: usize,
    /// Of those who look for the facility, who pass this sign.
    share: f64,
}

impl Passing {
    /// `signs`: the demand of each, and what its lines announce; `None`: no facility.
    pub(super) fn new(facilities: usize, signs: impl Iterator<Item = (f64, Vec<Option<usize>>)>) -> Passing {
        let mut of: Vec<Vec<Announcing>> = vec![Vec::new(); facilities];
        for (sign, (demand, lines)) in signs.enumerate().filter(|(_, (demand, _))| *demand > 0.0) {
            for (line, facility) in lines.into_iter().enumerate() {
                let Some(signs) = facility.and_then(|facility| of.get_mut(facility)) else { continue };
                // Of a sign that announces it twice the upper line.
                if signs.last().is_none_or(|last| last.sign != sign) {
                    signs.push(Announcing { sign, line, share: demand });
                }
            }
        }
        for signs in &mut of {
            let all: f64 = signs.iter().map(|announcing| announcing.share).sum();
            signs.iter_mut().for_each(|announcing| announcing.share /= all);
        }
        Passing { signs: of, coming: BTreeMap::new() }
    }

    /// Vehicles more, or fewer, at each facility since the last call. `looking`: by facility, who has passed a sign since then and is
    /// better off elsewhere; `sent`: where a sign sends them, facility and line; `there`: when somebody who passes a sign now is at the
    /// end of a line.
    pub(super) fn moved(
        &mut self,
        looking: &[f64],
        sent: impl Fn(usize) -> Option<(usize, usize)>,
        there: impl Fn(usize, usize) -> Option<Timestamp>,
        at: Timestamp,
    ) -> Vec<f64> {
        let mut moved = vec![0.0; self.signs.len()];
        for (facility, (signs, looking)) in self.signs.iter().zip(looking).enumerate() {
            for Announcing { sign, line, share } in signs.iter().filter(|_| *looking > 0.0) {
                let Some((to, its)) = sent(*sign).filter(|(to, _)| *to != facility) else { continue };
                // Who would have gone on to the one would not be there yet either.
                for (place, line, vehicles) in
                    [(to, its, looking * share), (facility, *line, -looking * share)]
                {
                    if let Some(when) = there(*sign, line) {
                        *self.coming.entry((second(when), place)).or_default() += vehicles;
                    }
                }
            }
        }
        while let Some(first) = self.coming.first_entry().filter(|first| first.key().0 <= second(at)) {
            moved[first.key().1] += first.get();
            first.remove();
        }
        moved
    }
}

fn second(at: Timestamp) -> i64 {
    at.micros().div_euclid(1_000_000)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_looks_for_a_car_park_passes_a_sign_that_announces_it_and_arrives_when_the_drive_is_over() {
        // 0 is announced by the first two signs, 1 by all that somebody passes, 2 by none but an idle one.
        let signs = [(3.0, [0, 1, 0].as_slice()), (1.0, &[0, 1]), (4.0, &[9, 1]), (0.0, &[2])];
        let signs = signs
            .map(|(demand, lines)| (demand, lines.iter().map(|f| Some(*f).filter(|f| *f < 9)).collect()));
        let mut passing = Passing::new(3, signs.into_iter());
        let at = Timestamp::from_secs;
        // The first sends to 1, the second to 0, the third nowhere; it takes 30 s along an upper line, 60 s along the next.
        let sent = |sign: usize| [Some((1, 1)), Some((0, 0)), None][sign];
        let mut moved = |looking: [f64; 3], second: i64| {
            passing.moved(&looking, sent, |_, line| Some(at(second + 30 * (line as i64 + 1))), at(second))
        };
        assert_eq!(moved([8.0, 0.0, 5.0], 0), [0.0; 3]);
        assert_eq!(moved([0.0, 16.0, 0.0], 31), [-6.0, 0.0, 0.0]);
        assert_eq!(moved([0.0; 3], 60), [0.0, 6.0, 0.0]);
        assert_eq!(moved([0.0; 3], 91), [2.0, -2.0, 0.0]);
        assert_eq!(moved([0.0; 3], 900), [0.0; 3]);
    }
}
