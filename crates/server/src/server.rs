//! Starting and ending the process: what is needed for the first answer comes first, everything else right after.

use std::net::{SocketAddr, TcpListener};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::mpsc::RecvTimeoutError;
use std::time::Duration;

use config::Config;
use control::{
    ADMIN_TOKEN_VARIABLE, Admin, Gateway, Gauges, LiveEvents, Metrics, MetricsHandle, ReloadReport, Tokens,
};
use journal::{DataDir, Journal, JournalError, JournalOptions, RingWriter, WhenFull};
use proxy::{Configured, Plane, Snapshot, WorkerHandle, spawn_worker};

use crate::admin_side::AdminSide;
use crate::books::{Books, OpenBooks};
use crate::error::{BindError, BindErrors, ReloadError, StartError};
use crate::functions::{FunctionLoader, InForce};
use crate::prepared::{Prepared, Present};
use crate::resolver::Resolver;
use crate::running::{Parts, Running, Unloadable};
use crate::source::ConfigSource;
use crate::watch::Watcher;
use crate::{ports_file, rlimit, sockets};

/// What a start is told beside its configuration.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// File to say where the gateway listens, once it does.
    pub ports_file: Option<PathBuf>,
    /// What becomes of SIGHUP, SIGTERM and SIGINT.
    pub signals: Signals,
    /// The program that compiles functions when it is run with `functions compile`; `None`: this process compiles.
    pub compiler: Option<PathBuf>,
    /// Whether the environment may give the admin token.
    pub token_variable: TokenVariable,
}

/// What becomes of `$LOCKGATE_ADMIN_TOKEN`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum TokenVariable {
    /// It gives the admin token, where the configuration does not.
    #[default]
    Read,
    /// It is left alone: a gateway beside the one whose token it has.
    Ignore,
}

/// What becomes of SIGHUP, SIGTERM and SIGINT.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Signals {
    /// SIGHUP reloads; the other two are told by [`Server::wait`], and a second one ends the process at once.
    Obey,
    /// They keep the meaning they have: a server among others in one process.
    #[default]
    Leave,
}

/// A running gateway.
///
/// Dropping it ends every connection at once; [`Server::drain`] is the way to end it well.
pub struct Server {
    running: Arc<Running>,
    admin_side: AdminSide,
    admin: SocketAddr,
    tokens: Tokens,
    metrics: MetricsHandle,
    journal: Journal,
    books: OpenBooks,
}

/// How the end went.
#[derive(Debug)]
pub struct Drained {
    /// How each worker ended.
    pub workers: Vec<proxy::Drained>,
    /// Why not all records are on disk; the next start finds the rest in the rings.
    pub journal: Option<JournalError>,
}

impl Drained {
    /// Whether every exchange came to its end and every record to the disk.
    pub fn is_clean(&self) -> bool {
        self.journal.is_none() && self.workers.iter().all(|drained| *drained == proxy::Drained::Clean)
    }

    /// Connections that were still busy when the time was up.
    pub fn connections_cut(&self) -> usize {
        let cut = |drained: &proxy::Drained| match drained {
            proxy::Drained::Clean => 0,
            proxy::Drained::CutShort(connections) => *connections,
        };
        self.workers.iter().map(cut).sum()
    }
}

