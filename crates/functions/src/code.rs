//! A component as machine code, for the simplest model that it fits.

use wasmtime::component::Component;
use wasmtime::{Engine, Result};

use crate::engine::{self, Model};
use crate::linker;

/// Machine code of a component in the engine's own form; the last byte is the model of the engines that run it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Code(Vec<u8>);

const SYNC: u8 = 0;
const ASYNC: u8 = 1;

impl Code {
    /// Compiles a component.
    pub(crate) fn of(component: &[u8]) -> Result<Self> {
        // What is not valid without tasks, streams and futures is refused long before any code is made of it.
        if let Ok(compiled) = compile(Model::Sync, component)
            && !linker::wants_async(&compiled)
        {
            return Self::new(SYNC, &compiled);
        }
        Self::new(ASYNC, &compile(Model::Async, component)?)
    }

    fn new(tag: u8, compiled: &Component) -> Result<Self> {
        let mut bytes = compiled.serialize()?;
        bytes.push(tag);
        Ok(Self(bytes))
    }

    /// Takes what [`Self::as_bytes`] gave; `None`: it is something else.
    pub(crate) fn from_bytes(bytes: Vec<u8>) -> Option<Self> {
        matches!(bytes.last(), Some(&(SYNC | ASYNC))).then_some(Self(bytes))
    }

    pub(crate) fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// What runs it.
    pub(crate) fn model(&self) -> Model {
        if self.0.last() == Some(&SYNC) { Model::Sync } else { Model::Async }
    }

    /// Maps the code into memory, to be run by an engine of its model.
    #[allow(unsafe_code, reason = "the engine's only way to take compiled code")]
    pub(crate) fn map(&self, engine: &Engine) -> Result<Component> {
        let machine = self.0.split_last().map_or(&[][..], |(_, machine)| machine);
        // SAFETY: the code was made by `Code::of` of this program: in this run, or in another, which signed it with a key that
        // only the gateway can read (`Cache::get`). The engine checks that its own settings are those it was made for.
        unsafe { Component::deserialize(engine, machine) }
    }
}

fn compile(model: Model, component: &[u8]) -> Result<Component> {
    Component::from_binary(&engine::compiling_engine(model)?, component)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A component that imports an empty instance of that name, and nothing else.
    fn importing(name: &str) -> Vec<u8> {
        let length = u8::try_from(name.len()).expect("a short name");
        let mut bytes = b"\0asm\x0d\0\x01\0\x07\x03\x01\x42\x00\x0a".to_vec();
        bytes.extend([length + 5, 1, 0, length]);
        bytes.extend(name.as_bytes());
        bytes.extend([5, 0]);
        bytes
    }

    #[test]
    fn a_component_is_compiled_for_the_simplest_model_that_it_fits() {
        for (name, expected) in [
            ("wasi:random/random@0.2.10", Model::Sync),
            ("wasi:random/random@0.3.0", Model::Async),
            ("some:thing/else@0.3.0", Model::Sync),
        ] {
            let code = Code::of(&importing(name)).expect("code");
            assert_eq!(code.model(), expected, "{name}");
        }
        for (name, expected) in [("hello", Model::Sync), ("hello-p3", Model::Async)] {
            let Some(file) = testkit::component(name) else { return };
            let code = Code::of(&std::fs::read(file).expect("a component")).expect("code");
            assert_eq!(code.model(), expected, "{name}");
            let other = if expected == Model::Sync { Model::Async } else { Model::Sync };
            let engine = |model| engine::compiling_engine(model).expect("an engine");
            assert!(code.map(&engine(expected)).is_ok(), "{name}");
            assert!(code.map(&engine(other)).is_err(), "{name}");
        }
    }

    #[test]
    fn what_is_no_code_is_not_taken_for_it() {
        assert_eq!(Code::from_bytes(Vec::new()), None);
        assert_eq!(Code::from_bytes(b"code".to_vec()), None);
    }
}
