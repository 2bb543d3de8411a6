//! Usage sent whole: page after page is asked of the store, and none is kept.

use std::sync::Arc;

use axum::body::{Body, Bytes};
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Response};
use futures_util::stream::{self, Stream};
use store::{Store, StoreError, UsageQuery, UsageRow};

use super::super::problem::Problem;
use super::row::{UsageRowView, write_csv_names};
use super::words::Format;
use crate::chain::chain_of;
use crate::limits::PAGE_ENTRIES;

/// Answers with every row, or the first `limit`. The first page is there before the head is sent, so that a refusal can be one.
pub(super) async fn answer(
    store: &Arc<dyn Store>,
    query: UsageQuery,
    format: Format,
    limit: Option<u32>,
) -> Result<Response, Problem> {
    let mut pages = Pages { store: Arc::clone(store), query, format, left: limit, is_over: false };
    let mut first = Vec::new();
    if format == Format::Csv {
        let mut names = String::new();
        write_csv_names(pages.query.by, &mut names);
        first.extend_from_slice(names.as_bytes());
    }
    let query = pages.next_query();
    let rows = super::rows(&**store, &query).await?;
    pages.write(&rows, &mut first);
    let media_type = match format {
        Format::Csv => "text/csv; charset=utf-8",
        Format::Json | Format::Ndjson => "application/x-ndjson",
    };
    Ok(([(CONTENT_TYPE, media_type)], Body::from_stream(pages.stream(first.into()))).into_response())
}

/// The pages that are still to be sent.
struct Pages {
    store: Arc<dyn Store>,
    query: UsageQuery,
    format: Format,
    /// Rows that may still be sent; `None`: all.
    left: Option<u32>,
    is_over: bool,
}

impl Pages {
    fn next_query(&mut self) -> UsageQuery {
        self.query.limit = self.left.unwrap_or(PAGE_ENTRIES).min(PAGE_ENTRIES);
        self.query.clone()
    }

    /// Writes a page, and remembers where the next one begins.
    fn write(&mut self, rows: &[UsageRow], out: &mut Vec<u8>) {
        for row in rows {
            self.write_row(row, out);
        }
        self.is_over = rows.len() < self.query.limit as usize;
        if let Some(left) = &mut self.left {
            *left -= (rows.len() as u32).min(*left);
            self.is_over |= *left == 0;
        }
        self.query.after = rows.last().cloned();
    }

    fn write_row(&self, row: &UsageRow, out: &mut Vec<u8>) {
        let row = UsageRowView::of(row, self.query.by);
        if self.format == Format::Csv {
            let mut line = String::new();
            row.write_csv(&mut line);
            out.extend_from_slice(line.as_bytes());
        } else {
            serde_json::to_writer(&mut *out, &row).expect("a row is always JSON, and memory takes it");
            out.push(b'\n');
        }
    }

    /// `first`, then the pages. A failure half way ends the body unfinished, so that nobody takes a part for the whole.
    fn stream(self, first: Bytes) -> impl Stream<Item = Result<Bytes, StoreError>> {
        stream::try_unfold((self, Some(first)), |(mut pages, first)| async move {
            if let Some(first) = first {
                return Ok(Some((first, (pages, None))));
            }
            if pages.is_over {
                return Ok(None);
            }
            let query = pages.next_query();
            let rows = pages.store.usage(&query).await.inspect_err(|error| {
                tracing::warn!(error = %chain_of(error), "usage that was being sent was cut off");
            })?;
            let mut out = Vec::new();
            pages.write(&rows, &mut out);
            Ok(Some((out.into(), (pages, None))))
        })
    }
}
