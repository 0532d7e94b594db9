//! Small maps by hand: how ways are cut, who may go where, which turns are forbidden, and names that last.

#![allow(clippy::unwrap_used, reason = "a test fails by it")]

mod damaged;
mod map;

use std::collections::BTreeSet;

use map::{ends, import, links, turns};
use vlot_import::{Gap, Imported};
use vlot_model::RoadClass;

#[test]
fn ways_are_cut_where_they_meet() {
    for (what, map, expected) in [
        ("one way, bends kept", "way 1 abc highway=primary", &["a>c CBFU", "c>a CBFU"][..]),
        (
            "a crossing",
            "way 1 abc highway=primary
             way 2 dbe highway=motorway",
            &["a>b CBFU", "b>a CBFU", "b>c CBFU", "b>e CU", "c>b CBFU", "d>b CU"],
        ),
        (
            "a river meets nothing",
            "way 1 abc highway=primary
             way 2 dbe waterway=river",
            &["a>c CBFU", "c>a CBFU"],
        ),
        (
            "one way ends where another begins",
            "way 1 ab highway=motorway
             way 2 bc highway=motorway",
            &["a>b CU", "b>c CU"],
        ),
        ("against its nodes", "way 1 abc highway=motorway oneway=-1", &["c>a CU"]),
        (
            "a contraflow lane",
            "way 1 ab highway=residential oneway=yes oneway:bicycle=no",
            &["a>b CBFU", "b>a BF"],
        ),
        (
            "a roundabout with two arms",
            "way 1 abcda junction=roundabout highway=tertiary foot=no
             way 2 be highway=service bicycle=no
             way 3 df highway=service bicycle=no",
            // It is cut at its own first node too.
            &["a>b CBU", "b>d CBU", "b>e CFU", "d>a CBU", "d>f CFU", "e>b CFU", "f>d CFU"],
        ),
        (
            "a bollard",
            "way 1 abc highway=residential
             node b barrier=bollard",
            &["a>b CBFU", "b>a CBFU", "b>c CBFU", "c>b CBFU"],
        ),
        (
            "a bus gate",
            "way 1 ab highway=residential
             way 2 bc highway=residential motor_vehicle=no bus=yes
             way 3 cd highway=residential",
            &["a>b CBFU", "b>a CBFU", "b>c BFU", "c>b BFU", "c>d CBFU", "d>c CBFU"],
        ),
        (
            "who has business there",
            "way 1 ab highway=residential motor_vehicle=destination",
            &["a>b cBFu", "b>a cBFu"],
        ),
        ("a node that comes twice in a row", "way 1 abbc highway=motorway", &["a>c CU"]),
    ] {
        assert_eq!(links(&import(map).network), expected, "{what}");
    }
}

#[test]
fn a_link_has_what_its_way_says() {
    let map = "way 1 abc highway=secondary name=Naamsestraat lanes=3 lanes:forward=2 maxspeed=50 maxweight=3.5
               way 2 cd highway=primary_link junction=roundabout motor_vehicle:conditional=no~@~(Mo-Fr~08:15-08:45)";
    let Imported { network, report } = import(map);
    let of = |name: &str| network.links.iter().position(|link| ends(&network, link) == name).unwrap();
    let link = &network.links[of("a>c")];
    assert_eq!((link.class, link.lanes, link.roundabout), (RoadClass::Secondary, 2, false));
    assert_eq!(network.name(vlot_model::LinkIx::from_position(of("a>c"))), "Naamsestraat");
    assert_eq!(link.opposite.unwrap().at(), of("c>a"));
    assert_eq!(network.links[of("c>a")].lanes, 1);
    assert!((link.free_flow_kmh - 45.0).abs() < 1e-3, "{}", link.free_flow_kmh);
    assert_eq!(network.access[link.access as usize].max_weight_kg, Some(3_500));
    assert_eq!(network.shape(vlot_model::LinkIx::from_position(of("a>c"))).len(), 3);
    let timed = &network.links[of("c>d")];
    assert!(timed.roundabout && timed.free_flow_kmh <= 30.0);
    assert_eq!(&*network.access[timed.access as usize].rules[0].hours, "Mo-Fr 08:15-08:45");
    assert_eq!((report.links, report.junctions, report.timed_links), (4, 3, 1));
    assert!(report.gaps.is_empty(), "{:?}", report.gaps);
}

