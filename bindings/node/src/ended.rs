//! Workers that are ended while a function of the library runs for them.
//!
//! From that moment on Node refuses whatever could run JavaScript. Neon panics about that in places, and then cannot throw an
//! error either, which ends the whole program. But nobody waits for an answer any more: there is nothing left to do.

use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};

use neon::prelude::*;
use neon::types::Deferred;

/// What a function answers; nothing, if its worker has been ended.
pub(crate) fn answered<'cx, V: Value>(
    mut cx: FunctionContext<'cx>,
    function: impl FnOnce(&mut FunctionContext<'cx>) -> JsResult<'cx, V>,
) -> JsResult<'cx, JsValue> {
    match unless_ended(&mut cx, function) {
        Some(answer) => answer.map(|value| value.upcast()),
        None => Ok(cx.undefined().upcast()),
    }
}

/// Settles a promise from any thread with what is made in the one that runs JavaScript, if it still runs.
pub(crate) fn settle<F, V>(deferred: Deferred, channel: &Channel, outcome: F)
where
    F: for<'cx> FnOnce(&mut Cx<'cx>) -> JsResult<'cx, V> + Send + 'static,
    V: Value,
{
    // The program may have ended.
    let _ = channel.try_send(move |mut cx| {
        unless_ended(&mut cx, |cx| match cx.try_catch(outcome) {
            Ok(value) => deferred.resolve(cx, value),
            Err(thrown) => deferred.reject(cx, thrown),
        });
        Ok(())
    });
}

fn unless_ended<'cx, C: Context<'cx>, T>(cx: &mut C, work: impl FnOnce(&mut C) -> T) -> Option<T> {
    match catch_unwind(AssertUnwindSafe(|| work(cx))) {
        Ok(done) => Some(done),
        Err(_) if is_ended(cx) => None,
        Err(panic) => resume_unwind(panic),
    }
}

/// Whether Node refuses what it does not refuse otherwise.
fn is_ended<'cx>(cx: &mut impl Context<'cx>) -> bool {
    catch_unwind(AssertUnwindSafe(|| cx.boxed(()))).is_err()
}
