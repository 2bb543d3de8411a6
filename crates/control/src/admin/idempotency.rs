//! `Idempotency-Key`: a POST that is sent again makes nothing a second time.

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use axum::http::{HeaderName, HeaderValue, StatusCode};
use sha2::{Digest, Sha256};
use store::Once;
use utoipa::IntoParams;

use super::json::Fields;
use super::problem::Problem;
use crate::limits::ONCE_KEY_BYTES;

const IDEMPOTENCY_KEY: HeaderName = HeaderName::from_static("idempotency-key");
/// Says that the answer tells of something made before.
pub(super) const REPLAYED: (HeaderName, HeaderValue) =
    (HeaderName::from_static("idempotency-replayed"), HeaderValue::from_static("true"));

/// The key of a request, if it has one, and the hash of its method and path.
pub(super) struct OnceKey(Option<(String, Sha256)>);

impl OnceKey {
    /// Tells the request from every other one. Two bodies with the same fields are the same, whatever their order and white space.
    pub(super) fn of(self, fields: &Fields<'_>) -> Option<Once> {
        let (key, mut hash) = self.0?;
        for (name, value) in fields.raw() {
            hash.update(name.as_bytes());
            hash.update([0]);
            hash.update(without_space(value.get()));
            hash.update([0]);
        }
        Some(Once { key, request: hash.finalize().into() })
    }
}

impl<S: Sync> FromRequestParts<S> for OnceKey {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        let mut fields = parts.headers.get_all(IDEMPOTENCY_KEY).iter();
        let Some(field) = fields.next() else { return Ok(Self(None)) };
        let is_key = |text: &&str| {
            (1..=ONCE_KEY_BYTES).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_graphic())
        };
        let key = field.to_str().ok().filter(is_key).filter(|_| fields.next().is_none());
        let key = key.ok_or_else(|| {
            let detail = "`Idempotency-Key` is 1 to 255 visible ASCII characters without a space, once.";
            Problem::new(StatusCode::BAD_REQUEST, detail)
        })?;
        let mut hash = Sha256::new();
        for part in [parts.method.as_str(), parts.uri.path()] {
            hash.update(part);
            hash.update([0]);
        }
        Ok(Self(Some((key.to_owned(), hash))))
    }
}

/// A JSON text without the white space between its tokens.
fn without_space(json: &str) -> Vec<u8> {
    let (mut is_text, mut is_escaped) = (false, false);
    let kept = json.bytes().filter(|byte| {
        let is_kept = is_text || !byte.is_ascii_whitespace();
        if *byte == b'"' && !is_escaped {
            is_text = !is_text;
        }
        is_escaped = is_text && *byte == b'\\' && !is_escaped;
        is_kept
    });
    kept.collect()
}

/// Makes something once.
#[derive(IntoParams)]
#[into_params(parameter_in = Header)]
#[allow(dead_code, reason = "described, and read by the extractor")]
pub(super) struct OnceHeader {
    /// A request that is sent again with the same key within a day makes nothing new: it is answered with what was made then, as it
    /// is now, and `Idempotency-Replayed: true`. Another request with the same key is answered 422.
    #[param(rename = "Idempotency-Key", required = false, pattern = "^[!-~]{1,255}$")]
    idempotency_key: String,
}

#[cfg(test)]
mod tests {
    use axum::http::Request;

    use super::*;

    async fn once(request: &str, keys: &[&str], body: &str) -> Result<Option<Once>, StatusCode> {
        let (method, path) = request.split_once(' ').unwrap();
        let mut request = Request::builder().method(method).uri(path);
        for key in keys {
            request = request.header(IDEMPOTENCY_KEY, *key);
        }
        let mut parts = request.body(()).unwrap().into_parts().0;
        let once = OnceKey::from_request_parts(&mut parts, &()).await;
        let once = once.map_err(|problem| problem.status())?;
        let fields: Fields<'_> = Fields::of(body.as_bytes()).map_err(|problem| problem.status())?;
        Ok(once.of(&fields))
    }

    #[tokio::test]
    async fn order_and_space_are_no_difference_and_everything_else_is() {
        let first = once("POST /users", &["k"], r#"{"a":"x y","b":[1, "\" "]}"#).await.unwrap().unwrap();
        let check = async |request: &str, body: &str, is_same| {
            let other = once(request, &["k"], body).await.unwrap().unwrap();
            assert_eq!(other == first, is_same, "{request} {body}");
        };
        check("POST /users", r#" { "b" : [ 1 , "\" " ] , "a" : "x y" } "#, true).await;
        check("POST /users", r#"{"a":"xy","b":[1,"\" "]}"#, false).await;
        check("POST /users", r#"{"a":"x y","b":[1,"\""]}"#, false).await;
        check("POST /users", r#"{"a":"x y"}"#, false).await;
        check("POST /users/1/keys", r#"{"a":"x y","b":[1,"\" "]}"#, false).await;
        check("PUT /users", r#"{"a":"x y","b":[1,"\" "]}"#, false).await;
    }

    #[tokio::test]
    async fn a_key_is_one_short_visible_word() {
        let (longest, too_long) = ("k".repeat(255), "k".repeat(256));
        assert_eq!(once("POST /users", &[], "{}").await, Ok(None));
        assert!(once("POST /users", &[&longest], "{}").await.is_ok_and(|once| once.is_some()));
        for wrong in [&[""] as &[&str], &[&too_long], &["a b"], &["\u{e9}"], &["a", "a"]] {
            assert_eq!(once("POST /users", wrong, "{}").await, Err(StatusCode::BAD_REQUEST), "{wrong:?}");
        }
    }
}
