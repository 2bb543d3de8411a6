//! Reports as a notebook shows them.

use std::fmt::Write;

use lockgate_analytics::Datum;

use super::Report;

/// Rows that a notebook shows.
const SHOWN_ROWS: usize = 100;

/// The first rows as a table of HTML, and what is left out or could not be read.
pub(super) fn written(report: &Report) -> String {
    let (first, left_out) = report.shown(SHOWN_ROWS);
    let mut html = String::from("<table><thead><tr>");
    for column in &first.columns {
        push(&mut html, format_args!("<th>{}</th>", escaped(&column.name)));
    }
    html.push_str("</tr></thead><tbody>");
    for row in &first.rows {
        html.push_str("<tr>");
        row.iter().for_each(|datum| cell(datum, &mut html));
        html.push_str("</tr>");
    }
    html.push_str("</tbody></table>");
    if left_out > 0 {
        push(&mut html, format_args!("<p>… and {left_out} more rows</p>"));
    }
    let (malformed, lines) = (report.counts.malformed, report.counts.lines);
    if malformed > 0 {
        push(&mut html, format_args!("<p>{malformed} of {lines} lines could not be read</p>"));
    }
    html
}

fn cell(datum: &Datum, html: &mut String) {
    let mut text = Vec::new();
    datum.write_text(&mut text);
    let side = if matches!(datum, Datum::Number(_)) { "right" } else { "left" };
    let text = escaped(&String::from_utf8_lossy(&text));
    push(html, format_args!("<td style=\"text-align: {side}\">{text}</td>"));
}

/// A text that says nothing to a browser.
fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            _ => out.push(c),
        }
    }
    out
}

fn push(html: &mut String, what: std::fmt::Arguments<'_>) {
    // Writing to memory cannot fail.
    let _ = html.write_fmt(what);
}
