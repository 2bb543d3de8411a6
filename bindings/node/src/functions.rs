//! What `index.js` calls.

use std::cell::RefCell;
use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::sync::{Arc, mpsc};
use std::thread;

use lockgate_analytics::input::Format;
use neon::prelude::*;
use neon::types::buffer::TypedArray;
use neon::types::{Deferred, JsUint8Array};

use crate::answer::{Answer, Failure};
use crate::ended::{answered, settle};
use crate::job::{Asked, Job, THREAD};

/// A job as JavaScript holds it. Without the program that asked, nobody needs the answer.
struct Handed {
    job: Arc<Job>,
    /// Keeps the program running until it leaves the job: the job's threads do not, as one that waits for a pipe may never end.
    channel: RefCell<Channel>,
}

impl Finalize for Handed {
    fn finalize<'a, C: Context<'a>>(self, _: &mut C) {
        self.job.interrupt();
    }
}

#[neon::main]
fn exports(mut cx: ModuleContext<'_>) -> NeonResult<()> {
    cx.export_function("start", |cx| answered(cx, start))?;
    cx.export_function("push", |cx| answered(cx, push))?;
    cx.export_function("end", |cx| answered(cx, end))?;
    cx.export_function("interrupt", |cx| answered(cx, interrupt))?;
    cx.export_function("leave", |cx| answered(cx, leave))?;
    cx.export_function("progress", |cx| answered(cx, progress))
}

/// `start(configuration, format, threads, places)` → `{ job, done }`; `done` is a promise of an outcome.
fn start<'cx>(cx: &mut FunctionContext<'cx>) -> JsResult<'cx, JsObject> {
    let asked = Asked {
        configuration: cx.argument::<JsString>(0)?.value(cx),
        format: cx.argument_opt(1).and_then(|name| format(cx, name)),
        threads: threads(cx)?,
        places: places(cx)?,
    };
    let job = Arc::new(Job::new());
    let (give, given) = mpsc::channel::<Deferred>();
    let work = {
        let (job, mut channel) = (Arc::clone(&job), cx.channel());
        channel.unref(cx);
        move || {
            let outcome = job.answer(asked);
            let Ok(deferred) = given.recv() else { return };
            settle(deferred, &channel, move |cx| handed_over(cx, outcome));
        }
    };
    let thread = thread::Builder::new().name(THREAD.into()).spawn(work);
    let (deferred, done) = cx.promise();
    match thread {
        // It waits for nothing else.
        Ok(_) => drop(give.send(deferred)),
        Err(error) => {
            let outcome = handed_over(cx, Err(Failure::Threads(error)))?;
            deferred.resolve(cx, outcome);
        }
    }
    let started = cx.empty_object();
    let channel = RefCell::new(cx.channel());
    let job = cx.boxed(Handed { job, channel });
    started.set(cx, "job", job)?;
    started.set(cx, "done", done)?;
    Ok(started)
}

/// An outcome: `{ summary, ndjson, csv }`, or `{ failure }`.
fn handed_over<'cx, C: Context<'cx>>(
    cx: &mut C,
    outcome: Result<Answer, Failure>,
) -> JsResult<'cx, JsObject> {
    let object = cx.empty_object();
    match outcome {
        Ok(Answer { summary, ndjson, csv }) => {
            let summary = cx.string(summary);
            object.set(cx, "summary", summary)?;
            let ndjson = JsBuffer::from_slice(cx, &ndjson)?;
            object.set(cx, "ndjson", ndjson)?;
            let csv = JsBuffer::from_slice(cx, &csv)?;
            object.set(cx, "csv", csv)?;
        }
        Err(failure) => {
            let told = cx.string(failure.told());
            object.set(cx, "failure", told)?;
        }
    }
    Ok(object)
}

/// `push(job, bytes)` → nothing, or a promise that there is room for more.
fn push<'cx>(cx: &mut FunctionContext<'cx>) -> JsResult<'cx, JsValue> {
    let handed = cx.argument::<JsBox<Handed>>(0)?;
    let piece = cx.argument::<JsUint8Array>(1)?.as_slice(cx).to_vec();
    let mut waits = None;
    handed.job.feed.push(piece, || {
        let (deferred, promise) = cx.promise();
        waits = Some(promise);
        let channel = cx.channel();
        Box::new(move || settle(deferred, &channel, |cx| Ok(cx.undefined())))
    });
    Ok(waits.map_or_else(|| cx.undefined().upcast(), |promise| promise.upcast()))
}

/// `end(job)`: nothing is pushed any more.
fn end<'cx>(cx: &mut FunctionContext<'cx>) -> JsResult<'cx, JsUndefined> {
    cx.argument::<JsBox<Handed>>(0)?.job.feed.end();
    Ok(cx.undefined())
}

/// `interrupt(job)`: it ends soon.
fn interrupt<'cx>(cx: &mut FunctionContext<'cx>) -> JsResult<'cx, JsUndefined> {
    cx.argument::<JsBox<Handed>>(0)?.job.interrupt();
    Ok(cx.undefined())
}

/// `leave(job)`: nobody wants its answer any more, or has it; the program may end.
fn leave<'cx>(cx: &mut FunctionContext<'cx>) -> JsResult<'cx, JsUndefined> {
    let handed = cx.argument::<JsBox<Handed>>(0)?;
    handed.job.interrupt();
    handed.channel.borrow_mut().unref(cx);
    Ok(cx.undefined())
}

/// `progress(job)` → `{ bytes, total }`, `total` null where it is not known.
fn progress<'cx>(cx: &mut FunctionContext<'cx>) -> JsResult<'cx, JsObject> {
    let job = Arc::clone(&cx.argument::<JsBox<Handed>>(0)?.job);
    let progress = cx.empty_object();
    let bytes = cx.number(job.read_bytes() as f64);
    progress.set(cx, "bytes", bytes)?;
    let total: Handle<'_, JsValue> = match job.total_bytes() {
        Some(total) => cx.number(total as f64).upcast(),
        None => cx.null().upcast(),
    };
    progress.set(cx, "total", total)?;
    Ok(progress)
}

/// A format by its name; anything else finds out.
fn format(cx: &mut FunctionContext<'_>, name: Handle<'_, JsValue>) -> Option<Format> {
    let name = name.downcast::<JsString, _>(cx).ok()?.value(cx);
    Format::named(&name)
}

fn threads(cx: &mut FunctionContext<'_>) -> NeonResult<Option<NonZeroUsize>> {
    Ok(NonZeroUsize::new(cx.argument::<JsNumber>(2)?.value(cx) as usize))
}

fn places(cx: &mut FunctionContext<'_>) -> NeonResult<Option<Vec<PathBuf>>> {
    let Ok(list) = cx.argument::<JsValue>(3)?.downcast::<JsArray, _>(cx) else { return Ok(None) };
    let texts = list.to_vec(cx)?;
    let texts = texts.into_iter().map(|text| Ok(text.downcast_or_throw::<JsString, _>(cx)?.value(cx).into()));
    texts.collect::<NeonResult<_>>().map(Some)
}
