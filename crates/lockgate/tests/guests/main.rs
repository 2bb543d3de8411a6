//! Functions through the running gateway: what guests answer, what becomes of those that misbehave, and what they may ask.
#![allow(clippy::unwrap_used, reason = "a test that panics or prints is doing its work")]
#![cfg(feature = "functions")]

mod answers;
mod before;
mod isolation;
mod limits;
mod outgoing;
mod swap;

use std::path::Path;

use testkit::{GatewayProcess, Response};

/// The program under test.
pub(crate) const LOCKGATE: &str = env!("CARGO_BIN_EXE_lockgate");

/// A gateway that answers everything by one function, with keys of its own section.
#[track_caller]
pub(crate) fn answering(component: &Path, keys: &str) -> GatewayProcess {
    start(&format!(
        "[[listener]]\naddress = \"127.0.0.1:0\"\n[function.guest]\ncomponent = {component:?}\n{keys}\n\
         [[route]]\nname = \"all\"\npath = \"/*\"\nfunction = \"guest\"\n"
    ))
}

#[track_caller]
pub(crate) fn start(config: &str) -> GatewayProcess {
    GatewayProcess::start(LOCKGATE, config).unwrap_or_else(|error| panic!("{error}\n{config}"))
}

/// The token that says why the gateway answered itself.
pub(crate) fn reason(response: &Response) -> String {
    response.json()["reason"].as_str().unwrap_or_default().to_owned()
}

/// The journal's records as lines of JSON, once the gateway has ended.
pub(crate) fn records(gateway: &mut GatewayProcess) -> Vec<serde_json::Value> {
    assert!(gateway.terminate().unwrap().success(), "{}", gateway.log());
    let output = gateway.command(["tail", "--json"]).unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}
