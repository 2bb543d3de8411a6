//! Problems as they are told: no secret in any form of them, none that matters left out, and found before traffic finds them.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::collections::BTreeMap;
use std::path::Path;

use config::{Diagnostics, EndpointAddress, Loaded, load_text};
use serde_json::{Value, json};

fn load(text: &str) -> Result<Loaded, Diagnostics> {
    load_in(Path::new("/etc/lockgate"), text)
}

fn load_in(folder: &Path, text: &str) -> Result<Loaded, Diagnostics> {
    let environment = BTreeMap::from([("TOKEN".to_owned(), "from-environment".to_owned())]);
    let text = format!("{text}\n[[listener]]\naddress = \"127.0.0.1:8080\"\n");
    load_text("x.toml", folder, &text, &environment)
}

fn said(problems: &Diagnostics) -> String {
    format!("{problems}{problems:?}{}{}", problems.render(true), problems.to_json())
}

#[test]
fn a_token_is_in_no_message() {
    for wrong in [
        // Of the token itself.
        "[admin]\ntoken = \"hunter2 secret literal!!\"",
        "[admin]\ntoken = \"hunter2\"",
        "[admin]\ntoken = [\"hunter2\"]",
        "[admin]\ntoken = { value = \"hunter2\" }",
        "[admin]\ntoken = \"a-long-$hunter2\"",
        "[admin]\ntoken = \"hunter2-$TOKEN!\"",
        "[admin]\ntoken = \"\"\"hunter2\nhunter2\"\"\"",
        "[admin]\ntoken = \"hunter2-hunter2-hunter2\"\nread_token = \"hunter2-hunter2-hunter2\"",
        // Of something else in its line.
        "admin = { token = \"hunter2-hunter2-hunter2\", adress = \"x\" }",
        "admin = { \"\\u0074oken\" = \"hunter2-hunter2-hunter2\", adress = \"x\" }",
        "admin = { token = \"hunter2-hunter2-hunter2\", address = }",
        // Of its key.
        "[admin]\ntokn = \"hunter2\"",
        "[admin]\nadmin_secret = 'hunter2'",
        "token = \"hunter2\"",
        "[data]\nread-token = \"hunter2\"",
        "[admin]\nread_token = \"hunter2-hunter2-hunter2\"\nread-token = \"hunter2-hunter2-hunter3\"",
        "[admin]\ntoken = \"hunter2\"\ntoken = \"hunter2\"",
        "[admin]\n[admin]\ntoken = \"hunter2",
        // Of TOML.
        "[admin]\ntoken = hunter2 secret",
        "[admin]\ntoken = \"hunter2",
        "[admin]\ntoken = \"hunter2\\q\"",
        "[admin]\ntoken = \"hunter2\" x",
        // Of a function's secrets.
        "[function.f]\ncomponent = \"f.wasm\"\nsecrets = \"hunter2\"",
        "[function.f]\ncomponent = \"f.wasm\"\nsecret = { a = \"hunter2\" }",
    ] {
        let said = said(&load(wrong).unwrap_err());
        assert!(!said.contains("hunter"), "{wrong}\n{said}");
    }
}

#[test]
fn where_a_token_is_and_what_is_none_are_shown() {
    for (text, shown) in [
        ("[admin]\ntoken = \"$TOKN\"", "token = \"$TOKN\""),
        ("[admin]\ntoken = \"$TOKEN\"\nread_token = \"${TOKEN}\"", "read_token = \"${TOKEN}\""),
        ("[admin]\nadress = \"nowhere\"", "adress = \"nowhere\""),
        ("[function.f]\nmemroy = \"1MiB\"", "memroy = \"1MiB\""),
        (
            "[function.f]\nsecrets = { a = \"$TOKN\", b = \"file:c\", c = 1 }",
            "{ a = \"$TOKN\", b = \"file:c\", c = * }",
        ),
    ] {
        let said = load(text).unwrap_err().render(false);
        assert!(said.contains(shown) && !said.contains("from-environment"), "{said}");
    }
}

#[test]
fn what_is_hidden_moves_no_place() {
    for token in ["hunter2", "hünter2", "hunter2 📈 €"] {
        let text = format!("admin = {{ token = \"{token}\", adress = \"x\" }}");
        let problems = load(&text).unwrap_err();
        let json = problems.to_json();
        let unknown = json.as_array().unwrap().iter().find(|problem| problem["text"] == "adress").unwrap();
        let column = text[..text.find("adress").unwrap()].chars().count() + 1;
        assert_eq!((&unknown["line"], &unknown["column"]), (&json!(1), &json!(column)));
        let rendered = problems.render(false);
        let lines: Vec<&str> = rendered.lines().collect();
        let place = lines.iter().position(|line| line.contains("^^^^^^ not a key")).unwrap();
        let at = |line: &str, what: &str| line[..line.find(what).unwrap()].chars().count();
        assert_eq!(at(lines[place], "^^^^^^"), at(lines[place - 1], "adress"), "{rendered}");
    }
}

