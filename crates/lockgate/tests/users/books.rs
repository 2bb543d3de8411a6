//! What was counted, by the journal's files and by the database.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::{Duration, Instant};

use lockgate_event::{Kind, Value};
use testkit::GatewayProcess;

/// Longest wait for the database to be as far as the journal.
const WAIT: Duration = Duration::from_secs(60);

/// User, key, route, hour.
pub(crate) type Group = (Option<u64>, Option<u64>, String, u64);

/// Count, and sum of the values in millionths.
pub(crate) type Sum = (i64, i128);

/// Adds up the journal, naively.
pub(crate) fn of_journal(data: &Path) -> BTreeMap<Group, Sum> {
    let mut sums = BTreeMap::<Group, Sum>::new();
    for record in journal::read_dir(data).expect("the data directory is readable") {
        let record = record.expect("the journal is whole");
        let event = record.event().expect("every record is of this version");
        let Some(Value(value)) = event.value else { continue };
        let hour = event.ts_us / 3_600_000_000;
        let sum = sums.entry((event.user_id, event.key_id, event.route.to_owned(), hour)).or_default();
        sum.0 += match event.kind {
            Kind::Done => 1,
            Kind::Part => 0,
            Kind::Cut => -1,
        };
        sum.1 += i128::from(value);
    }
    sums.retain(|_, sum| *sum != (0, 0));
    sums
}

/// Asks the running gateway for what is in its database.
pub(crate) fn of_database(gateway: &GatewayProcess) -> Option<BTreeMap<Group, Sum>> {
    let answer =
        gateway.admin("GET", "/usage?by=user,key,route,hour&from=2020-01-01T00:00:00Z&format=ndjson").ok()?;
    if answer.status() != 200 {
        return None;
    }
    let mut sums = BTreeMap::new();
    for line in answer.text().lines() {
        let row: serde_json::Value = serde_json::from_str(line).ok()?;
        let group = (
            row["user_id"].as_u64(),
            row["key_id"].as_u64(),
            row["route"].as_str()?.to_owned(),
            hour_of(row["from"].as_str()?),
        );
        sums.insert(group, (row["count"].as_i64()?, i128::from(total_value(line).parse::<Value>().ok()?.0)));
    }
    sums.retain(|_, sum| *sum != (0, 0));
    Some(sums)
}

/// Waits until the database says what the journal says; the journal must not grow meanwhile.
#[track_caller]
pub(crate) fn check_equal(gateway: &GatewayProcess) -> BTreeMap<Group, Sum> {
    let start = Instant::now();
    loop {
        let (journal, database) = (of_journal(gateway.data()), of_database(gateway));
        if database.as_ref() == Some(&journal) {
            return journal;
        }
        assert!(start.elapsed() < WAIT, "journal {journal:#?}\ndatabase {database:#?}\n{}", gateway.log());
        std::thread::sleep(Duration::from_millis(50));
    }
}

/// The number behind the first `total_value` of a text, as it stands there: a parser of JSON would make a float of it.
pub(crate) fn total_value(json: &str) -> &str {
    let number = json.split("\"total_value\":").nth(1).expect("there is a total").trim_start();
    number.split([',', '}']).next().unwrap_or_default().trim_end()
}

/// Hours since 1970 of a text such as `2026-11-21T01:00:00Z`.
fn hour_of(text: &str) -> u64 {
    let number = |range: std::ops::Range<usize>| text[range].parse::<i64>().unwrap();
    let (year, month, day, hour) = (number(0..4), number(5..7), number(8..10), number(11..13));
    let (year, month) = if month > 2 { (year, month - 3) } else { (year - 1, month + 9) };
    let days = year * 365 + year / 4 - year / 100 + year / 400 + (month * 153 + 2) / 5 + day - 1 - 719_468;
    u64::try_from(days * 24 + hour).unwrap()
}

#[test]
fn hours_are_counted_from_1970() {
    assert_eq!(hour_of("1970-01-01T00:00:00Z"), 0);
    assert_eq!(hour_of("2026-11-21T01:00:00Z"), 1_795_222_800 / 3600);
}
