//! The engine: how guests are compiled, interrupted, and given memory.

use std::time::Duration;

use wasmtime::{Config, Enabled, Engine, PoolingAllocationConfig, Result, WasmBacktraceDetails};

use crate::limits::TABLE_ELEMENTS_MAX;

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

/// An engine that can compile, and runs up to that many instances at once.
pub(crate) fn engine(instances: usize) -> Result<Engine> {
    let instances = u32::try_from(instances.max(1)).unwrap_or(u32::MAX / MODULES_MAX);
    let mut pool = PoolingAllocationConfig::new();
    pool.total_component_instances(instances)
        .total_core_instances(instances.saturating_mul(MODULES_MAX))
        .total_memories(instances.saturating_add(instances / 4).saturating_add(1))
        .total_tables(instances.saturating_mul(4))
        .total_stacks(instances)
        .total_gc_heaps(instances)
        .max_core_instances_per_component(MODULES_MAX)
        .max_memories_per_component(8)
        .max_tables_per_component(64)
        .max_memories_per_module(8)
        .max_tables_per_module(16)
        .table_elements(TABLE_ELEMENTS_MAX)
        .max_memory_size(MEMORY_BYTES_MAX)
        .table_keep_resident(TABLE_KEEP_RESIDENT_BYTES)
        // It may show a guest what another left in pages that were swapped out.
        .pagemap_scan(Enabled::No);
    // Guests fail at their clients' will, and where the host's code stood then is of no interest: 14 µs each under
    // `RUST_BACKTRACE=1`. Their own backtraces are another matter and stay.
    wasmtime::error::disable_backtrace();
    let mut config = compiler_config();
    config.allocation_strategy(pool);
    Engine::new(&config)
}

/// An engine that only compiles; what it makes runs on the other.
pub(crate) fn compiling_engine() -> Result<Engine> {
    Engine::new(&compiler_config())
}

fn compiler_config() -> Config {
    let mut config = Config::new();
    config
        .epoch_interruption(true)
        .max_wasm_stack(GUEST_STACK_BYTES)
        .async_stack_size(STACK_BYTES)
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
