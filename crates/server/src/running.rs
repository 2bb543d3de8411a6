//! The running process as both planes share it, and the one path that puts a configuration in force.

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime};

use config::{Config, Loaded, Stamp, difference};
use control::{FunctionInfo, MetricsHandle, Readiness, ReloadReport};
use journal::JournalHandle;
use proxy::{HealthChecks, Plane, WorkerGauges, WorkerHandle};

use crate::access_log::AccessLogInForce;
use crate::books::BooksHandle;
use crate::error::{FunctionErrors, ReloadError, json_list};
use crate::functions::{FunctionLoader, InForce as InForceFunction};
use crate::limits::FUNCTIONS_END_WITHIN;
use crate::prepared::{Open, Place, Prepared, Present};
use crate::resolver::Resolver;
use crate::source::ConfigSource;

/// What both planes share of the process.
pub(crate) struct Running {
    pub(crate) plane: Arc<Plane>,
    pub(crate) resolver: Arc<Resolver>,
    health: HealthChecks,
    pub(crate) journal: JournalHandle,
    pub(crate) books: BooksHandle,
    metrics: MetricsHandle,
    pub(crate) started_at: SystemTime,
    /// Of the workers that accept connections.
    pub(crate) gauges: Vec<Arc<WorkerGauges>>,
    loader: Arc<FunctionLoader>,
    source: ConfigSource,
    /// Taken away, one by one, when they are joined.
    workers: Mutex<Vec<WorkerHandle>>,
    /// The same for the threads that run functions.
    function_threads: Mutex<Vec<WorkerHandle>>,
    in_force: Mutex<InForce>,
    /// Every listener accepts and the admin side answers.
    ready: AtomicBool,
    draining: AtomicBool,
    /// Held while a configuration is read and put in force, so that they come one after the other.
    reloading: tokio::sync::Mutex<()>,
}

/// The configuration in force and what came of it.
struct InForce {
    /// As it is: keys that take effect only after a restart have the values of the start.
    config: Config,
    /// In the order of the configuration.
    functions: Vec<InForceFunction>,
    /// In the order of the configuration.
    open: Vec<Open>,
    own_ports: BTreeSet<u16>,
    access_log: AccessLogInForce,
    generation: u64,
}

/// What becomes of a configuration of which a function cannot be loaded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Unloadable {
    /// It is refused.
    Refuses,
    /// What is in force stays, where the same configuration asked for it: its file is no reason to hold up the others.
    StaysAsItWas,
}

/// What a start brings into being, before its configuration is in force.
pub(crate) struct Parts {
    pub(crate) config: Config,
    pub(crate) source: ConfigSource,
    pub(crate) plane: Arc<Plane>,
    pub(crate) resolver: Arc<Resolver>,
    pub(crate) workers: Vec<WorkerHandle>,
    pub(crate) function_threads: Vec<WorkerHandle>,
    pub(crate) loader: Arc<FunctionLoader>,
    pub(crate) journal: JournalHandle,
    pub(crate) books: BooksHandle,
    pub(crate) metrics: MetricsHandle,
}

impl Running {
    /// Puts the parts together; nothing is in force yet.
    pub(crate) fn new(parts: Parts) -> Arc<Self> {
        let Parts { config, source, plane, resolver, workers, function_threads, loader, .. } = parts;
        let Parts { journal, books, metrics, .. } = parts;
        let in_force = InForce {
            config,
            functions: Vec::new(),
            open: Vec::new(),
            own_ports: BTreeSet::new(),
            access_log: AccessLogInForce::default(),
            generation: 0,
        };
        Arc::new(Self {
            health: HealthChecks::new(plane.clone()),
            plane,
            resolver,
            journal,
            books,
            metrics,
            started_at: SystemTime::now(),
            gauges: workers.iter().map(|worker| worker.gauges().clone()).collect(),
            loader,
            source,
            workers: Mutex::new(workers),
            function_threads: Mutex::new(function_threads),
            in_force: Mutex::new(in_force),
            ready: AtomicBool::new(false),
            draining: AtomicBool::new(false),
            reloading: tokio::sync::Mutex::default(),
        })
    }

