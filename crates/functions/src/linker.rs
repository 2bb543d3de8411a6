//! The interfaces a guest may import, and what is said of those it may not.

use wasmtime::component::types::ComponentItem;
use wasmtime::component::{Component, Linker};
use wasmtime::{Engine, Result};
use wasmtime_wasi::cli::{WasiCli, WasiCliView};
use wasmtime_wasi::p2::bindings::{cli, random};
use wasmtime_wasi::random::{WasiRandom, WasiRandomView};
use wasmtime_wasi_http::handler::ProxyPre;
use wasmtime_wasi_http::{p2, p3};

use crate::engine::Model;
use crate::guest::Guest;
use crate::nowhere;

/// Packages whose interfaces are there. Files, sockets, environment and arguments are among them, since JavaScript and Python
/// import them whatever they do, but are empty or lead [`nowhere`].
const PACKAGES: [&str; 7] =
    ["wasi:cli", "wasi:clocks", "wasi:filesystem", "wasi:http", "wasi:io", "wasi:random", "wasi:sockets"];

/// All that guests may import, besides what leads [`nowhere`]. Those of WASI 0.3 need the model that is async.
pub(crate) fn linker(engine: &Engine, model: Model) -> Result<Linker<Guest>> {
    let mut linker = Linker::new(engine);
    let l = &mut linker;
    wasmtime_wasi::p2::add_to_linker_proxy_interfaces_async(l)?;
    random::insecure::add_to_linker::<_, WasiRandom>(l, Guest::random)?;
    random::insecure_seed::add_to_linker::<_, WasiRandom>(l, Guest::random)?;
    cli::exit::add_to_linker::<_, WasiCli>(l, Guest::cli)?;
    cli::environment::add_to_linker::<_, WasiCli>(l, Guest::cli)?;
    cli::terminal_input::add_to_linker::<_, WasiCli>(l, Guest::cli)?;
    cli::terminal_output::add_to_linker::<_, WasiCli>(l, Guest::cli)?;
    cli::terminal_stdin::add_to_linker::<_, WasiCli>(l, Guest::cli)?;
    cli::terminal_stdout::add_to_linker::<_, WasiCli>(l, Guest::cli)?;
    cli::terminal_stderr::add_to_linker::<_, WasiCli>(l, Guest::cli)?;
    p2::add_only_http_to_linker_async(l)?;
    wasmtime_wasi_config::add_to_linker(l, Guest::config)?;
    if model == Model::Async {
        wasmtime_wasi::p3::cli::add_to_linker(l)?;
        wasmtime_wasi::p3::clocks::add_to_linker(l)?;
        wasmtime_wasi::p3::random::add_to_linker(l)?;
        p3::add_to_linker(l)?;
    }
    Ok(linker)
}

/// Whether a component imports anything of WASI 0.3.
pub(crate) fn wants_async(component: &Component) -> bool {
    let kind = component.component_type();
    kind.imports(component.engine()).any(|(name, _)| name.starts_with("wasi:") && name.contains("@0.3."))
}

/// Links a component as `wasi:http/service@0.3`, else as `wasi:http/proxy@0.2`.
pub(crate) fn link(linker: &Linker<Guest>, component: &Component) -> Result<ProxyPre<Guest>> {
    let mut linker = linker.clone();
    nowhere::define(&mut linker, component)?;
    let pre = linker.instantiate_pre(component)?;
    match p3::bindings::ServicePre::new(pre.clone()) {
        Ok(service) => Ok(ProxyPre::P3(service)),
        Err(_) => Ok(ProxyPre::P2(p2::bindings::ProxyPre::new(pre)?)),
    }
}

/// An interface or a function that a component imports.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Import {
    /// Its name, as `wasi:http/types@0.2.10`.
    pub name: String,
    /// What to do about it, when it is not provided to functions.
    pub refused: Option<&'static str>,
}

/// What a component imports. Types that come with no code count as provided.
pub(crate) fn imports(component: &Component) -> Vec<Import> {
    let kind = component.component_type();
    kind.imports(component.engine())
        .filter(|(_, import)| !matches!(import.ty, ComponentItem::Type(_)))
        .map(|(name, _)| Import { name: name.to_owned(), refused: refusal(name) })
        .collect()
}

/// Names of what a component exports.
pub(crate) fn exports(component: &Component) -> Vec<String> {
    component.component_type().exports(component.engine()).map(|(name, _)| name.to_owned()).collect()
}

/// Why an import is not there, by its name.
fn refusal(name: &str) -> Option<&'static str> {
    let (interface, version) = name.split_once('@').unwrap_or((name, ""));
    let package = interface.split_once('/').map_or(interface, |(package, _)| package);
    let is_version = |known: &str| version.starts_with(known);
    if PACKAGES.contains(&package) {
        let known = is_version("0.2.") || is_version("0.3.");
        return (!known).then_some("only versions 0.2 and 0.3 of it are provided");
    }
    match package {
        "wasi:config" if version == "0.2.0-rc.1" => None,
        "wasi:config" => Some("`wasi:config/store@0.2.0-rc.1` is provided"),
        "wasi:keyvalue" | "wasi:blobstore" | "wasi:messaging" | "wasi:sql" => {
            Some("functions keep nothing: ask an upstream named in `outbound` instead")
        }
        "wasi:nn" | "wasi:webgpu" | "wasi:graphics-context" => Some("functions have no such device"),
        "wasi:tls" => Some("TLS is the gateway's: ask an upstream named in `outbound`"),
        "wasi:logging" => Some("print to stdout or stderr: both are in the gateway's log"),
        "env" | "wasi_snapshot_preview1" => Some("build for `wasm32-wasip2`, so that it is a component"),
        _ if package.starts_with("fermyon:") || package.starts_with("spin:") => {
            Some("that is Spin's own interface: use `wasi:http`")
        }
        _ => Some("it is no interface of the gateway"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_provided_is_explained() {
        for (name, provided) in [
            ("wasi:http/types@0.2.10", true),
            ("wasi:http/types@0.3.0", true),
            ("wasi:http/types@0.1.0", false),
            ("wasi:cli/stdout@0.2.0", true),
            ("wasi:config/store@0.2.0-rc.1", true),
            ("wasi:config/runtime@0.2.0-draft", false),
            ("wasi:keyvalue/store@0.2.0-draft", false),
            ("fermyon:spin/redis@2.0.0", false),
            ("something", false),
        ] {
            assert_eq!(refusal(name).is_none(), provided, "{name}");
        }
    }
}
