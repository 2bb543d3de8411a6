//! Bodies: a JSON object read field by field, so that a refusal names every field that is wrong at once.

use std::borrow::Cow;
use std::collections::BTreeMap;

use axum::body::Bytes;
use axum::extract::{FromRequest, Request};
use axum::http::header::CONTENT_TYPE;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use serde::de::IgnoredAny;
use serde_json::value::RawValue;

use super::problem::{FieldError, Problem};

/// What a reader of one field answers: the value, or what is wrong with it.
pub(super) type Read<T> = Result<T, Cow<'static, str>>;

/// A body that says it is JSON, or an empty one.
pub(super) struct JsonBody(Bytes);

impl JsonBody {
    /// Its fields.
    ///
    /// # Errors
    /// 400 when it is not JSON, 422 when it is no object.
    pub(super) fn fields(&self) -> Result<Fields<'_>, Problem> {
        Fields::of(&self.0)
    }

    /// Its fields; an empty body has none.
    pub(super) fn fields_if_any(&self) -> Result<Fields<'_>, Problem> {
        if self.0.is_empty() { Ok(Fields::default()) } else { self.fields() }
    }
}

impl<S: Send + Sync> FromRequest<S> for JsonBody {
    type Rejection = Response;

    async fn from_request(request: Request, state: &S) -> Result<Self, Response> {
        let is_json = says_json(request.headers());
        let body = Bytes::from_request(request, state).await.map_err(IntoResponse::into_response)?;
        if is_json || body.is_empty() {
            return Ok(Self(body));
        }
        let detail = "The body must be JSON, and `Content-Type` must say so.";
        Err(Problem::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, detail).into_response())
    }
}

/// `application/json`, or a type built on it such as `application/merge-patch+json` (RFC 7396).
fn says_json(headers: &HeaderMap) -> bool {
    let Some(field) = headers.get(CONTENT_TYPE).and_then(|field| field.to_str().ok()) else { return false };
    let media_type = field.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    media_type
        .strip_prefix("application/")
        .is_some_and(|subtype| subtype == "json" || subtype.ends_with("+json"))
}

/// The fields of an object that have not been asked for yet, and what was wrong with those that have.
#[derive(Default)]
pub(super) struct Fields<'a> {
    left: BTreeMap<Cow<'a, str>, &'a RawValue>,
    errors: Vec<FieldError>,
}

impl<'a> Fields<'a> {
    pub(super) fn of(body: &'a [u8]) -> Result<Self, Problem> {
        match serde_json::from_slice(body) {
            Ok(left) => Ok(Self { left, errors: Vec::new() }),
            Err(_) if serde_json::from_slice::<IgnoredAny>(body).is_ok() => {
                Err(Problem::new(StatusCode::UNPROCESSABLE_ENTITY, "The body must be a JSON object."))
            }
            Err(error) => Err(Problem::new(
                StatusCode::BAD_REQUEST,
                &format!("The body is not JSON: line {}, column {}.", error.line(), error.column()),
            )),
        }
    }

    /// What is left, by name.
    pub(super) fn raw(&self) -> &BTreeMap<Cow<'a, str>, &'a RawValue> {
        &self.left
    }

    /// A field that must be there. What is answered in its place otherwise is never used: [`Self::finish`] refuses.
    pub(super) fn required<T: Default>(
        &mut self,
        field: &'static str,
        read: impl FnOnce(&RawValue) -> Read<T>,
    ) -> T {
        if !self.left.contains_key(field) {
            self.errors.push(FieldError::new(field, "must be there"));
        }
        self.optional(field, read).unwrap_or_default()
    }

    /// A field that may be left out.
    pub(super) fn optional<T>(
        &mut self,
        field: &'static str,
        read: impl FnOnce(&RawValue) -> Read<T>,
    ) -> Option<T> {
        let read = read(self.left.remove(field)?);
        read.map_err(|detail| self.refuse(field, detail)).ok()
    }

    /// A field that may be left out, or null.
    pub(super) fn nullable<T>(
        &mut self,
        field: &'static str,
        read: impl FnOnce(&RawValue) -> Read<T>,
    ) -> Option<Option<T>> {
        self.optional(field, |raw| if raw.get() == "null" { Ok(None) } else { read(raw).map(Some) })
    }

