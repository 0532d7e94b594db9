//! A city whose every reading changes a sign: as many car parks as signs, one counter each.

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
    // 1 to 17 of 18 taken: 17 to 1 free, never full, never rounded.
    1 + u32::try_from(k % 17).unwrap_or(0)
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

/// Writes the configuration: so many car parks with a counter each, and a sign for each of the first `signs`.
///
/// # Errors
/// When the directory cannot be written to.
pub fn write_config(dir: &Path, parks: usize, signs: usize, mqtt_port: u16, grpc_port: u16) -> Result<()> {
    std::fs::create_dir_all(dir)?;
    std::fs::write(
        dir.join("city.toml"),
        format!(
            "name = \"Bench\"\ntimezone = \"Europe/Brussels\"\n[area]\nsouth = 50.0\nnorth = 51.0\nwest = 4.0\neast = 5.0\n\
             [serve]\nlisten = \"127.0.0.1:{grpc_port}\"\nmax_streams_per_connection = 10000\n"
        ),
    )?;
    std::fs::write(
        dir.join("mqtt.toml"),
        format!(
            "[[source]]\nname = \"field\"\nhost = \"127.0.0.1\"\nport = {mqtt_port}\nprotocol = \"3.1.1\"\n\
             client_id = \"vlot-bench\"\n[[source.subscription]]\nfilter = \"vlot/v1/+/json\"\nformat = \"vlot-json\"\nqos = 1\n"
        ),
    )?;
    let mut facilities = String::new();
    let mut faces = "[[template]]\nname = \"one\"\nmulti = \"[tr1,1,96,32][fo12]{figure.1}\"\n".to_owned();
    for n in 0..parks {
        facilities += &format!(
            "[[facility]]\nid = \"park-{n}\"\nname = \"Park {n}\"\nkind = \"off-street\"\nlat = 50.5\nlon = 4.5\n\
             capacity = {CAPACITY}\ncounting = \"absolute\"\nvalid_for = \"15m\"\nmin_share = 1.0\nfull_at = 0\nreopen_at = 1\n\
             [[facility.device]]\nid = \"{}\"\nkind = \"counter\"\nsilent_after = \"10m\"\n",
            device(n)
        );
    }
    for n in 0..signs {
        faces += &format!(
            "[[sign]]\nid = \"{}\"\nname = \"Sign {n}\"\nlat = 50.5\nlon = 4.5\nwidth_px = 96\nheight_px = 32\n\
             template = \"one\"\ntime_to_live = \"60s\"\nmin_dwell = \"0s\"\n\
             [[sign.line]]\nfacility = \"park-{n}\"\nlabel = \"P\"\narrow = \"ahead\"\ntravel_time = \"1m\"\n",
            sign(n)
        );
    }
    std::fs::write(dir.join("facilities.toml"), facilities)?;
    std::fs::write(dir.join("signs.toml"), faces)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_configuration_is_sound_and_every_reading_changes_a_face() {
        let dir = tempfile::tempdir().unwrap();
        write_config(dir.path(), 30, 20, 1_883, 7_101).unwrap();
        let source = vlot_settings::Source::read_dir(dir.path()).unwrap();
        let settings = vlot_settings::check(&source).unwrap_or_else(|problems| panic!("{problems}"));
        assert_eq!((settings.city.facilities.len(), settings.city.signs.len()), (30, 20));
        for n in 0..30 {
            assert!(settings.city.directory.find(&device(n)).is_some());
        }
        for k in 0..100 {
            assert!((1..CAPACITY).contains(&occupied(k)) && occupied(k) != occupied(k + 1));
        }
    }
}
