//! API keys: their text, the hash that stands for one, and whether a key lets a request pass.

use std::fmt;
use std::sync::Arc;

use sha2::{Digest, Sha256};

/// What every key's text begins with, so that scanners recognize one that leaked.
pub const KEY_START: &str = "lg_";
/// Digits of the random part: 256 bits in base 62.
const RANDOM_DIGITS: usize = 43;
/// Digits of the checksum: CRC-32C of everything before it, in base 62.
const CHECKSUM_DIGITS: usize = 6;
/// Longest name of an environment, bytes.
pub const KEY_ENVIRONMENT_BYTES_MAX: usize = 12;
/// Random digits that a key's prefix shows.
const PREFIX_DIGITS: usize = 6;
const DIGITS: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

/// A key's text, `lg_<environment>_<43 random digits><6 checksum digits>`. It cannot be printed; [`KeySecret::expose`] shows it
/// to the one who asked for the key.
#[derive(Clone, PartialEq, Eq)]
pub struct KeySecret(String);

impl KeySecret {
    /// Makes a key from 256 random bits; `None` when the environment is not 1 to [`KEY_ENVIRONMENT_BYTES_MAX`] lower-case letters
    /// or digits.
    #[must_use]
    pub fn make(environment: &str, random: [u8; 32]) -> Option<Self> {
        if !is_environment(environment) {
            return None;
        }
        let mut text = format!("{KEY_START}{environment}_");
        push_base62(&mut text, random);
        let checksum = checksum_digits(text.as_bytes());
        text.extend(checksum.map(char::from));
        Some(Self(text))
    }

    /// The text, for the one answer that shows it.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// The start of the text that tells keys apart and gives nothing away.
    #[must_use]
    pub fn prefix(&self) -> &str {
        let random = self.0.len() - CHECKSUM_DIGITS - RANDOM_DIGITS;
        &self.0[..random + PREFIX_DIGITS]
    }

    /// The hash that is kept in its place.
    #[must_use]
    pub fn hash(&self) -> KeyHash {
        KeyHash::of_text(self.0.as_bytes())
    }
}

impl fmt::Debug for KeySecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("KeySecret(…)")
    }
}

/// SHA-256 of a key's text. The text is random, so that the hash needs no salt.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct KeyHash(pub [u8; 32]);

impl KeyHash {
    /// The hash of a presented text; `None` when the text is no key of ours by its form or checksum.
    #[must_use]
    pub fn of_presented(text: &[u8]) -> Option<Self> {
        is_key_text(text).then(|| Self::of_text(text))
    }

    fn of_text(text: &[u8]) -> Self {
        Self(Sha256::digest(text).into())
    }
}

impl fmt::Debug for KeyHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "KeyHash({:02x}{:02x}…)", self.0[0], self.0[1])
    }
}

/// The routes a key may be used on.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub enum Scopes {
    /// Every route.
    #[default]
    All,
    /// The routes of these names, and no other; an empty list is no route at all.
    Routes(Arc<[Box<str>]>),
}

impl Scopes {
    /// Whether a route is among them.
    #[must_use]
    pub fn include(&self, route: &str) -> bool {
        match self {
            Self::All => true,
            Self::Routes(names) => names.iter().any(|name| **name == *route),
        }
    }
}

/// What the data plane knows of a key. A key that was revoked is not known any more.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyFacts {
    /// The key.
    pub key_id: u64,
    /// Its user.
    pub user_id: u64,
    /// When it ends, microseconds since 1970-01-01T00:00:00Z; `None`: never.
    pub expires_us: Option<u64>,
    /// The routes it may be used on.
    pub scopes: Scopes,
}

/// Why a known key does not let a request pass.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyRefusal {
    /// Its time is over.
    Expired,
    /// It is not for this route.
    Scope,
}

impl KeyFacts {
    /// Decides whether the key lets a request pass on a route, at a time in microseconds since 1970-01-01T00:00:00Z.
    ///
    /// # Errors
    /// When it does not.
    pub fn check(&self, route: &str, now_us: u64) -> Result<(), KeyRefusal> {
        if self.expires_us.is_some_and(|end| end <= now_us) {
            return Err(KeyRefusal::Expired);
        }
        if self.scopes.include(route) { Ok(()) } else { Err(KeyRefusal::Scope) }
    }
}

fn is_environment(text: &str) -> bool {
    (1..=KEY_ENVIRONMENT_BYTES_MAX).contains(&text.len())
        && text.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit())
}

