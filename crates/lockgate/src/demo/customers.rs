//! The demonstration's two users and their keys, made through the admin API like anybody's.

use std::net::SocketAddr;
use std::thread;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::traffic;
use crate::client::{Client, Request, User, UserName};
use crate::failure::Failure;

/// Who uses the demonstration.
const USERS: [(&str, &str); 2] = [("Ada", "ada@example.com"), ("Grace", "grace@example.com")];
/// Longest wait until a new key is in force, and the pause between two looks.
const IN_FORCE_WITHIN: Duration = Duration::from_secs(5);
const LOOK_EVERY: Duration = Duration::from_millis(10);

/// Makes the users, unless a start before did, and a new key for each, in force; the text of an older one nobody knows any more.
pub(super) fn prepare(client: &Client, gateway: Option<SocketAddr>) -> Result<Vec<String>, Failure> {
    let keys = USERS.map(|(name, email)| make_key(client, user_id(client, name, email)?));
    let keys = keys.into_iter().collect::<Result<Vec<String>, Failure>>()?;
    for (key, gateway) in keys.iter().zip(gateway.into_iter().cycle()) {
        await_key(key, gateway);
    }
    Ok(keys)
}

fn user_id(client: &Client, name: &str, email: &str) -> Result<u64, Failure> {
    match UserName::Email(email.into()).id(client) {
        Err(failure) if failure.exit_status() == 1 => {
            let body = json!({ "name": name, "email": email });
            let user: User =
                client.json(&Request::post("/users", body, format!("user `{email}` is not made")))?;
            Ok(user.id)
        }
        found => found,
    }
}

fn make_key(client: &Client, user: u64) -> Result<String, Failure> {
    let body = json!({ "name": "demo", "environment": "demo" });
    let request = Request::post(format!("/users/{user}/keys"), body, format!("user {user} gets no key"));
    let key: Value = client.json(&request)?;
    Ok(key["secret"].as_str().unwrap_or_default().to_owned())
}

/// Waits until the gateway knows a key. If it does not in time, its users see it say so.
fn await_key(key: &str, gateway: SocketAddr) {
    let end = Instant::now() + IN_FORCE_WITHIN;
    while Instant::now() < end && traffic::is_refused(gateway, "/metered/hello", key) {
        thread::sleep(LOOK_EVERY);
    }
}
