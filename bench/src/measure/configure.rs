//! Writes each peer's configuration from its template, and says how it is started.

mod front;

use std::fmt::Write;
use std::net::SocketAddr;
use std::path::Path;
use std::process::Command;

use anyhow::Context;

use super::peer::{Peer, Tools};

pub(crate) use front::{Back, Front};

/// What a template is filled with.
pub(crate) struct Setting<'a> {
    /// Where the peer listens.
    pub(crate) listen: SocketAddr,
    /// Where it forwards to.
    pub(crate) origin: SocketAddr,
    /// Where its admin side listens, if it has one.
    pub(crate) admin: SocketAddr,
    /// Its own directory: configuration, logs, data.
    pub(crate) directory: &'a Path,
    /// Routes beside the one for everything.
    pub(crate) routes: usize,
    /// What clients speak.
    pub(crate) front: Front<'a>,
    /// What the origin speaks.
    pub(crate) back: Back,
}

/// Writes what `peer` reads and returns the command that starts it.
pub(crate) fn command(peer: Peer, setting: &Setting<'_>, tools: &Tools) -> anyhow::Result<Command> {
    let mut command = Command::new(tools.program(peer)?);
    let write = |name: &str, template: &str| -> anyhow::Result<_> {
        let path = setting.directory.join(name);
        std::fs::write(&path, fill(template, peer, setting)?)
            .with_context(|| format!("writing {}", path.display()))?;
        Ok(path)
    };
    let (listen, origin) = (setting.listen.to_string(), setting.origin.to_string());
    match peer {
        Peer::Floor => command.args(["floor", &listen, &origin]),
        Peer::Pingora => command.args([listen, origin]),
        Peer::Node => command
            .arg(write("proxy.mjs", include_str!("../../peers/node/proxy.mjs"))?)
            .args([listen, origin]),
        Peer::Lockgate => command
            .arg("serve")
            .arg(write("lockgate.toml", include_str!("../../peers/lockgate/lockgate.toml"))?),
        Peer::Nginx => command
            .arg("-e")
            .arg(setting.directory.join("error.log"))
            .arg("-c")
            .arg(write("nginx.conf", include_str!("../../peers/nginx/nginx.conf"))?),
        Peer::Haproxy => command
            .args(["-db", "-f"])
            .arg(write("haproxy.cfg", include_str!("../../peers/haproxy/haproxy.cfg"))?),
        Peer::Envoy => command
            .args(["--concurrency", "1", "--disable-hot-restart", "-l", "error", "-c"])
            .arg(write("envoy.yaml", include_str!("../../peers/envoy/envoy.yaml"))?),
        Peer::Caddy => command
            .env("GOMAXPROCS", "1")
            .env("HOME", setting.directory)
            .env("XDG_DATA_HOME", setting.directory)
            .env("XDG_CONFIG_HOME", setting.directory)
            .args(["run", "--config"])
            .arg(write("caddy.json", include_str!("../../peers/caddy/caddy.json"))?),
    };
    Ok(command)
}

fn fill(template: &str, peer: Peer, setting: &Setting<'_>) -> anyhow::Result<String> {
    let routes = routes(peer, setting)?;
    let directory = setting.directory.to_str().context("the temporary directory is not UTF-8")?;
    let front = setting.front.words(peer);
    let values = [
        ("{{front}}", front.short),
        ("{{front_more}}", front.more),
        ("{{back}}", setting.back.words(peer).to_owned()),
        ("{{pass}}", setting.back.pass().to_owned()),
        ("{{routes}}", routes),
        ("{{dir}}", directory.to_owned()),
        ("{{listen}}", setting.listen.to_string()),
        ("{{listen_host}}", setting.listen.ip().to_string()),
        ("{{listen_port}}", setting.listen.port().to_string()),
        ("{{origin}}", setting.origin.to_string()),
        ("{{origin_host}}", setting.origin.ip().to_string()),
        ("{{origin_port}}", setting.origin.port().to_string()),
        ("{{admin}}", setting.admin.to_string()),
    ];
    Ok(values.iter().fold(template.to_owned(), |text, (name, value)| text.replace(name, value)))
}

