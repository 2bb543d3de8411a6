//! Writes what each contender reads, and says how it is started.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::Context;

use super::contender::{Contender, REUSE};
use crate::measure::peer::{Peer, Tools};

const LOCKGATE: &str = include_str!("../../peers/functions/lockgate.toml");
const NGINX: &str = include_str!("../../peers/functions/nginx.conf");
const HAPROXY: &str = include_str!("../../peers/functions/haproxy.cfg");
const HAPROXY_HELLO: &str = include_str!("../../peers/functions/hello.lua");
const WORKERD: &str = include_str!("../../peers/functions/workerd/hello.capnp");
const WORKERD_HELLO: &str = include_str!("../../peers/functions/workerd/hello.js");

/// The interfaces beyond `wasi:http` that a component built for `wasm32-wasip2` imports; the gateway has them, too.
const WASMTIME_INTERFACES: [&str; 1] = ["-Scli"];

/// Makes `wasmtime serve` fastest with this work: pages of the last instance are set to zero instead of being given back to the kernel.
const WASMTIME_TUNED: [&str; 4] = [
    "-Opooling-allocator=y",
    "-Opooling-memory-keep-resident=131072",
    "-Opooling-table-keep-resident=131072",
    "-Opooling-async-stack-keep-resident=65536",
];

/// Where a start takes place.
pub(crate) struct Place {
    /// Where the contender listens.
    pub(crate) listen: SocketAddr,
    /// Where its admin side listens, if it has one.
    pub(crate) admin: SocketAddr,
    /// Its own directory: configuration, logs, data.
    pub(crate) directory: PathBuf,
}

/// What the gateway is configured with beside what all configurations have.
#[derive(Default)]
pub(crate) struct Gateway {
    pub(crate) workers: usize,
    /// Sections of the configuration.
    pub(crate) rest: String,
}

impl Gateway {
    /// One worker and nothing to do.
    pub(crate) fn new() -> Self {
        Self { workers: 1, rest: String::new() }
    }

    /// A function, and the route of that path alone.
    pub(crate) fn function(mut self, name: &str, path: &str, component: &Path, more: &str) -> Self {
        let component = component.display();
        self.rest += &format!("\n[function.{name}]\ncomponent = \"{component}\"\n{more}\n");
        self.rest += &format!("\n[[route]]\npath = \"{path}\"\nfunction = \"{name}\"\n");
        self
    }

    /// A route that answers by itself.
    pub(crate) fn fixed(mut self, path: &str) -> Self {
        self.rest +=
            &format!("\n[[route]]\npath = \"{path}\"\nrespond = {{ status = 200, body = \"ok\" }}\n");
        self
    }

    /// A route to the origin.
    pub(crate) fn proxied(mut self, path: &str, origin: SocketAddr) -> Self {
        self.rest += &format!("\n[upstream.origin]\nendpoints = [\"{origin}\"]\nidle_connections = 1024\n");
        self.rest += &format!("\n[[route]]\npath = \"{path}\"\nupstream = \"origin\"\n");
        self
    }

    /// Writes the configuration and returns the command that starts it.
    pub(crate) fn command(&self, place: &Place, tools: &Tools) -> anyhow::Result<Command> {
        let mut command = Command::new(tools.program(Peer::Lockgate)?);
        command.arg("serve").arg(self.write(place)?);
        Ok(command)
    }

    fn write(&self, place: &Place) -> anyhow::Result<PathBuf> {
        let text = LOCKGATE.replace("{{workers}}", &self.workers.to_string()).replace("{{rest}}", &self.rest);
        place.write("lockgate.toml", &text)
    }
}

