//! `vlot check`: every problem of a configuration at once.

use std::io::Write;
use std::process::ExitCode;

use vlot_model::Clock as _;
use vlot_publish::FaceRenderer;
use vlot_settings::{Settings, Source};

use crate::cli::Check;
use crate::clock::WallClock;

/// Exits with 0 when the configuration can be used and with 1 when it cannot.
pub(crate) fn check(options: &Check) -> ExitCode {
    match load(&options.config) {
        Ok((_, settings)) => {
            let city = &settings.city;
            for warning in vlot_settings::warnings(city, WallClock.now()) {
                let _gone = writeln!(std::io::stderr(), "warning: {}", warning.text);
            }
            // A reader that went away has read enough.
            let _gone = writeln!(
                std::io::stdout(),
                "{}: {} facilities, {} bicycle garages, {} count stations, {} signs, {} devices: no problems",
                city.name,
                city.facilities.len(),
                city.garages.len(),
                city.stations.len(),
                city.signs.len(),
                city.field_devices()
            );
            ExitCode::SUCCESS
        }
        Err(problems) => {
            let _gone = writeln!(std::io::stderr(), "{problems}");
            ExitCode::FAILURE
        }
    }
}

/// Reads and checks a configuration, faces included: each sign's longest possible face must fit its matrix.
pub(crate) fn load(directory: &std::path::Path) -> Result<(Source, Settings), String> {
    let source = Source::read_dir(directory).map_err(|problems| problems.to_string())?;
    let settings = checked(&source)?;
    Ok((source, settings))
}

/// The same for files that were read already.
pub(crate) fn checked(source: &Source) -> Result<Settings, String> {
    let settings = vlot_settings::check(source).map_err(|problems| problems.to_string())?;
    let renderer = FaceRenderer::new(&settings.city).map_err(|e| e.to_string())?;
    let id = |sign: vlot_model::SignIx| &settings.city.signs[sign.at()].id;
    let mut misfits: Vec<_> = vlot_guidance::faces::faults(&settings.city)
        .into_iter()
        .map(|(sign, what)| format!("signs.toml: sign {:?}: {what}", id(sign)))
        .collect();
    misfits.extend(vlot_guidance::faces::worst_cases(&settings.city).into_iter().filter_map(|(sign, multi)| {
        let error = renderer.render(sign, &multi).err()?;
        Some(format!(
            "signs.toml: sign {:?}: its fullest face cannot be shown: {error} (hint: shorter labels, another template or \
             a larger matrix)",
            id(sign)
        ))
    }));
    // Several full faces of one sign fail alike.
    misfits.dedup();
    if misfits.is_empty() { Ok(settings) } else { Err(misfits.join("\n")) }
}
