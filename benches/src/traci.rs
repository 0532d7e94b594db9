//! A client of SUMO's TraCI, of the few commands that a closed loop needs. SUMO runs as a child on the loopback; every wait is
//! bounded, and the process ends with its owner.
//!
//! Written against TraCI's description (sumo.dlr.de/docs/TraCI) as version 1.15 speaks it: no kept Rust crate does.

use std::io::{ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::process::Command;
use std::sync::atomic::{AtomicU16, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};

use crate::process::Process;

/// A net may take this long to load, and a step this long to be made.
const LOADS_WITHIN: Duration = Duration::from_secs(120);
const STEPS_WITHIN: Duration = Duration::from_secs(120);
/// An answer is no larger, bytes: what claims to be is no answer.
const ANSWER_MAX: usize = 256 << 20;

const SIMULATION_STEP: u8 = 0x02;
const CLOSE: u8 = 0x7f;
const SUBSCRIBE_VEHICLE: u8 = 0xd4;
const SUBSCRIBE_SIMULATION: u8 = 0xdb;
const OF_VEHICLE: u8 = 0xe4;
const OF_SIMULATION: u8 = 0xeb;
const SET_VEHICLE: u8 = 0xc4;
const SET_ROUTE: u8 = 0xc6;

const DEPARTED: u8 = 0x74;
const ARRIVED: u8 = 0x7a;
const ROUTE_INDEX: u8 = 0x69;
const ROUTE: u8 = 0x57;
const ADD_FULL: u8 = 0x85;
const ADD: u8 = 0x80;

const UBYTE: u8 = 0x07;
const BYTE: u8 = 0x08;
const INTEGER: u8 = 0x09;
const DOUBLE: u8 = 0x0b;
const STRING: u8 = 0x0c;
const STRINGS: u8 = 0x0e;
const COMPOUND: u8 = 0x0f;

/// What a step of the simulation brought.
#[derive(Debug, Default)]
pub struct Stepped {
    /// Vehicles that entered the net.
    pub departed: Vec<String>,
    /// Vehicles that reached the end of their route.
    pub arrived: Vec<String>,
    /// Vehicles that are subscribed to, and at which edge of their present route they are.
    pub at: Vec<(String, usize)>,
    /// Vehicles that were to go another way and do not: SUMO is teleporting them, or the way does not begin where they are.
    pub refused: Vec<String>,
}

/// A command that waits for its answer.
struct Asked {
    command: u8,
    /// The vehicle that a refusal concerns; `None`: nobody reckons with one.
    may_refuse: Option<String>,
}

/// A running SUMO.
pub struct Sumo {
    stream: TcpStream,
    /// Commands that go with the next message, and their number.
    waiting: Vec<u8>,
    commands: Vec<Asked>,
    refused: Vec<String>,
    _process: Process,
}

impl Sumo {
    /// Starts one with these arguments beside the port, and subscribes to departures and arrivals.
    ///
    /// # Errors
    /// When it is not installed, does not start, or does not answer in time.
    pub fn start(arguments: &[String]) -> Result<Self> {
        let mut last = None;
        // Somebody may take the port between our look at it and SUMO's.
        for _ in 0..3 {
            match Self::on(free_port()?, arguments) {
                Ok(sumo) => return Ok(sumo),
                Err(error) => last = Some(error),
            }
        }
        Err(last.unwrap_or_else(|| anyhow::anyhow!("no free port")))
    }

    fn on(port: u16, arguments: &[String]) -> Result<Self> {
        let mut command = Command::new("sumo");
        command.args(arguments).arg("--remote-port").arg(port.to_string());
        command.stderr(std::process::Stdio::null());
        let mut process =
            Process::start(&mut command).context("cannot start `sumo` (hint: apt-get install sumo)")?;
        let end = Instant::now() + LOADS_WITHIN;
        let stream = loop {
            if let Ok(stream) = TcpStream::connect(SocketAddr::from(([127, 0, 0, 1], port))) {
                break stream;
            }
            if let Some(status) = process.0.try_wait()? {
                bail!("sumo ended with {status} while it loaded (hint: run `sumo {}`)", arguments.join(" "));
            }
            ensure!(Instant::now() < end, "sumo does not load within {} s", LOADS_WITHIN.as_secs());
            std::thread::park_timeout(Duration::from_millis(20));
        };
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(STEPS_WITHIN))?;
        stream.set_write_timeout(Some(STEPS_WITHIN))?;
        let mut sumo = Sumo {
            stream,
            waiting: Vec::new(),
            commands: Vec::new(),
            refused: Vec::new(),
            _process: process,
        };
        sumo.subscribe(SUBSCRIBE_SIMULATION, "", &[DEPARTED, ARRIVED]);
        sumo.flush()?;
        Ok(sumo)
    }

    /// From the next step on it is told where this vehicle is.
    pub fn follow(&mut self, vehicle: &str) {
        self.subscribe(SUBSCRIBE_VEHICLE, vehicle, &[ROUTE_INDEX]);
    }

    /// A vehicle goes another way from the edge on which it is, which is the first of `edges`. Where SUMO will not, the next
    /// step says so and the vehicle goes on as before.
    pub fn reroute<'a>(&mut self, vehicle: &str, edges: impl IntoIterator<Item = &'a str>) {
        let mut body = vec![ROUTE];
        put_text(&mut body, vehicle);
        put_texts(&mut body, edges);
        self.command(SET_VEHICLE, &body);
        if let Some(asked) = self.commands.last_mut() {
            asked.may_refuse = Some(vehicle.to_owned());
        }
    }

    /// A vehicle enters the net now, on a route of its own.
    pub fn add<'a>(&mut self, vehicle: &str, edges: impl IntoIterator<Item = &'a str>) {
        let route = format!("{vehicle}-way");
        let mut body = vec![ADD];
        put_text(&mut body, &route);
        put_texts(&mut body, edges);
        self.command(SET_ROUTE, &body);
        let mut body = vec![ADD_FULL];
        put_text(&mut body, vehicle);
        body.push(COMPOUND);
        body.extend(14_i32.to_be_bytes());
        let texts = [
            route.as_str(),
            "DEFAULT_VEHTYPE",
            "now",
            "best",
            "base",
            "0",
            "current",
            "max",
            "current",
            "",
            "",
            "",
        ];
        for text in texts {
            body.push(STRING);
            put_text(&mut body, text);
        }
        for number in [0_i32; 2] {
            body.push(INTEGER);
            body.extend(number.to_be_bytes());
        }
        self.command(SET_VEHICLE, &body);
    }

    /// Does what was asked since, then makes a step.
    ///
    /// # Errors
    /// When SUMO refuses a command, ends, or does not answer in time.
    pub fn step(&mut self) -> Result<Stepped> {
        self.flush()?;
        self.command(SIMULATION_STEP, &0_f64.to_be_bytes());
        let commands = std::mem::take(&mut self.commands);
        let message = self.exchange()?;
        let mut answer = Answer { bytes: &message };
        for asked in commands {
            answer.done(asked.command)?;
        }
        let mut stepped = Stepped { refused: std::mem::take(&mut self.refused), ..Stepped::default() };
        for _ in 0..answer.integer()? {
            answer.subscription(&mut stepped)?;
        }
        Ok(stepped)
    }

    /// Ends the simulation in order.
    ///
    /// # Errors
    /// When it does not answer.
    pub fn close(mut self) -> Result<()> {
        self.command(CLOSE, &[]);
        self.exchange()?;
        Ok(())
    }

    fn subscribe(&mut self, command: u8, object: &str, variables: &[u8]) {
        let mut body = Vec::new();
        body.extend(0_f64.to_be_bytes());
        body.extend(1e9_f64.to_be_bytes());
        put_text(&mut body, object);
        body.push(u8::try_from(variables.len()).unwrap_or(u8::MAX));
        body.extend(variables);
        self.command(command, &body);
    }

    fn command(&mut self, command: u8, body: &[u8]) {
        match u8::try_from(body.len() + 2) {
            Ok(length) => self.waiting.push(length),
            Err(_) => {
                self.waiting.push(0);
                self.waiting.extend(length_of(body.len() + 6));
            }
        }
        self.waiting.push(command);
        self.waiting.extend(body);
        self.commands.push(Asked { command, may_refuse: None });
    }

    fn flush(&mut self) -> Result<()> {
        if self.commands.is_empty() {
            return Ok(());
        }
        let commands = std::mem::take(&mut self.commands);
        let message = self.exchange()?;
        let mut answer = Answer { bytes: &message };
        for Asked { command, may_refuse } in commands {
            match (answer.status(command)?, may_refuse) {
                (Some(_), Some(vehicle)) => self.refused.push(vehicle),
                (Some(said), None) => bail!("sumo refuses command {command:#x}: {said}"),
                (None, _) => {}
            }
            if [SUBSCRIBE_VEHICLE, SUBSCRIBE_SIMULATION].contains(&command) {
                // What holds now is told again with the next step.
                answer.subscription(&mut Stepped::default())?;
            }
        }
        Ok(())
    }

    fn exchange(&mut self) -> Result<Vec<u8>> {
        let mut message = Vec::with_capacity(self.waiting.len() + 4);
        message.extend(length_of(self.waiting.len() + 4));
        message.append(&mut self.waiting);
        self.stream.write_all(&message).context("sumo has ended")?;
        let mut length = [0; 4];
        self.read(&mut length)?;
        let length = (u32::from_be_bytes(length) as usize).saturating_sub(4);
        ensure!(length <= ANSWER_MAX, "sumo announces an answer of {length} bytes");
        let mut answer = vec![0; length];
        self.read(&mut answer)?;
        Ok(answer)
    }

    fn read(&mut self, to: &mut [u8]) -> Result<()> {
        self.stream.read_exact(to).map_err(|error| match error.kind() {
            ErrorKind::WouldBlock | ErrorKind::TimedOut => {
                anyhow::anyhow!("sumo does not answer within {} s", STEPS_WITHIN.as_secs())
            }
            _ => anyhow::Error::new(error).context("sumo has ended"),
        })
    }
}

