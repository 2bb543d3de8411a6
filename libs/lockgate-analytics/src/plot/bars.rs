//! A bar for each name, one below the other.

use super::PlotError;
use super::canvas::{Anchor, Canvas, Hue, MARGIN, TOP, characters_in, cut, width_of};
use super::figure::Bars;
use super::scale::{Scale, numbers, short};

/// Height of a bar with the space below it.
const PITCH_MIN: i32 = 16;
const PITCH_MAX: i32 = 36;

impl Bars {
    pub(super) fn draw(&self, canvas: &mut Canvas<'_>) -> Result<(), PlotError> {
        let height = canvas.height - TOP - MARGIN;
        let count = self.bars.len().min((height / PITCH_MIN).max(1) as usize);
        let bars = &self.bars[..count];
        let left_out = self.left_out + self.bars.len() - count;
        let note = if left_out > 0 {
            alloc::format!("the {count} greatest; {left_out} others are not drawn")
        } else {
            alloc::string::String::new()
        };
        canvas.head(&self.title, &note)?;
        let widest = |widths: &mut dyn Iterator<Item = i32>| widths.max().unwrap_or(0);
        let names_width = widest(&mut bars.iter().map(|(name, _)| width_of(name))).min(canvas.width / 3);
        let values_width = widest(&mut bars.iter().map(|(_, value)| width_of(&short(*value))));
        let (left, right) = (MARGIN + names_width + 8, canvas.width - MARGIN - values_width - 8);
        let values = bars.iter().map(|(_, value)| *value);
        let (least, greatest) = values
            .clone()
            .fold((0.0_f64, 0.0_f64), |(least, greatest), value| (least.min(value), greatest.max(value)));
        // Bars need no round end; without any value everything is at zero.
        let bounds = if greatest > least { (least, greatest) } else { numbers(values, 1).0 };
        let across = Scale::new(bounds, (left, right.max(left + 1)));
        let pitch = (height / count.max(1) as i32).clamp(PITCH_MIN, PITCH_MAX);
        for (place, (name, value)) in bars.iter().enumerate() {
            let middle = TOP + pitch * place as i32 + pitch / 2;
            let half = pitch * 3 / 8;
            let (zero, end) = (across.pixel(0.0), across.pixel(*value));
            canvas.text(&cut(name, characters_in(names_width)), (left - 8, middle), Anchor::End, Hue::Ink)?;
            canvas.area(
                (zero.min(end), middle - half),
                (zero.max(end).max(zero.min(end) + 1), middle + half),
                Hue::Series(0),
            )?;
            canvas.text(&short(*value), (zero.max(end) + 6, middle), Anchor::Start, Hue::Faded)?;
        }
        let zero = across.pixel(0.0);
        canvas.path([(zero, TOP), (zero, TOP + pitch * count as i32)], Hue::Faded, 1)
    }
}
