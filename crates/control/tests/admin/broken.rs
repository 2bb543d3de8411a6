//! What clients see of a database that is not there, or fails.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use control::KeyHint;
use store::{
    ChangeListener, Correction, DatabaseId, Fold, Key, KeyChange, KeyId, KeyState, Made, Mark, NewCorrection,
    NewKey, NewUser, Once, Page, Rotation, Store, StoreError, UsageQuery, UsageRow, UsageSink, User,
    UserChange, UserId,
};

use crate::support::{ADMIN, Running};

/// A database that fails in one way, after some pieces of usage, for which it takes its time.
pub(crate) struct Broken {
    pub(crate) error: fn() -> StoreError,
    /// Pieces of a stream of usage, of a thousand rows each.
    pub(crate) pieces: usize,
    pub(crate) takes: Duration,
    /// Streams of usage that have begun, and those that have not ended.
    pub(crate) streams: (AtomicUsize, AtomicUsize),
}

/// A stream that has not ended.
struct Streaming<'a>(&'a AtomicUsize);

impl Drop for Streaming<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::SeqCst);
    }
}

impl Broken {
    pub(crate) fn new(error: fn() -> StoreError, pieces: usize) -> Self {
        Self { error, pieces, takes: Duration::ZERO, streams: Default::default() }
    }

    fn fail<T>(&self) -> Result<T, StoreError> {
        Err((self.error)())
    }
}

#[async_trait]
impl Store for Broken {
    async fn check(&self) -> Result<(), StoreError> {
        self.fail()
    }
    async fn identity(&self) -> Result<DatabaseId, StoreError> {
        self.fail()
    }
    async fn create_user(&self, _: &NewUser, _: Option<&Once>, _: u64) -> Result<Made<User>, StoreError> {
        self.fail()
    }
    async fn users(&self, _: Page<UserId>) -> Result<Vec<User>, StoreError> {
        self.fail()
    }
    async fn user(&self, _: UserId) -> Result<User, StoreError> {
        self.fail()
    }
    async fn user_by_email(&self, _: &str) -> Result<User, StoreError> {
        self.fail()
    }
    async fn change_user(&self, _: UserId, _: &UserChange, _: Option<u64>) -> Result<User, StoreError> {
        self.fail()
    }
    async fn delete_user(&self, _: UserId, _: Option<u64>, _: u64) -> Result<(), StoreError> {
        self.fail()
    }
    async fn create_key(&self, _: &NewKey, _: Option<&Once>, _: u64) -> Result<Made<Key>, StoreError> {
        self.fail()
    }
    async fn keys(&self, _: UserId, _: Page<KeyId>) -> Result<Vec<Key>, StoreError> {
        self.fail()
    }
    async fn key(&self, _: KeyId) -> Result<Key, StoreError> {
        self.fail()
    }
    async fn change_key(&self, _: KeyId, _: &KeyChange, _: Option<u64>) -> Result<Key, StoreError> {
        self.fail()
    }
    async fn revoke_key(&self, _: KeyId, _: Option<u64>, _: u64) -> Result<(), StoreError> {
        self.fail()
    }
    async fn rotate_key(
        &self,
        _: KeyId,
        _: &Rotation,
        _: Option<&Once>,
        _: u64,
    ) -> Result<Made<Key>, StoreError> {
        self.fail()
    }
    async fn key_changes(&self, _: u64, _: u32) -> Result<Vec<KeyState>, StoreError> {
        self.fail()
    }
    async fn listen(&self) -> Result<Box<dyn ChangeListener>, StoreError> {
        self.fail()
    }
    async fn marks(&self, _: u64) -> Result<Vec<Mark>, StoreError> {
        self.fail()
    }
    async fn fold(&self, _: &Fold) -> Result<(), StoreError> {
        self.fail()
    }
    async fn usage(&self, _: &UsageQuery) -> Result<Vec<UsageRow>, StoreError> {
        tokio::time::sleep(self.takes).await;
        self.fail()
    }
    async fn stream_usage(&self, _: &UsageQuery, sink: &mut dyn UsageSink) -> Result<(), StoreError> {
        self.streams.0.fetch_add(1, Ordering::SeqCst);
        self.streams.1.fetch_add(1, Ordering::SeqCst);
        let _streaming = Streaming(&self.streams.1);
        tokio::time::sleep(self.takes).await;
        let row =
            UsageRow { user_id: Some(UserId(1)), key_id: None, route: None, hour: None, count: 1, total: 1 };
        for _ in 0..self.pieces {
            sink.take(vec![row.clone(); 1000]).await;
        }
        self.fail()
    }
    async fn correct(
        &self,
        _: &NewCorrection,
        _: Option<&Once>,
        _: u64,
    ) -> Result<Made<Correction>, StoreError> {
        self.fail()
    }
    async fn corrected(&self, _: &Once) -> Result<Option<Correction>, StoreError> {
        self.fail()
    }
    async fn corrections(&self, _: UserId, _: Page<u64>) -> Result<Vec<Correction>, StoreError> {
        self.fail()
    }
    async fn prune(&self, _: u64) -> Result<(), StoreError> {
        self.fail()
    }
    async fn close(&self) {}
}

