//! Reports as tables for people.

use alloc::string::String;
use alloc::vec::Vec;
use core::fmt::{self, Write};

use crate::report::Role;
use crate::{Bar, Datum, Number, Report};

/// Space between two columns.
const GAP: usize = 2;
/// Width of the bars beside the first measure.
const BAR_WIDTH: usize = 12;
/// Width below which texts are not cut.
const TEXT_WIDTH_MIN: usize = 12;
/// From one to eight eighths of a character's width.
const ACROSS: [char; 8] = ['▏', '▎', '▍', '▌', '▋', '▊', '▉', '█'];
/// From one to eight eighths of a character's height.
const UPRIGHT: [char; 8] = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];

/// How a table looks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct TableStyle {
    /// Characters on a line: longer texts are cut, then bars left out. `None` cuts nothing.
    pub width: Option<usize>,
    /// Colors as terminals understand them (ECMA-48).
    pub color: bool,
    /// A bar for each row, beside its first measure.
    pub bars: bool,
}

/// Appends a table: the names of the columns, and a line for each row. Points of numbers stand below each other; `-` stands for null. What
/// could steer a terminal is escaped.
pub fn write_table(report: &Report, style: &TableStyle, out: &mut Vec<u8>) {
    let mut columns: Vec<_> = (0..report.columns.len()).map(|at| Column::fit(report, at)).collect();
    let mut bars = if style.bars { Bars::of(report, &columns) } else { None };
    if let Some(width) = style.width {
        let bar_width = if bars.is_some() { GAP + BAR_WIDTH } else { 0 };
        narrow(&mut columns, width.saturating_sub(bar_width));
        bars = bars.filter(|_| line_width(&columns) + bar_width <= width);
    }
    let mut line = Line { text: String::new(), cell: String::new() };
    line.header(report, &columns, bars.as_ref(), style);
    line.end(out);
    for row in &report.rows {
        for (at, (datum, column)) in row.iter().zip(&columns).enumerate() {
            line.cell.clear();
            show(datum, &mut line.cell);
            line.push(column, if column.is_number { column.align } else { Align::Left });
            if let Some(bars) = bars.as_ref().filter(|bars| bars.at == at) {
                line.bar(bars.eighths(datum), style);
            }
        }
        line.end(out);
    }
}

#[derive(Clone, Copy)]
enum Align {
    Left,
    Right,
    /// Points below each other: so many characters are kept free for the longest fraction.
    Point(usize),
}

struct Column {
    is_number: bool,
    align: Align,
    width: usize,
}

impl Column {
    /// As wide as its widest cell.
    fn fit(report: &Report, at: usize) -> Self {
        let data = report.rows.iter().filter_map(|row| row.get(at));
        let is_number = data.clone().all(|datum| matches!(datum, Datum::Null | Datum::Number(_)));
        let (mut whole, mut fraction, mut cell) = (0, 0, String::new());
        for datum in data {
            cell.clear();
            show(datum, &mut cell);
            let own = if is_number { fraction_width(&cell) } else { 0 };
            whole = whole.max(width(&cell) - own);
            fraction = fraction.max(own);
        }
        let mut name = String::new();
        push_harmless(&report.columns[at].name, &mut name);
        Self { is_number, align: Align::Point(fraction), width: width(&name).max(whole + fraction) }
    }
}

fn line_width(columns: &[Column]) -> usize {
    columns.iter().map(|column| column.width).sum::<usize>() + columns.len().saturating_sub(1) * GAP
}

/// Cuts the widest texts until the line fits, or there are no more.
fn narrow(columns: &mut [Column], width: usize) {
    let mut surplus = line_width(columns).saturating_sub(width);
    while surplus > 0 {
        let texts = || columns.iter().filter(|column| !column.is_number);
        let widest = texts().map(|column| column.width).max().unwrap_or(0);
        if widest <= TEXT_WIDTH_MIN {
            return;
        }
        let next = texts().map(|column| column.width).filter(|width| *width < widest).max().unwrap_or(0);
        let of_widest = texts().filter(|column| column.width == widest).count();
        let step = (widest - next.max(TEXT_WIDTH_MIN)).min(surplus.div_ceil(of_widest));
        for column in columns.iter_mut().filter(|column| !column.is_number && column.width == widest) {
            column.width -= step;
            surplus = surplus.saturating_sub(step);
        }
    }
}

/// The bars beside the first measure.
struct Bars {
    at: usize,
    greatest: Number,
}

impl Bars {
    /// None where they would say nothing.
    fn of(report: &Report, columns: &[Column]) -> Option<Self> {
        let at = report.columns.iter().position(|column| column.role == Role::Measure)?;
        let numbers = report.rows.iter().filter_map(|row| match row.get(at) {
            Some(Datum::Number(number)) => Some(*number),
            _ => None,
        });
        let greatest = numbers.max().filter(|greatest| *greatest > Number::ZERO)?;
        (columns[at].is_number && report.rows.len() > 1).then_some(Self { at, greatest })
    }

