//! Functions: whom each may call, and what it is told.

use std::collections::HashMap;
use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

use super::names::{AllNames, Names};
use super::{narrow, repeated, upstream, whole};
use crate::config::{Function, FunctionSettings, Outbound, Secret, Upstream};
use crate::diagnostics::{Diagnostic, Span};
use crate::document::{
    AnyText, FunctionSection, FunctionsSection, HttpOrigin, Name, OutboundWord, SecretReference,
    internal_authority,
};
use crate::environment;
use crate::form::{At, Map};
use crate::reader::Reader;

/// A longer file is no secret.
const SECRET_BYTES_MAX: u64 = 64 << 10;

/// Where a function that stands before a target reaches it.
const NEXT_AUTHORITY: &str = "upstream.internal";

/// What functions make of a configuration.
pub(super) struct Functions {
    pub(super) functions: Vec<Function>,
    /// Behind the upstreams of the configuration: one for each origin that functions may call.
    pub(super) origins: Vec<Upstream>,
}

pub(super) fn settings(section: &FunctionsSection) -> FunctionSettings {
    FunctionSettings {
        threads: section.threads.as_ref().map(|count| whole(count.value)),
        instances: whole(section.instances.value),
    }
}

/// Makes functions of what was written; `None` when one of them could not be made.
pub(super) fn functions(
    written: Map<Name, FunctionSection>,
    pool: &At<u64>,
    base_dir: &Path,
    names: &mut AllNames,
    reader: &mut Reader<'_>,
) -> Option<Functions> {
    let count = written.0.len();
    let mut making =
        Making { base_dir, upstreams: &mut names.upstreams, places: HashMap::new(), origins: Vec::new() };
    let mut functions = Vec::with_capacity(count);
    for (name, At { value: section, .. }) in written.0 {
        warn_of_idle_instances(&section.instances, pool, reader);
        functions.extend(making.function(name.value.0, section, reader));
    }
    let origins = making.origins;
    (functions.len() == count).then_some(Functions { functions, origins })
}

fn warn_of_idle_instances(instances: &At<u64>, pool: &At<u64>, reader: &mut Reader<'_>) {
    if instances.span.is_some() && instances.value > pool.value {
        reader.report(
            Diagnostic::warning(instances.span, "as many instances never run at once")
                .label(format!("all functions together have {}", pool.value))
                .hint("write a larger `instances` in `[functions]`, or a smaller one here"),
        );
    }
}

struct Making<'n> {
    base_dir: &'n Path,
    upstreams: &'n mut Names,
    /// Of each origin's URL among all upstreams.
    places: HashMap<String, usize>,
    origins: Vec<Upstream>,
}

impl Making<'_> {
    fn function(
        &mut self,
        name: String,
        section: FunctionSection,
        reader: &mut Reader<'_>,
    ) -> Option<Function> {
        warn_of_plain_variables(&section.config.value, reader);
        refuse_shared_names(&section.config.value, &section.secrets.value, reader);
        let outbound = self.outbound(&section.outbound.value, reader);
        let secrets = self.secrets(section.secrets.value, reader);
        Some(Function {
            name,
            component: self.base_dir.join(section.component?.value.0),
            memory_bytes: section.memory.value.0,
            time: section.time.value,
            cpu: section.cpu.value,
            instances: whole(section.instances.value),
            queue: whole(section.queue.value),
            queue_time: section.queue_time.value,
            request_bytes: section.request_body.value.0,
            response_bytes: section.response_body.value.0,
            calls: narrow(section.calls.value),
            log_bytes: section.log.value.0,
            reuse: narrow(section.reuse.value),
            outbound,
            values: section
                .config
                .value
                .0
                .into_iter()
                .map(|(name, text)| (name.value.0, text.value.0))
                .collect(),
            secrets,
        })
    }

    fn outbound(&mut self, written: &[At<OutboundWord>], reader: &mut Reader<'_>) -> Vec<Outbound> {
        let found: Vec<(Outbound, Option<Span>)> = written
            .iter()
            .filter_map(|At { value, span }| {
                let outbound = match value {
                    OutboundWord::Upstream(name) => self.upstream(name, *span, reader)?,
                    OutboundWord::Origin(origin) => self.origin(origin, *span, reader)?,
                };
                is_not_next(&outbound.origin, *span, reader).then_some((outbound, *span))
            })
            .collect();
        repeated(found.iter().map(|(outbound, span)| (outbound.origin.as_str(), *span)), "host", reader);
        found.into_iter().map(|(outbound, _)| outbound).collect()
    }

    fn upstream(&mut self, name: &Name, span: Option<Span>, reader: &mut Reader<'_>) -> Option<Outbound> {
        // `api.example.com:8080` is hardly the name of an upstream.
        let upstream = match name.0.contains([':', '.']) {
            true => {
                let hint = || format!("write \"http://{}\" if an origin is meant", name.0);
                self.upstreams.find_or(name, span, hint, reader)?
            }
            false => self.upstreams.find(name, span, reader)?,
        };
        let Some(origin) = internal_authority(&name.0) else {
            reader.report(
                Diagnostic::error(span, format!("functions cannot call the upstream `{}`", name.0))
                    .label("its name cannot be part of a host name")
                    .hint("name it with letters, digits, `-`, `_` and `.`"),
            );
            return None;
        };
        Some(Outbound { origin, upstream })
    }

    fn origin(
        &mut self,
        origin: &HttpOrigin,
        span: Option<Span>,
        reader: &mut Reader<'_>,
    ) -> Option<Outbound> {
        let url = origin.url();
        if let Some(upstream) = self.places.get(&url) {
            return Some(Outbound { origin: origin.short(), upstream: *upstream });
        }
        if let Some(place) = self.upstreams.place(&url) {
            reader.report(
                Diagnostic::error(span, format!("an upstream is named `{url}`"))
                    .label("an origin, which becomes an upstream of this name")
                    .also(place, "the name is taken")
                    .hint("give the upstream another name"),
            );
            return None;
        }
        let upstream = self.upstreams.count() + self.origins.len();
        self.origins.push(upstream::origin(origin, span, reader)?);
        self.places.insert(url, upstream);
        Some(Outbound { origin: origin.short(), upstream })
    }

    fn secrets(&self, written: Map<Name, SecretReference>, reader: &mut Reader<'_>) -> Vec<(String, Secret)> {
        let mut secrets = Vec::with_capacity(written.0.len());
        for (name, At { value, span }) in written.0 {
            let secret = match value {
                SecretReference::Value(secret) => Ok(secret),
                SecretReference::File(path) => read_secret(&self.base_dir.join(path)),
            };
            match secret {
                Ok(secret) => secrets.push((name.value.0, Secret::new(secret))),
                Err(why) => reader.report(
                    Diagnostic::error(span, format!("the secret `{}` cannot be read", name.value.0))
                        .label(why),
                ),
            }
        }
        secrets
    }
}

