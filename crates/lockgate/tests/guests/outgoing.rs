//! What guests may ask, and what they may not.

use testkit::{FreeAddress, Origin, Porter, SilentAddress, component};

use crate::{records, start};

fn config(hostile: &std::path::Path, outbound: &str, upstreams: &str) -> String {
    format!(
        "[[listener]]\naddress = \"127.0.0.1:0\"\n{upstreams}\n[function.guest]\ncomponent = {hostile:?}\n\
         outbound = {outbound}\ncalls = 4\ntime = \"5s\"\n[[route]]\nname = \"all\"\npath = \"/*\"\nfunction = \"guest\"\n"
    )
}

#[test]
fn only_what_is_listed_is_asked_and_all_else_is_refused_and_logged() {
    let Some(hostile) = component("hostile") else { return };
    let origin = Origin::echo();
    let other = Origin::echo();
    let upstreams = format!("[upstream.orders]\nendpoints = [\"{}\"]\n", origin.address());
    let outbound = format!("[\"orders\", \"http://{}\"]", other.address());
    let mut gateway = start(&config(&hostile, &outbound, &upstreams));
    for (to, expected) in [
        ("http://orders.internal/a".to_owned(), "200"),
        ("http://ORDERS.internal:80/a".to_owned(), "200"),
        (format!("http://{}/b", other.address()), "200"),
        (format!("http://{}/", origin.address()), "HttpRequestDenied"),
        ("http://upstream.internal/".to_owned(), "HttpRequestDenied"),
        ("http://others.internal/".to_owned(), "HttpRequestDenied"),
        ("http://orders.internal:81/".to_owned(), "HttpRequestDenied"),
        ("https://orders.internal/".to_owned(), "HttpRequestDenied"),
        ("http://169.254.169.254/latest/meta-data".to_owned(), "HttpRequestDenied"),
        ("http://user@orders.internal/".to_owned(), "HttpRequestDenied"),
        (format!("http://{}/", gateway.ports().admin), "HttpRequestDenied"),
    ] {
        let said = gateway.get(&format!("/call?n=1&to={to}")).unwrap().text();
        assert!(said.contains(expected), "{to}: {said}\n{}", gateway.log());
    }
    assert_eq!((origin.hits(), other.hits()), (2, 1));
    gateway.wait_for_log("outgoing request refused");
    let records = records(&mut gateway);
    let children: Vec<_> = records.iter().filter(|record| !record["parent"].is_null()).collect();
    assert_eq!(children.len(), 3);
    for child in children {
        assert_eq!(child["status"], 200);
        assert!(child["value"].is_null() && child["user_id"].is_null(), "{child}");
        assert!(records.iter().any(|record| record["id"] == child["parent"]), "{child}");
    }
}

#[test]
fn outgoing_requests_are_counted() {
    let Some(hostile) = component("hostile") else { return };
    let origin = Origin::echo();
    let upstreams = format!("[upstream.orders]\nendpoints = [\"{}\"]\n", origin.address());
    let gateway = start(&config(&hostile, "[\"orders\"]", &upstreams));
    let said = gateway.get("/call?n=10&to=http://orders.internal/").unwrap().text();
    assert_eq!(said.lines().filter(|line| line.starts_with("200")).count(), 4, "{said}");
    assert_eq!(said.lines().filter(|line| line.contains("HttpRequestDenied")).count(), 6, "{said}");
    assert_eq!(origin.hits(), 4);
}

#[test]
fn a_guest_is_told_what_is_wrong_with_an_upstream() {
    let Some(hostile) = component("hostile") else { return };
    let (gone, silent) = (FreeAddress::new(), SilentAddress::new());
    let upstreams = format!(
        "[upstream.gone]\nendpoints = [\"{}\"]\n[upstream.silent]\nendpoints = [\"{}\"]\ntimeout = {{ connect = \"200ms\", response = \"300ms\" }}\n",
        gone.address(),
        silent.address(),
    );
    let mut gateway = start(&config(&hostile, "[\"gone\", \"silent\"]", &upstreams));
    for (to, expected) in [("gone", "ConnectionRefused"), ("silent", "Timeout")] {
        let said = gateway.get(&format!("/call?to=http://{to}.internal/")).unwrap().text();
        assert!(said.contains(expected), "{to}: {said}\n{}", gateway.log());
    }
    let records = records(&mut gateway);
    let reasons: Vec<_> = records.iter().filter_map(|record| record["reason"].as_str()).collect();
    assert!(reasons.contains(&"connect_failed"), "{reasons:?}");
}

