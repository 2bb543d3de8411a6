//! The admin API as tests use it.

use serde_json::{Value, json};
use testkit::{GatewayProcess, RawClient, Response};

/// A user with a key.
#[derive(Clone, Debug)]
pub(crate) struct Customer {
    pub(crate) id: u64,
    pub(crate) key_id: u64,
    pub(crate) secret: String,
}

/// Asks the admin side with a JSON body.
pub(crate) fn call(gateway: &GatewayProcess, method: &str, target: &str, body: &Value) -> Response {
    let token = std::fs::read_to_string(gateway.data().join("admin-token")).unwrap();
    let (address, body) = (&gateway.ports().admin, body.to_string());
    let mut client = RawClient::connect(address).unwrap();
    client
        .ask(format!(
            "{method} {target} HTTP/1.1\r\nHost: {address}\r\nAuthorization: Bearer {}\r\n\
             Content-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
            token.trim(),
            body.len()
        ))
        .unwrap()
}

/// The same, for what must succeed with a status; answers its JSON.
#[track_caller]
pub(crate) fn done(gateway: &GatewayProcess, status: u16, method: &str, target: &str, body: &Value) -> Value {
    let response = call(gateway, method, target, body);
    assert_eq!(response.status(), status, "{method} {target}: {}", response.text());
    if response.body.is_empty() { Value::Null } else { response.json() }
}

/// Makes a user and a key that may be used on every route.
#[track_caller]
pub(crate) fn customer(gateway: &GatewayProcess, name: &str) -> Customer {
    let user = json!({ "name": name, "email": format!("{name}@example.com") });
    let id = done(gateway, 201, "POST", "/users", &user)["id"].as_u64().unwrap();
    let key = done(gateway, 201, "POST", &format!("/users/{id}/keys"), &json!({ "name": "first" }));
    let secret = key["secret"].as_str().unwrap().to_owned();
    Customer { id, key_id: key["id"].as_u64().unwrap(), secret }
}
