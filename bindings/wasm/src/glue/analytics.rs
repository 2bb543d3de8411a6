//! Questions for JavaScript.
#![allow(clippy::needless_pass_by_value, reason = "what JavaScript hands over is ours")]

use js_sys::{Function, Uint8Array};
use lockgate_analytics::input::{Input, Source};
use wasm_bindgen::prelude::*;
use web_sys::File;

use super::error;
use super::file::{Desk, FileReader, Progress};
use crate::analysis::in_memory;
use crate::{AnalysisError, Part};

/// An answer: the table, the drawing and the texts that it can be shown as. `free()` lets go of its memory.
#[wasm_bindgen]
pub struct Analysis(crate::Analysis);

#[wasm_bindgen]
impl Analysis {
    /// How much was read, as JSON: `rows`, `lines`, `bytes`, `malformed`, `timeless`, and the first `places` of malformed lines.
    #[must_use]
    pub fn counts(&self) -> String {
        self.0.counts()
    }

    /// The first rows, as JSON: `columns`, `rows` of texts or null, and `groups`, the number of all rows.
    #[must_use]
    pub fn table(&self, rows_max: usize) -> String {
        self.0.table(rows_max)
    }

    /// The whole answer as `json`, `ndjson` or `csv`.
    ///
    /// # Errors
    ///
    /// An `Error` whose `code` is `format`.
    pub fn text(&self, format: &str) -> Result<String, JsValue> {
        self.0.text(format).map_err(|failure| thrown(&failure))
    }

    /// The answer as a drawing, SVG.
    ///
    /// # Errors
    ///
    /// An `Error` whose `code` is `size`.
    pub fn svg(&self, width: u32, height: u32) -> Result<String, JsValue> {
        self.0.svg(width, height).map_err(|failure| thrown(&failure))
    }
}

/// Says what a file is and what could be asked, from its name and its first bytes, as JSON: `format` (null if nothing tells), `fields`, and a
/// `question` that suits them.
#[wasm_bindgen]
#[must_use]
pub fn inspect(name: &str, start: &[u8]) -> String {
    crate::inspect(name, start).json()
}

/// Answers a question about bytes in memory.
///
/// # Errors
///
/// As [`analyze`].
#[wasm_bindgen]
pub fn analyze_bytes(data: &[u8], configuration: &str, format: Option<String>) -> Result<Analysis, JsValue> {
    let answer = crate::analyze(configuration, format.as_deref(), vec![in_memory(data)], &());
    answer.map(Analysis).map_err(|failure| thrown(&failure))
}

/// Answers a question about files, which are read piece by piece: only in a worker. `configuration` is a JSON object in the words of
/// `lockgate process`; `on_progress` is called with the bytes read so far, and ends the reading by returning `false`.
///
/// # Errors
///
/// An `Error` whose `code` is `configuration`, `format`, `read`, `unknown`, `groups`, `malformed` or `interrupted`.
#[wasm_bindgen]
pub fn analyze(
    files: Vec<File>,
    configuration: &str,
    format: Option<String>,
    on_progress: Option<Function>,
) -> Result<Analysis, JsValue> {
    let progress = Progress::new(on_progress);
    let inputs = inputs(&files, &progress)?;
    let answer = crate::analyze(configuration, format.as_deref(), inputs, &progress.stop());
    answer.map(Analysis).map_err(|failure| thrown(&failure))
}

/// Reads files as [`analyze`] does, and returns what they say as bytes: [`join`] puts together what several workers have read.
///
/// # Errors
///
/// As [`analyze`].
#[wasm_bindgen]
pub fn fold(
    files: Vec<File>,
    configuration: &str,
    format: Option<String>,
    on_progress: Option<Function>,
) -> Result<Vec<u8>, JsValue> {
    let progress = Progress::new(on_progress);
    let inputs = inputs(&files, &progress)?;
    let part = crate::fold(configuration, format.as_deref(), inputs, &progress.stop());
    part.map_err(|failure| thrown(&failure))
}

/// The same for a part of one plain file of lines, `ndjson` or `combined`: those that start behind byte `start` and no later than at `end`.
///
/// # Errors
///
/// As [`analyze`]; `format` for any other format, too.
#[wasm_bindgen]
pub fn fold_part(
    file: File,
    start: f64,
    end: f64,
    configuration: &str,
    format: &str,
    on_progress: Option<Function>,
) -> Result<Vec<u8>, JsValue> {
    let progress = Progress::new(on_progress);
    let (start, end) = (start as u64, end as u64);
    let reader = FileReader::new(&file, start, 0.0, &desk()?, &progress);
    let part = Part { name: file.name(), reader, start, end };
    let part = crate::fold_part(configuration, format, part, &progress.stop());
    part.map_err(|failure| thrown(&failure))
}

/// Puts together what several workers have read for the same question, in the order of the files.
///
/// # Errors
///
/// An `Error` whose `code` is `configuration`, `groups`, or `part` when something is no part of an answer to this question.
#[wasm_bindgen]
pub fn join(parts: Vec<Uint8Array>, configuration: &str) -> Result<Analysis, JsValue> {
    let answer = crate::join(configuration, parts.iter().map(Uint8Array::to_vec));
    answer.map(Analysis).map_err(|failure| thrown(&failure))
}

fn inputs(files: &[File], progress: &Progress) -> Result<Vec<Input<'static>>, JsValue> {
    let desk = desk()?;
    let mut before = 0.0;
    let mut inputs = Vec::new();
    for file in files {
        let reader = FileReader::new(file, 0, before, &desk, progress);
        inputs.push(Input { name: file.name(), source: Source::Stream(Box::new(reader)) });
        before += file.size();
    }
    Ok(inputs)
}

fn desk() -> Result<Desk, JsValue> {
    Desk::new().map_err(|_| error("files are read in workers only", "read"))
}

fn thrown(failure: &AnalysisError) -> JsValue {
    error(&failure.story(), failure.code())
}
