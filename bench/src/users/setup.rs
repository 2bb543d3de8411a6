//! Writes what each contender reads, and says how it is started.

use std::fmt::Write;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::Context;

use super::TOKEN;
use super::contender::Contender;
use super::seed::Key;
use crate::measure::peer::Tools;

/// File of keys in a contender's directory: a key, a space, and the id of its user in each line.
const KEYS_FILE: &str = "keys.txt";
/// What a shared dictionary of NGINX needs for a key of 57 bytes, with room to spare, and at least.
const DICTIONARY_BYTES_PER_KEY: usize = 256;
const DICTIONARY_MIB_MIN: usize = 16;

const GUARD: &str = r#"access = "key"
limit = { rate = "1000000/s", burst = 1000000, per = "user" }
meter = "response-header:x-units"
"#;

/// What a start is made of.
pub(crate) struct Setting<'a> {
    /// Where the contender listens.
    pub(crate) listen: SocketAddr,
    /// Where its admin side listens, if it has one.
    pub(crate) admin: SocketAddr,
    /// Where it forwards to.
    pub(crate) origin: SocketAddr,
    /// Its own directory: configuration, logs, data.
    pub(crate) directory: &'a Path,
    /// The keys it is to know.
    pub(crate) keys: &'a [Key],
}

/// Writes what `contender` reads and returns the command that starts it.
pub(crate) fn command(contender: Contender, setting: &Setting<'_>, tools: &Tools) -> anyhow::Result<Command> {
    let mut command = Command::new(contender.program(tools)?);
    let listen = setting.listen.to_string();
    match contender {
        Contender::Lockgate => {
            lockgate(&mut command, setting, GUARD)?;
        }
        Contender::LockgateOpen => {
            lockgate(&mut command, setting, "")?;
        }
        Contender::NginxLua => {
            write_keys(setting)?;
            setting.write("keys.lua", include_str!("../../peers/nginx-lua/keys.lua"))?;
            let configuration =
                setting.write("nginx.conf", include_str!("../../peers/nginx-lua/nginx.conf"))?;
            command.arg("-e").arg(setting.directory.join("error.log")).arg("-c").arg(configuration);
        }
        Contender::EnvoyLua => {
            write_keys(setting)?;
            setting.write("keys.lua", include_str!("../../peers/envoy-lua/keys.lua"))?;
            envoy(&mut command, setting, include_str!("../../peers/envoy-lua/envoy.yaml"))?;
        }
        Contender::EnvoyKeys => {
            envoy(&mut command, setting, include_str!("../../peers/envoy-keys/envoy.yaml"))?;
        }
        Contender::Go => {
            command.args([&listen]).arg(setting.database()).env("USERS_TOKEN", TOKEN);
        }
        Contender::Node => {
            let server = tools.directory().join("users-node/server.mjs");
            command.arg(server).arg(listen).arg(setting.database()).env("USERS_TOKEN", TOKEN);
        }
    }
    Ok(command)
}

impl Setting<'_> {
    /// The database's file of a users service.
    fn database(&self) -> PathBuf {
        self.data().join("users.db")
    }

    /// What a contender keeps is in here.
    pub(crate) fn data(&self) -> PathBuf {
        self.directory.join("data")
    }

    fn write(&self, name: &str, template: &str) -> anyhow::Result<PathBuf> {
        let path = self.directory.join(name);
        std::fs::write(&path, self.fill(template)?).with_context(|| format!("writing {}", path.display()))?;
        Ok(path)
    }

    fn fill(&self, template: &str) -> anyhow::Result<String> {
        let directory = self.directory.to_str().context("the temporary directory is not UTF-8")?;
        let dictionary = (self.keys.len() * DICTIONARY_BYTES_PER_KEY) >> 20;
        let values = [
            ("{{dir}}", directory.to_owned()),
            ("{{listen}}", self.listen.to_string()),
            ("{{listen_host}}", self.listen.ip().to_string()),
            ("{{listen_port}}", self.listen.port().to_string()),
            ("{{admin}}", self.admin.to_string()),
            ("{{origin}}", self.origin.to_string()),
            ("{{origin_host}}", self.origin.ip().to_string()),
            ("{{origin_port}}", self.origin.port().to_string()),
            ("{{keys_mib}}", dictionary.max(DICTIONARY_MIB_MIN).to_string()),
            ("{{users}}", self.keys.len().to_string()),
        ];
        Ok(values.iter().fold(template.to_owned(), |text, (name, value)| text.replace(name, value)))
    }
}

