//! How commands find the admin API and its token, what they ask, and what they make of the answer.

use std::path::Path;
use std::process::{Command, Output, Stdio};

use serde_json::{Value, json};
use testkit::{Answer, Origin};

use crate::{LOCKGATE, err, out, run};

/// The token that the scripted admin API is asked with, unless a test says otherwise.
pub(crate) const TOKEN: &str = "a-token-of-the-tests";
pub(crate) const ADA: &str = r#"{"id":1,"name":"Ada","email":"ada@example.com","created_at":"2026-11-21T01:20:23.123456Z","version":1}"#;
const KEY: &str = r#"{"id":3,"user_id":1,"name":"ci","prefix":"lg_live_Ab12Cd","scopes":["orders"],"created_at":"2026-11-21T01:20:23Z","expires_at":null,"revoked_at":null,"last_used_at":null,"version":1,"secret":"lg_live_Ab12CdTheRest"}"#;

/// A JSON answer, with more header lines.
pub(crate) fn answer(status: u16, header: &str, body: &str) -> Answer {
    answer_of("application/json", status, header, body)
}

/// A refusal with a problem document, as a gateway gives it.
pub(crate) fn problem(status: u16, document: &str) -> Answer {
    answer_of("application/problem+json", status, "", document)
}

fn answer_of(media: &str, status: u16, header: &str, body: &str) -> Answer {
    Answer::bytes(format!(
        "HTTP/1.1 {status} X\r\nContent-Type: {media}\r\nContent-Length: {}\r\n{header}\r\n{body}",
        body.len()
    ))
}

/// Asks an admin API; answers exit status, standard output and standard error.
pub(crate) fn ask(api: &Origin, arguments: &[&str]) -> (Option<i32>, String, String) {
    let output = Command::new(LOCKGATE)
        .args(["--admin", api.address()])
        .args(arguments)
        .env("LOCKGATE_ADMIN_TOKEN", TOKEN)
        .stdin(Stdio::null())
        .output()
        .unwrap();
    (output.status.code(), out(&output), err(&output))
}

/// An admin API that knows Ada, whatever is asked.
fn api() -> Origin {
    Origin::start(|received| match received.line.target.split('?').next().unwrap() {
        "/users" if received.line.method == "GET" => answer(200, "", &format!("[{ADA}]")),
        path if path.contains("/keys") && received.line.method == "POST" => answer(201, "", KEY),
        "/users/1/keys" => answer(200, "", "[]"),
        _ if received.line.method == "DELETE" => Answer::bytes("HTTP/1.1 204 No Content\r\n\r\n"),
        _ => answer(200, "", ADA),
    })
}

/// Runs a command and compares the last request it made: method, target, body.
#[track_caller]
fn check(arguments: &[&str], asked: &str, body: &Value) {
    let api = api();
    let (status, _, err) = ask(&api, arguments);
    assert_eq!(status, Some(0), "{arguments:?}\n{err}");
    let requests = api.requests();
    let last = requests.last().unwrap();
    assert_eq!(format!("{} {}", last.line.method, last.line.target), asked, "{arguments:?}");
    let sent = if last.body.content.is_empty() {
        Value::Null
    } else {
        serde_json::from_slice(&last.body.content).unwrap()
    };
    assert_eq!(&sent, body, "{arguments:?}");
    for request in requests {
        assert_eq!(request.fields.all("authorization"), [format!("Bearer {TOKEN}")]);
    }
}

