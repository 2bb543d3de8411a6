//! The page of `examples/browser` in a real browser without a screen: what it answers, what it asks the server for, what it takes.
//!
//! `cargo xtask wasm` builds it first, which takes minutes once. Without a compiler for WebAssembly, or without a browser, these tests say that they did
//! not run.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod answers;
mod driver;
mod harm;
mod large;
mod segment;
mod server;
mod site;

use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use driver::Browser;
use server::Server;

/// A browser that shows the page.
struct Stand {
    browser: Browser,
    server: Server,
    folder: tempfile::TempDir,
}

impl Stand {
    /// `None` where something is missing.
    fn new() -> Option<Self> {
        let site = site::built()?;
        let server = Server::new(site);
        let browser = Browser::start()?;
        browser.open(&server.url("index.html"));
        Some(Self { browser, server, folder: tempfile::tempdir().unwrap() })
    }

    /// A file with this content.
    fn file(&self, name: &str, content: impl AsRef<[u8]>) -> PathBuf {
        let path = self.folder.path().join(name);
        std::fs::write(&path, content).unwrap();
        path
    }

    /// Chooses files, as a click on the page's button and in the window it opens does.
    fn choose(&self, files: &[&Path]) {
        let names: Vec<&str> = files.iter().map(|file| file.to_str().unwrap()).collect();
        self.browser.send_keys("#files", &names.join("\n"));
    }

    /// Fills in a field of the question.
    fn write(&self, field: &str, text: &str) {
        let script = "document.getElementById(arguments[0]).value = arguments[1]";
        self.browser.run(script, &[field.into(), text.into()]);
    }

    fn ask(&self) {
        self.browser.click("#ask");
    }

    /// Waits until the page has answered, and reads its table as texts.
    fn table(&self) -> Value {
        self.browser.wait(
            "the answer",
            "return document.querySelector('#stop').hidden && / rows in /.test(document.querySelector('#status').textContent)",
        );
        self.browser.run(
            "return [...document.querySelectorAll('#table tr')].map((row) => [...row.cells].map((cell) => cell.textContent))",
            &[],
        )
    }

    /// Waits for an error, and reads it.
    fn failure(&self) -> String {
        self.browser.wait("an error", "return !document.querySelector('#failure').hidden");
        self.browser
            .run("return document.querySelector('#failure').textContent", &[])
            .as_str()
            .unwrap()
            .into()
    }

    fn text(&self, selector: &str) -> String {
        let script = "return document.querySelector(arguments[0]).textContent";
        self.browser.run(script, &[selector.into()]).as_str().unwrap().into()
    }
}

/// What the same code says natively, as the page's table shows it.
fn expected(configuration: &Value, file: &Path) -> Value {
    let table: Value = serde_json::from_str(&native(configuration, file).table(200)).unwrap();
    let names: Vec<&Value> =
        table["columns"].as_array().unwrap().iter().map(|column| &column["name"]).collect();
    let mut rows = vec![json!(names)];
    for row in table["rows"].as_array().unwrap() {
        let cells = row.as_array().unwrap().iter().map(|cell| cell.as_str().unwrap_or("–"));
        rows.push(cells.collect());
    }
    rows.into()
}

fn native(configuration: &Value, file: &Path) -> lockgate_wasm::Analysis {
    let source = lockgate_analytics::input::Source::File(file.into());
    let input =
        lockgate_analytics::input::Input { name: file.file_name().unwrap().to_str().unwrap().into(), source };
    lockgate_wasm::analyze(&configuration.to_string(), None, vec![input], &()).unwrap()
}

fn example(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples/logs").join(name).canonicalize().unwrap()
}