impl Server {
    /// Starts a gateway: when this returns, every listener accepts and the admin side answers.
    ///
    /// # Errors
    /// When an address, the data directory, or a token cannot be used. Nothing runs then.
    pub fn start(config: Config, source: ConfigSource, options: Options) -> Result<Self, StartError> {
        // First, so that no change after the configuration was read goes unnoticed.
        let watcher = source.file().map(|file| Watcher::new(file.to_owned()));
        rlimit::raise_descriptors();
        let workers = worker_count(&config);
        let function_threads = function_thread_count(&config);
        // All before the journal: an address that is taken should not count as a start.
        let loader = Arc::new(FunctionLoader::new(&config, options.compiler.clone()));
        let functions = loader.load(&config, &[], Unloadable::Refuses)?;
        let (prepared, admin_socket) = bind(&config, functions, workers)?;
        let (metrics_reader, metrics) = Metrics::new();
        let (live_reader, live) = LiveEvents::new();
        let dir = data_dir(&config.data)?;
        let plane = Plane::new(prepared.snapshot.clone());
        let (books_reader, books) = Books::new(&config, &dir, &plane);
        let (journal, mut rings) = Journal::start(
            dir,
            journal_options(&config.data, workers + function_threads),
            vec![Box::new(metrics_reader), Box::new(live_reader), books_reader],
        )?;
        let tokens = tokens(&config, journal.dir(), options.token_variable)?;
        let resolver = Arc::<Resolver>::default();
        let early = resolve_first(&resolver, &prepared.snapshot)?;
        let function_rings = rings.split_off(workers.min(rings.len()));
        let running = Running::new(Parts {
            workers: spawn_workers(&plane, rings)?,
            function_threads: spawn_function_threads(&plane, function_rings)?,
            loader,
            config,
            source,
            plane,
            resolver,
            journal: journal.handle(),
            books: books.handle(),
            metrics: metrics.clone(),
        });
        running.commit(prepared);
        // From here on traffic is answered.
        let mut admin_side = early.map_or_else(AdminSide::new, Ok).map_err(StartError::Thread)?;
        if options.signals == Signals::Obey {
            admin_side.obey_signals(&running).map_err(StartError::Thread)?;
        }
        let admin = admin_socket.local_addr().map_err(StartError::Thread)?;
        let gateway = running.clone() as Arc<dyn Gateway>;
        let (store, hint) = books.for_admin();
        let api = Admin::new(gateway, tokens.clone(), metrics.clone(), live).with_store(store, hint);
        admin_side.serve(api, admin_socket, &running, watcher);
        let books = books.open(admin_side.runtime())?;
        let server = Self { running, admin_side, admin, tokens, metrics, journal, books };
        server.write_ports_file(options.ports_file)?;
        server.running.set_ready();
        Ok(server)
    }

    fn write_ports_file(&self, path: Option<PathBuf>) -> Result<(), StartError> {
        let Some(path) = path else { return Ok(()) };
        ports_file::write(&path, &self.addresses(), self.admin)
            .map_err(|source| StartError::PortsFile { path, source })
    }

    /// Where traffic is accepted, in the order of the configuration.
    pub fn addresses(&self) -> Vec<SocketAddr> {
        self.running.addresses()
    }

    /// Where the admin side answers.
    pub fn admin_address(&self) -> SocketAddr {
        self.admin
    }

    /// The tokens of the admin side.
    pub fn tokens(&self) -> &Tokens {
        &self.tokens
    }

    /// What the gateway has counted.
    pub fn metrics(&self) -> &MetricsHandle {
        &self.metrics
    }

    /// Figures of this moment.
    pub fn gauges(&self) -> Gauges {
        Gateway::gauges(&*self.running)
    }

    /// Longest time the configuration in force gives a drain.
    pub fn drain_within(&self) -> Duration {
        self.running.config().limits.drain
    }

    /// Reads the configuration again and puts it in force. Must not be called on a runtime's thread.
    ///
    /// # Errors
    /// When it has problems or its new addresses cannot be listened on; the one before is in force then, in every part.
    pub fn reload(&self) -> Result<ReloadReport, ReloadError> {
        self.admin_side.block_on(self.running.reload(Unloadable::Refuses))
    }

    /// Waits until a signal asks for the end, at most for the time given; answers whether one did. With [`Signals::Leave`] none ever does.
    pub fn wait(&self, at_most: Option<Duration>) -> bool {
        match (self.admin_side.asked_to_end(), at_most) {
            (Some(asked), Some(at_most)) => asked.recv_timeout(at_most) != Err(RecvTimeoutError::Timeout),
            (Some(asked), None) => {
                // A sender that is gone means that the control side is: the end, too.
                let _ = asked.recv();
                true
            }
            (None, Some(at_most)) => {
                std::thread::sleep(at_most);
                false
            }
            (None, None) => loop {
                std::thread::park();
            },
        }
    }

    /// Ends the gateway: stops accepting, lets exchanges come to their end within the time given, writes the journal to its end.
    pub fn drain(self, within: Duration) -> Drained {
        let workers = self.running.drain(within);
        let journal = self.journal.stop().err();
        self.running.close_access_log();
        self.admin_side.block_on(self.books.close());
        self.admin_side.stop();
        Drained { workers, journal }
    }
}

/// Waits for the addresses of host names, which takes the control side's runtime; without host names that can wait.
fn resolve_first(resolver: &Resolver, snapshot: &Snapshot) -> Result<Option<AdminSide>, StartError> {
    if !snapshot.upstreams().iter().any(|upstream| upstream.host_names().next().is_some()) {
        return Ok(None);
    }
    let admin_side = AdminSide::new().map_err(StartError::Thread)?;
    admin_side.block_on(resolver.first_answers(snapshot));
    Ok(Some(admin_side))
}