#[test]
fn a_command_asks_for_what_it_is_told() {
    let none = Value::Null;
    check(&["users", "show", "1"], "GET /users/1", &none);
    check(&["users", "show", "a+b@example.com"], "GET /users?email=a%2Bb%40example.com", &none);
    check(&["users", "delete", "ada@example.com"], "DELETE /users/1", &none);
    check(
        &["users", "create", "--name", "Ada", "--email", "ada@example.com"],
        "POST /users",
        &json!({ "name": "Ada", "email": "ada@example.com" }),
    );
    check(&["users", "update", "1", "--name", "Ada L."], "PATCH /users/1", &json!({ "name": "Ada L." }));
    check(&["keys", "create", "1"], "POST /users/1/keys", &json!({ "environment": "live" }));
    check(
        &["keys", "create", "1", "--env=t", "--scope=a", "--scope=b", "--expires=30d", "--name=ci"],
        "POST /users/1/keys",
        &json!({ "environment": "t", "scopes": ["a", "b"], "expires_in": "30d", "name": "ci" }),
    );
    check(&["keys", "list", "ada@example.com", "--json"], "GET /users/1/keys?limit=500", &none);
    check(&["keys", "revoke", "3"], "DELETE /keys/3", &none);
    check(&["keys", "rotate", "3"], "POST /keys/3/rotate", &json!({ "overlap": "24h" }));
    check(&["usage", "--format", "csv"], "GET /usage?format=csv", &none);
    check(
        &[
            "usage",
            "--user",
            "ada@example.com",
            "--by",
            "route,day",
            "--from",
            "2026-11-01",
            "--format=ndjson",
        ],
        "GET /usage?user=1&from=2026-11-01&by=route%2Cday&format=ndjson",
        &none,
    );
}

#[test]
fn a_user_is_an_id_or_an_address() {
    for wrong in ["ada", "", "-1", "1.5"] {
        let output = run(Path::new("."), &["users", "show", "--", wrong]);
        assert_eq!(output.status.code(), Some(2), "{wrong}: {}", err(&output));
        assert!(err(&output).contains("id or e-mail address"), "{}", err(&output));
    }
    assert_eq!(run(Path::new("."), &["users", "update", "1"]).status.code(), Some(2), "nothing to change");
}

#[test]
fn a_new_key_is_alone_on_standard_output() {
    let api = api();
    let secret = "lg_live_Ab12CdTheRest\n";
    let (status, out, err) = ask(&api, &["keys", "create", "ada@example.com"]);
    assert_eq!((status, out.as_str()), (Some(0), secret));
    assert!(err.contains("key 3 of user 1, `ci`, routes: orders, in force"), "{err}");
    let quiet = ask(&api, &["keys", "rotate", "3", "--quiet"]);
    assert_eq!(quiet, (Some(0), secret.into(), String::new()));
    assert_eq!(ask(&api, &["keys", "create", "1", "--json"]), (Some(0), format!("{KEY}\n"), String::new()));
}

/// Makes a key where standard output and standard error go elsewhere.
fn make(arguments: &[&str], out: impl Into<Stdio>, err: impl Into<Stdio>) -> (Option<i32>, String, String) {
    let api = api();
    let made = Command::new(LOCKGATE)
        .args(["--admin", api.address(), "keys"])
        .args(arguments)
        .env("LOCKGATE_ADMIN_TOKEN", TOKEN)
        .stdin(Stdio::null())
        .stdout(out)
        .stderr(err)
        .output()
        .unwrap();
    (made.status.code(), self::out(&made), self::err(&made))
}

#[test]
fn a_new_key_that_nobody_gets_is_told_of() {
    let (reader, gone) = std::io::pipe().unwrap();
    drop(reader);
    for arguments in [
        ["create", "1"].as_slice(),
        &["create", "1", "-q"],
        &["rotate", "2", "-q"],
        &["create", "1", "--json"],
    ] {
        let (status, _, err) = make(arguments, gone.try_clone().unwrap(), Stdio::piped());
        assert_eq!(status, Some(3), "{arguments:?}");
        assert!(err.starts_with("error: key 3 was made and could not be printed\n"), "{err}");
        assert!(err.contains("nobody reads") && err.contains("`lockgate keys revoke 3`"), "{err}");
    }
}

/// Every write to `/dev/full` fails as one to a full disk does.
#[test]
#[cfg(target_os = "linux")]
fn a_new_key_is_printed_whatever_else_cannot_be() {
    let full = || std::fs::OpenOptions::new().write(true).open("/dev/full").unwrap();
    let (status, out, _) = make(&["create", "1"], Stdio::piped(), full());
    assert_eq!((status, out.as_str()), (Some(0), "lg_live_Ab12CdTheRest\n"));
    let (status, _, err) = make(&["create", "1"], full(), Stdio::piped());
    assert_eq!(status, Some(3));
    for part in ["key 3 was made", "standard output cannot be written", "No space", "keys revoke 3"] {
        assert!(err.contains(part), "{part} is missing in:\n{err}");
    }
    assert_eq!(make(&["create", "1"], full(), full()).0, Some(3), "no panic");
}

