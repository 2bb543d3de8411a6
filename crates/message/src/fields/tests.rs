//! Fields as they are kept, changed and written.

use proptest::prelude::*;

use super::*;

fn written(fields: &Fields) -> String {
    let mut out = Vec::new();
    fields.write_to(&mut out);
    String::from_utf8_lossy(&out).into_owned()
}

#[test]
fn set_replaces_every_field_of_that_name() {
    let mut fields = Fields::default();
    fields.append("X-A", b"1");
    fields.append("x-b", b"2");
    fields.append("x-a", b"3");
    fields.set("X-a", b"4");
    assert_eq!(written(&fields), "x-b: 2\r\nX-a: 4\r\n");
}

#[test]
fn a_span_of_another_arena_is_empty_rather_than_a_panic() {
    let mut fields = Fields::default();
    assert_eq!(fields.bytes(Span { start: 3, end: 9 }), b"");
    assert_eq!(fields.text(Span { start: 9, end: 3 }), "");
    let far = Span { start: u32::MAX, end: u32::MAX };
    fields.push(far, far, Known::Other);
    assert_eq!(written(&fields), ": \r\n");
}

#[test]
fn no_value_ends_its_line() {
    for (value, sent) in [
        (&b"a\r\nevil: 1"[..], "x-a: a  evil: 1\r\n"),
        (b"a\nb", "x-a: a b\r\n"),
        (b"a\0\x7f\x01b", "x-a: a   b\r\n"),
        (b"a\tb", "x-a: a\tb\r\n"),
    ] {
        let mut fields = Fields::default();
        fields.append("x-a", value);
        assert_eq!(written(&fields), sent);
        fields.set("x-a", value);
        assert_eq!(written(&fields), sent);
    }
}

#[test]
fn a_name_that_is_no_token_is_left_out() {
    for name in ["", "a b", "a:", "a\r\nevil", "\u{e9}", "a\0"] {
        let mut fields = Fields::default();
        fields.append(name, b"1");
        assert!(fields.is_empty(), "{name:?}");
    }
}

#[test]
fn nobody_but_the_adapter_frames_a_message() {
    for name in [
        "Content-Length",
        "transfer-encoding",
        "Connection",
        "Keep-Alive",
        "Proxy-Connection",
        "TE",
        "Upgrade",
        "Host",
        "Content_Length",
    ] {
        let mut fields = Fields::default();
        fields.append(name, b"1");
        fields.set(name, b"1");
        assert!(fields.is_empty(), "{name:?}");
    }
}

/// A head as it lies in an arena: some lines in the form they are sent in, some not.
fn arena() -> impl Strategy<Value = Fields> {
    let line = ("[a-z]{1,4}", prop_oneof![Just(": "), Just(":"), Just(":  ")], "[a-z]{0,4}", any::<bool>());
    (proptest::collection::vec(line, 0..8), any::<bool>()).prop_map(|(lines, with_appended)| {
        let mut fields = Fields::default();
        fields.store(b"GET / HTTP/1.1\r\n");
        for (name, colon, value, kept) in lines {
            let name = fields.store(name.as_bytes());
            fields.store(colon.as_bytes());
            let value = fields.store(value.as_bytes());
            fields.store(b"\r\n");
            if kept {
                fields.push(name, value, Known::Other);
            }
        }
        if with_appended {
            fields.append("appended", b"1");
        }
        fields
    })
}

proptest! {
    #[test]
    fn copying_runs_of_lines_writes_what_writing_each_would(fields in arena()) {
        let one_by_one: String = fields
            .iter()
            .map(|(name, value)| {
                format!("{}: {}\r\n", String::from_utf8_lossy(name), String::from_utf8_lossy(value))
            })
            .collect();
        prop_assert_eq!(written(&fields), one_by_one);
    }
}
