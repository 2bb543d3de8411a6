//! The endpoints that answer at once.

use std::sync::Arc;

use axum::Json;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::header::CONTENT_TYPE;
use axum::http::{Method, StatusCode};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use utoipa::ToSchema;

use super::Shared;
use super::endpoints::{ENDPOINTS, Endpoint};
use super::problem::Problem;
use crate::gateway::{FunctionInfo, Readiness, ReloadProblem, ReloadReport, RouteInfo, UpstreamInfo};
use crate::metrics::MEDIA_TYPE;

/// What there is.
#[derive(Serialize, ToSchema)]
pub(super) struct Index {
    /// The program.
    name: &'static str,
    /// Its version.
    version: &'static str,
    /// What may be asked.
    endpoints: &'static [Endpoint],
}

/// State of the process in a word.
#[derive(Serialize, ToSchema)]
pub(super) struct Status {
    /// `alive` or `ready`.
    status: &'static str,
}

/// List the endpoints
#[utoipa::path(
    get, path = "/", tag = "process",
    responses((status = 200, description = "What may be asked.", body = Index))
)]
pub(super) async fn index() -> Response {
    Json(Index { name: "lockgate", version: env!("CARGO_PKG_VERSION"), endpoints: &ENDPOINTS })
        .into_response()
}

/// Say whether the process is alive
#[utoipa::path(
    get, path = "/health", tag = "process", security(()),
    responses((status = 200, description = "It is.", body = Status))
)]
pub(super) async fn health() -> Response {
    Json(Status { status: "alive" }).into_response()
}

/// Say whether traffic may be sent here
#[utoipa::path(
    get, path = "/ready", tag = "process", security(()),
    responses(
        (status = 200, description = "It may.", body = Status),
        (status = 503, description = "The gateway is starting or draining.", body = super::problem::ProblemView,
            content_type = "application/problem+json"),
    )
)]
pub(super) async fn ready(State(shared): State<Arc<Shared>>) -> Response {
    let refuse = |detail| Problem::new(StatusCode::SERVICE_UNAVAILABLE, detail).into_response();
    match shared.gateway.readiness() {
        Readiness::Ready => Json(Status { status: "ready" }).into_response(),
        Readiness::Starting => refuse("The gateway is starting."),
        Readiness::Draining => refuse("The gateway is draining and will end."),
    }
}

/// Show the metrics
///
/// In the Prometheus text format 0.0.4.
#[utoipa::path(
    get, path = "/metrics", tag = "process",
    responses((status = 200, description = "The metrics.", body = String, content_type = "text/plain"))
)]
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

/// List the routes in force
#[utoipa::path(
    get, path = "/routes", tag = "traffic",
    responses((status = 200, description = "The routes, in the order of the configuration.", body = [RouteInfo]))
)]
pub(super) async fn routes(State(shared): State<Arc<Shared>>) -> Json<Vec<RouteInfo>> {
    Json(shared.gateway.routes())
}

/// List the upstreams and the state of their endpoints
#[utoipa::path(
    get, path = "/upstreams", tag = "traffic",
    responses((status = 200, description = "The upstreams.", body = [UpstreamInfo]))
)]
pub(super) async fn upstreams(State(shared): State<Arc<Shared>>) -> Json<Vec<UpstreamInfo>> {
    Json(shared.gateway.upstreams())
}

/// List the functions, their limits and what they did
///
/// Counts are those since a function was loaded, which a changed component or changed settings do again.
#[utoipa::path(
    get, path = "/functions", tag = "traffic",
    responses((status = 200, description = "The functions, in the order of the configuration.", body = [FunctionInfo]))
)]
pub(super) async fn functions(State(shared): State<Arc<Shared>>) -> Json<Vec<FunctionInfo>> {
    Json(shared.gateway.functions())
}

/// Read the configuration again
///
/// A body is read, so that the connection can go on, and ignored.
#[utoipa::path(
    post, path = "/reload", tag = "process",
    responses(
        (status = 200, description = "It is in force.", body = ReloadReport),
        (status = 409, description = "A reload is under way.", body = super::problem::ProblemView,
            content_type = "application/problem+json"),
        (status = 413, description = "The body is too large.", body = super::problem::ProblemView,
            content_type = "application/problem+json"),
        (status = 422, description = "The configuration was refused; the one before stays in force.",
            body = super::problem::ProblemView, content_type = "application/problem+json"),
    )
)]
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

/// Every method that a path does not offer: `OPTIONS` asks which it does, and the router's `Allow` says so.
pub(super) async fn no_such_method(method: Method) -> StatusCode {
    if method == Method::OPTIONS { StatusCode::NO_CONTENT } else { StatusCode::METHOD_NOT_ALLOWED }
}

/// Every other path.
pub(super) async fn nothing_here() -> Problem {
    Problem::new(StatusCode::NOT_FOUND, "There is nothing at this path; `GET /` lists what there is.")
}
