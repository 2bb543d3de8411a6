//! A large file: the page stays free, and memory bounded.

use std::fs;
use std::io::{BufWriter, Write};

use serde_json::json;

use super::*;

const BYTES: usize = 100_000_000;
/// How many small files are chosen.
const FILES: usize = 5000;
/// How much more memory the tab may take for it than for a small file, bytes.
const GROWTH_MAX: u64 = 50_000_000;
/// Longest time in which the page may not react, milliseconds: many times what it takes, on machines with other work.
const PAUSE_MS_MAX: f64 = 500.0;

fn large_file(path: &Path) {
    let mut file = BufWriter::new(fs::File::create(path).unwrap());
    let (mut written, mut number) = (0, 0_u64);
    while written < BYTES {
        let (route, us, user) =
            (["orders", "search", "users"][(number % 3) as usize], number % 7919, number % 50_000);
        let line = format!(
            "{{\"ts\":\"2026-11-21T10:00:00Z\",\"route\":\"{route}\",\"status\":200,\"latency_us\":{us},\"user_id\":{user},\"value\":1}}\n"
        );
        file.write_all(line.as_bytes()).unwrap();
        written += line.len();
        number += 1;
    }
    file.flush().unwrap();
}

/// Most memory that any tab of the browser has taken, bytes.
fn peak_bytes(driver: u32) -> u64 {
    let status = |process: &Path| fs::read_to_string(process.join("status")).ok();
    let field = |text: &str, name: &str| {
        let line = text.lines().find_map(|line| line.strip_prefix(name))?;
        line.split_whitespace().next()?.parse::<u64>().ok()
    };
    let processes: Vec<_> = fs::read_dir("/proc").unwrap().map(|entry| entry.unwrap().path()).collect();
    let parents: std::collections::HashMap<u64, u64> = processes
        .iter()
        .filter_map(|process| status(process))
        .filter_map(|text| Some((field(&text, "Pid:")?, field(&text, "PPid:")?)))
        .collect();
    let descends = |mut process: u64| {
        while let Some(parent) = parents.get(&process) {
            if *parent == u64::from(driver) {
                return true;
            }
            process = *parent;
        }
        false
    };
    let is_tab = |process: &Path| {
        fs::read_to_string(process.join("cmdline")).is_ok_and(|line| line.contains("--type=renderer"))
    };
    let tabs = processes.iter().filter(|process| is_tab(process)).filter_map(|process| status(process));
    let ours = tabs.filter(|text| field(text, "Pid:").is_some_and(descends));
    ours.filter_map(|text| field(&text, "VmHWM:")).max().unwrap() * 1024
}

#[test]
fn a_large_file_leaves_the_page_free_and_memory_bounded() {
    let Some(stand) = Stand::new() else { return };
    let small = example("events.ndjson");
    stand.choose(&[&small]);
    stand.table();
    let before = peak_bytes(stand.browser.process());
    let large = stand.folder.path().join("large.ndjson");
    large_file(&large);
    stand.browser.run(
        "document.querySelector('#status').textContent = '';
         window.pause = 0; let last = performance.now();
         setInterval(() => { const now = performance.now(); pause = Math.max(pause, now - last); last = now; }, 5);",
        &[],
    );
    stand.choose(&[&large]);
    stand.browser.wait("progress", "return document.querySelector('#progress').value > 0");
    let question = json!({ "by": ["route"], "measure": ["count", "p99(latency_us)"] });
    assert_eq!(stand.table(), expected(&question, &large));
    stand.browser.wait("the drawing", "return document.querySelector('#drawing').naturalWidth === 960");
    let pause = stand.browser.run("return pause", &[]).as_f64().unwrap();
    let grown = peak_bytes(stand.browser.process()).saturating_sub(before);
    println!("{}; {pause:.0} ms without reaction; {grown} bytes more", stand.text("#status"));
    assert!(pause < PAUSE_MS_MAX, "{pause} ms without reaction");
    assert!(grown < GROWTH_MAX, "{grown} bytes more");
}

/// A buffer for each of them at once would be more than WebAssembly can have.
#[test]
fn thousands_of_small_files_are_read() {
    let Some(stand) = Stand::new() else { return };
    let all: Vec<_> = (0..FILES)
        .map(|number| {
            let line = format!("{{\"route\":\"r{}\",\"n\":{number}}}\n", number % 3);
            (stand.file(&format!("{number}.ndjson"), &line), line)
        })
        .collect();
    stand.choose(&all.iter().map(|(file, _)| file.as_path()).collect::<Vec<_>>());
    stand.table();
    stand.write("by", "route");
    stand.write("measure", "count, sum(n)");
    stand.ask();
    let table = stand.table();
    let whole = stand.file("whole.ndjson", all.into_iter().map(|(_, line)| line).collect::<String>());
    let question = json!({ "by": ["route"], "measure": ["count", "sum(n)"] });
    assert_eq!(table, expected(&question, &whole));
    assert_eq!(stand.browser.complaints(), [] as [&str; 0]);
}

/// Each worker reads parts of plain files, and whole files that are compressed; what is malformed keeps its line.
#[test]
fn several_workers_say_together_what_one_says() {
    let Some(stand) = Stand::new() else { return };
    let log = fs::read_to_string(example("access.log")).unwrap();
    let plain = stand.file("plain.log", log.repeat(3000) + "broken\n" + &log);
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::none());
    gzip.write_all(log.repeat(1000).as_bytes()).unwrap();
    let compressed = stand.file("compressed.log.gz", gzip.finish().unwrap());
    let other = stand.file("other.csv", "path,bytes_out\n/csv,7\n");
    stand.choose(&[&plain, &compressed, &other]);
    let table = stand.table();
    let all = [log.repeat(4001), "::1 - - [21/Nov/2026:01:20:23 +0000] \"GET /csv HTTP/1.1\" 200 7\n".into()]
        .concat();
    let whole = stand.file("whole.log", all);
    let question = json!({ "by": ["path"], "measure": ["count", "sum(bytes_out)"] });
    assert_eq!(table, expected(&question, &whole));
    let line = log.lines().count() * 3000 + 1;
    let notes = stand.text("#notes").replace(',', "");
    assert!(notes.contains(&format!("plain.log line {line}: ")), "{notes}");
    assert_eq!(stand.browser.complaints(), [] as [&str; 0]);
}

#[test]
fn reading_can_be_stopped_and_begun_anew() {
    let Some(stand) = Stand::new() else { return };
    let large = stand.folder.path().join("large.ndjson");
    large_file(&large);
    stand.choose(&[&large]);
    stand.browser.wait("progress", "return document.querySelector('#progress').value > 0");
    stand.browser.click("#stop");
    stand.browser.wait("the end", "return document.querySelector('#status').textContent === 'Stopped.'");
    let small = example("events.ndjson");
    stand.choose(&[&small]);
    let question = json!({ "by": ["route"], "measure": ["count", "p99(latency_us)"] });
    assert_eq!(stand.table(), expected(&question, &small));
}
