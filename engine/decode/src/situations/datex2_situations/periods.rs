//! When a record holds within its overall time: valid periods and exceptions, said as opening hours.
//!
//! What has no words there is refused, never left out: half of a record's times would close a street at the wrong hour.

#[cfg(test)]
mod tests;

use std::fmt::Write as _;

use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use vlot_model::Timestamp;

use super::super::from_to;
use super::xml::Node;

/// No record has more periods and exceptions.
const MOST: usize = 100;
const DAY_MINUTES: u16 = 24 * 60;
const DAYS: [(&str, &str); 7] = [
    ("monday", "Mo"),
    ("tuesday", "Tu"),
    ("wednesday", "We"),
    ("thursday", "Th"),
    ("friday", "Fr"),
    ("saturday", "Sa"),
    ("sunday", "Su"),
];
const MONTHS: [(&str, &str); 12] = [
    ("january", "Jan"),
    ("february", "Feb"),
    ("march", "Mar"),
    ("april", "Apr"),
    ("may", "May"),
    ("june", "Jun"),
    ("july", "Jul"),
    ("august", "Aug"),
    ("september", "Sep"),
    ("october", "Oct"),
    ("november", "Nov"),
    ("december", "Dec"),
];

/// From when until when, and at which hours between the two.
#[derive(Debug, PartialEq)]
pub(super) struct Times {
    pub(super) from: Timestamp,
    pub(super) until: Option<Timestamp>,
    pub(super) hours: Option<String>,
}

/// Of a time specification; `timezone` is whose clock opening hours mean.
pub(super) fn times(
    specification: Option<&Node>,
    written_at: Timestamp,
    timezone: &str,
) -> Result<Times, String> {
    let overall = |name: &str| specification.map_or(Ok(None), |node| instant(node, name));
    let mut from = overall("overallStartTime")?.unwrap_or(written_at);
    let mut until = overall("overallEndTime")?;
    from_to(from, until)?;
    let mut of = [Vec::new(), Vec::new()];
    for child in specification.into_iter().flat_map(Node::children) {
        let at = match child.name.as_str() {
            "validPeriod" => 0,
            "exceptionPeriod" => 1,
            // Overrunning works, and what makers add, say nothing of when.
            _ => continue,
        };
        of[at].push(Period::read(child).map_err(|e| format!("{}: {e}", child.name))?);
    }
    let [valid, exceptions] = of;
    if valid.len() + exceptions.len() > MOST {
        return Err(format!("has more than {MOST} periods (hint: one record a stretch of time)"));
    }
    if exceptions.iter().flat_map(|exception| &exception.hours).any(|[start, end]| end <= start) {
        return Err("exceptionPeriod: hours past midnight are not read (hint: two, to midnight and from it)"
            .to_owned());
    }
    let zone = TimeZone::get(timezone).map_err(|_| format!("{timezone:?} is no time zone"))?;
    let mut rules: Vec<String> = Vec::new();
    if let [only] = valid.as_slice() {
        // One stretch of time is the time of the whole, to the microsecond.
        from = from.max(only.from.unwrap_or(from));
        until = [until, only.until].into_iter().flatten().min();
        let recurring = Period { from: None, until: None, ..only.clone() };
        rules.extend(recurring.rules([None, None], &zone).map_err(|e| format!("validPeriod: {e}"))?);
    } else {
        for period in &valid {
            rules.extend(period.rules([Some(from), until], &zone).map_err(|e| format!("validPeriod: {e}"))?);
        }
    }
    from_to(from, until)?;
    let always = valid.is_empty() || rules.iter().any(String::is_empty);
    let mut hours = if always { String::new() } else { rules.join(", ") };
    for exception in &exceptions {
        let off = exception.rules([Some(from), until], &zone).map_err(|e| format!("exceptionPeriod: {e}"))?;
        for rule in off {
            if rule.is_empty() {
                return Err("exceptionPeriod: excepts all of the time".to_owned());
            }
            let before = if hours.is_empty() { "24/7" } else { "" };
            // Writing to text does not fail.
            let _written = write!(hours, "{before}; {rule} off");
        }
    }
    Ok(Times { from, until, hours: (!hours.is_empty()).then_some(hours) })
}

