use std::fmt::Write as _;
use std::time::Duration;

use proptest::prelude::*;
use vlot_hours::{Schedule, wrong_hours};
use vlot_model::{City, Opening};

use super::super::xml;
use super::*;

const ZONE: &str = "Europe/Brussels";

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

fn said(inner: &str) -> Result<Times, String> {
    let root = xml::parse(&format!("<v>{inner}</v>")).unwrap();
    let times = times(Some(&root), at("2026-05-01T00:00:00+02:00"), ZONE)?;
    if let Some(hours) = &times.hours {
        assert_eq!(wrong_hours(hours), None, "{hours}");
    }
    Ok(times)
}

const NIGHT: &str = "<recurringTimePeriodOfDay><startTimeOfPeriod>22:00:00</startTimeOfPeriod>\
     <endTimeOfPeriod>05:00:00</endTimeOfPeriod></recurringTimePeriodOfDay>";

#[test]
fn periods_become_hours_and_narrower_bounds() {
    let workdays = "<recurringDayWeekMonthPeriod><applicableDay>monday</applicableDay>\
         <applicableDay>friday</applicableDay><applicableMonth>may</applicableMonth></recurringDayWeekMonthPeriod>";
    let two = "<startOfPeriod>2026-05-04T06:00:00+02:00</startOfPeriod><endOfPeriod>2026-05-06T18:30:00+02:00</endOfPeriod>";
    let whole = "<startOfPeriod>2026-05-10T00:00:00+02:00</startOfPeriod><endOfPeriod>2026-05-12T00:00:00+02:00</endOfPeriod>";
    let end = "<overallEndTime>2026-06-01T00:00:00+02:00</overallEndTime>";
    for (inner, from, until, hours) in [
        (String::new(), "2026-05-01T00:00:00+02:00", None, None),
        (
            format!(
                "<validPeriod><periodName><values><value>nights</value></values></periodName>{NIGHT}</validPeriod>"
            ),
            "2026-05-01T00:00:00+02:00",
            None,
            Some("Mo-Su 22:00-05:00"),
        ),
        (
            format!("{end}<validPeriod>{two}</validPeriod>"),
            "2026-05-04T06:00:00+02:00",
            Some("2026-05-06T18:30:00+02:00"),
            None,
        ),
        (
            format!("{end}<validPeriod>{two}{NIGHT}{workdays}</validPeriod>"),
            "2026-05-04T06:00:00+02:00",
            Some("2026-05-06T18:30:00+02:00"),
            Some("May Mo,Fr 22:00-05:00"),
        ),
        (
            format!("{end}<validPeriod>{two}</validPeriod><validPeriod>{whole}</validPeriod>"),
            "2026-05-01T00:00:00+02:00",
            Some("2026-06-01T00:00:00+02:00"),
            Some(
                "2026 May 04 06:00-24:00, 2026 May 05 00:00-24:00, 2026 May 06 00:00-18:30, \
                 2026 May 10-2026 May 11 00:00-24:00",
            ),
        ),
        (
            format!("{end}<exceptionPeriod>{whole}</exceptionPeriod>"),
            "2026-05-01T00:00:00+02:00",
            Some("2026-06-01T00:00:00+02:00"),
            Some("24/7; 2026 May 10-2026 May 11 00:00-24:00 off"),
        ),
    ] {
        let expected = Times { from: at(from), until: until.map(at), hours: hours.map(str::to_owned) };
        assert_eq!(said(&inner), Ok(expected), "{inner}");
    }
}

#[test]
fn what_has_no_words_is_refused_and_says_why() {
    let of = |inner: &str| format!("<validPeriod>{inner}</validPeriod>");
    let day = |name: &str, text: &str| {
        of(&format!("<recurringDayWeekMonthPeriod><{name}>{text}</{name}></recurringDayWeekMonthPeriod>"))
    };
    let time = |from: &str, until: &str| {
        of(&format!(
            "<recurringTimePeriodOfDay><startTimeOfPeriod>{from}</startTimeOfPeriod>\
             <endTimeOfPeriod>{until}</endTimeOfPeriod></recurringTimePeriodOfDay>"
        ))
    };
    let start = "<startOfPeriod>2026-05-04T06:00:00+02:00</startOfPeriod>";
    let dated = format!("{start}<endOfPeriod>2026-05-06T00:00:00+02:00</endOfPeriod>");
    for (inner, why) in [
        (of("<recurringSpecialDay/>"), "recurringSpecialDay is not read"),
        (day("applicableWeek", "firstWeekOfMonth"), "applicableWeek is not read"),
        (day("applicableDay", "Monday"), "\"Monday\" is none"),
        (time("22:00:00+02:00", "05:00:00"), "without offset"),
        (time("22:00:00Z", "05:00:00"), "without offset"),
        (time("22h", "05:00:00"), "no time of day"),
        (time("05:00:00", "05:00:00"), "ends when it begins"),
        (of("<recurringTimePeriodOfDay/>"), "has no startTimeOfPeriod"),
        (of("<startOfPeriod>soon</startOfPeriod>"), "startOfPeriod: \"soon\" is no instant"),
        (of(&format!("{start}<endOfPeriod>2026-05-03T00:00:00Z</endOfPeriod>")), "before it begins"),
        (of(start) + &of(start), "has no end, beside others"),
        (of(&format!("{dated}{NIGHT}")) + &of(&dated), "begins or ends within a day"),
        ("<exceptionPeriod/>".to_owned(), "excepts all"),
        (format!("<exceptionPeriod>{NIGHT}</exceptionPeriod>"), "hours past midnight"),
        (of(start).repeat(101), "more than 100 periods"),
    ] {
        let error = said(&inner).unwrap_err();
        assert!(error.contains(why), "{why}: {error}");
    }
}

