//! Lines over time, and over named places.

use alloc::string::String;
use alloc::vec::Vec;

use super::PlotError;
use super::canvas::{Anchor, Canvas, Hue, MARGIN, TEXT_SIZE, TOP, characters_in, cut, width_of};
use super::figure::{Across, Lines, Series};
use super::scale::{Scale, moments, numbers, short};

/// Height of a line of the legend.
const LEGEND_LINE: i32 = 20;
const LEGEND_WIDTH_MAX: i32 = 220;
/// Height kept free for the names below the axis.
const BELOW: i32 = 32;
/// Points up to which each has a dot.
const DOTS_MAX: usize = 40;

impl Lines {
    pub(super) fn draw(&self, canvas: &mut Canvas<'_>) -> Result<(), PlotError> {
        canvas.head(&self.title, &self.note)?;
        let bottom = canvas.height - MARGIN - BELOW;
        let points = || self.series.iter().flat_map(|series| series.pieces.iter().flatten());
        let (bounds, ticks) = numbers(points().map(|(_, y)| *y), ((bottom - TOP) / 48).max(2) as usize);
        let texts: Vec<_> = ticks.iter().map(|tick| short(*tick)).collect();
        let left = MARGIN + texts.iter().map(|text| width_of(text)).max().unwrap_or(0) + 8;
        let right = canvas.width - MARGIN - self.legend_width(canvas.width);
        let up = Scale::new(bounds, (bottom, TOP));
        for (tick, text) in ticks.iter().zip(&texts) {
            let y = up.pixel(*tick);
            let hue = if *tick == 0.0 { Hue::Faded } else { Hue::Grid };
            canvas.path([(left, y), (right, y)], hue, 1)?;
            canvas.text(text, (left - 8, y), Anchor::End, Hue::Faded)?;
        }
        let (across, marks) = self.across(left, right);
        for (at, text) in marks {
            canvas.path([(at, bottom), (at, bottom + 4)], Hue::Faded, 1)?;
            let half = width_of(&text) / 2;
            let middle = at.min(canvas.width - half - 2).max(half + 2);
            canvas.text(&text, (middle, bottom + 16), Anchor::Middle, Hue::Faded)?;
        }
        let has_dots = points().count() <= DOTS_MAX * self.series.len();
        for (place, series) in self.series.iter().enumerate().rev() {
            series.draw(canvas, &across, &up, Hue::Series(place), has_dots)?;
        }
        self.legend(canvas, right + 16)
    }

    /// The scale from left to right, and what stands below it.
    fn across(&self, left: i32, right: i32) -> (Scale, Vec<(i32, String)>) {
        match &self.across {
            Across::Time(from, to) => {
                // A single moment stands in the middle.
                let (from, to) = if from == to {
                    (from.saturating_sub(1_000_000), to.saturating_add(1_000_000))
                } else {
                    (*from, *to)
                };
                let scale = Scale::new((from as f64, to as f64), (left, right));
                let marks = moments(from, to, ((right - left) / 96).max(1) as usize);
                (scale, marks.into_iter().map(|(us, text)| (scale.pixel(us as f64), text)).collect())
            }
            Across::Names(names) => {
                let scale = Scale::new((-0.25, names.len() as f64 - 0.75), (left, right));
                let mark = |(place, name): (usize, &String)| (scale.pixel(place as f64), name.clone());
                (scale, names.iter().enumerate().map(mark).collect())
            }
        }
    }

    fn has_legend(&self) -> bool {
        self.series.len() > 1
            || self
                .series
                .iter()
                .any(|series| matches!(self.across, Across::Names(_)) && !series.name.is_empty())
    }

    fn legend_width(&self, width: i32) -> i32 {
        if !self.has_legend() {
            return 0;
        }
        let widest = self.series.iter().map(|series| width_of(&series.name)).max().unwrap_or(0);
        (widest + 40).min(LEGEND_WIDTH_MAX).min(width / 3)
    }

    fn legend(&self, canvas: &mut Canvas<'_>, left: i32) -> Result<(), PlotError> {
        if !self.has_legend() {
            return Ok(());
        }
        let room = characters_in(canvas.width - 4 - left - 18);
        for (place, series) in self.series.iter().enumerate() {
            let y = TOP + LEGEND_LINE * place as i32 + TEXT_SIZE as i32 / 2;
            if y > canvas.height - MARGIN {
                break;
            }
            canvas.path([(left, y), (left + 12, y)], Hue::Series(place), 3)?;
            canvas.text(&cut(&series.name, room), (left + 18, y), Anchor::Start, Hue::Ink)?;
        }
        Ok(())
    }
}

impl Series {
    fn draw(
        &self,
        canvas: &mut Canvas<'_>,
        across: &Scale,
        up: &Scale,
        hue: Hue,
        has_dots: bool,
    ) -> Result<(), PlotError> {
        for piece in &self.pieces {
            let pixels: Vec<_> = piece.iter().map(|(x, y)| (across.pixel(*x), up.pixel(*y))).collect();
            if pixels.len() > 1 {
                canvas.path(pixels.iter().copied(), hue, 2)?;
            }
            if has_dots || pixels.len() == 1 {
                for pixel in pixels {
                    canvas.dot(pixel, 3, hue)?;
                }
            }
        }
        Ok(())
    }
}