fn instant(node: &Node, name: &str) -> Result<Option<Timestamp>, String> {
    let read = |text: &str| {
        text.parse::<Timestamp>().map_err(|_| {
            format!("{name}: {text:?} is no instant (hint: with its offset, 2026-05-08T16:30:00+02:00)")
        })
    };
    node.text_at(&[name]).map(read).transpose()
}

#[derive(Clone, Debug, Default, PartialEq)]
struct Period {
    from: Option<Timestamp>,
    until: Option<Timestamp>,
    /// Minutes of the day; the end may be on the next one. Empty: all day.
    hours: Vec<[u16; 2]>,
    /// Months and days of the week; of either none means all. Empty: every day.
    days: Vec<[Vec<&'static str>; 2]>,
}

impl Period {
    fn read(node: &Node) -> Result<Self, String> {
        let mut period = Period {
            from: instant(node, "startOfPeriod")?,
            until: instant(node, "endOfPeriod")?,
            ..Period::default()
        };
        if let (Some(from), until) = (period.from, period.until) {
            from_to(from, until)?;
        }
        for child in node.children() {
            match child.name.as_str() {
                "startOfPeriod" | "endOfPeriod" | "periodName" => {}
                "recurringTimePeriodOfDay" => period.hours.push(hours(child)?),
                "recurringDayWeekMonthPeriod" => period.days.push(days(child)?),
                other => {
                    return Err(format!(
                        "{other} is not read (hint: times of day, days of the week and months are)"
                    ));
                }
            }
        }
        Ok(period)
    }

    /// Opening hours for it, one rule for each combination; an empty one says always. `ends` are those of the whole record, where
    /// the period has none.
    fn rules(&self, ends: [Option<Timestamp>; 2], zone: &TimeZone) -> Result<Vec<String>, String> {
        let dates = self.dates(ends, zone)?;
        let recurring = !self.hours.is_empty() || !self.days.is_empty();
        if recurring && dates.iter().any(|(_, hours)| !hours.is_empty()) {
            return Err(
                "begins or ends within a day and recurs (hint: let it begin and end at midnight)".to_owned()
            );
        }
        let dated = dates.iter().any(|(date, _)| !date.is_empty());
        if dated && self.hours.iter().any(|[start, end]| end <= start) {
            return Err(
                "has dates and hours past midnight, beside other periods (hint: one record for each)"
                    .to_owned(),
            );
        }
        let mut own = String::new();
        for [start, end] in &self.hours {
            let comma = if own.is_empty() { "" } else { "," };
            let clock = |minutes: u16| format!("{:02}:{:02}", minutes / 60, minutes % 60);
            let _written = write!(own, "{comma}{}-{}", clock(*start), clock(*end));
        }
        let every = [[Vec::new(), Vec::new()]];
        let days = if self.days.is_empty() { &every[..] } else { &self.days };
        let mut rules = Vec::new();
        for (date, hours) in &dates {
            for [months, weekdays] in days {
                if !date.is_empty() && !months.is_empty() {
                    return Err("has both dates and months (hint: say the dates alone)".to_owned());
                }
                let hours = if hours.is_empty() { &own } else { hours };
                let mut parts = vec![date.clone(), months.join(","), weekdays.join(","), hours.clone()];
                // Days and hours are always said: a rule without days, behind a comma, is one more time of the rule before it.
                if parts.iter().any(|part| !part.is_empty()) {
                    let any_day = parts[..3].iter().all(String::is_empty);
                    parts[2].push_str(if any_day { "Mo-Su" } else { "" });
                    parts[3].push_str(if hours.is_empty() { "00:00-24:00" } else { "" });
                }
                parts.retain(|part| !part.is_empty());
                rules.push(parts.join(" "));
            }
        }
        Ok(rules)
    }

