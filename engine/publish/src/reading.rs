//! What a device said, in words.

use vlot_model::{Direction, Value};

/// A reading's value for people.
#[must_use]
pub fn reading_words(value: &Value) -> String {
    let count =
        |n: u32, one: &str, more: &str| if n == 1 { format!("1 {one}") } else { format!("{n} {more}") };
    let vehicles = |n: u32| count(n, "vehicle", "vehicles");
    match value {
        Value::Bay { occupied: true } => "occupied".to_owned(),
        Value::Bay { occupied: false } => "free".to_owned(),
        Value::BayUnsure => "unsure of itself".to_owned(),
        Value::Passage { direction, vehicles: n } => {
            let way = if *direction == Direction::In { "in" } else { "out" };
            format!("{} {way}", vehicles(u32::from(*n)))
        }
        Value::Totals { entries, exits } => format!("in total {entries} in, {exits} out"),
        Value::Occupied { spaces } => format!("{} taken", count(*spaces, "space", "spaces")),
        Value::Opening { open: true } => "open".to_owned(),
        Value::Opening { open: false } => "closed".to_owned(),
        Value::Verified { occupied } => format!("{occupied} counted by a person"),
        Value::Corrected { occupied } => format!("set to {occupied} by an operator"),
        Value::CounterReplaced => "counter replaced".to_owned(),
        Value::Closure { closed: true } => "closed by an operator".to_owned(),
        Value::Closure { closed: false } => "given back to its own word".to_owned(),
        Value::Places { free } => format!("{} free", count(*free, "place", "places")),
        Value::Bicycles { inbound, outbound, .. } => {
            let some = |n: &Option<u32>| n.map_or_else(|| "?".to_owned(), |n| n.to_string());
            format!("{} in, {} out", some(inbound), some(outbound))
        }
        Value::Traffic { vehicles: n, .. } => vehicles(*n),
        Value::Alive => "alive, no word of its subject".to_owned(),
        other => format!("{other:?}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_told_in_words() {
        let passage = |direction, vehicles| Value::Passage { direction, vehicles };
        let table = [
            (Value::Bay { occupied: true }, "occupied"),
            (Value::Bay { occupied: false }, "free"),
            (passage(Direction::In, 1), "1 vehicle in"),
            (passage(Direction::Out, 2), "2 vehicles out"),
            (Value::Totals { entries: 12, exits: 3 }, "in total 12 in, 3 out"),
            (Value::Occupied { spaces: 140 }, "140 spaces taken"),
            (Value::Places { free: 1 }, "1 place free"),
            (Value::Opening { open: false }, "closed"),
            (Value::Closure { closed: false }, "given back to its own word"),
            (Value::Bicycles { interval_s: 60, inbound: Some(3), outbound: None }, "3 in, ? out"),
            (Value::SignShown { face_version: 7 }, "SignShown { face_version: 7 }"),
        ];
        for (value, words) in table {
            assert_eq!(reading_words(&value), words);
        }
    }
}
