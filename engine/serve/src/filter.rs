//! Which ones a reader asks for: ids to positions in the configuration.

use std::collections::HashMap;

use tonic::Status;
use vlot_model::City;

/// Positions in one of the city's tables.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Filter {
    /// Sorted; `None` lets all through.
    only: Option<Box<[usize]>>,
}

impl Filter {
    pub(crate) const ALL: Filter = Filter { only: None };

    pub(crate) fn one(at: usize) -> Self {
        Filter { only: Some(Box::new([at])) }
    }

    pub(crate) fn some(mut only: Vec<usize>) -> Self {
        only.sort_unstable();
        only.dedup();
        Filter { only: Some(only.into_boxed_slice()) }
    }

    pub(crate) fn has(&self, at: usize) -> bool {
        self.only.as_ref().is_none_or(|only| only.binary_search(&at).is_ok())
    }

    /// The position, where it lets one alone through.
    pub(crate) fn single(&self) -> Option<usize> {
        match self.only.as_deref() {
            Some([at]) => Some(*at),
            _ => None,
        }
    }

    /// Those of a table of `len` that it lets through, in the table's order.
    pub(crate) fn of(&self, len: usize) -> impl Iterator<Item = usize> {
        (0..len).filter(|at| self.has(*at))
    }

    /// Narrows it to those of a table of `len` that `keep` lets through.
    pub(crate) fn narrowed(self, len: usize, keep: impl Fn(usize) -> bool) -> Self {
        Filter { only: Some(self.of(len).filter(|at| keep(*at)).collect()) }
    }
}

/// Positions by id.
pub(crate) struct Table {
    what: &'static str,
    at: HashMap<Box<str>, usize>,
}

impl Table {
    fn new<'a>(what: &'static str, ids: impl Iterator<Item = &'a Box<str>>) -> Self {
        Table { what, at: ids.cloned().enumerate().map(|(at, id)| (id, at)).collect() }
    }

    /// NOT_FOUND when there is none of that id.
    pub(crate) fn find(&self, id: &str) -> Result<usize, Status> {
        self.at
            .get(id)
            .copied()
            .ok_or_else(|| Status::not_found(format!("there is no {} {:?}", self.what, clip(id))))
    }

    /// All when `ids` is empty; INVALID_ARGUMENT when one of them is unknown.
    pub(crate) fn filter(&self, ids: &[String]) -> Result<Filter, Status> {
        if ids.is_empty() {
            return Ok(Filter::ALL);
        }
        let mut only = Vec::with_capacity(ids.len().min(self.at.len()));
        for id in ids {
            let at = self.at.get(id.as_str()).ok_or_else(|| {
                Status::invalid_argument(format!(
                    "filter.ids: there is no {} {:?}; listing without a filter shows all ids",
                    self.what,
                    clip(id)
                ))
            })?;
            only.push(*at);
        }
        Ok(Filter::some(only))
    }
}

/// What an answer repeats of a client's text.
pub(crate) fn clip(text: &str) -> &str {
    &text[..text.floor_char_boundary(64)]
}

/// Positions of everything that a request can name.
pub(crate) struct Names {
    pub(crate) facilities: Table,
    pub(crate) garages: Table,
    pub(crate) stations: Table,
    pub(crate) signs: Table,
    pub(crate) corridors: Table,
    pub(crate) controllers: Table,
    pub(crate) air_stations: Table,
}

impl Names {
    pub(crate) fn new(city: &City) -> Self {
        Names {
            facilities: Table::new("facility", city.facilities.iter().map(|f| &f.id)),
            garages: Table::new("garage", city.garages.iter().map(|g| &g.id)),
            stations: Table::new("station", city.stations.iter().map(|s| &s.id)),
            signs: Table::new("sign", city.signs.iter().map(|s| &s.id)),
            corridors: Table::new("corridor", city.corridors.iter().map(|c| &c.id)),
            controllers: Table::new("controller", city.controllers.iter().map(|c| &c.id)),
            air_stations: Table::new("air station", city.air_stations.iter().map(|s| &s.id)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_become_sorted_positions_once_each() {
        let ids: Vec<Box<str>> = vec!["a".into(), "b".into(), "c".into()];
        let table = Table::new("facility", ids.iter());
        let filter = table.filter(&["c".into(), "a".into(), "c".into()]).unwrap();
        assert_eq!(filter.of(3).collect::<Vec<_>>(), [0, 2]);
        assert_eq!(filter.clone().narrowed(3, |at| at > 0).single(), Some(2));
        assert_eq!((filter.single(), Filter::one(1).single(), Filter::ALL.single()), (None, Some(1), None));
        assert_eq!(table.filter(&[]).unwrap(), Filter::ALL);
        let long = "é".repeat(1_000);
        let refused = table.filter(std::slice::from_ref(&long)).unwrap_err();
        assert_eq!(refused.code(), tonic::Code::InvalidArgument);
        assert!(refused.message().len() < 200, "{}", refused.message());
        assert_eq!(table.find(&long).unwrap_err().code(), tonic::Code::NotFound);
    }
}