/// The peer's usual words for "requests below /service-N/ go to the origin", N times.
fn routes(peer: Peer, setting: &Setting<'_>) -> anyhow::Result<String> {
    let origin = setting.origin;
    if setting.routes == 0 {
        return Ok(String::new());
    }
    if peer == Peer::Haproxy {
        return haproxy_map(setting);
    }
    let mut text = String::new();
    for index in 0..setting.routes {
        match peer {
            Peer::Nginx => {
                writeln!(text, "        location /service-{index}/ {{ proxy_pass http://origin; }}")?
            }
            Peer::Envoy => writeln!(
                text,
                "              - {{ match: {{ prefix: \"/service-{index}/\" }}, route: {{ cluster: origin, timeout: 0s }} }}"
            )?,
            Peer::Caddy => writeln!(
                text,
                "            {{ \"match\": [{{ \"path\": [\"/service-{index}/*\"] }}], \"terminal\": true, \"handle\": [{{ \"handler\": \"reverse_proxy\", \"transport\": {{ \"protocol\": \"http\" }}, \"upstreams\": [{{ \"dial\": \"{origin}\" }}] }}] }},"
            )?,
            Peer::Lockgate => {
                writeln!(text, "\n[[route]]\npath = \"/service-{index}/*\"\nupstream = \"origin\"")?;
            }
            Peer::Haproxy | Peer::Floor | Peer::Pingora | Peer::Node => {}
        }
    }
    Ok(text)
}

/// HAProxy's own advice for many routes: a map, looked up in a tree.
fn haproxy_map(setting: &Setting<'_>) -> anyhow::Result<String> {
    let path = setting.directory.join("routes.map");
    let lines: String = (0..setting.routes).map(|index| format!("/service-{index}/ origin\n")).collect();
    std::fs::write(&path, lines).with_context(|| format!("writing {}", path.display()))?;
    Ok(format!("    use_backend %[path,map_beg({},origin)]\n", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn setting(directory: &Path, routes: usize) -> Setting<'_> {
        let address = |port| SocketAddr::from(([127, 0, 0, 1], port));
        let (front, back) = (Front::Http1, Back::Http1);
        Setting {
            listen: address(1001),
            origin: address(1002),
            admin: address(1003),
            directory,
            routes,
            front,
            back,
        }
    }

    #[test]
    fn no_placeholder_is_left_in_any_configuration() {
        let directory = tempfile::tempdir().unwrap();
        let templates = [
            (Peer::Nginx, include_str!("../../peers/nginx/nginx.conf")),
            (Peer::Haproxy, include_str!("../../peers/haproxy/haproxy.cfg")),
            (Peer::Envoy, include_str!("../../peers/envoy/envoy.yaml")),
            (Peer::Caddy, include_str!("../../peers/caddy/caddy.json")),
            (Peer::Lockgate, include_str!("../../peers/lockgate/lockgate.toml")),
        ];
        for (peer, template) in templates {
            let fronts = [Front::Http1, Front::Http2Cleartext, Front::Tls(directory.path())];
            for (routes, front) in [0, 3].into_iter().flat_map(|routes| fronts.map(|front| (routes, front))) {
                let back = if routes == 0 { Back::Http1 } else { Back::Http2 };
                let setting = Setting { front, back, ..setting(directory.path(), routes) };
                let text = fill(template, peer, &setting).unwrap();
                assert!(!text.contains("{{"), "{peer}: {text}");
                assert!(text.contains("1001") && text.contains("1002"), "{peer}: {text}");
            }
        }
    }

    #[test]
    fn every_route_is_written() {
        let directory = tempfile::tempdir().unwrap();
        for peer in [Peer::Nginx, Peer::Envoy, Peer::Caddy, Peer::Lockgate] {
            let text = routes(peer, &setting(directory.path(), 3)).unwrap();
            assert_eq!(text.matches("/service-").count(), 3, "{peer}: {text}");
        }
        haproxy_map(&setting(directory.path(), 3)).unwrap();
        assert_eq!(std::fs::read_to_string(directory.path().join("routes.map")).unwrap().lines().count(), 3);
    }
}
