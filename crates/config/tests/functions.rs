//! Functions in a configuration: each key reaches its field, secrets are read and not shown, and a difference names them.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

use config::{
    Config, Diagnostics, EndpointAddress, Function, FunctionSettings, Loaded, Outbound, Secret, Target,
    difference, load_text,
};

fn environment() -> BTreeMap<String, String> {
    [("LOCKGATE_TOKEN", "s3cret-s3cret-s3cret"), ("LISTEN", "127.0.0.1:8080"), ("FOLDER", "vault")]
        .map(|(k, v)| (k.to_owned(), v.to_owned()))
        .into()
}

fn load_in(folder: &Path, text: &str) -> Result<Loaded, Diagnostics> {
    load_text("lockgate.toml", folder, text, &environment())
}

fn load(text: &str) -> Config {
    load_in(Path::new("/etc/lockgate"), text).unwrap().config
}

fn everything() -> Config {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../testdata/configs/good/everything.toml");
    load(&std::fs::read_to_string(path).unwrap())
}

/// A listener, and a route that the function `f` answers, with these keys.
fn with_function(keys: &str) -> String {
    format!(
        "[[listener]]\naddress = \"127.0.0.1:0\"\n[[route]]\nfunction = \"f\"\n\
         [function.f]\ncomponent = \"f.wasm\"\n{keys}\n"
    )
}

fn out(origin: &str, upstream: usize) -> Outbound {
    Outbound { origin: origin.to_owned(), upstream }
}

#[test]
fn defaults_are_those_documented() {
    let config = load(&with_function(""));
    let expected = Function {
        name: "f".to_owned(),
        component: PathBuf::from("/etc/lockgate/f.wasm"),
        memory_bytes: 128 << 20,
        time: Duration::from_secs(10),
        cpu: Duration::from_secs(1),
        instances: 64,
        queue: 256,
        queue_time: Duration::from_secs(1),
        request_bytes: 16 << 20,
        response_bytes: 64 << 20,
        calls: 32,
        log_bytes: 64 << 10,
        reuse: 1,
        outbound: Vec::new(),
        values: Vec::new(),
        secrets: Vec::new(),
    };
    assert_eq!(config.functions, [expected]);
    assert_eq!(config.function_settings, FunctionSettings { threads: None, instances: 1000 });
    assert_eq!((&config.routes[0].target, config.routes[0].before.len()), (&Target::Function(0), 0));
    assert!(config.upstreams.is_empty());
}

#[test]
fn keys_reach_their_fields() {
    let config = everything();
    assert_eq!(config.function_settings, FunctionSettings { threads: Some(2), instances: 500 });
    let expected = Function {
        name: "thumbnails".to_owned(),
        component: PathBuf::from("/etc/lockgate/functions/thumbnails.wasm"),
        memory_bytes: 64 << 20,
        time: Duration::from_millis(200),
        cpu: Duration::from_millis(100),
        instances: 8,
        queue: 0,
        queue_time: Duration::from_millis(50),
        request_bytes: 0,
        response_bytes: 1 << 30,
        calls: 4,
        log_bytes: 1000,
        reuse: 100,
        outbound: vec![out("orders.internal", 0), out("api.example.com:8080", 2), out("192.0.2.1", 3)],
        values: vec![("greeting".into(), "hello".into()), ("max.width".into(), "640".into())],
        secrets: vec![
            ("token".into(), Secret::new("s3cret-s3cret-s3cret")),
            ("other".into(), Secret::new("s3cret-s3cret-s3cret")),
        ],
    };
    assert_eq!(config.functions[0], expected);
    assert_eq!(config.functions[1].component, Path::new("/srv/functions/check-signature.wasm"));
}

#[test]
fn routes_name_functions_that_answer_and_that_stand_before() {
    let config = everything();
    let of = |path: &str| config.routes.iter().find(|route| route.path.to_string() == path).unwrap();
    assert_eq!(of("/v1/*").before, [1, 0]);
    assert_eq!(of("/v1/*").target, Target::Upstreams(vec![(0, 1)]));
    assert_eq!((&of("/thumbnails/*").target, &of("/thumbnails/*").before), (&Target::Function(0), &vec![1]));
    assert_eq!(of("/thumbnails/*").strip_prefix.as_deref(), Some("/thumbnails"));
}