fn is_key_text(text: &[u8]) -> bool {
    let Some(rest) = text.strip_prefix(KEY_START.as_bytes()) else { return false };
    let tail = 1 + RANDOM_DIGITS + CHECKSUM_DIGITS;
    if rest.len() <= tail || rest.len() > tail + KEY_ENVIRONMENT_BYTES_MAX || rest[rest.len() - tail] != b'_'
    {
        return false;
    }
    let (covered, checksum) = text.split_at(text.len() - CHECKSUM_DIGITS);
    checksum == checksum_digits(covered)
}

fn checksum_digits(text: &[u8]) -> [u8; CHECKSUM_DIGITS] {
    let mut left = crc32c::crc32c(text);
    let mut digits = [b'0'; CHECKSUM_DIGITS];
    for digit in digits.iter_mut().rev() {
        *digit = DIGITS[(left % 62) as usize];
        left /= 62;
    }
    digits
}

/// Appends 256 bits, most significant byte first, as digits of base 62.
fn push_base62(text: &mut String, mut number: [u8; 32]) {
    let mut digits = [b'0'; RANDOM_DIGITS];
    for digit in digits.iter_mut().rev() {
        let mut rest = 0_u32;
        for byte in &mut number {
            let part = rest << 8 | u32::from(*byte);
            *byte = (part / 62) as u8;
            rest = part % 62;
        }
        *digit = DIGITS[rest as usize];
    }
    text.extend(digits.map(char::from));
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key() -> KeySecret {
        KeySecret::make("live", [7; 32]).unwrap()
    }

    #[test]
    fn a_key_is_recognized_by_its_form_and_its_checksum() {
        let key = key();
        assert_eq!(key.expose().len(), "lg_live_".len() + 43 + 6);
        assert_eq!(KeyHash::of_presented(key.expose().as_bytes()), Some(key.hash()));
        for at in 0..key.expose().len() {
            let mut wrong = key.expose().as_bytes().to_vec();
            wrong[at] = if wrong[at] == b'x' { b'y' } else { b'x' };
            assert_eq!(KeyHash::of_presented(&wrong), None, "byte {at}");
        }
        for wrong in ["", "lg_", "lg__", "Bearer", &key.expose()[1..], &format!("{}0", key.expose())] {
            assert_eq!(KeyHash::of_presented(wrong.as_bytes()), None, "{wrong}");
        }
    }

    #[test]
    fn different_randomness_gives_different_keys_of_one_length() {
        let texts = [[0; 32], [255; 32], [1; 32]].map(|random| KeySecret::make("t", random).unwrap());
        assert!(texts.iter().all(|key| key.expose().len() == texts[0].expose().len()));
        assert_ne!(texts[0].expose(), texts[1].expose());
        assert_ne!(texts[0].hash(), texts[2].hash());
    }

    #[test]
    fn an_environment_is_a_short_lower_case_word() {
        for wrong in ["", "Live", "a_b", "l\u{e9}", "abcdefghijklm"] {
            assert_eq!(KeySecret::make(wrong, [0; 32]), None, "{wrong}");
        }
        assert!(KeySecret::make("abcdefghijkl", [0; 32]).is_some());
    }

    #[test]
    fn neither_key_nor_prefix_says_too_much() {
        let key = key();
        assert_eq!(format!("{key:?}"), "KeySecret(…)");
        assert_eq!(key.prefix().len(), "lg_live_".len() + 6);
        assert!(key.expose().starts_with(key.prefix()));
    }

    #[test]
    fn a_known_key_passes_in_its_time_on_its_routes() {
        let routes = Scopes::Routes(["orders".into()].into());
        let facts = |expires_us, scopes| KeyFacts { key_id: 1, user_id: 2, expires_us, scopes };
        assert_eq!(facts(None, Scopes::All).check("orders", u64::MAX), Ok(()));
        assert_eq!(facts(Some(10), Scopes::All).check("orders", 9), Ok(()));
        assert_eq!(facts(Some(10), Scopes::All).check("orders", 10), Err(KeyRefusal::Expired));
        assert_eq!(facts(None, routes.clone()).check("orders", 0), Ok(()));
        assert_eq!(facts(None, routes).check("others", 0), Err(KeyRefusal::Scope));
        assert_eq!(facts(None, Scopes::Routes([].into())).check("orders", 0), Err(KeyRefusal::Scope));
    }
}