#[test]
fn what_was_done_is_said() {
    let api = api();
    let said = |arguments: &[&str]| ask(&api, arguments).1;
    assert_eq!(said(&["users", "delete", "1"]), "deleted user 1; its keys are revoked\n");
    assert_eq!(said(&["keys", "revoke", "3"]), "revoked key 3\n");
    assert_eq!(said(&["keys", "revoke", "3", "--json"]), "");
    assert_eq!(said(&["users", "show", "1", "--json"]), format!("{ADA}\n"));
    assert_eq!(
        said(&["users", "show", "1"]),
        "id       1\nname     Ada\ne-mail   ada@example.com\ncreated  2026-11-21 01:20\n"
    );
}

/// Asks in a folder with a configuration and two data directories; answers the output and the token that was sent.
fn ask_in(dir: &Path, api: &Origin, variable: Option<&str>, arguments: &[&str]) -> (Output, String) {
    let mut command = Command::new(LOCKGATE);
    command.args(arguments).args(["users", "show", "1"]).current_dir(dir).env_remove("LOCKGATE_ADMIN_TOKEN");
    let output = command.envs(variable.map(|token| ("LOCKGATE_ADMIN_TOKEN", token))).output().unwrap();
    let sent = api.requests().last().map(|last| last.fields.all("authorization").concat());
    (output, sent.unwrap_or_default())
}

#[test]
fn address_and_token_are_found_in_their_order() {
    let api = api();
    let dir = tempfile::tempdir().unwrap();
    let write = |path: &str, text: &str| {
        std::fs::create_dir_all(dir.path().join(path).parent().unwrap()).unwrap();
        std::fs::write(dir.path().join(path), text).unwrap();
    };
    let configuration = |keys: &str| {
        format!(
            "[admin]\naddress = \"{}\"\n{keys}[data]\ndir = \"first\"\n[[listener]]\naddress = \"127.0.0.1:8080\"\n\
             [[route]]\nrespond = {{}}\n",
            api.address()
        )
    };
    write("lockgate.toml", &configuration(""));
    write("other.toml", &configuration("token = \"token-of-the-configuration\"\n"));
    write("first/admin-token", "token-of-the-first-directory\n");
    write("second/admin-token", "token-of-the-second-directory\n");
    let variable = Some("token-of-the-environment");
    for (variable, arguments, expected) in [
        (None, [].as_slice(), "token-of-the-first-directory"),
        (variable, &[], "token-of-the-environment"),
        (variable, &["--config", "other.toml"], "token-of-the-environment"),
        (None, &["--config", "other.toml"], "token-of-the-configuration"),
    ] {
        let (output, sent) = ask_in(dir.path(), &api, variable, arguments);
        assert_eq!(sent, format!("Bearer {expected}"), "{arguments:?}: {}", err(&output));
    }
    let output = Command::new(LOCKGATE)
        .args(["users", "show", "1", "--data", "second", "--admin", &format!("http://{}", api.address())])
        .current_dir(dir.path())
        .env("LOCKGATE_ADMIN_TOKEN", "token-of-the-environment")
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(0), "{}", err(&output));
    let last = api.requests().pop().unwrap();
    assert_eq!(last.fields.all("authorization"), ["Bearer token-of-the-second-directory"]);
}

#[test]
fn without_a_token_nothing_is_asked() {
    let api = api();
    let dir = tempfile::tempdir().unwrap();
    for (arguments, reason) in [
        (["--admin", api.address()].as_slice(), "neither `$LOCKGATE_ADMIN_TOKEN` nor a configuration"),
        (&["--config", "missing.toml"], "missing.toml"),
    ] {
        let (output, _) = ask_in(dir.path(), &api, None, arguments);
        assert_eq!(output.status.code(), Some(3), "{arguments:?}");
        assert!(err(&output).contains(reason), "{}", err(&output));
    }
    let output = run(dir.path(), &["users", "show", "1", "--data", "nowhere"]);
    assert_eq!(output.status.code(), Some(3));
    assert!(err(&output).contains("cannot read `nowhere/admin-token`"), "{}", err(&output));
    assert!(err(&output).contains("help: name the gateway's data directory"), "{}", err(&output));
    assert_eq!(api.hits(), 0);
}