/// A port below the clients' own range that nobody has now, another one each time.
fn free_port() -> Result<u16> {
    static NEXT: AtomicU16 = AtomicU16::new(0);
    let start = u16::try_from(std::process::id() % 9_000)?;
    for _ in 0..2_000 {
        let port = 21_000 + (start + NEXT.fetch_add(7, Ordering::Relaxed) % 9_000) % 9_000;
        if TcpListener::bind(("127.0.0.1", port)).is_ok() {
            return Ok(port);
        }
    }
    bail!("no free port")
}

fn length_of(length: usize) -> [u8; 4] {
    u32::try_from(length).unwrap_or(u32::MAX).to_be_bytes()
}

fn put_text(body: &mut Vec<u8>, text: &str) {
    body.extend(length_of(text.len()));
    body.extend(text.as_bytes());
}

fn put_texts<'a>(body: &mut Vec<u8>, texts: impl IntoIterator<Item = &'a str>) {
    body.push(STRINGS);
    let (at, mut count) = (body.len(), 0);
    body.extend([0; 4]);
    for text in texts {
        put_text(body, text);
        count += 1;
    }
    body[at..at + 4].copy_from_slice(&length_of(count));
}

/// What is left of an answer.
struct Answer<'a> {
    bytes: &'a [u8],
}

