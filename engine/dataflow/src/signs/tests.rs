use std::sync::Arc;

use vlot_model::{City, Meters, Product, Reading, SignFault, SignState, Value};

use super::logic::Signs;
use crate::testing::{Builder, Step, play, s, said};

fn published(city: &City, steps: &[Step]) -> Vec<SignState> {
    let updates = play(&mut Signs::new(city, &Arc::new(Meters::default())), steps);
    updates
        .into_iter()
        .map(|update| match Arc::unwrap_or_clone(update.product) {
            Product::Sign(state) => state,
            other => panic!("{other:?}"),
        })
        .collect()
}

#[test]
fn of_two_connections_reports_the_one_that_reached_us_last_holds() {
    let mut b = Builder::default();
    b.sign();
    let shown = |at, face_version| said(0, at, Value::SignShown { face_version });
    let link = |at, connected| said(0, at, Value::SignLink { connected });
    let overtaken = shown(20, 6);
    let steps = [
        Step::Batch(10, vec![link(10, true), shown(11, 5)]),
        Step::Batch(30, vec![shown(30, 7), said(0, 30, Value::SignFault { fault: SignFault::Pixel })]),
        // A report that was overtaken on its way to admission tells nothing new.
        Step::Batch(40, vec![overtaken]),
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
        [(true, 5, s(11)), (true, 7, s(30)), (false, 7, s(30)), (false, 7, s(49)), (true, 0, s(60)),]
    );
    assert_eq!((states[4].fault, states[4].displayed_at), (Some(SignFault::Pixel), Some(s(60))));
}

/// What a connection says by being opened is dated by our clock, what the sign says later by its own.
#[test]
fn a_sign_whose_clock_is_behind_is_believed_what_it_shows() {
    let mut b = Builder::default();
    b.sign();
    let joined = |face_version| said(0, 100, Value::SignShown { face_version });
    let behind = Reading { received_at: s(101), ..said(0, 71, Value::SignShown { face_version: 9 }) };
    let broken = Value::SignFault { fault: SignFault::Pixel };
    let whole = Value::SignFault { fault: SignFault::None };
    let mended = Reading { received_at: s(103), ..said(0, 50, whole) };
    let steps = [
        Step::Batch(100, vec![said(0, 100, Value::SignLink { connected: true }), joined(0)]),
        Step::Batch(101, vec![behind]),
        Step::Batch(103, vec![said(0, 102, broken), mended]),
    ];
    let states = published(&b.city, &steps);
    assert_eq!((states[1].displayed_version, states[1].displayed_at), (Some(9), Some(s(71))));
    assert_eq!(states[2].fault, Some(SignFault::None));
}
