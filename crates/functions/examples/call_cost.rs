//! What one direct call of a component costs: the floor for whatever stands around it.
//!
//! `cargo run --release -p functions --example call_cost -- target/functions/hello.wasm 20000 [path] [reuse]`

use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use functions::{
    Call, Destination, Function, HttpError, Outbound, Runtime, RuntimeOptions, SentResponse, Settings,
    Timeouts, WasiBody, body,
};
use http_body_util::BodyExt;
use rustix::time::{ClockId, clock_gettime};
use tokio::sync::oneshot;

struct Nowhere;

impl Outbound for Nowhere {
    fn send(&self, _: Destination, _: http::Request<WasiBody>, _: Timeouts) -> SentResponse {
        Box::pin(std::future::ready(Err(HttpError::HttpRequestDenied)))
    }
}

type Failed = Box<dyn std::error::Error>;

#[allow(clippy::print_stdout, reason = "an example that prints what it found")]
fn main() -> Result<(), Failed> {
    let mut arguments = std::env::args().skip(1);
    let file = PathBuf::from(arguments.next().ok_or("which component?")?);
    let count: u32 = arguments.next().ok_or("how many calls?")?.parse()?;
    let path = arguments.next().unwrap_or_else(|| "/".to_owned());
    let reuse = arguments.next().map_or(Ok(1), |reuse| reuse.parse())?;
    let began = Instant::now();
    let runtime = Runtime::new(&RuntimeOptions::default())?;
    println!("runtime: {:?}", began.elapsed());
    let began = Instant::now();
    let settings = Settings { reuse, log_bytes: 0, ..Settings::named("cost") };
    let function = runtime.load(&file, settings)?;
    println!("load: {:?}", began.elapsed());
    let outbound: Arc<dyn Outbound> = Arc::new(Nowhere);
    let host = tokio::runtime::Builder::new_current_thread().enable_time().build()?;
    host.block_on(run(&function, &outbound, &path, count / 10 + 1))?;
    let (cpu, wall) = (cpu_time(), Instant::now());
    let bytes = host.block_on(run(&function, &outbound, &path, count))?;
    let each = |time: Duration| time.as_secs_f64() * 1e6 / f64::from(count);
    println!(
        "{count} calls, {bytes} bytes: {:.1} µs of CPU, {:.1} µs each",
        each(cpu_time() - cpu),
        each(wall.elapsed())
    );
    println!("{:?}", function.counts());
    Ok(())
}

async fn run(
    function: &Arc<Function>,
    outbound: &Arc<dyn Outbound>,
    path: &str,
    count: u32,
) -> Result<usize, Failed> {
    let id: Arc<str> = "cost".into();
    let mut bytes = 0;
    for _ in 0..count {
        let permit = function.enter().await?;
        let request = http::Request::builder().uri(format!("http://localhost{path}")).body(body::empty())?;
        let call = Call { id: id.clone(), request, outbound: outbound.clone(), next: false };
        let (answered, answer) = oneshot::channel::<http::Response<WasiBody>>();
        let taken = async {
            match answer.await {
                Ok(response) => response.into_body().collect().await.map(|body| body.to_bytes().len()),
                Err(_) => Ok(0),
            }
        };
        let (ended, taken) = tokio::join!(function.call(&permit, call, answered), taken);
        ended?;
        bytes += taken?;
    }
    Ok(bytes)
}

fn cpu_time() -> Duration {
    let now = clock_gettime(ClockId::ThreadCPUTime);
    Duration::new(now.tv_sec as u64, now.tv_nsec as u32)
}
