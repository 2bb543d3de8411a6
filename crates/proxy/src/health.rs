//! Health checks: one thread of the process asks the endpoints of all upstreams that want it, beside the workers.

mod check;
mod grpc;

use std::collections::HashMap;
use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use config::HealthCheck;
use policy::{HealthPolicy, HealthState};
use tokio::runtime::{Builder, LocalOptions};
use tokio::sync::mpsc;
use tokio::task::spawn_local;
use tokio::time::{Instant, sleep, sleep_until};

use crate::limits::FIRST_CHECKS_WITHIN;
use crate::snapshot::Plane;
use crate::upstream::{Endpoint, Finding, Upstream};

/// The health checks of a process. Their thread is started when an upstream first wants it, and ends when this is dropped.
#[derive(Debug)]
pub struct HealthChecks {
    plane: Arc<Plane>,
    thread: Mutex<Option<CheckThread>>,
}

#[derive(Debug)]
struct CheckThread {
    /// Tells of another snapshot; the thread ends when this is gone.
    tell: mpsc::Sender<()>,
    thread: JoinHandle<()>,
}

impl HealthChecks {
    /// For the upstreams of a plane; nothing is asked yet.
    pub fn new(plane: Arc<Plane>) -> Self {
        Self { plane, thread: Mutex::default() }
    }

    /// Checks what the snapshot in force wants to have checked, and nothing else any more.
    pub fn follow(&self) {
        let mut thread = self.lock();
        if let Some(thread) = &*thread {
            // One that has been told already, and has not looked yet, will see this snapshot, too.
            let _ = thread.tell.try_send(());
            return;
        }
        if !self.plane.snapshot().upstreams().iter().any(|upstream| upstream.config().health.is_some()) {
            return;
        }
        match CheckThread::start(self.plane.clone()) {
            Ok(started) => *thread = Some(started),
            Err(error) => tracing::error!(%error, "no health checks are made until the next reload"),
        }
    }

    /// Ends all checks.
    pub fn stop(&self) {
        if let Some(CheckThread { tell, thread }) = self.lock().take() {
            drop(tell);
            // It has nothing to say but that it panicked, which is told already.
            let _ = thread.join();
        }
    }

    fn lock(&self) -> MutexGuard<'_, Option<CheckThread>> {
        // What is guarded is replaced in single steps, so a poisoned lock guards a sound value.
        self.thread.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for HealthChecks {
    fn drop(&mut self) {
        self.stop();
    }
}

impl CheckThread {
    fn start(plane: Arc<Plane>) -> io::Result<Self> {
        let (tell, told) = mpsc::channel(1);
        let runtime = Builder::new_current_thread();
        let run = move || run(runtime, follow(plane, told));
        let thread = std::thread::Builder::new().name("health".to_owned()).spawn(run)?;
        Ok(Self { tell, thread })
    }
}

fn run(mut runtime: Builder, work: impl Future<Output = ()>) {
    match runtime.enable_io().enable_time().build_local(LocalOptions::default()) {
        Ok(runtime) => runtime.block_on(work),
        Err(error) => tracing::error!(%error, "health checks have no event loop"),
    }
}

/// A task that ends when it is not wanted any more.
struct Task(tokio::task::JoinHandle<()>);

impl Task {
    fn start(work: impl Future<Output = ()> + 'static) -> Self {
        Self(spawn_local(work))
    }
}

impl Drop for Task {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// Has a task for each upstream of the snapshot in force that wants checks.
async fn follow(plane: Arc<Plane>, mut told: mpsc::Receiver<()>) {
    let mut watched: HashMap<u64, Task> = HashMap::new();
    loop {
        let snapshot = plane.snapshot();
        watched.retain(|id, _| snapshot.upstreams().iter().any(|upstream| upstream.id() == *id));
        for upstream in snapshot.upstreams() {
            if let Some(terms) = &upstream.config().health {
                let start = || Task::start(watch(upstream.clone(), terms.clone()));
                watched.entry(upstream.id()).or_insert_with(start);
            }
        }
        drop(snapshot);
        if told.recv().await.is_none() {
            return;
        }
    }
}

/// Has a task for each endpoint of an upstream, whose names may come to stand for others.
async fn watch(upstream: Arc<Upstream>, terms: HealthCheck) {
    let mut checked: Vec<(Arc<Endpoint>, Task)> = Vec::new();
    loop {
        let endpoints = upstream.endpoints();
        checked.retain(|(known, _)| endpoints.iter().any(|endpoint| Arc::ptr_eq(endpoint, known)));
        for endpoint in endpoints.iter() {
            if !checked.iter().any(|(known, _)| Arc::ptr_eq(endpoint, known)) {
                let checks = check_for_ever(upstream.clone(), endpoint.clone(), terms.clone());
                checked.push((endpoint.clone(), Task::start(checks)));
            }
        }
        drop(endpoints);
        upstream.other_endpoints().await;
    }
}

async fn check_for_ever(upstream: Arc<Upstream>, endpoint: Arc<Endpoint>, terms: HealthCheck) {
    sleep(at_random(terms.every.min(FIRST_CHECKS_WITHIN))).await;
    loop {
        let began = Instant::now();
        let finding = check::check(&upstream, &endpoint, &terms).await;
        note(&upstream, &endpoint, finding, &terms);
        // Nine to eleven tenths, so that those that began together do not go on together.
        sleep_until(began + terms.every * 9 / 10 + at_random(terms.every / 5)).await;
    }
}

/// Takes note of a check, and tells the log of what it changes.
fn note(upstream: &Upstream, endpoint: &Endpoint, finding: Finding, terms: &HealthCheck) {
    let policy = HealthPolicy { failures: terms.failures, successes: terms.successes };
    let before = endpoint.health().note(finding, policy);
    let after = endpoint.health().report();
    let (upstream, address, reason) = (upstream.name(), endpoint.text(), after.reason);
    match (before.state, after.state) {
        (HealthState::Out, HealthState::Healthy) => {
            tracing::info!(upstream, address, reason, "an endpoint is back");
        }
        (before, HealthState::Out) if before != HealthState::Out => {
            tracing::warn!(upstream, address, reason, "an endpoint is out");
        }
        _ if reason == grpc::UNIMPLEMENTED && before.reason != reason => {
            tracing::warn!(upstream, address, reason, "an endpoint cannot be checked");
        }
        _ => tracing::debug!(upstream, address, reason, "an endpoint was checked"),
    }
}

/// Some part of a time. Without randomness checks come together, and are made all the same.
fn at_random(of: Duration) -> Duration {
    let mut bytes = [0; 4];
    let _ = getrandom::fill(&mut bytes);
    of.mul_f64(f64::from(u32::from_le_bytes(bytes)) / (f64::from(u32::MAX) + 1.0))
}
