//! The code itself. It is canonical: shorter codes come before longer ones, and codes of one length follow each other in the order
//! of their symbols. So the lengths say everything.

/// Symbols: every byte, and the end of a string.
pub(super) const SYMBOLS: usize = 257;
/// The end of a string. It stands in no text; its first bits are padding.
pub(super) const END: u16 = 256;
/// Bits of the longest code.
pub(super) const BITS_MAX: usize = 30;

/// Bits of each symbol's code (RFC 7541 Appendix B).
#[rustfmt::skip]
pub(super) static BITS: [u8; SYMBOLS] = [
    13, 23, 28, 28, 28, 28, 28, 28, 28, 24, 30, 28, 28, 30, 28, 28,
    28, 28, 28, 28, 28, 28, 30, 28, 28, 28, 28, 28, 28, 28, 28, 28,
    6, 10, 10, 12, 13, 6, 8, 11, 10, 10, 8, 11, 8, 6, 6, 6,
    5, 5, 5, 6, 6, 6, 6, 6, 6, 6, 7, 8, 15, 6, 12, 10,
    13, 6, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7,
    7, 7, 7, 7, 7, 7, 7, 7, 8, 7, 8, 13, 19, 13, 14, 6,
    15, 5, 6, 5, 6, 5, 6, 6, 6, 5, 7, 7, 6, 6, 6, 5,
    6, 7, 6, 5, 5, 6, 7, 7, 7, 7, 7, 15, 11, 14, 13, 28,
    20, 22, 20, 20, 22, 22, 22, 23, 22, 23, 23, 23, 23, 23, 24, 23,
    24, 24, 22, 23, 24, 23, 23, 23, 23, 21, 22, 23, 22, 23, 23, 24,
    22, 21, 20, 22, 22, 23, 23, 21, 23, 22, 22, 24, 21, 22, 23, 23,
    21, 21, 22, 21, 23, 22, 23, 23, 20, 22, 22, 22, 23, 22, 22, 23,
    26, 26, 20, 19, 22, 23, 22, 25, 26, 26, 26, 27, 27, 26, 24, 25,
    19, 21, 26, 27, 27, 26, 27, 24, 21, 21, 26, 26, 28, 27, 27, 27,
    20, 24, 20, 21, 22, 21, 21, 23, 22, 22, 25, 25, 24, 24, 26, 23,
    26, 27, 26, 26, 27, 27, 27, 27, 27, 28, 27, 27, 27, 27, 27, 26,
    30,
];

/// Symbols in the order of their codes.
pub(super) static ORDER: [u16; SYMBOLS] = {
    let mut order = [0; SYMBOLS];
    let (mut at, mut bits) = (0, 1);
    while bits <= BITS_MAX {
        let mut symbol = 0;
        while symbol < SYMBOLS {
            if BITS[symbol] as usize == bits {
                order[at] = symbol as u16;
                at += 1;
            }
            symbol += 1;
        }
        bits += 1;
    }
    order
};

/// Each symbol's code: as many bits as [`BITS`] says, the last ones of the number.
pub(super) static CODES: [u32; SYMBOLS] = {
    let mut codes = [0; SYMBOLS];
    let mut at = 1;
    while at < SYMBOLS {
        let (before, symbol) = (ORDER[at - 1] as usize, ORDER[at] as usize);
        codes[symbol] = (codes[before] + 1) << (BITS[symbol] - BITS[before]);
        at += 1;
    }
    codes
};

/// Codes of one length.
#[derive(Clone, Copy)]
pub(super) struct Group {
    /// The first of them.
    pub(super) first: u32,
    /// Its place in [`ORDER`].
    pub(super) at: u32,
    /// How many there are.
    pub(super) count: u32,
}

/// The codes of each length in bits.
pub(super) static GROUPS: [Group; BITS_MAX + 1] = {
    let mut groups = [Group { first: 0, at: 0, count: 0 }; BITS_MAX + 1];
    let mut at = 0;
    while at < SYMBOLS {
        let symbol = ORDER[at] as usize;
        let group = &mut groups[BITS[symbol] as usize];
        if group.count == 0 {
            *group = Group { first: CODES[symbol], at: at as u32, count: 0 };
        }
        group.count += 1;
        at += 1;
    }
    groups
};
