//! Broken and hostile inputs: counted or refused, said clearly, and in bounded memory.

use std::fs;
use std::path::Path;
use std::process::Stdio;

use crate::formats::{gzip, zstd};
use crate::{Done, fails, process, run};

const MIB: usize = 1 << 20;
/// More than this is never needed, whatever is read.
const PEAK_BYTES_MAX: u64 = 128 << 20;
const LINE: &str = "{\"user_id\":1,\"value\":1}\n";
const ONE: &str = "[{\"user_id\":1,\"count\":1,\"total_value\":1}]\n";

/// Runs it, and keeps an eye on the memory it holds.
fn run_bounded(dir: &Path, arguments: &[&str]) -> Done {
    let mut command = process(dir, arguments);
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let status = format!("/proc/{}/status", child.id());
    let mut peak = 0;
    while child.try_wait().unwrap().is_none() {
        let text = fs::read_to_string(&status).unwrap_or_default();
        let high = text.lines().find_map(|line| line.strip_prefix("VmHWM:")?.trim().strip_suffix("kB"));
        peak = high.and_then(|kib| kib.trim().parse::<u64>().ok()).map_or(peak, |kib| kib * 1024);
        std::thread::sleep(std::time::Duration::from_millis(1));
    }
    println!("{arguments:?}: {} MiB at most", peak >> 20);
    assert!(peak < PEAK_BYTES_MAX, "{arguments:?} took {} MiB", peak >> 20);
    child.wait_with_output().unwrap().into()
}

fn folder(files: &[(&str, Vec<u8>)]) -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    for (name, bytes) in files {
        fs::write(dir.path().join(name), bytes).unwrap();
    }
    dir
}

/// One line of several is passed over, and said.
#[track_caller]
fn check_counted(name: &str, bytes: Vec<u8>, said: &str) {
    let dir = folder(&[(name, bytes)]);
    let done = run_bounded(dir.path(), &[name, "--json"]);
    assert_eq!((done.status, done.out.as_str()), (Some(0), ONE), "{}", done.err);
    assert!(done.err.contains(said), "{said:?} is missing in\n{}", done.err);
    fails(&run(dir.path(), &[name, "--json", "--strict"]), 3, &["a line cannot be read", "--strict", name]);
}

/// Nothing in it can be read.
#[track_caller]
fn check_refused(name: &str, bytes: Vec<u8>, said: &[&str]) {
    let dir = folder(&[(name, bytes)]);
    fails(&run_bounded(dir.path(), &[name]), 3, said);
}

#[test]
fn malformed_lines_are_counted_and_the_first_ten_are_named() {
    let line = |at: usize| if at % 40 == 39 { "{\"user_id\":\n" } else { LINE };
    let text = (0..1000).map(line).collect::<String>();
    let dir = folder(&[("a.ndjson", text.into())]);
    let done = run(dir.path(), &["a.ndjson", "--json"]);
    assert_eq!(
        (done.status, done.out.as_str()),
        (Some(0), "[{\"user_id\":1,\"count\":975,\"total_value\":975}]\n")
    );
    let lines: Vec<&str> = done.err.lines().collect();
    assert_eq!(lines[0], "warning: 25 of 1,000 lines could not be read");
    assert_eq!((lines.len(), lines[11]), (12, "  and 15 more"));
    for (at, line) in lines[1..11].iter().enumerate() {
        assert!(line.starts_with(&format!("  a.ndjson:{}: ", 40 * (at + 1))), "{line}");
    }
    let strict = run(dir.path(), &["a.ndjson", "--json", "--strict"]);
    fails(&strict, 3, &["`a.ndjson`, line 40: ", "without `--strict`"]);
}

#[test]
fn a_line_that_is_cut_off_is_malformed() {
    check_counted(
        "a.ndjson",
        [LINE, &LINE[..10]].concat().into(),
        "1 of 2 lines could not be read\n  a.ndjson:2: ",
    );
    check_counted("a.csv", "user_id,value\n1,1\n1".into(), "1 of 3 lines could not be read\n  a.csv:3: ");
}

