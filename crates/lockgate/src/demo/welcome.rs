//! What the demonstration says first: where everything is, and lines to try as they stand.

use std::fmt::Write as _;
use std::path::Path;

use server::Server;

/// The greeting. Each line under a heading can be pasted into a shell.
pub(super) fn text(server: &Server, data: &Path) -> String {
    let gateway = server.addresses().first().map(ToString::to_string).unwrap_or_default();
    let (admin, token) = (server.admin_address(), server.tokens().expose_admin());
    let data = quoted(&data.display().to_string());
    let authorization = format!("-H 'Authorization: Bearer {token}'");
    let mut text = format!("lockgate demo\n\n  gateway  http://{gateway}\n  admin    http://{admin}\n");
    if admin.port() != super::ADMIN_PORTS.start {
        // Writing to a String cannot fail.
        let _ = writeln!(text, "           (port {} is taken)", super::ADMIN_PORTS.start);
    }
    for (heading, lines) in [
        ("Ask a service through the gateway", vec![format!("curl http://{gateway}/orders/7")]),
        ("One of five goes to the next version", vec![format!("curl http://{gateway}/canary/orders/7")]),
        (
            "A redirect, and a path without a route",
            vec![
                format!("curl -L http://{gateway}/old/page"),
                format!("curl -i http://{gateway}/nothing-here"),
            ],
        ),
        (
            "Look inside",
            vec![
                format!("curl {authorization} http://{admin}/routes"),
                format!("curl {authorization} http://{admin}/upstreams"),
                format!("curl {authorization} http://{admin}/metrics"),
                format!("curl -N {authorization} http://{admin}/events"),
            ],
        ),
        (
            "Read the journal",
            vec![
                format!("{} tail --data {data} -n 5", program()),
                format!("{} tail --data {data} --status 4xx --follow", program()),
            ],
        ),
    ] {
        let _ = writeln!(text, "\n{heading}");
        for line in lines {
            let _ = writeln!(text, "  {line}");
        }
    }
    let _ = writeln!(text, "\nA WebSocket that sends everything back: ws://{gateway}/echo");
    text.push_str("Sample traffic runs, some of it unanswerable or slow. Ctrl-C ends.\n\n");
    text
}

/// The program as the shell can find it again.
fn program() -> String {
    let name = std::env::args_os().next().map(|name| name.to_string_lossy().into_owned());
    quoted(&name.unwrap_or_else(|| "lockgate".into()))
}

/// A word for the shell.
fn quoted(text: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "/._-+".contains(c);
    if !text.is_empty() && text.chars().all(plain) {
        text.to_owned()
    } else {
        format!("'{}'", text.replace('\'', r"'\''"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_word_survives_the_shell() {
        assert_eq!(quoted("/tmp/lockgate-1"), "/tmp/lockgate-1");
        assert_eq!(quoted("it's here"), r"'it'\''s here'");
        assert_eq!(quoted(""), "''");
    }
}
