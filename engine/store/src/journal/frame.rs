//! Frames: `[length u32][crc32c u32][payload]`, little-endian.
//!
//! The length's highest bit says that a write begins with this frame, so that everything before it was durable
//! when it was written. With it, a write that a crash tore (nothing that follows can be from a later write) is
//! told from damage (a later write follows). The checksum covers the length word and the payload.

use std::io;
use std::ops::Range;

use super::disk::{DiskFile, read_full};
use super::wire;

/// A frame's bytes before its payload.
pub(super) const HEAD_BYTES: usize = 8;
/// One frame's payload is at most this long; a longer length is no length.
pub(super) const PAYLOAD_BYTES_MAX: usize = 16 << 20;

const FIRST_OF_WRITE: u32 = 1 << 31;
/// Read at once; a segment's head alone costs only the lesser one.
const CHUNK_BYTES_MIN: usize = 16 << 10;
const CHUNK_BYTES: usize = 1 << 20;

/// Appends a frame to `out`. The payload is at most [`PAYLOAD_BYTES_MAX`] long.
pub(super) fn push(out: &mut Vec<u8>, first_of_write: bool, payload: &[u8]) {
    debug_assert!(!payload.is_empty() && payload.len() <= PAYLOAD_BYTES_MAX);
    let length = u32::try_from(payload.len()).unwrap_or(u32::MAX >> 1);
    let word = (if first_of_write { length | FIRST_OF_WRITE } else { length }).to_le_bytes();
    out.extend_from_slice(&word);
    out.extend_from_slice(&checksum(word, payload).to_le_bytes());
    out.extend_from_slice(payload);
}

fn checksum(word: [u8; 4], payload: &[u8]) -> u32 {
    crc32c::crc32c_append(crc32c::crc32c(&word), payload)
}

/// What stands at the start of some bytes.
enum Parsed {
    Frame {
        payload: Range<usize>,
        first_of_write: bool,
    },
    /// A length of zero: nothing was written here.
    Blank,
    /// This many bytes are needed to tell.
    Short(usize),
    Broken(&'static str),
}

fn parse(bytes: &[u8]) -> Parsed {
    let Some((&word, rest)) = bytes.split_first_chunk::<4>() else { return Parsed::Short(HEAD_BYTES) };
    let length = u32::from_le_bytes(word);
    let (first_of_write, length) = (length & FIRST_OF_WRITE != 0, (length & !FIRST_OF_WRITE) as usize);
    if length == 0 {
        return if first_of_write { Parsed::Broken("a frame without a payload") } else { Parsed::Blank };
    }
    if length > PAYLOAD_BYTES_MAX {
        return Parsed::Broken("a frame longer than any frame can be");
    }
    let Some((&crc, rest)) = rest.split_first_chunk::<4>() else { return Parsed::Short(HEAD_BYTES) };
    let Some(payload) = rest.get(..length) else { return Parsed::Short(HEAD_BYTES + length) };
    if u32::from_le_bytes(crc) != checksum(word, payload) {
        return Parsed::Broken("the checksum does not fit");
    }
    Parsed::Frame { payload: HEAD_BYTES..HEAD_BYTES + length, first_of_write }
}

/// The first whole frame after the first byte of `bytes` that can follow tick `after`; with `first_of_write`,
/// only one that a write begins with. Behind `bytes` come zeros, which a frame can end with. Returns its position.
pub(super) fn find(bytes: &[u8], first_of_write: bool, after: u64) -> Option<usize> {
    (1..bytes.len()).find(|&at| {
        let rest = &bytes[at..];
        // The cheap test first: nearly every position fails it.
        if !rest.get(HEAD_BYTES..).is_some_and(|payload| wire::plausible(payload, after)) {
            return false;
        }
        let parsed = match parse(rest) {
            Parsed::Short(bytes) => {
                let mut rest = rest.to_vec();
                rest.resize(bytes, 0);
                parse(&rest)
            }
            parsed => parsed,
        };
        matches!(parsed, Parsed::Frame { first_of_write: first, .. } if first || !first_of_write)
    })
}

/// What comes next in a segment.
pub(super) enum Step<'a> {
    Frame {
        offset: u64,
        payload: &'a [u8],
    },
    /// No whole frame stands at this offset. Where nothing was ever written, `what` is `None`.
    Stop {
        offset: u64,
        what: Option<&'static str>,
    },
}

/// Reads a segment frame by frame, holding no more of it than a chunk and a frame.
pub(super) struct Scanner {
    file: Box<dyn DiskFile>,
    buffer: Vec<u8>,
    /// How far into the buffer the reader has come.
    taken: usize,
    /// The buffer's offset in the file.
    base: u64,
    limit: Option<u64>,
    chunk_bytes: usize,
}

impl Scanner {
    pub(super) fn new(file: Box<dyn DiskFile>, offset: u64) -> Self {
        Scanner {
            file,
            buffer: Vec::new(),
            taken: 0,
            base: offset,
            limit: None,
            chunk_bytes: CHUNK_BYTES_MIN,
        }
    }

    pub(super) fn offset(&self) -> u64 {
        self.base + self.taken as u64
    }

    pub(super) fn limit(&self) -> Option<u64> {
        self.limit
    }

    pub(super) fn file(&self) -> &dyn DiskFile {
        &*self.file
    }

    pub(super) fn into_file(self) -> Box<dyn DiskFile> {
        self.file
    }

