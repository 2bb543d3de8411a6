//! `lockgate demo`

use std::collections::BTreeMap;
use std::fs;
use std::io::Read;
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use testkit::FreeAddress;
use testkit::websocket::{self, Frame};

use crate::{LOCKGATE, SOON, err, eventually, lines, out, run, wait};

/// The admin token of another gateway.
const TOKEN: &str = "token-of-another-gateway-0123456789abcdef";

#[test]
fn a_demonstration_ends_by_itself_and_leaves_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let output = run(dir.path(), &["demo", "--port", "0", "--exit-after", "2500ms"]);
    assert_eq!(output.status.code(), Some(0), "{}", err(&output));
    assert_eq!(err(&output), "");
    let summaries: Vec<_> = out(&output).lines().filter(|l| l.contains("req/s")).map(str::to_owned).collect();
    let total = summaries.last().and_then(|line| line.rsplit(' ').next()?.parse::<u32>().ok());
    assert!(summaries.len() >= 2 && total.is_some_and(|total| total > 5), "{}", out(&output));
    assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 0, "the temporary data directory is removed");
}

/// Asks what a printed `curl` line asks, as the shell understands it; answers status and text.
fn as_curl(line: &str) -> (u16, String) {
    let words = format!("curl() {{ printf '%s\\n' \"$@\"; }}; {line}");
    let words = out(&Command::new("sh").args(["-c", &words]).output().unwrap());
    let words: Vec<_> = words.lines().collect();
    let url = words.last().unwrap().strip_prefix("http://").unwrap();
    let (address, path) = url.split_once('/').unwrap();
    let field = words.windows(2).find(|pair| pair[0] == "-H");
    let field = field.map(|pair| format!("{}\r\n", pair[1])).unwrap_or_default();
    let response =
        testkit::ask(address, format!("GET /{path} HTTP/1.1\r\nHost: {address}\r\n{field}\r\n")).unwrap();
    (response.status(), response.text())
}

/// Sends a text to `/echo` as a WebSocket message and answers what comes back.
fn websocket_echo(address: &str, text: &str) -> String {
    let mut client = testkit::RawClient::connect(address).unwrap();
    client.send(websocket::open_request("/echo", address)).unwrap();
    assert_eq!(client.head().unwrap().0.status, 101);
    client.send(Frame::whole(1, text).encode(Some([1, 2, 3, 4]))).unwrap();
    let bytes = client.bytes(2 + text.len()).unwrap();
    String::from_utf8(Frame::read(&mut bytes.as_slice()).unwrap().payload).unwrap()
}

#[test]
fn what_a_demonstration_says_to_try_works_as_printed() {
    let dir = tempfile::tempdir().unwrap();
    let mut child = Command::new(LOCKGATE)
        .args(["demo", "--port", "0"])
        .env("TMPDIR", dir.path())
        .env("LOCKGATE_ADMIN_TOKEN", TOKEN)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let lines = lines(&mut child);
    let printed: Vec<String> = std::iter::from_fn(|| lines.recv_timeout(SOON).ok())
        .take_while(|line| !line.contains("Ctrl-C"))
        .collect();
    let starting = |word: &str| -> Vec<&str> {
        printed.iter().map(|line| line.trim()).filter(|line| line.starts_with(word)).collect()
    };
    let asked: Vec<_> =
        starting("curl").into_iter().filter(|line| !line.contains(" -N ")).map(|l| (as_curl(l), l)).collect();
    assert!(asked.len() >= 12, "{printed:?}");
    for ((status, text), line) in asked {
        let expected = match line {
            line if line.ends_with("/old/page") => 308,
            line if line.ends_with("/nothing-here") => 404,
            line if line.contains("-i http") && line.ends_with("/metered/hello") => 401,
            _ => 200,
        };
        assert_eq!(status, expected, "{line}\n{text}");
    }
    let socket = printed.iter().find_map(|line| line.split_once("ws://")).unwrap().1;
    assert_eq!(websocket_echo(socket.strip_suffix("/echo").unwrap(), "hello"), "hello");
    assert!(!printed.iter().any(|line| line.contains(TOKEN)), "{printed:?}");
    let shown = |line: &str| out(&Command::new("sh").args(["-c", line]).output().unwrap());
    let commands = starting(LOCKGATE);
    let with = |word: &str| *commands.iter().find(|line| line.contains(word)).unwrap();
    assert_eq!(shown(with(" tail ")).lines().count(), 5, "{commands:?}");
    assert!(shown(with(" users ")).contains("grace@example.com"), "{commands:?}");
    assert!(shown(with(" process ")).contains("orders"), "{commands:?}");
    assert!(shown(with(" search ")).contains("/nothing-here"), "{commands:?}");
    eventually("the usage of both users", || {
        let usage = shown(with(" usage "));
        ["ada@example.com    metered", "grace@example.com  metered"]
            .iter()
            .all(|row| usage.contains(row))
            .then_some(())
    });
    let interrupted = Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap();
    assert!(interrupted.success());
    let mut complaints = String::new();
    child.stderr.take().unwrap().read_to_string(&mut complaints).unwrap();
    assert_eq!((wait(child), complaints.as_str()), (Some(0), ""));
}

