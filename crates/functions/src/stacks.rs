//! How many stacks an instance of a component holds at most.
//!
//! In the async component model each task runs on a stack of its own, and keeps it while it waits inside a call of the host. An instance
//! inside the component lets in one such task at a time (the specification's "exclusive" tasks, `definitions.py`), so that there are as
//! many as it has instances with functions to be called, and one more for the engine itself.

use wasmparser::{
    BinaryReaderError, CanonicalFunction, ComponentAlias, ComponentExternalKind, ComponentInstance,
    ComponentOuterAliasKind, ComponentTypeRef, Parser, Payload,
};

/// Most stacks that one instance of this component holds at once.
pub(crate) fn needed(component: &[u8]) -> u32 {
    // What cannot be read has not been compiled either.
    let tasks = tasks(component).unwrap_or(UNKNOWN);
    u32::try_from(tasks).unwrap_or(u32::MAX).saturating_add(1)
}

/// Of a component that comes from elsewhere: as many as there can be.
const UNKNOWN: u64 = u64::MAX;

/// A component that is being read.
#[derive(Default)]
struct Reading {
    /// Of each component that can be named here, how many tasks its instance runs.
    components: Vec<u64>,
    /// Whether functions of its own can be called.
    lifts: bool,
    /// Tasks of the instances made in it.
    inner: u64,
}

impl Reading {
    fn tasks(&self) -> u64 {
        self.inner.saturating_add(u64::from(self.lifts))
    }

    fn component(&self, index: u32) -> u64 {
        self.components.get(index as usize).copied().unwrap_or(UNKNOWN)
    }
}

fn tasks(component: &[u8]) -> Result<u64, BinaryReaderError> {
    // The components around the one being read, and itself; a core module is none.
    let mut open: Vec<Option<Reading>> = vec![Some(Reading::default())];
    for payload in Parser::new(0).parse_all(component) {
        match payload? {
            Payload::ModuleSection { .. } => open.push(None),
            Payload::ComponentSection { .. } => open.push(Some(Reading::default())),
            Payload::End(_) => {
                let tasks = open.pop().flatten().map(|read| read.tasks());
                match (open.last_mut(), tasks) {
                    (Some(Some(outer)), Some(tasks)) => outer.components.push(tasks),
                    (Some(_), _) => {}
                    (None, tasks) => return Ok(tasks.unwrap_or(UNKNOWN)),
                }
            }
            payload => note(&mut open, payload)?,
        }
    }
    Ok(UNKNOWN)
}

/// Notes what a section says of the innermost component.
fn note(open: &mut [Option<Reading>], payload: Payload<'_>) -> Result<(), BinaryReaderError> {
    let outer_component = |open: &[Option<Reading>], count: u32, index: u32| {
        let depth = open.len().checked_sub(1 + count as usize);
        let outer = depth.and_then(|depth| open[depth].as_ref());
        outer.map_or(UNKNOWN, |outer| outer.component(index))
    };
    match payload {
        Payload::ComponentImportSection(imports) => {
            for import in imports {
                if matches!(import?.ty, ComponentTypeRef::Component(_)) {
                    name(open, UNKNOWN);
                }
            }
        }
        Payload::ComponentAliasSection(aliases) => {
            for alias in aliases {
                match alias? {
                    ComponentAlias::InstanceExport { kind: ComponentExternalKind::Component, .. } => {
                        name(open, UNKNOWN);
                    }
                    ComponentAlias::Outer { kind: ComponentOuterAliasKind::Component, count, index } => {
                        name(open, outer_component(open, count, index));
                    }
                    _ => {}
                }
            }
        }
        Payload::ComponentExportSection(exports) => {
            for export in exports {
                let export = export?;
                if export.kind == ComponentExternalKind::Component {
                    name(open, outer_component(open, 0, export.index));
                }
            }
        }
        Payload::ComponentCanonicalSection(functions) => {
            for function in functions {
                let lifts = matches!(function?, CanonicalFunction::Lift { .. });
                if let Some(Some(innermost)) = open.last_mut() {
                    innermost.lifts |= lifts;
                }
            }
        }
        Payload::ComponentInstanceSection(instances) => {
            for instance in instances {
                if let ComponentInstance::Instantiate { component_index, .. } = instance?
                    && let Some(Some(innermost)) = open.last_mut()
                {
                    innermost.inner = innermost.inner.saturating_add(innermost.component(component_index));
                }
            }
        }
        _ => {}
    }
    Ok(())
}

/// Gives the next index to a component whose instance runs that many tasks.
fn name(open: &mut [Option<Reading>], tasks: u64) {
    if let Some(Some(innermost)) = open.last_mut() {
        innermost.components.push(tasks);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_task_for_each_instance_that_can_be_called_and_one_stack_for_the_engine() {
        for (name, expected) in [("hello", 2), ("hello-p3", 2), ("tables", 2), ("stacks", 14)] {
            let Some(file) = testkit::component(name) else { return };
            assert_eq!(needed(&std::fs::read(file).expect("a component")), expected, "{name}");
        }
    }

    #[test]
    fn components_are_counted_wherever_they_are_named() {
        let check = |text: &str, expected: u32| {
            let text = format!(
                "(component (component $a (core module $m (func (export \"f\"))) (core instance $i (instantiate $m)) (func (export \"f\") (canon lift (core func $i \"f\")))) {text})"
            );
            assert_eq!(needed(&wat::parse_str(&text).expect("a component")), expected, "{text}");
        };
        check("", 1);
        check("(instance (instantiate $a)) (instance (instantiate $a))", 3);
        check(
            "(component $b (instance (instantiate $a)) (instance (instantiate $a))) (instance (instantiate $b)) (instance (instantiate $b))",
            5,
        );
        check("(export $again \"again\" (component $a)) (instance (instantiate $again))", 2);
        check("(import \"c\" (component $c)) (instance (instantiate $c))", u32::MAX);
        assert_eq!(needed(b"no component"), u32::MAX);
    }
}
