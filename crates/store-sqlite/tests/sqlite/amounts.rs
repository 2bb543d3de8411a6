//! Amounts at their ends, corrections that stay, and the view for people.

use sqlx::{AssertSqlSafe, Executor, Row};
use store::{Bucket, Fold, KeyId, NewCorrection, Store, StoreError, UsageBy, UsageDelta, UsageQuery, UserId};

use crate::{Place, connect};

/// More than half of what one group can hold, millionths of a unit.
const LARGE: i128 = 3_000_000_000_000_000_000_000_000_000;

fn delta(hour: u64, count: i64, total: i128) -> UsageDelta {
    UsageDelta { user_id: Some(UserId(1)), key_id: None, route: "orders".into(), hour, count, total }
}

fn fold(usage: Vec<UsageDelta>) -> Fold {
    Fold { usage, ..Fold::default() }
}

#[tokio::test]
async fn an_amount_that_does_not_fit_is_refused_and_never_rounded() {
    let place = Place::new();
    let store = place.open().await;
    store.fold(&fold(vec![delta(1, 1, LARGE), delta(2, -4_000_000_000_000_000_000, -LARGE)])).await.unwrap();
    let before = store.usage(&UsageQuery::default()).await.unwrap();
    for usage in [
        delta(1, 1, LARGE),
        delta(1, 0, i128::MAX),
        delta(1, 0, i128::MIN),
        delta(2, 0, -LARGE),
        delta(2, i64::MIN, 0),
        delta(2, -1, 0),
        delta(1, i64::MAX, 0),
        delta(u64::MAX, 1, 1),
    ] {
        let result = store.fold(&fold(vec![delta(3, 1, 1), usage])).await;
        assert!(matches!(result, Err(StoreError::Failed(_))), "{result:?}");
        assert_eq!(store.usage(&UsageQuery::default()).await.unwrap(), before);
    }
}

#[tokio::test]
async fn a_sum_that_does_not_fit_is_an_error() {
    let place = Place::new();
    let store = place.open().await;
    store.fold(&fold((0..4).map(|hour| delta(hour, 1, LARGE)).collect())).await.unwrap();
    let result = store.usage(&UsageQuery::default()).await;
    assert!(matches!(result, Err(StoreError::Failed(_))), "{result:?}");
    let three = UsageQuery { from_hour: 1, ..UsageQuery::default() };
    assert_eq!(store.usage(&three).await.unwrap()[0].total, 3 * LARGE);
}

#[tokio::test]
async fn an_hour_beyond_the_calendar_is_a_month_of_its_own() {
    let place = Place::new();
    let store = place.open().await;
    let hours = [70_389_527, 70_389_528, 3_000_000_000_000_000_000];
    store.fold(&fold(hours.map(|hour| delta(hour, 1, 1)).to_vec())).await.unwrap();
    let by = UsageBy { time: Some(Bucket::Month), ..UsageBy::default() };
    let rows = store.usage(&UsageQuery { by, ..UsageQuery::default() }).await.unwrap();
    let months: Vec<_> = rows.iter().map(|row| row.hour.unwrap()).collect();
    assert_eq!(months, [70_389_528 - 31 * 24, hours[1], hours[2]]);
}

#[tokio::test]
async fn corrections_are_never_changed() {
    let place = Place::new();
    let store = place.open().await;
    let (user_id, note) = (UserId(1), "ticket 7".to_owned());
    let correction =
        NewCorrection { user_id, key_id: None, route: "orders".into(), hour: 1, count: 0, total: -5, note };
    store.correct(&correction, None, 1).await.unwrap();
    let mut connection = connect(&place.path()).await;
    for edit in ["UPDATE corrections SET count = 1", "DELETE FROM corrections"] {
        let refusal = connection.execute(edit).await.unwrap_err();
        assert!(refusal.to_string().contains("add another one"), "{refusal}");
    }
    assert_eq!(store.usage(&UsageQuery::default()).await.unwrap()[0].total, -5);
}

#[tokio::test]
async fn people_see_usage_and_corrections_in_one_view() {
    let place = Place::new();
    let store = place.open().await;
    let nobody = UsageDelta { user_id: None, ..delta(0, 2, 1_000_000) };
    store.fold(&fold(vec![delta(494_456, 3, 12_500_000), delta(1, 1, -1), nobody])).await.unwrap();
    let (user_id, note) = (UserId(1), "ticket 7".to_owned());
    let correction = NewCorrection {
        user_id,
        key_id: Some(KeyId(4)),
        route: "orders".into(),
        hour: 494_456,
        count: -1,
        total: -500_000,
        note,
    };
    store.correct(&correction, None, 1).await.unwrap();
    let mut connection = connect(&place.path()).await;
    let columns = "user_id || '', key_id || '', route, hour, count || '', total_value || '', note";
    let text = format!("SELECT concat_ws('|', {columns}) FROM usage ORDER BY hour, count");
    let rows = connection.fetch_all(AssertSqlSafe(text)).await.unwrap();
    let rows: Vec<String> = rows.iter().map(|row| row.get(0)).collect();
    let expected = [
        "orders|1970-01-01T00:00:00Z|2|1.0",
        "1|orders|1970-01-01T01:00:00Z|1|-1.0e-06",
        "1|4|orders|2026-05-29T08:00:00Z|-1|-0.5|ticket 7",
        "1|orders|2026-05-29T08:00:00Z|3|12.5",
    ];
    assert_eq!(rows, expected);
    let by = UsageBy { user: true, ..UsageBy::default() };
    let users = store.usage(&UsageQuery { by, ..UsageQuery::default() }).await.unwrap();
    assert_eq!(users.iter().map(|row| row.total).collect::<Vec<_>>(), [1_000_000, 11_999_999]);
}
