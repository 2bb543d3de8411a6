//! Amounts at their ends, corrections that stay, and the view for people.

use store::{Bucket, KeyId, NewCorrection, Store, StoreError, UsageBy, UsageDelta, UsageQuery, UserId};

use crate::{delta, empty, fold_of, sql};

fn correction(key_id: Option<KeyId>, count: i64, total: i128) -> NewCorrection {
    let (user_id, route, note) = (UserId(1), "orders".to_owned(), "ticket 7".to_owned());
    NewCorrection { user_id, key_id, route, hour: 494_456, count, total, note }
}

#[tokio::test]
async fn amounts_of_128_bits_are_kept_to_the_last_digit() {
    let Some((store, _)) = empty().await else { return };
    for total in [i128::MAX, i128::MIN, i128::MIN + 1, 1] {
        store.fold(&fold_of(vec![delta(1, 1, total)])).await.unwrap();
    }
    let sum = store.usage(&UsageQuery::default()).await.unwrap()[0].total;
    assert_eq!(sum, i128::MIN + 1);
}

#[tokio::test]
async fn what_does_not_fit_is_refused_as_a_whole() {
    let Some((store, _)) = empty().await else { return };
    store.fold(&fold_of(vec![delta(1, i64::MAX, 1)])).await.unwrap();
    let before = store.usage(&UsageQuery::default()).await.unwrap();
    for usage in [
        delta(1, 1, 0),
        delta(u64::MAX, 1, 1),
        UsageDelta { user_id: Some(UserId(u64::MAX)), ..delta(1, 1, 1) },
    ] {
        let result = store.fold(&fold_of(vec![delta(3, 0, 1), usage])).await;
        assert!(matches!(result, Err(StoreError::Failed(_))), "{result:?}");
        assert_eq!(store.usage(&UsageQuery::default()).await.unwrap(), before);
    }
}

#[tokio::test]
async fn a_sum_that_does_not_fit_is_an_error() {
    let Some((store, _)) = empty().await else { return };
    store.fold(&fold_of(vec![delta(1, 1, i128::MAX), delta(2, 1, 1)])).await.unwrap();
    let result = store.usage(&UsageQuery::default()).await;
    assert!(matches!(result, Err(StoreError::Failed(_))), "{result:?}");
    let first = UsageQuery { to_hour: Some(2), ..UsageQuery::default() };
    assert_eq!(store.usage(&first).await.unwrap()[0].total, i128::MAX);
}

#[tokio::test]
async fn an_hour_beyond_the_calendar_is_a_month_of_its_own() {
    let Some((store, _)) = empty().await else { return };
    let hours = [70_389_527, 70_389_528, 3_000_000_000_000_000_000];
    store.fold(&fold_of(hours.map(|hour| delta(hour, 1, 1)).to_vec())).await.unwrap();
    let by = UsageBy { time: Some(Bucket::Month), ..UsageBy::default() };
    let rows = store.usage(&UsageQuery { by, ..UsageQuery::default() }).await.unwrap();
    let months: Vec<_> = rows.iter().map(|row| row.hour.unwrap()).collect();
    assert_eq!(months, [70_389_528 - 31 * 24, hours[1], hours[2]]);
}

#[tokio::test]
async fn corrections_are_never_changed() {
    let Some((store, url)) = empty().await else { return };
    store.correct(&correction(None, 0, -5), None, 1).await.unwrap();
    let server = testkit::Postgres::shared().unwrap();
    for edit in ["UPDATE lockgate.corrections SET count = 1", "DELETE FROM lockgate.corrections"] {
        let refusal = server.sql(&url, edit).unwrap_err().to_string();
        assert!(refusal.contains("add another one"), "{refusal}");
    }
    assert_eq!(store.usage(&UsageQuery::default()).await.unwrap()[0].total, -5);
}

#[tokio::test]
async fn people_see_usage_and_corrections_in_one_view() {
    let Some((store, url)) = empty().await else { return };
    let nobody = UsageDelta { user_id: None, ..delta(0, 2, 1_000_000) };
    store.fold(&fold_of(vec![delta(494_456, 3, 12_500_000), delta(1, 1, -1), nobody])).await.unwrap();
    store.correct(&correction(Some(KeyId(4)), -1, -500_000), None, 1).await.unwrap();
    let told = sql(&url, "SET TimeZone = 'UTC'; SELECT * FROM lockgate.usage ORDER BY hour, count");
    let expected = [
        "||orders|1970-01-01 00:00:00+00|2|1.000000|",
        "1||orders|1970-01-01 01:00:00+00|1|-0.000001|",
        "1|4|orders|2026-05-29 08:00:00+00|-1|-0.500000|ticket 7",
        "1||orders|2026-05-29 08:00:00+00|3|12.500000|",
    ];
    assert_eq!(told.lines().collect::<Vec<_>>(), expected);
}
