//! What of a report is drawn, and how.

use alloc::borrow::ToOwned;
use alloc::collections::{BTreeMap, BTreeSet};
use alloc::format;
use alloc::string::String;
use alloc::vec;
use alloc::vec::Vec;

use super::canvas::SERIES_MAX;
use crate::report::Role;
use crate::{Bar, Datum, Function, Report};

/// Most bars beside each other.
const BARS_MAX: usize = 30;
/// Quantiles from which on they make a curve.
const CURVE_MIN: usize = 3;

pub(super) enum Figure {
    Nothing(&'static str),
    Lines(Lines),
    Bars(Bars),
    Histogram(Histogram),
}

/// Lines over time, or over a few named places.
pub(super) struct Lines {
    pub(super) title: String,
    pub(super) note: String,
    pub(super) across: Across,
    pub(super) series: Vec<Series>,
}

pub(super) enum Across {
    /// First and last moment, microseconds since 1970.
    Time(u64, u64),
    /// Names of the places 0, 1, …
    Names(Vec<String>),
}

pub(super) struct Series {
    pub(super) name: String,
    /// Pieces of the line, where it is broken.
    pub(super) pieces: Vec<Vec<(f64, f64)>>,
}

/// A bar for each name.
pub(super) struct Bars {
    pub(super) title: String,
    pub(super) left_out: usize,
    pub(super) bars: Vec<(String, f64)>,
}

pub(super) struct Histogram {
    pub(super) title: String,
    pub(super) note: String,
    pub(super) bars: Vec<Bar>,
}

impl Figure {
    pub(super) fn of(report: &Report) -> Self {
        View::new(report).figure()
    }
}

/// A report by the roles of its columns.
struct View<'r> {
    report: &'r Report,
    time: Option<usize>,
    groups: Vec<usize>,
    measures: Vec<usize>,
}

impl<'r> View<'r> {
    fn new(report: &'r Report) -> Self {
        let of = |role| {
            let columns = report.columns.iter().enumerate();
            columns.filter(move |(_, column)| column.role == role).map(|(at, _)| at)
        };
        Self {
            report,
            time: of(Role::Time).next(),
            groups: of(Role::Group).collect(),
            measures: of(Role::Measure).collect(),
        }
    }

    fn figure(&self) -> Figure {
        if self.report.rows.is_empty() {
            return Figure::Nothing("no rows");
        }
        let number = self.measures.iter().copied().find(|at| self.has_numbers(*at));
        if let Some(time) = self.time {
            return match number {
                Some(measure) => self.over_time(time, measure),
                None => Figure::Nothing("no numbers to draw over time"),
            };
        }
        if let Some(histogram) = self.histogram() {
            return Figure::Histogram(histogram);
        }
        let quantiles = self.quantiles();
        if quantiles.len() >= CURVE_MIN {
            return Figure::Lines(self.curve(&quantiles));
        }
        let first = self.measures.first().map(|at| (*at, &self.report.rows[..]));
        match (first, number) {
            (Some((at, [row])), _) if matches!(row.get(at), Some(Datum::Top(_))) => self.top(at, row),
            (_, Some(at)) => Figure::Bars(self.bars(at)),
            _ => Figure::Nothing("nothing to draw: measure something, such as count"),
        }
    }

    fn has_numbers(&self, at: usize) -> bool {
        self.report.rows.iter().any(|row| matches!(row.get(at), Some(Datum::Number(_))))
    }

