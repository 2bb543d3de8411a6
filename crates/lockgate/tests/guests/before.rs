//! Functions that stand before an upstream.

use testkit::{Answer, FreeAddress, Origin, Step, component};

use crate::{reason, records, start};

fn config(origin: &Origin, before: &str, functions: &str) -> String {
    format!(
        "[[listener]]\naddress = \"127.0.0.1:0\"\n[upstream.origin]\nendpoints = [\"{}\"]\n{functions}\n\
         [[route]]\nname = \"shop\"\npath = \"/shop/*\"\nstrip = \"/shop\"\nbefore = {before}\nupstream = \"origin\"\n",
        origin.address()
    )
}

#[test]
fn a_signed_url_passes_and_another_does_not() {
    let Some(guest) = component("signed-url") else { return };
    let origin = Origin::echo();
    let functions = format!("[function.check]\ncomponent = {guest:?}\nconfig = {{ key = \"k\" }}");
    let mut gateway = start(&config(&origin, "[\"check\"]", &functions));
    let response = gateway.get("/shop/cart").unwrap();
    assert_eq!(response.status(), 403, "{}\n{}", response.text(), gateway.log());
    assert_eq!(origin.hits(), 0, "nothing reached the origin");
    // `printf '/shop/cart?expires=4102444800' | openssl dgst -sha256 -hmac k`
    let signature = "41a5ff61c18556ff37881efa48ed18708fd4b142bc7f54875b8fcff2950e2c9b";
    let passed = gateway.get(&format!("/shop/cart?expires=4102444800&signature={signature}")).unwrap();
    assert_eq!(passed.status(), 200, "{}\n{}", passed.text(), gateway.log());
    assert_eq!(
        (origin.hits(), passed.json()["target"].as_str().map(|target| target.starts_with("/cart?"))),
        (1, Some(true))
    );
    let changed = gateway.get(&format!("/shop/cart?expires=4102444801&signature={signature}")).unwrap();
    assert_eq!((changed.status(), origin.hits()), (403, 1));
    let records = records(&mut gateway);
    assert_eq!(records.len(), 4, "three of clients, one child");
    let by_function = records.iter().filter(|record| record["upstream"] == "function:check");
    assert_eq!(by_function.count(), 3);
}

#[test]
fn an_a_b_function_tells_the_origin_and_the_client() {
    let Some(guest) = component("ab") else { return };
    let origin = Origin::echo();
    let functions = format!("[function.ab]\ncomponent = {guest:?}\nmemory = \"256MiB\"");
    let mut gateway = start(&config(&origin, "[\"ab\"]", &functions));
    let response = gateway.get("/shop/cart").unwrap();
    assert_eq!(response.status(), 200, "{}\n{}", response.text(), gateway.log());
    assert!(!response.field("set-cookie").is_empty());
    let echo = response.json();
    let fields: Vec<(String, String)> = serde_json::from_value(echo["fields"].clone()).unwrap();
    let field =
        |name: &str| fields.iter().find(|(n, _)| n.eq_ignore_ascii_case(name)).map(|(_, v)| v.as_str());
    assert!(field("x-variant").is_some(), "{fields:?}");
    assert_eq!(field("x-forwarded-for"), Some("127.0.0.1"));
    assert_eq!(field("via"), Some("1.1 lockgate"));
    assert_eq!(field("host"), Some("test"), "the origin is asked as the client asked");
    let records = records(&mut gateway);
    let parent = records.iter().find(|record| record["parent"].is_null()).unwrap();
    let child = records.iter().find(|record| !record["parent"].is_null()).unwrap();
    assert_eq!(child["parent"], parent["id"]);
    assert_eq!(child["upstream"], origin.address());
    assert_eq!((&child["value"], &parent["value"]), (&serde_json::Value::Null, &serde_json::json!(1.0)));
}

/// Passes what is signed; `printf '/shop/cart?expires=4102444800' | openssl dgst -sha256 -hmac k`.
const SIGNED: &str = "/shop/cart?expires=4102444800&signature=41a5ff61c18556ff37881efa48ed18708fd4b142bc7f54875b8fcff2950e2c9b";

fn checked(component: &std::path::Path) -> String {
    function("check", component)
}

