//! What is known of a body before it comes, and the pieces it comes in.

/// How much body follows a head.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Body {
    /// None at all.
    #[default]
    Empty,
    /// Exactly this many bytes.
    Length(u64),
    /// Of unknown length, with an end of its own and perhaps trailers.
    Streamed,
    /// Of unknown length, ended by the close of the connection: its end cannot be told from a failure (RFC 9112 §8).
    UntilClose,
    /// Not a body: the connection is another protocol's from here on, until each side closes (RFC 9110 §7.8).
    Tunnel,
}

impl Body {
    /// How many bytes it has, where that is known and said.
    pub const fn length(self) -> Option<u64> {
        match self {
            Self::Length(bytes) => Some(bytes),
            _ => None,
        }
    }
}

/// Some bytes of a body, valid until the next are asked for.
#[derive(Clone, Copy, Debug, Default)]
pub struct Piece<'a> {
    /// The bytes; may be empty when `end` is set.
    pub data: &'a [u8],
    /// Whether these are the last ones.
    pub end: bool,
    /// Trailer fields, with the last piece only.
    pub trailers: Option<&'a crate::Fields>,
}

impl Piece<'_> {
    /// The end of a body without a byte.
    pub const END: Self = Self { data: &[], end: true, trailers: None };

    /// Whether it says no more than that there is nothing, so that a head is the end.
    pub fn is_nothing(&self) -> bool {
        self.end && self.data.is_empty() && self.trailers.is_none_or(crate::Fields::is_empty)
    }
}
