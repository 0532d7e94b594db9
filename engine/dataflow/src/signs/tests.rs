use std::sync::Arc;

use vlot_model::{City, Meters, Product, Reading, SignFault, SignState, Value};

use super::logic::Signs;
use crate::testing::{Builder, Step, play, s, said};

fn published(city: &City, steps: &[Step]) -> Vec<SignState> {
    let updates = play(&mut Signs::new(city, &Arc::new(Meters::default())), steps);
    updates
        .into_iter()
        .map(|update| match update.product {
            Product::Sign(state) => state,
            other => panic!("{other:?}"),
        })
        .collect()
}

#[test]
fn what_a_sign_says_newest_first_whatever_arrives_last() {
    let mut b = Builder::default();
    b.sign();
    let shown = |at, face_version| said(0, at, Value::SignShown { face_version });
    let link = |at, connected| said(0, at, Value::SignLink { connected });
    let late = Reading { received_at: s(40), ..shown(20, 6) };
    let steps = [
        Step::Batch(10, vec![link(10, true), shown(11, 5)]),
        Step::Batch(30, vec![shown(30, 7), said(0, 30, Value::SignFault { fault: SignFault::Pixel })]),
        // An older report tells that it lives, and no more.
        Step::Batch(40, vec![late]),
        Step::Clock(45),
        Step::Batch(50, vec![link(50, false)]),
        // The connection of before tells when it was heard, and no more.
        Step::Batch(51, vec![link(51, false), link(49, true)]),
        // Its own fallback.
        Step::Batch(60, vec![link(60, true), shown(60, 0)]),
    ];
    let states = published(&b.city, &steps);
    let seen: Vec<_> = states
        .iter()
        .map(|s| (s.connected.unwrap(), s.displayed_version.unwrap(), s.heard_at.unwrap()))
        .collect();
    assert_eq!(
        seen,
        [
            (true, 5, s(11)),
            (true, 7, s(30)),
            (true, 7, s(40)),
            (false, 7, s(40)),
            (false, 7, s(49)),
            (true, 0, s(60)),
        ]
    );
    assert_eq!((states[5].fault, states[5].displayed_at), (Some(SignFault::Pixel), Some(s(60))));
}
