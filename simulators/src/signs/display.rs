//! What one sign shows: a face until its end, else its own fallback, which is dark. Pure; the time is given.

use tokio::time::Instant;
use vlot_proto::sign::v1::Face;

use super::text::plain_text;
use crate::drivers::Reading;
use crate::time::{SECOND, SimClock, duration_from_proto, from_proto};

/// A sign whose clock differs from the engine's by more than this trusts its own countdown alone.
const CLOCKS_AGREE: i64 = 5 * SECOND;

/// A face on display.
#[derive(Clone, Debug, PartialEq)]
pub struct ShownFace {
    /// Its version.
    pub version: u64,
    /// Its content in MULTI.
    pub multi: String,
    /// Its words, as people read them.
    pub text: String,
    /// The same row by row.
    pub reading: Reading,
    /// Its pages as PNG, where the sign asked for them.
    pub pages: Vec<Vec<u8>>,
    /// The display turns to its fallback then.
    pub until: Instant,
    /// The engine's own end of it, in simulated microseconds.
    pub valid_until: Option<i64>,
}

/// What became of a face that arrived.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// It is now on display and was not before.
    Shown,
    /// It is on display for longer.
    Renewed,
    /// Its time is already over: nothing changes.
    Over,
    /// It is not what it should be: nothing changes, and the engine is told.
    Rejected(&'static str),
}

/// What a sign expects of its faces.
#[derive(Clone, Debug)]
pub(crate) struct Matrix {
    pub(crate) sign_id: String,
    pub(crate) width_px: u32,
    pub(crate) height_px: u32,
    /// Faces must come with rendered pages.
    pub(crate) png: bool,
}

/// The display of one sign.
#[derive(Debug)]
pub(crate) struct Display {
    matrix: Matrix,
    face: Option<ShownFace>,
    /// Newest version of this connection: an older one is a message that came back from the dead.
    newest: u64,
}

impl Display {
    pub(crate) fn new(matrix: Matrix) -> Display {
        Display { matrix, face: None, newest: 0 }
    }

    /// A new connection: the engine may have started over.
    pub(crate) fn connected(&mut self) {
        self.newest = 0;
    }

    /// Takes a face that has just arrived.
    pub(crate) fn take(&mut self, face: Face, now: Instant, clock: &SimClock) -> Verdict {
        if let Err(why) = self.check(&face) {
            return Verdict::Rejected(why);
        }
        let Some(left) = time_left(&face, clock) else { return Verdict::Rejected("has no end") };
        if left <= 0 {
            return Verdict::Over;
        }
        self.newest = face.version;
        let until = now + clock.wall(left);
        let valid_until = face.valid_until.as_ref().map(from_proto);
        if let Some(shown) = &mut self.face
            && shown.version == face.version
        {
            shown.until = until;
            shown.valid_until = valid_until;
            return Verdict::Renewed;
        }
        self.face = Some(ShownFace {
            version: face.version,
            text: plain_text(&face.multi),
            reading: Reading::of(&face),
            multi: face.multi,
            pages: face.pages.into_iter().map(|p| p.png).collect(),
            until,
            valid_until,
        });
        Verdict::Shown
    }

    fn check(&self, face: &Face) -> Result<(), &'static str> {
        if face.sign_id != self.matrix.sign_id {
            return Err("is another sign's");
        }
        if face.version == 0 {
            return Err("has the fallback's version");
        }
        if crc32c::crc32c(face.multi.as_bytes()) != face.multi_crc32c {
            return Err("fails its checksum");
        }
        if face.version < self.newest {
            return Err("is older than the one before");
        }
        if self.matrix.png {
            if face.pages.is_empty() && !face.multi.is_empty() {
                return Err("has no page");
            }
            if face.pages.iter().any(|p| size(&p.png) != Some((self.matrix.width_px, self.matrix.height_px)))
            {
                return Err("has a page of another size");
            }
        }
        Ok(())
    }

    /// What is on display; `None`: the fallback.
    pub(crate) fn shown(&self, now: Instant) -> Option<&ShownFace> {
        self.face.as_ref().filter(|f| now < f.until)
    }

    /// When the display turns to its fallback by itself.
    pub(crate) fn until(&self) -> Option<Instant> {
        self.face.as_ref().map(|f| f.until)
    }

    /// Ends a face whose time is over; returns whether one was.
    pub(crate) fn expire(&mut self, now: Instant) -> bool {
        let over = self.face.as_ref().is_some_and(|f| f.until <= now);
        if over {
            self.face = None;
        }
        over
    }
}

/// How long a face may be shown from now on, in simulated microseconds: the message's own countdown, or what is left
/// by the sign's clock where that agrees with it and says less (the message was under way). `None`: it names no end.
fn time_left(face: &Face, clock: &SimClock) -> Option<i64> {
    let by_clock = face.valid_until.as_ref().map(|t| from_proto(t).saturating_sub(clock.now()));
    let counted = face.time_to_live.as_ref().map(duration_from_proto);
    match (counted, by_clock) {
        (Some(counted), Some(by_clock)) => {
            let tolerance = clock.sim(clock_tolerance());
            let agree = by_clock.abs_diff(counted) <= tolerance.unsigned_abs();
            Some(if agree { counted.min(by_clock) } else { counted })
        }
        (counted, by_clock) => counted.or(by_clock),
    }
}