/// It once made the header go on to the next quote, and no row was told as lost.
#[test]
fn a_lone_quote_in_the_names_of_csv_loses_no_row() {
    for header in ["id,size 5\",n", "id,\"size,n", "id,5\"\",\"n"] {
        let dir = folder(&[("a.csv", format!("{header}\n1,2,3\n1,3,4\n").into())]);
        let done = run(dir.path(), &["a.csv", "--json", "--strict", "--by", "id", "--measure", "count"]);
        let expected = (Some(0), "[{\"id\":1,\"count\":2}]\n", "");
        assert_eq!((done.status, done.out.as_str(), done.err.as_str()), expected, "{header}");
    }
}

#[test]
fn compressed_data_that_is_cut_off_or_damaged_is_no_answer() {
    let lines = LINE.repeat(10_000);
    for (name, whole) in [("a.ndjson.gz", gzip(lines.as_bytes())), ("a.ndjson.zst", zstd(lines.as_bytes()))] {
        let mut damaged = whole.clone();
        damaged[whole.len() / 2] ^= 0xff;
        check_refused(name, whole[..whole.len() - 9].to_vec(), &["an input cannot be read to its end", name]);
        check_refused(name, damaged, &["an input cannot be read to its end", name]);
    }
}

#[test]
fn binary_data_is_no_input() {
    let mut state = 1_u64;
    let mut random = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        (state >> 56) as u8
    };
    let bytes: Vec<u8> = (0..MIB).map(|_| random()).collect();
    check_refused("a.ndjson", bytes, &["lines could be read", "a.ndjson:1: ", "--input-format"]);
    let utf16: Vec<u8> = [0xff, 0xfe].into_iter().chain(LINE.bytes().flat_map(|byte| [byte, 0])).collect();
    check_refused("a.ndjson", utf16, &["lines could be read", "a.ndjson:1: "]);
    check_refused("a.bin", vec![0; MIB], &["no known format", "a.bin"]);
}

#[test]
fn one_encoding_in_another_is_told_by_its_line() {
    let latin = b"{\"user_id\":\"Andr\xe9\",\"value\":1}\n";
    check_counted(
        "a.ndjson",
        [LINE.as_bytes(), latin].concat(),
        "1 of 2 lines could not be read\n  a.ndjson:2: ",
    );
}

#[test]
fn a_gigantic_line_is_passed_over() {
    let long = [LINE.as_bytes(), &vec![b'a'; 80 * MIB], b"\n"].concat();
    check_counted(
        "a.ndjson",
        long.clone(),
        "1 of 2 lines could not be read\n  a.ndjson:2: it is longer than 16 MiB",
    );
    check_counted(
        "a.ndjson.gz",
        gzip(&long),
        "1 of 2 lines could not be read\n  a.ndjson.gz:2: it is longer than 16 MiB",
    );
}

#[test]
fn deep_json_is_malformed() {
    let deep = format!("{{\"user_id\":1,\"value\":{}", "[".repeat(MIB));
    check_counted("a.ndjson", [LINE, &deep, "\n"].concat().into(), "a.ndjson:2: ");
    let closed = format!("{{\"a\":{}1{},\"user_id\":1,\"value\":5}}\n", "[".repeat(1000), "]".repeat(1000));
    check_counted("a.ndjson", [LINE, &closed].concat().into(), "a.ndjson:2: ");
}

#[test]
fn what_grows_when_it_is_decompressed_takes_no_memory() {
    let zeros = vec![0; 16 * MIB];
    // Of the same content twenty times over: members and frames may follow each other.
    let (bomb_gz, bomb_zst) = (gzip(&zeros).repeat(20), zstd(&zeros).repeat(20));
    assert!(bomb_gz.len() < 4 * MIB && bomb_zst.len() < MIB, "{} and {}", bomb_gz.len(), bomb_zst.len());
    let said = ["could be read", "longer than 16 MiB"];
    check_refused("a.ndjson.gz", bomb_gz, &said);
    check_refused("a.ndjson.zst", bomb_zst, &said);
}

#[test]
fn many_short_lines_take_no_memory() {
    let lines = gzip(LINE.repeat(200_000).as_bytes());
    let dir = folder(&[("a.ndjson.gz", lines.repeat(5))]);
    let done = run_bounded(dir.path(), &["a.ndjson.gz", "--json"]);
    assert_eq!(done.out, "[{\"user_id\":1,\"count\":1000000,\"total_value\":1000000}]\n");
}
