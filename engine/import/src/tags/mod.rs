//! What mappers write, and what it comes to: one file a kind of tag, each without knowledge of the network.

pub(crate) mod access;
pub(crate) mod barrier;
pub(crate) mod class;
pub(crate) mod condition;
pub(crate) mod oneway;
pub(crate) mod size;
pub(crate) mod speed;
pub(crate) mod street;

/// A direction of a way: as its nodes stand, or against them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Direction {
    Forward,
    Backward,
}

impl Direction {
    pub(crate) const BOTH: [Direction; 2] = [Direction::Forward, Direction::Backward];

    pub(crate) fn suffix(self) -> &'static str {
        match self {
            Direction::Forward => "forward",
            Direction::Backward => "backward",
        }
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use crate::read::Tags;
    use crate::report::{Notes, Report};

    /// "a=b c=d" with `_` for blanks in values.
    pub(crate) fn tags(text: &str) -> Vec<(String, String)> {
        let pairs = text.split_whitespace().map(|pair| pair.split_once('=').expect("key=value"));
        pairs.map(|(k, v)| (k.to_owned(), v.replace('_', " ").replace("~", "_"))).collect()
    }

    pub(crate) fn with<T>(text: &str, look: impl FnOnce(Tags<'_>, &mut Notes<'_>) -> T) -> (T, Report) {
        let owned = tags(text);
        let pairs: Vec<_> = owned.iter().map(|(k, v)| (k.as_str(), v.as_str())).collect();
        let mut report = Report::default();
        let got = look(Tags(&pairs), &mut Notes::new(&mut report, "way", 7));
        (got, report)
    }
}
