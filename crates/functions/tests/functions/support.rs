//! Functions of the built components, and calls to their end.

use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use bytes::Bytes;
use functions::body::Answer;
use functions::{
    CachePlace, Call, Destination, Failure, Function, HttpError, Outbound, Runtime, RuntimeOptions,
    SentResponse, Settings, Timeouts, WasiBody, body,
};
use http::{HeaderMap, Request, Response};
use http_body_util::BodyExt;
use lockgate_event::EventId;

/// A runtime that all tests share, with a cache that outlives them: compiling takes most of their time.
pub(crate) fn runtime() -> &'static Runtime {
    static RUNTIME: OnceLock<Arc<Runtime>> = OnceLock::new();
    RUNTIME.get_or_init(|| runtime_of(100))
}

/// A runtime with room for that many instances, and the cache of all.
pub(crate) fn runtime_of(instances: usize) -> Arc<Runtime> {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR"));
    let cache = CachePlace { folder: folder.join("functions"), key_file: folder.join("functions.key") };
    let options = RuntimeOptions { instances, cache: Some(cache), compiler: None };
    Runtime::new(&options).expect("a runtime")
}

/// The component of that name under these settings; `None` when it has not been built.
pub(crate) fn function(name: &str, change: impl FnOnce(&mut Settings)) -> Option<Arc<Function>> {
    let component = testkit::component(name)?;
    let mut settings = Settings::named(name);
    change(&mut settings);
    Some(runtime().load(&component, settings).expect("a function"))
}

/// The file of that name; `None` when it has not been built.
pub(crate) fn component(name: &str) -> Option<PathBuf> {
    testkit::component(name)
}

/// Runs a future as a function's thread does.
pub(crate) fn block_on<R>(future: impl Future<Output = R>) -> R {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().expect("a runtime");
    runtime.block_on(future)
}

/// The exchange that calls answer.
pub(crate) const ID: EventId = EventId { node: 1, boot: 2, worker: 3, sequence: 4 };

/// All that came of a call.
#[derive(Debug, Default)]
pub(crate) struct Outcome {
    /// 0 when there was no answer.
    pub(crate) status: u16,
    pub(crate) fields: HeaderMap,
    pub(crate) body: Vec<u8>,
    pub(crate) trailers: Option<HeaderMap>,
    pub(crate) body_error: Option<HttpError>,
    pub(crate) failure: Option<Failure>,
    pub(crate) took: Duration,
}

impl Outcome {
    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    pub(crate) fn reason(&self) -> &'static str {
        self.failure.as_ref().map_or("", Failure::reason)
    }
}

/// GET of a path.
pub(crate) fn get(path: &str) -> Request<WasiBody> {
    request("GET", path, body::empty())
}

pub(crate) fn request(method: &str, path: &str, body: WasiBody) -> Request<WasiBody> {
    let uri = format!("http://shop.example{path}");
    Request::builder().method(method).uri(uri).body(body).expect("a request")
}

/// GET of a path, from a function that may ask nobody.
pub(crate) fn ask(function: &Arc<Function>, path: &str) -> Outcome {
    block_on(call(function, get(path), Arc::new(Nowhere), false))
}

pub(crate) async fn call(
    function: &Arc<Function>,
    request: Request<WasiBody>,
    outbound: Arc<dyn Outbound>,
    next: bool,
) -> Outcome {
    let began = Instant::now();
    let permit = match function.enter(ID).await {
        Ok(permit) => permit,
        Err(busy) => return Outcome { failure: Some(busy.into()), ..Outcome::default() },
    };
    let (answered, answer) = tokio::sync::oneshot::channel::<Response<Answer>>();
    let call = Call { id: ID, request, outbound: Some(outbound), next };
    let taken = async {
        match answer.await {
            Ok(response) => take(response).await,
            Err(_) => Outcome::default(),
        }
    };
    let (ended, mut outcome) = tokio::join!(function.call(permit, call, answered), taken);
    outcome.failure = ended.err();
    outcome.took = began.elapsed();
    outcome
}

async fn take(response: Response<Answer>) -> Outcome {
    let (head, mut body) = response.into_parts();
    let mut outcome = Outcome { status: head.status.as_u16(), fields: head.headers, ..Outcome::default() };
    while let Some(frame) = body.frame().await {
        match frame.map(http_body::Frame::into_data) {
            Ok(Ok(bytes)) => outcome.body.extend_from_slice(&bytes),
            Ok(Err(frame)) => outcome.trailers = frame.into_trailers().ok(),
            Err(error) => outcome.body_error = Some(error),
        }
    }
    outcome
}

/// An [`Outbound`] that is not to be asked.
pub(crate) struct Nowhere;

impl Outbound for Nowhere {
    fn send(&self, to: Destination, request: Request<WasiBody>, _: Timeouts) -> SentResponse {
        panic!("nobody is to be asked, and {to:?} was for {}", request.uri());
    }
}

/// A body of so many bytes that tell their place.
pub(crate) fn pattern(bytes: usize) -> Bytes {
    (0..bytes).map(|at| (at % 251) as u8).collect()
}
