//! What errors of the database mean, and which of them are tried again. A trigger raises them where a real cause is hard to have.

use store::{Store, StoreError};

use crate::{ada, empty, sql};

/// Makes every new user fail with a code of PostgreSQL, the first `times` times.
fn fail_with(url: &str, code: &str, times: u32) {
    let body = format!(
        "BEGIN IF nextval('attempts') <= {times} THEN RAISE 'as asked' USING ERRCODE = '{code}'; END IF; RETURN new; END"
    );
    sql(
        url,
        &format!(
            "CREATE SEQUENCE attempts;
             CREATE FUNCTION fail() RETURNS TRIGGER LANGUAGE plpgsql AS $${body}$$;
             CREATE TRIGGER fail BEFORE INSERT ON lockgate.users FOR EACH ROW EXECUTE FUNCTION fail()"
        ),
    );
}

#[tokio::test]
async fn an_error_says_what_can_be_done() {
    for (code, is_full, is_passing) in [
        ("53100", true, true),
        ("53300", false, true),
        ("53200", false, true),
        ("57P01", false, true),
        ("57014", false, true),
        ("25006", false, true),
        ("08006", false, true),
        ("XX000", false, false),
        ("22003", false, false),
        ("42501", false, false),
    ] {
        let Some((store, url)) = empty().await else { return };
        fail_with(&url, code, 1);
        let error = store.create_user(&ada(), None, 1).await.unwrap_err();
        assert_eq!(matches!(error, StoreError::Full(_)), is_full, "{code}: {error:?}");
        assert_eq!(error.is_passing(), is_passing, "{code}: {error:?}");
        store.create_user(&ada(), None, 1).await.unwrap();
    }
}

#[tokio::test]
async fn a_transaction_that_others_were_in_the_way_of_is_run_again() {
    for code in ["40P01", "40001"] {
        let Some((store, url)) = empty().await else { return };
        fail_with(&url, code, 3);
        store.create_user(&ada(), None, 1).await.unwrap();
        assert_eq!(sql(&url, "SELECT last_value FROM attempts"), "4");
    }
}

#[tokio::test]
async fn it_is_not_run_again_for_ever() {
    let Some((store, url)) = empty().await else { return };
    fail_with(&url, "40P01", 1_000);
    let error = store.create_user(&ada(), None, 1).await.unwrap_err();
    assert!(matches!(error, StoreError::Unavailable(_)), "{error:?}");
    assert_eq!(sql(&url, "SELECT last_value FROM attempts"), "4");
}
