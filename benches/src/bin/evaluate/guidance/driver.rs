//! What a driver does: pure, so that every mode meets the same people.
//!
//! Without a sign: to the preferred car park; turned away there, to the one not yet tried that is nearest by its drive and its
//! walk, as far as the driver knows; when all were tried, from the start again.
//!
//! Who obeys and reads a sign:
//! * `count`: keeps the target unless its row says full or closed; then takes, of the rows that show space, the one nearest to
//!   the final destination.
//! * `full` warns of car parks that are filling: whose target's row says space without such a warning, or who wants a car park that
//!   the sign does not announce, goes on there; all others read the advice as below.
//! * guided: takes the advised car park, if that costs no more than [`TOLERANCE_S`] of drive and walk over the present target,
//!   or if the present target's row says full or closed and the walk from the advised one is no longer than [`WALK_MAX_S`]. Who
//!   does not take it reads the figures like anybody else.
//!
//! Nobody follows a sign to a car park that turned them away within the last [`SORE_S`].

use std::collections::BTreeSet;

/// An advised car park may take so much longer, drive and walk together, than the one that somebody had in mind.
pub(super) const TOLERANCE_S: f64 = 360.0;
/// Nobody is advised into a longer walk, even if all else is full.
pub(super) const WALK_MAX_S: f64 = 1_200.0;
/// For so long who was turned away believes no sign that the car park has space again.
pub(super) const SORE_S: f64 = 600.0;

/// What a row says of a car park.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Says {
    Space,
    /// Space now, and probably none on arrival.
    Filling,
    /// Full or closed.
    No,
    /// Nothing is known.
    Dark,
}

/// What a sign says to one driver.
#[derive(Clone, Debug, Default)]
pub(super) struct Said {
    /// By car park.
    pub(super) rows: Vec<(usize, Says)>,
    /// The advised car park, where the mode has advice.
    pub(super) advice: Option<usize>,
    /// Rows say when a car park is filling, so that one whose row does not is as good as advised.
    pub(super) warns: bool,
}

/// What somebody knows on the way.
#[derive(Clone, Debug, Default)]
pub(super) struct Mind {
    pub(super) target: usize,
    /// Turned away there, and when.
    tried: Vec<(usize, f64)>,
    /// A sign said so.
    full: BTreeSet<usize>,
    /// When the search began: turned away for the first time.
    pub(super) searches_since: Option<f64>,
    /// Signs that were read.
    pub(super) read: BTreeSet<usize>,
}

impl Said {
    /// Whether somebody who wants to that car park is told of another one, and not that theirs has space.
    pub(super) fn sends_away(&self, wanted: usize) -> bool {
        let says = self.rows.iter().find(|(of, _)| *of == wanted).map(|(_, says)| *says);
        self.advice.is_some_and(|advised| advised != wanted) && says.is_some_and(|says| says != Says::Space)
    }
}

impl Mind {
    pub(super) fn new(target: usize) -> Self {
        Mind { target, ..Mind::default() }
    }

    pub(super) fn turned_away(&self) -> usize {
        self.tried.len()
    }

    /// Reads a sign; returns whether the advice was taken. `drive_s` and `walk_s` by car park, from here.
    pub(super) fn reads(
        &mut self,
        said: &Said,
        drive_s: impl Fn(usize) -> f64,
        walk_s: &[f64],
        now_s: f64,
    ) -> bool {
        for (park, says) in &said.rows {
            match says {
                Says::No => drop(self.full.insert(*park)),
                Says::Space | Says::Filling => drop(self.full.remove(park)),
                Says::Dark => {}
            }
        }
        let sore = |park: usize| self.tried.iter().any(|(tried, at)| *tried == park && now_s - at < SORE_S);
        let says = |park: usize| said.rows.iter().find(|(of, _)| *of == park).map(|(_, says)| *says);
        let own = says(self.target);
        let own_is_full = matches!(own, Some(Says::No | Says::Filling));
        // A car park that the sign does not announce is none of its business.
        let keeps = said.warns && matches!(own, None | Some(Says::Space)) && !sore(self.target);
        if let Some(advised) = said.advice.filter(|park| !keeps && !sore(*park)) {
            let cost = |park: usize| drive_s(park) + walk_s[park];
            let bearable = cost(advised) <= cost(self.target) + TOLERANCE_S;
            if bearable || own_is_full && walk_s[advised] <= WALK_MAX_S {
                self.target = advised;
                return true;
            }
        }
        if own == Some(Says::No) {
            let rows = said.rows.iter().filter(|(park, says)| *says == Says::Space && !sore(*park));
            let nearest = rows.min_by(|a, b| walk_s[a.0].total_cmp(&walk_s[b.0]));
            if let Some((park, _)) = nearest {
                self.target = *park;
            }
        }
        false
    }

