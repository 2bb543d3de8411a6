//! Lists of the admin API: page by page, for people and for programs.

use testkit::{Answer, Origin};

use crate::asking::{ADA, answer, ask, problem};

/// An admin API whose list of users has three pages of two, with ids from 1.
fn three_pages() -> Origin {
    Origin::start(|received| {
        let target = &received.line.target;
        let after: u64 = target.split_once("after=").map_or(0, |(_, after)| after.parse().unwrap());
        let entry = |id: u64| format!(r#"{{"id":{id},"name":"User {id}","email":"{id}@example.com"}}"#);
        let body = format!("[{},{}]", entry(after + 1), entry(after + 2));
        let next = after + 2;
        let link = format!("Link: </users?limit=2&after={next}>; rel=\"next\"\r\n");
        answer(200, if next < 6 { &link } else { "" }, &body)
    })
}

#[test]
fn a_list_is_read_to_its_last_page() {
    let api = three_pages();
    let (status, out, err) = ask(&api, &["users", "list", "--json"]);
    assert_eq!((status, err.as_str()), (Some(0), ""));
    let users: Vec<serde_json::Value> = serde_json::from_str(&out).unwrap();
    assert_eq!(users.iter().map(|user| user["id"].as_u64().unwrap()).collect::<Vec<_>>(), [1, 2, 3, 4, 5, 6]);
    assert_eq!(api.hits(), 3);
    assert_eq!(ask(&api, &["users", "list"]).1.lines().count(), 7, "with the names of the columns");
}

#[test]
fn no_more_is_read_than_asked_for() {
    let api = three_pages();
    let (_, out, _) = ask(&api, &["users", "list", "--limit", "3"]);
    assert_eq!(out.lines().last().unwrap().trim(), "3  User 3  3@example.com");
    assert_eq!(api.hits(), 2);
    assert_eq!(api.requests()[0].line.target, "/users?limit=3");
}

#[test]
fn a_table_has_its_columns_in_line() {
    let api = Origin::answering(answer(
        200,
        "",
        &format!(
            r#"[{ADA},{{"id":12,"name":"G\u001b[0m","email":"g@example.com","created_at":"2026-11-21T11:00:00Z"}}]"#
        ),
    ));
    assert_eq!(
        ask(&api, &["users", "list"]).1,
        "ID  NAME   E-MAIL           CREATED\n \
         1  Ada    ada@example.com  2026-11-21 01:20\n\
         12  G\u{fffd}[0m  g@example.com    2026-11-21 11:00\n"
    );
}

#[test]
fn keys_say_whether_they_are_in_force() {
    let key = |id: u32, members: &str| {
        format!(
            r#"{{"id":{id},"user_id":1,"name":"k{id}","prefix":"lg_live_Ab12C{id}","scopes":null,
            "created_at":"2026-11-21T01:20:23Z","expires_at":null,"revoked_at":null,"last_used_at":null{members}}}"#
        )
    };
    let keys = [
        key(1, ""),
        key(2, "").replacen(r#""expires_at":null"#, r#""expires_at":"2020-01-01T00:00:00Z""#, 1),
        key(3, "").replacen(r#""revoked_at":null"#, r#""revoked_at":"2020-01-01T00:00:00Z""#, 1),
        key(4, "").replacen(r#""scopes":null"#, r#""scopes":["orders","stock"]"#, 1),
    ];
    let api = Origin::answering(answer(200, "", &format!("[{}]", keys.join(","))));
    let (status, out, err) = ask(&api, &["keys", "list", "1"]);
    assert_eq!((status, err.as_str()), (Some(0), ""));
    let lines: Vec<&str> = out.lines().collect();
    assert!(lines[1].ends_with("  never      in force") && lines[1].contains("lg_live_Ab12C1…"), "{out}");
    assert!(lines[2].contains("  expired ") && lines[2].ends_with(" ago"), "{out}");
    assert!(lines[3].contains("  revoked ") && lines[3].contains("  all  "), "{out}");
    assert!(lines[4].contains("  orders, stock  "), "{out}");
}

#[test]
fn an_empty_list_says_what_to_do() {
    let api = Origin::answering(answer(200, "", "[]"));
    for (arguments, said) in [
        (["users", "list"].as_slice(), "lockgate users create"),
        (&["keys", "list", "1"], "lockgate keys create 1"),
        (&["usage"], "no usage"),
    ] {
        let (status, out, err) = ask(&api, arguments);
        assert_eq!((status, out.as_str()), (Some(0), ""), "{arguments:?}");
        assert!(err.contains(said), "{err}");
        assert_eq!(ask(&api, &[arguments, &["--json"]].concat()).1, "[]\n", "{arguments:?}");
    }
}

/// An admin API with usage by user and day, and a user who is there no more.
fn used() -> Origin {
    Origin::start(|received| match received.line.target.as_str() {
        "/users/1" => answer(200, "", ADA),
        target if target.starts_with("/users/") => problem(404, r#"{"detail":"There is no such user."}"#),
        target if target.contains("format=csv") => Answer::ok("user_id,count,total_value\n1,2,3.5\n"),
        _ => answer(
            200,
            "",
            r#"[{"user_id":null,"from":"2026-11-20T00:00:00Z","count":5,"total_value":5},
               {"user_id":1,"from":"2026-11-20T00:00:00Z","count":1000,"total_value":170141183460469231731687.303715},
               {"user_id":1,"from":"2026-11-21T00:00:00Z","count":12,"total_value":85070591730234615865843.6518575},
               {"user_id":9,"from":"2026-11-20T00:00:00Z","count":-1,"total_value":-0.5}]"#,
        ),
    })
}

#[test]
fn usage_is_a_table_with_bars() {
    let (status, out, err) = ask(&used(), &["usage", "--by", "day,user"]);
    assert_eq!((status, err.as_str()), (Some(0), ""));
    let expected = "\
USER  E-MAIL           FROM (UTC)  REQUESTS                             UNITS
   -  nobody           2026-11-20         5                         5
   1  ada@example.com  2026-11-20      1000  170141183460469231731687.303715   ████████████████████
   1  ada@example.com  2026-11-21        12   85070591730234615865843.6518575  ██████████
   9  no such user     2026-11-20        -1                        -0.5
";
    assert_eq!(out, expected);
}

#[test]
fn a_user_of_whom_nothing_is_known_is_not_called_deleted() {
    let api = Origin::start(|received| match received.line.target.as_str() {
        target if target.starts_with("/users/") => answer(404, "", r#"{"detail":"Not Found"}"#),
        _ => answer(200, "", r#"[{"user_id":9,"count":1,"total_value":1}]"#),
    });
    let (status, out, err) = ask(&api, &["usage"]);
    assert_eq!((status, out.as_str()), (Some(3), ""));
    assert!(err.contains("is not that of a gateway's admin API"), "{err}");
}

#[test]
fn usage_for_programs_keeps_every_digit() {
    let api = used();
    assert!(ask(&api, &["usage", "--json"]).1.contains(r#""total_value":170141183460469231731687.303715}"#));
    assert_eq!(ask(&api, &["usage", "--format", "csv"]).1, "user_id,count,total_value\n1,2,3.5\n");
    assert_eq!(ask(&api, &["usage", "--format", "json"]).1, ask(&api, &["usage", "--json"]).1);
}

#[test]
fn a_next_page_elsewhere_is_not_asked_for() {
    let elsewhere = Origin::answering(answer(200, "", "[]"));
    let address = elsewhere.address().to_owned();
    for target in [format!("http://{address}/users"), "/users?limit=500".into(), "http://".into()] {
        let link = format!("Link: <{target}>; rel=\"next\"\r\n");
        let api = Origin::answering(answer(200, &link, &format!("[{ADA}]")));
        let (status, _, err) = ask(&api, &["users", "list"]);
        assert_eq!(status, Some(3), "{target}");
        assert!(err.contains("names no next page that can be asked for"), "{err}");
        assert_eq!(api.hits(), 1);
    }
    assert_eq!(elsewhere.hits(), 0);
}
