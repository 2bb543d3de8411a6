//! A question about inputs, answered; the answer in every form a page shows or hands out.

use lockgate_analytics::input::{self, Format, Input, InputError, Options, Outcome, Place, Watch};
use lockgate_analytics::{
    ConfigurationError, Datum, Partial, PlotError, ReadPartialError, Report, Role, plot_svg,
    read_configuration, with_causes, write_csv, write_json, write_ndjson,
};
use serde_json::{Value, json};

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub enum AnalysisError {
    /// The question is none.
    #[error(transparent)]
    Configuration(#[from] ConfigurationError),
    /// Nothing is read or written in this format.
    #[error("`{0}` is no format")]
    Format(String),
    /// Files in this format are read whole: their start says what the rest is.
    #[error("`{0}` cannot be read in parts: `ndjson` and `combined` can")]
    Whole(String),
    /// The inputs cannot be read to their end.
    #[error(transparent)]
    Input(#[from] InputError),
    /// A line of a part is malformed, and was not to be passed over: the lines before the part are not known here.
    #[error("`{}`, line {} behind byte {start}: {}", .place.input, .place.line, .place.what)]
    MalformedBehind {
        /// The line, counted from where the part starts.
        place: Place,
        /// Where that is.
        start: u64,
    },
    /// What another worker has read cannot be taken over.
    #[error(transparent)]
    Part(#[from] ReadPartialError),
    /// The answer cannot be drawn.
    #[error(transparent)]
    Plot(#[from] PlotError),
}

impl AnalysisError {
    /// What is at fault, in one word for programs.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::Configuration(_) => "configuration",
            Self::Format(_) | Self::Whole(_) => "format",
            Self::Input(InputError::Read { .. }) => "read",
            Self::Input(InputError::Unknown { .. }) => "unknown",
            Self::Input(InputError::Groups(_)) => "groups",
            Self::Input(InputError::Malformed(_)) | Self::MalformedBehind { .. } => "malformed",
            Self::Input(InputError::Interrupted) => "interrupted",
            Self::Part(ReadPartialError::Groups(_)) => "groups",
            Self::Part(ReadPartialError::Foreign) => "part",
            Self::Plot(_) => "size",
        }
    }

    /// The whole story on one line: this error and those it came from.
    #[must_use]
    pub fn story(&self) -> String {
        with_causes(self)
    }
}

/// An answer.
pub struct Analysis {
    pub(crate) report: Report,
    pub(crate) counts: Value,
}

/// Answers the question `configuration`, a JSON object in the words of `lockgate process`, about `inputs`, all of which are in `format` if one
/// is named: `ndjson`, `csv`, `combined` or `segment`.
///
/// # Errors
///
/// When the question or the format is none, an input cannot be read or is of no known format, there are too many groups, `watch` stops it,
/// or, with `strict`, at a malformed line.
pub fn analyze(
    configuration: &str,
    format: Option<&str>,
    inputs: Vec<Input<'_>>,
    watch: &dyn Watch,
) -> Result<Analysis, AnalysisError> {
    read(configuration, format, inputs, watch, |partial, counts| Analysis {
        report: partial.report(),
        counts,
    })
}

/// Reads inputs, and hands over what they say and how much was read.
pub(crate) fn read<T>(
    configuration: &str,
    format: Option<&str>,
    inputs: Vec<Input<'_>>,
    watch: &dyn Watch,
    on_read: impl FnOnce(&Partial<'_>, Value) -> T,
) -> Result<T, AnalysisError> {
    let asked = read_configuration(configuration.as_bytes())?;
    let format = format.map(format_named).transpose()?;
    let plan = asked.query.plan();
    let options = Options { format, strict: asked.strict, threads: None };
    let found = input::analyze(&plan, inputs, options, watch)?;
    Ok(on_read(&found.partial, counts(&found)))
}

/// Bytes in memory as an input.
pub(crate) fn in_memory(bytes: &[u8]) -> Input<'_> {
    Input { name: "data".into(), source: input::Source::Bytes(bytes) }
}

pub(crate) fn format_named(name: &str) -> Result<Format, AnalysisError> {
    Format::named(name).ok_or_else(|| AnalysisError::Format(name.into()))
}

fn counts(found: &Outcome<'_>) -> Value {
    let place = |place: &Place| json!({ "input": place.input, "line": place.line, "what": place.what });
    json!({
        "rows": found.partial.rows(),
        "lines": found.lines,
        "bytes": found.bytes,
        "malformed": found.malformed,
        "timeless": found.partial.timeless(),
        "places": found.places.iter().map(place).collect::<Vec<_>>(),
    })
}

impl Analysis {
    /// How much was read, as JSON: `rows`, `lines`, `bytes` of content, `malformed` lines and the first of their `places`, and `timeless` rows,
    /// which said no moment where the question is about time.
    #[must_use]
    pub fn counts(&self) -> String {
        self.counts.to_string()
    }

    /// The whole answer in a format: `json`, `ndjson` or `csv`.
    ///
    /// # Errors
    ///
    /// When it is no such format.
    pub fn text(&self, format: &str) -> Result<String, AnalysisError> {
        let mut text = Vec::new();
        match format {
            "json" => write_json(&self.report, &mut text),
            "ndjson" => write_ndjson(&self.report, &mut text),
            "csv" => write_csv(&self.report, &mut text),
            other => return Err(AnalysisError::Format(other.into())),
        }
        Ok(String::from_utf8_lossy(&text).into_owned())
    }

    /// The first rows for a table, as JSON: `columns` with their names and roles (`time`, `group` or `measure`), `rows` of texts, null where there
    /// is nothing, and `groups`, the number of all rows.
    #[must_use]
    pub fn table(&self, rows_max: usize) -> String {
        let columns = self.report.columns.iter().map(|column| {
            let role = match column.role {
                Role::Time => "time",
                Role::Group => "group",
                Role::Measure => "measure",
            };
            json!({ "name": column.name, "role": role })
        });
        let cell = |datum: &Datum| {
            let mut text = Vec::new();
            datum.write_text(&mut text);
            let is_null = *datum == Datum::Null;
            if is_null { Value::Null } else { String::from_utf8_lossy(&text).into() }
        };
        let rows = self.report.rows.iter().take(rows_max);
        json!({
            "columns": columns.collect::<Vec<_>>(),
            "rows": rows.map(|row| row.iter().map(cell).collect()).collect::<Vec<Value>>(),
            "groups": self.report.rows.len(),
        })
        .to_string()
    }

    /// The answer as a drawing of so many pixels: SVG, as `lockgate process --format svg` writes it.
    ///
    /// # Errors
    ///
    /// When the size is out of bounds.
    pub fn svg(&self, width: u32, height: u32) -> Result<String, AnalysisError> {
        Ok(plot_svg(&self.report, (width, height))?)
    }
}

#[cfg(test)]
mod tests;