    fn name(&self, at: usize) -> &'r str {
        &self.report.columns[at].name
    }

    /// What is measured, by what.
    fn title(&self, measure: &str) -> String {
        let groups: Vec<_> = self.groups.iter().map(|at| self.name(*at)).collect();
        if groups.is_empty() { measure.to_owned() } else { format!("{measure} by {}", groups.join(", ")) }
    }

    /// The name of a row's group.
    fn group(&self, row: &[Datum]) -> String {
        let names: Vec<_> = self.groups.iter().filter_map(|at| row.get(*at)).map(name_of).collect();
        names.join(" · ")
    }

    fn bars(&self, at: usize) -> Bars {
        if self.groups.is_empty() {
            let row = &self.report.rows[0];
            let bar = |at: usize| Some((self.name(at).to_owned(), number_of(row.get(at))?));
            let bars = self.alike(at).into_iter().filter_map(bar).collect();
            return Bars { title: self.name(at).to_owned(), left_out: 0, bars };
        }
        let numbers = self.report.rows.iter().filter_map(|row| Some((row, number_of(row.get(at))?)));
        let mut bars: Vec<_> = numbers.collect();
        // Stable: of equal ones the first row stays first.
        bars.sort_by(|(_, a), (_, b)| b.total_cmp(a));
        let left_out = bars.len().saturating_sub(BARS_MAX);
        bars.truncate(BARS_MAX);
        let bars = bars.into_iter().map(|(row, number)| (self.group(row), number)).collect();
        Bars { title: self.title(self.name(at)), left_out, bars }
    }

    fn top(&self, at: usize, row: &[Datum]) -> Figure {
        let Some(Datum::Top(values)) = row.get(at) else { return Figure::Nothing("no values") };
        let left_out = values.len().saturating_sub(BARS_MAX);
        let bars =
            values.iter().take(BARS_MAX).map(|(value, count)| (name_of(value), *count as f64)).collect();
        Figure::Bars(Bars { title: self.title(self.name(at)), left_out, bars })
    }

    /// The first histogram of the first row that has one.
    fn histogram(&self) -> Option<Histogram> {
        self.report.rows.iter().find_map(|row| {
            let (at, bars) = self.measures.iter().find_map(|at| match row.get(*at) {
                Some(Datum::Bars(bars)) if !bars.is_empty() => Some((*at, bars)),
                _ => None,
            })?;
            let others = self.report.rows.len() - 1;
            let group = self.group(row);
            let note = match (group.as_str(), others) {
                ("", 0) => String::new(),
                (group, 0) => group.to_owned(),
                (group, others) => format!("{group}; {others} other groups are not drawn"),
            };
            Some(Histogram { title: self.name(at).to_owned(), note, bars: bars.clone() })
        })
    }

    /// The columns of quantiles of one field, ascending.
    fn quantiles(&self) -> Vec<(u32, usize)> {
        let mut by_field = BTreeMap::<_, Vec<_>>::new();
        for at in &self.measures {
            if let Some(measure) = &self.report.columns[*at].measure
                && let Function::Quantile(millionths) = measure.function
            {
                by_field.entry(measure.field.as_deref()).or_default().push((millionths, *at));
            }
        }
        let mut quantiles = by_field.into_values().max_by_key(Vec::len).unwrap_or_default();
        quantiles.sort_unstable();
        quantiles
    }

    fn curve(&self, quantiles: &[(u32, usize)]) -> Lines {
        let field =
            self.report.columns[quantiles[0].1].measure.as_ref().and_then(|measure| measure.field.clone());
        let series = self.report.rows.iter().take(SERIES_MAX).map(|row| {
            let point =
                |(place, (_, at)): (usize, &(u32, usize))| Some((place as f64, number_of(row.get(*at))?));
            Series {
                name: self.group(row),
                pieces: vec![quantiles.iter().enumerate().filter_map(point).collect()],
            }
        });
        let name = |(millionths, _): &(u32, usize)| format!("{}", Function::Quantile(*millionths));
        Lines {
            title: self.title(&format!("quantiles of {}", field.unwrap_or_default())),
            note: left_out(self.report.rows.len().saturating_sub(SERIES_MAX)),
            across: Across::Names(quantiles.iter().map(name).collect()),
            series: series.collect(),
        }
    }

    /// The measures that may share an axis with one: single values of the same field.
    fn alike(&self, first: usize) -> Vec<usize> {
        let value_of = |at: usize| {
            let measure = self.report.columns[at].measure.as_ref()?;
            let is_value = matches!(
                measure.function,
                Function::Min | Function::Max | Function::Mean | Function::Quantile(_)
            );
            is_value.then_some(measure.field.as_deref())
        };
        let own = value_of(first);
        let is_alike = |at: &usize| *at == first || (own.is_some() && value_of(*at) == own);
        self.measures.iter().copied().filter(is_alike).collect()
    }

    fn over_time(&self, time: usize, measure: usize) -> Figure {
        let moment = |row: &Vec<Datum>| match row.get(time) {
            Some(Datum::Time(us)) => Some(*us),
            _ => None,
        };
        let times: BTreeSet<u64> = self.report.rows.iter().filter_map(moment).collect();
        let (Some(first), Some(last)) = (times.first(), times.last()) else {
            return Figure::Nothing("no moments");
        };
        let function = self.report.columns[measure].measure.as_ref().map(|measure| measure.function);
        let is_sum = matches!(function, Some(Function::Count | Function::Sum));
        let mut lines = BTreeMap::<(String, usize), BTreeMap<u64, f64>>::new();
        let alike = if self.groups.is_empty() { self.alike(measure) } else { vec![measure] };
        for row in &self.report.rows {
            for at in &alike {
                if let (Some(us), Some(number)) = (moment(row), number_of(row.get(*at))) {
                    let name =
                        if self.groups.is_empty() { self.name(*at).to_owned() } else { self.group(row) };
                    lines.entry((name, *at)).or_default().insert(us, number);
                }
            }
        }
        let mut lines: Vec<_> = lines.into_iter().collect();
        if self.groups.is_empty() {
            lines.sort_by_key(|((_, at), _)| *at);
        } else {
            let total = |points: &BTreeMap<u64, f64>| points.values().sum::<f64>();
            lines.sort_by(|(_, a), (_, b)| total(b).total_cmp(&total(a)));
        }
        let left = lines.len().saturating_sub(SERIES_MAX);
        lines.truncate(SERIES_MAX);
        let grid = if is_sum { grid(&times) } else { times.iter().copied().collect() };
        let series = lines
            .into_iter()
            .map(|((name, _), points)| Series { name, pieces: pieces(&grid, &points, is_sum) });
        let own = self.report.columns[measure].measure.as_ref();
        let shared = own.and_then(|own| own.field.as_deref()).filter(|_| alike.len() > 1);
        let days = super::scale::days(*first, *last);
        Figure::Lines(Lines {
            title: self.title(shared.unwrap_or_else(|| self.name(measure))),
            note: [days, left_out(left)]
                .into_iter()
                .filter(|part| !part.is_empty())
                .collect::<Vec<_>>()
                .join("; "),
            across: Across::Time(*first, *last),
            series: series.collect(),
        })
    }
}

