//! What the host keeps beside one instance, and the instance's interfaces find it by.

use std::sync::Arc;

use wasmtime::component::ResourceTable;
use wasmtime::{Engine, Store, UpdateDeadline};
use wasmtime_wasi::{WasiCtx, WasiCtxView, WasiView};
use wasmtime_wasi_config::{WasiConfig, WasiConfigVariables};
use wasmtime_wasi_http::handler::Proxy;
use wasmtime_wasi_http::{WasiHttpCtx, WasiHttpCtxView, WasiHttpView};

use crate::Failure;
use crate::limits::MemoryLimit;
use crate::log::{GuestLog, LogStream, Stream};
use crate::outbound::Hooks;
use crate::room::Place;

/// Most bytes a guest may hand to the host in one call of an interface: a full write, and what comes with it.
const HOSTCALL_BYTES_MAX: usize = 96 << 10;

/// Most resources of the host (bodies, streams, fields, …) that an instance may hold at once. Some keep what one call handed over, so
/// that this, times [`HOSTCALL_BYTES_MAX`], is what the host holds for an instance beside its memory: 48 MiB.
const RESOURCES_MAX: usize = 512;

/// Most bytes of one set of fields that a guest makes, their bookkeeping included.
const FIELDS_BYTES_MAX: usize = 64 << 10;

/// Most random bytes in one call of an interface.
const RANDOM_BYTES_MAX: u64 = 1 << 20;

/// The host's side of an instance.
pub(crate) struct Guest {
    wasi: WasiCtx,
    http: WasiHttpCtx,
    table: ResourceTable,
    values: Arc<WasiConfigVariables>,
    pub(crate) memory: MemoryLimit,
    pub(crate) log: Arc<GuestLog>,
    pub(crate) hooks: Hooks,
}

/// An instance and the host's side of it. It has a guest once it has been started.
pub(crate) struct Instance {
    pub(crate) store: Store<Guest>,
    pub(crate) proxy: Option<Proxy>,
    pub(crate) served: u32,
    /// The last, so that it is free when the rest is gone.
    pub(crate) place: Option<Place>,
}

impl Instance {
    /// Makes the host's side, for a first call.
    pub(crate) fn new(engine: &Engine, hooks: Hooks, values: Arc<WasiConfigVariables>) -> Self {
        let log = Arc::new(GuestLog::new(hooks.settings().name.clone()));
        let mut store = Store::new(engine, Guest::new(hooks, values, log));
        store.limiter(|guest| &mut guest.memory);
        store.set_hostcall_fuel(HOSTCALL_BYTES_MAX);
        store.set_max_component_handles(RESOURCES_MAX);
        store.epoch_deadline_callback(|store| {
            if store.data().hooks.meter.is_over() {
                return Err(Failure::CpuTime.into());
            }
            Ok(UpdateDeadline::Yield(1))
        });
        let mut instance = Self { store, proxy: None, served: 0, place: None };
        instance.begin_call();
        instance
    }

    /// Makes it ready for another call.
    pub(crate) fn resume(&mut self, hooks: Hooks) {
        self.store.data_mut().hooks = hooks;
        self.begin_call();
    }

    fn begin_call(&mut self) {
        self.served += 1;
        // The first tick only makes the guest yield; one right at the start would cost a turn.
        self.store.set_epoch_deadline(1);
        let guest = self.store.data_mut();
        guest.memory.begin_call();
        guest.log.begin_call(guest.hooks.meter.request, guest.hooks.settings().log_bytes);
    }

    /// Whether nothing of the last call is left on the host's side.
    pub(crate) fn is_clean(&self) -> bool {
        self.store.data().table.is_empty()
    }

    /// What the cause is when the guest ended with that error.
    pub(crate) fn failure(&self, error: &wasmtime::Error) -> Failure {
        let guest = self.store.data();
        match Failure::of(error) {
            Failure::Trapped { .. } if guest.memory.has_refused() => Failure::Memory,
            failure => failure,
        }
    }
}

impl Guest {
    fn new(hooks: Hooks, values: Arc<WasiConfigVariables>, log: Arc<GuestLog>) -> Self {
        let mut wasi = WasiCtx::builder();
        wasi.stdout(LogStream { log: log.clone(), stream: Stream::Stdout });
        wasi.stderr(LogStream { log: log.clone(), stream: Stream::Stderr });
        wasi.max_random_size(RANDOM_BYTES_MAX);
        wasi.allow_tcp(false).allow_udp(false).allow_ip_name_lookup(false);
        let mut table = ResourceTable::new();
        table.set_max_capacity(RESOURCES_MAX);
        let mut http = WasiHttpCtx::new();
        http.set_field_size_limit(FIELDS_BYTES_MAX);
        let memory = MemoryLimit::new(hooks.settings().memory_bytes);
        Self { wasi: wasi.build(), http, table, values, memory, log, hooks }
    }

    pub(crate) fn config(&mut self) -> WasiConfig<'_> {
        WasiConfig::from(&*self.values)
    }
}

impl WasiView for Guest {
    fn ctx(&mut self) -> WasiCtxView<'_> {
        WasiCtxView { ctx: &mut self.wasi, table: &mut self.table }
    }
}

impl WasiHttpView for Guest {
    fn http(&mut self) -> WasiHttpCtxView<'_> {
        WasiHttpCtxView { hooks: &mut self.hooks, table: &mut self.table, ctx: &mut self.http }
    }
}