    /// Says that something is wrong with a field.
    pub(super) fn refuse(&mut self, field: &'static str, detail: impl Into<Cow<'static, str>>) {
        self.errors.push(FieldError::new(field, detail));
    }

    /// Ends reading.
    ///
    /// # Errors
    /// 422 when a field was wrong, was not there, or is none that can be.
    pub(super) fn finish(mut self) -> Result<(), Problem> {
        self.errors.extend(self.left.into_keys().map(|name| FieldError {
            field: Cow::Owned(name.into_owned()),
            detail: Cow::Borrowed("is not known here"),
        }));
        if self.errors.is_empty() {
            return Ok(());
        }
        let detail = "The body is not what this asks for; `errors` says of each field what is wrong.";
        Err(Problem::of_fields(StatusCode::UNPROCESSABLE_ENTITY, detail, &self.errors))
    }
}

/// Reads a text.
pub(super) fn text(raw: &RawValue) -> Read<String> {
    serde_json::from_str(raw.get()).map_err(|_| "must be a text".into())
}

/// Reads a text of 1 to `most` characters, none of them a control character.
pub(super) fn line(raw: &RawValue, most: usize) -> Read<String> {
    let text = text(raw)?;
    if !(1..=most).contains(&text.chars().count()) {
        return Err(format!("must have 1 to {most} characters").into());
    }
    if text.chars().any(char::is_control) {
        return Err("must not have control characters".into());
    }
    Ok(text)
}

/// Reads a list of at most `most` texts.
pub(super) fn list<T>(raw: &RawValue, most: usize, read: impl Fn(&RawValue) -> Read<T>) -> Read<Vec<T>> {
    let items: Vec<&RawValue> = serde_json::from_str(raw.get()).map_err(|_| "must be a list")?;
    if items.len() > most {
        return Err(format!("must not have more than {most} entries").into());
    }
    items
        .into_iter()
        .map(read)
        .collect::<Result<_, _>>()
        .map_err(|detail| format!("each entry {detail}").into())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn problem(body: &str) -> serde_json::Value {
        let read = Fields::of(body.as_bytes()).and_then(|mut fields| {
            fields.required("name", |raw| line(raw, 5));
            fields.nullable("scopes", |raw| list(raw, 2, text));
            fields.finish()
        });
        read.err().map_or(serde_json::Value::Null, |problem| problem.members().clone().into())
    }

    #[test]
    fn every_wrong_field_is_named_at_once() {
        let body = r#"{"name": 1, "scopes": ["a", 2], "nam\u0065s": 3}"#;
        let expected = serde_json::json!([
            { "field": "name", "detail": "must be a text" },
            { "field": "scopes", "detail": "each entry must be a text" },
            { "field": "names", "detail": "is not known here" },
        ]);
        assert_eq!(problem(body)["errors"], expected);
        assert_eq!(problem("{}")["errors"][0]["detail"], "must be there");
    }

    #[test]
    fn a_body_that_is_no_json_is_told_from_one_that_is_no_object() {
        let check = |body: &str, status: u16| assert_eq!(problem(body)["status"], status, "{body}");
        for body in ["", "{", "[1,", "{\"name\": \"x\"", "{} {}", "\u{feff}{}", "{\"name\": nul}"] {
            check(body, 400);
        }
        for body in ["[]", "1", "null", "\"x\"", "{}", r#"{"name": "\ud800"}"#] {
            check(body, 422);
        }
    }

    #[test]
    fn a_line_is_measured_in_characters_and_has_no_controls() {
        let check = |body: &str, is_taken| assert_eq!(problem(body).is_null(), is_taken, "{body}");
        check(r#"{"name": "ünïcö"}"#, true);
        check(r#"{"name": "123456"}"#, false);
        check(r#"{"name": ""}"#, false);
        check(r#"{"name": "a\u0000"}"#, false);
        check(r#"{"name": "a\u0085"}"#, false);
        check(r#"{"name": "a", "scopes": null}"#, true);
        check(r#"{"name": "a", "scopes": ["a", "b"]}"#, true);
        check(r#"{"name": "a", "scopes": ["a", "b", "c"]}"#, false);
    }
}
