//! Many functions in one gateway: how long it starts, and how much memory it has once each was called.

use std::path::PathBuf;

use anyhow::Context;

use super::contender::Language;
use super::driver::{Code, Driver, start_us};
use super::record::{Copies, ManySample};
use super::setup::{Gateway, Place};
use crate::measure::process::Process;
use crate::measure::usage::Memory;
use crate::users::client::Client;

/// Starts a gateway with `count` functions, first with nothing compiled, then `again` times.
pub(crate) fn measure(
    driver: &Driver,
    copies: Copies,
    count: usize,
    again: usize,
) -> anyhow::Result<Vec<ManySample>> {
    let place = driver.place(Code::Missing)?;
    let gateway = gateway(driver, copies, count, &place)?;
    let mut samples = Vec::new();
    for before in 0..=again {
        let process = driver.start_gateway(&gateway, &place)?;
        call_each(&place, count)?;
        let (start_us, memory) = (start_us(&process), Memory::of(&process.pids));
        samples.push(ManySample { copies, functions: count, before, start_us, memory });
        Process::stop(process)?;
    }
    Ok(samples)
}

/// The first answers `/hello`, and each has a path of its own.
fn gateway(driver: &Driver, copies: Copies, count: usize, place: &Place) -> anyhow::Result<Gateway> {
    let component = Language::Rust.component(&driver.functions)?;
    let bytes = std::fs::read(&component).with_context(|| format!("reading {}", component.display()))?;
    let mut gateway = Gateway::new().function("hello", "/hello", &component, "");
    for index in 0..count {
        let component = match copies {
            Copies::Same => component.clone(),
            Copies::Different => copy(place, &bytes, index)?,
        };
        let name = format!("copy-{index}");
        gateway = gateway.function(&name, &format!("/{name}"), &component, "");
    }
    Ok(gateway)
}

/// Writes the component with a section added that means nothing and is in no other copy.
fn copy(place: &Place, component: &[u8], index: usize) -> anyhow::Result<PathBuf> {
    let path = place.directory.join(format!("copy-{index}.wasm"));
    let name = format!("copy {index}");
    std::fs::write(&path, [component, &custom_section(&name)].concat())
        .with_context(|| format!("writing {}", path.display()))?;
    Ok(path)
}

/// A custom section of a name of at most 100 bytes and no content: its number, its size, its name (WebAssembly core specification, 5.5.3).
fn custom_section(name: &str) -> Vec<u8> {
    let length = u8::try_from(name.len()).expect("names are short");
    [&[0, length + 1, length], name.as_bytes()].concat()
}

fn call_each(place: &Place, count: usize) -> anyhow::Result<()> {
    let mut client = Client::open(place.listen, "none")?;
    for index in 0..count {
        let (status, _) = client.get(&format!("/copy-{index}"))?;
        anyhow::ensure!(status == 200, "function {index} of {count} answers {status}");
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_section_says_how_long_it_is() {
        assert_eq!(custom_section("ab"), [0, 3, 2, b'a', b'b']);
    }
}
