//! Threads of one call, which are gone when it returns: no process that is forked misses any, and none runs on in a library that is unloaded.

use std::num::NonZeroUsize;
use std::thread;

use rayon::ThreadPoolBuilder;

/// Does work that takes so many threads as it is told: one for each core, or the calling one alone if they cannot be started.
pub(crate) fn with_all_cores<T: Send>(work: impl FnOnce(NonZeroUsize) -> T + Send) -> T {
    let cores = thread::available_parallelism().unwrap_or(NonZeroUsize::MIN);
    let mut threads = Vec::new();
    let pool = ThreadPoolBuilder::new().num_threads(cores.get()).spawn_handler(|thread| {
        threads.push(thread::Builder::new().spawn(|| thread.run())?);
        Ok(())
    });
    let done = match pool.build() {
        Ok(pool) => pool.install(|| work(cores)),
        Err(_) => work(NonZeroUsize::MIN),
    };
    // They have no pool any more, and end. What one panicked about, `install` has passed on.
    threads.into_iter().for_each(|thread| drop(thread.join()));
    done
}
