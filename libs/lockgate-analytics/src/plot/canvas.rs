//! What is drawn upon: lines, areas and texts by pixels.
//!
//! The SVG writer of plotters is used without its charts: these measure texts by the document of a browser, which a worker does not have.

use alloc::borrow::ToOwned;
use alloc::format;
use alloc::string::{String, ToString};
use core::fmt;

use plotters_backend::text_anchor::{HPos, Pos, VPos};
use plotters_backend::{
    BackendColor, BackendStyle, BackendTextStyle, DrawingBackend, DrawingErrorKind, FontFamily, FontStyle,
    FontTransform,
};
use plotters_svg::SVGBackend;

use super::PlotError;

/// Space around everything.
pub(super) const MARGIN: i32 = 16;
/// Where the drawing begins below title and note.
pub(super) const TOP: i32 = 56;
const TITLE_SIZE: u32 = 16;
/// Size of all other letters.
pub(super) const TEXT_SIZE: u32 = 12;
/// Characters a text of a drawing has at most.
const LABEL_LENGTH_MAX: usize = 120;

/// A color by its use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Hue {
    /// Behind everything.
    Paper,
    /// Titles, names, values.
    Ink,
    /// Notes and axes.
    Faded,
    Grid,
    /// One of several lines, or what is counted; readable on light and on dark.
    Series(usize),
}

/// Blue, orange, green, pink, violet, ochre, teal, red: told apart by people who see fewer colors as well, by their lightness.
const SERIES: [(u8, u8, u8); 8] = [
    (0x2f, 0x81, 0xf7),
    (0xe3, 0x7b, 0x12),
    (0x2d, 0xa4, 0x4e),
    (0xd6, 0x5c, 0xa8),
    (0x83, 0x57, 0xd6),
    (0xa8, 0x8a, 0x12),
    (0x1f, 0xa5, 0xa5),
    (0xcf, 0x3f, 0x3a),
];
/// Lines that can be told apart.
pub(super) const SERIES_MAX: usize = SERIES.len();

impl Hue {
    fn rgb(self) -> (u8, u8, u8) {
        match self {
            Self::Paper => (0xff, 0xff, 0xff),
            Self::Ink => (0x1f, 0x23, 0x28),
            Self::Faded => (0x59, 0x63, 0x6e),
            Self::Grid => (0xe2, 0xe6, 0xea),
            Self::Series(place) => SERIES[place % SERIES.len()],
        }
    }

    /// As it stands in the SVG text.
    pub(super) fn hex(self) -> String {
        let (red, green, blue) = self.rgb();
        format!("#{red:02X}{green:02X}{blue:02X}")
    }

    fn color(self) -> BackendColor {
        BackendColor { alpha: 1.0, rgb: self.rgb() }
    }
}

#[derive(Clone, Copy)]
struct Stroke(Hue, u32);

impl BackendStyle for Stroke {
    fn color(&self) -> BackendColor {
        self.0.color()
    }

    fn stroke_width(&self) -> u32 {
        self.1
    }
}

/// Which end of a text stands at its place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Anchor {
    Start,
    Middle,
    End,
}

struct Letters {
    hue: Hue,
    size: u32,
    anchor: Anchor,
    style: FontStyle,
}

/// Letters are never measured.
#[derive(Debug)]
struct NotMeasured;

impl fmt::Display for NotMeasured {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("texts are not measured")
    }
}

impl core::error::Error for NotMeasured {}

impl BackendTextStyle for Letters {
    type FontError = NotMeasured;

    fn color(&self) -> BackendColor {
        self.hue.color()
    }

    fn size(&self) -> f64 {
        // The writer divides by as much.
        f64::from(self.size) * 1.24
    }

    fn transform(&self) -> FontTransform {
        FontTransform::None
    }

    fn style(&self) -> FontStyle {
        self.style
    }

    fn anchor(&self) -> Pos {
        let horizontal = match self.anchor {
            Anchor::Start => HPos::Left,
            Anchor::Middle => HPos::Center,
            Anchor::End => HPos::Right,
        };
        Pos::new(horizontal, VPos::Center)
    }

    fn family(&self) -> FontFamily<'_> {
        FontFamily::Name("system-ui, sans-serif")
    }

    fn layout_box(&self, _text: &str) -> Result<((i32, i32), (i32, i32)), Self::FontError> {
        Err(NotMeasured)
    }

    fn draw<E, DrawFunc: FnMut(i32, i32, BackendColor) -> Result<(), E>>(
        &self,
        _text: &str,
        _pos: (i32, i32),
        _draw: DrawFunc,
    ) -> Result<Result<(), E>, Self::FontError> {
        Err(NotMeasured)
    }
}

