//! The control side's runtime: the admin API, host name lookups, signals and the watch over the configuration file.

use std::future::pending;
use std::io;
use std::net::TcpListener;
use std::sync::Arc;
use std::sync::mpsc::Receiver;

use control::Admin;
use tokio::runtime::{Builder, Handle, Runtime};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use crate::limits::{BLOCKING_THREADS, CONTROL_END_WITHIN, CONTROL_THREADS};
use crate::running::Running;
use crate::signals::Signals;
use crate::watch::{Watcher, watch, watch_named};

/// The control side. If it stalls, traffic still flows.
pub(crate) struct AdminSide {
    runtime: Runtime,
    stop: Option<oneshot::Sender<()>>,
    served: Option<JoinHandle<()>>,
    asked_to_end: Option<Receiver<()>>,
}

impl AdminSide {
    /// Makes the runtime; nothing runs on it yet.
    pub(crate) fn new() -> io::Result<Self> {
        let runtime = Builder::new_multi_thread()
            .worker_threads(CONTROL_THREADS)
            .max_blocking_threads(BLOCKING_THREADS)
            .thread_name("control")
            .enable_io()
            .enable_time()
            .build()?;
        Ok(Self { runtime, stop: None, served: None, asked_to_end: None })
    }

    /// Runs what must be done before going on.
    pub(crate) fn block_on<T>(&self, work: impl Future<Output = T>) -> T {
        self.runtime.block_on(work)
    }

    /// Where tasks of the control side run.
    pub(crate) fn runtime(&self) -> &Handle {
        self.runtime.handle()
    }

    /// Takes the signals over, reloads at SIGHUP and when the file changes.
    pub(crate) fn obey_signals(&mut self, running: &Arc<Running>) -> io::Result<()> {
        let _on = self.runtime.enter();
        let (signals, asked_to_end) = Signals::take()?;
        self.runtime.spawn(signals.obey(running.clone()));
        self.asked_to_end = Some(asked_to_end);
        Ok(())
    }

    /// Serves the admin API, keeps host names resolved, watches the configuration file.
    pub(crate) fn serve(
        &mut self,
        admin: Admin,
        listener: TcpListener,
        running: &Arc<Running>,
        watcher: Option<Watcher>,
    ) {
        let (stop, stopped) = oneshot::channel::<()>();
        let until = async {
            // Without a sender there is nobody who could ask for the end.
            if stopped.await.is_err() {
                pending::<()>().await;
            }
        };
        self.served = Some(self.runtime.spawn(async move {
            if let Err(error) = admin.serve(listener, until).await {
                tracing::error!(%error, "the admin side cannot be served");
            }
        }));
        self.stop = Some(stop);
        self.runtime.spawn(running.resolver.clone().run(running.plane.clone()));
        if let Some(watcher) = watcher {
            self.runtime.spawn(watch(watcher, running.clone()));
        }
        self.runtime.spawn(watch_named(running.clone()));
    }

    /// Hears of the first signal that asks for the end; `None` when signals were not taken over.
    pub(crate) fn asked_to_end(&self) -> Option<&Receiver<()>> {
        self.asked_to_end.as_ref()
    }

    /// Lets what the admin side is answering end, and stops everything else.
    pub(crate) fn stop(mut self) {
        if let Some(stop) = self.stop.take() {
            // It has ended already when nobody listens.
            let _ = stop.send(());
        }
        if let Some(served) = self.served.take() {
            let ended =
                self.runtime.block_on(async { tokio::time::timeout(CONTROL_END_WITHIN, served).await });
            if ended.is_err() {
                tracing::warn!("the admin side did not end in time");
            }
        }
        // Lookups that hang in the system's resolver must not hold the process.
        self.runtime.shutdown_background();
    }
}
