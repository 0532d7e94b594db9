//! Which line each sign advises, all signs together.
//!
//! Each sign sends a flow of drivers; each facility turns away who comes when it is full. The sum of all drivers' times, with what
//! it costs to be turned away, is made as small as it gets by changing one sign after the other (a system optimum; Beckmann,
//! McGuire and Winsten, "Studies in the Economics of Transportation", 1956). As the cost of a facility is convex in what is sent
//! there, signs that would all send to the same one spread by themselves. A sign changes only for a gain that is worth it.

use super::space::{Outlook, below, turned_away};

/// Drivers are counted over this long, seconds: about as long as advice stands and its effect takes to be seen.
pub(crate) const WINDOW_S: f64 = 600.0;
/// Passes over all signs; each ends the search when nothing moves.
const PASSES: usize = 256;

/// A sign's choice.
#[derive(Clone, Debug, Default)]
pub(crate) struct Chooser {
    /// Vehicles a second that follow its advice, above 0.
    pub(crate) sent_per_s: f64,
    /// In the order of its lines.
    pub(crate) options: Vec<Choice>,
    /// Position of the option that is advised now.
    pub(crate) current: Option<usize>,
    /// The present one may not be changed yet.
    pub(crate) held: bool,
}

/// One line that can be advised.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Choice {
    /// Position in the list of places.
    pub(crate) place: usize,
    /// Seconds from the sign to where people want to be, by this place.
    pub(crate) time_s: f64,
    /// Seconds from the sign to the entrance.
    pub(crate) drive_s: f64,
}

/// A facility that can be advised.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Place {
    pub(crate) outlook: Outlook,
    /// Vehicles a second that come without being sent.
    pub(crate) own_per_s: f64,
}

/// What a change must gain, and what being turned away costs.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Prices {
    pub(crate) margin_s: f64,
    pub(crate) turned_away_s: f64,
}

/// What is sent to a place: by how many signs, vehicles a second, and the sum of their drives weighed by it.
#[derive(Clone, Copy, Debug, Default)]
struct Load {
    signs: u32,
    per_s: f64,
    drive: f64,
}

impl Load {
    fn with(self, per_s: f64, drive_s: f64) -> Self {
        Load { signs: self.signs + 1, per_s: self.per_s + per_s, drive: self.drive + per_s * drive_s }
    }

    fn without(self, per_s: f64, drive_s: f64) -> Self {
        // What rounding leaves of both would make any drive at all.
        if self.signs <= 1 {
            return Load::default();
        }
        Load { signs: self.signs - 1, per_s: self.per_s - per_s, drive: self.drive - per_s * drive_s }
    }
}

/// Drivers who are turned away at a place within the window.
fn lost(place: &Place, load: Load) -> f64 {
    let drive_s = if load.per_s > 0.0 { load.drive / load.per_s } else { 0.0 };
    let (free, sd) = place.outlook.at(WINDOW_S + drive_s);
    let coming = load.per_s * WINDOW_S;
    let sd = (sd * sd + coming).sqrt();
    // Nobody is turned away who does not come.
    turned_away(free - coming, sd).min(coming + place.own_per_s * (WINDOW_S + drive_s))
}

/// The advice of each sign, as position of its options.
pub(crate) fn assign(choosers: &[Chooser], places: &[Place], prices: Prices) -> Vec<Option<usize>> {
    let mut loads = vec![Load::default(); places.len()];
    let mut advice: Vec<Option<usize>> = Vec::with_capacity(choosers.len());
    for chooser in choosers {
        let current = chooser.current.filter(|i| *i < chooser.options.len());
        if let Some(option) = current.and_then(|i| chooser.options.get(i)) {
            loads[option.place] = loads[option.place].with(chooser.sent_per_s, option.drive_s);
        }
        advice.push(current);
    }
    for _ in 0..PASSES {
        let mut moved = false;
        for (chooser, advised) in choosers.iter().zip(&mut advice) {
            if chooser.held && advised.is_some() {
                continue;
            }
            if let Some(next) = better(chooser, *advised, places, &mut loads, prices) {
                *advised = Some(next);
                moved = true;
            }
        }
        if !moved {
            break;
        }
    }
    advice
}

/// The option that a sign changes to, with the loads as they then are.
fn better(
    chooser: &Chooser,
    advised: Option<usize>,
    places: &[Place],
    loads: &mut [Load],
    prices: Prices,
) -> Option<usize> {
    let sent = chooser.sent_per_s;
    let present = advised.and_then(|i| chooser.options.get(i));
    if let Some(option) = present {
        loads[option.place] = loads[option.place].without(sent, option.drive_s);
    }
    let cost = |option: &Choice| {
        let (place, load) = (&places[option.place], loads[option.place]);
        let more = lost(place, load.with(sent, option.drive_s)) - lost(place, load);
        sent * WINDOW_S * option.time_s + prices.turned_away_s * more
    };
    let costs: Vec<f64> = chooser.options.iter().map(cost).collect();
    // The first of equals: the upper line.
    let best = (0..costs.len()).min_by(|a, b| costs[*a].total_cmp(&costs[*b]));
    let margin = sent * WINDOW_S * prices.margin_s;
    let next = match (advised, best) {
        (Some(now), Some(best)) if costs[best] + margin >= costs[now] => Some(now),
        (_, best) => best,
    };
    if let Some(option) = next.and_then(|i| chooser.options.get(i)) {
        loads[option.place] = loads[option.place].with(sent, option.drive_s);
    }
    next.filter(|next| Some(*next) != advised)
}