fn worker_count(config: &Config) -> usize {
    let cores = || std::thread::available_parallelism().map_or(1, usize::from);
    config.workers.count.unwrap_or_else(cores).max(1)
}

/// One per core, unless the configuration says otherwise; they idle while there are no functions, which a reload may bring.
fn function_thread_count(config: &Config) -> usize {
    if !cfg!(feature = "functions") {
        return 0;
    }
    let cores = || std::thread::available_parallelism().map_or(1, usize::from);
    config.function_settings.threads.unwrap_or_else(cores).max(1)
}

/// Binds every address and compiles the routes; all addresses that cannot be used are told at once.
fn bind(
    config: &Config,
    functions: Vec<InForce>,
    workers: usize,
) -> Result<(Prepared, TcpListener), BindErrors> {
    let prepared = Prepared::new(config.clone(), functions, &Present::default(), workers);
    let address = config.admin.address;
    let admin = sockets::bind_alone(address).map_err(|source| BindError {
        address,
        purpose: "the admin side",
        source,
    });
    match (prepared, admin) {
        (Ok(prepared), Ok(admin)) => Ok((prepared, admin)),
        (Ok(_), Err(error)) => Err(BindErrors(vec![error])),
        (Err(errors), Ok(_)) => Err(errors),
        (Err(BindErrors(mut errors)), Err(error)) => {
            errors.push(error);
            Err(BindErrors(errors))
        }
    }
}

fn data_dir(data: &config::Data) -> Result<DataDir, JournalError> {
    let dir = DataDir::open(&data.dir)?;
    Ok(match data.rings {
        config::RingPlace::SharedMemory => dir,
        config::RingPlace::DataDir => dir.with_rings_beside_segments(),
    })
}

fn journal_options(data: &config::Data, workers: usize) -> JournalOptions {
    JournalOptions {
        workers,
        // A size beyond the address space is cut to the largest ring anyway.
        ring_bytes: usize::try_from(data.ring_bytes).unwrap_or(usize::MAX),
        segment_bytes: data.segment_bytes,
        sync: data.sync,
        keep_bytes: data.keep_bytes,
        keep_age: data.keep_age,
        when_full: match data.when_full {
            config::WhenFull::Drop => WhenFull::Drop,
            config::WhenFull::Refuse => WhenFull::Refuse,
        },
    }
}

fn spawn_workers(plane: &Arc<Plane>, rings: Vec<RingWriter>) -> Result<Vec<WorkerHandle>, StartError> {
    let spawn = |ring: RingWriter| {
        spawn_worker(format!("worker-{}", ring.worker()), plane.clone(), Configured, Some(ring))
    };
    rings.into_iter().map(spawn).collect::<Result<_, _>>().map_err(StartError::Thread)
}

#[cfg(feature = "functions")]
fn spawn_function_threads(
    plane: &Arc<Plane>,
    rings: Vec<RingWriter>,
) -> Result<Vec<WorkerHandle>, StartError> {
    let spawn = |(at, ring): (usize, RingWriter)| {
        proxy::spawn_function_thread(format!("function-{at}"), plane.clone(), Configured, Some(ring))
    };
    let threads: Vec<_> =
        rings.into_iter().enumerate().map(spawn).collect::<Result<_, _>>().map_err(StartError::Thread)?;
    plane.set_function_threads(proxy::FunctionThreads::new(&threads));
    Ok(threads.into_iter().map(proxy::FunctionThread::into_handle).collect())
}

#[cfg(not(feature = "functions"))]
fn spawn_function_threads(
    _plane: &Arc<Plane>,
    _rings: Vec<RingWriter>,
) -> Result<Vec<WorkerHandle>, StartError> {
    Ok(Vec::new())
}

/// The tokens: from the configuration, else the admin token from the environment, else from files made on the first start.
fn tokens(config: &Config, dir: &DataDir, variable: TokenVariable) -> Result<Tokens, StartError> {
    let from_environment = match variable {
        TokenVariable::Read => std::env::var(ADMIN_TOKEN_VARIABLE).ok().filter(|token| !token.is_empty()),
        TokenVariable::Ignore => None,
    };
    let given = config.admin.token.as_ref().map(config::Secret::expose);
    let read = config.admin.read_token.as_ref().map(config::Secret::expose);
    Ok(Tokens::load(dir.path(), given.or(from_environment.as_deref()), read)?)
}
