//! Which words of HTTP are accepted and which refused.

use super::*;

fn check<T: TextForm>(good: &[&str], bad: &[&str]) {
    for text in good {
        assert!(T::parse(text).is_ok(), "{text} is {}", T::TEXT.with_article);
    }
    for text in bad {
        assert!(T::parse(text).is_err(), "{text} is not {}", T::TEXT.with_article);
    }
}

#[test]
fn a_method_is_a_token_and_not_connect() {
    check::<Method>(&["GET", "PURGE", "M-SEARCH"], &["", "get", "CONNECT", "GE T", "GÉT"]);
}

#[test]
fn a_header_name_is_a_token() {
    check::<HeaderName>(&["x-tenant", "X-Tenant", "host"], &["", "x tenant", "x:", "x\n", "größe"]);
}

#[test]
fn fields_of_the_connection_are_not_edited() {
    check::<EditedName>(
        &["x-tenant", "Server", "authorization"],
        &[
            "Connection",
            "transfer-encoding",
            "Content-Length",
            "HOST",
            "upgrade",
            "te",
            "trailer",
            "keep-alive",
        ],
    );
}

#[test]
fn a_header_value_has_no_control_characters() {
    check::<HeaderText>(&["", "a b", "a\tb", "é"], &["a\nb", "a\rb", "\0", "\u{7f}", " a", "a\t"]);
}

#[test]
fn an_origin_is_scheme_and_host() {
    check::<Origin>(
        &["*", "https://a.example", "http://localhost:3000", "https://[::1]:8443", "capacitor://localhost"],
        &[
            "",
            "a.example",
            "https://a.example/",
            "https://",
            "https://a b",
            "://a",
            "null",
            "https://*.a.example",
        ],
    );
}

#[test]
fn a_redirect_never_lets_the_request_choose_the_host() {
    check::<RedirectTo>(
        &["/new", "https://a.example{path}{query}", "https://a.example/x?{query}", "/new{path}"],
        &[
            "",
            "{path}",
            "//evil.example",
            "/{path}",
            "new",
            "https://{path}",
            "https://a.example/{x}",
            "javascript:x",
            "/a b",
        ],
    );
}

#[test]
fn a_prefix_to_strip_is_a_literal_path() {
    check::<PathStart>(
        &["/a", "/a/b"],
        &["", "/", "a", "/a/", "/a/*", "/*", "/a*", "/a?x", "/a/../b", "/%61"],
    );
}

#[test]
fn a_path_to_rewrite_to_may_end_in_a_star() {
    check::<RewriteTo>(&["/", "/*", "/v2", "/v2/*", "/v2-*"], &["", "*", "v2", "/*/a", "/a?x", "/a/./b"]);
}

#[test]
fn a_host_to_send_is_a_name_with_or_without_port() {
    check::<HostValue>(
        &["a", "a.example:80", "[::1]:80"],
        &["", ":80", "a:", "a:x", "a b", "a/b", "[::1", "u@a"],
    );
}