/// Seconds that an option costs one more driver, the risk in it.
pub(crate) fn cost_s(option: &Choice, places: &[Place], prices: Prices) -> f64 {
    let (free, sd) = places[option.place].outlook.at(option.drive_s);
    option.time_s + prices.turned_away_s * (1.0 - below((free - 0.5) / sd))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const PRICES: Prices = Prices { margin_s: 30.0, turned_away_s: 600.0 };

    fn place(free: f64, drift_per_h: f64) -> Place {
        let outlook = Outlook { free, drift_per_s: drift_per_h / 3_600.0, var: 0.0, var_per_s: 0.01 };
        Place { outlook, own_per_s: 0.005 }
    }

    fn sign(sent_vph: f64, times: &[f64]) -> Chooser {
        let option = |(place, time_s): (usize, &f64)| Choice { place, time_s: *time_s, drive_s: *time_s };
        let options = times.iter().enumerate().map(option).collect();
        Chooser { sent_per_s: sent_vph / 3_600.0, options, ..Chooser::default() }
    }

    /// What is minimised, counted from nothing.
    fn total(choosers: &[Chooser], places: &[Place], advice: &[Option<usize>]) -> f64 {
        let mut loads = vec![Load::default(); places.len()];
        let mut sum = 0.0;
        for (chooser, advised) in choosers.iter().zip(advice) {
            if let Some(option) = advised.map(|i| chooser.options[i]) {
                loads[option.place] = loads[option.place].with(chooser.sent_per_s, option.drive_s);
                sum += chooser.sent_per_s * WINDOW_S * option.time_s;
            }
        }
        sum + places
            .iter()
            .zip(loads)
            .map(|(place, load)| PRICES.turned_away_s * lost(place, load))
            .sum::<f64>()
    }

    #[test]
    fn the_nearest_with_space_while_there_is_enough() {
        let places = [place(200.0, 0.0), place(200.0, 0.0)];
        let signs = [sign(30.0, &[300.0, 120.0]), sign(30.0, &[60.0, 400.0])];
        assert_eq!(assign(&signs, &places, PRICES), [Some(1), Some(0)]);
        assert_eq!(assign(&[Chooser::default()], &places, PRICES), [None]);
    }

    #[test]
    fn signs_do_not_all_send_to_the_last_spaces() {
        // Six signs with 60 drivers in ten minutes each way; the near one has 25 spaces, the far one plenty.
        let places = [place(25.0, 0.0), place(400.0, 0.0)];
        let signs: Vec<_> = (0..6).map(|_| sign(60.0, &[120.0, 360.0])).collect();
        let advice = assign(&signs, &places, PRICES);
        let near = advice.iter().filter(|a| **a == Some(0)).count();
        assert!((1..=3).contains(&near), "{advice:?}");
        let herd = vec![Some(0); 6];
        assert!(total(&signs, &places, &advice) < total(&signs, &places, &herd));
    }

    #[test]
    fn a_filling_car_park_is_left_before_it_is_full() {
        let filling = [place(20.0, -100.0), place(100.0, 0.0)];
        assert_eq!(assign(&[sign(20.0, &[120.0, 300.0])], &filling, PRICES), [Some(1)]);
        let emptying = [place(20.0, 100.0), place(100.0, 0.0)];
        assert_eq!(assign(&[sign(20.0, &[120.0, 300.0])], &emptying, PRICES), [Some(0)]);
    }

    #[test]
    fn an_advice_is_kept_within_the_margin_and_while_it_is_held() {
        let places = [place(200.0, 0.0), place(200.0, 0.0)];
        let present = |times: &[f64], held| Chooser { current: Some(0), held, ..sign(30.0, times) };
        assert_eq!(assign(&[present(&[149.0, 120.0], false)], &places, PRICES), [Some(0)]);
        assert_eq!(assign(&[present(&[151.0, 120.0], false)], &places, PRICES), [Some(1)]);
        assert_eq!(assign(&[present(&[500.0, 120.0], true)], &places, PRICES), [Some(0)]);
        let gone = Chooser { current: None, held: true, ..sign(30.0, &[500.0, 120.0]) };
        assert_eq!(assign(&[gone], &places, PRICES), [Some(1)], "what cannot be advised cannot be held");
    }

    fn cities() -> impl Strategy<Value = (Vec<Place>, Vec<Chooser>)> {
        let places = prop::collection::vec((0.0..200.0_f64, -200.0..100.0_f64), 1..6);
        places.prop_flat_map(|places| {
            let options = prop::collection::vec((0..places.len(), 30.0..900.0_f64), 0..5);
            let sign = (options, 0.1..200.0_f64, prop::option::of(0..5_usize));
            let places: Vec<_> = places.into_iter().map(|(free, drift)| place(free, drift)).collect();
            (Just(places), prop::collection::vec(sign, 0..12)).prop_map(|(places, signs)| {
                let signs = signs.into_iter().map(|(options, vph, current)| Chooser {
                    sent_per_s: vph / 3_600.0,
                    current: current.filter(|i| *i < options.len()),
                    options: options
                        .into_iter()
                        .map(|(place, s)| Choice { place, time_s: s, drive_s: s })
                        .collect(),
                    held: false,
                });
                (places, signs.collect())
            })
        })
    }

    proptest! {
        /// No sign alone could do better by more than the margin, counted from nothing.
        #[test]
        fn no_sign_alone_could_do_much_better((places, signs) in cities()) {
            let advice = assign(&signs, &places, PRICES);
            let found = total(&signs, &places, &advice);
            for (i, sign) in signs.iter().enumerate() {
                prop_assert_eq!(advice[i].is_none(), sign.options.is_empty());
                let margin = sign.sent_per_s * WINDOW_S * PRICES.margin_s;
                for option in 0..sign.options.len() {
                    let mut other = advice.clone();
                    other[i] = Some(option);
                    prop_assert!(total(&signs, &places, &other) + margin >= found - 1e-6 * found.abs());
                }
            }
        }
    }
}
