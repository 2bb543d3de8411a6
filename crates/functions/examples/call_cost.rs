//! What one direct call of a component costs: the floor for whatever stands around it. And how long one takes whose function has
//! to be loaded first, from code that is compiled and on disk.
//!
//! `cargo run --release -p functions --example call_cost -- target/functions/hello.wasm 20000 [path] [reuse]`

use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use functions::{CachePlace, Call, Function, Runtime, RuntimeOptions, Settings, body};
use http_body_util::BodyExt;
use lockgate_event::EventId;
use rustix::time::{ClockId, clock_gettime};
use tokio::sync::oneshot;

/// Calls come one after the other. With this few, the address space of valgrind suffices.
const INSTANCES: usize = 4;

/// Functions that are loaded and called once.
const COLD_STARTS: usize = 21;

type Failed = Box<dyn std::error::Error>;

#[allow(clippy::print_stdout, reason = "an example that prints what it found")]
fn main() -> Result<(), Failed> {
    let mut arguments = std::env::args().skip(1);
    let file = PathBuf::from(arguments.next().ok_or("which component?")?);
    let count: u32 = arguments.next().ok_or("how many calls?")?.parse()?;
    let path = arguments.next().unwrap_or_else(|| "/".to_owned());
    let reuse = arguments.next().map_or(Ok(1), |reuse| reuse.parse())?;
    let began = Instant::now();
    let folder = tempfile::tempdir()?;
    let cache = CachePlace { folder: folder.path().join("code"), key_file: folder.path().join("code.key") };
    let options = RuntimeOptions { instances: INSTANCES, cache: Some(cache), ..RuntimeOptions::default() };
    let runtime = Runtime::new(&options)?;
    println!("runtime: {:?}", began.elapsed());
    let began = Instant::now();
    let settings = Settings { reuse, log_bytes: 0, ..Settings::named("cost") };
    let function = runtime.load(&file, settings.clone())?;
    println!("load: {:?}", began.elapsed());
    let host = tokio::runtime::Builder::new_current_thread().enable_time().build()?;
    host.block_on(run(&function, &path, count / 10 + 1))?;
    let (cpu, wall) = (cpu_time(), Instant::now());
    let bytes = host.block_on(run(&function, &path, count))?;
    let each = |time: Duration| micros(time) / f64::from(count);
    println!(
        "{count} calls, {bytes} bytes: {:.1} µs of CPU, {:.1} µs each",
        each(cpu_time() - cpu),
        each(wall.elapsed())
    );
    println!("{:?}", function.counts());
    drop(function);
    let mut cold_starts = Vec::with_capacity(COLD_STARTS);
    for _ in 0..COLD_STARTS {
        let began = Instant::now();
        let function = runtime.load(&file, settings.clone())?;
        host.block_on(run(&function, &path, 1))?;
        cold_starts.push(began.elapsed());
    }
    cold_starts.sort();
    let (first, middle) = (cold_starts[0], cold_starts[COLD_STARTS / 2]);
    println!("loaded and called once: {:.1} µs, at best {:.1} µs", micros(middle), micros(first));
    Ok(())
}

fn micros(time: Duration) -> f64 {
    time.as_secs_f64() * 1e6
}

async fn run(function: &Arc<Function>, path: &str, count: u32) -> Result<usize, Failed> {
    let id = EventId { node: 1, boot: 1, worker: 0, sequence: 1 };
    let mut bytes = 0;
    for _ in 0..count {
        let permit = function.enter(id).await?;
        let request = http::Request::builder().uri(format!("http://localhost{path}")).body(body::empty())?;
        let call = Call { id, request, outbound: None, next: false };
        let (answered, answer) = oneshot::channel::<http::Response<body::Answer>>();
        let taken = async {
            match answer.await {
                Ok(response) => response.into_body().collect().await.map(|body| body.to_bytes().len()),
                Err(_) => Ok(0),
            }
        };
        let (ended, taken) = tokio::join!(function.call(permit, call, answered), taken);
        ended?;
        bytes += taken?;
    }
    Ok(bytes)
}

fn cpu_time() -> Duration {
    let now = clock_gettime(ClockId::ThreadCPUTime);
    Duration::new(now.tv_sec as u64, now.tv_nsec as u32)
}
