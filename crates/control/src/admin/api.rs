//! The endpoints that answer at once.

use std::sync::Arc;

use axum::Json;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::StatusCode;
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Response};
use serde_json::json;

use super::Shared;
use super::endpoints::ENDPOINTS;
use super::problem::Problem;
use crate::gateway::{Readiness, ReloadProblem, ReloadReport, RouteInfo, UpstreamInfo};
use crate::metrics::MEDIA_TYPE;

/// `GET /`
pub(super) async fn index() -> Response {
    Json(json!({ "name": "lockgate", "version": env!("CARGO_PKG_VERSION"), "endpoints": ENDPOINTS }))
        .into_response()
}

/// `GET /health`: an answer is the answer.
pub(super) async fn health() -> Response {
    Json(json!({ "status": "alive" })).into_response()
}

/// `GET /ready`
pub(super) async fn ready(State(shared): State<Arc<Shared>>) -> Response {
    let refuse = |detail| Problem::new(StatusCode::SERVICE_UNAVAILABLE, detail).into_response();
    match shared.gateway.readiness() {
        Readiness::Ready => Json(json!({ "status": "ready" })).into_response(),
        Readiness::Starting => refuse("The gateway is starting."),
        Readiness::Draining => refuse("The gateway is draining and will end."),
    }
}

/// `GET /metrics`
pub(super) async fn metrics(State(shared): State<Arc<Shared>>) -> Response {
    let _alone = shared.rendering.lock().await;
    let render = {
        let shared = Arc::clone(&shared);
        move || shared.metrics.render(&*shared.gateway, &shared.live)
    };
    match tokio::task::spawn_blocking(render).await {
        Ok(text) => ([(CONTENT_TYPE, MEDIA_TYPE)], text).into_response(),
        Err(_) => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
    }
}

/// `GET /routes`
pub(super) async fn routes(State(shared): State<Arc<Shared>>) -> Json<Vec<RouteInfo>> {
    Json(shared.gateway.routes())
}

/// `GET /upstreams`
pub(super) async fn upstreams(State(shared): State<Arc<Shared>>) -> Json<Vec<UpstreamInfo>> {
    Json(shared.gateway.upstreams())
}

/// `POST /reload`: a body is read, so that the connection can go on, and ignored.
pub(super) async fn reload(State(shared): State<Arc<Shared>>, _body: Bytes) -> Response {
    let Ok(alone) = Arc::clone(&shared.reloading).try_lock_owned() else {
        return Problem::new(StatusCode::CONFLICT, "A reload is under way.").into_response();
    };
    // In a task of its own: a client that leaves must not stop a reload half way.
    let work = tokio::spawn(async move {
        let outcome = shared.gateway.reload().await;
        drop(alone);
        outcome
    });
    match work.await {
        Ok(Ok(report)) => accepted(report),
        Ok(Err(problem)) => refused(problem),
        Err(_) => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
    }
}

fn accepted(report: ReloadReport) -> Response {
    tracing::info!(generation = report.generation, changes = report.changes.len(), "configuration reloaded");
    Json(report).into_response()
}

fn refused(problem: ReloadProblem) -> Response {
    tracing::warn!(
        diagnostics = problem.diagnostics.len(),
        "configuration refused; the one before stays in force"
    );
    let detail = "The configuration was refused; the one before stays in force.";
    Problem::new(StatusCode::UNPROCESSABLE_ENTITY, detail)
        .with("diagnostics", problem.diagnostics)
        .with("rendered", problem.rendered)
        .into_response()
}

/// Every other path.
pub(super) async fn nothing_here() -> Problem {
    Problem::new(StatusCode::NOT_FOUND, "There is nothing at this path; `GET /` lists what there is.")
}
