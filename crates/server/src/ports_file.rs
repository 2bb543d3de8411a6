//! The file that says where a started gateway listens, for whoever started it with port 0.

use std::fs;
use std::io;
use std::net::SocketAddr;
use std::path::Path;

use serde_json::json;

/// Writes `{"listeners":["127.0.0.1:8080"],"admin":"127.0.0.1:9180"}` in one step: the file is there whole or not at all.
pub(crate) fn write(path: &Path, listeners: &[SocketAddr], admin: SocketAddr) -> io::Result<()> {
    let listeners: Vec<String> = listeners.iter().map(SocketAddr::to_string).collect();
    let text = json!({ "listeners": listeners, "admin": admin.to_string() });
    let mut unfinished = path.as_os_str().to_owned();
    unfinished.push(".new");
    fs::write(&unfinished, format!("{text}\n"))?;
    fs::rename(&unfinished, path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_file_names_every_address() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("ports.json");
        let listeners = [([127, 0, 0, 1], 8080).into(), ([127, 0, 0, 1], 8081).into()];
        write(&path, &listeners, ([127, 0, 0, 1], 9180).into()).unwrap();
        let read: serde_json::Value = serde_json::from_slice(&fs::read(&path).unwrap()).unwrap();
        assert_eq!(
            read,
            json!({ "listeners": ["127.0.0.1:8080", "127.0.0.1:8081"], "admin": "127.0.0.1:9180" })
        );
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1);
    }
}
