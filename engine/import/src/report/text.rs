//! A report for people.

use std::fmt;

use super::Report;

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "{} links of {} ways, {} junctions, {} turns ({} at barriers), {} links with access that changes in time",
            self.links, self.ways, self.junctions, self.turns, self.barrier_turns, self.timed_links
        )?;
        writeln!(f, "\nkm of street")?;
        for each in &self.km {
            writeln!(f, "  {:<14}{:>10.1}", word(&each.class), each.km)?;
        }
        writeln!(f, "\nlinks that lead to each other")?;
        for island in &self.connected {
            match island.share() {
                Some(share) => writeln!(
                    f,
                    "  {:<14}{:>9.1} %  {} of {}",
                    word(&island.mode),
                    share * 100.0,
                    island.in_largest,
                    island.links
                )?,
                None => writeln!(f, "  {:<14}{:>11}", word(&island.mode), "none")?,
            }
        }
        if !self.faults.is_empty() {
            writeln!(f, "\nthere, and of no use to a trip")?;
            for (fault, found) in &self.faults {
                writeln!(f, "  {:>6}  {}", found.count, fault.explained())?;
                for example in &found.examples {
                    writeln!(f, "          {example}")?;
                }
            }
        }
        if self.gaps.is_empty() {
            return writeln!(f, "\neverything was understood");
        }
        writeln!(f, "\nnot understood, or not used")?;
        for (gap, examples) in &self.gaps {
            writeln!(f, "  {:>6}  {}", examples.count, gap.explained())?;
            for example in &examples.examples {
                writeln!(f, "          {example}")?;
            }
        }
        Ok(())
    }
}

/// As it is written in files: `living-street`.
fn word(name: &impl fmt::Debug) -> String {
    let mut word = String::new();
    for (i, c) in format!("{name:?}").char_indices() {
        if c.is_uppercase() && i > 0 {
            word.push('-');
        }
        word.extend(c.to_lowercase());
    }
    word
}

#[cfg(test)]
mod tests {
    use vlot_model::{Mode, RoadClass};

    use super::*;
    use crate::report::{ClassKm, Gap, Island};

    #[test]
    fn a_report_says_what_is_there_and_what_is_not() {
        let mut report = Report {
            km: vec![ClassKm { class: RoadClass::LivingStreet, km: 1.25 }],
            connected: vec![
                Island { mode: Mode::Car, links: 8, in_largest: 6 },
                Island { mode: Mode::Bus, links: 0, in_largest: 0 },
            ],
            ..Report::default()
        };
        assert!(report.to_string().contains("everything was understood"));
        for i in 0..7 {
            report.gap(Gap::Speed, || format!("way {i}: maxspeed=fast"));
        }
        let text = report.to_string();
        for part in [
            "living-street        1.2",
            "car                75.0 %  6 of 8",
            "bus                  none",
            "       7  speeds",
        ] {
            assert!(text.contains(part), "{part:?} in {text}");
        }
        assert!(text.contains("way 4:") && !text.contains("way 5:"));
    }
}