impl<'a> Answer<'a> {
    fn take(&mut self, count: usize) -> Result<&'a [u8]> {
        let (taken, rest) = self.bytes.split_at_checked(count).context("an answer of sumo ends early")?;
        self.bytes = rest;
        Ok(taken)
    }

    fn byte(&mut self) -> Result<u8> {
        Ok(self.take(1)?[0])
    }

    fn integer(&mut self) -> Result<usize> {
        let mut bytes = [0; 4];
        bytes.copy_from_slice(self.take(4)?);
        usize::try_from(i32::from_be_bytes(bytes)).context("a negative number in an answer of sumo")
    }

    fn text(&mut self) -> Result<String> {
        let length = self.integer()?;
        Ok(String::from_utf8_lossy(self.take(length)?).into_owned())
    }

    fn texts(&mut self) -> Result<Vec<String>> {
        let count = self.integer()?;
        (0..count).map(|_| self.text()).collect()
    }

    /// The length of what follows, which stands in one byte or in five.
    fn length(&mut self) -> Result<usize> {
        match self.byte()? {
            0 => self.integer(),
            short => Ok(usize::from(short)),
        }
    }

    /// What SUMO says where it refuses a command.
    fn status(&mut self, command: u8) -> Result<Option<String>> {
        self.length()?;
        let (answered, result, said) = (self.byte()?, self.byte()?, self.text()?);
        ensure!(answered == command, "sumo answers command {answered:#x} in place of {command:#x}");
        Ok((result != 0).then_some(said))
    }

    fn done(&mut self, command: u8) -> Result<()> {
        match self.status(command)? {
            Some(said) => bail!("sumo refuses command {command:#x}: {said}"),
            None => Ok(()),
        }
    }

    fn subscription(&mut self, stepped: &mut Stepped) -> Result<()> {
        self.length()?;
        let (kind, object, count) = (self.byte()?, self.text()?, self.byte()?);
        for _ in 0..count {
            let (variable, status, of) = (self.byte()?, self.byte()?, self.byte()?);
            match (kind, variable, of) {
                // A vehicle that has gone is told of once more.
                _ if status != 0 => self.skip(of)?,
                (OF_SIMULATION, DEPARTED, STRINGS) => stepped.departed = self.texts()?,
                (OF_SIMULATION, ARRIVED, STRINGS) => stepped.arrived = self.texts()?,
                (OF_VEHICLE, ROUTE_INDEX, INTEGER) => {
                    let bytes = self.take(4)?;
                    // Before it has entered the net its place is -1.
                    if let Ok(at) =
                        usize::try_from(i32::from_be_bytes([bytes[0], bytes[1], bytes[2], bytes[3]]))
                    {
                        stepped.at.push((object.clone(), at));
                    }
                }
                _ => self.skip(of)?,
            }
        }
        Ok(())
    }

    fn skip(&mut self, of: u8) -> Result<()> {
        match of {
            UBYTE | BYTE => self.take(1).map(drop),
            INTEGER => self.take(4).map(drop),
            DOUBLE => self.take(8).map(drop),
            STRING => self.text().map(drop),
            STRINGS => self.texts().map(drop),
            _ => bail!("sumo answers with a value of the unknown kind {of:#x}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_of_a_step_is_read_and_one_that_ends_early_is_an_error() {
        let mut bytes = vec![7, SIMULATION_STEP, 0, 0, 0, 0, 0, 0, 0, 0, 2];
        let text = |to: &mut Vec<u8>, text: &str| put_text(to, text);
        let mut of = vec![OF_SIMULATION];
        text(&mut of, "");
        of.extend([2, DEPARTED, 0]);
        put_texts(&mut of, ["a", "b"]);
        of.extend([ARRIVED, 0]);
        put_texts(&mut of, []);
        bytes.push(u8::try_from(of.len() + 1).unwrap());
        bytes.extend(of);
        let mut of = vec![OF_VEHICLE];
        text(&mut of, "a");
        of.extend([1, ROUTE_INDEX, 0, INTEGER, 0, 0, 1, 2]);
        // The long form of a length.
        bytes.push(0);
        bytes.extend(length_of(of.len() + 5));
        bytes.extend(of);
        let read = |bytes: &[u8]| -> Result<Stepped> {
            let mut answer = Answer { bytes };
            answer.done(SIMULATION_STEP)?;
            let mut stepped = Stepped::default();
            for _ in 0..answer.integer()? {
                answer.subscription(&mut stepped)?;
            }
            Ok(stepped)
        };
        let stepped = read(&bytes).unwrap();
        assert_eq!(stepped.departed, ["a", "b"]);
        assert_eq!((stepped.arrived.len(), stepped.at), (0, vec![("a".to_owned(), 258)]));
        for end in 0..bytes.len() {
            assert!(read(&bytes[..end]).is_err(), "{end} bytes");
        }
    }

    #[test]
    fn a_refusal_says_why() {
        let mut bytes = vec![0, SET_VEHICLE, 0xff];
        put_text(&mut bytes, "Vehicle 'x' is not known");
        bytes[0] = u8::try_from(bytes.len()).unwrap();
        let said = Answer { bytes: &bytes }.done(SET_VEHICLE).unwrap_err().to_string();
        assert!(said.contains("'x' is not known"), "{said}");
        let said = Answer { bytes: &bytes }.status(SET_VEHICLE).unwrap();
        assert_eq!(said.as_deref(), Some("Vehicle 'x' is not known"));
    }
}
