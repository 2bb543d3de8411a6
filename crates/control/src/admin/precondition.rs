//! Conditional requests (RFC 9110, section 13): an entity tag is a row's version in quotes.

use std::convert::Infallible;
use std::future::Future;

use axum::extract::FromRequestParts;
use axum::http::header::{ETAG, HeaderName, IF_MATCH, IF_NONE_MATCH};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use store::StoreError;
use utoipa::IntoParams;

/// The version no row is ever at.
const NO_VERSION: u64 = 0;

/// The header field that tells a row's version.
pub(super) fn etag(version: u64) -> (HeaderName, HeaderValue) {
    let tag = HeaderValue::try_from(format!("\"{version}\"")).expect("digits in quotes are a field value");
    (ETAG, tag)
}

/// `If-Match` of a request.
pub(super) enum IfMatch {
    /// Whatever the version is.
    Any,
    /// Only at one of these versions.
    Versions(Vec<u64>),
}

impl IfMatch {
    /// The version that the row must be at; asks for the present one only where several are named.
    pub(super) async fn version(
        self,
        present: impl Future<Output = Result<u64, StoreError>>,
    ) -> Result<Option<u64>, StoreError> {
        let Self::Versions(versions) = self else { return Ok(None) };
        if let [version] = versions[..] {
            return Ok(Some(version));
        }
        let present = present.await?;
        Ok(Some(if versions.contains(&present) { present } else { NO_VERSION }))
    }
}

impl<S: Sync> FromRequestParts<S> for IfMatch {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        let mut tags = tags(&parts.headers, &IF_MATCH).peekable();
        if tags.peek().is_none() {
            return Ok(Self::Any);
        }
        // By strong comparison, a weak tag is equal to none.
        let versions: Option<Vec<u64>> =
            tags.map(|tag| (tag != "*").then(|| version_of(tag).unwrap_or(NO_VERSION))).collect();
        Ok(versions.map_or(Self::Any, Self::Versions))
    }
}

/// `If-None-Match` of a request.
pub(super) struct IfNoneMatch(Option<Box<[String]>>);

impl IfNoneMatch {
    /// 304 if the client has this version, else the answer.
    pub(super) fn answer(&self, version: u64, full: impl FnOnce() -> Response) -> Response {
        let tags = self.0.as_deref().unwrap_or_default();
        let is_known = tags
            .iter()
            .any(|tag| tag == "*" || version_of(tag.strip_prefix("W/").unwrap_or(tag)) == Some(version));
        let mut response = if is_known { StatusCode::NOT_MODIFIED.into_response() } else { full() };
        let (name, value) = etag(version);
        response.headers_mut().insert(name, value);
        response
    }
}

impl<S: Sync> FromRequestParts<S> for IfNoneMatch {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        let is_there = parts.headers.contains_key(IF_NONE_MATCH);
        Ok(Self(is_there.then(|| tags(&parts.headers, &IF_NONE_MATCH).map(str::to_owned).collect())))
    }
}

/// The entity tags of a field. Ours have no comma, so that one in a tag leaves pieces that are equal to none of them.
fn tags<'a>(headers: &'a HeaderMap, name: &HeaderName) -> impl Iterator<Item = &'a str> + use<'a> {
    let fields = headers.get_all(name).iter();
    fields.flat_map(|field| field.to_str().unwrap_or("?").split(',').map(str::trim))
}

fn version_of(tag: &str) -> Option<u64> {
    let digits = tag.strip_prefix('"')?.strip_suffix('"')?;
    super::id::read_id(digits)
}

/// Only at this version.
#[derive(IntoParams)]
#[into_params(parameter_in = Header)]
#[allow(dead_code, reason = "described, and read by the extractor")]
pub(super) struct IfMatchHeader {
    /// Makes the change only if the version is still the one of this `ETag`; else 412.
    #[param(rename = "If-Match", required = false, example = "\"1\"")]
    if_match: String,
}

/// Only if it is not this version.
#[derive(IntoParams)]
#[into_params(parameter_in = Header)]
#[allow(dead_code, reason = "described, and read by the extractor")]
pub(super) struct IfNoneMatchHeader {
    /// Answers 304 without a body if the version is still the one of this `ETag`.
    #[param(rename = "If-None-Match", required = false, example = "\"1\"")]
    if_none_match: String,
}

#[cfg(test)]
mod tests {
    use axum::http::Request;

    use super::*;

    fn parts(name: &HeaderName, fields: &[&str]) -> Parts {
        let mut request = Request::new(());
        for field in fields {
            request.headers_mut().append(name, field.parse().unwrap());
        }
        request.into_parts().0
    }

    #[tokio::test]
    async fn if_match_names_the_version_to_change() {
        let check = async |fields: &[&str], expected: Option<u64>| {
            let asked = IfMatch::from_request_parts(&mut parts(&IF_MATCH, fields), &()).await;
            let version = asked.unwrap().version(async { Ok(7) }).await.unwrap();
            assert_eq!(version, expected, "{fields:?}");
        };
        check(&[], None).await;
        check(&["*"], None).await;
        check(&["\"3\""], Some(3)).await;
        check(&["\"3\", \"7\""], Some(7)).await;
        check(&["\"3\"", "\"7\""], Some(7)).await;
        check(&["\"3\", \"4\""], Some(NO_VERSION)).await;
        for wrong in ["W/\"7\"", "7", "\"07\"", "\"x\"", "\"+7\"", "", "\"\u{e9}\""] {
            check(&[wrong], Some(NO_VERSION)).await;
        }
    }

    #[tokio::test]
    async fn a_version_the_client_has_is_not_sent_again() {
        let check = async |fields: &[&str], status: StatusCode| {
            let asked = IfNoneMatch::from_request_parts(&mut parts(&IF_NONE_MATCH, fields), &()).await;
            let response = asked.unwrap().answer(7, || StatusCode::OK.into_response());
            assert_eq!(response.status(), status, "{fields:?}");
            assert_eq!(response.headers()[ETAG], "\"7\"");
        };
        check(&[], StatusCode::OK).await;
        check(&["\"6\""], StatusCode::OK).await;
        check(&["7"], StatusCode::OK).await;
        check(&["\"7\""], StatusCode::NOT_MODIFIED).await;
        check(&["\"6\", W/\"7\""], StatusCode::NOT_MODIFIED).await;
        check(&["*"], StatusCode::NOT_MODIFIED).await;
    }
}
