//! What an exchange is worth, by each meter.

use serde_json::Value;
use testkit::{Answer, GatewayProcess, Origin};

use crate::LOCKGATE;
use crate::books::{check_equal, total_value};

const METERS: [(&str, &str); 6] = [
    ("requests", "requests"),
    ("units", "response-header:x-units"),
    ("bytes", "bytes"),
    ("bytes-in", "bytes-in"),
    ("bytes-out", "bytes-out"),
    ("milliseconds", "milliseconds"),
];

fn start(origin: &Origin) -> GatewayProcess {
    let routes = METERS.map(|(name, meter)| {
        format!(
            "[[route]]\nname = \"{name}\"\npath = \"/{name}\"\nupstream = \"origin\"\nmeter = \"{meter}\"\n"
        )
    });
    let text = format!(
        "[[listener]]\naddress = \"127.0.0.1:0\"\n[upstream.origin]\nendpoints = [\"{}\"]\n{}\n\
         [[route]]\nname = \"dead\"\npath = \"/dead\"\nupstream = \"dead\"\n[upstream.dead]\nendpoints = [\"127.0.0.1:1\"]\n",
        origin.address(),
        routes.concat()
    );
    GatewayProcess::start(LOCKGATE, &text).unwrap_or_else(|error| panic!("{error}\n{text}"))
}

/// Usage by route, as the API says it.
fn by_route(gateway: &GatewayProcess) -> Vec<(String, i64, String)> {
    check_equal(gateway);
    let answer = gateway.admin("GET", "/usage?by=route&format=ndjson").unwrap();
    let row = |line: &str| {
        let row: Value = serde_json::from_str(line).unwrap();
        (
            row["route"].as_str().unwrap().to_owned(),
            row["count"].as_i64().unwrap(),
            total_value(line).to_owned(),
        )
    };
    answer.text().lines().map(row).collect()
}

#[test]
fn each_meter_counts_what_it_says() {
    let origin = Origin::answering(Answer::bytes(
        "HTTP/1.1 200 OK\r\nContent-Length: 7\r\nX-Units: 2.5\r\n\r\n1234567",
    ));
    let gateway = start(&origin);
    for (name, _) in METERS {
        for _ in 0..2 {
            let request = format!("POST /{name} HTTP/1.1\r\nHost: test\r\nContent-Length: 3\r\n\r\nabc");
            assert_eq!(gateway.ask(request).unwrap().status(), 200);
        }
    }
    // Refused and failed requests are in the journal and worth nothing.
    assert_eq!(gateway.get("/nowhere").unwrap().status(), 404);
    assert_eq!(gateway.get("/dead").unwrap().status(), 502);
    let mut rows = by_route(&gateway);
    let time = rows.remove(rows.iter().position(|(route, ..)| route == "milliseconds").unwrap());
    assert_eq!(time.1, 2);
    assert!(time.2.parse::<f64>().unwrap() > 0.0, "{time:?}");
    let expected = [
        ("bytes", "20.0"),
        ("bytes-in", "6.0"),
        ("bytes-out", "14.0"),
        ("requests", "2.0"),
        ("units", "5.0"),
    ];
    assert_eq!(rows, expected.map(|(route, total)| (route.to_owned(), 2, total.to_owned())));
}

#[test]
fn a_header_without_a_number_is_worth_nothing() {
    for (field, expected) in [
        ("X-Other: 1", "0.0"),
        ("X-Units: many", "0.0"),
        ("X-Units: -3", "0.0"),
        ("X-Units: 1e3", "0.0"),
        ("X-Units: 0.0000005", "0.0"),
        ("X-Units: 0.0000015", "0.000002"),
    ] {
        let origin = Origin::answering(Answer::bytes(format!(
            "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n{field}\r\n\r\n"
        )));
        let gateway = start(&origin);
        assert_eq!(gateway.get("/units").unwrap().status(), 200);
        assert_eq!(by_route(&gateway), [("units".to_owned(), 1, expected.to_owned())], "{field}");
    }
}
