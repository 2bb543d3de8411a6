//! What a request for usage asks for.

use axum::http::HeaderMap;
use axum::http::header::ACCEPT;
use store::{Bucket, UsageBy, UsageQuery};
use utoipa::IntoParams;

use super::super::json::Read;
use super::super::problem::Problem;
use super::super::time::{hour_of, read_time};
use super::super::words::{Words, read_limit};
use super::row::read_cursor;

/// The form of the answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Format {
    /// A page.
    Json,
    /// Everything, with a line of names (RFC 4180).
    Csv,
    /// Everything, one object a line.
    Ndjson,
}

/// A request for usage.
pub(super) struct Asked {
    pub(super) query: UsageQuery,
    /// Whether it says what to tell apart.
    pub(super) says_by: bool,
    pub(super) format: Format,
    pub(super) limit: Option<u32>,
}

impl Asked {
    pub(super) fn read(words: &mut Words, headers: &HeaderMap) -> Result<Self, Problem> {
        let from_hour = words.optional("from", read_time).map_or(0, hour_of);
        let to_hour = words.optional("to", read_time).map(hour_of);
        let by = words.optional("by", read_by);
        let after =
            words.optional("after", |text| read_cursor(text).ok_or("is no place in this list".into()));
        let format = words.optional("format", read_format);
        let limit = words.optional("limit", read_limit);
        words.finish()?;
        Ok(Self {
            query: UsageQuery {
                user_id: None,
                from_hour,
                to_hour,
                by: by.unwrap_or_default(),
                after,
                limit: 0,
            },
            says_by: by.is_some(),
            format: format.unwrap_or_else(|| accepted(headers)),
            limit,
        })
    }
}

/// Reads `user,day` and the like; `none` alone tells nothing apart.
fn read_by(text: &str) -> Read<UsageBy> {
    let mut by = UsageBy::default();
    if text == "none" {
        return Ok(by);
    }
    for word in text.split(',') {
        let time = match word {
            "user" => {
                by.user = true;
                continue;
            }
            "key" => {
                by.key = true;
                continue;
            }
            "route" => {
                by.route = true;
                continue;
            }
            "hour" => Some(Bucket::Hour),
            "day" => Some(Bucket::Day),
            "month" => Some(Bucket::Month),
            _ => None,
        };
        if time.is_none() || by.time.is_some() {
            return Err(
                "must be `none`, or of `user`, `key`, `route` and one of `hour`, `day`, `month`".into()
            );
        }
        by.time = time;
    }
    Ok(by)
}

fn read_format(text: &str) -> Read<Format> {
    match text {
        "json" => Ok(Format::Json),
        "csv" => Ok(Format::Csv),
        "ndjson" => Ok(Format::Ndjson),
        _ => Err("must be `json`, `csv` or `ndjson`".into()),
    }
}

/// The first form of ours in `Accept`; JSON when there is none.
fn accepted(headers: &HeaderMap) -> Format {
    let fields = headers.get_all(ACCEPT).iter().filter_map(|field| field.to_str().ok());
    let types =
        fields.flat_map(|field| field.split(',')).map(|range| range.split(';').next().unwrap_or_default());
    let known = |media_type: &str| match media_type.trim().to_ascii_lowercase().as_str() {
        "application/json" | "application/*" | "*/*" => Some(Format::Json),
        "text/csv" | "text/*" => Some(Format::Csv),
        "application/x-ndjson" => Some(Format::Ndjson),
        _ => None,
    };
    types.into_iter().find_map(known).unwrap_or(Format::Json)
}

/// What usage to sum, and how to tell it.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
#[allow(dead_code, reason = "described, and read by `Words`")]
pub(in super::super) struct UsageWords {
    /// From this time on: a date (its first hour in UTC) or a time, taken down to its whole hour.
    #[param(required = false, value_type = super::super::openapi::DateOrTime, example = "2026-11-01")]
    from: String,
    /// Before this time: a date or a time, taken down to its whole hour. So stretches that meet neither overlap nor leave a gap.
    #[param(required = false, value_type = super::super::openapi::DateOrTime, example = "2026-12-01")]
    to: String,
    /// What to tell apart: `none`, or a list of `user`, `key`, `route` and one of `hour`, `day`, `month` (UTC).
    #[param(
        required = false,
        example = "user,day",
        pattern = "^(none|(?!.*(hour|day|month).*(hour|day|month))(user|key|route|hour|day|month)(,(user|key|route|hour|day|month))*)$"
    )]
    by: String,
    /// The place of the last row of the page before; `Link` of that page has it.
    #[param(
        required = false,
        pattern = r"^[0-9]{0,18}\.[0-9]{0,18}\.[0-9]{0,18}\.[^\u0000-\u001f\u007f-\u009f]*$"
    )]
    after: String,
    /// Most rows to answer with; JSON: 100 unless this says otherwise.
    #[param(required = false, minimum = 1, maximum = 1000)]
    limit: u32,
    /// The form of the answer; by `Accept`, unless this says otherwise.
    #[param(required = false, pattern = "^(json|csv|ndjson)$")]
    format: String,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_to_tell_apart_is_a_list_with_one_stretch_of_time() {
        let by = |user, key, route, time| Some(UsageBy { user, key, route, time });
        let check =
            |text: &str, expected: Option<UsageBy>| assert_eq!(read_by(text).ok(), expected, "{text}");
        check("none", by(false, false, false, None));
        check("user,day", by(true, false, false, Some(Bucket::Day)));
        check("month,route,key", by(false, true, true, Some(Bucket::Month)));
        check("user,user", by(true, false, false, None));
        for wrong in ["", "hour,day", "day,day", "none,user", "user,", "User", "week"] {
            check(wrong, None);
        }
    }

    #[test]
    fn the_first_known_form_is_sent() {
        let check = |accept: &str, expected: Format| {
            let mut headers = HeaderMap::new();
            headers.insert(ACCEPT, accept.parse().unwrap());
            assert_eq!(accepted(&headers), expected, "{accept}");
        };
        check("*/*", Format::Json);
        check("text/csv", Format::Csv);
        check("text/html, Application/X-NDJSON;q=0.9, */*", Format::Ndjson);
        check("image/png", Format::Json);
        assert_eq!(accepted(&HeaderMap::new()), Format::Json);
    }
}
