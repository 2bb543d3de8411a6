//! The admin API: what it is made of, and the layers every request passes.

mod api;
mod auth;
mod connection;
mod endpoints;
mod events;
mod problem;
mod server;
mod write_deadline;

use std::future::Future;
use std::io;
use std::net::TcpListener;
use std::sync::Arc;

use axum::Router;
use axum::http::StatusCode;
use axum::middleware::{from_fn_with_state, map_response};
use axum::routing::{get, post};
use tokio::sync::Mutex;
use tokio::time::timeout;
use tower_http::catch_panic::CatchPanicLayer;
use tower_http::limit::RequestBodyLimitLayer;
use tower_http::timeout::TimeoutLayer;

use crate::gateway::Gateway;
use crate::limits::{BODY_BYTES, DRAIN, REQUEST_TIMEOUT};
use crate::live::LiveEvents;
use crate::metrics::MetricsHandle;
use crate::tokens::Tokens;

use self::server::Timing;

pub use self::endpoints::admin_reference;

/// The admin API of one process.
pub struct Admin {
    shared: Arc<Shared>,
}

/// What the handlers share.
struct Shared {
    gateway: Arc<dyn Gateway>,
    tokens: Tokens,
    metrics: MetricsHandle,
    live: LiveEvents,
    /// Held while an exposition is rendered: one at a time bounds the memory they take.
    rendering: Mutex<()>,
    /// Held while a configuration is read.
    reloading: Arc<Mutex<()>>,
}

impl Admin {
    /// Puts the parts together; nothing runs yet.
    pub fn new(gateway: Arc<dyn Gateway>, tokens: Tokens, metrics: MetricsHandle, live: LiveEvents) -> Self {
        let (rendering, reloading) = (Mutex::default(), Arc::default());
        Self { shared: Arc::new(Shared { gateway, tokens, metrics, live, rendering, reloading }) }
    }

    /// Serves HTTP/1.1 on `listener` until `shutdown` is ready, then ends live events, lets what is being answered
    /// end for at most [`DRAIN`](crate::limits::DRAIN), and closes. Runs on the caller's tokio runtime.
    ///
    /// # Errors
    /// When the listener cannot be given to the runtime. Failures of a single connection only end that one.
    pub async fn serve(self, listener: TcpListener, shutdown: impl Future<Output = ()>) -> io::Result<()> {
        let live = self.shared.live.clone();
        let shutdown = async move {
            shutdown.await;
            live.close();
        };
        server::serve(self.router(), listener, shutdown, Timing::default()).await?;
        // A reload whose client has left is still this side's to wait for; past the deadline it ends with the runtime.
        let _ = timeout(DRAIN, self.shared.reloading.lock()).await;
        Ok(())
    }

    /// The API as a service, for tests and for embedding.
    pub fn router(&self) -> Router {
        Router::new()
            .route("/", get(api::index))
            .route("/health", get(api::health))
            .route("/ready", get(api::ready))
            .route("/metrics", get(api::metrics))
            .route("/routes", get(api::routes))
            .route("/upstreams", get(api::upstreams))
            .route("/events", get(events::events))
            .route("/reload", post(api::reload))
            .fallback(api::nothing_here)
            .layer(RequestBodyLimitLayer::new(BODY_BYTES))
            .layer(TimeoutLayer::with_status_code(StatusCode::SERVICE_UNAVAILABLE, REQUEST_TIMEOUT))
            // Outside of the time limit and of every handler: nothing runs for a stranger.
            .layer(from_fn_with_state(Arc::clone(&self.shared), auth::admit))
            .layer(CatchPanicLayer::new())
            // Outermost: whatever refused, the client sees a problem document.
            .layer(map_response(problem::finish))
            .with_state(Arc::clone(&self.shared))
    }
}
