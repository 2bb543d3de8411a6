//! What the admin API offers, as a list: for `GET /` and for the reference page.

use std::fmt::Write;
use std::sync::LazyLock;

use serde::Serialize;
use utoipa::{OpenApi, ToSchema};

use super::openapi::{self, Api};
use crate::limits;

/// One endpoint.
#[derive(Serialize, ToSchema)]
pub(super) struct Endpoint {
    /// Its method.
    method: &'static str,
    /// Its path; `{id}` stands for a number.
    path: String,
    /// Least token it asks for: `none`, `read-only` or `admin`.
    token: &'static str,
    /// What it does.
    what: String,
}

/// Every endpoint, by path.
pub(super) static ENDPOINTS: LazyLock<Vec<Endpoint>> = LazyLock::new(|| {
    let mut document = Api::openapi();
    let operations = openapi::operations(&mut document.paths.paths).into_iter();
    operations
        .map(|(method, path, operation)| Endpoint {
            method,
            path: path.to_owned(),
            token: match (openapi::is_guarded(operation), method) {
                (false, _) => "none",
                (true, "GET") => "read-only",
                (true, _) => "admin",
            },
            what: operation.summary.take().unwrap_or_default(),
        })
        .collect()
});

/// Writes the page `docs/reference/admin-api.md`.
pub fn admin_reference() -> String {
    let mut page = INTRODUCTION.to_owned();
    for Endpoint { method, path, token, what } in &*ENDPOINTS {
        // Writing to a String cannot fail.
        let _ = writeln!(page, "| `{method} {path}` | {token} | {what} |");
    }
    page.push_str("\n## Limits\n\n| Limit | Value | Meaning |\n|---|---|---|\n");
    for (name, value, what) in limits::all() {
        let _ = writeln!(page, "| {} | {value} | {} |", name.to_lowercase().replace('_', " "), what.trim());
    }
    page
}

const INTRODUCTION: &str = "<!-- Generated from the handlers in crates/control/src/admin and from limits.rs: UPDATE=1 cargo test -p control -->

# The admin API

HTTP/1.1 on `admin.address`, JSON in and out. Refusals are problem documents (RFC 9457).

Tokens go into `Authorization: Bearer …`. The admin token may do everything; it comes from the configuration, else from
`$LOCKGATE_ADMIN_TOKEN`, else from `<data.dir>/admin-token`. The read-only token may only look; it comes from the
configuration, else from `<data.dir>/read-token`. Either file is made on the first start, for its owner only.

[openapi.json](openapi.json) describes every request and answer; the gateway serves it at `GET /openapi.json`.

- 400: the body is not JSON, or a word of the query or a header field is wrong. 422: a field of the body is wrong, unknown
  or missing. `errors` lists every such word or field: `[{\"field\":\"email\",\"detail\":\"…\"}]`.
- 401: no token, or one that is not this gateway's. Unknown paths ask for a token too.
- 403: the read-only token cannot change anything.
- 404, 405 with `Allow`: no such thing or path, no such method. What is not a number from 1 is the id of nothing.
- 409: another user has the e-mail address; a reload is under way.
- 412: it is at another version than `If-Match` says.
- 413: the body is too large. 415: the body does not say that it is JSON.
- 422 of `POST /reload`: the configuration was refused; `diagnostics` lists every problem, `rendered` is what
  `lockgate check` prints.
- 503: the database does not take the request (`Retry-After` says when to come again), the answer took too long, there are
  too many watchers, or the gateway is not ready.

**Lists** are plain arrays, `?limit=` entries a page; `Link: <…>; rel=\"next\"` names the next page where there is one.

**Versions.** Users and keys have a `version`, which is their `ETag`. `PATCH` and `DELETE` with `If-Match` happen only at
that version; `GET` with `If-None-Match` is answered 304 at that version. That a key was used is no change.

**Idempotency.** A POST of a user, key, rotation or correction that is sent again with the same `Idempotency-Key` and the
same fields makes nothing new: the answer is 201 with what was made then, as it is now, and `Idempotency-Replayed: true`. A
key's text is not shown again (`\"secret\": null`). The same `Idempotency-Key` with another request is refused, 422.

**Changes** are by JSON merge patch (RFC 7396): what is left out stays, `null` takes it away where it may be missing.

**Times** are RFC 3339; where one is asked for, a date stands for its first moment in UTC. **Amounts** are decimals with up to
six digits behind the point, exact however long: read them as decimals, not as floats.

**Usage** is kept by the hour. `from` and `to` are taken down to whole hours, so that stretches that meet neither overlap nor
leave a gap. `?by=` tells apart; a row has only what it is told apart by. CSV and NDJSON, by `?format=` or `Accept`, are sent
whole, page after page of the database; an answer that fails half way is cut off, never ended as if it were whole.
Corrections are rows of their own, and usage contains them.

`GET /events` sends each record as one `data:` line of JSON. The filters `?route=`, `?status=` and `?reason=` let through
what is equal in every word given. A client that reads too slowly loses records: `event: lag` with `{\"lost\":n}` stands
where `n` are missing.

| Endpoint | Token | Answer |
|---|---|---|
";

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::check_page;

    #[test]
    fn the_reference_page_is_the_one_checked_in() {
        check_page("admin-api.md", &admin_reference());
    }
}