const CROSSING: &str = "way 1 ab highway=primary foot=no
                        way 2 bc highway=primary foot=no
                        way 3 bd highway=primary foot=no
                        ";

#[test]
fn turns_are_forbidden_as_mapped() {
    for (what, more, expected, gaps) in [
        (
            "over a node",
            "turn 9 from=1 via=b to=2 restriction=no_left_turn",
            &["no a>b b>c CBU"][..],
            &[][..],
        ),
        ("the only one", "turn 9 from=1 via=b to=2 restriction=only_straight_on", &["only a>b b>c CBU"], &[]),
        (
            "bicycles may",
            "turn 9 from=1 via=b to=2 restriction=no_left_turn except=bicycle",
            &["no a>b b>c CU"],
            &[],
        ),
        (
            "at certain hours",
            "turn 9 from=1 via=b to=2 restriction:conditional=no_left_turn~@~(Mo-Fr~07:00-09:00)",
            &["no a>b b>c CBU Mo-Fr 07:00-09:00"],
            &[],
        ),
        ("turning back", "turn 9 from=1 via=b to=1 restriction=no_u_turn", &["no a>b b>a CBU"], &[]),
        (
            "no way in",
            "turn 9 from=1,2 via=b to=3 restriction=no_entry",
            &["no a>b b>d CBU", "no c>b b>d CBU"],
            &[],
        ),
        ("for lorries", "turn 9 from=1 via=b to=2 restriction:hgv=no_left_turn", &[], &[]),
        (
            "not at its node",
            "turn 9 from=1 via=d to=2 restriction=no_left_turn",
            &[],
            &[Gap::RestrictionPath],
        ),
        (
            "a way that is not there",
            "turn 9 from=1 via=b to=8 restriction=no_left_turn",
            &[],
            &[Gap::RestrictionMembers],
        ),
        (
            "a relation as a member",
            "turn 9 from=1 via=b to=b restriction=no_left_turn",
            &[],
            &[Gap::RestrictionMembers],
        ),
        (
            "over ways",
            "way 4 cde highway=primary foot=no
             turn 9 from=1 via=2,4 to=3 restriction=no_u_turn",
            &["no a>b b>c c>d d>b CBU"],
            &[],
        ),
        (
            "over a way in pieces",
            "way 4 cef highway=primary foot=no
             way 5 eg highway=primary foot=no
             way 6 fh highway=primary foot=no
             turn 9 from=2 via=4 to=6 restriction=no_straight_on",
            &["no b>c c>e e>f f>h CBU"],
            &[],
        ),
        (
            "over a way into one that runs on through its end",
            "way 4 eacf highway=primary foot=no
             way 5 ec highway=primary foot=no
             turn 9 from=1 via=2 to=4 restriction=no_left_turn",
            &[],
            &[Gap::RestrictionPath],
        ),
        (
            "into a way that runs on through the node",
            "way 4 ebf highway=primary foot=no
             turn 9 from=1 via=b to=4 restriction=no_left_turn",
            &[],
            &[Gap::RestrictionPath],
        ),
        (
            "into a way that only people on foot may enter there: needless",
            "way 4 eb highway=primary oneway=yes
             turn 9 from=1 via=b to=4 restriction=no_left_turn",
            &[],
            &[],
        ),
    ] {
        let Imported { network, report } = import(&format!("{CROSSING}{more}"));
        assert_eq!(turns(&network), expected, "{what}");
        assert_eq!(report.gaps.keys().copied().collect::<Vec<_>>(), gaps, "{what}: {:?}", report.gaps);
    }
}

