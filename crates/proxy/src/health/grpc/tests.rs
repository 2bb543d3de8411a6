//! Tests of the module this file stands beside.

use proptest::collection::vec;
use proptest::prelude::*;

use super::*;

fn framed(message: &[u8]) -> Vec<u8> {
    let mut framed = vec![0];
    framed.extend_from_slice(&(message.len() as u32).to_be_bytes());
    framed.extend_from_slice(message);
    framed
}

#[test]
fn a_request_names_its_service() {
    assert_eq!(request(""), [0, 0, 0, 0, 0]);
    assert_eq!(request("a.B"), *b"\0\0\0\0\x05\x0a\x03a.B");
    let long = "x".repeat(200);
    assert_eq!(request(&long)[..8], *b"\0\0\0\0\xcb\x0a\xc8\x01");
}

#[test]
fn the_status_of_a_response_is_read() {
    for (message, expected) in [
        (&b""[..], Some(0)),
        (b"\x08\x01", Some(1)),
        (b"\x08\x02", Some(2)),
        (b"\x08\x81\x00", Some(1)),
        // The last of several, among fields of later versions: a number, eight bytes, a text, four bytes.
        (b"\x08\x02\x10\x96\x01\x19abcdefgh\x22\x02hi\x2dabcd\x08\x01", Some(1)),
        (b"\x08\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01", Some(u64::MAX)),
        (b"\x08\xff\xff\xff\xff\xff\xff\xff\xff\xff\x02", None),
        (b"\x08\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\x00", None),
        (b"\x08", None),
        (b"\x08\x80", None),
        (b"\x0a\x01\x01", None),
        (b"\x00\x01", None),
        (b"\x22\x7fhi", None),
        (b"\x22\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01", None),
        (b"\x19abc", None),
        (b"\x1b\x1c", None),
    ] {
        assert_eq!(serving_status(&framed(message)), expected, "{message:?}");
    }
}

#[test]
fn a_body_that_is_not_one_message_is_malformed() {
    let good = framed(b"\x08\x01");
    assert_eq!(serving_status(&good), Some(1));
    for length in 0..good.len() {
        assert_eq!(serving_status(&good[..length]), None, "cut at {length}");
    }
    assert_eq!(serving_status(&[&good[..], &good].concat()), None);
    assert_eq!(serving_status(b"\x01\0\0\0\x02\x08\x01"), None, "compressed");
    assert_eq!(serving_status(b"\0\xff\xff\xff\xff\x08\x01"), None);
}

#[test]
fn only_serving_is_healthy_and_so_is_a_server_that_cannot_say() {
    let serving = framed(b"\x08\x01");
    for (status, body, passed, reason) in [
        (Some("0"), &serving[..], true, "SERVING"),
        (Some("0"), &framed(b""), false, "UNKNOWN"),
        (Some("0"), &framed(b"\x08\x02"), false, "NOT_SERVING"),
        (Some("0"), &framed(b"\x08\x03"), false, "SERVICE_UNKNOWN"),
        (Some("0"), &framed(b"\x08\x07"), false, "serving status 7"),
        (Some("0"), b"", false, "a malformed HealthCheckResponse"),
        (Some("5"), b"", false, "NOT_FOUND: the server does not know the service"),
        (Some("12"), b"", true, UNIMPLEMENTED),
        (Some("14"), &serving, false, "grpc-status 14 UNAVAILABLE"),
        (Some("99"), &serving, false, "grpc-status 99"),
        (Some("x"), &serving, false, "a grpc-status that is no number"),
        (None, &serving, false, "no grpc-status"),
    ] {
        let found = judge(status.map(str::as_bytes), body);
        assert_eq!((found.passed, found.reason.as_str()), (passed, reason), "{status:?}");
    }
}

proptest! {
    #[test]
    fn no_answer_panics(status in "[0-9]{0,3}", body in vec(any::<u8>(), 0..40)) {
        judge(Some(status.as_bytes()), &body);
        judge(Some(b"0"), &framed(&body));
    }

    #[test]
    fn numbers_are_read_as_they_were_written(number: u64) {
        let mut bytes = Vec::new();
        put_varint(number, &mut bytes);
        prop_assert_eq!(take_varint(&mut &bytes[..]), Some(number));
    }
}
