//! Makes sure that a gateway does what it is measured for: whom it lets in, what it passes on, what it counts.

use std::net::SocketAddr;
use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::Context;

use super::TOKEN;
use super::client::Client;
use super::contender::Contender;
use super::seed::Key;
use crate::origin::answers::UNITS;

/// Counted by then: Envoy writes its log every ten seconds.
const COUNTED_WITHIN: Duration = Duration::from_secs(20);
const POLL: Duration = Duration::from_millis(50);

/// Where to look.
pub(crate) struct Place<'a> {
    /// Where the gateway listens.
    pub(crate) listen: SocketAddr,
    /// Where its admin side listens.
    pub(crate) admin: SocketAddr,
    /// Its directory, with its log.
    pub(crate) directory: &'a Path,
}

/// Fails unless `contender` refuses an unknown key, hands on the user and not the key, and counts the units.
pub(crate) fn gateway(contender: Contender, place: &Place<'_>, key: &Key) -> anyhow::Result<()> {
    let (refused, _) = Client::open(place.listen, "unknown")?.get("/metered")?;
    anyhow::ensure!(refused == 401, "{contender} answers an unknown key with {refused}");
    let mut client = Client::open(place.listen, &key.text)?;
    let (status, seen) = client.get("/mirror")?;
    let seen = String::from_utf8_lossy(&seen).to_ascii_lowercase();
    anyhow::ensure!(status == 200, "{contender} answers a known key with {status}");
    anyhow::ensure!(names_user(&seen, key.user), "{contender} does not say who asks: {seen}");
    anyhow::ensure!(!seen.contains("bearer"), "{contender} hands on the key: {seen}");
    let (status, _) = client.get("/metered")?;
    anyhow::ensure!(status == 200, "{contender} answers {status}");
    let start = Instant::now();
    while !is_counted(contender, place, key.user)? {
        anyhow::ensure!(start.elapsed() < COUNTED_WITHIN, "{contender} does not count units");
        std::thread::sleep(POLL);
    }
    Ok(())
}

fn names_user(head: &str, user: u64) -> bool {
    let fields = head.lines().filter_map(|line| line.split_once(": "));
    fields
        .filter(|(name, _)| ["x-user", "x-lockgate-user"].contains(name))
        .any(|(_, value)| value.parse() == Ok(user))
}

/// In Lockgate's usage; in another's access log.
fn is_counted(contender: Contender, place: &Place<'_>, user: u64) -> anyhow::Result<bool> {
    if contender == Contender::Lockgate {
        let (status, usage) = Client::open(place.admin, TOKEN)?.get(&format!("/users/{user}/usage"))?;
        anyhow::ensure!(status == 200, "the usage of user {user}: {status}");
        let usage: serde_json::Value = serde_json::from_slice(&usage)?;
        // More where the request that waited for the start had a key of the same user.
        let units: f64 = UNITS.parse()?;
        return Ok(usage[0]["total_value"].as_f64().is_some_and(|total| total >= units));
    }
    let path = place.directory.join("access.log");
    let log = std::fs::read_to_string(&path).with_context(|| format!("reading {}", path.display()))?;
    Ok(log.lines().any(|line| {
        let has = |word: &str| line.split(' ').any(|found| found == word);
        has(&user.to_string()) && has(UNITS)
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_user_is_named_by_a_field_of_its_own() {
        assert!(names_user("get / http/1.1\r\nx-user: 7\r\nhost: a\r\n\r\n", 7));
        assert!(names_user("get / http/1.1\r\nx-lockgate-user: 7\r\n\r\n", 7));
        assert!(!names_user("get / http/1.1\r\nx-user: 71\r\nx-other: 7\r\n\r\n", 7));
    }

    #[test]
    fn a_gateway_that_lets_everybody_in_is_found_out() {
        let origin = crate::origin::spawn_for_tests();
        let place = Place { listen: origin, admin: origin, directory: Path::new("/nonexistent") };
        let key = Key { text: "key".into(), user: 1 };
        let error = gateway(Contender::NginxLua, &place, &key).unwrap_err();
        assert_eq!(error.to_string(), "NGINX with Lua answers an unknown key with 200");
    }
}