/// As the document says it, in hours of May 2026: bounds, days of the week and hours of the day.
#[derive(Clone, Debug)]
struct Twin {
    bounds: Option<[i64; 2]>,
    days: Vec<usize>,
    hours: Option<[i64; 2]>,
}

/// 2026-05-01T00:00 in Brussels, a Friday.
const START_S: i64 = 1_777_586_400;

impl Twin {
    fn xml(&self, name: &str) -> String {
        let mut xml = format!("<{name}>");
        if let Some(bounds) = self.bounds {
            let [from, until] = bounds.map(|hour| Timestamp::from_secs(START_S + 3_600 * hour));
            write!(xml, "<startOfPeriod>{from}</startOfPeriod><endOfPeriod>{until}</endOfPeriod>").unwrap();
        }
        if let Some([from, until]) = self.hours {
            write!(
                xml,
                "<recurringTimePeriodOfDay><startTimeOfPeriod>{from:02}:00:00</startTimeOfPeriod>\
                 <endTimeOfPeriod>{:02}:00:00</endTimeOfPeriod></recurringTimePeriodOfDay>",
                until % 24
            )
            .unwrap();
        }
        if !self.days.is_empty() {
            xml.push_str("<recurringDayWeekMonthPeriod>");
            for day in &self.days {
                write!(xml, "<applicableDay>{}</applicableDay>", DAYS[*day].0).unwrap();
            }
            xml.push_str("</recurringDayWeekMonthPeriod>");
        }
        xml + &format!("</{name}>")
    }

    /// In the middle of an hour.
    fn holds(&self, hour: i64) -> bool {
        let on = |day: i64| {
            let weekday = usize::try_from((day + 4).rem_euclid(7)).unwrap();
            self.days.is_empty() || self.days.contains(&weekday)
        };
        let (day, of_day) = (hour.div_euclid(24), hour.rem_euclid(24));
        let recurs = match self.hours {
            None => on(day),
            Some([from, until]) if from < until => on(day) && (from..until).contains(&of_day),
            Some([from, until]) => on(day) && of_day >= from || on(day - 1) && of_day < until,
        };
        recurs && self.bounds.is_none_or(|[from, until]| (from..until).contains(&hour))
    }
}

fn twin() -> impl Strategy<Value = Twin> {
    let bound = prop_oneof![(0_i64..30).prop_map(|day| 24 * day), 0_i64..720];
    let bounds = prop::option::of(
        (bound, 1_i64..6, any::<bool>())
            .prop_map(|(from, more, days)| [from, from + if days { 24 * more } else { 5 * more }]),
    );
    let hours =
        prop::option::of((0_i64..24, 1_i64..=24).prop_filter("some time", |(a, b)| a != b && *b != a + 24));
    let days = prop::collection::btree_set(0_usize..7, 0..4);
    (bounds, days, hours).prop_map(|(bounds, days, hours)| Twin {
        bounds,
        days: days.into_iter().collect(),
        hours: hours.map(|(a, b)| [a, b]),
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(120))]

    #[test]
    fn what_is_read_holds_when_the_document_says(
        valid in prop::collection::vec(twin(), 0..3),
        except in prop::collection::vec(twin(), 0..3),
    ) {
        let xml = |name: &'static str, all: &[Twin]| all.iter().map(|t| t.xml(name)).collect::<String>();
        let inner = format!(
            "<overallEndTime>2026-06-10T00:00:00+02:00</overallEndTime>{}{}",
            xml("validPeriod", &valid),
            xml("exceptionPeriod", &except)
        );
        // What is refused holds at no wrong hour.
        let Ok(times) = said(&inner) else { return Ok(()) };
        let city = City { timezone: ZONE.into(), ..City::default() };
        let schedule = times.hours.as_deref().map(|hours| Schedule::new(hours, &city));
        for hour in 0..24 * 40 {
            let now = Timestamp::from_secs(START_S + 3_600 * hour) + Duration::from_mins(30);
            let within = now >= times.from && times.until.is_none_or(|until| now < until);
            let open = schedule.as_ref().is_none_or(|schedule| schedule.at(now).0 == Opening::Open);
            let holds = valid.is_empty() || valid.iter().any(|twin| twin.holds(hour));
            let expected = holds && !except.iter().any(|twin| twin.holds(hour));
            prop_assert_eq!(within && open, expected, "{} at {}: {:?}", inner, now, times);
        }
    }
}