fn lockgate(command: &mut Command, setting: &Setting<'_>, guard: &str) -> anyhow::Result<()> {
    let template = include_str!("../../peers/lockgate/users.toml").replace("{{guard}}\n", guard);
    let path = setting.write("lockgate.toml", &template)?;
    command.arg("serve").arg(path).env("LOCKGATE_ADMIN_TOKEN", TOKEN);
    Ok(())
}

fn envoy(command: &mut Command, setting: &Setting<'_>, template: &str) -> anyhow::Result<()> {
    let mut credentials = String::new();
    for Key { text, user } in setting.keys {
        writeln!(credentials, "              - {{ key: {text}, client: \"{user}\" }}")?;
    }
    let path = setting.write("envoy.yaml", &template.replace("{{credentials}}", &credentials))?;
    command.args(["--concurrency", "1", "--disable-hot-restart", "-l", "error", "-c"]).arg(path);
    Ok(())
}

fn write_keys(setting: &Setting<'_>) -> anyhow::Result<()> {
    let mut lines = String::new();
    for Key { text, user } in setting.keys {
        writeln!(lines, "{text} {user}")?;
    }
    let path = setting.directory.join(KEYS_FILE);
    std::fs::write(&path, lines).with_context(|| format!("writing {}", path.display()))
}

#[cfg(test)]
mod tests {
    use super::super::seed::made_up_keys;
    use super::*;

    #[test]
    fn no_placeholder_is_left_and_every_key_is_known() {
        let directory = tempfile::tempdir().unwrap();
        let address = |port| SocketAddr::from(([127, 0, 0, 1], port));
        let keys = made_up_keys(12);
        let (listen, admin, origin) = (address(1001), address(1002), address(1003));
        let setting = Setting { listen, admin, origin, directory: directory.path(), keys: &keys };
        let mut command = Command::new("true");
        lockgate(&mut command, &setting, GUARD).unwrap();
        envoy(&mut command, &setting, include_str!("../../peers/envoy-keys/envoy.yaml")).unwrap();
        setting.write("nginx.conf", include_str!("../../peers/nginx-lua/nginx.conf")).unwrap();
        setting.write("envoy-lua.yaml", include_str!("../../peers/envoy-lua/envoy.yaml")).unwrap();
        setting.write("keys.lua", include_str!("../../peers/envoy-lua/keys.lua")).unwrap();
        write_keys(&setting).unwrap();
        let read = |name: &str| std::fs::read_to_string(directory.path().join(name)).unwrap();
        for name in ["lockgate.toml", "envoy.yaml", "nginx.conf", "envoy-lua.yaml", "keys.lua"] {
            assert!(!read(name).contains("{{"), "{name}");
        }
        for name in ["lockgate.toml", "envoy.yaml", "nginx.conf", "envoy-lua.yaml"] {
            assert!(read(name).contains("1001") && read(name).contains("1003"), "{name}");
        }
        for Key { text, user } in &keys {
            assert!(read("envoy.yaml").contains(&format!("{{ key: {text}, client: \"{user}\" }}")));
            assert!(read(KEYS_FILE).contains(&format!("{text} {user}\n")));
        }
    }

    #[test]
    fn an_open_route_asks_for_nothing() {
        let directory = tempfile::tempdir().unwrap();
        let address = SocketAddr::from(([127, 0, 0, 1], 1001));
        let setting = Setting {
            listen: address,
            admin: address,
            origin: address,
            directory: directory.path(),
            keys: &[],
        };
        lockgate(&mut Command::new("true"), &setting, "").unwrap();
        let text = std::fs::read_to_string(directory.path().join("lockgate.toml")).unwrap();
        assert!(!text.contains("access") && !text.contains("{{"), "{text}");
    }
}
