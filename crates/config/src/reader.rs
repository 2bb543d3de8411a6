//! Reads tables by their sections, and collects what is wrong on the way.

use std::borrow::Cow;
use std::collections::BTreeSet;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use crate::diagnostics::{Diagnostic, Severity, Span};
use crate::environment::{self, Environment};
use crate::findings::Findings;
use crate::form::{Fault, Key, Section, Shape};
use crate::suggest;

/// What reading needs, and what it found wrong.
pub(crate) struct Reader<'a> {
    pub(crate) environment: &'a dyn Environment,
    /// Line starts hold syntax errors: what else is wrong there follows from them.
    broken: Vec<Span>,
    findings: Findings,
    /// Where errors were reported, listed or not.
    error_starts: BTreeSet<usize>,
}

impl<'a> Reader<'a> {
    /// A reader for a text whose syntax is broken on the lines given, in order.
    pub(crate) fn new(environment: &'a dyn Environment, broken: Vec<Span>) -> Self {
        Self { environment, broken, findings: Findings::default(), error_starts: BTreeSet::new() }
    }

    /// Whether the text is not TOML, so that what seems to be missing may be there.
    pub(crate) fn is_broken(&self) -> bool {
        !self.broken.is_empty()
    }

    /// Whether an error would still be listed; if not, nothing need be spent on its hint.
    pub(crate) fn is_listing(&self) -> bool {
        self.findings.has_place()
    }

    pub(crate) fn report(&mut self, diagnostic: Diagnostic) {
        if diagnostic.span.is_some_and(|span| self.is_on_broken_line(span)) {
            return;
        }
        self.report_syntax(diagnostic);
    }

    /// Reports what is on a broken line because it is what breaks it.
    pub(crate) fn report_syntax(&mut self, diagnostic: Diagnostic) {
        if diagnostic.severity == Severity::Error {
            self.error_starts.insert(diagnostic.span.map_or(0, |span| span.start));
        }
        self.findings.add(diagnostic);
    }

    fn is_on_broken_line(&self, span: Span) -> bool {
        let behind = self.broken.partition_point(|line| line.end < span.start);
        self.broken.get(behind).is_some_and(|line| line.start <= span.start)
    }

    /// Whether any error has been reported.
    pub(crate) fn has_errors(&self) -> bool {
        !self.error_starts.is_empty()
    }

    /// Whether an error has been reported within the span.
    pub(crate) fn has_error_within(&self, span: Span) -> bool {
        self.error_starts.range(span.start..span.end.max(span.start + 1)).next().is_some()
    }

    /// Keeps a value from being shown with any problem.
    pub(crate) fn hide(&mut self, value: Span) {
        self.findings.hidden.push(value);
    }

    /// Keeps what stands under a key of secrets from being shown, unless it only says where one is.
    fn hide_secret(&mut self, key: &Key, value: &Spanned<DeValue<'_>>) {
        let is_reference = match value.get_ref() {
            DeValue::String(text) => environment::is_variable(text),
            // Its values are read one by one, and hidden then.
            DeValue::Table(_) => matches!(key.shape, Shape::Map(..)),
            _ => false,
        };
        if !is_reference {
            self.hide(value.span().into());
        }
    }

    /// What was found.
    pub(crate) fn finish(self) -> Findings {
        self.findings
    }

    /// Unwraps what was read, or reports why it could not be.
    pub(crate) fn accept<T>(
        &mut self,
        result: Result<T, Fault>,
        noun: &str,
        key: &Key,
        span: Span,
    ) -> Option<T> {
        result.map_err(|fault| self.fault(fault, noun, key, span)).ok()
    }

    pub(crate) fn fault(&mut self, fault: Fault, noun: &str, key: &Key, span: Span) {
        let message = fault.message.unwrap_or_else(|| format!("invalid {noun} in `{}`", key.name));
        let mut diagnostic = Diagnostic::error(span, message).label(fault.label);
        diagnostic.hint = fault.hint;
        self.report(diagnostic);
    }