    /// Puts a prepared configuration in force. Nothing here can fail.
    pub(crate) fn commit(&self, prepared: Prepared) {
        let Prepared { config, snapshot, functions, places } = prepared;
        let workers = lock(&self.workers);
        let mut in_force = lock(&self.in_force);
        self.metrics.follow_routes(config.routes.iter().map(|route| &*route.name));
        // Routes first: a new listener must not answer by the old ones.
        self.plane.replace(snapshot);
        let within = config.limits.drain;
        let mut open = Vec::with_capacity(places.len());
        for (place, config) in places.into_iter().zip(&config.listeners) {
            open.push(establish(place, config, &workers, within));
        }
        let is_open = |gone: &Open| open.iter().any(|open| Arc::ptr_eq(&open.listener, &gone.listener));
        for gone in in_force.open.iter().filter(|gone| !is_open(gone)) {
            gone.listener.close();
            workers.iter().for_each(|worker| worker.close(gone.listener.clone(), within));
        }
        in_force.own_ports.extend(open.iter().map(|open| open.listener.address().port()));
        if in_force.generation == 0 || in_force.config.access_log != config.access_log {
            in_force.access_log.replace(config.access_log, &self.journal);
        }
        in_force.open = open;
        in_force.functions = functions;
        in_force.config = config;
        in_force.generation += 1;
        self.resolver.follow();
        self.health.follow();
    }

    /// Reads the configuration again and puts it in force.
    ///
    /// # Errors
    /// When it has problems or its new addresses cannot be listened on. The one before is in force then, in every part.
    pub(crate) async fn reload(&self, unloadable: Unloadable) -> Result<ReloadReport, ReloadError> {
        let _one_at_a_time = self.reloading.lock().await;
        let source = self.source.clone();
        let read = tokio::task::spawn_blocking(move || source.load()).await;
        let Loaded { config, warnings } =
            read.map_err(|_| ReloadError::Internal)?.map_err(ReloadError::Refused)?;
        let difference = difference(&self.config(), &config);
        let (functions, replaced) = self.load_functions(config.clone(), unloadable).await?;
        if !difference.is_empty() || !replaced.is_empty() {
            let prepared = self.prepare(config, functions)?;
            self.resolver.first_answers(&prepared.snapshot).await;
            if self.draining.load(Ordering::Acquire) {
                return Err(ReloadError::Draining);
            }
            self.commit(prepared);
            for warning in &warnings {
                tracing::warn!(hint = warning.hint, "{}", warning.message);
            }
        }
        let mut changes: Vec<_> = difference.to_string().lines().map(str::to_owned).collect();
        changes.extend(replaced.into_iter().map(|name| format!("function {name}: another component")));
        Ok(ReloadReport { generation: self.generation(), changes, warnings: json_list(&warnings) })
    }

    /// Reloads, and tells the log what came of it.
    pub(crate) async fn reload_and_tell(&self, because: &str, unloadable: Unloadable) {
        match self.reload(unloadable).await {
            Ok(report) if report.changes.is_empty() => {
                tracing::info!(because, "the configuration is the same")
            }
            Ok(report) => {
                let changes = report.changes.join("; ");
                tracing::info!(because, generation = report.generation, changes, "configuration reloaded");
            }
            Err(ReloadError::Draining) => {}
            Err(error) => {
                let problems = control::ReloadProblem::from(error).rendered;
                tracing::error!(because, "configuration refused; the one before stays in force\n{problems}");
            }
        }
    }

    /// Loads what is not in force in the same form; answers with all functions, and the names of those whose components are others.
    async fn load_functions(
        &self,
        config: Config,
        unloadable: Unloadable,
    ) -> Result<(Vec<InForceFunction>, Vec<String>), ReloadError> {
        let present = lock(&self.in_force).functions.clone();
        let loader = self.loader.clone();
        let loading = tokio::task::spawn_blocking(move || {
            let functions = loader.load(&config, &present, unloadable)?;
            let is_replaced = |(_, function): &(&config::Function, &InForceFunction)| {
                let known = present.iter().find(|known| known.path() == function.path());
                known.is_some_and(|known| known.stamp() != function.stamp())
            };
            let replaced = config.functions.iter().zip(&functions).filter(is_replaced);
            let replaced = replaced.map(|(config, _)| config.name.clone()).collect();
            Ok::<_, FunctionErrors>((functions, replaced))
        });
        Ok(loading.await.map_err(|_| ReloadError::Internal)??)
    }

    /// Components, certificates and keys in force, as their files were when they were read.
    pub(crate) fn named_files(&self) -> Vec<(PathBuf, Option<Stamp>)> {
        let in_force = lock(&self.in_force);
        let components =
            in_force.functions.iter().map(|function| (function.path().clone(), function.stamp()));
        let config = &in_force.config;
        let to_clients = config.listeners.iter().filter_map(|listener| Some(&listener.tls.as_ref()?.files));
        let to_upstreams = config.upstreams.iter().filter_map(|upstream| Some(&upstream.tls.as_ref()?.files));
        let files = to_clients.chain(to_upstreams).flatten().map(|file| (file.path.clone(), file.stamp));
        components.chain(files).collect()
    }

