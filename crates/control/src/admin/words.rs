//! The words of a query, and the pages of lists that they name.

use std::borrow::Cow;
use std::fmt::Write;

use axum::extract::{FromRequestParts, Query};
use axum::http::header::{HeaderName, LINK};
use axum::http::request::Parts;
use axum::http::{HeaderValue, StatusCode};
use utoipa::IntoParams;

use super::id::read_id;
use super::json::Read;
use super::problem::{FieldError, Problem};
use crate::limits::{PAGE_ENTRIES, PAGE_ENTRIES_DEFAULT};

/// The words of a query, those that were asked for, and what was wrong with them.
pub(super) struct Words {
    path: String,
    pairs: Vec<(String, String)>,
    known: Vec<&'static str>,
    errors: Vec<FieldError>,
}

impl<S: Sync> FromRequestParts<S> for Words {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        let refuse = |_| Problem::new(StatusCode::BAD_REQUEST, "The query cannot be understood.");
        let Query(pairs) = Query::try_from_uri(&parts.uri).map_err(refuse)?;
        Ok(Self { path: parts.uri.path().to_owned(), pairs, known: Vec::new(), errors: Vec::new() })
    }
}

impl Words {
    /// A word that may be left out.
    pub(super) fn optional<T>(
        &mut self,
        name: &'static str,
        read: impl FnOnce(&str) -> Read<T>,
    ) -> Option<T> {
        self.known.push(name);
        let mut values = self.pairs.iter().filter(|(word, _)| word == name).map(|(_, value)| &**value);
        let read = match (values.next()?, values.next()) {
            (value, None) => read(value),
            (_, Some(_)) => Err("must be there once at most".into()),
        };
        read.map_err(|detail| self.errors.push(FieldError::new(name, detail))).ok()
    }

    /// `?limit=`
    pub(super) fn limit(&mut self) -> u32 {
        self.optional("limit", read_limit).unwrap_or(PAGE_ENTRIES_DEFAULT)
    }

    /// `?after=` where it is an id.
    pub(super) fn after_id(&mut self) -> Option<u64> {
        self.optional("after", |text| read_id(text).ok_or("must be an id".into()))
    }

    /// Ends reading.
    ///
    /// # Errors
    /// 400 when a word was wrong, or is none that can be.
    pub(super) fn finish(&mut self) -> Result<(), Problem> {
        let unknown = self.pairs.iter().filter(|(word, _)| !self.known.contains(&&**word));
        let unknown = unknown.map(|(word, _)| FieldError {
            field: Cow::Owned(word.clone()),
            detail: Cow::Borrowed("is not known here"),
        });
        self.errors.extend(unknown);
        if self.errors.is_empty() {
            return Ok(());
        }
        let detail = "The query is not what this asks for; `errors` says of each word what is wrong.";
        Err(Problem::of_fields(StatusCode::BAD_REQUEST, detail, &self.errors))
    }

    /// The header field that names the page after the entry `last` (RFC 8288).
    pub(super) fn next_page(&self, last: &str) -> (HeaderName, HeaderValue) {
        let mut link = format!("<{}?", self.path);
        let words = self.pairs.iter().filter(|(word, _)| word != "after");
        for (word, value) in words {
            push_escaped(&mut link, word);
            link.push('=');
            push_escaped(&mut link, value);
            link.push('&');
        }
        link.push_str("after=");
        push_escaped(&mut link, last);
        link.push_str(">; rel=\"next\"");
        (LINK, HeaderValue::try_from(link).expect("a request's path and escaped words are a field value"))
    }

    /// Cuts what was fetched beyond a page off, and names the next page if there was something.
    pub(super) fn page<T>(
        &self,
        entries: &mut Vec<T>,
        limit: u32,
        name: impl FnOnce(&T) -> String,
    ) -> Option<(HeaderName, HeaderValue)> {
        let is_more = entries.len() > limit as usize;
        entries.truncate(limit as usize);
        entries.last().filter(|_| is_more).map(|last| self.next_page(&name(last)))
    }
}

/// Reads a number of entries.
pub(super) fn read_limit(text: &str) -> Read<u32> {
    let is_plain = text.bytes().all(|byte| byte.is_ascii_digit());
    let limit = is_plain.then(|| text.parse().ok()).flatten();
    limit
        .filter(|limit| (1..=PAGE_ENTRIES).contains(limit))
        .ok_or_else(|| format!("must be a number from 1 to {PAGE_ENTRIES}").into())
}

/// Appends a text with all but unreserved characters escaped (RFC 3986, section 2.3).
fn push_escaped(out: &mut String, text: &str) {
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            out.push(byte.into());
        } else {
            // Writing to a String cannot fail.
            let _ = write!(out, "%{byte:02X}");
        }
    }
}

/// The page of a list.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
#[allow(dead_code, reason = "described, and read by `Words`")]
pub(super) struct PageWords {
    /// Most entries to answer with.
    #[param(required = false, minimum = 1, maximum = 1000, default = 100)]
    limit: u32,
    /// The id of the last entry of the page before; `Link` of that page has it.
    #[param(required = false, minimum = 1, maximum = 9_223_372_036_854_775_807_u64)]
    after: u64,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(query: &str) -> Words {
        let request = axum::http::Request::get(format!("/usage?{query}")).body(()).unwrap();
        let Query(pairs) = Query::try_from_uri(request.uri()).unwrap();
        Words { path: "/usage".into(), pairs, known: Vec::new(), errors: Vec::new() }
    }

    #[test]
    fn a_word_that_is_wrong_unknown_or_there_twice_is_named() {
        let mut words = words("limit=0&after=1&after=2&colour=red");
        words.limit();
        words.after_id();
        let problem = words.finish().unwrap_err().members().clone();
        let expected = serde_json::json!([
            { "field": "limit", "detail": "must be a number from 1 to 1000" },
            { "field": "after", "detail": "must be there once at most" },
            { "field": "colour", "detail": "is not known here" },
        ]);
        assert_eq!((&problem["errors"], &problem["status"]), (&expected, &400.into()));
    }

    #[test]
    fn the_next_page_keeps_the_words_and_starts_after_the_last_entry() {
        let words = words("by=user%2Cday&after=3&limit=2");
        let page = |mut entries: Vec<u64>| {
            let link = words.page(&mut entries, 2, u64::to_string);
            (entries.len(), link.map(|(_, link)| link.to_str().unwrap().to_owned()))
        };
        assert_eq!(page(vec![4, 5]), (2, None));
        let next = "</usage?by=user%2Cday&limit=2&after=5>; rel=\"next\"";
        assert_eq!(page(vec![4, 5, 6]), (2, Some(next.into())));
    }
}
