//! How many values lie between which bounds: bars side by side, each as wide as the other.

use alloc::vec::Vec;

use super::PlotError;
use super::canvas::{Anchor, Canvas, Hue, MARGIN, TOP, width_of};
use super::figure::Histogram;
use super::scale::{Scale, numbers, short};

/// Height kept free for the bounds below the axis.
const BELOW: i32 = 32;

impl Histogram {
    pub(super) fn draw(&self, canvas: &mut Canvas<'_>) -> Result<(), PlotError> {
        canvas.head(&self.title, &self.note)?;
        let bottom = canvas.height - MARGIN - BELOW;
        let counts = self.bars.iter().map(|bar| bar.count as f64);
        let (bounds, ticks) = numbers(counts, ((bottom - TOP) / 48).max(2) as usize);
        let texts: Vec<_> = ticks.iter().map(|tick| short(*tick)).collect();
        let (left, right) =
            (MARGIN + texts.iter().map(|text| width_of(text)).max().unwrap_or(0) + 8, canvas.width - MARGIN);
        let up = Scale::new(bounds, (bottom, TOP));
        for (tick, text) in ticks.iter().zip(&texts) {
            canvas.path([(left, up.pixel(*tick)), (right, up.pixel(*tick))], Hue::Grid, 1)?;
            canvas.text(text, (left - 8, up.pixel(*tick)), Anchor::End, Hue::Faded)?;
        }
        let across = Scale::new((0.0, self.bars.len() as f64), (left, right));
        let place = |place: usize| across.pixel(place as f64);
        for (at, bar) in self.bars.iter().enumerate().filter(|(_, bar)| bar.count > 0) {
            // However few there are, the bar is seen.
            let top = up.pixel(bar.count as f64).min(bottom - 1);
            let (from, to) = (place(at) + 1, place(at + 1).max(place(at) + 2));
            canvas.area((from, top), (to, bottom), Hue::Series(0))?;
        }
        canvas.path([(left, bottom), (right, bottom)], Hue::Faded, 1)?;
        let bounds = self.bars.iter().map(|bar| bar.lower).chain(self.bars.last().map(|bar| bar.upper));
        let mut free_from = 0;
        for (at, bound) in bounds.enumerate() {
            let text = short(bound.to_f64());
            let (middle, half) = (place(at), width_of(&text) / 2);
            if middle - half >= free_from {
                canvas.path([(middle, bottom), (middle, bottom + 4)], Hue::Faded, 1)?;
                canvas.text(
                    &text,
                    (middle.min(canvas.width - half - 2), bottom + 16),
                    Anchor::Middle,
                    Hue::Faded,
                )?;
                free_from = middle + half + 12;
            }
        }
        Ok(())
    }
}
