//! Who may ask for what: open paths, the read-only token, the admin token.

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::http::header::{AUTHORIZATION, WWW_AUTHENTICATE};
use axum::http::{HeaderMap, Method, StatusCode};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

use super::Shared;
use super::problem::Problem;
use crate::tokens::Role;

/// Paths that are asked without a token: by probes, and by programs that learn what there is to ask.
const OPEN_PATHS: [&str; 3] = ["/health", "/ready", "/openapi.json"];

/// Lets a request through if its token allows it. Unknown paths ask for a token too: a stranger learns nothing.
pub(super) async fn admit(State(shared): State<Arc<Shared>>, request: Request, next: Next) -> Response {
    if OPEN_PATHS.contains(&request.uri().path()) {
        return next.run(request).await;
    }
    let needed = role_needed(request.method());
    match bearer(request.headers()).and_then(|token| shared.tokens.role_of(token)) {
        Some(role) if role >= needed => next.run(request).await,
        Some(_) => {
            let detail = "The read-only token cannot change anything; this asks for the admin token.";
            Problem::new(StatusCode::FORBIDDEN, detail).into_response()
        }
        None => unauthorized(request.headers().contains_key(AUTHORIZATION)),
    }
}

fn role_needed(method: &Method) -> Role {
    if method.is_safe() { Role::Read } else { Role::Admin }
}

/// The token of `Authorization: Bearer TOKEN` (RFC 6750, section 2.1); the scheme's case does not matter.
fn bearer(headers: &HeaderMap) -> Option<&str> {
    let mut fields = headers.get_all(AUTHORIZATION).iter();
    let (Some(field), None) = (fields.next(), fields.next()) else { return None };
    let (scheme, token) = field.to_str().ok()?.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim_matches(' '))
}

/// Tells a missing token from a wrong one (RFC 6750, section 3).
fn unauthorized(presented: bool) -> Response {
    let (challenge, detail) = if presented {
        (r#"Bearer realm="lockgate", error="invalid_token""#, "The token is not one of this gateway's.")
    } else {
        (r#"Bearer realm="lockgate""#, "Send `Authorization: Bearer` with the admin or the read-only token.")
    };
    (([(WWW_AUTHENTICATE, challenge)]), Problem::new(StatusCode::UNAUTHORIZED, detail)).into_response()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_one_well_formed_bearer_field_is_a_token() {
        let check = |fields: &[&'static str], expected: Option<&str>| {
            let mut headers = HeaderMap::new();
            for field in fields {
                headers.append(AUTHORIZATION, field.parse().unwrap());
            }
            assert_eq!(bearer(&headers), expected, "{fields:?}");
        };
        check(&[], None);
        check(&["Bearer abc"], Some("abc"));
        check(&["bEARER  abc "], Some("abc"));
        check(&["Bearer"], None);
        check(&["Basic abc"], None);
        check(&["Bearer abc", "Bearer abc"], None);
        check(&["Bearer \u{e9}"], None);
    }

    #[test]
    fn methods_that_change_something_need_the_admin_token() {
        assert_eq!(role_needed(&Method::HEAD), Role::Read);
        assert_eq!(role_needed(&Method::POST), Role::Admin);
        assert_eq!(role_needed(&Method::from_bytes(b"BREW").unwrap()), Role::Admin);
    }
}
