//! The run as pictures: CPU per request, latency, idle memory.

use std::path::Path;

use anyhow::Context;
use plotters::coord::ranged1d::{Ranged, ValueFormatter};
use plotters::prelude::*;

use super::statistics::median;
use super::table::latencies;
use crate::measure::peer::Peer;
use crate::measure::record::{IdleSample, Run};
use crate::measure::scenario::Scenario;

const SIZE: (u32, u32) = (960, 480);
pub(crate) const USER: RGBColor = RGBColor(31, 119, 180);
pub(crate) const SYSTEM: RGBColor = RGBColor(174, 199, 232);
pub(crate) const TAIL: RGBColor = RGBColor(214, 98, 60);

/// One bar of segments, stacked from the left end of its row.
pub(crate) struct Row {
    pub(crate) name: String,
    pub(crate) segments: Vec<(f64, RGBColor)>,
}

/// Writes cpu.svg, latency.svg and idle.svg, each where there are figures for it.
pub(crate) fn write(run: &Run, directory: &Path) -> anyhow::Result<()> {
    let plots = [
        ("cpu.svg", "CPU µs per small request", cpu_rows(run), vec![("user", USER), ("system", SYSTEM)]),
        (
            "latency.svg",
            "Latency at half of the slower one's maximum, µs",
            latency_rows(run),
            vec![("p50", USER), ("up to p99", SYSTEM), ("up to p99.9", TAIL)],
        ),
        ("idle.svg", "Private bytes per idle keep-alive connection", idle_rows(run), vec![("private", USER)]),
    ];
    for (file, title, rows, legend) in plots {
        if !rows.is_empty() {
            bars(&directory.join(file), title, &rows, &legend).with_context(|| format!("drawing {file}"))?;
        }
    }
    Ok(())
}

fn cpu_rows(run: &Run) -> Vec<Row> {
    let row = |peer: Peer| {
        let all: Vec<f64> =
            run.by_round(peer, Scenario::Small, |sample| sample.cpu_us).into_values().collect();
        let user: Vec<f64> =
            run.by_round(peer, Scenario::Small, |sample| sample.user_us).into_values().collect();
        let (all, user) = (median(&all)?, median(&user)?);
        Some(Row {
            name: format!("{peer}: {all:.1}"),
            segments: vec![(user, USER), ((all - user).max(0.0), SYSTEM)],
        })
    };
    run.peers().filter_map(row).collect()
}

fn latency_rows(run: &Run) -> Vec<Row> {
    let Some(subject) = run.subject() else { return Vec::new() };
    let row = |peer: Peer, other: Peer| {
        let middle = |value: fn(&crate::load::LoadReport) -> u64| {
            median(&latencies(run, peer, other).map(|sample| value(&sample.load) as f64).collect::<Vec<_>>())
        };
        let (p50, p99, p999) =
            (middle(|load| load.p50_us)?, middle(|load| load.p99_us)?, middle(|load| load.p999_us)?);
        let name = if peer == other {
            format!("{peer}: {p999:.0}")
        } else {
            format!("{peer} at that rate: {p999:.0}")
        };
        let segments = vec![(p50, USER), ((p99 - p50).max(0.0), SYSTEM), ((p999 - p99).max(0.0), TAIL)];
        Some(Row { name, segments })
    };
    let others = run.peers().filter(|peer| *peer != subject);
    others.flat_map(|other| [row(other, other), row(subject, other)]).flatten().collect()
}

fn idle_rows(run: &Run) -> Vec<Row> {
    let row = |peer: Peer| {
        let own = run.idle.iter().filter(|sample| sample.peer == peer);
        let bytes = median(&own.map(IdleSample::private_bytes_each).collect::<Vec<_>>())?;
        Some(Row { name: format!("{peer}: {bytes:.0}"), segments: vec![(bytes.max(0.0), USER)] })
    };
    run.peers().filter_map(row).collect()
}

