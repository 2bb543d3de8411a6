//! `lockgate functions run`

use std::fs;
use std::io::{BufRead, BufReader, Read};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};

use testkit::{Origin, RawClient, Response, component};

use crate::{LOCKGATE, eventually, run};

/// The command while it runs; killed when dropped.
struct Running {
    child: Child,
    address: String,
    printed: Arc<Mutex<String>>,
    /// Where its temporary files are.
    temporary: tempfile::TempDir,
}

impl Running {
    fn start(file: &Path, arguments: &[&str]) -> Self {
        let temporary = tempfile::tempdir().unwrap();
        let mut child = Command::new(LOCKGATE)
            .args(["functions", "run"])
            .arg(file)
            .args(arguments)
            .env("TMPDIR", temporary.path())
            // It is of another gateway, and would be refused.
            .env("LOCKGATE_ADMIN_TOKEN", "not a token")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let printed = Arc::<Mutex<String>>::default();
        collect(child.stdout.take().unwrap(), &printed);
        collect(child.stderr.take().unwrap(), &printed);
        let mut running = Self { child, address: String::new(), printed, temporary };
        running.address = eventually("the address", || {
            let printed = running.printed();
            Some(printed.split_once(" answers at http://")?.1.split_once('/')?.0.to_owned())
        });
        running
    }

    fn get(&self, target: &str) -> Response {
        let mut client = RawClient::connect(&self.address).unwrap();
        client.send(format!("GET {target} HTTP/1.1\r\nHost: test\r\n\r\n")).unwrap();
        client.response("GET").unwrap()
    }

    /// Both streams.
    fn printed(&self) -> String {
        self.printed.lock().unwrap().clone()
    }

    #[track_caller]
    fn wait_for(&self, text: &str) {
        eventually(&format!("{text} in {}", self.printed()), || self.printed().contains(text).then_some(()));
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // It may have ended.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Adds the lines of a stream as they come.
fn collect(stream: impl Read + Send + 'static, to: &Arc<Mutex<String>>) {
    let to = Arc::clone(to);
    std::thread::spawn(move || {
        for line in BufReader::new(stream).lines().map_while(Result::ok) {
            to.lock().unwrap().push_str(&(line + "\n"));
        }
    });
}

#[test]
fn what_a_function_prints_and_why_it_fails_is_on_the_terminal() {
    let Some(hostile) = component("hostile") else { return };
    let running = Running::start(&hostile, &[]);
    assert_eq!(running.get("/log?bytes=200").status(), 200);
    running.wait_for(&format!("stderr | {:099}\n", 0));
    running.wait_for(&format!("stdout | {:099}\n", 1));
    assert_eq!(running.get("/panic").status(), 500);
    running.wait_for("this guest panics when it is asked to");
    running.wait_for("the function trapped");
    running.wait_for("wasm backtrace");
    running.wait_for("\"GET /panic HTTP/1.1\" 500");
}

#[test]
fn values_origins_and_limits_are_those_of_the_command_line() {
    let Some(hostile) = component("hostile") else { return };
    let (origin, other) = (Origin::echo(), Origin::echo());
    let outbound = format!("http://{}", origin.address());
    let running =
        Running::start(&hostile, &["--value", "greeting=hello", "--outbound", &outbound, "--time", "300ms"]);
    assert!(running.get("/config").text().contains("greeting=hello"));
    assert!(running.get(&format!("/call?to={outbound}/")).text().starts_with("200 "));
    assert!(
        running.get(&format!("/call?to=http://{}/", other.address())).text().contains("HttpRequestDenied")
    );
    running.wait_for("outgoing request refused");
    assert_eq!(running.get("/hold").status(), 504);
    assert_eq!((origin.hits(), other.hits()), (1, 0));
}

#[test]
fn a_changed_component_is_loaded_again_and_a_broken_one_changes_nothing() {
    let (Some(hello), Some(hostile)) = (component("hello"), component("hostile")) else { return };
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("guest.wasm");
    let replace = |with: &[u8]| {
        fs::write(dir.path().join("next"), with).unwrap();
        fs::rename(dir.path().join("next"), &file).unwrap();
    };
    replace(&fs::read(&hello).unwrap());
    let running = Running::start(&file, &[]);
    assert!(running.get("/env").text().contains("Hello"));
    replace(b"this is no component");
    running.wait_for("not a WebAssembly component");
    assert!(running.get("/env").text().contains("Hello"));
    replace(&fs::read(&hostile).unwrap());
    eventually("the other component", || running.get("/env").text().contains("arguments:").then_some(()));
}

#[test]
fn ctrl_c_ends_it_and_leaves_nothing_behind() {
    let Some(hello) = component("hello") else { return };
    let mut running = Running::start(&hello, &[]);
    assert_eq!(running.get("/").status(), 200);
    assert!(fs::read_dir(running.temporary.path()).unwrap().count() > 0);
    let interrupt = Command::new("kill").args(["-INT", &running.child.id().to_string()]).status().unwrap();
    assert!(interrupt.success());
    let status = eventually("the end", || running.child.try_wait().unwrap());
    assert_eq!(status.code(), Some(0), "{}", running.printed());
    assert_eq!(fs::read_dir(running.temporary.path()).unwrap().count(), 0);
}

#[test]
fn a_log_that_nobody_reads_any_more_ends_nothing() {
    let Some(hostile) = component("hostile") else { return };
    let mut child = Command::new(LOCKGATE)
        .args(["functions", "run"])
        .arg(&hostile)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    drop(child.stderr.take());
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let first = lines.next().unwrap().unwrap();
    let address = first.split_once("http://").unwrap().1.trim_end_matches('/').to_owned();
    // So that it does not write to a stream without a reader.
    let rest = std::thread::spawn(move || lines.map_while(Result::ok).count());
    for _ in 0..3 {
        let mut client = RawClient::connect(&address).unwrap();
        client.send("GET /log?bytes=200 HTTP/1.1\r\nHost: test\r\n\r\n").unwrap();
        assert_eq!(client.response("GET").unwrap().status(), 200);
    }
    let asked = Command::new("kill").args(["-TERM", &child.id().to_string()]).status().unwrap();
    assert!(asked.success());
    assert_eq!(eventually("the end", || child.try_wait().unwrap()).code(), Some(0));
    rest.join().unwrap();
}

#[test]
fn what_cannot_be_run_is_a_failure_that_says_why() {
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join("text.wasm"), "this is no component").unwrap();
    for (arguments, said) in [
        (&["text.wasm"][..], "not a WebAssembly component"),
        (&["missing.wasm"], "missing.wasm"),
        (&["text.wasm", "--memory", "much"], "much"),
        (&["text.wasm", "--outbound", "ftp://example.com"], "not a scheme"),
    ] {
        let output = run(dir.path(), &[&["functions", "run"], arguments].concat());
        let err = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(3), "{arguments:?}: {err}");
        assert!(err.contains(said), "{arguments:?}: {err}");
    }
    assert_eq!(
        run(dir.path(), &["functions", "run", "text.wasm", "--value", "novalue"]).status.code(),
        Some(2)
    );
    assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1, "nothing is left behind");
}
