//! Document → Config: names become what they name, defaults are filled in, and what contradicts itself is refused.

mod function;
mod names;
mod overlap;
mod route;
mod upstream;

use std::collections::HashMap;
use std::net::SocketAddr;
use std::path::Path;

use function::Functions;
use names::AllNames;

use crate::config::{Admin, Config, Data, Database, Limits, Listener, Protocol, Secret, Workers};
use crate::diagnostics::{Diagnostic, Span};
use crate::document::{
    AdminSection, DataSection, DatabaseWord, Document, LimitsSection, ListenerSection, SecretWord,
};
use crate::form::At;
use crate::reader::Reader;

/// Makes a configuration of what could be read; `None` when something without a default could not.
pub(crate) fn resolve(document: Document, base_dir: &Path, reader: &mut Reader<'_>) -> Option<Config> {
    let listeners = listeners(&document, reader);
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
        admin: admin(document.admin.value),
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

fn admin(section: AdminSection) -> Admin {
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

fn listeners(document: &Document, reader: &mut Reader<'_>) -> Vec<Listener> {
    if !document.written.meant("listener") && !reader.is_broken() {
        reader.report(
            Diagnostic::error(None, "there is no `[[listener]]`: the gateway would listen nowhere")
                .hint("add `[[listener]]` with `address = \"127.0.0.1:8080\"`"),
        );
    }
    let written = &document.listener.value;
    if written.is_empty() && document.listener.span.is_some() {
        empty(document.listener.span, "listener", "write `[[listener]]` with an `address`", reader);
    }
    let mut taken: HashMap<SocketAddr, (Option<Span>, &str)> = HashMap::new();
    let admin = &document.admin.value.address;
    let unreadable = admin.span.is_none() && document.admin.value.written.meant("address");
    if admin.value.port() != 0 && !unreadable {
        taken.insert(admin.value, (admin.span, "the admin side listens here"));
    }
    for address in written.iter().filter_map(|listener| listener.value.address.as_ref()) {
        // Port 0 asks for any free port, each time another one.
        if address.value.port() == 0 {
            continue;
        }
        if let Some((first, who)) = taken.get(&address.value) {
            reader.report(
                Diagnostic::error(address.span, format!("two listeners on {}", address.value))
                    .label(if first.is_none() { format!("{who} by default") } else { "taken".to_owned() })
                    .also(*first, *who),
            );
            continue;
        }
        taken.insert(address.value, (address.span, "the first listens here"));
    }
    written.iter().filter_map(|listener| self::listener(&listener.value, reader)).collect()
}

fn listener(section: &ListenerSection, reader: &mut Reader<'_>) -> Option<Listener> {
    let protocols = match &section.protocols {
        Some(written) => written.value.iter().map(|protocol| protocol.value).collect(),
        None => vec![Protocol::H1],
    };
    if let Some(written) = section.protocols.as_ref().filter(|written| written.value.is_empty()) {
        empty(written.span, "protocols", "leave it out for HTTP/1", reader);
    }
    Some(Listener {
        address: section.address.as_ref()?.value,
        protocols,
        trusted_proxies: section.trusted_proxies.value.iter().map(|block| block.value).collect(),
        connections: whole(section.connections.value),
        head_timeout: section.head_timeout.value,
        body_timeout: section.body_timeout.value,
        keep_alive: section.keep_alive.value,
        requests: section.requests.value,
    })
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
