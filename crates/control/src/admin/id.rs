//! Ids in paths: whatever is not the number of something is the number of nothing.

use axum::extract::{FromRequestParts, Path};
use axum::http::StatusCode;
use axum::http::request::Parts;
use utoipa::IntoParams;

use super::problem::Problem;

/// `{id}` of a path.
pub(super) struct Id(pub(super) u64);

impl<S: Send + Sync> FromRequestParts<S> for Id {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let text = Path::<String>::from_request_parts(parts, state).await.ok();
        let id = text.and_then(|Path(text)| read_id(&text));
        id.map(Self).ok_or_else(|| Problem::new(StatusCode::NOT_FOUND, "There is nothing with this id."))
    }
}

/// Reads a number from 1 in its one form; `None` also beyond what a database's integer holds.
pub(super) fn read_id(digits: &str) -> Option<u64> {
    let is_plain = digits.bytes().all(|byte| byte.is_ascii_digit()) && !digits.starts_with('0');
    is_plain.then(|| digits.parse::<i64>().ok()).flatten()?.try_into().ok()
}

/// The id in the path.
#[derive(IntoParams)]
#[into_params(parameter_in = Path)]
#[allow(dead_code, reason = "described, and read by the extractor")]
pub(super) struct IdInPath {
    /// A number from 1; anything else is the id of nothing.
    #[param(minimum = 1, maximum = 9_223_372_036_854_775_807_u64)]
    id: u64,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_has_one_form() {
        assert_eq!(read_id("1"), Some(1));
        assert_eq!(read_id("9223372036854775807"), Some(i64::MAX as u64));
        for wrong in ["", "0", "01", "+1", "-1", "1.0", "x", "9223372036854775808", "1 ", "\u{661}"] {
            assert_eq!(read_id(wrong), None, "{wrong}");
        }
    }
}
