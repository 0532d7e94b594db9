//! What is wrong with a configuration: file, place, what, and what to do about it.

use std::fmt;

/// One thing that is wrong.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Problem {
    /// Name of the file within the configuration.
    pub file: String,
    /// Line in the file, from 1; `None` where the whole file is meant.
    pub line: Option<usize>,
    /// The entry and key, as `facility "ladeuze".capacity`; empty where the whole file is meant.
    pub place: String,
    /// What is wrong with it.
    pub what: String,
    /// What to do about it.
    pub hint: String,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.file)?;
        if let Some(line) = self.line {
            write!(f, ":{line}")?;
        }
        if !self.place.is_empty() {
            write!(f, ": {}", self.place)?;
        }
        write!(f, ": {}", self.what)?;
        if !self.hint.is_empty() {
            write!(f, " (hint: {})", self.hint)?;
        }
        Ok(())
    }
}

/// Everything that is wrong with a configuration, in order of file and line; never empty.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problems {
    first: Vec<Problem>,
    left_out: usize,
}

impl Problems {
    /// Of more problems than this, the first ones are kept and the others counted.
    pub const MAX: usize = 1_000;

    /// `None` when there is nothing wrong.
    pub(crate) fn of(mut problems: Vec<Problem>) -> Option<Problems> {
        problems.sort();
        problems.dedup();
        let left_out = problems.len().saturating_sub(Self::MAX);
        problems.truncate(Self::MAX);
        (!problems.is_empty()).then_some(Problems { first: problems, left_out })
    }

    /// One by one, at most [`Problems::MAX`].
    pub fn iter(&self) -> impl ExactSizeIterator<Item = &Problem> {
        self.first.iter()
    }

    /// How many there are.
    #[must_use]
    pub fn count(&self) -> usize {
        self.first.len() + self.left_out
    }
}

impl fmt::Display for Problems {
    /// One line a problem, without a line end after the last.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, problem) in self.first.iter().enumerate() {
            if i > 0 {
                f.write_str("\n")?;
            }
            problem.fmt(f)?;
        }
        if self.left_out > 0 {
            write!(f, "\nand {} more", self.left_out)?;
        }
        Ok(())
    }
}

impl std::error::Error for Problems {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn problems_come_in_order_once_and_within_bounds() {
        let at = |line| Problem {
            file: "signs.toml".into(),
            line,
            place: "sign \"lei\".label".into(),
            what: "is \"\"".into(),
            hint: String::new(),
        };
        let problems = Problems::of(vec![at(Some(7)), at(None), at(Some(3)), at(Some(7))]).unwrap();
        assert_eq!(
            problems.to_string(),
            "signs.toml: sign \"lei\".label: is \"\"\n\
             signs.toml:3: sign \"lei\".label: is \"\"\n\
             signs.toml:7: sign \"lei\".label: is \"\""
        );
        let many = Problems::of((0..Problems::MAX + 5).map(|line| at(Some(line))).collect()).unwrap();
        assert_eq!((many.count(), many.iter().len()), (Problems::MAX + 5, Problems::MAX));
        assert!(many.to_string().ends_with("\nand 5 more"));
        assert_eq!(Problems::of(Vec::new()), None);
    }
}
