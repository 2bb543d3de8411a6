//! The demonstration's configuration, as one would write it.

use std::net::SocketAddr;
use std::path::Path;

use super::services::Services;
use crate::pair::Pair;
use crate::toml_text;

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

fn quoted(path: &Path) -> String {
    toml_text::quoted(&path.to_string_lossy())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pair::Existing;

    fn check(data: &str) {
        let any = SocketAddr::from(([127, 0, 0, 1], 9001));
        let folder = tempfile::tempdir().unwrap();
        let pair = Pair::within(folder.path());
        pair.self_signed(&["localhost".to_owned()], 1, Existing::Keep).unwrap();
        let data = Path::new(data);
        let text = text(&Places {
            gateway: SocketAddr::from(([127, 0, 0, 1], 0)),
            admin: SocketAddr::from(([127, 0, 0, 1], 0)),
            tls: Some((0, &pair)),
            data,
            services: &Services { orders: any, orders_next: any, inventory: any, letters: any },
            thumbnails: Some(&data.join("thumbnails.wasm")),
        });
        let loaded = config::load_text("demo", Path::new(""), &text, &config::ProcessEnvironment);
        let loaded = loaded.unwrap_or_else(|problems| panic!("{}\n{text}", problems.render(false)));
        assert_eq!(loaded.warnings.len(), 0, "{}", loaded.warnings);
        assert_eq!(loaded.config.data.dir, data);
    }

    #[test]
    fn the_configuration_has_no_problem_and_no_warning() {
        check("/tmp/it's \"here\"");
        check("/tmp/no\u{a0}break\u{200b} \u{7f}\u{1b}\\");
    }
}