#[test]
fn a_demonstration_goes_on_with_its_users_in_a_kept_directory() {
    let dir = tempfile::tempdir().unwrap();
    let demo = ["demo", "--port", "0", "--exit-after", "1ms", "--data", "kept"];
    let keys = [(); 2].map(|()| {
        let output = run(dir.path(), &demo);
        assert_eq!((output.status.code(), err(&output).as_str()), (Some(0), ""));
        out(&output).split("Bearer lg_demo_").nth(1).unwrap().split('\'').next().unwrap().to_owned()
    });
    assert_ne!(keys[0], keys[1]);
}

#[test]
fn a_demonstration_says_how_to_avoid_a_taken_port() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port().to_string();
    let dir = tempfile::tempdir().unwrap();
    let output = run(dir.path(), &["demo", "--port", &port]);
    assert_eq!(output.status.code(), Some(3));
    assert!(err(&output).contains(&port) && err(&output).contains("--port"), "{}", err(&output));
}

/// Every file below a folder with its bytes.
fn files(folder: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let mut found = BTreeMap::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(files(&path));
        } else {
            found.insert(path.clone(), fs::read(&path).unwrap());
        }
    }
    found
}

#[test]
fn a_demonstration_leaves_what_lies_in_its_directory() {
    let dir = tempfile::tempdir().unwrap();
    let mine =
        ["key.pem", "certificate.pem", "thumbnails.wasm"].map(|name| dir.path().join("data").join(name));
    fs::create_dir(dir.path().join("data")).unwrap();
    for file in &mine {
        fs::write(file, "MINE").unwrap();
    }
    let demo = ["demo", "--tls", "--port", "0", "--exit-after", "1ms", "--data", "data"];
    let output = run(dir.path(), &demo);
    assert_eq!((output.status.code(), err(&output).as_str()), (Some(0), ""));
    assert!(out(&output).contains("curl --cacert data/demo-"), "{}", out(&output));
    assert!(mine.iter().all(|file| fs::read(file).unwrap() == b"MINE"));
    let made = files(&dir.path().join("data"));
    assert_eq!(
        made.keys().filter(|file| file.extension().is_some_and(|end| end == "pem")).count(),
        2,
        "{made:?}"
    );
}

#[test]
fn a_demonstration_changes_no_file_of_one_that_runs() {
    let dir = tempfile::tempdir().unwrap();
    let data = dir.path().join("data");
    let mut first = Command::new(LOCKGATE)
        .args(["demo", "--tls", "--port", "0", "--exit-after", "60s", "--data", "data"])
        .current_dir(dir.path())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let lines = lines(&mut first);
    while !lines.recv_timeout(SOON).unwrap().contains("Ctrl-C") {}
    let fixed = || {
        let mut files = files(&data);
        // What the gateway itself writes while it runs.
        files.retain(|file, _| file.extension().is_some_and(|end| end == "pem" || end == "wasm"));
        files
    };
    let before = fixed();
    assert!(before.len() >= 2, "{before:?}");
    assert_eq!(fs::metadata(&data).unwrap().permissions().mode() & 0o777, 0o700);
    let second = run(dir.path(), &["demo", "--tls", "--port", "0", "--data", "data"]);
    assert_eq!(second.status.code(), Some(3));
    for part in ["is used by the gateway with process id", "--data"] {
        assert!(err(&second).contains(part), "{part} is missing in:\n{}", err(&second));
    }
    assert!(fixed() == before, "the files of the first are as they were");
    first.kill().unwrap();
    first.wait().unwrap();
}

#[test]
fn a_demonstration_has_an_admin_token_of_its_own() {
    let dir = tempfile::tempdir().unwrap();
    let output = Command::new(LOCKGATE)
        .args(["demo", "--port", "0", "--exit-after", "1ms", "--data", "data"])
        .current_dir(dir.path())
        .env("LOCKGATE_ADMIN_TOKEN", TOKEN)
        .output()
        .unwrap();
    assert_eq!((output.status.code(), err(&output).as_str()), (Some(0), ""));
    let own = fs::read_to_string(dir.path().join("data/admin-token")).unwrap();
    assert_ne!(own.trim(), TOKEN);
    assert!(!out(&output).contains(TOKEN) && !out(&output).contains(own.trim()), "{}", out(&output));
}

#[test]
fn a_demonstration_answers_by_tls_where_its_usual_port_is_taken() {
    // If another has it already, it is taken all the same.
    let taken = TcpListener::bind("127.0.0.1:8443");
    let free = FreeAddress::new();
    let (_, port) = free.address().rsplit_once(':').unwrap();
    let dir = tempfile::tempdir().unwrap();
    let output = run(dir.path(), &["demo", "--tls", "--port", port, "--exit-after", "1ms"]);
    assert_eq!((output.status.code(), err(&output).as_str()), (Some(0), ""));
    let out = out(&output);
    assert!(out.contains("https://localhost:"), "{out}");
    assert!(taken.is_err() || !out.contains("https://localhost:8443/"), "{out}");
}
