//! Usage sent whole: the store sums it once and hands it on as the client takes it, and no more than a few rows are kept.

use std::sync::Arc;

use async_trait::async_trait;
use axum::body::{Body, Bytes};
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Response};
use futures_util::stream::{self, Stream};
use store::{Store, StoreError, UsageBy, UsageQuery, UsageRow, UsageSink};
use tokio::sync::mpsc::{Receiver, Sender, channel};
use tokio::task::JoinSet;
use tokio::time::timeout;

use super::super::problem::Problem;
use super::row::{UsageRowView, is_total, total_of_nothing, write_csv_names};
use super::words::Format;
use crate::chain::chain_of;
use crate::limits::USAGE_STREAM;

/// Pieces that wait for the client; one more is being made.
const PIECES: usize = 1;

/// Answers with every row, or the first `limit`. The first ones are there before the head is sent, so that a refusal can be one.
pub(super) async fn answer(
    store: &Arc<dyn Store>,
    mut query: UsageQuery,
    format: Format,
    limit: Option<u32>,
) -> Result<Response, Problem> {
    query.limit = limit.unwrap_or(0);
    let form = Form { by: query.by, format };
    let mut first = form.names();
    let mut pieces = Pieces::of(Arc::clone(store), query.clone(), form);
    match pieces.next().await? {
        Some(piece) => first.extend_from_slice(&piece),
        None if is_total(&query) && query.after.is_none() => {
            form.write(&total_of_nothing(&query), &mut first)
        }
        None => {}
    }
    let media_type = match format {
        Format::Csv => "text/csv; charset=utf-8",
        Format::Json | Format::Ndjson => "application/x-ndjson",
    };
    Ok(([(CONTENT_TYPE, media_type)], Body::from_stream(pieces.stream(first.into()))).into_response())
}

/// How rows are written.
#[derive(Clone, Copy)]
struct Form {
    by: UsageBy,
    format: Format,
}

impl Form {
    /// What comes before the rows.
    fn names(self) -> Vec<u8> {
        let mut names = String::new();
        if self.format == Format::Csv {
            write_csv_names(self.by, &mut names);
        }
        names.into_bytes()
    }

    fn write(self, row: &UsageRow, out: &mut Vec<u8>) {
        let row = UsageRowView::of(row, self.by);
        if self.format == Format::Csv {
            let mut line = String::new();
            row.write_csv(&mut line);
            out.extend_from_slice(line.as_bytes());
        } else {
            serde_json::to_writer(&mut *out, &row).expect("a row is always JSON, and memory takes it");
            out.push(b'\n');
        }
    }
}

/// Writes what the store hands on, and waits for the client.
struct Lines {
    form: Form,
    pieces: Sender<Bytes>,
}

#[async_trait]
impl UsageSink for Lines {
    async fn take(&mut self, rows: Vec<UsageRow>) {
        let mut out = Vec::new();
        for row in &rows {
            self.form.write(row, &mut out);
        }
        // Without a client this is being dropped.
        let _ = self.pieces.send(out.into()).await;
    }
}

/// The pieces that are still to be sent, and the task that makes them. It is no part of the body, which a client that takes nothing keeps
/// from being asked: a task sees its time pass. It ends with the body.
struct Pieces {
    made: Receiver<Bytes>,
    making: JoinSet<Result<(), StoreError>>,
}

impl Pieces {
    fn of(store: Arc<dyn Store>, query: UsageQuery, form: Form) -> Self {
        let (pieces, made) = channel(PIECES);
        let mut making = JoinSet::new();
        making.spawn(async move {
            let mut lines = Lines { form, pieces };
            match timeout(USAGE_STREAM, store.stream_usage(&query, &mut lines)).await {
                Ok(result) => result,
                Err(elapsed) => Err(StoreError::Unavailable(Box::new(elapsed))),
            }
        });
        Self { made, making }
    }

    /// The next piece; `None` when that was all.
    async fn next(&mut self) -> Result<Option<Bytes>, StoreError> {
        if let Some(piece) = self.made.recv().await {
            return Ok(Some(piece));
        }
        match self.making.join_next().await {
            Some(Ok(ended)) => ended.map(|()| None),
            Some(Err(panicked)) => Err(StoreError::Failed(Box::new(panicked))),
            None => Ok(None),
        }
    }

    /// `first`, then the pieces. A failure half way ends the body unfinished, so that nobody takes a part for the whole.
    fn stream(self, first: Bytes) -> impl Stream<Item = Result<Bytes, StoreError>> {
        stream::try_unfold((self, Some(first)), |(mut pieces, first)| async move {
            if let Some(first) = first {
                return Ok(Some((first, (pieces, None))));
            }
            let piece = pieces.next().await.inspect_err(|error| {
                tracing::warn!(error = %chain_of(error), "usage that was being sent was cut off");
            })?;
            Ok(piece.map(|piece| (piece, (pieces, None))))
        })
    }
}
