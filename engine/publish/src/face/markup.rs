//! Reads MULTI just far enough to refuse what the renderer would choke on, and to say where a text does not fit.

/// A piece of MULTI.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Piece<'m> {
    /// With its brackets.
    Tag(&'m str),
    /// Without tags; a doubled bracket is a piece of its own, of one character.
    Text(&'m str),
    /// A bracket that opens nothing or closes nothing.
    Stray(&'m str),
}

/// The pieces of a MULTI string, with the offset at which each ends.
pub(super) fn pieces(multi: &str) -> impl Iterator<Item = (usize, Piece<'_>)> {
    let mut at = 0;
    std::iter::from_fn(move || {
        let rest = multi.get(at..).filter(|rest| !rest.is_empty())?;
        let (length, piece) = if rest.starts_with("[[") || rest.starts_with("]]") {
            (2, Piece::Text(&rest[..1]))
        } else if rest.starts_with('[') {
            match rest.find(']') {
                Some(end) => (end + 1, Piece::Tag(&rest[..=end])),
                None => (rest.len(), Piece::Stray(rest)),
            }
        } else if rest.starts_with(']') {
            (1, Piece::Stray(&rest[..1]))
        } else {
            let length = rest.find(['[', ']']).unwrap_or(rest.len());
            (length, Piece::Text(&rest[..length]))
        };
        at += length;
        Some((at, piece))
    })
}

/// The numbers of a tag of that name, up to `N`; `None` for another tag, missing or oversized numbers.
pub(super) fn numbers<const N: usize>(tag: &str, name: &str) -> Option<[u16; N]> {
    let inner = tag.strip_prefix('[')?.strip_suffix(']')?;
    let (head, tail) = inner.split_at_checked(name.len())?;
    if !head.eq_ignore_ascii_case(name) {
        return None;
    }
    let mut parts = tail.split(',');
    let mut numbers = [0; N];
    for number in &mut numbers {
        *number = parts.next()?.parse().ok()?;
    }
    Some(numbers)
}

/// Whether a tag has this name, whatever its parameters.
pub(super) fn is(tag: &str, name: &str) -> bool {
    tag.get(1..).and_then(|rest| rest.split_at_checked(name.len())).is_some_and(|(head, tail)| {
        head.eq_ignore_ascii_case(name) && !tail.starts_with(|c: char| c.is_ascii_alphabetic())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces_cover_every_byte_in_order() {
        let found: Vec<_> = pieces("[fo2]a[[b]]c[tr1,2,3,4]é]x[oops").collect();
        assert_eq!(
            found,
            [
                (5, Piece::Tag("[fo2]")),
                (6, Piece::Text("a")),
                (8, Piece::Text("[")),
                (9, Piece::Text("b")),
                (11, Piece::Text("]")),
                (12, Piece::Text("c")),
                (23, Piece::Tag("[tr1,2,3,4]")),
                (25, Piece::Text("é")),
                (26, Piece::Stray("]")),
                (27, Piece::Text("x")),
                (32, Piece::Stray("[oops")),
            ]
        );
    }

    #[test]
    fn numbers_are_read_with_their_name() {
        assert_eq!(numbers::<4>("[TR1,2,3,4]", "tr"), Some([1, 2, 3, 4]));
        assert_eq!(numbers::<4>("[cr1,2,3,4,255,0,0]", "cr"), Some([1, 2, 3, 4]));
        assert_eq!(numbers::<4>("[tr1,2,3]", "tr"), None);
        assert_eq!(numbers::<1>("[tr70000]", "tr"), None);
        assert_eq!(numbers::<1>("[fo2]", "sc"), None);
        assert!(is("[nl]", "nl") && is("[NL5]", "nl") && !is("[np]", "nl") && !is("[fo2]", "f"));
    }
}