/// The moments of all buckets, and the first and last of each gap between them, where nothing happened.
fn grid(times: &BTreeSet<u64>) -> Vec<u64> {
    let pairs = || times.iter().zip(times.iter().skip(1));
    let step = pairs().map(|(a, b)| b - a).min().unwrap_or(0);
    let mut grid = times.clone();
    for (a, b) in pairs().filter(|(a, b)| *b - *a > step) {
        grid.extend([a + step, b - step]);
    }
    grid.into_iter().collect()
}

/// The points of a line: where nothing was seen, nothing was counted, but of other values nothing is known.
fn pieces(grid: &[u64], points: &BTreeMap<u64, f64>, is_sum: bool) -> Vec<Vec<(f64, f64)>> {
    let mut pieces = vec![Vec::new()];
    for us in grid {
        let number = points.get(us).copied().or(is_sum.then_some(0.0));
        match (number, pieces.last_mut()) {
            (Some(number), Some(piece)) => piece.push((*us as f64, number)),
            (None, Some(piece)) if !piece.is_empty() => pieces.push(Vec::new()),
            _ => {}
        }
    }
    pieces.retain(|piece| !piece.is_empty());
    pieces
}

fn left_out(count: usize) -> String {
    match count {
        0 => String::new(),
        1 => "1 smaller group is not drawn".to_owned(),
        count => format!("{count} smaller groups are not drawn"),
    }
}

fn number_of(datum: Option<&Datum>) -> Option<f64> {
    match datum {
        Some(Datum::Number(number)) => Some(number.to_f64()),
        _ => None,
    }
}

fn name_of(datum: &Datum) -> String {
    if *datum == Datum::Null {
        return "–".to_owned();
    }
    let mut text = Vec::new();
    datum.write_text(&mut text);
    String::from_utf8_lossy(&text).into_owned()
}
