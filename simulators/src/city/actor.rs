//! What acts in the simulated city, and the agenda of who acts next.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap};

use super::calendar::Calendar;
use crate::wire::{Address, Value};

/// Something that lives and makes its devices speak.
pub(crate) trait Actor: Send {
    /// Acts at its instant and says when it wants to act next, later than `at`.
    fn act(&mut self, at: i64, calendar: &Calendar, said: &mut Vec<Said>) -> i64;

    /// Writes down what is really so: spaces taken, by id.
    fn truth(&self, truth: &mut BTreeMap<String, u32>);
}

/// What a device says.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Said {
    /// Position of the device in the fleet.
    pub device: usize,
    /// What it says.
    pub value: Value,
    /// Start of the interval that it says it of; `None`: it says it of the present.
    pub interval_start: Option<i64>,
}

impl Said {
    /// Of the present instant.
    pub(crate) fn now(device: usize, value: Value) -> Said {
        Said { device, value, interval_start: None }
    }
}

/// All devices, by position.
#[derive(Debug, Default)]
pub(crate) struct Fleet {
    addresses: Vec<Address>,
}

impl Fleet {
    /// Adds a device and returns its position.
    pub(crate) fn add(&mut self, address: Address) -> usize {
        self.addresses.push(address);
        self.addresses.len() - 1
    }

    pub(crate) fn len(&self) -> usize {
        self.addresses.len()
    }

    pub(crate) fn get(&self, device: usize) -> Option<&Address> {
        self.addresses.get(device)
    }
}

/// Actors in the order of their next instants.
pub(crate) struct Agenda {
    actors: Vec<Box<dyn Actor>>,
    /// The order of addition breaks ties, so that a run repeats.
    next: BinaryHeap<Reverse<(i64, usize)>>,
}

impl Agenda {
    pub(crate) fn new() -> Agenda {
        Agenda { actors: Vec::new(), next: BinaryHeap::new() }
    }

    /// Adds an actor that acts first at that instant.
    pub(crate) fn add(&mut self, first: i64, actor: Box<dyn Actor>) {
        self.next.push(Reverse((first, self.actors.len())));
        self.actors.push(actor);
    }

    /// When somebody acts next.
    pub(crate) fn next_at(&self) -> Option<i64> {
        self.next.peek().map(|Reverse((at, _))| *at)
    }

    /// Lets the next actor act; returns its instant.
    pub(crate) fn step(&mut self, calendar: &Calendar, said: &mut Vec<Said>) -> Option<i64> {
        let Reverse((at, who)) = self.next.pop()?;
        let actor = self.actors.get_mut(who)?;
        let next = actor.act(at, calendar, said);
        self.next.push(Reverse((next.max(at + 1), who)));
        Some(at)
    }

    /// What is really so.
    pub(crate) fn truth(&self) -> BTreeMap<String, u32> {
        let mut truth = BTreeMap::new();
        for actor in &self.actors {
            actor.truth(&mut truth);
        }
        truth
    }
}
