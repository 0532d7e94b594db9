//! Pairs of readers: the times of vehicles seen at both ends, and which links' estimates have to be made together for them.

use std::collections::VecDeque;
use std::ops::RangeInclusive;

use vlot_model::{City, LinkIx, Timestamp};

use super::fuse::{Measure, median, seconds_of, z_of};
use super::kept::age_s;

/// No more times of a pair are kept.
const MOST: usize = 256;
/// A time is an outlier from so many standard deviations (of the median absolute deviation) off the median, if that is also
/// this share of it.
const OUTLIER_SD: f64 = 3.0;
const OUTLIER_SHARE: f64 = 0.2;
/// Times differ by this share, before a pair's own show by how much.
const SCATTER: f64 = 0.25;
const SCATTER_WORTH: f64 = 6.0;
/// A median of so many is this much less sure than their mean would be (of normal errors, for many).
const MEDIAN_LOSS: f64 = 1.57;
/// The share of the whole time that is one link's is known no better than this.
const SHARE_SD: f64 = 0.25;

/// One pair's times of the last window.
#[derive(Debug)]
pub(super) struct PairKept {
    pub(super) links: Vec<LinkIx>,
    bounds_s: RangeInclusive<f32>,
    times: VecDeque<(Timestamp, f32)>,
}

/// What a pair's times say.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct PairTime {
    pub(super) median_s: f64,
    /// Of its logarithm.
    var: f64,
    age_s: f64,
    pub(super) newest: Timestamp,
}

impl PairTime {
    /// What it says of a link that is believed to take `z` while all links of the pair together take `total_s`.
    pub(super) fn of_link(&self, z: f64, free_flow_s: f64, total_s: f64) -> Measure {
        let seconds = seconds_of(z, free_flow_s) * self.median_s / total_s;
        let var = self.var + SHARE_SD * SHARE_SD;
        Measure { z: z_of(seconds, free_flow_s), var, age_s: self.age_s }
    }
}

impl PairKept {
    pub(super) fn new(pair: &vlot_model::Pair) -> Self {
        let bounds_s = pair.min.as_secs_f32()..=pair.max.as_secs_f32();
        PairKept { links: pair.links.clone(), bounds_s, times: VecDeque::new() }
    }

    /// A vehicle took so long; whether that can be.
    pub(super) fn take(&mut self, at: Timestamp, seconds: f32) -> bool {
        let can_be = seconds > 0.0 && self.bounds_s.contains(&seconds);
        if can_be {
            if self.times.len() == MOST {
                self.times.pop_front();
            }
            self.times.push_back((at, seconds));
        }
        can_be
    }

    pub(super) fn clear(&mut self) {
        self.times.clear();
    }

    pub(super) fn forget(&mut self, before: Timestamp) {
        self.times.retain(|(at, _)| *at >= before);
    }

    /// The median without outliers, of at least `min` vehicles.
    pub(super) fn time(&self, now: Timestamp, min: u16, scratch: &mut Vec<f64>) -> Option<PairTime> {
        let all = || self.times.iter().map(|(_, s)| f64::from(*s));
        let rough = median(all(), scratch);
        let deviation = median(all().map(|s| (s - rough).abs()), scratch);
        let reach = (OUTLIER_SD * 1.482_6 * deviation).max(OUTLIER_SHARE * rough);
        let kept = || self.times.iter().filter(|(_, s)| (f64::from(*s) - rough).abs() <= reach);
        let n = kept().count();
        if n < usize::from(min.max(1)) {
            return None;
        }
        let median_s = median(kept().map(|(_, s)| f64::from(*s)), scratch);
        let off = |s: f32| (f64::from(s) / median_s).ln().powi(2);
        let own = kept().map(|(_, s)| off(*s)).sum::<f64>();
        let n = n as f64;
        let scatter = (SCATTER_WORTH * SCATTER * SCATTER + own) / (SCATTER_WORTH + n);
        Some(PairTime {
            median_s,
            var: MEDIAN_LOSS * scatter / n,
            age_s: kept().map(|(at, _)| age_s(now, *at)).sum::<f64>() / n,
            newest: kept().map(|(at, _)| *at).max()?,
        })
    }
}

/// The group of each link, by position: links that pairs tie together are one group, named by its lowest link, and are
/// estimated on one worker; every other link is a group of its own.
pub(super) fn groups(city: &City, links: usize) -> Vec<u32> {
    let mut parent: Vec<u32> = (0..).take(links).collect();
    fn root(parent: &mut [u32], mut link: u32) -> u32 {
        while let Some(&up) = parent.get(link as usize)
            && up != link
        {
            let above = parent.get(up as usize).copied().unwrap_or(up);
            if let Some(slot) = parent.get_mut(link as usize) {
                *slot = above;
            }
            link = above;
        }
        link
    }
    for pair in &city.pairs {
        let known = pair.links.iter().filter(|link| link.at() < links);
        for ends in known.collect::<Vec<_>>().windows(2) {
            let (a, b) = (root(&mut parent, ends[0].0), root(&mut parent, ends[1].0));
            if let Some(slot) = parent.get_mut(a.max(b) as usize) {
                *slot = a.min(b);
            }
        }
    }
    (0..).take(links).map(|link| root(&mut parent, link)).collect()
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::testing::s;
    use vlot_model::{DeviceIx, Pair};

    fn pair(links: &[u32]) -> Pair {
        Pair {
            id: "p".into(),
            from: DeviceIx(0),
            to: DeviceIx(1),
            links: links.iter().map(|l| LinkIx(*l)).collect(),
            min: Duration::from_secs(20),
            max: Duration::from_secs(900),
            device: DeviceIx(2),
        }
    }

    #[test]
    fn a_median_without_those_that_stopped_and_none_of_too_few() {
        let mut kept = PairKept::new(&pair(&[0, 1]));
        let (mut scratch, now) = (Vec::new(), s(1_000));
        for (i, seconds) in
            [100.0, 104.0, 96.0, 102.0, 500.0, 10.0, 2_000.0, f32::NAN].into_iter().enumerate()
        {
            assert_eq!(kept.take(s(900 + i as i64), seconds), i < 5, "{seconds}");
        }
        let time = kept.time(now, 3, &mut scratch).unwrap();
        assert_eq!((time.median_s, time.newest), (101.0, s(903)));
        assert!(kept.time(now, 5, &mut scratch).is_none(), "the outlier is no fifth vehicle");
        kept.forget(s(903));
        assert!(kept.time(now, 3, &mut scratch).is_none());
    }

    #[test]
    fn a_pair_tells_each_link_its_share() {
        let mut kept = PairKept::new(&pair(&[0, 1]));
        (0..8).for_each(|i| assert!(kept.take(s(i), 90.0)));
        let time = kept.time(s(10), 3, &mut Vec::new()).unwrap();
        // Two links of 10 and 20 s at free flow, the first believed to take twice that: 40 s in all, seen 90.
        let of = [(z_of(20.0, 10.0), 10.0), (0.0, 20.0)]
            .map(|(z, free)| seconds_of(time.of_link(z, free, 40.0).z, free));
        assert!((of[0] - 45.0).abs() < 1e-6 && (of[1] - 45.0).abs() < 1e-6, "{of:?}");
    }

    #[test]
    fn links_of_a_pair_are_one_group_and_pairs_that_share_one_too() {
        let city = City { pairs: vec![pair(&[5, 3]), pair(&[8, 9]), pair(&[9, 5])], ..City::default() };
        assert_eq!(groups(&city, 10), [0, 1, 2, 3, 4, 3, 6, 7, 3, 3]);
    }
}
