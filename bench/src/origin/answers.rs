//! The answers, made once: bytes that every connection writes as they are.

use std::sync::LazyLock;

/// Everything this origin ever says over HTTP.
pub(crate) struct Answers {
    /// 128 bytes of JSON.
    pub(crate) small: Vec<u8>,
    /// The same, with the number of units that the request is to be charged for.
    pub(crate) metered: Vec<u8>,
    /// 64 KiB.
    pub(crate) medium: Vec<u8>,
    /// 1 MiB.
    pub(crate) large: Vec<u8>,
    /// To a request whose body was swallowed.
    pub(crate) sunk: Vec<u8>,
    /// To any other path.
    pub(crate) missing: Vec<u8>,
}

/// Body length of `/small`, bytes.
pub(crate) const SMALL_BYTES: usize = 128;
/// Body length of `/64k`, bytes.
pub(crate) const MEDIUM_BYTES: usize = 64 * 1024;
/// Body length of `/1m`, bytes.
pub(crate) const LARGE_BYTES: usize = 1024 * 1024;
/// Body length of the answer to a POST, bytes.
pub(crate) const SUNK_BYTES: usize = 12;

/// What `/metered` says in `x-units`.
pub(crate) const UNITS: &str = "2.5";

/// The one set of answers.
pub(crate) static ANSWERS: LazyLock<Answers> = LazyLock::new(|| Answers {
    small: answer("200 OK", "application/json", "", &small_body()),
    metered: answer("200 OK", "application/json", &format!("x-units: {UNITS}\r\n"), &small_body()),
    medium: answer("200 OK", "application/octet-stream", "", &vec![b'm'; MEDIUM_BYTES]),
    large: answer("200 OK", "application/octet-stream", "", &vec![b'l'; LARGE_BYTES]),
    sunk: answer("200 OK", "application/json", "", br#"{"ok": true}"#),
    missing: answer("404 Not Found", "text/plain", "", b"not here\n"),
});

fn small_body() -> Vec<u8> {
    let mut body = br#"{"id": 1042, "status": "shipped", "items": 3, "total": "129.90", "note": ""#.to_vec();
    body.resize(SMALL_BYTES - 2, b'.');
    body.extend_from_slice(br#""}"#);
    body
}

/// An answer that says what the request before it was: what a proxy makes of a request is seen by it.
pub(crate) fn mirror(head: &[u8]) -> Vec<u8> {
    answer("200 OK", "text/plain", "", head)
}

fn answer(status: &str, content_type: &str, more: &str, body: &[u8]) -> Vec<u8> {
    let mut bytes = format!(
        "HTTP/1.1 {status}\r\n\
         server: origin\r\n\
         date: Sat, 21 Nov 2026 08:00:00 GMT\r\n\
         content-type: {content_type}\r\n\
         content-length: {}\r\n\
         cache-control: private, max-age=0\r\n\
         etag: \"5f2c-9a81\"\r\n\
         {more}\r\n",
        body.len()
    )
    .into_bytes();
    bytes.extend_from_slice(body);
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_answer_is_framed_as_long_as_it_is() {
        let all = [
            (&ANSWERS.small, SMALL_BYTES),
            (&ANSWERS.metered, SMALL_BYTES),
            (&mirror(b"GET"), 3),
            (&ANSWERS.medium, MEDIUM_BYTES),
            (&ANSWERS.large, LARGE_BYTES),
            (&ANSWERS.sunk, SUNK_BYTES),
            (&ANSWERS.missing, 9),
        ];
        for (bytes, length) in all {
            let end = memchr::memmem::find(bytes, b"\r\n\r\n").unwrap() + 4;
            assert_eq!(bytes.len() - end, length);
            let head = std::str::from_utf8(&bytes[..end]).unwrap();
            assert!(head.contains(&format!("\r\ncontent-length: {length}\r\n")), "{head}");
        }
    }
}
