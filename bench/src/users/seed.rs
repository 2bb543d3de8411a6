//! Users and keys, made through each service's own API and kept for every start.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use anyhow::Context;

use super::TOKEN;
use super::client::Client;

/// Connections that make users and keys at the same time.
const MAKERS: usize = 8;
/// Keys that one user has.
const KEYS_PER_USER: usize = 10;

/// A key and whose it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Key {
    pub(crate) text: String,
    pub(crate) user: u64,
}

/// Makes `count` users and returns their ids.
pub(crate) fn users(address: SocketAddr, count: usize) -> anyhow::Result<Vec<u64>> {
    spread(address, count, |client, index| {
        let body = format!(r#"{{"name":"User {index}","email":"user-{index}@example.com"}}"#);
        let user = client.create("/users", &body)?;
        user["id"].as_u64().with_context(|| format!("no id in {user}"))
    })
}

/// Makes `count` keys for the first of `users` and returns them.
pub(crate) fn keys(address: SocketAddr, users: &[u64], count: usize) -> anyhow::Result<Vec<Key>> {
    spread(address, count, |client, index| {
        let user = users[index / KEYS_PER_USER % users.len()];
        let key = client.create(&format!("/users/{user}/keys"), r#"{"name":"bench"}"#)?;
        let text = key["secret"].as_str().with_context(|| format!("no secret in key {}", key["id"]))?;
        Ok(Key { text: text.to_owned(), user })
    })
}

/// Keys of the same form for a run without Lockgate, which would make them.
pub(crate) fn made_up_keys(count: usize) -> Vec<Key> {
    let mut state = 1_u64;
    let mut character = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        char::from(b'a' + (state >> 33) as u8 % 26)
    };
    let mut key = |index: usize| {
        let text = "lg_live_".chars().chain((0..49).map(|_| character())).collect();
        Key { text, user: (index / KEYS_PER_USER + 1) as u64 }
    };
    (0..count).map(&mut key).collect()
}

/// Does `make` for 0 to `count`, on several connections, and returns what it gave in that order.
fn spread<T: Send>(
    address: SocketAddr,
    count: usize,
    make: impl Fn(&mut Client, usize) -> anyhow::Result<T> + Sync,
) -> anyhow::Result<Vec<T>> {
    let part = count.div_ceil(MAKERS).max(1);
    let work = |start: usize| -> anyhow::Result<Vec<T>> {
        let mut client = Client::open(address, TOKEN)?;
        (start..count.min(start + part)).map(|index| make(&mut client, index)).collect()
    };
    std::thread::scope(|scope| {
        let makers: Vec<_> = (0..count).step_by(part).map(|start| scope.spawn(move || work(start))).collect();
        let mut all = Vec::with_capacity(count);
        for maker in makers {
            all.extend(maker.join().map_err(|_| anyhow::anyhow!("a thread that makes users broke"))??);
        }
        Ok(all)
    })
}

/// Copies a directory with all that is in it.
pub(crate) fn copy(from: &Path, to: &Path) -> anyhow::Result<()> {
    let why = || format!("copying {} to {}", from.display(), to.display());
    std::fs::create_dir_all(to).with_context(why)?;
    for entry in std::fs::read_dir(from).with_context(why)? {
        let entry = entry?;
        let target: PathBuf = to.join(entry.file_name());
        if entry.file_type()?.is_dir() {
            copy(&entry.path(), &target)?;
        } else {
            std::fs::copy(entry.path(), &target).with_context(why)?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn made_up_keys_differ_and_belong_to_users_in_tens() {
        let keys = made_up_keys(25);
        assert_eq!(keys.iter().map(|key| &key.text).collect::<HashSet<_>>().len(), 25);
        assert!(keys.iter().all(|key| key.text.len() == 57));
        assert_eq!((keys[9].user, keys[10].user, keys[24].user), (1, 2, 3));
    }

    #[test]
    fn what_is_made_by_many_comes_in_order() {
        let address = crate::origin::spawn_for_tests();
        for count in [0, 1, 7, 20] {
            let made = spread(address, count, |client, index| {
                client.get("/small").map(|(status, _)| (status, index))
            });
            assert_eq!(made.unwrap(), (0..count).map(|index| (200, index)).collect::<Vec<_>>());
        }
    }

    #[test]
    fn a_directory_is_copied_with_those_in_it() {
        let directory = tempfile::tempdir().unwrap();
        let from = directory.path().join("from");
        std::fs::create_dir_all(from.join("inner")).unwrap();
        std::fs::write(from.join("inner/file"), "text").unwrap();
        copy(&from, &directory.path().join("to")).unwrap();
        assert_eq!(std::fs::read_to_string(directory.path().join("to/inner/file")).unwrap(), "text");
    }
}
