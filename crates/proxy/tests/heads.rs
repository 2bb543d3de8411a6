//! Heads and connections of HTTP/2, and PROXY headers, made up at random: the promises of the fuzz targets hold without a fuzzer, too.

use proptest::collection::vec;
use proptest::prelude::*;
use testkit::fuzz::{h2_answer, h2_connection, h2_question, h2_upstream, proxy_header};

/// Fields that mean something to a gateway, and values that differ from what they should be.
fn field() -> impl Strategy<Value = String> {
    let name = prop_oneof![
        prop::sample::select(vec![
            "host",
            "content-length",
            "content_length",
            "transfer-encoding",
            "transfer_encoding",
            "connection",
            "te",
            "upgrade",
            "expect",
            "cookie",
            "trailer",
            "proxy-authorization",
            "x_forwarded_for",
            "x-lockgate-user",
            "keep-alive",
            "sec-websocket-key",
        ])
        .prop_map(str::to_owned),
        "[a-zA-Z0-9_.!~^-]{1,12}",
    ];
    let value = prop_oneof![
        prop::sample::select(vec![
            "",
            "0",
            "5",
            "+5",
            "05",
            "5, 5",
            "99999999999999999999",
            "chunked",
            "close",
            "trailers",
            "100-continue",
            "shop.example",
            "SHOP.example:80",
            "other.example",
            "websocket",
            "a=1",
            " x",
            "x\t",
        ])
        .prop_map(str::to_owned),
        "[ -~\u{80}-\u{ff}\t]{0,20}",
    ];
    (name, value).prop_map(|(name, value)| format!("{name}:{value}"))
}

fn fields() -> impl Strategy<Value = String> {
    vec(field(), 0..6).prop_map(|lines| lines.join("\n"))
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(2_000) })]

    #[test]
    fn a_question_becomes_one_request_or_none(
        end in "[W-]",
        method in "(GET|HEAD|POST|PUT|OPTIONS|CONNECT|[A-Za-z!-]{1,8})",
        scheme in "(http|https|ftp|)",
        authority in "(shop\\.example|shop\\.example:80|\\[::1\\]:80|u@h|a,b|[!-~]{0,12}|)",
        path in "(/|\\*|/[ -~]{0,24}|[!-~]{0,12}|)",
        protocol in "(:protocol:websocket\n|:protocol:x\n|)",
        fields in fields(),
    ) {
        h2_question(format!("{end}{method}\n{scheme}\n{authority}\n{path}\n{protocol}{fields}").as_bytes());
    }

    #[test]
    fn an_answer_becomes_one_response_or_none(
        head in "[HG][W-]",
        status in "(200|204|304|101|103|1[0-9][0-9]|[2-9][0-9][0-9]|[0-9 +-]{0,4})",
        pseudo in prop_oneof![9 => Just(""), 1 => Just(":status:200\n"), 1 => Just(":path:/\n")],
        fields in fields(),
        more in prop_oneof![9 => Just(""), 1 => Just("\n:status:200"), 1 => Just("\nx-a:b\r"), 1 => Just("\nx a:b")],
    ) {
        h2_answer(format!("{head}{status}\n{pseudo}{fields}{more}").as_bytes());
    }

    #[test]
    fn a_connection_keeps_to_the_rules_whatever_comes(
        form in any::<[u8; 3]>(),
        // Most steps have small numbers, and so have most of the things they name.
        steps in vec(prop_oneof![4 => 0_u8..12, 1 => any::<u8>()], 0..120),
    ) {
        h2_connection(&[&form, steps.as_slice()].concat());
    }

    #[test]
    fn an_upstreams_connection_keeps_to_the_rules_whatever_comes(
        form in any::<[u8; 3]>(),
        // As above.
        steps in vec(prop_oneof![4 => 0_u8..12, 1 => any::<u8>()], 0..80),
    ) {
        h2_upstream(&[&form, steps.as_slice()].concat());
    }

    #[test]
    fn a_proxy_header_is_read_to_its_end_and_no_further(
        piece in any::<u8>(),
        start in prop_oneof![
            Just(b"PROXY ".to_vec()), Just(b"PROXY TCP4 192.0.2.1 ".to_vec()), Just(b"PROXY TCP6 ::1 ".to_vec()),
            Just(b"\r\n\r\n\0\r\nQUIT\n\x21\x11\0\x0c".to_vec()), Just(b"\r\n\r\n\0\r\nQUIT\n\x21\x21\0\x24".to_vec()),
            Just(b"\r\n\r\n\0\r\nQUIT\n\x20".to_vec()), Just(Vec::new()),
        ],
        middle in prop_oneof![vec(any::<u8>(), 0..64), "[0-9a-f:. ]{0,90}".prop_map(String::into_bytes)],
        end in prop_oneof![Just(&b""[..]), Just(&b"\r\n"[..]), Just(&b" ::2 1 65535\r\nGET"[..]), Just(&b"198.51.100.2 1 0\r\n"[..])],
    ) {
        proxy_header(&[&[piece][..], &start, &middle, end].concat());
    }
}
