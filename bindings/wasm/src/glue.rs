//! What JavaScript sees. Everything here only translates.
#![allow(unsafe_code, reason = "what `wasm_bindgen` makes of these functions; there is none of our own")]
#![allow(unreachable_pub, reason = "`wasm_bindgen` wants functions public; JavaScript reaches them")]

#[cfg(feature = "analytics")]
mod analytics;
#[cfg(feature = "analytics")]
mod file;
#[cfg(feature = "image")]
mod image;

use std::sync::Once;

use js_sys::{Error, Reflect};
use wasm_bindgen::prelude::*;

#[wasm_bindgen]
extern "C" {
    #[wasm_bindgen(js_namespace = console, js_name = error)]
    fn log_error(text: &str);
}

/// Says of a panic where it was, before the WebAssembly instance is of no further use.
#[wasm_bindgen(start)]
fn start() {
    static HOOK: Once = Once::new();
    HOOK.call_once(|| std::panic::set_hook(Box::new(|panic| log_error(&panic.to_string()))));
}

/// An `Error` of JavaScript, with a `code` for programs.
fn error(message: &str, code: &str) -> JsValue {
    let error = Error::new(message);
    // A new object takes any property.
    let _ = Reflect::set(&error, &"code".into(), &code.into());
    error.into()
}
