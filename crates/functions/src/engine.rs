//! The engine: how guests are compiled, interrupted, and given memory.

use std::time::Duration;

use wasmtime::{Config, Enabled, Engine, PoolingAllocationConfig, Result, WasmBacktraceDetails};

use crate::limits::TABLE_ELEMENTS_MAX;
use crate::room::{STACKS_PER_PLACE, TABLES_PER_PLACE};

/// How often a computing guest makes room for others on its thread, and its processor time is looked at.
pub(crate) const TICK: Duration = Duration::from_millis(5);

/// Most stack a guest may use, bytes: beyond it, it traps.
const GUEST_STACK_BYTES: usize = 1 << 20;

/// Stack of a guest and of the host's functions that it calls, bytes of address space.
const STACK_BYTES: usize = 2 << 20;

/// Largest memory, and so the address space each place of the pool takes, bytes.
const MEMORY_BYTES_MAX: usize = 1 << 32;

/// What of a table is cleared rather than given back when an instance ends, bytes: a call of the system less. Memories are given
/// back whole, since small guests write to few of their pages, and those lie apart.
const TABLE_KEEP_RESIDENT_BYTES: usize = 64 << 10;

/// Core modules of one component: JavaScript and Python come with a dozen adapters.
const MODULES_MAX: u32 = 64;

/// Memories of one component.
const MEMORIES_MAX: u32 = 8;

/// Memories of one instance: a garbage-collected heap lies in one, too.
const MEMORIES_EACH_MAX: u32 = MEMORIES_MAX + 1;

/// What a garbage-collected heap has at first, bytes: something, so that it shows.
const HEAP_BYTES: u64 = 64 << 10;

/// Tables of one component.
const TABLES_MAX: u32 = 64;

/// A form of the component model. An engine runs components of one of the two.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Model {
    /// Without tasks, streams and futures: their bookkeeping takes a third of the time of a short call. WASI 0.2 needs none.
    Sync,
    /// With them. WASI 0.3 needs them.
    Async,
}

/// An engine that runs up to that many instances at once, and one more that is started to see whether it can be. A component with more
/// memories than one, or more than a few tables or stacks, takes the place of several ([`Room`](crate::room::Room)).
pub(crate) fn engine(model: Model, instances: usize) -> Result<Engine> {
    let instances = u32::try_from(instances.max(1)).unwrap_or(u32::MAX / MODULES_MAX - 1);
    let mut pool = PoolingAllocationConfig::new();
    pool.total_component_instances(instances.saturating_add(1))
        .total_core_instances(instances.saturating_add(1).saturating_mul(MODULES_MAX))
        .total_memories(instances.max(MEMORIES_EACH_MAX).saturating_add(MEMORIES_EACH_MAX))
        .total_tables(instances.saturating_mul(TABLES_PER_PLACE).max(TABLES_MAX).saturating_add(TABLES_MAX))
        .total_stacks(stacks(model, instances))
        .total_gc_heaps(instances.saturating_add(1))
        .max_core_instances_per_component(MODULES_MAX)
        .max_memories_per_component(MEMORIES_MAX)
        .max_tables_per_component(TABLES_MAX)
        .max_memories_per_module(MEMORIES_MAX)
        .max_tables_per_module(16)
        .table_elements(TABLE_ELEMENTS_MAX)
        .max_memory_size(MEMORY_BYTES_MAX)
        .table_keep_resident(TABLE_KEEP_RESIDENT_BYTES)
        // It may show a guest what another left in pages that were swapped out.
        .pagemap_scan(Enabled::No);
    // Guests fail at their clients' will, and where the host's code stood then is of no interest: 14 µs each under
    // `RUST_BACKTRACE=1`. Their own backtraces are another matter and stay.
    wasmtime::error::disable_backtrace();
    let mut config = compiler_config(model);
    config.allocation_strategy(pool);
    Engine::new(&config)
}

/// Stacks of a pool. Each is two of the mappings that the system allows a process (`vm.max_map_count`, 65,530 by default), so that there
/// are no more than most instances need.
fn stacks(model: Model, instances: u32) -> u32 {
    match model {
        Model::Sync => instances.saturating_add(1),
        Model::Async => {
            let serving = instances.saturating_mul(STACKS_PER_PLACE).max(MODULES_MAX);
            serving.saturating_add(MODULES_MAX)
        }
    }
}

/// An engine that only compiles; what it makes runs on the other.
pub(crate) fn compiling_engine(model: Model) -> Result<Engine> {
    Engine::new(&compiler_config(model))
}

fn compiler_config(model: Model) -> Config {
    let mut config = Config::new();
    config
        .concurrency_support(model == Model::Async)
        .epoch_interruption(true)
        .max_wasm_stack(GUEST_STACK_BYTES)
        .async_stack_size(STACK_BYTES)
        .gc_heap_initial_size(HEAP_BYTES)
        .wasm_backtrace_details(WasmBacktraceDetails::Enable)
        // Guests are unwound by their frame pointers.
        .native_unwind_info(false);
    config
}

/// Lets time pass for all guests of an engine, until the engine is gone.
pub(crate) fn start_ticker(engine: &Engine) -> std::io::Result<()> {
    let engine = engine.weak();
    let ticker = move || {
        while let Some(engine) = engine.upgrade() {
            engine.increment_epoch();
            drop(engine);
            std::thread::sleep(TICK);
        }
    };
    std::thread::Builder::new().name("function-ticker".into()).spawn(ticker).map(drop)
}
