//! A report as a drawing: lines over time, bars, histograms, curves of quantiles. SVG text that is read in light and in dark surroundings.

mod bars;
mod canvas;
mod figure;
mod histogram;
mod lines;
mod scale;
#[cfg(test)]
mod tests;

use alloc::format;
use alloc::string::String;
use core::fmt;

use crate::Report;
use canvas::{Canvas, Hue};
use figure::Figure;

/// Least width and height of a drawing, pixels.
pub const PLOT_SIZE_MIN: (u32, u32) = (240, 160);
/// Greatest width and height of a drawing, pixels.
pub const PLOT_SIZE_MAX: (u32, u32) = (10_000, 10_000);

/// Colors for dark surroundings: each stands for one of [`Hue`] there.
const DARK: [(Hue, &str); 4] =
    [(Hue::Paper, "#0d1117"), (Hue::Ink, "#e6edf3"), (Hue::Faded, "#9198a1"), (Hue::Grid, "#2f353d")];

/// Why a report is not drawn.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PlotError {
    /// The drawing would be smaller than [`PLOT_SIZE_MIN`] or larger than [`PLOT_SIZE_MAX`].
    Size((u32, u32)),
    /// The drawing could not be written.
    Drawing(String),
}

impl fmt::Display for PlotError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Size((width, height)) => write!(
                f,
                "a drawing of {width}x{height} pixels is outside {}x{} to {}x{}",
                PLOT_SIZE_MIN.0, PLOT_SIZE_MIN.1, PLOT_SIZE_MAX.0, PLOT_SIZE_MAX.1
            ),
            Self::Drawing(why) => write!(f, "the drawing could not be written: {why}"),
        }
    }
}

impl core::error::Error for PlotError {}

/// Draws a report as SVG of `size` pixels, width and height.
///
/// With a column of time: the first measure over time, a line for each of the eight greatest groups. Else a histogram if one was measured,
/// else the curve of a field's quantiles if there are at least three, else bars for the thirty greatest groups.
///
/// # Errors
///
/// When the size is out of bounds. A report in which nothing can be drawn becomes a drawing that says so.
pub fn plot_svg(report: &Report, size: (u32, u32)) -> Result<String, PlotError> {
    let fits = |length, least, greatest| (least..=greatest).contains(&length);
    if !fits(size.0, PLOT_SIZE_MIN.0, PLOT_SIZE_MAX.0) || !fits(size.1, PLOT_SIZE_MIN.1, PLOT_SIZE_MAX.1) {
        return Err(PlotError::Size(size));
    }
    let mut svg = String::new();
    let mut canvas = Canvas::new(&mut svg, size)?;
    match Figure::of(report) {
        Figure::Nothing(why) => canvas.message(why)?,
        Figure::Lines(lines) => lines.draw(&mut canvas)?,
        Figure::Bars(bars) => bars.draw(&mut canvas)?,
        Figure::Histogram(histogram) => histogram.draw(&mut canvas)?,
    }
    canvas.finish()?;
    if let Some(end) = svg.find('>') {
        svg.insert_str(end + 1, &dark());
    }
    Ok(svg)
}

/// A style that changes colors where the surroundings are dark.
fn dark() -> String {
    let mut rules = String::new();
    for (hue, dark) in DARK {
        let light = hue.hex();
        rules += &format!("[fill=\"{light}\"]{{fill:{dark}}}[stroke=\"{light}\"]{{stroke:{dark}}}");
    }
    format!("\n<style>@media(prefers-color-scheme:dark){{{rules}}}</style>")
}
