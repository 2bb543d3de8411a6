//! `GET /functions` and `lockgate functions list`

use serde_json::Value;
use testkit::{GatewayProcess, component};

use crate::{LOCKGATE, eventually};

/// A gateway with two functions: one answers, one stands before it.
fn start() -> Option<GatewayProcess> {
    let (hello, hostile) = (component("hello")?, component("hostile")?);
    let config = format!(
        "[[listener]]\naddress = \"127.0.0.1:0\"\n\
         [function.greet]\ncomponent = {hello:?}\nmemory = \"32MiB\"\noutbound = [\"http://192.0.2.1:81\"]\n\
         [function.bad]\ncomponent = {hostile:?}\ntime = \"5s\"\n\
         [[route]]\nname = \"front\"\npath = \"/*\"\nbefore = [\"bad\"]\nfunction = \"greet\"\n\
         [[route]]\nname = \"plain\"\npath = \"/plain\"\nfunction = \"greet\"\n"
    );
    Some(GatewayProcess::start(LOCKGATE, &config).unwrap_or_else(|error| panic!("{error}\n{config}")))
}

/// The functions once so many calls of both together have ended: a call ends a moment after its answer.
fn functions(gateway: &GatewayProcess, calls: u64) -> Vec<Value> {
    eventually("the ends of the calls", || {
        let functions: Vec<Value> =
            serde_json::from_str(&gateway.admin("GET", "/functions").unwrap().text()).unwrap();
        let sum: u64 = functions.iter().map(|function| function["calls"].as_u64().unwrap()).sum();
        let running = functions.iter().any(|function| function["running"] != 0);
        (sum == calls && !running).then_some(functions)
    })
}

fn named<'a>(functions: &'a [Value], name: &str) -> &'a Value {
    functions.iter().find(|function| function["name"] == name).unwrap()
}

#[test]
fn the_api_says_what_functions_are_and_did() {
    let Some(gateway) = start() else { return };
    for (path, status) in [("/plain", 200), ("/panic", 500), ("/recurse", 500)] {
        assert_eq!(gateway.get(path).unwrap().status(), status, "{path}\n{}", gateway.log());
    }
    let functions = functions(&gateway, 3);
    let (greet, bad) = (named(&functions, "greet"), named(&functions, "bad"));
    assert_eq!(
        (&greet["routes"], &greet["before"]),
        (&serde_json::json!(["front", "plain"]), &serde_json::json!([]))
    );
    assert_eq!((&bad["routes"], &bad["before"]), (&serde_json::json!([]), &serde_json::json!(["front"])));
    assert_eq!(
        (&greet["outbound"], &greet["interface"]),
        (&serde_json::json!(["192.0.2.1:81"]), &"wasi:http/proxy@0.2".into())
    );
    assert_eq!(
        (&greet["limits"]["memory_bytes"], &bad["limits"]["time_ms"]),
        (&33_554_432.into(), &5000.into())
    );
    assert_eq!(greet["limits"]["request_body_bytes"], 16 << 20);
    assert_eq!((&greet["calls"], &greet["failures"]), (&1.into(), &serde_json::json!({})));
    assert_eq!(bad["failures"], serde_json::json!({ "function_trapped": 1, "function_stack": 1 }));
    assert!(
        greet["cpu_seconds"].as_f64().unwrap() > 0.0 && greet["memory_bytes_max"].as_u64().unwrap() > 65_535
    );
    assert!(greet["component"].as_str().unwrap().ends_with("hello.wasm"));
    assert_eq!((greet["hash"].as_str().unwrap().len(), greet["loaded_at"].as_str().unwrap().len()), (64, 27));
}

#[test]
fn the_command_prints_a_table_and_json() {
    let Some(gateway) = start() else { return };
    assert_eq!(gateway.get("/plain").unwrap().status(), 200);
    functions(&gateway, 1);
    let list = |arguments: &[&str]| {
        let asked = ["functions", "list", "--admin", gateway.ports().admin.as_str()];
        let output = gateway.command([&asked, arguments].concat()).unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    };
    let table = list(&[]);
    let lines: Vec<_> = table.lines().map(|line| line.split_whitespace().collect::<Vec<_>>()).collect();
    assert_eq!(lines[0][..4], ["NAME", "INTERFACE", "WHERE", "CALLS"], "{table}");
    assert_eq!(lines[1][..5], ["greet", "wasi:http/proxy@0.2", "front,", "plain", "1"], "{table}");
    assert_eq!(lines[2][..5], ["bad", "wasi:http/proxy@0.2", "before", "front", "0"], "{table}");
    let json: Vec<Value> = serde_json::from_str(&list(&["--json"])).unwrap();
    assert_eq!(json, functions(&gateway, 1));
}