#[test]
fn an_origin_becomes_one_upstream_whoever_names_it() {
    let config = everything();
    assert_eq!(config.functions[1].outbound, [out("api.example.com:8080", 2), out("[2001:db8::1]", 4)]);
    let origins: Vec<_> = config.upstreams[2..]
        .iter()
        .map(|upstream| (upstream.name.as_str(), upstream.endpoints[0].address.clone()))
        .collect();
    let host = EndpointAddress::Host { name: "api.example.com".to_owned(), port: 8080 };
    let ip = |address: &str| EndpointAddress::Ip(address.parse().unwrap());
    assert_eq!(
        origins,
        [
            ("http://api.example.com:8080", host),
            ("http://192.0.2.1", ip("192.0.2.1:80")),
            ("http://[2001:db8::1]", ip("[2001:db8::1]:80")),
        ]
    );
}

#[test]
fn an_origin_is_an_upstream_as_by_default_but_for_public_addresses() {
    let text = with_function("outbound = [\"a\", \"http://b:1\"]\n[upstream.a]\nendpoints = [\"b:1\"]");
    let config = load(&text);
    let [written, origin] = config.upstreams.as_slice() else { panic!("{:?}", config.upstreams) };
    assert!(!written.public_only && origin.public_only);
    let as_written = config::Upstream { name: written.name.clone(), public_only: false, ..origin.clone() };
    assert_eq!(*written, as_written);
}

/// Writes the file, loads a function whose secret it is, and tells the secret or the first problem's label.
fn secret_of_file(content: &[u8]) -> Result<String, String> {
    let folder = tempfile::tempdir().unwrap();
    std::fs::create_dir(folder.path().join("vault")).unwrap();
    std::fs::write(folder.path().join("vault/token"), content).unwrap();
    let text = with_function("secrets = { token = \"file:$FOLDER/token\" }");
    match load_in(folder.path(), &text) {
        Ok(loaded) => Ok(loaded.config.functions[0].secrets[0].1.expose().to_owned()),
        Err(problems) => {
            let label = &problems.iter().next().unwrap().label;
            Err(label.replace(&folder.path().display().to_string(), ""))
        }
    }
}

#[test]
fn a_secret_of_a_file_is_its_content_without_the_last_line_break() {
    for (content, expected) in [
        ("s3cret", "s3cret"),
        ("s3cret\n", "s3cret"),
        ("s3cret\r\n", "s3cret"),
        ("two\nlines\n\n", "two\nlines\n"),
        (" é ", " é "),
    ] {
        assert_eq!(secret_of_file(content.as_bytes()).as_deref(), Ok(expected));
    }
    let longest = vec![b'x'; 64 << 10];
    assert_eq!(secret_of_file(&longest).map(|secret| secret.len()), Ok(64 << 10));
}

#[test]
fn a_file_that_can_be_no_secret_is_refused() {
    for (content, expected) in [
        (vec![], "/vault/token is empty"),
        (b"\r\n".to_vec(), "/vault/token is empty"),
        (b"\xff".to_vec(), "/vault/token is not UTF-8 text"),
        (vec![b'x'; (64 << 10) + 1], "/vault/token is larger than 64KiB"),
    ] {
        assert_eq!(secret_of_file(&content), Err(expected.to_owned()));
    }
}

