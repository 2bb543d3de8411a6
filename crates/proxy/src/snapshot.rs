//! Everything a configuration says to the data plane, compiled, immutable, and swapped as a whole.

use std::sync::Arc;

use arc_swap::ArcSwap;
use config::Config;
use http1::HeadLimits;
use policy::{Router, Rule};

#[cfg(feature = "functions")]
use crate::function::FunctionThreads;
use crate::keys::KeyTable;
use crate::limiter::{LimitCounts, Limiter};
use crate::route::Route;
use crate::upstream::Upstream;

/// A function of the configuration, ready to be called.
#[cfg(feature = "functions")]
pub type LoadedFunction = Arc<functions::Function>;
/// This build runs no functions.
#[cfg(not(feature = "functions"))]
pub type LoadedFunction = std::convert::Infallible;

/// A compiled configuration. Exchanges hold the parts they use, never the whole.
#[derive(Debug)]
pub struct Snapshot {
    pub(crate) router: Router,
    pub(crate) routes: Vec<Arc<Route>>,
    upstreams: Vec<Arc<Upstream>>,
    pub(crate) request_limits: HeadLimits,
    /// Open client connections over all listeners; 0: no limit.
    pub(crate) connections_max: usize,
    /// Keys of limits that must find room at the same time.
    limited_keys: usize,
}

impl Snapshot {
    /// Compiles a configuration with its functions in their order. Upstreams that `previous` has in the very same form keep their
    /// endpoints' state and connections; those it has in another form, what checks have found of endpoints that stay.
    pub fn compile(config: &Config, functions: &[LoadedFunction], previous: Option<&Self>) -> Arc<Self> {
        let known = previous.map(|previous| previous.upstreams.as_slice()).unwrap_or_default();
        let upstreams: Vec<_> =
            config.upstreams.iter().map(|upstream| keep_or_make(upstream, known)).collect();
        let rules: Vec<_> = config.routes.iter().map(rule).collect();
        let routes = config
            .routes
            .iter()
            .enumerate()
            .map(|(at, route)| Arc::new(Route::compile(at, route, config, &upstreams, functions)));
        let limits = &config.limits;
        Arc::new(Self {
            router: Router::new(&rules),
            routes: routes.collect(),
            request_limits: HeadLimits {
                head_bytes: limits.head_bytes,
                fields: limits.header_count.min(HeadLimits::FIELDS_MAX),
                target_bytes: limits.target_bytes,
            },
            connections_max: limits.connections,
            limited_keys: limits.limited_keys,
            upstreams,
        })
    }

    /// The upstreams in the order of the configuration.
    pub fn upstreams(&self) -> &[Arc<Upstream>] {
        &self.upstreams
    }

    /// The upstream of that name.
    pub fn upstream(&self, name: &str) -> Option<&Arc<Upstream>> {
        self.upstreams.iter().find(|upstream| upstream.name() == name)
    }
}

fn keep_or_make(config: &config::Upstream, known: &[Arc<Upstream>]) -> Arc<Upstream> {
    let same = known.iter().find(|upstream| upstream.config() == config);
    let before = || known.iter().find(|upstream| upstream.name() == config.name).map(|upstream| &**upstream);
    same.cloned().unwrap_or_else(|| Arc::new(Upstream::new(config.clone(), before())))
}

/// What the router needs to know of a route.
fn rule(route: &config::Route) -> Rule {
    Rule {
        host: route.host.clone(),
        path: route.path.clone(),
        methods: route.methods.clone(),
        headers: route.headers.clone().into_iter().collect(),
        query: route.query.clone().into_iter().collect(),
    }
}

/// The snapshot in force and what outlives it, shared by all workers.
#[derive(Debug)]
pub struct Plane {
    snapshot: ArcSwap<Snapshot>,
    keys: Arc<KeyTable>,
    /// Client connections open over all listeners and workers.
    pub(crate) open: std::sync::atomic::AtomicUsize,
    pub(crate) limiter: Limiter,
    #[cfg(feature = "functions")]
    function_threads: std::sync::OnceLock<FunctionThreads>,
}

impl Plane {
    /// Starts from a snapshot; starting is a reload from nothing.
    pub fn new(snapshot: Arc<Snapshot>) -> Arc<Self> {
        Arc::new(Self {
            limiter: Limiter::new(snapshot.limited_keys),
            snapshot: ArcSwap::new(snapshot),
            keys: Arc::default(),
            open: std::sync::atomic::AtomicUsize::new(0),
            #[cfg(feature = "functions")]
            function_threads: std::sync::OnceLock::new(),
        })
    }

    /// The snapshot in force.
    pub fn snapshot(&self) -> Arc<Snapshot> {
        self.snapshot.load_full()
    }

    /// The keys that are known; to be filled by whoever knows them.
    pub fn keys(&self) -> &Arc<KeyTable> {
        &self.keys
    }

    /// Says which threads run functions; to be said once, before a function can be called.
    #[cfg(feature = "functions")]
    pub fn set_function_threads(&self, threads: FunctionThreads) {
        // A second saying would be a fault of whoever starts the process; the first holds.
        let _ = self.function_threads.set(threads);
    }

    #[cfg(feature = "functions")]
    pub(crate) fn function_threads(&self) -> &FunctionThreads {
        self.function_threads.get_or_init(FunctionThreads::default)
    }

    pub(crate) fn load(&self) -> arc_swap::Guard<Arc<Snapshot>> {
        self.snapshot.load()
    }

    /// What limits have refused since the start, and the memory they are counted in.
    pub fn limit_counts(&self) -> LimitCounts {
        self.limiter.counts()
    }

    /// Puts another snapshot in force, for every exchange that has not been routed yet.
    pub fn replace(&self, snapshot: Arc<Snapshot>) {
        self.snapshot.store(snapshot);
    }
}
