//! Address blocks, and sets of them that answer by binary search.

mod public;

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::str::FromStr;

pub use public::is_public;

/// A block of addresses, `10.0.0.0/8` or `2001:db8::/32`; a single address is a block of one.
///
/// An IPv4-mapped IPv6 block (`::ffff:10.0.0.0/104`) is the IPv4 block it maps.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Cidr {
    first: IpAddr,
    prefix_bits: u8,
}

/// Why a text is no address block.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CidrError {
    /// What stands before the `/` is no address.
    #[error("`{text}` is not an IP address or a block such as `10.0.0.0/8`")]
    Address {
        /// What was written.
        text: String,
    },
    /// What stands behind the `/` is no prefix length for this family.
    #[error("a prefix length is a number from 0 to {bits_max} here")]
    PrefixLength {
        /// Bits of an address of the family: 32 or 128.
        bits_max: u8,
    },
    /// The address has bits set behind the prefix, so one of the two is a slip.
    #[error("the address has bits set beyond its prefix; the block is written `{block}`")]
    HostBits {
        /// The block with these bits cleared.
        block: Cidr,
    },
}

impl Cidr {
    /// Whether `address` is in the block; an IPv4-mapped IPv6 address counts as the IPv4 address it maps.
    pub fn contains(&self, address: IpAddr) -> bool {
        let (first, last) = self.range();
        let address = Key::of(address);
        first <= address && address <= last
    }

    fn range(&self) -> (Key, Key) {
        match self.first {
            IpAddr::V4(first) => {
                let first = first.to_bits();
                (Key::V4(first), Key::V4(first | !mask_v4(self.prefix_bits)))
            }
            IpAddr::V6(first) => {
                let first = first.to_bits();
                (Key::V6(first), Key::V6(first | !mask_v6(self.prefix_bits)))
            }
        }
    }
}

impl fmt::Display for Cidr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.first, self.prefix_bits)
    }
}

impl FromStr for Cidr {
    type Err = CidrError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (address, length) = match text.split_once('/') {
            Some((address, length)) => (address, Some(length)),
            None => (text, None),
        };
        let address: IpAddr = address.parse().map_err(|_| CidrError::Address { text: text.to_owned() })?;
        let bits_max = if address.is_ipv4() { 32 } else { 128 };
        let prefix_bits = match length {
            None => bits_max,
            Some(length) => prefix_length(length, bits_max).ok_or(CidrError::PrefixLength { bits_max })?,
        };
        let block = mapped_block(masked(address, prefix_bits), prefix_bits);
        if masked(address, prefix_bits) != address {
            return Err(CidrError::HostBits { block });
        }
        Ok(block)
    }
}

/// Digits only: `u8::from_str` alone would take `+8`.
fn prefix_length(text: &str, bits_max: u8) -> Option<u8> {
    let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let bits: u8 = digits.then(|| text.parse().ok()).flatten()?;
    (bits <= bits_max).then_some(bits)
}

fn masked(address: IpAddr, prefix_bits: u8) -> IpAddr {
    match address {
        IpAddr::V4(v4) => IpAddr::V4(Ipv4Addr::from_bits(v4.to_bits() & mask_v4(prefix_bits))),
        IpAddr::V6(v6) => IpAddr::V6(Ipv6Addr::from_bits(v6.to_bits() & mask_v6(prefix_bits))),
    }
}

fn mapped_block(first: IpAddr, prefix_bits: u8) -> Cidr {
    match (first.to_canonical(), prefix_bits.checked_sub(96)) {
        (IpAddr::V4(v4), Some(bits)) if first.is_ipv6() => Cidr { first: IpAddr::V4(v4), prefix_bits: bits },
        _ => Cidr { first, prefix_bits },
    }
}

fn mask_v4(prefix_bits: u8) -> u32 {
    u32::MAX.checked_shl(32 - u32::from(prefix_bits)).unwrap_or(0)
}

fn mask_v6(prefix_bits: u8) -> u128 {
    u128::MAX.checked_shl(128 - u32::from(prefix_bits)).unwrap_or(0)
}

/// An address in the order in which blocks are kept: all of IPv4 before all of IPv6.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Key {
    V4(u32),
    V6(u128),
}

impl Key {
    fn of(address: IpAddr) -> Self {
        match address.to_canonical() {
            IpAddr::V4(v4) => Self::V4(v4.to_bits()),
            IpAddr::V6(v6) => Self::V6(v6.to_bits()),
        }
    }
}

/// A set of addresses, made of blocks; the default is empty.
///
/// Two sets are equal when they hold the same blocks after those within others are dropped.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AddressSet {
    /// Disjoint (two blocks nest or do not touch), in ascending order.
    blocks: Vec<Cidr>,
}

impl AddressSet {
    /// Whether `address` is in one of the blocks; an IPv4-mapped IPv6 address counts as the IPv4 address it maps.
    pub fn contains(&self, address: IpAddr) -> bool {
        let address = Key::of(address);
        let behind = self.blocks.partition_point(|block| block.range().0 <= address);
        behind.checked_sub(1).is_some_and(|at| address <= self.blocks[at].range().1)
    }

    /// Whether no address is in it.
    pub fn is_empty(&self) -> bool {
        self.blocks.is_empty()
    }

    /// The blocks, disjoint and in ascending order.
    pub fn blocks(&self) -> &[Cidr] {
        &self.blocks
    }
}

impl FromIterator<Cidr> for AddressSet {
    fn from_iter<I: IntoIterator<Item = Cidr>>(blocks: I) -> Self {
        let mut all: Vec<Cidr> = blocks.into_iter().collect();
        // Of blocks with the same first address, the widest comes first and the others are within it.
        all.sort_by_key(|block| (block.range().0, block.prefix_bits));
        let mut kept: Vec<Cidr> = Vec::with_capacity(all.len());
        for block in all {
            if kept.last().is_none_or(|last| block.range().0 > last.range().1) {
                kept.push(block);
            }
        }
        Self { blocks: kept }
    }
}

#[cfg(test)]
mod tests;
