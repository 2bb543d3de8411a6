//! What the admin API offers, as a list: for `GET /` and for the reference page.

use std::fmt::Write;

use serde::Serialize;

use crate::limits;

/// One endpoint.
#[derive(Serialize)]
pub(super) struct Endpoint {
    method: &'static str,
    path: &'static str,
    /// Least token it asks for.
    token: &'static str,
    what: &'static str,
}

const fn endpoint(
    method: &'static str,
    path: &'static str,
    token: &'static str,
    what: &'static str,
) -> Endpoint {
    Endpoint { method, path, token, what }
}

/// Every endpoint, as `GET /` lists them.
pub(super) const ENDPOINTS: [Endpoint; 8] = [
    endpoint("GET", "/", "read-only", "this list"),
    endpoint("GET", "/health", "none", "whether the process is alive"),
    endpoint("GET", "/ready", "none", "whether traffic may be sent here"),
    endpoint("GET", "/metrics", "read-only", "Prometheus metrics"),
    endpoint("GET", "/routes", "read-only", "the routes in force"),
    endpoint("GET", "/upstreams", "read-only", "the upstreams and the state of their endpoints"),
    endpoint("GET", "/events", "read-only", "live events; filters: route, status, reason"),
    endpoint("POST", "/reload", "admin", "read the configuration again"),
];

/// Writes the page `docs/reference/admin-api.md`.
pub fn admin_reference() -> String {
    let mut page = INTRODUCTION.to_owned();
    for Endpoint { method, path, token, what } in ENDPOINTS {
        // Writing to a String cannot fail.
        let _ = writeln!(page, "| `{method} {path}` | {token} | {what} |");
    }
    page.push_str("\n## Limits\n\n| Limit | Value | Meaning |\n|---|---|---|\n");
    for (name, value, what) in limits::all() {
        let _ = writeln!(page, "| {} | {value} | {} |", name.to_lowercase().replace('_', " "), what.trim());
    }
    page
}

const INTRODUCTION: &str = "<!-- Generated from crates/control/src/admin/endpoints.rs and limits.rs: UPDATE=1 cargo test -p control -->

# The admin API

HTTP/1.1 on `admin.address`, JSON in and out. Refusals are problem documents (RFC 9457).

Tokens go into `Authorization: Bearer …`. The admin token may do everything; it comes from the configuration, else from
`$LOCKGATE_ADMIN_TOKEN`, else from `<data.dir>/admin-token`. The read-only token may only look; it comes from the
configuration, else from `<data.dir>/read-token`. Either file is made on the first start, for its owner only.

- 401: no token, or one that is not this gateway's. Unknown paths ask for a token too.
- 403: the read-only token cannot change anything.
- 404, 405 with `Allow`: no such path, no such method.
- 409: a reload is under way. 422: the configuration was refused; `diagnostics` lists every problem, `rendered` is what
  `lockgate check` prints.
- 413: the body is too large. 503: the answer took too long, there are too many watchers, or the gateway is not ready.

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
