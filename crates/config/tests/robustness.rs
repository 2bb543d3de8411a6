//! No text makes loading panic or take longer than its length warrants.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::collections::BTreeMap;
use std::fmt::Write;
use std::path::Path;
use std::sync::LazyLock;
use std::time::Duration;

use config::{Diagnostics, Loaded, load_text};
use proptest::prelude::*;

fn load(text: &str) -> Result<Loaded, Diagnostics> {
    load_text("lockgate.toml", Path::new("/etc/lockgate"), text, &BTreeMap::new())
}

/// Loads a text and prints what is wrong with it in every way there is.
fn check(text: &str) {
    let problems = match load(text) {
        Ok(loaded) => loaded.warnings,
        Err(problems) => {
            assert!(problems.errors() > 0, "refused for no reason:\n{text}");
            problems
        }
    };
    let rendered = problems.render(false);
    assert_eq!(rendered.is_empty(), problems.is_empty());
    assert!(problems.render(true).len() >= rendered.len());
    assert!(problems.to_json().is_array());
}

/// Files that hold every key, and many that are wrong.
fn seeds() -> Vec<String> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../testdata/configs");
    let folders = ["good", "bad", "warned"].map(|folder| std::fs::read_dir(root.join(folder)).unwrap());
    let paths = folders.into_iter().flatten().map(|entry| entry.unwrap().path());
    let paths = paths.filter(|path| path.extension().is_some_and(|extension| extension == "toml"));
    let mut texts: Vec<(_, Vec<u8>)> =
        paths.map(|path| (path.clone(), std::fs::read(path).unwrap())).collect();
    texts.sort();
    texts.into_iter().filter_map(|(_, bytes)| String::from_utf8(bytes).ok()).collect()
}

/// Pieces that mean something to TOML or to the configuration.
fn piece() -> impl Strategy<Value = String> {
    let known = [
        "[[route]]",
        "[[listener]]",
        "[upstream.a]",
        "[",
        "]",
        "{",
        "}",
        "=",
        ",",
        ".",
        "\"",
        "'",
        "\"\"\"",
        "#",
        "\n",
        "\r\n",
        "upstream",
        "path",
        "address",
        "timeout",
        "\"/a/*\"",
        "\"127.0.0.1:80\"",
        "\"$A\"",
        "-1",
        "1e9",
        "true",
        "\"10s\"",
        "headers",
        "a.b",
        "1979-05-27",
        "\u{0}",
        "\u{feff}",
        "é",
        "📈",
        "\\u00e9",
        "0x_",
        "99999999999999999999",
    ];
    prop_oneof![
        4 => proptest::sample::select(known.to_vec()).prop_map(str::to_owned),
        1 => any::<char>().prop_map(String::from),
    ]
}

proptest! {
    #[test]
    fn any_text_is_loaded_or_refused(text in any::<String>()) {
        check(&text);
    }

    #[test]
    fn any_mix_of_meaningful_pieces_is_loaded_or_refused(pieces in prop::collection::vec(piece(), 0..60)) {
        check(&pieces.concat());
        check(&pieces.join(" "));
    }

    #[test]
    fn a_valid_text_with_a_part_replaced_is_loaded_or_refused(
        seed in any::<prop::sample::Index>(),
        from in any::<prop::sample::Index>(),
        length in 0_usize..12,
        piece in piece(),
    ) {
        static SEEDS: LazyLock<Vec<String>> = LazyLock::new(seeds);
        let mut text = seed.get(&SEEDS).clone();
        let start = text.floor_char_boundary(from.index(text.len() + 1));
        let end = text.floor_char_boundary((start + length).min(text.len())).max(start);
        text.replace_range(start..end, &piece);
        check(&text);
    }
}

/// Time this thread has run so far; waiting for a processor others use is left out.
fn processor_time() -> Duration {
    let counters = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap();
    Duration::from_nanos(counters.split(' ').next().unwrap().parse().unwrap())
}

/// Processor time to load and print `runs` times, the best of three.
fn time(text: &str, runs: usize) -> Duration {
    let once = || {
        let start = processor_time();
        (0..runs).for_each(|_| check(text));
        processor_time() - start
    };
    (0..3).map(|_| once()).min().expect("three is not none")
}

/// A text sixteen times as long takes at most four times as long as sixteen short ones; a square would take sixteen
/// times as long.
#[track_caller]
fn check_growth(make: impl Fn(usize) -> String, count: usize) {
    let (short, long) = (time(&make(count), 16), time(&make(16 * count), 1));
    // The clock moves in steps of some milliseconds.
    let bound = short * 4 + Duration::from_millis(20);
    assert!(long <= bound, "{count}: {short:?} for sixteen, {long:?} for one sixteen times as long");
}