/// Whether the origin is not that of the way on, which is reported.
fn is_not_next(origin: &str, span: Option<Span>, reader: &mut Reader<'_>) -> bool {
    if origin == NEXT_AUTHORITY {
        reader.report(
            Diagnostic::error(span, format!("`{NEXT_AUTHORITY}` is what a function stands before"))
                .label("cannot be told apart")
                .hint("it needs another name to be called by functions"),
        );
    }
    origin != NEXT_AUTHORITY
}

/// Warns of values that look as if the environment was asked.
fn warn_of_plain_variables(values: &Map<Name, AnyText>, reader: &mut Reader<'_>) {
    for (_, At { value: AnyText(text), span }) in &values.0 {
        if environment::is_variable(text) {
            reader.report(
                Diagnostic::warning(*span, format!("`{text}` is not replaced in `config`"))
                    .label("the function gets this very text")
                    .hint("write it in `secrets` to take it from the environment"),
            );
        }
    }
}

/// Reports names that are both values and secrets: a function sees one list.
fn refuse_shared_names(
    values: &Map<Name, AnyText>,
    secrets: &Map<Name, SecretReference>,
    reader: &mut Reader<'_>,
) {
    let places: HashMap<&str, Option<Span>> =
        values.0.iter().map(|(name, _)| (name.value.0.as_str(), name.span)).collect();
    for (name, _) in &secrets.0 {
        if let Some(first) = places.get(name.value.0.as_str()) {
            reader.report(
                Diagnostic::error(
                    name.span,
                    format!("`{}` is both in `config` and in `secrets`", name.value.0),
                )
                .label("again")
                .also(*first, "first here")
                .hint("a function sees both as one list: take one out"),
            );
        }
    }
}

/// The content of a file without its last line break, or why there is none.
fn read_secret(path: &Path) -> Result<String, String> {
    let shown = path.display();
    let unreadable = |error: io::Error| format!("{shown}: {error}");
    // Opening a pipe would wait for its other end.
    if !path.metadata().map_err(unreadable)?.is_file() {
        return Err(format!("{shown} is not a file"));
    }
    let mut bytes = Vec::new();
    let file = File::open(path).map_err(unreadable)?;
    file.take(SECRET_BYTES_MAX + 1).read_to_end(&mut bytes).map_err(unreadable)?;
    if bytes.len() as u64 > SECRET_BYTES_MAX {
        return Err(format!("{shown} is larger than {}", crate::units::show_bytes(SECRET_BYTES_MAX)));
    }
    let text = String::from_utf8(bytes).map_err(|_| format!("{shown} is not UTF-8 text"))?;
    let line = text.strip_suffix('\n').unwrap_or(&text);
    match line.strip_suffix('\r').unwrap_or(line) {
        "" => Err(format!("{shown} is empty")),
        secret => Ok(secret.to_owned()),
    }
}
