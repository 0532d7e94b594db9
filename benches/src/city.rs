//! Cities to measure with.

use std::io::Write as _;
use std::path::Path;

use anyhow::Result;

/// The device of the `n`th car park.
#[must_use]
pub fn device(n: usize) -> String {
    format!("counter-{n}")
}

/// The `n`th sign.
#[must_use]
pub fn sign(n: usize) -> String {
    format!("sign-{n}")
}

/// Spaces of every car park.
pub const CAPACITY: u32 = 18;

/// What the `k`th reading of a car park says: never twice the same in a row, always a figure that is shown exactly.
#[must_use]
pub fn occupied(k: u64) -> u32 {
    // 1 to 17 of 18 taken, up and down by one: 17 to 1 free, never full, never rounded, and no leap that would be a fault.
    let step = u32::try_from(k % 32).unwrap_or(0);
    1 + step.min(32 - step)
}

/// How often a bay changes in a run: the engine takes eight changes in ten minutes for a fault.
const CHANGES: f64 = 6.0;

/// Whether the `n`th bay is taken when so much of the run, 0..=1, is over; the changes of all spread over the run.
fn is_taken(n: usize, over: f64) -> bool {
    let turn = CHANGES * over + (n % 97) as f64 / 97.0;
    turn % 2.0 < 1.0
}

/// The same as Vlot's JSON.
#[must_use]
pub fn message(device: &str, sequence: u64, micros: i64) -> String {
    format!(
        r#"{{"device":"{device}","sequence":{},"observed_at":"{}","occupancy":{{"occupied_spaces":{}}}}}"#,
        sequence & 0xffff_ffff,
        vlot_model::Timestamp::from_micros(micros),
        occupied(sequence),
    )
}

/// What speaks in a city.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Kind {
    /// A counter each of car parks: every reading changes a figure, and the face of the park's sign.
    Parks,
    /// Sensors in bays, a hundred a zone, that change a few times in a run: more often would be a fault, and withheld. The
    /// other readings repeat what they said, and one tick changes a zone and its sign only once.
    Bays,
}

/// Bays of a zone.
const BAYS: usize = 100;

