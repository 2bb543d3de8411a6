//! What commands say when the admin API says no, says nothing, or is not there.

use std::time::{Duration, Instant};

use testkit::{Answer, Origin, Step};

use crate::asking::{TOKEN, answer, ask, problem};

/// Asks an admin API that refuses; compares exit status and what is said.
#[track_caller]
fn check(refusal: Answer, arguments: &[&str], exit: i32, said: &[&str]) {
    let api = Origin::answering(refusal);
    let (code, out, err) = ask(&api, arguments);
    assert_eq!((code, out.as_str()), (Some(exit), ""), "{err}");
    for part in said {
        assert!(err.contains(part), "{part} is missing in:\n{err}");
    }
    assert!(!err.contains(TOKEN), "{err}");
}

const NOT_FOUND: &str =
    r#"{"type":"about:blank","title":"Not Found","status":404,"detail":"There is no such user."}"#;
const WRONG_FIELDS: &str = r#"{"title":"Unprocessable Content","status":422,"detail":"A field is not right.",
    "errors":[{"field":"email","detail":"It has no `@`."},{"field":"name","detail":"It is empty."}]}"#;

#[test]
fn a_refusal_is_told_with_its_reason() {
    let show = ["users", "show", "7"].as_slice();
    let create = ["users", "create", "--name", "", "--email", "x"].as_slice();
    check(problem(404, NOT_FOUND), show, 1, &["error: user 7 is not shown\n  there is no such user\n"]);
    check(
        problem(422, WRONG_FIELDS),
        create,
        1,
        &["error: user `x` is not made\n", "  `email`: it has no `@`\n", "  `name`: it is empty\n"],
    );
    check(
        problem(409, r#"{"detail":"Another user has this address."}"#),
        create,
        1,
        &["another user has this address"],
    );
    check(problem(412, r#"{"detail":"It has changed."}"#), show, 1, &["it has changed"]);
    check(
        problem(401, r#"{"detail":"The token is not known."}"#),
        show,
        3,
        &[
            "does not take the admin token",
            "the token is from `$LOCKGATE_ADMIN_TOKEN`",
            "help: ",
            "--data DIR",
        ],
    );
    check(
        problem(403, r#"{"detail":"This token only reads."}"#),
        create,
        3,
        &["is not the admin token", "only reads"],
    );
    check(
        problem(503, r#"{"detail":"The database cannot be reached."}"#),
        show,
        3,
        &["the database cannot be reached", "help: try again later"],
    );
    check(
        problem(500, r#"{"detail":"It failed."}"#),
        show,
        3,
        &["it failed", "help: the gateway's log says why"],
    );
}

#[test]
fn another_server_is_not_taken_for_a_gateway() {
    let show = ["users", "show", "7"].as_slice();
    let (create, stranger) = (["keys", "create", "7"].as_slice(), "is not that of a gateway's admin API");
    check(answer(200, "", "<html>"), show, 3, &[stranger, "help: ", "--admin URL"]);
    check(answer(200, "", r#"{"id":"x"}"#), show, 3, &[stranger]);
    check(answer(302, "", ""), show, 3, &[stranger, "answered 302"]);
    check(answer(404, "", "not here"), show, 3, &[stranger, "answered 404"]);
    check(answer(404, "", r#"{"detail":"Not Found"}"#), show, 3, &[stranger, "answered 404"]);
    check(answer(422, "", r#"{"detail":"x"}"#), create, 3, &[stranger, "answered 422"]);
    check(answer(429, "", "slow down"), create, 3, &[stranger, "answered 429"]);
    check(problem(429, r#"{"detail":"Slow down."}"#), create, 3, &[stranger, "slow down"]);
    check(answer(502, "", ""), show, 3, &["answered 502"]);
}

#[test]
fn a_redirect_takes_the_token_nowhere() {
    let elsewhere = Origin::echo();
    let location = format!("Location: http://{}/users/7\r\n", elsewhere.address());
    let api = Origin::answering(answer(307, &location, ""));
    assert_eq!(ask(&api, &["users", "show", "7"]).0, Some(3));
    assert_eq!(elsewhere.hits(), 0);
}

#[test]
fn a_proxy_of_the_environment_is_not_asked() {
    let proxy = Origin::echo();
    let api = Origin::answering(answer(200, "", crate::asking::ADA));
    let output = std::process::Command::new(crate::LOCKGATE)
        .args(["users", "show", "1", "--json", "--admin", api.address()])
        .env("LOCKGATE_ADMIN_TOKEN", TOKEN)
        .envs(
            ["http_proxy", "HTTP_PROXY", "ALL_PROXY"]
                .map(|name| (name, format!("http://{}", proxy.address()))),
        )
        .output()
        .unwrap();
    assert_eq!((output.status.code(), proxy.hits(), api.hits()), (Some(0), 0, 1));
}

#[test]
fn a_gateway_that_is_not_running_is_told_of() {
    let free = testkit::FreeAddress::new();
    let free = free.address();
    let output = std::process::Command::new(crate::LOCKGATE)
        .args(["usage", "--admin", free])
        .env("LOCKGATE_ADMIN_TOKEN", TOKEN)
        .output()
        .unwrap();
    let err = crate::err(&output);
    assert_eq!(output.status.code(), Some(3));
    for part in
        [&format!("no gateway answers at http://{free}"), "from `--admin`", "refused", "lockgate serve"]
    {
        assert!(err.contains(part), "{part} is missing in:\n{err}");
    }
}

#[test]
fn an_answer_that_breaks_off_is_a_failure() {
    let api = Origin::answering(Answer::bytes("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n[").close());
    for arguments in [["users", "list"].as_slice(), &["usage", "--format", "csv"]] {
        let (status, _, err) = ask(&api, arguments);
        assert_eq!(status, Some(3));
        assert!(err.contains("broke off"), "{err}");
    }
}

#[test]
fn an_answer_that_does_not_come_is_not_waited_for() {
    let api = Origin::answering(Answer::new().then(Step::Hold));
    let began = Instant::now();
    let (status, _, err) = ask(&api, &["users", "delete", "1"]);
    assert_eq!(status, Some(3));
    assert!(began.elapsed() < Duration::from_secs(20), "{:?}", began.elapsed());
    assert!(err.contains("did not answer within 10 seconds") && err.contains("may have happened"), "{err}");
}

/// What was asked for may have been done before the connection broke: nobody is to be told to start a gateway and ask again.
#[test]
fn a_connection_that_breaks_is_no_gateway_that_is_not_there() {
    let head = "HTTP/1.1 201 Created\r\nContent-Length: 100\r\n\r\n{\"id\":3,";
    for (answer, said) in [
        (Answer::new().then(Step::ReadBody).close(), "broke off before an answer"),
        (Answer::new().then(Step::ReadBody).then(Step::Reset), "broke off before an answer"),
        (Answer::bytes(head).close(), "the answer of "),
    ] {
        let api = Origin::answering(answer);
        for (arguments, is_uncertain) in
            [(["keys", "create", "1"].as_slice(), true), (&["users", "show", "1"], false)]
        {
            let (status, out, err) = ask(&api, arguments);
            assert_eq!((status, out.as_str()), (Some(3), ""), "{arguments:?}: {err}");
            assert!(err.contains(said) && !err.contains("lockgate serve"), "{arguments:?}: {err}");
            assert_eq!(err.contains("may have happened"), is_uncertain, "{arguments:?}: {err}");
        }
    }
}
