use std::sync::{Arc, Mutex};

use proptest::prelude::*;
use timely::dataflow::operators::{Input, Inspect, Probe};
use vlot_model::{
    ClockTick, Face, FacilityIx, FacilityState, FacilityStatus, Figure, GarageIx, GarageState, Key, Meters,
    Opening, Product, Quality, SectionIx, SectionState, Share, SignIx, TICKS_SKIPPED, Tick, Update,
};

use vlot_dataflow::shell::{Logic, Part};

use super::{Announcers, Signs};
use crate::testing::{at, city};

/// What happens in one tick: time passes, or some products change.
#[derive(Clone, Debug)]
enum Happening {
    Clock,
    Products(Vec<Product>),
}

fn facility(facility: u32, free: u32, second: i64) -> Product {
    let status = if free <= 4 { FacilityStatus::Full } else { FacilityStatus::SpacesAvailable };
    Product::Facility(FacilityState {
        facility: FacilityIx(facility),
        capacity: 200,
        occupied: Some(200 - free),
        free: Some(free),
        occupied_uncorrected: None,
        opening: Opening::Open,
        closed: None,
        status,
        observed_at: Some(at(second)),
        valid_until: Some(at(second + 40)),
        quality: Quality::Good,
        sensors: Share { reporting: 1, total: 1 },
        lost_messages: 0,
        certainty: None,
        groups: Vec::new(),
    })
}

fn garage(free: [u32; 2], second: i64) -> Product {
    let section = |i: usize| SectionState {
        section: SectionIx::from_position(i),
        capacity: 50,
        free: Some(free[i]),
        status: if free[i] <= 1 { FacilityStatus::Full } else { FacilityStatus::SpacesAvailable },
        observed_at: Some(at(second)),
        valid_until: Some(at(second + 40)),
        quality: Quality::Good,
        certainty: None,
    };
    Product::Garage(GarageState {
        garage: GarageIx(0),
        sections: vec![section(0), section(1)],
        free: Some(free[0] + free[1]),
        capacity: 100,
        observed_at: Some(at(second)),
        valid_until: Some(at(second + 40)),
        quality: Quality::Good,
        sensors: Share { reporting: 2, total: 2 },
        unmoved: None,
    })
}

/// Runs the happenings (one a tick, one a second) through the graph, `batch` ticks at a time.
fn run(happenings: &[Happening], batch: usize, workers: usize) -> (Vec<(Tick, Arc<Face>)>, u64) {
    let faces = Arc::new(Mutex::new(Vec::new()));
    let meters = Arc::new(Meters::default());
    let city = Arc::new(city());
    let (out, counted) = (Arc::clone(&faces), Arc::clone(&meters));
    let happenings = happenings.to_vec();
    let guards = timely::execute(timely::Config::process(workers), move |worker| {
        let out = Arc::clone(&out);
        let (mut updates, mut clocks, probe) = worker.dataflow(|scope| {
            let (updates, products) = scope.new_input();
            let (clocks, clock) = scope.new_input();
            let faces = crate::build(products, clock, &city, &counted);
            let (probe, _) = faces
                .inspect(move |update: &Update| {
                    if let Product::Face(face) = &*update.product {
                        out.lock().unwrap().push((update.tick, face.clone()));
                    }
                })
                .probe();
            (updates, clocks, probe)
        });
        let index = worker.index();
        for (i, happenings) in happenings.chunks(batch).enumerate() {
            for (j, happening) in happenings.iter().enumerate() {
                let n = i * batch + j + 1;
                let (tick, at) = (n as Tick, at(i64::try_from(n).unwrap()));
                match happening {
                    // Every worker has the clock; each product comes in on one of them.
                    Happening::Clock => clocks.send(ClockTick { tick, at }),
                    Happening::Products(products) => {
                        for (k, product) in products.iter().enumerate().filter(|(k, _)| k % workers == index)
                        {
                            let _ = k;
                            updates.send(Update {
                                tick,
                                at,
                                trigger: None,
                                product: Arc::new(product.clone()),
                            });
                        }
                    }
                }
            }
            let next = (i * batch + happenings.len() + 1) as Tick;
            updates.advance_to(next);
            clocks.advance_to(next);
            while probe.less_than(&next) {
                worker.step();
            }
        }
    })
    .unwrap();
    drop(guards);
    let mut faces = std::mem::take(&mut *faces.lock().unwrap());
    faces.sort_by_key(|(tick, face)| (*tick, face.sign));
    (faces, meters.faces_decided.get())
}