fn clock_tolerance() -> std::time::Duration {
    std::time::Duration::from_micros(CLOCKS_AGREE.unsigned_abs())
}

fn size(png: &[u8]) -> Option<(u32, u32)> {
    let reader = png::Decoder::new(std::io::Cursor::new(png)).read_info().ok()?;
    let info = reader.info();
    Some((info.width, info.height))
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::time::Duration;

    use super::*;
    use crate::time::proto;

    fn display(png: bool) -> Display {
        Display::new(Matrix { sign_id: "s".into(), width_px: 2, height_px: 1, png })
    }

    fn clock(now: i64) -> SimClock {
        SimClock::new(Arc::new(move || now), 10.0)
    }

    fn face(version: u64, multi: &str, ttl_s: i64) -> Face {
        Face {
            sign_id: "s".into(),
            version,
            multi: multi.into(),
            multi_crc32c: crc32c::crc32c(multi.as_bytes()),
            time_to_live: Some(prost_types::Duration { seconds: ttl_s, nanos: 0 }),
            ..Face::default()
        }
    }

    #[test]
    fn a_face_ends_by_itself_unless_it_is_renewed() {
        let (mut d, start, clock) = (display(false), Instant::now(), clock(0));
        assert_eq!(d.take(face(3, "A", 30), start, &clock), Verdict::Shown);
        // 30 simulated seconds are 3 of the wall's.
        let just_before = start + Duration::from_millis(2_999);
        assert!(d.shown(just_before).is_some() && !d.expire(just_before));
        assert_eq!(d.take(face(3, "A", 30), just_before, &clock), Verdict::Renewed);
        assert!(d.shown(start + Duration::from_secs(5)).is_some());
        let end = just_before + Duration::from_secs(3);
        assert!(d.shown(end).is_none());
        assert!(d.expire(end) && !d.expire(end));
        assert_eq!(d.take(face(3, "A", 30), end, &clock), Verdict::Shown);
    }

    #[test]
    fn what_is_not_right_changes_nothing() {
        let (mut d, now, clock) = (display(false), Instant::now(), clock(0));
        d.take(face(5, "A", 30), now, &clock);
        let mut broken = face(6, "B", 30);
        broken.multi_crc32c ^= 1;
        let endless = Face { time_to_live: None, ..face(6, "B", 0) };
        for (wrong, why) in [
            (broken, "fails its checksum"),
            (face(4, "B", 30), "is older than the one before"),
            (face(0, "B", 30), "has the fallback's version"),
            (Face { sign_id: "t".into(), ..face(6, "B", 30) }, "is another sign's"),
            (endless, "has no end"),
        ] {
            assert_eq!(d.take(wrong, now, &clock), Verdict::Rejected(why));
            assert_eq!(d.shown(now).map(|f| f.version), Some(5));
        }
        assert_eq!(d.take(face(6, "B", 0), now, &clock), Verdict::Over);
        assert_eq!(d.shown(now).map(|f| f.text.as_str()), Some("A"));
        // A new connection may bring an engine that starts over.
        d.connected();
        assert_eq!(d.take(face(1, "C", 30), now, &clock), Verdict::Shown);
    }

    #[test]
    fn a_message_that_was_under_way_ends_by_the_clock_and_a_wrong_clock_is_not_believed() {
        let now = Instant::now();
        for (valid_until, wall_ms) in
            [(28 * SECOND, 2_800), (31 * SECOND, 3_000), (9_000 * SECOND, 3_000), (-500 * SECOND, 3_000)]
        {
            let mut d = display(false);
            let face = Face { valid_until: Some(proto(valid_until)), ..face(1, "A", 30) };
            assert_eq!(d.take(face, now, &clock(0)), Verdict::Shown);
            assert_eq!(d.until(), Some(now + Duration::from_millis(wall_ms)), "{valid_until}");
        }
    }

    #[test]
    fn pages_must_have_the_size_of_the_matrix() {
        let page = |width, height| {
            let mut png = Vec::new();
            let mut encoder = png::Encoder::new(&mut png, width, height);
            encoder.set_color(png::ColorType::Rgb);
            let pixels = vec![0; (width * height * 3) as usize];
            encoder.write_header().unwrap().write_image_data(&pixels).unwrap();
            vlot_proto::sign::v1::Page { png, duration: None }
        };
        let (now, clock) = (Instant::now(), clock(0));
        let with = |pages| Face { pages, ..face(1, "A", 30) };
        assert_eq!(display(true).take(with(vec![]), now, &clock), Verdict::Rejected("has no page"));
        let wrong = Verdict::Rejected("has a page of another size");
        assert_eq!(display(true).take(with(vec![page(2, 1), page(1, 2)]), now, &clock), wrong);
        assert_eq!(display(true).take(with(vec![page(2, 1)]), now, &clock), Verdict::Shown);
    }
}
