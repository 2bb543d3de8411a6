//! The names of upstreams and of functions, and which of them are used.

use std::collections::HashMap;

use crate::diagnostics::{Diagnostic, Span};
use crate::document::{Document, Name};
use crate::form::{At, Map};
use crate::reader::Reader;
use crate::suggest;

/// What routes and functions may name.
pub(super) struct AllNames {
    pub(super) upstreams: Names,
    pub(super) functions: Names,
}

/// Names of one kind as written, and their places in the order of the configuration.
pub(super) struct Names {
    /// The key they stand under, and a key that each of them needs.
    noun: &'static str,
    needs: &'static str,
    indices: HashMap<String, usize>,
    order: Vec<(String, Option<Span>)>,
    used: Vec<bool>,
    /// Whether all that was written could be read.
    complete: bool,
}

impl AllNames {
    pub(super) fn of(document: &Document) -> Self {
        Self {
            upstreams: Names::new("upstream", "endpoints", &document.upstream, document),
            functions: Names::new("function", "component", &document.function, document),
        }
    }

    /// Warns of what is defined and not used.
    pub(super) fn warn_of_unused(&self, reader: &mut Reader<'_>) {
        // A route that could not be read may be the one that uses it.
        if reader.has_errors() {
            return;
        }
        self.upstreams.warn_of_unused(reader);
        self.functions.warn_of_unused(reader);
    }
}

impl Names {
    fn new<T>(
        noun: &'static str,
        needs: &'static str,
        written: &At<Map<Name, T>>,
        document: &Document,
    ) -> Self {
        let readable = written.span.is_some() || !document.written.meant(noun);
        let order: Vec<_> =
            written.value.0.iter().map(|(name, _)| (name.value.0.clone(), name.span)).collect();
        let indices = order.iter().enumerate().map(|(index, (name, _))| (name.clone(), index)).collect();
        let used = vec![false; order.len()];
        Self { noun, needs, indices, order, used, complete: readable && written.value.1 }
    }

    /// How many there are.
    pub(super) fn count(&self) -> usize {
        self.order.len()
    }

    /// Where the name stands, if it is one of these.
    pub(super) fn place(&self, name: &str) -> Option<Option<Span>> {
        self.indices.get(name).map(|index| self.order[*index].1)
    }

    /// The index of what is named, which is used thereby; or a report that there is no such thing.
    pub(super) fn find(&mut self, name: &Name, span: Option<Span>, reader: &mut Reader<'_>) -> Option<usize> {
        let Self { noun, needs, .. } = *self;
        self.find_or(name, span, || format!("define it with `[{noun}.{}]` and its `{needs}`", name.0), reader)
    }

    /// As `find`; without a name like it the hint is the one given.
    pub(super) fn find_or(
        &mut self,
        name: &Name,
        span: Option<Span>,
        hint: impl FnOnce() -> String,
        reader: &mut Reader<'_>,
    ) -> Option<usize> {
        if let Some(index) = self.indices.get(&name.0) {
            self.used[*index] = true;
            return Some(*index);
        }
        if reader.is_broken() || !self.complete {
            return None;
        }
        let mut problem =
            Diagnostic::error(span, format!("there is no {} `{}`", self.noun, name.0)).label("not defined");
        if reader.is_listing() {
            let near = suggest::nearest(&name.0, self.order.iter().map(|(name, _)| name.as_str()));
            problem = problem.hint(match near {
                Some(near) => format!("did you mean `{near}`?"),
                None => hint(),
            });
        }
        reader.report(problem);
        None
    }

    fn warn_of_unused(&self, reader: &mut Reader<'_>) {
        let noun = self.noun;
        for ((name, span), _) in self.order.iter().zip(&self.used).filter(|(_, used)| !**used) {
            reader.report(
                Diagnostic::warning(*span, format!("{noun} `{name}` is not used"))
                    .label("no route names it")
                    .hint(format!("write `{noun} = \"{name}\"` in a route, or take it out")),
            );
        }
    }
}
