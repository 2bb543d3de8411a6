//! Signatures of URLs: `/path?expires=SECONDS&signature=HEX`, where all before `&signature=` is what is signed.

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

/// Whether the target is signed with `key` and not older than `now`, in seconds since 1970.
///
/// # Errors
///
/// Why it is not, for whoever asked.
pub fn check(target: &str, key: &[u8], now: i64) -> Result<(), &'static str> {
    let (signed, signature) = target.rsplit_once("&signature=").ok_or("the URL is not signed")?;
    let signature = from_hex(signature).ok_or("the signature is not hexadecimal")?;
    let mut mac = Hmac::<Sha256>::new_from_slice(key).expect("a key of any length is one");
    mac.update(signed.as_bytes());
    // Takes as long for a wrong one as for the right one.
    mac.verify_slice(&signature).map_err(|_| "the signature is wrong")?;
    let query = signed.split_once('?').map_or("", |(_, query)| query);
    let expires = query.split('&').find_map(|pair| pair.strip_prefix("expires=")?.parse::<i64>().ok());
    match expires {
        Some(expires) if now < expires => Ok(()),
        Some(_) => Err("the URL has expired"),
        None => Err("the URL does not say when it expires"),
    }
}

fn from_hex(text: &str) -> Option<Vec<u8>> {
    let digits: Option<Vec<u8>> =
        text.chars().map(|digit| digit.to_digit(16).and_then(|digit| u8::try_from(digit).ok())).collect();
    let digits = digits.filter(|digits| digits.len().is_multiple_of(2))?;
    Some(digits.chunks_exact(2).map(|pair| pair[0] << 4 | pair[1]).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `printf '/a/b?expires=2000' | openssl dgst -sha256 -hmac key`
    const SIGNATURE: &str = "0cc30ed777e56a3eb56b19f4d0c9ab78b79891e60a04aa52556622087e7b889e";

    fn check_at(now: i64, target: &str) -> Result<(), &'static str> {
        check(target, b"key", now)
    }

    #[test]
    fn what_is_signed_passes_until_it_expires() {
        let target = format!("/a/b?expires=2000&signature={SIGNATURE}");
        assert_eq!(check_at(1999, &target), Ok(()));
        assert_eq!(check_at(2000, &target), Err("the URL has expired"));
        assert_eq!(check(&target, b"another", 1999), Err("the signature is wrong"));
    }

    #[test]
    fn whatever_is_changed_is_refused() {
        for (target, why) in [
            ("/a/b".to_owned(), "the URL is not signed"),
            (format!("/a/c?expires=2000&signature={SIGNATURE}"), "the signature is wrong"),
            (format!("/a/b?expires=9000&signature={SIGNATURE}"), "the signature is wrong"),
            (format!("/a/b?expires=2000&more=1&signature={SIGNATURE}"), "the signature is wrong"),
            (format!("/a/b?expires=2000&signature={SIGNATURE}&more=1"), "the signature is not hexadecimal"),
            (format!("/a/b?expires=2000&signature={}", &SIGNATURE[2..]), "the signature is wrong"),
            (format!("/a/b?expires=2000&signature={}", &SIGNATURE[1..]), "the signature is not hexadecimal"),
            ("/a/b?expires=2000&signature=".to_owned(), "the signature is wrong"),
        ] {
            assert_eq!(check_at(1, &target), Err(why), "{target}");
        }
    }
}