    /// The text of a string, or a report that it is none.
    pub(crate) fn text<'v>(
        &mut self,
        value: &'v Spanned<DeValue<'_>>,
        key: &Key,
        shape: &Shape,
    ) -> Option<&'v str> {
        match value.get_ref() {
            DeValue::String(text) => Some(text),
            _ => self.wrong_type(value, key, shape),
        }
    }

    /// Reports a value of another type than expected.
    pub(crate) fn wrong_type<T>(
        &mut self,
        value: &Spanned<DeValue<'_>>,
        key: &Key,
        shape: &Shape,
    ) -> Option<T> {
        let found = match value.get_ref() {
            DeValue::String(_) => "a string",
            DeValue::Integer(_) => "a whole number",
            DeValue::Float(_) => "a number with a fraction",
            DeValue::Boolean(_) => "a boolean",
            DeValue::Datetime(_) => "a date or time",
            DeValue::Array(_) => "a list",
            DeValue::Table(_) => "a table",
        };
        let message = format!("wrong type of value for `{}`", key.name);
        let mut diagnostic = Diagnostic::error(Span::from(value.span()), message)
            .label(format!("expected {}, found {found}", shape.noun()));
        diagnostic.hint = type_hint(value.get_ref(), key, shape);
        self.report(diagnostic);
        None
    }

    /// Reports that a key its section cannot do without is not written.
    pub(crate) fn missing(&mut self, slot: &Slot<'_, '_>) {
        if self.is_broken() || slot.meant {
            return;
        }
        let (key, section) = (slot.key, slot.section);
        self.report(
            Diagnostic::error(slot.within, format!("`{}` is missing", key.name))
                .label(format!("this `{}` needs it", section.title))
                .hint(format!("`{}` is {}", key.name, key.shape.noun())),
        );
    }

    /// Sorts the keys of a table into those of its section; reports all others.
    pub(crate) fn entries<'v, 'i>(
        &mut self,
        value: &'v Spanned<DeValue<'i>>,
        key: &Key,
        section: &'static Section,
    ) -> Option<Entries<'v, 'i>> {
        let DeValue::Table(table) = value.get_ref() else {
            return self.wrong_type(value, key, &Shape::Section(section));
        };
        Some(self.table_entries(table, Some(value.span().into()), section))
    }

    /// As `entries`, for a table that is known to be one.
    pub(crate) fn table_entries<'v, 'i>(
        &mut self,
        table: &'v DeTable<'i>,
        within: Option<Span>,
        section: &'static Section,
    ) -> Entries<'v, 'i> {
        let mut entries = Entries::none(section);
        entries.within = within;
        for (name, value) in table.iter() {
            let span = name.span().into();
            let Some(index) = position(section, name.get_ref()) else {
                self.unknown(name.get_ref(), span, value, &mut entries);
                continue;
            };
            if section.keys[index].secret {
                self.hide_secret(&section.keys[index], value);
            }
            if let Some((first, _)) = entries.found[index] {
                self.twice(section.keys[index].name, first.max(span), first.min(span));
            }
            entries.found[index] = Some((span, value));
        }
        entries
    }

    fn twice(&mut self, name: &str, second: Span, first: Span) {
        self.report(
            Diagnostic::error(second, format!("`{name}` is written twice"))
                .label("`-` and `_` are read alike")
                .also(Some(first), "first here"),
        );
    }

    fn unknown(
        &mut self,
        name: &str,
        span: Span,
        value: &Spanned<DeValue<'_>>,
        entries: &mut Entries<'_, '_>,
    ) {
        let section = entries.section;
        if section.later.contains(&canonical(name).as_ref()) {
            entries.unsupported = true;
            self.report(
                Diagnostic::error(span, format!("`{name}` is not supported by this version"))
                    .label("known, but not built yet")
                    .hint("take it out; nothing is silently ignored"),
            );
            return;
        }
        let mut diagnostic = Diagnostic::error(span, format!("unknown key `{name}`"))
            .label(format!("not a key of `{}`", section.title));
        let has_secrets = section.keys.iter().any(|key| key.secret);
        if has_secrets || self.is_listing() {
            let near = suggest::nearest(name, section.keys.iter().map(|key| key.name));
            entries.meant.extend(near);
            let is_secret = |near| section.keys.iter().any(|key| key.secret && key.name == near);
            // A table of several lines begins before its name; only what stands behind it is a value.
            if has_secrets && near.is_none_or(is_secret) && value.span().start > span.start {
                self.hide(value.span().into());
            }
            diagnostic.hint = Some(unknown_hint(near, section));
        }
        self.report(diagnostic);
    }
}

