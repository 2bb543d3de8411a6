//! One line of Apache's combined log format.

use std::io::Write;

use lockgate_event::{EventRef, HttpVersion, Timestamp};

/// Appends the event's line of the combined access log: client, `-`, user, time, request line, status, body bytes, and two unknowns.
pub fn write_combined(event: &EventRef<'_>, out: &mut Vec<u8>) {
    // Writing to a Vec cannot fail.
    let _ = write!(out, "{} - ", event.client);
    write_or_dash(event.user_id, out);
    out.extend_from_slice(b" [");
    Timestamp::from_unix_us(event.ts_us).write_common_log(out);
    out.extend_from_slice(b"] \"");
    write_request_line(event, out);
    out.extend_from_slice(b"\" ");
    // No status was sent to a client that left before.
    write_or_dash((event.status != 0).then_some(u64::from(event.status)), out);
    out.push(b' ');
    write_number(event.bytes_out, out);
    out.extend_from_slice(b" \"-\" \"-\"\n");
}

fn write_request_line(event: &EventRef<'_>, out: &mut Vec<u8>) {
    write_quoted(event.method, out);
    out.push(b' ');
    write_quoted(event.path, out);
    out.extend_from_slice(match event.http {
        HttpVersion::Http10 => b" HTTP/1.0",
        HttpVersion::Http11 => b" HTTP/1.1",
        HttpVersion::Http2 => b" HTTP/2.0",
        HttpVersion::Http3 => b" HTTP/3.0",
    });
}

fn write_or_dash(number: Option<u64>, out: &mut Vec<u8>) {
    match number {
        Some(number) => write_number(number, out),
        None => out.push(b'-'),
    }
}

fn write_number(number: u64, out: &mut Vec<u8>) {
    out.extend_from_slice(itoa::Buffer::new().format(number).as_bytes());
}

/// Escapes what could end the quoted text or the line: a client must not be able to write a line of its own.
fn write_quoted(text: &str, out: &mut Vec<u8>) {
    for &byte in text.as_bytes() {
        match byte {
            b'"' | b'\\' | 0..0x20 | 0x7F => {
                let _ = write!(out, "\\x{byte:02X}");
            }
            _ => out.push(byte),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::event;

    fn check(event: &EventRef<'_>, expected: &str) {
        let mut line = Vec::new();
        write_combined(event, &mut line);
        assert_eq!(String::from_utf8(line).unwrap(), expected);
    }

    #[test]
    fn an_ordinary_exchange_is_one_combined_line() {
        check(
            &event(),
            "203.0.113.9 - - [21/Nov/2026:01:20:23 +0000] \"GET /orders/7 HTTP/1.1\" 200 512 \"-\" \"-\"\n",
        );
    }

    #[test]
    fn a_user_is_named_and_a_missing_status_is_a_dash() {
        let event =
            EventRef { user_id: Some(7), status: 0, bytes_out: 0, http: HttpVersion::Http10, ..event() };
        check(
            &event,
            "203.0.113.9 - 7 [21/Nov/2026:01:20:23 +0000] \"GET /orders/7 HTTP/1.0\" - 0 \"-\" \"-\"\n",
        );
    }

    #[test]
    fn a_path_cannot_write_a_line_of_its_own() {
        let event = EventRef { path: "/a\" 200 1\n9.9.9.9\\\u{7f}", ..event() };
        check(
            &event,
            "203.0.113.9 - - [21/Nov/2026:01:20:23 +0000] \"GET /a\\x22 200 1\\x0A9.9.9.9\\x5C\\x7F HTTP/1.1\" 200 512 \"-\" \"-\"\n",
        );
    }
}