    /// Forgets what was read ahead and goes on at `offset`.
    pub(super) fn seek(&mut self, offset: u64) {
        self.buffer.clear();
        self.taken = 0;
        self.base = offset;
    }

    /// The segment's contents end there: nothing after it counts.
    pub(super) fn set_limit(&mut self, limit: u64) {
        self.limit = Some(limit);
        self.seek(self.offset());
    }

    /// Goes on in another file, at the same offset.
    pub(super) fn set_file(&mut self, file: Box<dyn DiskFile>) {
        self.file = file;
        self.seek(self.offset());
    }

    pub(super) fn next(&mut self) -> io::Result<Step<'_>> {
        loop {
            let offset = self.offset();
            let what = match parse(&self.buffer[self.taken..]) {
                Parsed::Frame { payload, .. } => {
                    let payload = self.taken + payload.start..self.taken + payload.end;
                    self.taken = payload.end;
                    return Ok(Step::Frame { offset, payload: &self.buffer[payload] });
                }
                Parsed::Blank => None,
                Parsed::Broken(what) => Some(what),
                Parsed::Short(bytes) => {
                    if self.read_ahead(bytes)? {
                        continue;
                    }
                    // At the end of the file a few zero bytes may be left over.
                    let blank = self.buffer[self.taken..].iter().all(|b| *b == 0);
                    (!blank).then_some("the file ends within a frame")
                }
            };
            return Ok(Step::Stop { offset, what });
        }
    }

    /// Has at least `bytes` of what follows in the buffer; false where the file ends before.
    fn read_ahead(&mut self, bytes: usize) -> io::Result<bool> {
        self.base += self.taken as u64;
        self.buffer.drain(..self.taken);
        self.taken = 0;
        let held = self.buffer.len();
        let from = self.base + held as u64;
        let wanted = bytes.saturating_sub(held).max(self.chunk_bytes);
        self.chunk_bytes = CHUNK_BYTES;
        let room = self.limit.map_or(u64::MAX, |limit| limit.saturating_sub(from));
        let wanted = usize::try_from(room).unwrap_or(usize::MAX).min(wanted);
        self.buffer.resize(held + wanted, 0);
        let read = read_full(&*self.file, &mut self.buffer[held..], from);
        self.buffer.truncate(held + read.as_ref().unwrap_or(&0));
        read?;
        Ok(self.buffer.len() >= bytes)
    }

    /// Everything from `offset` to the last byte that is not zero (or to the limit).
    pub(super) fn rest(&self, offset: u64) -> io::Result<Vec<u8>> {
        let mut rest = Vec::new();
        let mut zeros = 0;
        let mut chunk = vec![0; CHUNK_BYTES];
        let mut at = offset;
        loop {
            let room = self.limit.map_or(u64::MAX, |limit| limit.saturating_sub(at));
            let wanted = usize::try_from(room).unwrap_or(usize::MAX).min(CHUNK_BYTES);
            let read = read_full(&*self.file, &mut chunk[..wanted], at)?;
            if read == 0 {
                return Ok(rest);
            }
            let last = content(&chunk[..read]);
            if last > 0 {
                rest.resize(rest.len() + zeros, 0);
                rest.extend_from_slice(&chunk[..last]);
                zeros = 0;
            }
            zeros += read - last;
            at += read as u64;
        }
    }
}

/// How many bytes there are before the zeros at the end.
fn content(bytes: &[u8]) -> usize {
    // All zeros, the usual case, at the speed of memory.
    if let ([0, rest @ ..], [start @ .., _]) = (bytes, bytes)
        && rest == start
    {
        return 0;
    }
    bytes.iter().rposition(|b| *b != 0).map_or(0, |last| last + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_frame_is_found_again_and_only_whole() {
        let mut bytes = Vec::new();
        let payload = wire::tests::clock_tick(7);
        push(&mut bytes, true, &payload);
        for cut in 0..bytes.len() {
            assert!(matches!(parse(&bytes[..cut]), Parsed::Short(_)), "{cut}");
        }
        assert!(
            matches!(parse(&bytes), Parsed::Frame { first_of_write: true, payload: p } if bytes[p.clone()] == payload)
        );
        for bit in 0..bytes.len() * 8 {
            let mut wrong = bytes.clone();
            wrong[bit / 8] ^= 1 << (bit % 8);
            assert!(!matches!(parse(&wrong), Parsed::Frame { .. }), "bit {bit}");
        }
    }

    #[test]
    fn a_later_frame_is_found_behind_rubbish() {
        let mut bytes = vec![0xff; 13];
        push(&mut bytes, false, &wire::tests::clock_tick(7));
        let second = bytes.len();
        push(&mut bytes, true, &wire::tests::clock_tick(8));
        assert_eq!(find(&bytes, false, 6), Some(13));
        assert_eq!(find(&bytes, true, 6), Some(second));
        assert_eq!(find(&bytes, false, 7), Some(second), "an old tick cannot follow");
        assert_eq!(find(&bytes, true, 8), None);

        let payload = [wire::tests::clock_tick(9), vec![0x1a, 0]].concat();
        push(&mut bytes, true, &payload);
        bytes.pop();
        assert_eq!(
            find(&bytes, true, 8),
            Some(second + HEAD_BYTES + payload.len() - 2),
            "the zero at its end"
        );
    }
}
