//! The demonstration's configuration, as one would write it.

use std::net::SocketAddr;
use std::path::Path;

use super::services::Services;
use crate::pair::Pair;

/// What the configuration names.
#[derive(Clone, Copy, Debug)]
pub(super) struct Places<'a> {
    pub(super) gateway: SocketAddr,
    pub(super) admin: SocketAddr,
    /// The port of TLS, and what it is spoken with.
    pub(super) tls: Option<(u16, &'a Pair)>,
    pub(super) data: &'a Path,
    pub(super) services: &'a Services,
    /// The component that makes thumbnails, in a build that runs functions.
    pub(super) thumbnails: Option<&'a Path>,
}

/// The configuration.
pub(super) fn text(places: &Places<'_>) -> String {
    let Places { gateway, admin, tls, data, services, thumbnails } = places;
    let tls = tls.map(|(port, pair)| listener(SocketAddr::new(gateway.ip(), port), pair)).unwrap_or_default();
    let Services { orders, orders_next, inventory, letters } = services;
    let data = quoted(data);
    let mut text = format!(
        r#"
[admin]
address = "{admin}"

[data]
dir = {data}

[[listener]]
address = "{gateway}"
protocols = ["h1", "h2c"]
{tls}
[upstream.orders]
endpoints = ["{orders}"]

[upstream.orders-next]
endpoints = ["{orders_next}"]

[upstream.inventory]
endpoints = ["{inventory}"]

[upstream.letters]
endpoints = ["{letters}"]

[[route]]
name     = "orders"
path     = "/orders/*"
upstream = "orders"

[[route]]
name     = "canary"
path     = "/canary/*"
upstream = {{ orders = 80, orders-next = 20 }}
strip    = "/canary"

[[route]]
name     = "inventory"
path     = "/inventory/*"
upstream = "inventory"

[[route]]
name     = "metered"
path     = "/metered/*"
upstream = "letters"
access   = "key"
limit    = {{ rate = "5/s", burst = 10, per = "user" }}
meter    = "response-header:x-units"

[[route]]
name     = "echo"
path     = "/echo"
upstream = "orders"

[[route]]
name     = "old"
path     = "/old/*"
redirect = {{ to = "/orders/7" }}

[[route]]
name    = "hello"
path    = "/"
respond = {{ body = "Hello from lockgate. Try /orders/7 and /inventory/7.\n" }}
"#
    );
    if let Some(component) = thumbnails {
        text.push_str(&function(component));
    }
    text
}

/// A second listener, with a certificate.
fn listener(address: SocketAddr, pair: &Pair) -> String {
    let (certificate, key) = (quoted(&pair.certificate), quoted(&pair.key));
    format!(
        "\n[[listener]]\naddress = \"{address}\"\ntls = [{{ certificate = {certificate}, key = {key} }}]\n"
    )
}

/// A WebAssembly component that answers a route.
fn function(component: &Path) -> String {
    format!(
        r#"
[function.thumbnails]
component = {}
memory    = "64MiB"

[[route]]
name     = "thumbnails"
path     = "/thumbnails/*"
function = "thumbnails"
"#,
        quoted(component)
    )
}

/// A literal string of TOML takes any path but one with a quote, which its Debug form escapes alike.
fn quoted(path: &Path) -> String {
    format!("{:?}", path.display().to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_configuration_has_no_problem_and_no_warning() {
        let any = SocketAddr::from(([127, 0, 0, 1], 9001));
        let folder = tempfile::tempdir().unwrap();
        let pair = Pair::within(folder.path());
        pair.self_signed(&["localhost".to_owned()], 1, false).unwrap();
        let text = text(&Places {
            gateway: SocketAddr::from(([127, 0, 0, 1], 0)),
            admin: SocketAddr::from(([127, 0, 0, 1], 0)),
            tls: Some((0, &pair)),
            data: Path::new("/tmp/it's \"here\""),
            services: &Services { orders: any, orders_next: any, inventory: any, letters: any },
            thumbnails: Some(Path::new("/tmp/it's \"here\"/thumbnails.wasm")),
        });
        let loaded = config::load_text("demo", Path::new(""), &text, &config::ProcessEnvironment).unwrap();
        assert_eq!(loaded.warnings.len(), 0, "{}", loaded.warnings);
        assert_eq!(loaded.config.data.dir, Path::new("/tmp/it's \"here\""));
    }
}