const HEAD: &str =
    "[[listener]]\naddress = \"127.0.0.1:8080\"\n[upstream.a]\nendpoints = [\"127.0.0.1:9001\"]\n";

/// `HEAD` and `count` times what `one` writes.
fn repeated(count: usize, one: impl Fn(usize) -> String) -> String {
    (0..count).fold(HEAD.to_owned(), |mut text, index| {
        let _ = writeln!(text, "{}", one(index));
        text
    })
}

#[test]
fn time_grows_with_the_length_of_what_is_valid() {
    check_growth(
        |count| repeated(count, |i| format!("[[route]]\npath = \"/r{i}/*\"\nupstream = \"a\"")),
        500,
    );
    let function = |i| {
        format!(
            "[function.f{i}]\ncomponent = \"f.wasm\"\noutbound = [\"a\", \"http://h{i}\"]\n[[route]]\npath = \"/{i}\"\nfunction = \"f{i}\""
        )
    };
    check_growth(|count| repeated(count, function), 200);
    let by_header = |i| format!("[[route]]\nheaders = {{ x = \"{i}\" }}\nupstream = \"a\"");
    check_growth(|count| repeated(count, by_header), 200);
    check_growth(
        |count| repeated(count, |i| format!("[upstream.u{i}]\nendpoints = [\"127.0.0.1:9001\"]")),
        500,
    );
}

#[test]
fn time_grows_with_the_length_of_what_is_wrong() {
    check_growth(|count| repeated(count, |_| "[[route]]\nupstream = \"a\"".to_owned()), 200);
    check_growth(
        |count| repeated(count, |i| format!("[[route]]\npath = \"/{i}\"\nupstream = \"b{i}\"")),
        500,
    );
    let plain_secret = |i| format!("[function.f{i}]\ncomponent = \"f.wasm\"\nsecrets = {{ a = \"b\" }}");
    check_growth(|count| repeated(count, plain_secret), 200);
    check_growth(|count| repeated(count, |i| format!("[unknown{i}]\nkey{i} = {i}")), 200);
    check_growth(|count| repeated(count, |i| format!("k{i} = = {i}")), 200);
    check_growth(|count| format!("{HEAD}x = {}", "[".repeat(count)), 5_000);
    check_growth(|count| format!("{HEAD}x = {}", "{a=".repeat(count)), 5_000);
    check_growth(|count| format!("{HEAD}{}x = 1", "a.".repeat(count)), 5_000);
    check_growth(|count| format!("{HEAD}x = \"{}", "é".repeat(count)), 5_000);
    check_growth(|count| format!("{HEAD}[limits]\nheader_count = {}", "9".repeat(count)), 5_000);
    for secret in ["://", "postgres://", "a://b@c", "'postgres://", "token ", "token=\"", "token='''"] {
        check_growth(|count| format!("{HEAD}x = 1 # {}", secret.repeat(count)), 5_000);
    }
    check_growth(|count| repeated(count, |_| "[[route.limit]]\nrate = \"1/s\"".to_owned()), 500);
    check_growth(|count| format!("{HEAD}[log]\naccess = \"{}\"", "$".repeat(count)), 5_000);
}

#[test]
fn ten_thousand_routes_load_in_well_under_a_second() {
    let one = |i| {
        format!(
            "[[route]]\nhost = \"h{}.example.com\"\npath = \"/r{i}/*\"\nmethods = [\"GET\"]\nupstream = \"a\"",
            i % 100
        )
    };
    let text = repeated(10_000, one);
    let took = time(&text, 1);
    // The bound is for a build without optimization.
    assert!(took < Duration::from_secs(4), "{took:?}");
    assert_eq!(load(&text).unwrap().config.routes.len(), 10_000);
}

#[test]
fn a_text_that_is_too_long_is_refused_unread() {
    let problems = load(&"#".repeat(config::FILE_BYTES_MAX + 1)).unwrap_err();
    assert_eq!(problems.iter().next().unwrap().message, "the configuration is larger than 16 MiB");
}

#[test]
fn ten_megabytes_of_nesting_end_in_a_clear_error() {
    let text = format!("{HEAD}x = {}", "[".repeat(10 << 20));
    let problems = load(&text).unwrap_err();
    assert!(problems.iter().any(|problem| problem.message == "values are nested too deeply"), "{problems}");
}

#[test]
fn a_small_configuration_loads_at_once() {
    let text = format!("{HEAD}[[route]]\nupstream = \"a\"\n");
    let start = processor_time();
    for _ in 0..100 {
        assert!(load(&text).is_ok());
    }
    let each = (processor_time() - start) / 100;
    // A tenth of this with optimization.
    assert!(each < Duration::from_millis(5), "{each:?}");
}