/// Draws rows of stacked segments, each color explained.
pub(crate) fn bars(
    path: &Path,
    title: &str,
    rows: &[Row],
    legend: &[(&str, RGBColor)],
) -> anyhow::Result<()> {
    let canvas = SVGBackend::new(path, SIZE).into_drawing_area();
    canvas.fill(&WHITE)?;
    let end = axis_end(rows);
    let mut chart = ChartBuilder::on(&canvas)
        .caption(title, ("sans-serif", 20))
        .margin(12)
        .x_label_area_size(32)
        .y_label_area_size(190)
        .build_cartesian_2d(0.0..end, Rows(rows.len()))?;
    chart
        .configure_mesh()
        .disable_y_mesh()
        .max_light_lines(0)
        .y_labels(rows.len())
        .y_label_formatter(&|at| rows.get(*at / 2).map(|row| row.name.clone()).unwrap_or_default())
        .draw()?;
    for (place, (name, color)) in legend.iter().enumerate() {
        let boxes = rows.iter().enumerate().filter_map(|(index, row)| {
            let start: f64 =
                row.segments[..place.min(row.segments.len())].iter().map(|segment| segment.0).sum();
            let (width, color) = row.segments.get(place)?;
            let mut bar = Rectangle::new(
                [(start.min(end), 2 * index), ((start + width).min(end), 2 * index + 2)],
                color.filled(),
            );
            bar.set_margin(3, 3, 0, 0);
            Some(bar)
        });
        let color = *color;
        chart
            .draw_series(boxes)?
            .label(*name)
            .legend(move |(x, y)| Rectangle::new([(x, y - 5), (x + 10, y + 5)], color.filled()));
    }
    chart.configure_series_labels().background_style(WHITE.mix(0.8)).border_style(BLACK.mix(0.3)).draw()?;
    canvas.present()?;
    Ok(())
}

/// Room for all bars but one: a single peer of many times the others would leave them without a visible bar, so it is cut, and
/// its name says its length.
fn axis_end(rows: &[Row]) -> f64 {
    let mut lengths: Vec<f64> =
        rows.iter().map(|row| row.segments.iter().map(|segment| segment.0).sum()).collect();
    lengths.sort_by(|one, other| other.total_cmp(one));
    let longest = lengths.first().copied().unwrap_or(0.0);
    let second = lengths.get(1).copied().unwrap_or(longest);
    longest.min(second * 2.0).max(1.0) * 1.05
}

/// Rows from top to bottom, in halves: row 0 is from 0 to 2, and its label stands at 1.
struct Rows(usize);

impl Ranged for Rows {
    type FormatOption = plotters::coord::ranged1d::NoDefaultFormatting;
    type ValueType = usize;

    fn map(&self, value: &usize, limit: (i32, i32)) -> i32 {
        // The second limit is the top on an axis that grows upwards.
        let share = *value as f64 / (2 * self.0.max(1)) as f64;
        limit.1 + (f64::from(limit.0 - limit.1) * share).round() as i32
    }

    fn key_points<Hint: plotters::coord::ranged1d::KeyPointHint>(&self, _hint: Hint) -> Vec<usize> {
        (0..self.0).map(|row| 2 * row + 1).collect()
    }

    fn range(&self) -> std::ops::Range<usize> {
        0..2 * self.0
    }
}

impl ValueFormatter<usize> for Rows {
    fn format(value: &usize) -> String {
        value.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::super::table::tests::made_up_run;
    use super::*;

    #[test]
    fn each_plot_names_its_peers() {
        let directory = tempfile::tempdir().unwrap();
        write(&made_up_run(), directory.path()).unwrap();
        for file in ["cpu.svg", "latency.svg", "idle.svg"] {
            let text = std::fs::read_to_string(directory.path().join(file)).unwrap();
            assert!(
                text.contains("Lockgate") && text.contains("NGINX") && text.contains("<rect"),
                "{file}: {text}"
            );
        }
    }

    #[test]
    fn one_long_bar_does_not_hide_the_others() {
        let row = |length| Row { name: String::new(), segments: vec![(length, USER)] };
        assert_eq!(axis_end(&[row(10.0), row(1000.0), row(8.0)]), 21.0);
        assert_eq!(axis_end(&[row(10.0), row(15.0)]), 15.75);
    }

    #[test]
    fn without_figures_nothing_is_drawn() {
        let directory = tempfile::tempdir().unwrap();
        let mut run = made_up_run();
        (run.samples, run.idle, run.latencies) = (Vec::new(), Vec::new(), Vec::new());
        write(&run, directory.path()).unwrap();
        assert_eq!(std::fs::read_dir(directory.path()).unwrap().count(), 0);
    }
}
