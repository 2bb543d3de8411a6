//! The admin API: what it is made of, and the layers every request passes.

mod amount;
mod api;
mod auth;
mod connection;
mod corrections;
mod endpoints;
mod events;
mod id;
mod idempotency;
mod json;
mod keys;
mod openapi;
mod precondition;
mod problem;
mod server;
mod time;
mod usage;
mod users;
mod words;
mod write_deadline;

use std::future::Future;
use std::io;
use std::net::TcpListener;
use std::sync::{Arc, OnceLock};

use axum::Router;
use axum::http::{HeaderValue, StatusCode};
use axum::middleware::{from_fn_with_state, map_response};
use axum::routing::{get, post};
use store::Store;
use tokio::sync::Mutex;
use tokio::time::timeout;
use tower_http::catch_panic::CatchPanicLayer;
use tower_http::limit::RequestBodyLimitLayer;
use tower_http::timeout::TimeoutLayer;

use crate::gateway::Gateway;
use crate::key_hint::KeyHint;
use crate::limits::{BODY_BYTES, DRAIN, REQUEST_TIMEOUT};
use crate::live::LiveEvents;
use crate::metrics::MetricsHandle;
use crate::tokens::Tokens;

use self::problem::Problem;
use self::server::Timing;

pub use self::endpoints::admin_reference;
pub use self::openapi::openapi_document;

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
    /// Users, keys and usage, once they are there.
    kept: OnceLock<(Arc<dyn Store>, KeyHint)>,
}

impl Shared {
    /// Where users, keys and usage are kept; without it, 503.
    fn store(&self) -> Result<&Arc<dyn Store>, Problem> {
        let kept = self.kept.get().map(|(store, _)| store);
        kept.ok_or_else(|| {
            Problem::passing("There is no database yet in which users, keys and usage are kept.")
        })
    }

    /// Wakes whoever follows the keys.
    fn keys_changed(&self) {
        if let Some((_, hint)) = self.kept.get() {
            hint.changed();
        }
    }
}

impl Admin {
    /// Puts the parts together; nothing runs yet.
    pub fn new(gateway: Arc<dyn Gateway>, tokens: Tokens, metrics: MetricsHandle, live: LiveEvents) -> Self {
        let (rendering, reloading, kept) = (Mutex::default(), Arc::default(), OnceLock::new());
        Self { shared: Arc::new(Shared { gateway, tokens, metrics, live, rendering, reloading, kept }) }
    }

    /// Says where users, keys and usage are kept; until then, and without it, what is asked of them is answered 503. The hint is
    /// given after every write that changes keys. Only the first call counts.
    #[must_use]
    pub fn with_store(self, store: Arc<dyn Store>, hint: KeyHint) -> Self {
        // The second one changes nothing.
        let _ = self.shared.kept.set((store, hint));
        self
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
            .route("/functions", get(api::functions))
            .route("/events", get(events::events))
            .route("/reload", post(api::reload))
            .route("/openapi.json", get(openapi::document))
            .route("/users", get(users::list).post(users::create))
            .route("/users/{id}", get(users::show).patch(users::change).delete(users::delete))
            .route("/users/{id}/keys", get(keys::list).post(keys::create))
            .route("/users/{id}/corrections", get(corrections::list).post(corrections::create))
            .route("/keys/{id}", get(keys::show).patch(keys::change).delete(keys::revoke))
            .route("/keys/{id}/rotate", post(keys::rotate))
            .layer(TimeoutLayer::with_status_code(StatusCode::SERVICE_UNAVAILABLE, REQUEST_TIMEOUT))
            // Usage has a time of its own where it is sent whole.
            .route("/users/{id}/usage", get(usage::of_user))
            .route("/usage", get(usage::of_all))
            .fallback(api::nothing_here)
            .method_not_allowed_fallback(api::no_such_method)
            .layer(RequestBodyLimitLayer::new(BODY_BYTES))
            // Outside of the time limits and of every handler: nothing runs for a stranger.
            .layer(from_fn_with_state(Arc::clone(&self.shared), auth::admit))
            .layer(CatchPanicLayer::new())
            // Outermost: whatever refused, the client sees a problem document.
            .layer(map_response(problem::finish))
            .with_state(Arc::clone(&self.shared))
    }
}

/// The value of `Location` for what has an id.
fn location(list: &str, id: u64) -> HeaderValue {
    HeaderValue::try_from(format!("{list}{id}")).expect("a path and digits are a field value")
}
