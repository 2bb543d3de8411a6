//! `GET /events`: live events as server-sent events.

use std::convert::Infallible;
use std::sync::Arc;

use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State};
use axum::http::StatusCode;
use axum::http::header::RETRY_AFTER;
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use serde::Deserialize;
use tokio_stream::{Stream, StreamExt};

use super::Shared;
use super::problem::Problem;
use crate::limits::{FILTER_BYTES, HEARTBEAT};
use crate::live::{Filter, LiveEvent, SubscribeError, Subscription};

/// The words of the query.
#[derive(Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct Words {
    /// Only events of this route.
    #[param(required = false, nullable = false)]
    route: Option<String>,
    /// Only events with this status.
    #[param(required = false, nullable = false)]
    status: Option<u16>,
    /// Only events with this reason.
    #[param(required = false, nullable = false)]
    reason: Option<String>,
}

/// Watch live events
///
/// One `data:` line per event that the query admits, and `event: lag` with `{"lost":n}` where `n` are missing.
#[utoipa::path(
    get, path = "/events", tag = "traffic", params(Words),
    responses((status = 200, description = "Events as they are recorded, without end.", body = String,
        content_type = "text/event-stream"))
)]
pub(super) async fn events(
    State(shared): State<Arc<Shared>>,
    words: Result<Query<Words>, QueryRejection>,
) -> Response {
    let Some(filter) = words.ok().and_then(|Query(words)| filter_of(words)) else {
        let detail = "The filters are `route`, `status` (a number) and `reason`, each at most once.";
        return Problem::new(StatusCode::BAD_REQUEST, detail).into_response();
    };
    match shared.live.subscribe(filter) {
        Ok(subscription) => {
            Sse::new(stream_of(subscription)).keep_alive(KeepAlive::new().interval(HEARTBEAT)).into_response()
        }
        Err(SubscribeError::TooMany) => refuse("As many clients as there may be watch already."),
        Err(SubscribeError::Closed) => refuse("The gateway is draining and will end."),
    }
}

fn filter_of(words: Words) -> Option<Filter> {
    let Words { route, status, reason } = words;
    let longest = [&route, &reason].into_iter().flatten().map(String::len).max();
    (longest <= Some(FILTER_BYTES)).then_some(Filter { route, status, reason })
}

fn stream_of(subscription: Subscription) -> impl Stream<Item = Result<Event, Infallible>> {
    subscription.map(|item| {
        Ok(match item {
            LiveEvent::Event(text) => Event::default().data(text),
            LiveEvent::Lag(lost) => Event::default().event("lag").data(format!("{{\"lost\":{lost}}}")),
        })
    })
}

fn refuse(detail: &str) -> Response {
    ([(RETRY_AFTER, "10")], Problem::new(StatusCode::SERVICE_UNAVAILABLE, detail)).into_response()
}