/// So many routes that never answer, and behind them so many that name no upstream; how many of each are listed, and how many not.
fn check_listed(warnings: usize, errors: usize, listed: (usize, usize), unlisted: Option<(usize, usize)>) {
    let one = |index| format!("[[route]]\npath = \"/{index}%2F\"\nrespond = {{}}\n");
    let wrong = |index| format!("[[route]]\npath = \"/wrong/{index}\"\nupstream = \"nowhere\"\n");
    let text: String = (0..warnings).map(one).chain((0..errors).map(wrong)).collect();
    let problems = load(&text).map_or_else(|problems| problems, |loaded| loaded.warnings);
    let count =
        |severity: &str| problems.iter().filter(|problem| problem.severity.name() == severity).count();
    assert_eq!((count("warning"), count("error")), listed, "{warnings} {errors}");
    assert_eq!((problems.len(), problems.errors()), (warnings + errors, errors));
    let json = problems.to_json();
    let last = json.as_array().unwrap().get(problems.iter().count());
    let rendered = problems.render(false);
    let Some((fewer, others)) = unlisted else {
        assert!(last.is_none() && !rendered.contains("more problem"), "{rendered}");
        return;
    };
    let more = match fewer + others {
        1 => "1 more problem".to_owned(),
        count => format!("{count} more problems"),
    };
    assert!(rendered.contains(&format!("\n\nand {more}\n\n")), "{rendered}");
    let severity = if others > 0 { "error" } else { "warning" };
    let expected = json!({
        "severity": severity,
        "message": format!("{more} not listed"),
        "file": "x.toml",
        "unlisted": { "errors": others, "warnings": fewer },
    });
    assert_eq!(last, Some(&expected));
    assert!(
        errors == 0 || json.as_array().unwrap().iter().any(|problem: &Value| problem["severity"] == "error")
    );
}

#[test]
fn warnings_give_way_to_errors_and_what_is_not_listed_is_counted() {
    check_listed(50, 0, (50, 0), None);
    check_listed(51, 0, (50, 0), Some((1, 0)));
    check_listed(50, 1, (49, 1), Some((1, 0)));
    check_listed(60, 3, (47, 3), Some((13, 0)));
    check_listed(10, 50, (0, 50), Some((10, 0)));
    check_listed(10, 52, (0, 50), Some((10, 2)));
    check_listed(0, 51, (0, 50), Some((0, 1)));
}

#[test]
fn only_warnings_however_many_keep_no_configuration_from_being_used() {
    let unused: String =
        (0..200).map(|index| format!("[upstream.u{index}]\nendpoints = [\"127.0.0.1:1\"]\n")).collect();
    let loaded = load(&format!("{unused}[[route]]\nrespond = {{}}")).unwrap();
    assert_eq!((loaded.warnings.len(), loaded.warnings.errors()), (200, 0));
    assert!(loaded.warnings.render(false).ends_with("\n\nand 150 more problems\n\nx.toml: 200 warnings\n"));
}

#[test]
fn a_socket_behind_a_long_folder_is_refused_where_it_is_written() {
    let text = "[upstream.a]\nendpoints = [\"127.0.0.1:1\", \"unix:a.sock\"]\n[[route]]\nupstream = \"a\"";
    // 107 bytes with the slash and the name of the socket.
    let longest = format!("/{}", "a".repeat(99));
    let config = load_in(Path::new(&longest), text).unwrap().config;
    let EndpointAddress::Unix(path) = &config.upstreams[0].endpoints[1].address else { unreachable!() };
    assert_eq!(path.as_os_str().len(), 107);
    let problems = load_in(Path::new(&format!("{longest}a")), text).unwrap_err().to_json();
    let hint = "behind the configuration's folder it has 108: write a shorter path from `/`";
    let expected = json!([{
        "severity": "error",
        "message": "invalid endpoint in `endpoints`",
        "file": "x.toml",
        "line": 2,
        "column": 29,
        "text": "\"unix:a.sock\"",
        "label": "the path of a socket has at most 107 bytes",
        "hint": hint,
    }]);
    assert_eq!(problems, expected);
    // From `/` the folder does not matter.
    let absolute = text.replace("unix:", "unix:/");
    assert!(load_in(Path::new(&longest.repeat(2)), &absolute).is_ok());
}
