//! Who may use a route, how much of it, and what is counted: what contradicts itself or limits nothing is refused.

use std::time::Duration;

use super::super::{empty, narrow, repeated};
use crate::config::{Access, LIMITS_PER_ROUTE_MAX, Limit, Meter, Per, Rate, Target};
use crate::diagnostics::{Diagnostic, Span};
use crate::document::{LimitSection, RateWord};
use crate::form::{At, OneOrMany};
use crate::reader::Reader;

/// A full burst is there again after this at the latest, so that its time can be counted in nanoseconds.
const REFILL_MAX: Duration = Duration::from_secs(3650 * 86_400);

pub(super) fn access(written: &At<OneOrMany<Access>>, reader: &mut Reader<'_>) -> Access {
    let words = &written.value.0;
    if words.is_empty() {
        empty(written.span, "access", "leave it out to let anybody in", reader);
    }
    let word = |access: &At<Access>| match access.value {
        Access::Open => "open",
        Access::Key => "key",
    };
    repeated(words.iter().map(|access| (word(access), access.span)), "access", reader);
    let guarded = words.iter().find(|access| access.value != Access::Open);
    let open = words.iter().find(|access| access.value == Access::Open);
    if let (Some(open), Some(guarded)) = (open, guarded) {
        reader.report(
            Diagnostic::error(open.span, "`open` stands alone in `access`")
                .label("lets anybody in")
                .also(guarded.span, "asks who they are")
                .hint("take out `open`, or the others"),
        );
    }
    guarded.map_or(Access::Open, |access| access.value)
}

/// Makes limits of what was written; `access` is `None` when it could not be read.
pub(super) fn limits(
    written: Option<At<OneOrMany<LimitSection>>>,
    access: Option<Access>,
    reader: &mut Reader<'_>,
) -> Vec<Limit> {
    let Some(At { value: OneOrMany(written), span }) = written else { return Vec::new() };
    if written.is_empty() {
        empty(span, "limit", "leave it out for no limit", reader);
    }
    if let Some(first) = written.get(LIMITS_PER_ROUTE_MAX) {
        reader.report(
            Diagnostic::error(first.span, format!("more than {LIMITS_PER_ROUTE_MAX} limits on one route"))
                .label("one too many")
                .hint("a limit may have both a `rate` and a `concurrency`"),
        );
    }
    let mut limits: Vec<(Limit, Option<Span>)> = Vec::new();
    for At { value: section, span } in written.into_iter().take(LIMITS_PER_ROUTE_MAX) {
        let Some(limit) = limit(section, span, access, reader) else { continue };
        match limits.iter().find(|(earlier, _)| *earlier == limit) {
            Some((_, first)) => reader.report(
                Diagnostic::error(span, "a limit is written twice").label("again").also(*first, "first here"),
            ),
            None => limits.push((limit, span)),
        }
    }
    limits.into_iter().map(|(limit, _)| limit).collect()
}

fn limit(
    section: LimitSection,
    span: Option<Span>,
    access: Option<Access>,
    reader: &mut Reader<'_>,
) -> Option<Limit> {
    check_amounts(&section, span, reader);
    let per = section.per?;
    warn_of_missing_header(&per, reader);
    match access {
        Some(Access::Open) => refuse_unknown_callers(&per, reader),
        Some(Access::Key) => warn_of_taken_header(&per, reader),
        None => {}
    }
    let rate = section.rate.map(|At { value: RateWord(rate), .. }| match &section.burst {
        Some(burst) => Rate { burst: narrow(burst.value), ..rate },
        None => rate,
    });
    if let (Some(rate), Some(burst)) = (rate, &section.burst) {
        check_refill(rate, burst, reader);
    }
    let concurrency = section.concurrency.map(|count| narrow(count.value));
    (rate.is_some() || concurrency.is_some()).then_some(Limit { rate, concurrency, per: per.value })
}

fn check_amounts(section: &LimitSection, span: Option<Span>, reader: &mut Reader<'_>) {
    // What seems to be missing may stand where the text is no TOML.
    if section.written.meant("rate") || reader.is_broken() {
        return;
    }
    if !section.written.meant("concurrency") {
        reader.report(
            Diagnostic::error(span, "a limit that limits nothing")
                .label("neither `rate` nor `concurrency`")
                .hint("write `rate = \"100/s\"`, `concurrency = 10`, or both"),
        );
    } else if let Some(burst) = section.written.key("burst") {
        reader.report(
            Diagnostic::error(burst, "`burst` has no effect without `rate`")
                .label("how many of a rate may come at once")
                .hint("add `rate = \"100/s\"`, or take it out"),
        );
    }
}

fn check_refill(rate: Rate, burst: &At<u64>, reader: &mut Reader<'_>) {
    if rate.period.saturating_mul(rate.burst) / rate.requests <= REFILL_MAX {
        return;
    }
    let days = REFILL_MAX.as_secs() / 86_400;
    reader.report(
        Diagnostic::error(burst.span, "`burst` is too large for its `rate`")
            .label(format!("used up, it is whole again after more than {days} days"))
            .hint("write a smaller `burst` or a higher `rate`"),
    );
}

/// Reports a limit by user or key where nobody is asked who they are.
fn refuse_unknown_callers(per: &At<Per>, reader: &mut Reader<'_>) {
    let word = match per.value {
        Per::User => "user",
        Per::Key => "key",
        Per::Address | Per::Route | Per::Header(_) => return,
    };
    reader.report(
        Diagnostic::error(per.span, format!("`per = \"{word}\"` on a route that is open"))
            .label("nobody is asked who they are")
            .hint("write `access = \"key\"` in this route, or `per = \"address\"`"),
    );
}

/// Warns of a limit by the header a key comes in: it is taken out before such limits are asked.
fn warn_of_taken_header(per: &At<Per>, reader: &mut Reader<'_>) {
    if matches!(&per.value, Per::Header(name) if matches!(name.as_str(), "authorization" | "x-api-key")) {
        reader.report(
            Diagnostic::warning(per.span, "this limit counts all whose key stands in this header together")
                .label("the key has been taken out by then")
                .hint("write `per = \"key\"` to count each key alone"),
        );
    }
}

/// Fields that speak of a connection, which goes no further than the gateway.
const OF_CONNECTIONS: [&str; 8] = [
    "connection",
    "content-length",
    "keep-alive",
    "proxy-authorization",
    "proxy-connection",
    "te",
    "transfer-encoding",
    "upgrade",
];

/// Warns of a limit by a header that nobody has when limits are asked.
fn warn_of_missing_header(per: &At<Per>, reader: &mut Reader<'_>) {
    if matches!(&per.value, Per::Header(name) if OF_CONNECTIONS.contains(&name.as_str())) {
        reader.report(
            Diagnostic::warning(per.span, "this limit counts all requests together")
                .label("this header speaks of the connection, and limits do not see it")
                .hint("write `per = \"route\"` if that is meant"),
        );
    }
}

/// Reports a meter that would count nothing for ever.
pub(super) fn check_meter(meter: &At<Meter>, target: Option<&Target>, reader: &mut Reader<'_>) {
    if let (Meter::ResponseHeader(name), Some(Target::Redirect { .. } | Target::Fixed { .. })) =
        (&meter.value, target)
    {
        reader.report(
            Diagnostic::error(meter.span, "this `meter` has no effect without `upstream`")
                .label(format!("no service answers with `{name}`"))
                .hint("take it out to count requests"),
        );
    }
}