fn function(name: &str, component: &std::path::Path) -> String {
    format!("[function.{name}]\ncomponent = {component:?}\nconfig = {{ key = \"k\" }}")
}

#[test]
fn a_header_is_metered_and_edited_where_the_client_is_answered() {
    let Some(guest) = component("signed-url") else { return };
    let answer = "HTTP/1.1 200 OK\r\nX-Units: 5\r\nX-Inner: seen\r\nContent-Length: 4\r\n\r\nfine";
    let origin = Origin::answering(Answer::bytes(answer));
    let functions = format!("{}\n{}", checked(&guest), function("other", &guest));
    let route = "meter = \"response-header:x-units\"\n\
                 response_headers = { remove = [\"x-units\"], add = { set-cookie = \"a=b\" } }\n";
    let mut gateway = start(&format!("{}{route}", config(&origin, "[\"check\", \"other\"]", &functions)));
    let response = gateway.get(SIGNED).unwrap();
    assert_eq!(response.status(), 200, "{}\n{}", response.text(), gateway.log());
    assert_eq!((response.field("x-units"), response.field("x-inner")), ("", "seen"));
    assert_eq!(response.fields.all("set-cookie").len(), 1, "once, however many functions there are");
    let metrics = gateway.admin("GET", "/metrics").unwrap().text();
    assert!(metrics.contains("lockgate_meter_unreadable_total 0"), "{metrics}");
    let records = records(&mut gateway);
    let parent = records.iter().find(|record| record["parent"].is_null()).unwrap();
    assert_eq!(parent["value"], 5.0, "{records:?}");
}

#[test]
fn what_nobody_wants_any_more_is_not_fetched() {
    let Some(guest) = component("signed-url") else { return };
    let origin = Origin::answering(Answer::new().then(Step::Hold));
    let functions = format!("{}\ntime = \"200ms\"", checked(&guest));
    let mut gateway = start(&config(&origin, "[\"check\"]", &functions));
    assert_eq!(gateway.get(SIGNED).unwrap().status(), 504);
    // Its own time would be thirty seconds.
    origin.wait_until_closed();
    let records = records(&mut gateway);
    let child = records.iter().find(|record| !record["parent"].is_null()).unwrap();
    assert_eq!(child["reason"], "client_gone", "{records:?}");
}

#[test]
fn several_stand_in_the_order_written() {
    let Some(guest) = component("signed-url") else { return };
    let origin = Origin::echo();
    let other = function("other", &guest).replace("\"k\"", "\"another\"");
    let functions = format!("{}\n{other}", checked(&guest));
    for (before, asked) in [
        ("[\"check\", \"other\"]", &["function:check", "function:other"][..]),
        ("[\"other\", \"check\"]", &["function:other"]),
    ] {
        let mut gateway = start(&config(&origin, before, &functions));
        // Signed for one of them: it asks the next, if it is asked.
        let refused = gateway.get(SIGNED).unwrap();
        assert_eq!(refused.status(), 403, "{}\n{}", refused.text(), gateway.log());
        let records = records(&mut gateway);
        let mut upstreams: Vec<_> = records.iter().filter_map(|record| record["upstream"].as_str()).collect();
        upstreams.sort_unstable();
        assert_eq!(upstreams, asked, "{before}");
    }
    assert_eq!(origin.hits(), 0);
}

#[test]
fn a_loop_through_functions_ends() {
    let Some(guest) = component("signed-url") else { return };
    let itself = FreeAddress::new();
    let mut gateway = start(&format!(
        "[[listener]]\naddress = \"{0}\"\n[upstream.itself]\nendpoints = [\"{0}\"]\n{1}\n\
         [[route]]\npath = \"/shop/*\"\nbefore = [\"check\"]\nupstream = \"itself\"\n",
        itself.address(),
        checked(&guest)
    ));
    let response = gateway.get(SIGNED).unwrap();
    // The innermost is told, and answers by that error.
    assert_eq!(
        (response.status(), reason(&response).as_str()),
        (500, "function_failed"),
        "{}",
        gateway.log()
    );
    gateway.wait_for_log("LoopDetected");
    let records = records(&mut gateway);
    let refused = records.iter().filter(|record| record["reason"] == "loop");
    assert_eq!(refused.count(), 1, "{records:?}");
}
