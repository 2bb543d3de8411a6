//! What a route changes: the path, header fields, and what other origins may do.

use policy::PathPattern;

use super::super::{empty, repeated};
use crate::config::{Cors, HeaderEdits};
use crate::diagnostics::Diagnostic;
use crate::document::{CorsSection, HeaderEditsSection, HeaderName, Origin, RouteSection};
use crate::form::At;
use crate::reader::Reader;

/// Reports keys that only mean something when a request is forwarded.
pub(super) fn refuse_without_upstream(section: &RouteSection, reader: &mut Reader<'_>) {
    for key in ["strip", "rewrite", "request_headers", "timeout"] {
        if let Some(span) = section.written.key(key) {
            reader.report(
                Diagnostic::error(span, format!("`{key}` has no effect without `upstream`"))
                    .label("nothing is forwarded by this route")
                    .hint("take it out"),
            );
        }
    }
}

/// Reports time limits of an upstream where a function answers, which has its own.
pub(super) fn refuse_upstream_times(section: &RouteSection, reader: &mut Reader<'_>) {
    if let Some(span) = section.written.key("timeout") {
        reader.report(
            Diagnostic::error(span, "`timeout` has no effect without `upstream`")
                .label("a function answers this route")
                .hint("write `time` in its `[function.NAME]`"),
        );
    }
}

/// Reports edits of the path that contradict each other or can never do anything.
pub(super) fn check_path_edits(section: &RouteSection, path: &PathPattern, reader: &mut Reader<'_>) {
    if let (Some(strip), Some(rewrite)) = (section.written.key("strip"), section.written.key("rewrite")) {
        reader.report(
            Diagnostic::error(rewrite.max(strip), "`strip` and `rewrite` exclude each other")
                .label("second")
                .also(Some(rewrite.min(strip)), "first")
                .hint("`rewrite = \"/*\"` also takes off what stands before the path's `*`"),
        );
    }
    if let Some(strip) = &section.strip {
        let literal = path.to_string();
        let below = literal.strip_suffix("/*").unwrap_or(&literal).strip_prefix(strip.value.0.as_str());
        if !below.is_some_and(|below| below.is_empty() || below.starts_with('/')) {
            reader.report(
                Diagnostic::error(strip.span, "`strip` is not what the paths of this route begin with")
                    .label("cannot be taken off")
                    .also(section.path.as_ref().and_then(|path| path.span), "the paths of this route"),
            );
        }
    }
    if let Some(rewrite) = section.rewrite.as_ref().filter(|rewrite| rewrite.value.0.ends_with('*'))
        && !path.to_string().ends_with("/*")
    {
        reader.report(
            Diagnostic::error(rewrite.span, "`*` in `rewrite` stands for nothing")
                .label("nothing to stand for")
                .also(section.path.as_ref().and_then(|path| path.span), "this path has no `*`"),
        );
    }
}

pub(super) fn header_edits(section: HeaderEditsSection, reader: &mut Reader<'_>) -> HeaderEdits {
    let (remove, set, add) = (section.remove.value, section.set.value.0, section.add.value.0);
    repeated(remove.iter().map(|name| (name.value.0.as_str(), name.span)), "header", reader);
    repeated(set.iter().map(|(name, _)| (name.value.0.as_str(), name.span)), "header", reader);
    repeated(add.iter().map(|(name, _)| (name.value.0.as_str(), name.span)), "header", reader);
    for name in &remove {
        if let Some((written, _)) = set.iter().find(|(written, _)| written.value == name.value) {
            reader.report(
                Diagnostic::error(written.span, format!("`{}` is both removed and set", name.value.0))
                    .label("replaces all fields of this name anyway")
                    .also(name.span, "has no effect"),
            );
        }
    }
    let add = add.into_iter().flat_map(|(name, values)| {
        values.value.0.into_iter().map(move |value| (name.value.0.clone(), value.value.0))
    });
    HeaderEdits {
        add: add.collect(),
        remove: remove.into_iter().map(|name| name.value.0).collect(),
        set: set.into_iter().map(|(name, value)| (name.value.0, value.value.0)).collect(),
    }
}

pub(super) fn cors(section: Option<At<CorsSection>>, reader: &mut Reader<'_>) -> Option<Cors> {
    let section = section?.value;
    let origins = section.origins?;
    check_origins(&origins, &section.credentials, reader);
    let headers = |list: At<Vec<At<HeaderName>>>| {
        list.value.into_iter().map(|name| name.value.0).collect::<Vec<String>>()
    };
    Some(Cors {
        origins: origins.value.into_iter().map(|origin| origin.value.0).collect(),
        methods: section.methods.value.into_iter().map(|method| method.value.0).collect(),
        headers: headers(section.headers),
        expose: headers(section.expose),
        credentials: section.credentials.value,
        max_age: section.max_age.value,
    })
}

fn check_origins(origins: &At<Vec<At<Origin>>>, credentials: &At<bool>, reader: &mut Reader<'_>) {
    if origins.value.is_empty() {
        empty(origins.span, "origins", "name at least one origin, or take out `cors`", reader);
    }
    repeated(origins.value.iter().map(|origin| (origin.value.0.as_str(), origin.span)), "origin", reader);
    let Some(any) = origins.value.iter().find(|origin| origin.value.0 == "*") else { return };
    if origins.value.len() > 1 {
        reader.report(
            Diagnostic::error(any.span, "`*` stands alone in `origins`")
                .label("already any origin")
                .hint("take out the others, or `*`"),
        );
    }
    if credentials.value {
        // The Fetch standard has browsers refuse the combination; echoing any origin instead would open all of
        // them.
        reader.report(
            Diagnostic::error(credentials.span, "`credentials` cannot be allowed to any origin")
                .label("browsers refuse it")
                .also(any.span, "any origin")
                .hint("name the origins that may send credentials"),
        );
    }
}
