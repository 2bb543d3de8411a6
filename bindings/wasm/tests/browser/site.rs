//! The page, built once for all tests.

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

use flate2::Compression;
use flate2::write::GzEncoder;

/// The limit of the analytics file, compressed as servers send it, bytes.
const ANALYTICS_BYTES_MAX: usize = 300_000;

/// The folder with the page; `None` where it cannot be built.
pub(super) fn built() -> Option<&'static Path> {
    static SITE: OnceLock<Option<PathBuf>> = OnceLock::new();
    let site = SITE.get_or_init(build);
    if site.is_none() {
        testkit::skip("there is no compiler for WebAssembly: `cargo xtask wasm` installs one");
    }
    site.as_deref()
}

fn build() -> Option<PathBuf> {
    let mut cargo = Command::new(env!("CARGO"));
    cargo.args(["run", "--quiet", "--locked", "--package", "xtask", "--", "wasm", "--installed"]);
    let output = cargo.current_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")).output().unwrap();
    let told = String::from_utf8_lossy(&output.stderr);
    if told.contains("is not installed") {
        return None;
    }
    assert!(output.status.success(), "{told}");
    let said = String::from_utf8(output.stdout).unwrap();
    Some(said.lines().last().unwrap().into())
}

#[test]
fn the_analytics_file_is_small() {
    let Some(site) = built() else { return };
    let wasm = fs::read(site.join("lockgate_analytics_bg.wasm")).unwrap();
    let mut gzip = GzEncoder::new(Vec::new(), Compression::best());
    gzip.write_all(&wasm).unwrap();
    let bytes = gzip.finish().unwrap().len();
    println!("{bytes} bytes compressed, {} plain", wasm.len());
    assert!(bytes <= ANALYTICS_BYTES_MAX, "{bytes} bytes");
}

#[test]
fn types_are_written_for_typescript() {
    let Some(site) = built() else { return };
    let types = |name: &str| fs::read_to_string(site.join(name)).unwrap();
    let analytics = types("lockgate_analytics.d.ts");
    for declared in [
        "export function analyze(files: File[], configuration: string, format?: string | null, on_progress?: Function | null): Analysis;",
        "export function analyze_bytes(data: Uint8Array | number[], configuration: string, format?: string | null): Analysis;",
        "export function inspect(name: string, start: Uint8Array | number[]): string;",
        "export function fold(files: File[], configuration: string, format?: string | null, on_progress?: Function | null): Uint8Array;",
        "export function fold_part(file: File, start: number, end: number, configuration: string, format: string, on_progress?: Function | null): Uint8Array;",
        "export function join(parts: Uint8Array[], configuration: string): Analysis;",
        "svg(width: number, height: number): string;",
    ] {
        assert!(analytics.contains(declared), "{declared}\n{analytics}");
    }
    let image = types("lockgate_image.d.ts");
    for declared in [
        "export function process_image(data: Uint8Array | number[], width: number, height: number): Uint8Array;",
        "export function fibonacci(place: number): bigint;",
    ] {
        assert!(image.contains(declared), "{declared}\n{image}");
    }
}