#[test]
fn barriers_forbid_going_on() {
    for (what, map, expected) in [
        (
            "a bollard",
            "way 1 abc highway=residential
             node b barrier=bollard",
            &["no a>b b>c CU", "no c>b b>a CU"][..],
        ),
        (
            "a private gate",
            "way 1 abc highway=service
             node b barrier=gate access=private",
            &["no a>b b>c CBFU", "no c>b b>a CBFU"],
        ),
        (
            "the gate of a car park",
            "way 1 abc highway=service
             node b barrier=lift_gate",
            &[],
        ),
        (
            "a gate at school hours",
            "way 1 abc highway=residential
             node b barrier=bollard motor_vehicle=yes motor_vehicle:conditional=no~@~(Mo-Fr~08:15-08:45)",
            &["no a>b b>c CU Mo-Fr 08:15-08:45", "no c>b b>a CU Mo-Fr 08:15-08:45"],
        ),
        (
            "a bollard where no car comes",
            "way 1 abc highway=cycleway
             node b barrier=bollard",
            &[],
        ),
        (
            "a bollard at the end of a street",
            "way 1 ab highway=residential
             node b barrier=bollard",
            &[],
        ),
        (
            "a bollard on a crossing stops all ways, but nobody who turns back",
            "way 1 ab highway=motorway
             way 2 bc highway=motorway
             way 3 bd highway=motorway
             node b barrier=bollard",
            &["no a>b b>c CU", "no a>b b>d CU"],
        ),
    ] {
        assert_eq!(turns(&import(map).network), expected, "{what}");
    }
}

#[test]
fn the_edge_of_an_extract_cuts_ways() {
    // Where node y is said to be is not on the earth.
    let xml = map::xml("way 1 abycd highway=motorway")
        .replace("lat=\"50.8802000\" lon=\"4.7240000\"", "lat=\"200\" lon=\"4\"");
    assert!(xml.contains("lat=\"200\""), "{xml}");
    let source = vlot_import::read::Source::from(xml.as_str());
    let imported = vlot_import::osm(&source, &vlot_import::Options::default()).unwrap();
    assert_eq!(links(&imported.network), ["a>b CU", "c>d CU"]);
    assert!(imported.report.gaps[&Gap::MissingNodes].examples[0].contains("way 1: 1 of 5 nodes"));
}

#[test]
fn names_last() {
    let base = "way 1 abcdef highway=residential
                way 2 cg highway=residential
                way 3 eh highway=residential";
    let ids = |map: &str| -> BTreeSet<(u64, String)> {
        let network = import(map).network;
        network.links.iter().map(|link| (link.id.0, ends(&network, link))).collect()
    };
    let before = ids(base);
    let count = before.len();
    let mut distinct: Vec<_> = before.iter().map(|(id, _)| id).collect();
    distinct.dedup();
    assert_eq!((count, distinct.len()), (10, 10));
    for (what, map, gone, new) in [
        ("the same", base.to_owned(), 0, 0),
        ("another order", base.lines().rev().collect::<Vec<_>>().join("\n"), 0, 0),
        ("drawn the other way round", base.replace("abcdef", "fedcba"), 0, 0),
        (
            "renamed, slower, with a bend less",
            base.replace("abcdef highway=residential", "acdef highway=tertiary maxspeed=30"),
            0,
            0,
        ),
        // The other direction is left to people on foot.
        (
            "made one-way",
            base.replace("way 2 cg highway=residential", "way 2 cg highway=residential oneway=yes"),
            0,
            0,
        ),
        (
            "made one-way, nobody on foot",
            base.replace("way 2 cg highway=residential", "way 2 cg highway=residential oneway=yes foot=no"),
            1,
            0,
        ),
        ("a new side street at d", format!("{base}\nway 4 di highway=residential"), 2, 6),
        ("a bollard at b", format!("{base}\nnode b barrier=bollard"), 2, 4),
    ] {
        let after = ids(&map);
        let numbers = (before.difference(&after).count(), after.difference(&before).count());
        assert_eq!(numbers, (gone, new), "{what}");
    }
}

#[test]
fn pieces_of_one_way_that_join_the_same_junctions_have_names_of_their_own() {
    // A way that comes back to b, and a loop that begins and ends in b.
    for map in
        ["way 1 abcdbe highway=residential", "way 1 bcdb highway=residential\nway 2 ab highway=residential"]
    {
        let network = import(map).network;
        assert!(network.links.windows(2).all(|pair| pair[0].id < pair[1].id), "{map}");
        for (i, link) in network.links.iter().enumerate() {
            let opposite = &network.links[link.opposite.unwrap().at()];
            assert_eq!(opposite.opposite.unwrap().at(), i, "{map}");
            assert_eq!((opposite.from, opposite.to), (link.to, link.from), "{map}");
        }
    }
}