#[test]
fn secrets_are_not_printed() {
    assert!(!format!("{:?}", everything().functions).contains("s3cret"));
    for wrong in [
        "secrets = { a = \"hunter2\" }",
        "secrets = { a = \"hunter2\", b = 5, c = \"\" }",
        "secrets = { a = \"$LOCKGATE_TOKEN-hunter2\" }",
        "secrets = { a = [\"hunter2\"] }",
        "secrets.a = 'hunter2'\nmemory = 1",
        "secrets = { a = \"http://hunter2@h\" }",
        "[function.g]\ncomponent = \"g\"\n[function.g.secrets]\na = \"hunter2\"\n[function.f.secrets]\na = 'hunter2'",
        "[function.f.secrets.a]\nb = \"hunter2\"",
    ] {
        let problems = load_in(Path::new(""), &with_function(wrong)).unwrap_err();
        let said = format!("{problems}{}{}", problems.render(true), problems.to_json());
        assert!(!said.contains("hunter2"), "{said}");
    }
}

#[test]
fn functions_load_with_the_names_of_an_upstream_in_another_order() {
    let text = with_function("outbound = [\"b\", \"a\"]");
    let (a, b) = ("[upstream.a]\nendpoints = [\"h:1\"]\n", "[upstream.b]\nendpoints = [\"h:2\"]\n");
    let (one, other) = (load(&format!("{text}{a}{b}")), load(&format!("{text}{b}{a}")));
    assert_ne!(one.functions, other.functions);
    assert!(difference(&one, &other).is_empty());
}

const TWO: &str = r#"
listener = [{ address = "127.0.0.1:0" }]
[upstream.a]
endpoints = ["127.0.0.1:9001"]
[function.f]
component = "f.wasm"
outbound  = ["a"]
secrets   = { token = "$LOCKGATE_TOKEN" }
[function.g]
component = "g.wasm"
outbound  = ["http://h:1"]
[[route]]
path     = "/f"
function = "f"
[[route]]
path     = "/a"
before   = ["g"]
upstream = "a"
"#;

/// Replaces one text by another in `TWO` and lists the difference.
fn check_difference(replacements: &[(&str, &str)], expected: &[&str]) {
    let new = replacements.iter().fold(TWO.to_owned(), |text, (from, to)| {
        assert!(text.contains(from), "{from}");
        text.replace(from, to)
    });
    let difference = difference(&load(TWO), &load(&new));
    assert_eq!(difference.to_string().lines().collect::<Vec<_>>(), expected);
}

#[test]
fn a_difference_names_functions() {
    check_difference(&[], &[]);
    check_difference(&[("f.wasm", "f2.wasm")], &["~ function f"]);
    check_difference(&[("\"$LOCKGATE_TOKEN\"", "\"$FOLDER\"")], &["~ function f"]);
    check_difference(
        &[("[function.f]", "[function.i]"), ("function = \"f\"", "function = \"i\"")],
        &["+ function i", "- function f", "~ route /f"],
    );
    check_difference(
        &[("http://h:1", "http://h:2")],
        &["+ upstream http://h:2", "- upstream http://h:1", "~ function g"],
    );
    check_difference(&[("before   = [\"g\"]", "before   = [\"f\"]")], &["~ route /a"]);
    check_difference(&[("before   = [\"g\"]", "")], &["~ route /a"]);
    check_difference(
        &[("[function.f]", "[functions]\nthreads = 2\ninstances = 5\n[function.f]")],
        &[
            "! functions.threads takes effect after a restart",
            "! functions.instances takes effect after a restart",
        ],
    );
}

#[test]
fn the_order_of_functions_is_no_difference() {
    check_difference(
        &[
            ("[function.f]", "[function.x]"),
            ("[function.g]", "[function.f]"),
            ("[function.x]", "[function.g]"),
            ("f.wasm", "x.wasm"),
            ("g.wasm", "f.wasm"),
            ("x.wasm", "g.wasm"),
            ("secrets   = { token = \"$LOCKGATE_TOKEN\" }", ""),
            ("outbound  = [\"a\"]", "outbound  = [1]"),
            (
                "outbound  = [\"http://h:1\"]",
                "outbound  = [\"a\"]\nsecrets   = { token = \"$LOCKGATE_TOKEN\" }",
            ),
            ("outbound  = [1]", "outbound  = [\"http://h:1\"]"),
        ],
        &[],
    );
}
