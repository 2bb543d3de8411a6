//! A small deterministic source of random numbers: a failing seed printed by a test is a test of its own.

/// SplitMix64.
#[derive(Clone, Debug)]
pub struct Random(u64);

impl Random {
    /// The sequence of a seed.
    pub fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// The next 64 bits.
    pub fn bits(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// A number below `limit`, or 0 when that is 0.
    pub fn below(&mut self, limit: usize) -> usize {
        if limit == 0 { 0 } else { (self.bits() % limit as u64) as usize }
    }

    /// One of the items.
    ///
    /// # Panics
    /// When there is none.
    pub fn pick<T: Copy>(&mut self, items: &[T]) -> T {
        items[self.below(items.len())]
    }

    /// True once in `n` times.
    pub fn once_in(&mut self, n: usize) -> bool {
        self.below(n) == 0
    }
}

/// Fields that are right in most requests.
const FIELDS: &[&str] = &[
    "Content-Length: 5",
    "Transfer-Encoding: chunked",
    "Connection: close",
    "Connection: keep-alive, x-a",
    "X-A: \"b\"; c",
    "X-A:",
    "Transfer-Encoding:\tCHUNKED ",
    "Expect: 100-continue",
];

/// Fields that never are, or that do not go with others.
const ODD_FIELDS: &[&str] = &[
    "Host: a",
    "Host: a b",
    "Content-Length: 5, 5",
    "Content-Length: +5",
    "Content-length : 5",
    "Transfer-Encoding: chunked, chunked",
    "Transfer-Encoding: gzip, chunked",
    "Transfer-Encoding: xchunked",
    " folded",
    "X\u{1}: b",
    "X: b\u{0}",
];

const BODIES: &[&str] = &[
    "",
    "hello",
    "5\r\nhello\r\n0\r\n\r\n",
    "5;a=b\r\nhello\r\n0\r\nT: u\r\n\r\n",
    "x\r\n",
    "5\r\nhelloX\r\n0\r\n\r\n",
];

/// A request put together at random: some valid, most not.
pub fn request(random: &mut Random) -> Vec<u8> {
    let odd = random.once_in(3);
    let method = random.pick(if odd {
        &["G(T", "", "get", "CONNECT"][..]
    } else {
        &["GET", "POST", "OPTIONS", "HEAD"]
    });
    let target =
        random.pick(&["/", "/a?b=c", "/%41/../b", "http://a/b", "//", "/", "/", "*", "a:80", "", "/a b"]);
    let version = random.pick(&["HTTP/1.1", "HTTP/1.1", "HTTP/1.1", "HTTP/1.1", "HTTP/1.0", "HTTP/1.2"]);
    let mut text = format!("{method} {target} {version}\r\n");
    if !random.once_in(8) {
        text.push_str("Host: a\r\n");
    }
    for _ in 0..random.below(3) {
        let fields = if random.once_in(4) { ODD_FIELDS } else { FIELDS };
        text.push_str(random.pick::<&str>(fields));
        text.push_str(if random.once_in(30) { "\n" } else { "\r\n" });
    }
    text.push_str("\r\n");
    text.push_str(random.pick::<&str>(BODIES));
    text.into_bytes()
}

/// Changes bytes here and there.
pub fn mutate(random: &mut Random, bytes: &mut Vec<u8>) {
    for _ in 0..=random.below(3) {
        let at = random.below(bytes.len());
        match random.below(4) {
            0 if !bytes.is_empty() => bytes[at] = random.bits() as u8,
            1 if !bytes.is_empty() => drop(bytes.remove(at)),
            2 => bytes.insert(at, random.pick(b"\r\n \t:;,\0x0")),
            _ => bytes.truncate(at),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::oracle::{self, Parsed};

    #[test]
    fn random_requests_are_of_every_kind() {
        let mut random = Random::new(1);
        let (mut whole, mut refused) = (0, 0);
        for _ in 0..4000 {
            let mut bytes = request(&mut random);
            if random.once_in(3) {
                mutate(&mut random, &mut bytes);
            }
            match oracle::request(&bytes) {
                Parsed::Complete(_, used) => whole += usize::from(used <= bytes.len()),
                Parsed::Refused(_) => refused += 1,
                Parsed::Partial => {}
            }
        }
        assert!(whole > 400 && refused > 400, "{whole} whole, {refused} refused");
    }
}
