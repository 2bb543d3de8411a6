//! The reference page of the metrics, made from their definitions.

use std::fmt::Write;

use super::families::ALL;
use super::histogram::BOUNDS;
use crate::limits::{METRIC_ENDPOINTS, METRIC_FUNCTIONS, METRIC_REASONS, METRIC_ROUTES};

/// Writes the page `docs/reference/metrics.md`.
pub fn metrics_reference() -> String {
    let mut page = introduction();
    for family in ALL {
        let labels: Vec<String> = family.labels.iter().map(|label| format!("`{label}`")).collect();
        let labels = if labels.is_empty() { "–".to_owned() } else { labels.join(", ") };
        // Writing to a String cannot fail.
        let _ =
            writeln!(page, "| `{}` | {} | {labels} | {} |", family.name, family.kind.as_str(), family.help);
    }
    page
}

fn introduction() -> String {
    let bounds: Vec<&str> = BOUNDS.iter().map(|(_, le)| *le).collect();
    format!(
        "<!-- Generated from crates/control/src/metrics/families.rs: UPDATE=1 cargo test -p control -->

# Metrics

`GET /metrics` on the admin address answers in the Prometheus text format 0.0.4. It asks for the admin token or the
read-only token (`<data.dir>/read-token`) as `Authorization: Bearer …`.

Everything of exchanges is counted from the journal, so it agrees with `lockgate tail`. Counters never fall: what a
`cut` record takes back has counters of its own, and the exact figure is the difference. Those of a function begin anew
when it is loaded again.

What functions ask on the way (records with a `parent`) is counted in `lockgate_function_requests_total` alone: the
client's request counts once, whatever it set off.

No label is chosen by a client. At most {METRIC_ROUTES} routes and {METRIC_REASONS} reasons have series of their own,
the rest count as `other`. Where the places of routes are short, a reload takes those of routes that are gone, whose
counters vanish. At most {METRIC_ENDPOINTS} endpoints and {METRIC_FUNCTIONS} functions are shown. Requests that match no route have the empty
route. A series appears once it has counted something.

Durations are in seconds, with buckets that end at {}.

| Metric | Type | Labels | Meaning |
|---|---|---|---|
",
        bounds.join(", ")
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::check_page;

    #[test]
    fn the_reference_page_is_the_one_checked_in() {
        check_page("metrics.md", &metrics_reference());
    }
}