fn type_hint(value: &DeValue<'_>, key: &Key, shape: &Shape) -> Option<String> {
    match (shape, value) {
        (Shape::List(Shape::Section(section)), DeValue::Table(_)) => {
            Some(format!("write `{}` with two brackets for each", section.title))
        }
        (Shape::List(Shape::Section(section)), _) => {
            Some(format!("write `{}` on a line of its own and its keys below", section.title))
        }
        (Shape::Section(section), _) => Some(format!("its keys are {}", known_keys(section))),
        (Shape::List(_), DeValue::String(text)) if text.len() <= 64 && !text.contains('@') => {
            Some(format!("write `{} = [\"{text}\"]`", key.name))
        }
        (Shape::Count, DeValue::String(text)) if text.parse::<u64>().is_ok() => {
            Some(format!("write `{} = {text}`, without quotes", key.name))
        }
        (Shape::Boolean, DeValue::String(text)) if matches!(&**text, "true" | "false") => {
            Some(format!("write `{} = {text}`, without quotes", key.name))
        }
        _ => None,
    }
}

fn unknown_hint(near: Option<&str>, section: &Section) -> String {
    if let Some(near) = near {
        return format!("did you mean `{near}`?");
    }
    format!("known here: {}", known_keys(section))
}

fn known_keys(section: &Section) -> String {
    let known: Vec<String> = section.keys.iter().map(|key| format!("`{}`", key.name)).collect();
    known.join(", ")
}

/// The spelling keys are compared in.
fn canonical(name: &str) -> Cow<'_, str> {
    match name.contains('-') {
        true => Cow::Owned(name.replace('-', "_")),
        false => Cow::Borrowed(name),
    }
}

fn position(section: &Section, name: &str) -> Option<usize> {
    let name = canonical(name);
    section.keys.iter().position(|key| canonical(key.name) == name)
}

/// The keys of one table, sorted by its section.
pub(crate) struct Entries<'v, 'i> {
    section: &'static Section,
    within: Option<Span>,
    found: Vec<Option<Found<'v, 'i>>>,
    /// Keys that unknown ones were probably meant to be.
    meant: Vec<&'static str>,
    /// Whether a key of a later version is written.
    unsupported: bool,
}

/// Where the key stands, and its value.
type Found<'v, 'i> = (Span, &'v Spanned<DeValue<'i>>);

impl<'v, 'i> Entries<'v, 'i> {
    /// The entries of a table that is not written.
    pub(crate) fn none(section: &'static Section) -> Self {
        let found = vec![None; section.keys.len()];
        Self { section, within: None, found, meant: Vec::new(), unsupported: false }
    }

    /// One slot for each key, in the order of the section.
    pub(crate) fn slots(&self) -> impl Iterator<Item = Slot<'v, 'i>> {
        self.section.keys.iter().zip(&self.found).map(|(key, found)| Slot {
            key,
            section: self.section,
            within: self.within,
            meant: self.meant.contains(&key.name),
            entry: found.map(|(_, value)| value),
        })
    }

    /// Where each written key stands.
    pub(crate) fn written(&self) -> Written {
        let keys = self.section.keys.iter().zip(&self.found);
        let keys = keys.filter_map(|(key, found)| {
            let (span, value) = (*found)?;
            Some((key.name, span, value.span().into()))
        });
        Written { keys: keys.collect(), meant: self.meant.clone(), unsupported: self.unsupported }
    }
}

/// The place of one key in a table.
pub(crate) struct Slot<'v, 'i> {
    pub(crate) key: &'static Key,
    section: &'static Section,
    within: Option<Span>,
    meant: bool,
    pub(crate) entry: Option<&'v Spanned<DeValue<'i>>>,
}

/// Which keys of a table were written, and where.
#[derive(Clone, Debug, Default)]
pub(crate) struct Written {
    /// Name, place of the key, place of the value.
    keys: Vec<(&'static str, Span, Span)>,
    meant: Vec<&'static str>,
    /// Whether a key of a later version is written, so that what seems to be missing may be it.
    pub(crate) unsupported: bool,
}

impl Written {
    /// Where the key stands.
    pub(crate) fn key(&self, name: &str) -> Option<Span> {
        self.keys.iter().find(|(key, ..)| *key == name).map(|(_, span, _)| *span)
    }

    /// Where its value stands.
    pub(crate) fn value(&self, name: &str) -> Option<Span> {
        self.keys.iter().find(|(key, ..)| *key == name).map(|(.., span)| *span)
    }

    /// Whether the key is written, or an unknown one that is probably meant to be it.
    pub(crate) fn meant(&self, name: &str) -> bool {
        self.key(name).is_some() || self.meant.contains(&name)
    }
}
