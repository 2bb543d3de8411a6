//! What a file is, and what to ask it first: from its name and its first bytes.

use std::io::Read;

use lockgate_analytics::input::{Format, csv_names_of, decoded, format_of, is_compressed};
use serde_json::{Map, Value, json};

/// Lines of JSON that are looked at for the names of fields.
const LINES_MAX: usize = 100;
/// Names that are told: what a person can choose from.
const FIELDS_MAX: usize = 200;
/// Decompressed bytes that are looked at.
const START_BYTES: u64 = 64 << 10;

/// What was found out about a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Inspection {
    /// Whether it is compressed.
    pub is_compressed: bool,
    /// What it is; `None` when nothing tells.
    pub format: Option<Format>,
    /// The names of its fields, as far as they were met.
    pub fields: Vec<String>,
}

/// Looks at a file's first bytes; 64 KiB are enough.
#[must_use]
pub fn inspect(name: &str, start: &[u8]) -> Inspection {
    let is_compressed = is_compressed(start);
    let start = decompressed(start);
    let format = format_of(name, &start);
    let mut fields = match format {
        Some(Format::Ndjson) => keys(&start),
        Some(Format::Csv) => csv_names_of(&start),
        Some(format) => format.fields().iter().map(|field| (*field).to_owned()).collect(),
        None => Vec::new(),
    };
    fields.truncate(FIELDS_MAX);
    Inspection { is_compressed, format, fields }
}

impl Inspection {
    /// A question that suits the fields, in the words of a configuration.
    #[must_use]
    pub fn question(&self) -> Value {
        let first = |names: &[&'static str]| names.iter().copied().find(|name| self.has(name));
        let mut measure = vec!["count".to_owned()];
        if let Some(field) = first(&["latency_us", "latency_ms", "latency", "duration_ms", "duration"]) {
            measure.push(format!("p99({field})"));
        } else if let Some(field) = first(&["bytes_out", "bytes", "size", "value"]) {
            measure.push(format!("sum({field})"));
        }
        let by = first(&["route", "path", "user_id", "status", "level", "user", "name"])
            .or_else(|| self.fields.iter().map(String::as_str).find(|field| *field != "ts"));
        json!({ "by": by.into_iter().collect::<Vec<_>>(), "measure": measure })
    }

    fn has(&self, name: &str) -> bool {
        self.fields.iter().any(|field| field == name)
    }

    /// All of it as JSON: `compressed`, `format`, `fields`, `question`.
    #[must_use]
    pub fn json(&self) -> String {
        json!({
            "compressed": self.is_compressed,
            "format": self.format.map(Format::name),
            "fields": self.fields,
            "question": self.question(),
        })
        .to_string()
    }
}

/// As much as the first bytes hold: what is cut off in the middle is no failure here.
fn decompressed(start: &[u8]) -> Vec<u8> {
    let mut content = Vec::new();
    if let Ok(reader) = decoded(Box::new(start)) {
        // What has been read before an early end stays.
        let _ = reader.take(START_BYTES).read_to_end(&mut content);
    }
    content
}

/// The keys of the objects on the first lines, in the order they are met.
fn keys(text: &[u8]) -> Vec<String> {
    let mut keys: Vec<String> = Vec::new();
    for line in text.split(|byte| *byte == b'\n').take(LINES_MAX) {
        let Ok(object) = serde_json::from_slice::<Map<String, Value>>(line) else { continue };
        for key in object.into_iter().map(|(key, _)| key) {
            if keys.len() < FIELDS_MAX && !keys.contains(&key) {
                keys.push(key);
            }
        }
    }
    keys
}

#[cfg(test)]
mod tests;
