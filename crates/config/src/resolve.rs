//! Document → Config: names become what they name, defaults are filled in, and what contradicts itself is refused.

mod function;
mod listener;
mod names;
mod overlap;
mod pem;
mod route;
mod upstream;

use std::collections::HashMap;
use std::path::Path;

use function::Functions;
use names::AllNames;

use crate::config::{Admin, Config, Data, Database, Limits, Secret, Workers};
use crate::diagnostics::{Diagnostic, Span};
use crate::document::{AdminSection, DataSection, DatabaseWord, Document, LimitsSection, SecretWord};
use crate::form::At;
use crate::reader::Reader;

/// Makes a configuration of what could be read; `None` when something without a default could not.
pub(crate) fn resolve(document: Document, base_dir: &Path, reader: &mut Reader<'_>) -> Option<Config> {
    let listeners = listener::listeners(&document, base_dir, reader);
    let mut names = AllNames::of(&document);
    let upstreams = upstream::upstreams(document.upstream.value, base_dir, reader);
    let pool = &document.functions.value.instances;
    let functions = function::functions(document.function.value, pool, base_dir, &mut names, reader);
    let routes = route::routes(document.route.value, &mut names, reader);
    names.warn_of_unused(reader);
    if !document.written.meant("route") && !reader.is_broken() {
        reader
            .report(Diagnostic::warning(None, "there is no `[[route]]`: every request will be answered 404"));
    }
    let Functions { functions, origins } = functions?;
    Some(Config {
        admin: admin(document.admin.value, reader),
        data: data(document.data.value, base_dir, reader),
        workers: Workers { count: document.workers.value.count.map(|count| whole(count.value)) },
        limits: limits(&document.limits.value),
        access_log: document.log.value.access.value,
        listeners,
        upstreams: [upstreams?, origins].concat(),
        function_settings: function::settings(&document.functions.value),
        functions,
        routes: routes?,
    })
}

/// A count as this machine's own; ranges keep it small.
fn whole(count: u64) -> usize {
    usize::try_from(count).unwrap_or(usize::MAX)
}

/// A count of 32 bits; ranges keep it there.
fn narrow(count: u64) -> u32 {
    u32::try_from(count).unwrap_or(u32::MAX)
}

/// A weight; its range is that of the type.
fn weight(weight: u64) -> u16 {
    u16::try_from(weight).unwrap_or(u16::MAX)
}

fn admin(section: AdminSection, reader: &mut Reader<'_>) -> Admin {
    if let (Some(token), Some(read)) = (&section.token, &section.read_token)
        && token.value.0 == read.value.0
    {
        reader.report(
            Diagnostic::error(read.span, "the read-only token is the admin token")
                .label("whoever may look could change everything")
                .also(token.span, "the admin token"),
        );
    }
    let secret = |word: Option<At<SecretWord>>| word.map(|word| Secret::new(word.value.0));
    Admin {
        address: section.address.value,
        token: secret(section.token),
        read_token: secret(section.read_token),
    }
}

fn data(section: DataSection, base_dir: &Path, reader: &mut Reader<'_>) -> Data {
    let keep = section.keep.value;
    if !section.ring.value.0.is_power_of_two() {
        let near = crate::units::show_bytes(section.ring.value.0.next_power_of_two());
        reader.report(
            Diagnostic::error(section.ring.span, "the size of a ring is a power of two")
                .label("not a power of two")
                .hint(format!("write \"{near}\"")),
        );
    }
    if keep.size.value.0 < section.segment.value.0 {
        reader.report(
            Diagnostic::error(keep.size.span.or(section.segment.span), "less is kept than one segment holds")
                .label(format!(
                    "`keep.size` is {}, `segment` is {}",
                    crate::units::show_bytes(keep.size.value.0),
                    crate::units::show_bytes(section.segment.value.0)
                ))
                .hint("write a larger `keep.size` or a smaller `segment`"),
        );
    }
    let dir = base_dir.join(section.dir.value.0);
    Data {
        database: database(section.database.value, base_dir, &dir),
        dir,
        sync: section.sync.value,
        keep_bytes: keep.size.value.0,
        keep_age: keep.age.value,
        segment_bytes: section.segment.value.0,
        ring_bytes: section.ring.value.0,
        rings: section.rings.value,
        when_full: section.when_full.value,
    }
}

fn database(word: DatabaseWord, base_dir: &Path, data_dir: &Path) -> Database {
    match word {
        DatabaseWord::Sqlite(None) => Database::Sqlite(data_dir.join("lockgate.db")),
        DatabaseWord::Sqlite(Some(path)) => Database::Sqlite(base_dir.join(path)),
        DatabaseWord::Postgres(url) => Database::Postgres(Secret::new(url)),
    }
}

fn limits(section: &LimitsSection) -> Limits {
    Limits {
        head_bytes: whole(section.head_bytes.value.0),
        header_count: whole(section.header_count.value),
        target_bytes: whole(section.target_bytes.value.0),
        response_head_bytes: whole(section.response_head_bytes.value.0),
        connections: whole(section.connections.value),
        limited_keys: whole(section.limited_keys.value),
        drain: section.drain.value,
    }
}

/// Reports a list that must not be empty; a list whose items could not be read has its own reports.
fn empty(span: Option<Span>, name: &str, hint: &str, reader: &mut Reader<'_>) {
    if span.is_some_and(|span| reader.has_error_within(span)) {
        return;
    }
    reader.report(Diagnostic::error(span, format!("`{name}` is empty")).label("nothing listed").hint(hint));
}

/// Reports items of a list that repeat an earlier one.
fn repeated<'t>(items: impl Iterator<Item = (&'t str, Option<Span>)>, noun: &str, reader: &mut Reader<'_>) {
    let mut first_seen: HashMap<&str, Option<Span>> = HashMap::new();
    for (item, span) in items {
        if let Some(first) = first_seen.insert(item, span) {
            reader.report(
                Diagnostic::error(span, format!("{noun} `{item}` is listed twice"))
                    .label("again")
                    .also(first, "first here"),
            );
        }
    }
}