/// An SVG text that is being written.
pub(super) struct Canvas<'t> {
    backend: SVGBackend<'t>,
    pub(super) width: i32,
    pub(super) height: i32,
}

type Drawn = Result<(), PlotError>;

fn failed<E: core::error::Error + Send + Sync>(error: &DrawingErrorKind<E>) -> PlotError {
    PlotError::Drawing(error.to_string())
}

impl<'t> Canvas<'t> {
    pub(super) fn new(svg: &'t mut String, size: (u32, u32)) -> Result<Self, PlotError> {
        let mut canvas = Self {
            backend: SVGBackend::with_string(svg, size),
            width: size.0.cast_signed(),
            height: size.1.cast_signed(),
        };
        canvas.area((0, 0), (canvas.width, canvas.height), Hue::Paper)?;
        Ok(canvas)
    }

    pub(super) fn area(&mut self, from: (i32, i32), to: (i32, i32), hue: Hue) -> Drawn {
        self.backend.draw_rect(from, to, &Stroke(hue, 0), true).map_err(|error| failed(&error))
    }

    pub(super) fn path(
        &mut self,
        points: impl IntoIterator<Item = (i32, i32)>,
        hue: Hue,
        width: u32,
    ) -> Drawn {
        self.backend.draw_path(points, &Stroke(hue, width)).map_err(|error| failed(&error))
    }

    pub(super) fn dot(&mut self, at: (i32, i32), radius: u32, hue: Hue) -> Drawn {
        self.backend.draw_circle(at, radius, &Stroke(hue, 0), true).map_err(|error| failed(&error))
    }

    /// Writes a text of the usual size; `at` is the middle of its height.
    pub(super) fn text(&mut self, text: &str, at: (i32, i32), anchor: Anchor, hue: Hue) -> Drawn {
        self.letters(text, at, &Letters { hue, size: TEXT_SIZE, anchor, style: FontStyle::Normal })
    }

    /// Title and note, above the drawing.
    pub(super) fn head(&mut self, title: &str, note: &str) -> Drawn {
        let room = (self.width - 2 * MARGIN).max(0) as usize;
        let letters = |size, hue, style| Letters { hue, size, anchor: Anchor::Start, style };
        let title = cut(title, room * 10 / (TITLE_SIZE as usize * 6));
        self.letters(&title, (MARGIN, 20), &letters(TITLE_SIZE, Hue::Ink, FontStyle::Bold))?;
        let note = cut(note, characters_in(room as i32));
        self.letters(&note, (MARGIN, 40), &letters(TEXT_SIZE, Hue::Faded, FontStyle::Normal))
    }

    /// A text instead of a drawing.
    pub(super) fn message(&mut self, text: &str) -> Drawn {
        self.text(text, (self.width / 2, self.height / 2), Anchor::Middle, Hue::Faded)
    }

    fn letters(&mut self, text: &str, at: (i32, i32), letters: &Letters) -> Drawn {
        self.backend.draw_text(&harmless(text), letters, at).map_err(|error| failed(&error))
    }

    pub(super) fn finish(mut self) -> Drawn {
        self.backend.present().map_err(|error| failed(&error))
    }
}

/// About as wide as a text of the usual size is, pixels.
pub(super) fn width_of(text: &str) -> i32 {
    text.chars().count().min(LABEL_LENGTH_MAX) as i32 * 7
}

/// About as many characters as fit a width.
pub(super) fn characters_in(width: i32) -> usize {
    (width / 7).max(1) as usize
}

/// A text of at most so many characters.
pub(super) fn cut(text: &str, length: usize) -> String {
    if text.chars().nth(length).is_none() {
        return text.to_owned();
    }
    text.chars().take(length.saturating_sub(1)).chain(['…']).collect()
}

/// A text without what XML does not allow (XML 1.0, section 2.2), nor what turns the direction of the rest.
fn harmless(text: &str) -> String {
    let is_allowed = |c: char| {
        !c.is_control()
            && !matches!(c, '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
            && !matches!(c, '\u{fffe}' | '\u{ffff}')
    };
    cut(text, LABEL_LENGTH_MAX)
        .chars()
        .map(|c| if is_allowed(c) { c } else { char::REPLACEMENT_CHARACTER })
        .collect()
}
