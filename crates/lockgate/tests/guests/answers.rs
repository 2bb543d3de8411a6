//! What guests answer.

use testkit::{RawClient, component};

use crate::{answering, reason, records};

#[test]
fn hello_answers_and_is_recorded() {
    let Some(hello) = component("hello") else { return };
    let mut gateway = answering(&hello, "");
    for at in 0..20 {
        let response = gateway.get(&format!("/there/{at}")).unwrap();
        assert_eq!(response.status(), 200, "{}\n{}", response.text(), gateway.log());
        assert!(response.text().contains(&format!("/there/{at}")), "{}", response.text());
    }
    let records = records(&mut gateway);
    assert_eq!(records.len(), 20);
    for record in &records {
        assert_eq!(record["upstream"], "function:guest");
        assert_eq!((record["status"].as_u64(), &record["reason"]), (Some(200), &serde_json::Value::Null));
        assert_eq!(record["value"], 1.0, "an answer of a function is metered");
        assert_eq!(record["parent"], serde_json::Value::Null);
    }
}

#[test]
fn hello_of_the_asynchronous_interface_answers() {
    let Some(hello) = component("hello-p3") else { return };
    let gateway = answering(&hello, "");
    for _ in 0..20 {
        assert_eq!(gateway.get("/").unwrap().status(), 200, "{}", gateway.log());
    }
}

#[test]
fn bodies_pass_both_ways() {
    let Some(hostile) = component("hostile") else { return };
    let gateway = answering(&hostile, "request_body = \"0\"\n");
    let body = "0123456789".repeat(100_000);
    let length = body.len();
    for head in [format!("Content-Length: {length}"), "Transfer-Encoding: chunked".to_owned()] {
        let sent =
            if head.starts_with('C') { body.clone() } else { format!("{length:x}\r\n{body}\r\n0\r\n\r\n") };
        let request = format!("POST /echo HTTP/1.1\r\nHost: test\r\n{head}\r\n\r\n{sent}");
        let response = gateway.ask(request).unwrap();
        assert_eq!(response.status(), 200, "{}", gateway.log());
        assert!(response.text() == body, "{} of {length} bytes came back", response.text().len());
    }
}

#[test]
fn a_client_that_waits_for_100_gets_it() {
    let Some(hostile) = component("hostile") else { return };
    let gateway = answering(&hostile, "");
    let mut client = RawClient::connect(gateway.address()).unwrap();
    client
        .send("POST /echo HTTP/1.1\r\nHost: test\r\nContent-Length: 5\r\nExpect: 100-continue\r\n\r\n")
        .unwrap();
    let (status, _) = client.head().unwrap();
    assert_eq!(status.status, 100);
    client.send("hello").unwrap();
    assert_eq!(client.response("POST").unwrap().text(), "hello");
}

#[test]
fn a_connection_serves_one_call_after_another() {
    let Some(hello) = component("hello") else { return };
    let gateway = answering(&hello, "");
    let mut client = gateway.connect().unwrap();
    for _ in 0..50 {
        let response = client.ask("GET / HTTP/1.1\r\nHost: test\r\n\r\n").unwrap();
        assert_eq!(response.status(), 200);
    }
    let head = client.ask("HEAD / HTTP/1.1\r\nHost: test\r\n\r\n");
    client.send("HEAD / HTTP/1.1\r\nHost: test\r\n\r\n").unwrap();
    drop(head);
    assert_eq!(gateway.get("/").unwrap().status(), 200);
}

#[test]
fn what_a_guest_may_not_say_is_repaired_or_refused() {
    let Some(hostile) = component("hostile") else { return };
    let gateway = answering(&hostile, "");
    for code in [0, 99, 100, 101, 102, 600, 999, 65_535] {
        let response = gateway.get(&format!("/status?code={code}")).unwrap();
        let was_refused = response.text().contains("was refused");
        assert!(was_refused || reason(&response) == "function_malformed", "{code}: {}", response.text());
    }
    for code in [200, 204, 304, 418, 599] {
        assert_eq!(gateway.get(&format!("/status?code={code}")).unwrap().status(), code);
    }
    let response = gateway.get("/forbidden-headers").unwrap();
    assert_eq!(response.status(), 200, "{}", response.text());
    for name in ["keep-alive", "proxy-connection", "upgrade", "te", "trailer", "host", "x-smuggled"] {
        assert_eq!(response.field(name), "", "{name} reached the client");
    }
    let response = gateway.get("/trailers").unwrap();
    assert_eq!((response.status(), response.text().as_str()), (200, "body\n"));
}

#[test]
fn a_false_content_length_never_looks_whole() {
    let Some(hostile) = component("hostile") else { return };
    let gateway = answering(&hostile, "");
    assert_eq!(gateway.get("/content-length?claims=5&sends=5").unwrap().text(), "xxxxx");
    for (claims, sends) in [("5", 4), ("5", 0), ("4", 5), ("0", 5)] {
        let response = gateway.get(&format!("/content-length?claims={claims}&sends={sends}"));
        let is_whole = response.as_ref().is_ok_and(|response| {
            response.status() == 200 && response.text().len() != claims.parse::<usize>().unwrap()
        });
        assert!(!is_whole, "{claims} claimed and {sends} sent: {}", response.unwrap().text());
    }
    let response = gateway.get("/content-length?claims=5&claims=6&sends=5").unwrap();
    assert!(response.status() == 500 || response.text().contains("refused"), "{}", response.text());
    assert_eq!(gateway.get("/env").unwrap().status(), 200, "the gateway serves on");
}

#[test]
fn a_guest_is_given_its_values_and_nothing_of_the_host() {
    let Some(hostile) = component("hostile") else { return };
    let gateway = answering(&hostile, "config = { greeting = \"hello\" }\nsecrets = { token = \"$PATH\" }");
    let values = gateway.get("/config").unwrap().text();
    assert!(values.contains("greeting") && values.contains("hello") && values.contains("token"), "{values}");
    let environment = gateway.get("/env").unwrap().text();
    assert!(!environment.contains("PATH"), "{environment}");
    let files = gateway.get("/files").unwrap().text();
    assert!(!files.contains("GOT") && !files.contains("root:"), "{files}");
}
