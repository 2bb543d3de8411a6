//! Files and sockets, which lead nowhere: guests written in JavaScript or Python import them whatever they do, and behind them there is
//! no code that could open anything.
//!
//! What can be called without having a file, a directory or a socket says that access is denied, that there are no directories, or
//! that an error was none of files. All else is a method of what nobody has.

use wasmtime::component::types::{ComponentFunc, ComponentItem, Type};
use wasmtime::component::{Component, Linker, LinkerInstance, Resource, ResourceAny, ResourceType, Val};
use wasmtime::{AsContextMut, Result, bail};
use wasmtime_wasi::p2::IoError;

use crate::guest::Guest;

/// Packages that are there in name only.
const PACKAGES: [&str; 2] = ["wasi:filesystem/", "wasi:sockets/"];

/// Resources of `wasi:io` that their interfaces use: those are real.
const REAL: [&str; 4] = ["error", "input-stream", "output-stream", "pollable"];

/// What both call the refusal, where they can.
const DENIED: &str = "access-denied";

/// What stands for each of their resources.
struct Nothing;

/// Defines what a component imports of files and sockets, in versions 0.2 and 0.3.
pub(crate) fn define(linker: &mut Linker<Guest>, component: &Component) -> Result<()> {
    let kind = component.component_type();
    let engine = linker.engine().clone();
    for (name, import) in kind.imports(&engine) {
        let ComponentItem::ComponentInstance(interface) = &import.ty else { continue };
        if !is_nowhere(name) {
            continue;
        }
        let mut instance = linker.instance(name)?;
        for (item, export) in interface.exports(&engine) {
            match &export.ty {
                ComponentItem::Resource(_) if !REAL.contains(&item) => {
                    instance.resource(item, ResourceType::host::<Nothing>(), |_, _| Ok(()))?;
                }
                ComponentItem::ComponentFunc(function) => define_function(&mut instance, item, function)?,
                _ => {}
            }
        }
    }
    Ok(())
}

fn is_nowhere(import: &str) -> bool {
    let Some((interface, version)) = import.split_once('@') else { return false };
    PACKAGES.iter().any(|package| interface.starts_with(package))
        && (version.starts_with("0.2.") || version.starts_with("0.3."))
}

fn define_function(
    instance: &mut LinkerInstance<'_, Guest>,
    name: &str,
    function: &ComponentFunc,
) -> Result<()> {
    if function.async_() {
        return instance.func_new_concurrent(name, |accessor, kind, given, results| {
            Box::pin(async move { accessor.with(|store| answer(store, &kind, given, results)) })
        });
    }
    instance.func_new(name, |store, kind, given, results| answer(store, &kind, given, results))
}

/// Answers as whoever has nothing.
fn answer(
    mut store: impl AsContextMut,
    function: &ComponentFunc,
    given: &[Val],
    results: &mut [Val],
) -> Result<()> {
    for value in given {
        let_go(value, &mut store)?;
    }
    let (Some(kind), [result]) = (function.results().next(), results) else {
        bail!("a method of a file or a socket, of which there are none")
    };
    *result = match kind {
        Type::Result(kind) => match kind.err().as_ref().and_then(denied) {
            Some(error) => Val::Result(Err(Some(Box::new(error)))),
            None => bail!("a method of a file, of which there are none"),
        },
        Type::List(_) => Val::List(Vec::new()),
        Type::Option(_) => Val::Option(None),
        // The network, without which no name can be asked for.
        Type::Own(_) => {
            let nothing = Resource::<Nothing>::new_own(0);
            Val::Resource(ResourceAny::try_from_resource(nothing, store)?)
        }
        _ => bail!("a method of a file or a socket, of which there are none"),
    };
    Ok(())
}

/// Lets go of what a guest has lent: the network, or an error of which it wants to know what a file had to do with it.
fn let_go(value: &Val, store: impl AsContextMut) -> Result<()> {
    match value {
        Val::Resource(lent) if lent.ty() == ResourceType::host::<Nothing>() => {
            lent.try_into_resource::<Nothing>(store).map(drop)
        }
        Val::Resource(lent) => lent.try_into_resource::<IoError>(store).map(drop),
        _ => Ok(()),
    }
}

/// The refusal, if errors of this type can say it.
fn denied(error: &Type) -> Option<Val> {
    match error {
        Type::Enum(kind) => kind.names().any(|name| name == DENIED).then(|| Val::Enum(DENIED.into())),
        Type::Variant(kind) => kind
            .cases()
            .any(|case| case.name == DENIED && case.ty.is_none())
            .then(|| Val::Variant(DENIED.into(), None)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_and_sockets_of_known_versions_are_nowhere() {
        for (name, expected) in [
            ("wasi:filesystem/types@0.2.10", true),
            ("wasi:sockets/tcp-create-socket@0.2.0", true),
            ("wasi:sockets/types@0.3.0", true),
            ("wasi:sockets/types@1.0.0", false),
            ("wasi:sockets/types", false),
            ("wasi:io/streams@0.2.10", false),
            ("wasi:socketsandmore/types@0.2.0", false),
        ] {
            assert_eq!(is_nowhere(name), expected, "{name}");
        }
    }
}
