//! What the demonstration says first: where everything is, and lines to try as they stand.

use std::fmt::Write as _;
use std::net::SocketAddr;
use std::path::Path;

use control::ADMIN_TOKEN_FILE;
use server::Server;

use super::ports::ADMIN_PORTS;
use crate::pair::Pair;

/// A heading, and lines below it that can each be pasted into a shell.
type Section = (&'static str, Vec<String>);

/// The greeting.
pub(super) fn text(server: &Server, data: &Path, tls: Option<&Pair>, keys: &[String]) -> String {
    let gateway = server.addresses().first().map(ToString::to_string).unwrap_or_default();
    let admin = server.admin_address();
    let mut text = format!("lockgate demo\n\n  gateway  http://{gateway}\n  admin    http://{admin}\n");
    if admin.port() != ADMIN_PORTS.start {
        // Writing to a String cannot fail.
        let _ = writeln!(text, "           (port {} is taken)", ADMIN_PORTS.start);
    }
    let places = Places {
        gateway: format!("http://{gateway}"),
        admin: format!("http://{admin}"),
        authorization: admin_bearer(data),
        data: quoted(&data.display().to_string()),
        program: program(),
    };
    let secured = tls.zip(server.addresses().get(1).copied()).map(|(pair, address)| secured(pair, address));
    let sections = places.open().into_iter().chain(secured).chain(places.function());
    for (heading, lines) in sections.chain(places.guarded(keys)).chain(places.inside()) {
        let _ = writeln!(text, "\n{heading}");
        for line in lines {
            let _ = writeln!(text, "  {line}");
        }
    }
    let _ = writeln!(text, "\nA WebSocket that sends everything back: ws://{gateway}/echo");
    text.push_str("Sample traffic runs, some of it unanswerable or slow. Ctrl-C ends.\n\n");
    text
}

/// The listener of TLS.
fn secured(pair: &Pair, address: SocketAddr) -> Section {
    let certificate = quoted(&pair.certificate.display().to_string());
    let url = format!("https://localhost:{}", address.port());
    ("The same by TLS", vec![format!("curl --cacert {certificate} {url}/orders/7")])
}

/// Where everything is, as a shell takes it.
struct Places {
    gateway: String,
    admin: String,
    /// The option of `curl` that presents the admin token.
    authorization: String,
    data: String,
    program: String,
}

impl Places {
    /// Routes for everybody.
    fn open(&self) -> [Section; 3] {
        let gateway = &self.gateway;
        [
            ("Ask a service through the gateway", vec![format!("curl {gateway}/orders/7")]),
            ("One of five goes to the next version", vec![format!("curl {gateway}/canary/orders/7")]),
            (
                "A redirect, and a path without a route",
                vec![format!("curl -L {gateway}/old/page"), format!("curl -i {gateway}/nothing-here")],
            ),
        ]
    }

    /// The route that a WebAssembly component answers, in a build that runs them.
    fn function(&self) -> Option<Section> {
        let url = format!("{}/thumbnails/", self.gateway);
        let lines = vec![
            format!("curl -s -o thumbnail.jpg '{url}?width=200'"),
            format!("curl -s -o smaller.jpg --data-binary @thumbnail.jpg '{url}?width=64'"),
        ];
        cfg!(feature = "functions")
            .then_some(("Pictures made small by a WebAssembly component inside the gateway", lines))
    }

    /// The route for users, and what is known of them.
    fn guarded(&self, keys: &[String]) -> [Section; 4] {
        let Self { gateway, admin, authorization, data, program } = self;
        let metered = format!("{gateway}/metered/hello");
        let curls: Vec<_> = keys.iter().map(|key| format!("curl {} {metered}", bearer(key))).collect();
        let hurry = curls.first().map(|curl| {
            let curl = curl.replacen("curl", "curl -s -o /dev/null -w '%{http_code}\\n'", 1);
            format!("for i in $(seq 40); do {curl}; done | sort | uniq -c")
        });
        [
            ("A route that asks for a key: 401 without one", vec![format!("curl -i {metered}")]),
            ("The same with a key of each user; a letter costs a tenth of a unit", curls),
            (
                "Too fast for this route: ten at once and five a second pass, the others get 429",
                hurry.into_iter().collect(),
            ),
            (
                "Users, and what they have used",
                vec![
                    format!("curl {authorization} {admin}/users"),
                    format!("curl {authorization} '{admin}/usage?by=user'"),
                    format!("{program} users list --admin {admin} --data {data}"),
                    format!("{program} usage --admin {admin} --data {data} --by user,route"),
                ],
            ),
        ]
    }

    /// The gateway's own state, and the journal.
    fn inside(&self) -> [Section; 3] {
        let Self { admin, authorization, data, program, .. } = self;
        [
            (
                "Look inside",
                vec![
                    format!("curl {authorization} {admin}/routes"),
                    format!("curl {authorization} {admin}/upstreams"),
                    format!("curl {authorization} {admin}/metrics"),
                    format!("curl -N {authorization} {admin}/events"),
                ],
            ),
            (
                "Read the journal",
                vec![
                    format!("{program} tail --data {data} -n 5"),
                    format!("{program} tail --data {data} --status 4xx --follow"),
                    format!("{program} search '\"status\":404' -p {data}"),
                ],
            ),
            (
                "Ask it: how often, how slow, and who",
                vec![
                    format!("{program} process {data} --by route --measure 'count,p99(latency_us)'"),
                    format!("{program} process {data} --where 'user_id is not null' --every 1m"),
                ],
            ),
        ]
    }
}

/// The option of `curl` that presents a key.
fn bearer(key: &str) -> String {
    format!("-H 'Authorization: Bearer {key}'")
}

/// The option of `curl` that presents the admin token, which the shell reads from its file: a terminal shows it to nobody.
fn admin_bearer(data: &Path) -> String {
    let file = quoted(&data.join(ADMIN_TOKEN_FILE).to_string_lossy());
    format!("-H \"Authorization: Bearer $(cat {file})\"")
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

    #[test]
    fn the_shell_reads_the_admin_token_wherever_its_file_is() {
        let folder = tempfile::tempdir().unwrap();
        let data = folder.path().join("it's \"here\" $HOME");
        std::fs::create_dir(&data).unwrap();
        std::fs::write(data.join(ADMIN_TOKEN_FILE), "0123\n").unwrap();
        let line = format!("printf '%s\\n' {}", admin_bearer(&data));
        let shown = std::process::Command::new("sh").args(["-c", &line]).output().unwrap();
        assert_eq!(String::from_utf8_lossy(&shown.stdout), "-H\nAuthorization: Bearer 0123\n");
    }
}
