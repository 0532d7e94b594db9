//! From stays to what barriers and bay sensors say of them, with faults.

use super::stays::Park;

/// `splitmix64`: the same on every machine.
pub(super) struct Dice(pub(super) u64);

impl Dice {
    pub(super) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// 0..1.
    pub(super) fn share(&mut self) -> f64 {
        (self.next() >> 11) as f64 / (1_u64 << 53) as f64
    }

    fn is(&mut self, chance: f64) -> bool {
        self.share() < chance
    }

    fn below(&mut self, n: usize) -> usize {
        usize::try_from(self.next() % n.max(1) as u64).unwrap_or(0)
    }
}

/// Shares of passages, of bays, and of messages.
#[derive(Clone, Copy, PartialEq)]
pub(super) struct Faults {
    missed: f64,
    double: f64,
    /// Stuck at free, stuck at taken, or the wrong way round.
    lying: f64,
    silent: f64,
    repeated: f64,
    /// Up to 20 s, so that messages overtake each other.
    late: f64,
}

pub(super) const NO_FAULTS: Faults =
    Faults { missed: 0.0, double: 0.0, lying: 0.0, silent: 0.0, repeated: 0.0, late: 0.0 };
pub(super) const FAULTS: Faults =
    Faults { missed: 0.01, double: 0.005, lying: 0.02, silent: 0.05, repeated: 0.02, late: 0.02 };

/// A run lasts so long, seconds.
pub(super) const RUN_S: usize = 7_200;

#[derive(Clone, Copy)]
pub(super) enum Says {
    Passage { exit: bool },
    Bay { bay: usize, occupied: bool },
}

/// Times in seconds from the start.
#[derive(Clone, Copy)]
pub(super) struct Message {
    pub(super) arrives: f64,
    pub(super) observed: f64,
    /// Counted by its device; a repeated message has the same one.
    pub(super) sequence: u32,
    pub(super) says: Says,
}

/// What one car park goes through.
pub(super) struct Script {
    pub(super) capacity: u32,
    /// Inside at the start.
    pub(super) residents: u32,
    /// As they arrive.
    pub(super) messages: Vec<Message>,
    /// Occupied at the end of each minute.
    pub(super) truth: Vec<u32>,
}

#[derive(Clone, Copy)]
enum Sensor {
    Good,
    Silent,
    Stuck(bool),
    Inverted,
}

impl Sensor {
    fn says(self, occupied: bool) -> Option<bool> {
        match self {
            Sensor::Good => Some(occupied),
            Sensor::Silent => None,
            Sensor::Stuck(word) => Some(word),
            Sensor::Inverted => Some(!occupied),
        }
    }
}

/// Writes messages, numbered by their devices.
struct Writer<'a> {
    messages: Vec<Message>,
    bays: Vec<u32>,
    barrier: u32,
    faults: &'a Faults,
}

impl Writer<'_> {
    fn say(&mut self, dice: &mut Dice, observed: f64, says: Says) {
        let counter = match says {
            Says::Passage { .. } => &mut self.barrier,
            Says::Bay { bay, .. } => &mut self.bays[bay],
        };
        *counter += 1;
        let sequence = *counter;
        let late = if dice.is(self.faults.late) { dice.share() * 20.0 } else { 0.0 };
        let message = Message { arrives: observed + late, observed, sequence, says };
        self.messages.push(message);
        if dice.is(self.faults.repeated) {
            self.messages.push(Message { arrives: message.arrives + dice.share() * 30.0, ..message });
        }
    }
}

/// The run so many times in a row, with `residents` who never leave on spaces of their own.
pub(super) fn script(park: &Park, runs: usize, residents: u32, faults: &Faults, dice: &mut Dice) -> Script {
    let capacity = park.capacity + residents;
    let mut events: Vec<(f64, bool, usize)> = Vec::new();
    for run in 0..runs {
        for (from, until) in &park.stays {
            let (start, stay) = ((run * RUN_S) as f64, events.len() / 2);
            events.extend([(start + from, false, stay), (start + until, true, stay)]);
        }
    }
    // Who leaves at the same instant leaves first: a space is taken only when it is free.
    events.sort_by(|a, b| a.0.total_cmp(&b.0).then(b.1.cmp(&a.1)));
    let sensor = |dice: &mut Dice| match dice.share() {
        x if x < faults.silent => Sensor::Silent,
        x if x < faults.silent + faults.lying => match dice.below(3) {
            0 => Sensor::Stuck(false),
            1 => Sensor::Stuck(true),
            _ => Sensor::Inverted,
        },
        _ => Sensor::Good,
    };
    let sensors: Vec<Sensor> = (0..capacity).map(|_| sensor(dice)).collect();
    let mut free: Vec<usize> = (0..capacity as usize).collect();
    let mut stands = vec![0; events.len() / 2];
    let bays = vec![0; capacity as usize];
    let mut writer = Writer { messages: Vec::new(), bays, barrier: 0, faults };
    for _ in 0..residents {
        free.swap_remove(dice.below(free.len()));
    }
    let mut taken = vec![true; capacity as usize];
    free.iter().for_each(|bay| taken[*bay] = false);
    for (bay, sensor) in sensors.iter().enumerate() {
        if let Some(occupied) = sensor.says(taken[bay]) {
            writer.bays[bay] += 1;
            let (sequence, says) = (writer.bays[bay], Says::Bay { bay, occupied });
            writer.messages.push(Message { arrives: 0.0, observed: 0.0, sequence, says });
        }
    }
    let (mut truth, mut inside) = (Vec::new(), residents);
    for (at, exit, stay) in events {
        while (truth.len() as f64 + 1.0) * 60.0 < at {
            truth.push(inside);
        }
        let bay = if exit {
            inside -= 1;
            free.push(stands[stay]);
            stands[stay]
        } else {
            inside += 1;
            let bay = free.swap_remove(dice.below(free.len()));
            stands[stay] = bay;
            bay
        };
        if let Some(occupied) = sensors[bay].says(!exit) {
            writer.say(dice, at, Says::Bay { bay, occupied });
        }
        let times = match dice.share() {
            x if x < faults.missed => 0,
            x if x < faults.missed + faults.double => 2,
            _ => 1,
        };
        for _ in 0..times {
            writer.say(dice, at, Says::Passage { exit });
        }
    }
    truth.resize(runs * RUN_S / 60, inside);
    let mut messages = writer.messages;
    messages.sort_by(|a, b| a.arrives.total_cmp(&b.arrives));
    Script { capacity, residents, messages, truth }
}