fn running(store: &Arc<Broken>) -> Running {
    let store = Arc::clone(store) as Arc<dyn Store>;
    Running::start_with(async move || Some(store), KeyHint::new())
}

fn broken(error: fn() -> StoreError) -> Running {
    running(&Arc::new(Broken::new(error, 0)))
}

/// Asks for everything, and answers what each said.
fn check_every_endpoint(running: &Running, status: u16, retry_after: Option<&str>) {
    let requests = [
        ("GET", "/users", ""),
        ("GET", "/users?email=a%40b", ""),
        ("POST", "/users", r#"{"name":"a","email":"a@b"}"#),
        ("GET", "/users/1", ""),
        ("PATCH", "/users/1", "{}"),
        ("DELETE", "/users/1", ""),
        ("POST", "/users/1/keys", "{}"),
        ("GET", "/users/1/keys", ""),
        ("GET", "/keys/1", ""),
        ("PATCH", "/keys/1", "{}"),
        ("DELETE", "/keys/1", ""),
        ("POST", "/keys/1/rotate", "{}"),
        ("GET", "/users/1/usage", ""),
        ("GET", "/usage", ""),
        ("GET", "/usage?format=csv", ""),
        ("POST", "/users/1/corrections", r#"{"value":1,"note":"n"}"#),
        ("POST", "/users/1/corrections", r#"{"value":1,"key_id":1,"note":"n"}"#),
        ("GET", "/users/1/corrections", ""),
    ];
    for (method, path, body) in requests {
        for condition in ["", "if-match: \"1\", \"2\"\r\n"] {
            let answer = running.send_with(method, path, condition, body);
            assert_eq!(
                (answer.status, answer.field("retry-after")),
                (status, retry_after),
                "{method} {path}"
            );
            assert_eq!(answer.field("content-type"), Some("application/problem+json"));
            assert!(!answer.body.contains("secret"), "{answer:?}");
        }
    }
    assert_eq!(running.ask("GET", "/ready", Some(ADMIN)).status, 200);
}

#[test]
fn a_database_that_cannot_be_reached_is_answered_503() {
    check_every_endpoint(&broken(|| StoreError::Unavailable("secret".into())), 503, Some("1"));
    check_every_endpoint(&broken(|| StoreError::Full("secret".into())), 503, Some("1"));
}

#[test]
fn without_a_database_everything_that_needs_one_is_answered_503() {
    check_every_endpoint(&Running::start(), 503, Some("1"));
}

#[test]
fn a_database_that_fails_is_answered_500_without_the_inside() {
    check_every_endpoint(&broken(|| StoreError::Failed("secret".into())), 500, None);
    check_every_endpoint(&broken(|| StoreError::Newer { found: 2, known: 1 }), 500, None);
}

/// Asks for usage whole; gives the lines that came. What came last may be lost with the connection.
fn lines_of_usage(store: &Arc<Broken>) -> Vec<String> {
    let running = running(store);
    let mut client = running.connect();
    client.send("GET", "/usage?format=ndjson", Some(ADMIN), "");
    assert_eq!(client.head().status, 200);
    std::iter::from_fn(|| client.line()).collect()
}

#[test]
fn usage_that_is_cut_off_does_not_end_as_if_it_were_whole() {
    let lines = lines_of_usage(&Arc::new(Broken::new(|| StoreError::Unavailable("gone".into()), 2)));
    assert!((1000..=2000).contains(&lines.iter().filter(|line| line.starts_with('{')).count()));
    assert!(!lines.iter().any(|line| line == "0"), "the chunk of nothing that ends a body is not sent");
}

/// Asked for by pages, the last of many would have all of it summed again.
#[test]
fn usage_is_summed_once_however_much_there_is() {
    let store = Arc::new(Broken::new(|| StoreError::Unavailable("at its end".into()), 100));
    let lines = lines_of_usage(&store);
    assert!((50_000..=100_000).contains(&lines.iter().filter(|line| line.starts_with('{')).count()));
    assert_eq!(store.streams.0.load(Ordering::SeqCst), 1);
}
