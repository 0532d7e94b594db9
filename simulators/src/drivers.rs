//! What a driver makes of a sign: reads its rows as the public stream brings them, and goes on or elsewhere. Pure.

use vlot_proto::common::v1::Status;
use vlot_proto::sign::v1::{Face, row::Figure};

/// A sign as somebody reads it who drives past.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Reading {
    /// Its rows, from the top.
    pub rows: Vec<Row>,
    /// Position of the advised one.
    pub advised: Option<usize>,
}

/// One row of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Row {
    /// The id of what it announces.
    pub target: String,
    /// What it says of it.
    pub says: Says,
    /// Minutes to drive; `None`: it does not say.
    pub minutes: Option<u32>,
}

/// What a row says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Says {
    /// A figure of free spaces.
    Space,
    /// The same, in the colour of what will probably be full on arrival.
    Filling,
    /// The word for full.
    Full,
    /// The word for closed.
    Closed,
    /// Nothing.
    Nothing,
}

impl Reading {
    /// What a face says, row by row.
    #[must_use]
    pub fn of(face: &Face) -> Reading {
        let says = |row: &vlot_proto::sign::v1::Row| match row.figure {
            Some(Figure::Free(_)) if row.filling => Says::Filling,
            Some(Figure::Free(_)) => Says::Space,
            Some(Figure::Word(word)) if word == Status::Full as i32 => Says::Full,
            Some(Figure::Word(word)) if word == Status::Closed as i32 => Says::Closed,
            _ => Says::Nothing,
        };
        let row = |row: &vlot_proto::sign::v1::Row| Row {
            target: row.target_id.clone(),
            says: says(row),
            minutes: row.minutes,
        };
        Reading {
            rows: face.rows.iter().map(row).collect(),
            advised: face.advised_row.and_then(|row| usize::try_from(row).ok()),
        }
    }

    /// Whether it announces a car park and does not say that there is, and will be, space.
    #[must_use]
    pub fn warns_of(&self, wanted: &str) -> bool {
        self.says_of(wanted).is_some_and(|says| says != Says::Space)
    }

    /// Where somebody goes who wanted to `wanted` and heeds the sign; `None`: on to there. Who reads that there is space goes on. Who
    /// does not takes what is advised; without advice, and told that there is none, the nearest of the rows that show space.
    #[must_use]
    pub fn instead_of(&self, wanted: &str) -> Option<&Row> {
        let says = self.says_of(wanted).filter(|says| *says != Says::Space)?;
        let open = |row: &&Row| row.says == Says::Space && row.target != wanted;
        let advised = self.advised.and_then(|position| self.rows.get(position)).filter(open);
        let nearest = || {
            let open = self.rows.iter().filter(open);
            open.min_by_key(|row| row.minutes.unwrap_or(u32::MAX))
        };
        advised.or_else(|| nearest().filter(|_| says != Says::Nothing))
    }

    fn says_of(&self, wanted: &str) -> Option<Says> {
        self.rows.iter().find(|row| row.target == wanted).map(|row| row.says)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use vlot_proto::sign::v1::Row as Wire;

    use super::*;

    fn row(target: &str, says: Says, minutes: u32) -> Row {
        Row { target: target.into(), says, minutes: Some(minutes) }
    }

    #[test]
    fn a_face_is_read_as_it_is_shown() {
        let wire = |figure, filling| Wire {
            target_id: "a".into(),
            minutes: Some(4),
            figure,
            filling,
            ..Wire::default()
        };
        for (figure, filling, says) in [
            (Some(Figure::Free(30)), false, Says::Space),
            (Some(Figure::Free(30)), true, Says::Filling),
            (Some(Figure::Word(Status::Full.into())), false, Says::Full),
            (Some(Figure::Word(Status::Closed.into())), false, Says::Closed),
            (Some(Figure::Word(Status::Unknown.into())), false, Says::Nothing),
            (Some(Figure::Blank(true)), true, Says::Nothing),
            (None, false, Says::Nothing),
        ] {
            let face = Face { rows: vec![wire(figure, filling)], advised_row: Some(0), ..Face::default() };
            assert_eq!(Reading::of(&face), Reading { rows: vec![row("a", says, 4)], advised: Some(0) });
        }
    }

    #[test]
    fn who_is_warned_takes_the_advice_or_the_nearest_with_space() {
        let rows = vec![
            row("a", Says::Full, 2),
            row("b", Says::Space, 9),
            row("c", Says::Space, 5),
            row("d", Says::Filling, 1),
            row("e", Says::Nothing, 1),
        ];
        let read = |advised| Reading { rows: rows.clone(), advised };
        let goes = |advised, wanted: &str| read(advised).instead_of(wanted).map(|row| row.target.clone());
        for (advised, wanted, to) in [
            (Some(1), "a", Some("b")),
            (None, "a", Some("c")),
            (Some(1), "d", Some("b")),
            // No advice of this face, or one that shows no space, is none.
            (Some(9), "a", Some("c")),
            (Some(4), "a", Some("c")),
            // A dark row is no reason to look for another, but one to take what is advised.
            (Some(1), "e", Some("b")),
            (None, "e", None),
            // Space, and what the sign does not announce: nobody is warned.
            (Some(1), "c", None),
            (Some(1), "elsewhere", None),
        ] {
            assert_eq!(goes(advised, wanted).as_deref(), to, "{advised:?} {wanted}");
        }
        let none_open = Reading { rows: vec![row("a", Says::Full, 2)], advised: Some(0) };
        assert_eq!(none_open.instead_of("a"), None);
    }

    fn readings() -> impl Strategy<Value = Reading> {
        let says =
            prop::sample::select(vec![Says::Space, Says::Filling, Says::Full, Says::Closed, Says::Nothing]);
        let rows = prop::collection::vec((says, prop::option::of(0..30_u32)), 0..6);
        (rows, prop::option::of(0..7_usize)).prop_map(|(rows, advised)| {
            let row = |(n, (says, minutes)): (usize, (Says, Option<u32>))| Row {
                target: n.to_string(),
                says,
                minutes,
            };
            Reading { rows: rows.into_iter().enumerate().map(row).collect(), advised }
        })
    }

    proptest! {
        /// Whoever goes elsewhere was warned, and goes to what shows space; whoever is told to goes where anything shows space.
        #[test]
        fn nobody_goes_elsewhere_without_cause_or_without_space(read in readings(), wanted in 0..7_usize) {
            let wanted = wanted.to_string();
            let shown = read.rows.iter().find(|row| row.target == wanted).map(|row| row.says);
            let told = matches!(shown, Some(Says::Full | Says::Closed | Says::Filling));
            let dark = shown == Some(Says::Nothing);
            let advised = read.advised.and_then(|n| read.rows.get(n)).filter(|row| row.says == Says::Space);
            let any = read.rows.iter().any(|row| row.says == Says::Space);
            prop_assert_eq!(read.warns_of(&wanted), told || dark);
            let to = read.instead_of(&wanted);
            prop_assert_eq!(to.is_some(), told && any || dark && advised.is_some());
            if let Some(to) = to {
                prop_assert_eq!(to.says, Says::Space);
                prop_assert!(advised.is_none_or(|advised| advised == to));
            }
        }
    }
}
