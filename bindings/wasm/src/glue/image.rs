//! Pictures and numbers for JavaScript.

use wasm_bindgen::prelude::*;

use super::error;
use crate::picture::PictureError;

/// Makes a PNG of exactly `width` by `height` pixels in shades of gray, of a PNG, JPEG, GIF or WebP.
///
/// # Errors
///
/// An `Error` whose `code` is `size`, `unknown`, `large` or `damaged`.
#[wasm_bindgen]
pub fn process_image(data: &[u8], width: u32, height: u32) -> Result<Vec<u8>, JsValue> {
    crate::picture::process_image(data, width, height).map_err(|failure| {
        let code = match failure {
            PictureError::Size(..) => "size",
            PictureError::Unknown => "unknown",
            PictureError::TooLarge => "large",
            PictureError::Damaged(_) | PictureError::NotWritten(_) => "damaged",
        };
        error(&failure.to_string(), code)
    })
}

/// The Fibonacci number of this place, from 0 to 93, as a `BigInt`.
///
/// # Errors
///
/// A `RangeError` beyond 93: 64 bits do not hold it.
#[wasm_bindgen]
pub fn fibonacci(place: u32) -> Result<u64, JsValue> {
    crate::fibonacci(place).ok_or_else(|| {
        let text = format!("the last Fibonacci number that 64 bits hold is that of {}", crate::FIBONACCI_MAX);
        js_sys::RangeError::new(&text).into()
    })
}