#[test]
fn a_guest_says_how_long_it_waits_for_a_connection() {
    let Some(hostile) = component("hostile") else { return };
    let silent = SilentAddress::new();
    let upstreams = format!(
        "[upstream.silent]\nendpoints = [\"{}\"]\ntimeout = {{ connect = \"1m\" }}\n",
        silent.address()
    );
    let gateway = start(&config(&hostile, "[\"silent\"]", &upstreams));
    let said = gateway.get("/call?connect_ms=100&to=http://silent.internal/").unwrap().text();
    assert!(said.contains("ConnectionTimeout"), "{said}\n{}", gateway.log());
}

#[test]
fn a_name_that_leads_inside_is_refused() {
    let Some(hostile) = component("hostile") else { return };
    let origin = Origin::echo();
    let port = origin.address().rsplit(':').next().unwrap();
    let gateway = start(&config(&hostile, &format!("[\"http://localhost:{port}\"]"), ""));
    let said = gateway.get(&format!("/call?to=http://localhost:{port}/")).unwrap().text();
    assert!(said.contains("DestinationIpProhibited"), "{said}\n{}", gateway.log());
    assert_eq!(origin.hits(), 0);
}

#[test]
fn what_a_guest_asks_for_itself_is_not_said_to_be_a_clients() {
    let (Some(hostile), Some(guest)) = (component("hostile"), component("signed-url")) else { return };
    let origin = Origin::echo();
    let porter = Porter::before(origin.address());
    let listed =
        format!("[upstream.orders]\nendpoints = [\"{}\"]\nproxy_protocol = \"v1\"\n", porter.address());
    let more = format!(
        "{listed}[function.check]\ncomponent = {guest:?}\nconfig = {{ key = \"k\" }}\n\
         [[route]]\nname = \"shop\"\npath = \"/shop/*\"\nbefore = [\"check\"]\nupstream = \"orders\"\n"
    );
    let gateway = start(&config(&hostile, "[\"orders\"]", &more));
    let said = gateway.get("/call?n=1&to=http://orders.internal/").unwrap().text();
    assert!(said.contains("200"), "{said}\n{}", gateway.log());
    assert_eq!(porter.headers(), [b"PROXY UNKNOWN\r\n"]);
    // The client's request goes on behind a function that lets it pass.
    let signature = "41a5ff61c18556ff37881efa48ed18708fd4b142bc7f54875b8fcff2950e2c9b";
    let passed = gateway.get(&format!("/shop/cart?expires=4102444800&signature={signature}")).unwrap();
    assert_eq!(passed.status(), 200, "{}\n{}", passed.text(), gateway.log());
    assert!(porter.headers()[1].starts_with(b"PROXY TCP4 127.0.0.1 127.0.0.1 "));
}

#[test]
fn a_guest_has_no_say_in_where_a_request_came_from() {
    let Some(hostile) = component("hostile") else { return };
    let (origin, outside) = (Origin::echo(), Origin::echo());
    let upstreams = format!("[upstream.orders]\nendpoints = [\"{}\"]\n", origin.address());
    let outbound = format!("[\"orders\", \"http://{}\"]", outside.address());
    let gateway = start(&config(&hostile, &outbound, &upstreams));
    let said = [
        ("x-forwarded-for", "10.0.0.1"),
        ("x-forwarded-host", "inside"),
        ("x-forwarded-port", "1"),
        ("x-forwarded-proto", "https"),
        ("forwarded", "for=10.0.0.1"),
        ("x-lockgate-user", "1"),
        ("via", "1.1 other"),
        ("x-mine", "kept"),
    ];
    let fields: String =
        said.iter().map(|(name, value)| format!("&field={name}:{}", value.replace(' ', "_"))).collect();
    for to in ["http://orders.internal/".to_owned(), format!("http://{}/", outside.address())] {
        let answer = gateway.get(&format!("/call?n=1&to={to}{fields}")).unwrap().text();
        assert!(answer.contains("200"), "{to}: {answer}\n{}", gateway.log());
    }
    let request = &origin.requests()[0];
    for (name, value) in said {
        assert_eq!(
            request.fields.all(name).contains(&value),
            name == "x-mine",
            "{name}: {:?}",
            request.fields
        );
    }
    assert_eq!(
        outside.requests()[0].fields.all("x-forwarded-for"),
        ["10.0.0.1"],
        "what is outside trusts nobody"
    );
}