fn happenings() -> impl Strategy<Value = Vec<Happening>> {
    // Of a tick with products: a facility, its free spaces, and the free places of the garage's sections.
    let products = (0..3_u32, 0..200_u32, prop::option::of([0..60_u32, 0..20_u32]));
    prop::collection::vec(prop::option::of(products), 1..60).prop_map(|ticks| {
        let mut happenings = Vec::new();
        for (second, tick) in (1..).zip(ticks) {
            happenings.push(match tick {
                None => Happening::Clock,
                Some((f, free, places)) => {
                    let garage = places.map(|places| garage(places, second));
                    Happening::Products(std::iter::once(facility(f, free, second)).chain(garage).collect())
                }
            });
        }
        happenings
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn faces_depend_neither_on_batches_nor_on_workers(happenings in happenings(), batch in 2..20_usize) {
        let (faces, decided) = run(&happenings, 1, 1);
        prop_assert!(!faces.is_empty());
        prop_assert!(decided > 0);
        prop_assert_eq!(&run(&happenings, batch, 1), &(faces.clone(), decided));
        prop_assert_eq!(&run(&happenings, batch, 2), &(faces, decided));
    }
}

#[test]
fn products_reach_the_signs_that_announce_them() {
    let city = city();
    let announcers = Announcers::of(&city);
    let told = |product: Product| {
        let mut lines = Vec::new();
        let update = Update { tick: 1, at: at(0), trigger: None, product: Arc::new(product) };
        announcers.notes(&update, |note| {
            lines.push((
                note.sign.0,
                note.line,
                crate::graph::sight(&note.product, note.target.unwrap(), &city).unwrap().free,
            ))
        });
        lines
    };
    assert_eq!(told(facility(1, 30, 0)), [(0, 1, Some(30))]);
    assert_eq!(told(garage([20, 7], 0)), [(1, 0, Some(20)), (1, 1, Some(7)), (1, 2, Some(27))]);
    let faces = run(&[Happening::Products(vec![garage([20, 7], 1)])], 1, 1).0;
    let face = faces.into_iter().find(|(_, face)| face.sign == SignIx(1)).unwrap().1;
    let figures: Vec<_> = face.rows.iter().map(|row| row.figure).collect();
    assert_eq!(figures, [Figure::Free(20), Figure::Free(7), Figure::Free(25)]);
    assert_eq!((face.sign, face.version), (SignIx(1), 1));
    assert_eq!(Product::Face(face).key(), Key::Face(SignIx(1)));
}

/// The same journal under another configuration gives another face at the same tick: a sign that shows the former one
/// under that version would take it for a renewal.
#[test]
fn after_a_restart_every_face_has_a_new_version() {
    let mut signs = Signs::new(Arc::new(city()), Arc::default(), Part::WHOLE);
    let mut versions = |tick: Tick, second| {
        let mut out = Vec::new();
        signs.on_clock(tick, at(second), &mut out);
        let version = |update: Update| match &*update.product {
            Product::Face(face) => (face.version, face.decided_at),
            other => panic!("{other:?}"),
        };
        out.into_iter().map(version).collect::<Vec<_>>()
    };
    assert_eq!(versions(1, 0), [(1, at(0)); 2]);
    assert_eq!(versions(2, 1), []);
    // Many readings lie between two ticks of the clock, and no restart.
    assert_eq!(versions(1 + TICKS_SKIPPED, 2), []);
    let restarted = 1 + 2 * TICKS_SKIPPED + 1;
    assert_eq!(versions(restarted, 3), [(restarted, at(3)); 2]);
    assert_eq!(versions(restarted + 1, 4), []);
}
