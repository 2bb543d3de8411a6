//! How long usage is asked for, page by page and whole, on a clock of the test's own.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use axum::body::{Body, to_bytes};
use axum::http::{Request, Response};
use control::{KeyHint, LiveEvents, Metrics};
use hyper::service::Service;
use hyper_util::service::TowerToHyperService;
use store::{Store, StoreError};
use tokio::time::{Instant, sleep};

use crate::broken::Broken;
use crate::support::{READ, admin};

const SECOND: Duration = Duration::from_secs(1);
/// What the reference says of both.
const PAGE: Duration = Duration::from_secs(10);
const WHOLE: Duration = Duration::from_secs(600);

/// A database with usage that it takes so long to sum.
fn slow(takes: Duration) -> Arc<Broken> {
    Arc::new(Broken { takes, ..Broken::new(|| StoreError::Failed("at its end".into()), 1000) })
}

async fn ask(store: &Arc<Broken>, path: &str) -> Response<Body> {
    let ((_, metrics), (_, live)) = (Metrics::new(), LiveEvents::new());
    let store = Arc::clone(store) as Arc<dyn Store>;
    let admin = admin(&Arc::default(), metrics, live).with_store(store, KeyHint::new());
    let request = Request::get(path).header("authorization", format!("Bearer {READ}"));
    let request = request.body(Body::empty()).unwrap();
    TowerToHyperService::new(admin.router()).call(request).await.unwrap()
}

#[tokio::test(start_paused = true)]
async fn usage_that_is_sent_whole_has_a_longer_time_than_a_page() {
    for (path, limit, status) in [("/usage", PAGE, 500), ("/usage?format=csv", WHOLE, 200)] {
        for (takes, status, ends) in
            [(limit - SECOND, status, limit - SECOND), (limit + SECOND, 503, limit), (2 * limit, 503, limit)]
        {
            let began = Instant::now();
            let response = ask(&slow(takes), path).await;
            assert_eq!(
                (response.status().as_u16(), began.elapsed().as_secs()),
                (status, ends.as_secs()),
                "{path}"
            );
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_client_that_takes_nothing_does_not_hold_the_database() {
    let store = slow(Duration::ZERO);
    let streaming = || store.streams.1.load(Ordering::SeqCst);
    let response = ask(&store, "/usage?format=csv").await;
    sleep(WHOLE - SECOND).await;
    assert_eq!((response.status().as_u16(), streaming()), (200, 1));
    sleep(2 * SECOND).await;
    assert_eq!(streaming(), 0);
    to_bytes(response.into_body(), usize::MAX).await.expect_err("a part is not the whole");

    let response = ask(&store, "/usage?format=ndjson").await;
    assert_eq!(streaming(), 1);
    drop(response);
    sleep(SECOND).await;
    assert_eq!(streaming(), 0, "a client that has left asks for nothing");
}
