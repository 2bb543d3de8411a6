//! A browser, steered by its driver (W3C WebDriver): JSON over HTTP, one request per connection.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

/// Longest time that is waited for anything.
const WITHIN: Duration = Duration::from_secs(60);
/// Between two looks at a page that nothing tells of an event.
const LOOK_EVERY: Duration = Duration::from_millis(20);
const BROWSERS: [&str; 4] = ["chromium", "chromium-browser", "google-chrome", "chrome"];
/// What WebDriver calls an element.
const ELEMENT: &str = "element-6066-11e4-a52e-4f735466cecf";
/// Chromium without a screen, and without all it would ask the network for.
const OPTIONS: [&str; 9] = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
];

/// A browser with one window; it ends with this value.
pub(super) struct Browser {
    driver: Child,
    port: u16,
    session: String,
    _profile: tempfile::TempDir,
}

impl Browser {
    /// `None` where no browser is installed.
    pub(super) fn start() -> Option<Self> {
        let browser = BROWSERS.iter().find_map(|name| in_path(name));
        let (Some(browser), Some(driver)) = (browser, in_path("chromedriver")) else {
            testkit::skip("there is no Chromium with its driver");
            return None;
        };
        let mut driver = Command::new(driver).arg("--port=0").stdout(Stdio::piped()).spawn().unwrap();
        let port = port_told(&mut driver);
        let profile = tempfile::tempdir().unwrap();
        let mut options: Vec<String> = OPTIONS.map(Into::into).into();
        options.push(format!("--user-data-dir={}", profile.path().display()));
        let mut started = Self { driver, port, session: String::new(), _profile: profile };
        let capabilities = json!({
            "goog:chromeOptions": { "binary": browser, "args": options },
            "goog:loggingPrefs": { "browser": "ALL" },
            "timeouts": { "script": WITHIN.as_millis() as u64 },
        });
        let session =
            started.call("POST", "/session", &json!({ "capabilities": { "alwaysMatch": capabilities } }));
        started.session = format!("/session/{}", session["sessionId"].as_str().unwrap());
        Some(started)
    }

    pub(super) fn open(&self, url: &str) {
        self.post("url", &json!({ "url": url }));
    }

    /// Runs a script in the page; what it returns, or its promise comes to.
    pub(super) fn run(&self, script: &str, arguments: &[Value]) -> Value {
        self.post("execute/sync", &json!({ "script": script, "args": arguments }))
    }

    /// Waits until a script says `true`.
    #[track_caller]
    pub(super) fn wait(&self, what: &str, script: &str) {
        let start = Instant::now();
        while self.run(script, &[]) != true {
            assert!(
                start.elapsed() < WITHIN,
                "{what} did not come: {}",
                self.run("return document.body.innerText", &[])
            );
            std::thread::sleep(LOOK_EVERY);
        }
    }

    pub(super) fn click(&self, selector: &str) {
        self.post(&format!("element/{}/click", self.find(selector)), &json!({}));
    }

    pub(super) fn send_keys(&self, selector: &str, text: &str) {
        self.post(&format!("element/{}/value", self.find(selector)), &json!({ "text": text }));
    }

    fn find(&self, selector: &str) -> String {
        let found = self.post("element", &json!({ "using": "css selector", "value": selector }));
        found[ELEMENT].as_str().unwrap().into()
    }

    /// Lets go of files over a place of the page, as a person does.
    pub(super) fn drop_files(&self, files: &[&str], (x, y): (f64, f64)) {
        for kind in ["dragEnter", "dragOver", "drop"] {
            let data = json!({ "items": [], "files": files, "dragOperationsMask": 1 });
            let event = json!({ "type": kind, "x": x, "y": y, "data": data });
            self.post("goog/cdp/execute", &json!({ "cmd": "Input.dispatchDragEvent", "params": event }));
        }
    }

    /// What the browser complained of since it was last asked: errors of scripts, breaches of the page's policy, files not found.
    pub(super) fn complaints(&self) -> Vec<String> {
        let log = self.post("se/log", &json!({ "type": "browser" }));
        let entries = log.as_array().unwrap().iter();
        entries.map(|entry| entry["message"].as_str().unwrap().to_owned()).collect()
    }

    /// The process of the driver, from which those of the browser descend.
    pub(super) fn process(&self) -> u32 {
        self.driver.id()
    }

    #[track_caller]
    fn post(&self, command: &str, body: &Value) -> Value {
        self.call("POST", &format!("{}/{command}", self.session), body)
    }

    #[track_caller]
    fn call(&self, method: &str, path: &str, body: &Value) -> Value {
        let answer = request(self.port, method, path, &body.to_string()).unwrap();
        let value = answer["value"].clone();
        assert!(value.get("error").is_none(), "{method} {path}: {value:#}");
        value
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        // The browser ends with its session; the driver would not end it.
        let _ = request(self.port, "DELETE", &self.session, "");
        let _ = self.driver.kill();
        let _ = self.driver.wait();
    }
}

fn request(port: u16, method: &str, path: &str, body: &str) -> std::io::Result<Value> {
    let mut stream = TcpStream::connect(("127.0.0.1", port))?;
    stream.set_read_timeout(Some(WITHIN * 2))?;
    let length = body.len();
    write!(
        stream,
        "{method} {path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nContent-Type: application/json\r\nContent-Length: {length}\r\n\r\n{body}"
    )?;
    let mut reader = BufReader::new(stream);
    let (mut line, mut length) = (String::new(), 0);
    loop {
        line.clear();
        reader.read_line(&mut line)?;
        let header = line.trim_end().to_ascii_lowercase();
        if let Some(value) = header.strip_prefix("content-length:") {
            length = value.trim().parse().map_err(std::io::Error::other)?;
        }
        if header.is_empty() {
            break;
        }
    }
    let mut answer = vec![0; length];
    reader.read_exact(&mut answer)?;
    Ok(serde_json::from_slice(&answer)?)
}

/// The driver chooses a free port and says which.
fn port_told(driver: &mut Child) -> u16 {
    let lines = BufReader::new(driver.stdout.take().unwrap()).lines();
    let port = lines
        .map_while(Result::ok)
        .find_map(|line| line.split_once("successfully on port ")?.1.trim_end_matches('.').parse().ok());
    port.expect("chromedriver says its port")
}

fn in_path(program: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path).map(|folder| folder.join(program)).find(|file| file.is_file())
}
