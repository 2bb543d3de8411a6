//! The names of routes: those given, and for all others one that is made of what the route matches and of nothing else, so that
//! neither another route nor the order of the file can give a route's name, which keys and limits hang on, to another.

use std::collections::HashMap;
use std::collections::hash_map::Entry;

use super::{any_path, has_unreadable_match};
use crate::diagnostics::{Diagnostic, Span};
use crate::document::RouteSection;
use crate::environment;
use crate::form::At;
use crate::reader::Reader;

/// Of a longer value the name has a fingerprint: it may be a token, of 16 characters and more, and names are in every log.
const VALUE_BYTES_MAX: usize = 15;
/// Of longer conditions it has a fingerprint, too, so that a key's scopes have room for it.
const CONDITIONS_BYTES_MAX: usize = 100;

/// The name of each route, and reports of those that are the names of two.
pub(super) fn names(written: &[At<RouteSection>], reader: &mut Reader<'_>) -> Vec<String> {
    let given = given(written, reader);
    let mut made: HashMap<String, Made> = HashMap::new();
    let name = |route: &At<RouteSection>| {
        if let Some(name) = &route.value.name {
            return name.value.0.clone();
        }
        let found = Made::of(route);
        let name = found.name();
        if route.value.written.meant("name") || has_unreadable_match(&route.value.written, reader) {
            return name;
        }
        if let Some(first) = given.get(name.as_str()) {
            report(&name, found.place, *first, "this one is named so", reader);
        }
        match made.entry(name.clone()) {
            // Routes that match the same are reported for that.
            Entry::Occupied(first) if first.get().conditions != found.conditions => {
                report(&name, found.place, first.get().place, "and for this one", reader);
            }
            Entry::Occupied(_) => {}
            Entry::Vacant(place) => drop(place.insert(found)),
        }
        name
    };
    written.iter().map(name).collect()
}

/// The names that are written, each with its place; and reports of those that are written twice.
fn given<'w>(written: &'w [At<RouteSection>], reader: &mut Reader<'_>) -> HashMap<&'w str, Option<Span>> {
    let mut first_seen: HashMap<&str, Option<Span>> = HashMap::new();
    for name in written.iter().filter_map(|route| route.value.name.as_ref()) {
        if let Some(first) = first_seen.insert(&name.value.0, name.span) {
            reader.report(
                Diagnostic::error(name.span, format!("two routes are named `{}`", name.value.0))
                    .label("again")
                    .also(first, "first here"),
            );
        }
    }
    first_seen
}

fn report(name: &str, place: Option<Span>, other: Option<Span>, why: &str, reader: &mut Reader<'_>) {
    reader.report(
        Diagnostic::error(place, format!("two routes are named `{name}`"))
            .label("the name that is made for this one")
            .also(other, why)
            .hint("write a `name` of its own"),
    );
}

/// What the name of a route without one is made of.
struct Made {
    /// `GET,HEAD:api.example.com/orders/*`; the methods only if it has some.
    base: String,
    /// `?beta=*&x-version:2`, however long; empty without conditions.
    conditions: String,
    /// The same as it is shown.
    shown: String,
    place: Option<Span>,
}

impl Made {
    fn of(route: &At<RouteSection>) -> Self {
        let section = &route.value;
        let conditions = conditions(section, encoded);
        let shown = match self::conditions(section, shown) {
            long if long.len() > CONDITIONS_BYTES_MAX => format!("?{}", fingerprint(&conditions)),
            short => short,
        };
        let place = section.path.as_ref().and_then(|path| path.span).or(route.span);
        Self { base: base(section), conditions, shown, place }
    }

    fn name(&self) -> String {
        format!("{}{}", self.base, self.shown)
    }
}

fn base(section: &RouteSection) -> String {
    let host = section.host.as_ref().map(|host| host.value.to_string()).unwrap_or_default();
    let path = section.path.as_ref().map_or_else(any_path, |path| path.value.clone());
    let methods = section.methods.as_ref().map(|methods| &methods.value);
    let methods: Vec<&str> = methods.into_iter().flatten().map(|method| method.value.0.as_str()).collect();
    match methods.is_empty() {
        true => format!("{host}{path}"),
        false => format!("{}:{host}{path}", methods.join(",")),
    }
}

/// What a request must have, parameters before header fields and both by their names. No path has a `?`, so that no other route's
/// name is the same.
fn conditions(section: &RouteSection, show: fn(&str) -> String) -> String {
    let parameters =
        section.query.value.0.iter().map(|(name, value)| (&*name.value.0, '=', &value.value.written));
    let headers =
        section.headers.value.0.iter().map(|(name, value)| (&*name.value.0, ':', &value.value.written));
    let all = [sorted(parameters), sorted(headers)].concat();
    let one = |(name, sign, value): (&str, char, &Option<String>)| {
        // What is encoded holds no star.
        let value = value.as_deref().map_or_else(|| "*".to_owned(), show);
        format!("{}{sign}{value}", encoded(name))
    };
    let all: Vec<String> = all.into_iter().map(one).collect();
    if all.is_empty() { String::new() } else { format!("?{}", all.join("&")) }
}

fn sorted<T: Ord>(items: impl Iterator<Item = T>) -> Vec<T> {
    let mut items: Vec<T> = items.collect();
    items.sort();
    items
}

/// The text, or its fingerprint if that is not to be in every log. What names a variable says nothing of it.
fn shown(text: &str) -> String {
    match text.len() <= VALUE_BYTES_MAX || environment::is_variable(text) {
        true => encoded(text),
        false => fingerprint(text),
    }
}

/// The text with all but a few plain characters as `%XX` (RFC 3986, 2.1).
fn encoded(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        match byte.is_ascii_alphanumeric() || b"-._$/+,@".contains(&byte) {
            true => out.push(char::from(byte)),
            false => out.push_str(&format!("%{byte:02X}")),
        }
    }
    out
}

/// `~1a2b3c4d`: FNV-1a of 32 bits, the same in every version (draft-eastlake-fnv); so few that they do not give a secret away.
fn fingerprint(text: &str) -> String {
    let hash =
        text.bytes().fold(0x811c_9dc5_u32, |hash, byte| (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193));
    format!("~{hash:08x}")
}