    /// The target was full: where to now.
    pub(super) fn is_turned_away(&mut self, drive_s: impl Fn(usize) -> f64, walk_s: &[f64], now_s: f64) {
        self.searches_since.get_or_insert(now_s);
        self.tried.push((self.target, now_s));
        let parks = 0..walk_s.len();
        let round = self.tried.len() / walk_s.len().max(1);
        let tries = |park: usize| self.tried.iter().filter(|(tried, _)| *tried == park).count();
        let here = self.target;
        let open = |believes: bool| {
            let left = parks
                .clone()
                .filter(|park| *park != here && tries(*park) <= round)
                .filter(|park| !(believes && self.full.contains(park)));
            left.min_by(|a, b| (drive_s(*a) + walk_s[*a]).total_cmp(&(drive_s(*b) + walk_s[*b])))
        };
        if let Some(park) = open(true).or_else(|| open(false)) {
            self.target = park;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const WALK: [f64; 4] = [60.0, 300.0, 900.0, 2_400.0];
    const DRIVE: [f64; 4] = [600.0, 500.0, 300.0, 100.0];

    fn reads(target: usize, rows: &[(usize, Says)], advice: Option<usize>) -> (usize, bool) {
        let mut mind = Mind::new(target);
        let said = Said { rows: rows.to_vec(), advice, warns: false };
        let taken = mind.reads(&said, |park| DRIVE[park], &WALK, 0.0);
        (mind.target, taken)
    }

    #[test]
    fn who_reads_figures_changes_only_when_the_own_car_park_is_full() {
        use Says::{Dark, No, Space};
        let table: [(&[(usize, Says)], usize); 6] = [
            (&[(0, Space), (1, Space)], 0),
            (&[(0, Dark), (1, Space)], 0),
            (&[(1, Space)], 0),
            (&[(0, No), (2, Space), (1, Space)], 1),
            (&[(0, No), (1, No), (2, Dark)], 0),
            (&[(0, No), (1, Dark), (2, Space)], 2),
        ];
        for (rows, target) in table {
            assert_eq!(reads(0, rows, None), (target, false), "{rows:?}");
        }
    }

    #[test]
    fn advice_is_taken_when_it_can_be_borne() {
        use Says::{No, Space};
        type Case<'a> = (&'a [(usize, Says)], usize, (usize, bool));
        let table: [Case<'_>; 5] = [
            // 660 s against 800 s: within what is tolerated.
            (&[(0, Space), (1, Space)], 1, (1, true)),
            // 1,200 s is too much while the own one has space, but not when it is full.
            (&[(0, Space), (2, Space)], 2, (0, false)),
            (&[(0, No), (2, Space)], 2, (2, true)),
            // Nobody walks for forty minutes: the figures decide.
            (&[(0, No), (1, Space), (3, Space)], 3, (1, false)),
            (&[(0, Space)], 0, (0, true)),
        ];
        for (rows, advice, (target, taken)) in table {
            assert_eq!(reads(0, rows, Some(advice)), (target, taken), "{rows:?} advises {advice}");
        }
    }

    #[test]
    fn a_warning_is_what_advice_is_for() {
        use Says::{Dark, Filling, No, Space};
        let table = [(Space, (0, false)), (Filling, (1, true)), (No, (1, true)), (Dark, (1, true))];
        let elsewhere = Said { rows: vec![(1, Space)], advice: Some(1), warns: true };
        assert!(
            !Mind::new(0).reads(&elsewhere, |park| DRIVE[park], &WALK, 0.0),
            "it is none of the sign's business"
        );
        for (own, (target, taken)) in table {
            let said = Said { rows: vec![(0, own), (1, Space)], advice: Some(1), warns: true };
            let mut mind = Mind::new(0);
            assert_eq!(mind.reads(&said, |park| DRIVE[park], &WALK, 0.0), taken, "{own:?}");
            assert_eq!(mind.target, target, "{own:?}");
        }
    }

    #[test]
    fn the_search_tries_each_once_before_any_twice() {
        let mut mind = Mind::new(0);
        let mut order = vec![0];
        for n in 0..7 {
            mind.is_turned_away(|park| DRIVE[park], &WALK, f64::from(n) * 60.0);
            order.push(mind.target);
        }
        assert_eq!(order[..4], [0, 1, 2, 3]);
        assert!(order.windows(2).all(|two| two[0] != two[1]), "{order:?}");
        assert_eq!((mind.turned_away(), mind.searches_since), (7, Some(0.0)));
    }

    #[test]
    fn a_sign_that_was_read_is_remembered_and_one_that_lied_is_not_believed_at_once() {
        let mut mind = Mind::new(0);
        let row = |says| Said { rows: vec![(1, says)], ..Said::default() };
        mind.reads(&row(Says::No), |park| DRIVE[park], &WALK, 0.0);
        mind.is_turned_away(|park| DRIVE[park], &WALK, 10.0);
        assert_eq!(mind.target, 2, "1 was said to be full");
        let lies = Said { rows: vec![(0, Says::Space), (2, Says::No)], advice: Some(0), warns: false };
        assert!(!mind.reads(&lies, |park| DRIVE[park], &WALK, 20.0));
        assert_eq!(mind.target, 2);
        assert!(mind.reads(&lies, |park| DRIVE[park], &WALK, 10.0 + SORE_S));
        assert_eq!(mind.target, 0);
    }
}