    /// The functions in force as the admin side shows them, in the order of the configuration.
    pub(crate) fn function_infos(&self) -> Vec<FunctionInfo> {
        let in_force = lock(&self.in_force);
        let functions = in_force.functions.iter().enumerate();
        functions.map(|(at, function)| function.info(&in_force.config, at)).collect()
    }

    fn prepare(&self, config: Config, functions: Vec<InForceFunction>) -> Result<Prepared, ReloadError> {
        let in_force = lock(&self.in_force);
        let snapshot = self.plane.snapshot();
        let present = Present {
            snapshot: Some(&snapshot),
            open: &in_force.open,
            own_ports: in_force.own_ports.clone(),
        };
        let config = until_restart(config, &in_force.config);
        Ok(Prepared::new(config, functions, &present, self.gauges.len())?)
    }

    /// Says that every listener accepts and the admin side answers.
    pub(crate) fn set_ready(&self) {
        self.ready.store(true, Ordering::Release);
    }

    /// Ends all connections after the exchange they serve, at most within the time given; answers how each worker ended.
    pub(crate) fn drain(&self, within: Duration) -> Vec<proxy::Drained> {
        self.draining.store(true, Ordering::Release);
        let workers = std::mem::take(&mut *lock(&self.workers));
        workers.iter().for_each(|worker| worker.drain(within));
        let ended: Vec<_> = workers.into_iter().map(WorkerHandle::join).collect();
        self.health.stop();
        // Nobody calls functions any more; what they have begun is bounded by their own limits.
        let threads = std::mem::take(&mut *lock(&self.function_threads));
        threads.iter().for_each(|thread| thread.drain(FUNCTIONS_END_WITHIN));
        ended.into_iter().chain(threads.into_iter().map(WorkerHandle::join)).collect()
    }

    /// Lets the access log write what it has; to be called once the journal has shown it everything.
    pub(crate) fn close_access_log(&self) {
        lock(&self.in_force).access_log.close(&self.journal);
    }

    /// Whether traffic may be sent here.
    pub(crate) fn readiness(&self) -> Readiness {
        match (self.draining.load(Ordering::Acquire), self.ready.load(Ordering::Acquire)) {
            (true, _) => Readiness::Draining,
            (false, true) => Readiness::Ready,
            (false, false) => Readiness::Starting,
        }
    }

    /// The configuration in force.
    pub(crate) fn config(&self) -> Config {
        lock(&self.in_force).config.clone()
    }

    /// Listeners in force, in the order of the configuration.
    pub(crate) fn listeners(&self) -> Vec<Arc<proxy::Listener>> {
        lock(&self.in_force).open.iter().map(|open| open.listener.clone()).collect()
    }

    /// Where it listens, in the order of the configuration.
    pub(crate) fn addresses(&self) -> Vec<SocketAddr> {
        self.listeners().iter().map(|listener| listener.address()).collect()
    }

    /// Counts the configurations put in force, from 1.
    pub(crate) fn generation(&self) -> u64 {
        lock(&self.in_force).generation
    }

    /// What became of the access log's lines, if there is one.
    pub(crate) fn access_log_counts(&self) -> Option<control::AccessLogCounts> {
        lock(&self.in_force).access_log.counts()
    }
}

/// Has a listener accept, or have other settings. Connections that do not meet these end, at the latest when the time is up.
fn establish(place: Place, config: &config::Listener, workers: &[WorkerHandle], within: Duration) -> Open {
    match place {
        Place::Kept(open) => {
            if open.listener.update(config) {
                workers.iter().for_each(|worker| worker.renew(open.listener.clone(), within));
            }
            open
        }
        Place::New(open, bound) => {
            for (worker, socket) in workers.iter().zip(bound.sockets) {
                worker.listen(open.listener.clone(), socket);
            }
            open
        }
    }
}

/// Keys that take effect only after a restart keep the values they have.
fn until_restart(config: Config, in_force: &Config) -> Config {
    Config {
        admin: in_force.admin.clone(),
        data: in_force.data.clone(),
        workers: in_force.workers.clone(),
        function_settings: in_force.function_settings.clone(),
        limits: config::Limits { limited_keys: in_force.limits.limited_keys, ..config.limits },
        ..config
    }
}

/// What the locks guard is replaced in single steps, so a poisoned one guards a sound value.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