impl Kind {
    /// The word on the command line.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Kind::Parks => "parks",
            Kind::Bays => "bays",
        }
    }

    /// As many as a city has of them.
    #[must_use]
    pub fn usual(self) -> usize {
        match self {
            Kind::Parks => 1_000,
            Kind::Bays => 100_000,
        }
    }

    /// The `n`th device.
    #[must_use]
    pub fn device(self, n: usize) -> String {
        match self {
            Kind::Parks => device(n),
            Kind::Bays => format!("bay-{n}"),
        }
    }

    /// Appends the `k`th statement of the `n`th device, as the last member of Vlot's JSON, when so much of the load, 0..=1,
    /// is over.
    ///
    /// # Errors
    /// Never: memory takes all that is written.
    pub fn statement(self, out: &mut Vec<u8>, n: usize, k: u64, over: f64) -> std::io::Result<()> {
        match self {
            Kind::Parks => write!(out, r#""occupancy":{{"occupied_spaces":{}}}}}"#, occupied(k)),
            Kind::Bays => write!(out, r#""bay":{{"occupied":{}}}}}"#, is_taken(n, over)),
        }
    }

    /// Writes the configuration of so many devices, and of a sign for each of the first `signs` car parks or zones.
    ///
    /// # Errors
    /// When the directory cannot be written to.
    pub fn write_config(self, dir: &Path, devices: usize, signs: usize, ports: Ports) -> Result<()> {
        std::fs::create_dir_all(dir)?;
        write_common(dir, ports)?;
        let (mut facilities, mut bays) = (String::new(), "device,eui,kind,facility,bay,use\n".to_owned());
        let count = match self {
            Kind::Parks => devices,
            Kind::Bays => devices.div_ceil(BAYS),
        };
        for n in 0..count {
            let shared =
                format!("[[facility]]\nid = \"park-{n}\"\nname = \"Park {n}\"\nlat = 50.5\nlon = 4.5\n");
            let rules = "valid_for = \"15m\"\nmin_share = 0.0\nfull_at = 0\nreopen_at = 1\n";
            facilities += &shared;
            facilities += rules;
            match self {
                Kind::Parks => {
                    facilities +=
                        &format!("kind = \"off-street\"\ncapacity = {CAPACITY}\ncounting = \"absolute\"\n");
                    facilities += "[facility.estimate]\nfigure_sd = 0\nwidth_max = 1.0\n";
                    facilities += &format!(
                        "[[facility.device]]\nid = \"{}\"\nkind = \"counter\"\nsilent_after = \"10m\"\n",
                        device(n)
                    );
                }
                Kind::Bays => {
                    let of_zone = n * BAYS..devices.min((n + 1) * BAYS);
                    facilities += &format!(
                        "kind = \"on-street\"\ncapacity = {}\ncounting = \"bays\"\nbay_silent_after = \"26h\"\n",
                        of_zone.len()
                    );
                    for bay in of_zone {
                        bays += &format!("{},,bay,park-{n},{bay},everyone\n", self.device(bay));
                    }
                }
            }
        }
        if self == Kind::Bays {
            std::fs::write(dir.join("bays.csv"), bays)?;
        }
        std::fs::write(dir.join("facilities.toml"), facilities)?;
        std::fs::write(dir.join("signs.toml"), signs_of(signs.min(count)))?;
        Ok(())
    }
}

/// Where the engine finds its broker, and where it listens.
#[derive(Clone, Copy, Debug)]
pub struct Ports {
    /// The broker's.
    pub mqtt: u16,
    /// The engine's own.
    pub grpc: u16,
}

/// Writes `city.toml` and `mqtt.toml`.
///
/// # Errors
/// When the directory cannot be written to.
pub fn write_common(dir: &Path, ports: Ports) -> Result<()> {
    std::fs::write(
        dir.join("city.toml"),
        format!(
            "name = \"Bench\"\ntimezone = \"Europe/Brussels\"\n[area]\nsouth = 50.0\nnorth = 51.0\nwest = 4.0\neast = 5.0\n\
             [serve]\nlisten = \"127.0.0.1:{}\"\nmax_streams_per_connection = 10000\n",
            ports.grpc
        ),
    )?;
    std::fs::write(
        dir.join("mqtt.toml"),
        format!(
            "[[source]]\nname = \"field\"\nhost = \"127.0.0.1\"\nport = {}\nprotocol = \"3.1.1\"\n\
             client_id = \"vlot-bench\"\n[[source.subscription]]\nfilter = \"vlot/v1/+/json\"\nformat = \"vlot-json\"\nqos = 1\n",
            ports.mqtt
        ),
    )?;
    Ok(())
}

fn signs_of(signs: usize) -> String {
    let mut faces = "[[template]]\nname = \"one\"\nmulti = \"[tr1,1,96,32][fo12]{figure.1}\"\n".to_owned();
    for n in 0..signs {
        faces += &format!(
            "[[sign]]\nid = \"{}\"\nname = \"Sign {n}\"\nlat = 50.5\nlon = 4.5\nwidth_px = 96\nheight_px = 32\n\
             template = \"one\"\ntime_to_live = \"60s\"\nmin_dwell = \"0s\"\n\
             [[sign.line]]\nfacility = \"park-{n}\"\nlabel = \"P\"\narrow = \"ahead\"\ntravel_time = \"1m\"\n",
            sign(n)
        );
    }
    faces
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_configurations_are_sound_and_every_reading_of_a_park_changes_a_face() {
        for (kind, facilities, signs) in [(Kind::Parks, 250, 20), (Kind::Bays, 3, 3)] {
            let dir = tempfile::tempdir().unwrap();
            kind.write_config(dir.path(), 250, 20, Ports { mqtt: 1_883, grpc: 7_101 }).unwrap();
            let source = vlot_settings::Source::read_dir(dir.path()).unwrap();
            let settings = vlot_settings::check(&source).unwrap_or_else(|problems| panic!("{problems}"));
            assert_eq!((settings.city.facilities.len(), settings.city.signs.len()), (facilities, signs));
            for n in 0..250 {
                assert!(settings.city.directory.find(&kind.device(n)).is_some());
            }
        }
        for n in 0..100 {
            let taken: Vec<bool> = (0..=1_000).map(|step| is_taken(n, f64::from(step) / 1_000.0)).collect();
            let changes = taken.windows(2).filter(|pair| pair[0] != pair[1]).count();
            assert!((5..=6).contains(&changes), "bay {n} changes {changes} times");
        }
        for k in 0..100 {
            assert!((1..CAPACITY).contains(&occupied(k)) && occupied(k) != occupied(k + 1));
        }
    }
}