    fn eighths(&self, datum: &Datum) -> usize {
        match datum {
            Datum::Number(number) if *number > Number::ZERO => {
                eighths(number.to_f64() / self.greatest.to_f64() * BAR_WIDTH as f64)
            }
            _ => 0,
        }
    }
}

/// At least one for what is more than nothing.
fn eighths(share: f64) -> usize {
    ((share * 8.0 + 0.5) as usize).max(1)
}

/// A line that is being written.
struct Line {
    text: String,
    cell: String,
}

impl Line {
    fn header(&mut self, report: &Report, columns: &[Column], bars: Option<&Bars>, style: &TableStyle) {
        if style.color {
            self.text.push_str("\x1b[1m");
        }
        for (at, (named, column)) in report.columns.iter().zip(columns).enumerate() {
            self.cell.clear();
            push_harmless(&named.name, &mut self.cell);
            self.push(column, if column.is_number { Align::Right } else { Align::Left });
            if bars.is_some_and(|bars| bars.at == at) {
                self.space(BAR_WIDTH + GAP);
            }
        }
        if style.color {
            self.trim();
            self.text.push_str("\x1b[0m");
        }
    }

    /// Appends the cell, as wide as its column.
    fn push(&mut self, column: &Column, align: Align) {
        let own = width(&self.cell);
        let free = column.width.saturating_sub(own);
        let after = match align {
            Align::Left => free,
            Align::Right => 0,
            Align::Point(fraction) => fraction.saturating_sub(fraction_width(&self.cell)),
        };
        self.space(free.saturating_sub(after));
        if own > column.width {
            self.text.extend(self.cell.chars().take(column.width.saturating_sub(1)));
            self.text.push('…');
        } else {
            self.text.push_str(&self.cell);
        }
        self.space(after + GAP);
    }

    fn bar(&mut self, eighths: usize, style: &TableStyle) {
        let (on, off) = if style.color { ("\x1b[36m", "\x1b[0m") } else { ("", "") };
        self.text.push_str(on);
        self.text.extend(core::iter::repeat_n('█', eighths / 8));
        self.text.extend((eighths % 8).checked_sub(1).map(|rest| ACROSS[rest]));
        self.text.push_str(off);
        self.space((BAR_WIDTH - eighths.div_ceil(8).min(BAR_WIDTH)) + GAP);
    }

    fn space(&mut self, count: usize) {
        self.text.extend(core::iter::repeat_n(' ', count));
    }

    fn trim(&mut self) {
        self.text.truncate(self.text.trim_end_matches(' ').len());
    }

    fn end(&mut self, out: &mut Vec<u8>) {
        self.trim();
        out.extend_from_slice(self.text.as_bytes());
        out.push(b'\n');
        self.text.clear();
    }
}

fn width(text: &str) -> usize {
    text.chars().count()
}

/// Width of a decimal's fraction with its point.
fn fraction_width(decimal: &str) -> usize {
    decimal.find('.').map_or(0, |point| decimal.len() - point)
}

/// Appends a datum as a person reads it.
fn show(datum: &Datum, out: &mut String) {
    match datum {
        Datum::Null => out.push('-'),
        Datum::Text(text) => push_harmless(text, out),
        Datum::Bars(bars) => show_bars(bars, out),
        Datum::Top(values) => {
            for (place, (value, count)) in values.iter().enumerate() {
                out.push_str(if place > 0 { ", " } else { "" });
                show(value, out);
                push_formatted(out, format_args!(" ({count})"));
            }
        }
        Datum::Bool(_) | Datum::Number(_) | Datum::Time(_) => {
            let mut text = Vec::with_capacity(32);
            datum.write_text(&mut text);
            let text = String::from_utf8_lossy(&text);
            match (datum, text.strip_suffix(".000000Z")) {
                (Datum::Time(_), Some(seconds)) => out.extend([seconds, "Z"]),
                _ => out.push_str(&text),
            }
        }
    }
}

/// A bar for each, between the least and the greatest bound.
fn show_bars(bars: &[Bar], out: &mut String) {
    let (Some(first), Some(last)) = (bars.first(), bars.last()) else { return out.push('-') };
    push_formatted(out, format_args!("{} ", first.lower));
    let most = bars.iter().map(|bar| bar.count).max().unwrap_or(0);
    out.extend(bars.iter().map(|bar| match bar.count {
        0 => ' ',
        count => UPRIGHT[eighths(count as f64 / most as f64).min(8) - 1],
    }));
    push_formatted(out, format_args!(" {}", last.upper));
}

fn push_formatted(out: &mut String, text: fmt::Arguments<'_>) {
    // Writing to memory cannot fail.
    let _ = out.write_fmt(text);
}

/// Appends a text that cannot steer a terminal, nor turn the direction of what stands behind it.
fn push_harmless(text: &str, out: &mut String) {
    for c in text.chars() {
        let is_steering = c.is_control()
            || matches!(c, '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
        if is_steering {
            out.extend(c.escape_default());
        } else {
            out.push(c);
        }
    }
}

#[cfg(test)]
mod tests;