/// Writes what `contender` reads and returns the command that starts it, with `component` where it runs one.
pub(crate) fn command(
    contender: Contender,
    component: &Path,
    place: &Place,
    tools: &Tools,
) -> anyhow::Result<Command> {
    if let Some(reuse) = contender.gateway_reuse() {
        let more = format!("reuse = {reuse}");
        return Gateway::new().function("hello", "/hello", component, &more).command(place, tools);
    }
    let mut command = Command::new(contender.program(tools)?);
    match contender {
        Contender::Wasmtime => wasmtime(&mut command, place, &[], 1),
        Contender::WasmtimeTuned => wasmtime(&mut command, place, &WASMTIME_TUNED, 1),
        Contender::WasmtimeReuse => wasmtime(&mut command, place, &WASMTIME_TUNED, REUSE),
        Contender::NginxLua => {
            let configuration = place.write("nginx.conf", NGINX)?;
            command.arg("-e").arg(place.directory.join("error.log")).arg("-c").arg(configuration);
        }
        Contender::HaproxyLua => {
            place.write("hello.lua", HAPROXY_HELLO)?;
            command.args(["-db", "-f"]).arg(place.write("haproxy.cfg", HAPROXY)?);
        }
        _ => {
            place.write("hello.js", WORKERD_HELLO)?;
            command.arg("serve").arg(place.write("hello.capnp", WORKERD)?);
        }
    }
    if matches!(contender, Contender::Wasmtime | Contender::WasmtimeTuned | Contender::WasmtimeReuse) {
        command.arg(component);
    }
    Ok(command)
}

fn wasmtime(command: &mut Command, place: &Place, options: &[&str], reuse: u32) {
    command.arg("serve").args(WASMTIME_INTERFACES).args(options);
    command.args(["--max-instance-reuse-count", &reuse.to_string(), "--addr", &place.listen.to_string()]);
}

impl Place {
    /// What the gateway keeps is in here.
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
        let (listen, admin) = (self.listen.to_string(), self.admin.to_string());
        let values = [("{{dir}}", directory), ("{{listen}}", &listen), ("{{admin}}", &admin)];
        Ok(values.iter().fold(template.to_owned(), |text, (name, value)| text.replace(name, value)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place(directory: &Path) -> Place {
        let address = |port| SocketAddr::from(([127, 0, 0, 1], port));
        Place { listen: address(1001), admin: address(1002), directory: directory.to_owned() }
    }

    #[test]
    fn no_placeholder_is_left_in_any_configuration() {
        let directory = tempfile::tempdir().unwrap();
        let place = place(directory.path());
        for template in [NGINX, HAPROXY, WORKERD] {
            let text = place.fill(template).unwrap();
            assert!(!text.contains("{{") && text.contains("127.0.0.1:1001"), "{text}");
        }
    }

    #[test]
    fn a_gateway_is_told_of_functions_and_routes() {
        let directory = tempfile::tempdir().unwrap();
        let place = place(directory.path());
        let gateway = Gateway { workers: 2, rest: String::new() }
            .function("hello", "/hello", Path::new("/hello.wasm"), "reuse = 7")
            .fixed("/fixed")
            .proxied("/small", place.listen);
        let text = std::fs::read_to_string(gateway.write(&place).unwrap()).unwrap();
        for part in
            ["count = 2", "component = \"/hello.wasm\"\nreuse = 7\n", "path = \"/fixed\"", "127.0.0.1:1001"]
        {
            assert!(text.contains(part), "{part}: {text}");
        }
        assert!(!text.contains("{{"), "{text}");
    }

    #[test]
    fn the_component_comes_after_the_options() {
        let directory = tempfile::tempdir().unwrap();
        let mut command = Command::new("wasmtime");
        wasmtime(&mut command, &place(directory.path()), &WASMTIME_TUNED, REUSE);
        let words: Vec<_> = command.get_args().map(|word| word.to_str().unwrap()).collect();
        assert_eq!(words[..2], ["serve", "-Scli"]);
        assert!(words.contains(&"1000") && words.ends_with(&["--addr", "127.0.0.1:1001"]), "{words:?}");
    }
}
