//! A row of usage as the API shows it, and the place of a row in its list.

use serde::Serialize;
use store::{KeyId, UsageBy, UsageQuery, UsageRow, UserId};
use utoipa::ToSchema;

use super::super::amount::Amount;
use super::super::time::Time;

/// A row of usage. It has what it is told apart by, and no other member but the sums.
#[derive(Serialize, ToSchema)]
#[schema(as = UsageRow)]
pub(in super::super) struct UsageRowView<'a> {
    /// Whose; `null`: nobody was asked who they are.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(required = false, value_type = Option<u64>)]
    user_id: Option<Option<u64>>,
    /// By which key; `null`: by none.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(required = false, value_type = Option<u64>)]
    key_id: Option<Option<u64>>,
    /// On which route; empty: a correction on none.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(required = false, nullable = false)]
    route: Option<&'a str>,
    /// Beginning of its hour, day or month.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(required = false, nullable = false, value_type = String, format = DateTime)]
    from: Option<Time>,
    /// Exchanges.
    count: i64,
    /// Sum of the metered values: a decimal with up to six digits behind the point, exact however long.
    #[schema(value_type = f64)]
    total_value: Amount,
}

impl<'a> UsageRowView<'a> {
    pub(super) fn of(row: &'a UsageRow, by: UsageBy) -> Self {
        Self {
            user_id: by.user.then_some(row.user_id.map(|id| id.0)),
            key_id: by.key.then_some(row.key_id.map(|id| id.0)),
            route: by.route.then_some(row.route.as_deref().unwrap_or_default()),
            from: by.time.and(row.hour).map(Time::of_hour),
            count: row.count,
            total_value: Amount(row.total),
        }
    }

    /// Appends a line of CSV (RFC 4180) with the members that the row has.
    pub(super) fn write_csv(&self, out: &mut String) {
        let id = |id: Option<u64>| id.map_or_else(String::new, |id| id.to_string());
        let cells = [
            self.user_id.map(id),
            self.key_id.map(id),
            self.route.map(quoted),
            self.from.map(Time::text),
            Some(self.count.to_string()),
            Some(self.total_value.text()),
        ];
        push_line(out, cells.into_iter().flatten());
    }
}

/// Appends the line of names that goes before the rows.
pub(super) fn write_csv_names(by: UsageBy, out: &mut String) {
    let names = [
        by.user.then_some("user_id"),
        by.key.then_some("key_id"),
        by.route.then_some("route"),
        by.time.map(|_| "from"),
        Some("count"),
        Some("total_value"),
    ];
    push_line(out, names.into_iter().flatten().map(str::to_owned));
}

fn push_line(out: &mut String, cells: impl Iterator<Item = String>) {
    for (place, cell) in cells.enumerate() {
        if place > 0 {
            out.push(',');
        }
        out.push_str(&cell);
    }
    out.push_str("\r\n");
}

fn quoted(text: &str) -> String {
    if text.contains(['"', ',', '\r', '\n']) {
        format!("\"{}\"", text.replace('"', "\"\""))
    } else {
        text.to_owned()
    }
}

/// The place of a row: `user.key.hour.route`, each empty where there is none.
pub(super) fn cursor(row: &UsageRow, by: UsageBy) -> String {
    let text = |number: Option<u64>| number.map_or_else(String::new, |number| number.to_string());
    format!(
        "{}.{}.{}.{}",
        text(by.user.then_some(row.user_id).flatten().map(|id| id.0)),
        text(by.key.then_some(row.key_id).flatten().map(|id| id.0)),
        text(by.time.and(row.hour)),
        by.route.then_some(row.route.as_deref()).flatten().unwrap_or_default(),
    )
}

/// Reads a place. The sums are no part of it.
pub(super) fn read_cursor(text: &str) -> Option<UsageRow> {
    let mut parts = text.splitn(4, '.');
    let mut number = || match parts.next()? {
        "" => Some(None),
        digits if digits.bytes().all(|byte| byte.is_ascii_digit()) => {
            u64::try_from(digits.parse::<i64>().ok()?).ok().map(Some)
        }
        _ => None,
    };
    let (user, key, hour) = (number()?, number()?, number()?);
    // No route has control characters, and not every database takes them in a question.
    let route = parts.next().filter(|route| !route.contains(char::is_control))?.to_owned();
    let (user_id, key_id) = (user.map(UserId), key.map(KeyId));
    Some(UsageRow { user_id, key_id, route: Some(route), hour, count: 0, total: 0 })
}

/// Whether there is one group, whatever was counted.
pub(super) fn is_total(query: &UsageQuery) -> bool {
    let by = query.by;
    !by.key && !by.route && by.time.is_none() && by.user == query.user_id.is_some()
}

/// The one row of a total where nothing was counted.
pub(super) fn total_of_nothing(query: &UsageQuery) -> UsageRow {
    UsageRow { user_id: query.user_id, key_id: None, route: None, hour: None, count: 0, total: 0 }
}

#[cfg(test)]
mod tests {
    use store::Bucket;

    use super::*;

    const EVERYTHING: UsageBy = UsageBy { user: true, key: true, route: true, time: Some(Bucket::Hour) };

    fn row() -> UsageRow {
        UsageRow {
            user_id: Some(UserId(7)),
            key_id: None,
            route: Some("a.\"b\",c".into()),
            hour: Some(495_000),
            count: -1,
            total: -1_500_000,
        }
    }

    #[test]
    fn a_row_has_what_it_is_told_apart_by() {
        let json = |by| serde_json::to_string(&UsageRowView::of(&row(), by)).unwrap();
        assert_eq!(json(UsageBy::default()), r#"{"count":-1,"total_value":-1.5}"#);
        let expected = r#"{"user_id":7,"key_id":null,"route":"a.\"b\",c","from":"2026-06-21T00:00:00.000000Z","count":-1,"total_value":-1.5}"#;
        assert_eq!(json(EVERYTHING), expected);
    }

    #[test]
    fn csv_has_a_cell_for_each_member() {
        let csv = |by| {
            let mut text = String::new();
            write_csv_names(by, &mut text);
            UsageRowView::of(&row(), by).write_csv(&mut text);
            text
        };
        assert_eq!(csv(UsageBy::default()), "count,total_value\r\n-1,-1.5\r\n");
        let expected = "user_id,key_id,route,from,count,total_value\r\n\
            7,,\"a.\"\"b\"\",c\",2026-06-21T00:00:00.000000Z,-1,-1.5\r\n";
        assert_eq!(csv(EVERYTHING), expected);
    }

    #[test]
    fn a_place_is_read_as_it_is_written() {
        let written = cursor(&row(), EVERYTHING);
        assert_eq!(written, "7..495000.a.\"b\",c");
        assert_eq!(read_cursor(&written), Some(UsageRow { count: 0, total: 0, ..row() }));
        for wrong in [
            "",
            "1",
            "1.2",
            "1.2.3",
            "x.2.3.r",
            "-1.2.3.r",
            "9223372036854775808...",
            "1.2.3.\u{0}",
            "\u{661}...",
        ] {
            assert_eq!(read_cursor(wrong), None, "{wrong}");
        }
    }
}