    /// Its dates, each with the hours of the day if these are not all: at most a first day, the days between, and a last one.
    fn dates(&self, ends: [Option<Timestamp>; 2], zone: &TimeZone) -> Result<Vec<(String, String)>, String> {
        if self.from.is_none() && self.until.is_none() {
            return Ok(vec![(String::new(), String::new())]);
        }
        let [from, until] = [self.from.or(ends[0]), self.until.or(ends[1])];
        let Some((from, until)) = from.zip(until) else {
            return Err("has no end, beside others (hint: give it one, or the record)".to_owned());
        };
        from_to(from, Some(until))?;
        let (from, until) = (local(from, zone)?, local(until, zone)?);
        let minutes = |at: DateTime| {
            u16::try_from(at.hour()).unwrap_or(0) * 60 + u16::try_from(at.minute()).unwrap_or(0)
        };
        // Whole minutes, rather too many than too few.
        let begins = minutes(from);
        let ends = minutes(until) + u16::from(until.second() != 0 || until.subsec_nanosecond() != 0);
        let (mut first, mut last) = (from.date(), until.date());
        let clock = |from: u16, until: u16| {
            format!("{:02}:{:02}-{:02}:{:02}", from / 60, from % 60, until / 60, until % 60)
        };
        let outside = |_| "is outside of the calendar".to_owned();
        let mut dates = Vec::new();
        if first == last {
            return Ok(vec![(day(first), clock(begins, ends.max(begins + 1)))]);
        }
        if begins > 0 {
            dates.push((day(first), clock(begins, DAY_MINUTES)));
            first = first.tomorrow().map_err(outside)?;
        }
        let tail = (ends > 0).then(|| (day(last), clock(0, ends)));
        last = last.yesterday().map_err(outside)?;
        if first < last {
            dates.push((format!("{}-{}", day(first), day(last)), String::new()));
        } else if first == last {
            dates.push((day(first), String::new()));
        }
        dates.extend(tail);
        Ok(dates)
    }
}

/// `2026 May 08`.
fn day(date: jiff::civil::Date) -> String {
    let month = usize::try_from(date.month()).ok().and_then(|month| MONTHS.get(month - 1));
    format!("{} {} {:02}", date.year(), month.map_or("Jan", |(_, short)| short), date.day())
}

fn local(at: Timestamp, zone: &TimeZone) -> Result<DateTime, String> {
    let instant = jiff::Timestamp::from_microsecond(at.micros())
        .map_err(|_| format!("{at} is outside of the calendar"))?;
    let local = zone.to_datetime(instant);
    // Opening hours know years of four digits.
    if (1900..=9999).contains(&local.year()) { Ok(local) } else { Err(format!("{at} is no time for works")) }
}

/// Minutes of the day.
fn hours(node: &Node) -> Result<[u16; 2], String> {
    let at = |name: &str, up: bool| {
        let text = node.text_at(&[name]).ok_or_else(|| format!("recurringTimePeriodOfDay has no {name}"))?;
        let wrong = || {
            format!("{name}: {text:?} is no time of day (hint: the city's clock without offset, 22:00:00)")
        };
        let time: jiff::civil::Time =
            if text == "24:00:00" { jiff::civil::Time::MAX } else { text.parse().map_err(|_| wrong())? };
        // The library takes an offset and drops it; its digits begin behind the time's.
        if text.ends_with(['Z', 'z']) || text.contains('+') || text.get(1..).is_some_and(|t| t.contains('-'))
        {
            return Err(wrong());
        }
        let minutes =
            u16::try_from(time.hour()).unwrap_or(0) * 60 + u16::try_from(time.minute()).unwrap_or(0);
        let more = time.second() != 0 || time.subsec_nanosecond() != 0;
        Ok::<_, String>(minutes + u16::from(up && more))
    };
    let [start, end] = [at("startTimeOfPeriod", false)?, at("endTimeOfPeriod", true)?];
    let end = if end == 0 { DAY_MINUTES } else { end };
    if start == end {
        return Err("recurringTimePeriodOfDay ends when it begins".to_owned());
    }
    Ok([start, end])
}

/// Months and days of the week.
fn days(node: &Node) -> Result<[Vec<&'static str>; 2], String> {
    let mut found = [Vec::new(), Vec::new()];
    for child in node.children() {
        let (names, at): (&[(&str, &'static str)], _) = match child.name.as_str() {
            "applicableMonth" => (&MONTHS, 0),
            "applicableDay" => (&DAYS, 1),
            other => return Err(format!("{other} is not read (hint: days of the week and months are)")),
        };
        let text = child.text.trim();
        let known = names.iter().find(|(name, _)| *name == text);
        let (_, short) = known.ok_or_else(|| format!("{}: {text:?} is none", child.name))?;
        if !found[at].contains(short) {
            found[at].push(short);
        }
    }
    Ok(found)
}
