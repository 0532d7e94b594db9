//! What can be wrong with a face, said so that the hand that wrote the layout finds the place.

/// Why a face could not be rendered.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RenderError {
    /// The configuration has no sign at this position.
    #[error("the configuration has no sign at position {0}")]
    UnknownSign(u32),
    /// A built-in font is broken.
    #[error("the built-in font {font} is broken: {problem}")]
    Font {
        /// Its number in `[fo…]`.
        font: u8,
        /// What is wrong with it.
        problem: String,
    },
    /// The sign's matrix cannot be set up.
    #[error("sign \"{sign}\": a matrix of {width_px} x {height_px} pixels cannot be drawn: {problem}")]
    Matrix {
        /// The sign's id.
        sign: String,
        /// Pixels across.
        width_px: u16,
        /// Pixels down.
        height_px: u16,
        /// What is wrong with it.
        problem: String,
    },
    /// A text is larger than its rectangle.
    #[error("sign \"{sign}\": {text:?} needs {needed_px} pixels {direction} and {rectangle} has {given_px}")]
    TooBig {
        /// The sign's id.
        sign: String,
        /// The text, its lines joined by " / ".
        text: String,
        /// The `[tr…]` that it stands in, or "the whole matrix".
        rectangle: String,
        /// "across" or "down".
        direction: &'static str,
        /// Pixels that the text takes.
        needed_px: u32,
        /// Pixels that there are.
        given_px: u32,
    },
    /// A rectangle reaches past the matrix.
    #[error("sign \"{sign}\": {tag} reaches past the matrix of {width_px} x {height_px} pixels")]
    OutsideMatrix {
        /// The sign's id.
        sign: String,
        /// The tag.
        tag: String,
        /// Pixels across.
        width_px: u16,
        /// Pixels down.
        height_px: u16,
    },
    /// No font has this character.
    #[error("sign \"{sign}\": font {font} has no character {character:?} (in {text:?})")]
    NoCharacter {
        /// The sign's id.
        sign: String,
        /// The font's number in `[fo…]`.
        font: u8,
        /// The character.
        character: char,
        /// The text that it stands in.
        text: String,
    },
    /// Anything else that the markup does wrong.
    #[error("sign \"{sign}\": {problem}{}", place(.tag))]
    Markup {
        /// The sign's id.
        sign: String,
        /// What is wrong.
        problem: String,
        /// Where, where that is known.
        tag: Option<String>,
    },
}

fn place(tag: &Option<String>) -> String {
    tag.as_ref().map(|tag| format!(", at {tag}")).unwrap_or_default()
}
