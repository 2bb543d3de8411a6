//! Files that are made, found again, too new, damaged, or gone.

use std::fs;
use std::os::unix::fs::{FileExt, PermissionsExt};

use sqlx::{Connection, Executor};
use store::{Made, NewUser, Page, Store, StoreError, User};
use store_sqlite::SqliteStore;

use crate::{Place, connect};

async fn create(store: &SqliteStore, number: u32) -> Result<User, StoreError> {
    let user = NewUser { name: "Ada".into(), email: format!("ada{number}@example.com") };
    store.create_user(&user, None, 1).await.map(Made::into_inner)
}

async fn users(store: &SqliteStore) -> Vec<User> {
    store.users(Page { after: None, limit: u32::MAX }).await.unwrap()
}

#[tokio::test]
async fn a_new_database_is_for_its_owner_alone() {
    let place = Place::new();
    let store = place.open().await;
    create(&store, 1).await.unwrap();
    let mut files: Vec<_> = fs::read_dir(place.folder.path()).unwrap().map(Result::unwrap).collect();
    files.sort_by_key(fs::DirEntry::file_name);
    let rights: Vec<_> = files
        .iter()
        .map(|file| {
            (file.file_name().into_string().unwrap(), file.metadata().unwrap().permissions().mode() & 0o777)
        })
        .collect();
    let names = ["lockgate.db", "lockgate.db-shm", "lockgate.db-wal"];
    assert_eq!(rights, names.map(|name| (name.to_owned(), 0o600)));
}

#[tokio::test]
async fn what_was_written_is_there_after_a_restart() {
    let place = Place::new();
    let store = place.open().await;
    let ada = create(&store, 1).await.unwrap();
    store.close().await;
    let left: Vec<_> =
        fs::read_dir(place.folder.path()).unwrap().map(|file| file.unwrap().file_name()).collect();
    assert_eq!(left, ["lockgate.db"], "closing leaves one file that is whole");
    assert_eq!(users(&place.open().await).await, [ada]);
}

#[tokio::test]
async fn what_was_answered_is_there_after_a_kill() {
    let (place, after) = (Place::new(), Place::new());
    let store = place.open().await;
    let mut made = Vec::new();
    for number in 0..20 {
        made.push(create(&store, number).await.unwrap());
    }
    // The files as they are now are all that a killed process leaves.
    for file in fs::read_dir(place.folder.path()).unwrap().map(Result::unwrap) {
        fs::copy(file.path(), after.folder.path().join(file.file_name())).unwrap();
    }
    assert_eq!(users(&after.open().await).await, made);
}

#[tokio::test]
async fn each_database_has_a_name_that_a_copy_keeps() {
    let (place, other, copy) = (Place::new(), Place::new(), Place::new());
    let store = place.open().await;
    let name = store.identity().await.unwrap();
    assert_ne!(name, other.open().await.identity().await.unwrap());
    store.close().await;
    fs::copy(place.path(), copy.path()).unwrap();
    for place in [place, copy] {
        assert_eq!(place.open().await.identity().await.unwrap(), name);
    }
}

#[tokio::test]
async fn a_database_from_before_names_gets_one() {
    let place = Place::new();
    let ada = create(&place.open().await, 1).await.unwrap();
    let mut connection = connect(&place.path()).await;
    connection.execute("DROP TABLE identity; DELETE FROM _sqlx_migrations WHERE version = 2").await.unwrap();
    connection.close().await.unwrap();
    let store = place.open().await;
    assert_eq!(store.identity().await.unwrap(), place.open().await.identity().await.unwrap());
    assert_eq!(users(&store).await, [ada]);
}

#[tokio::test]
async fn a_database_of_a_later_version_is_refused_and_left_alone() {
    let place = Place::new();
    place.open().await.close().await;
    let mut connection = connect(&place.path()).await;
    let later = "INSERT INTO _sqlx_migrations (version, description, success, checksum, execution_time)
        VALUES (8, 'later', true, x'00', 0), (9, 'later', true, x'00', 0)";
    connection.execute(later).await.unwrap();
    connection.close().await.unwrap();
    let before = fs::read(place.path()).unwrap();
    match SqliteStore::open(&place.path()).await {
        Err(StoreError::Newer { found: 9, known }) => assert!(known < 8),
        other => panic!("{:?}", other.err()),
    }
    assert_eq!(fs::read(place.path()).unwrap(), before);
}

#[tokio::test]
async fn a_file_that_is_no_database_is_refused() {
    let place = Place::new();
    fs::write(place.path(), "nothing that SQLite wrote, and longer than its head of 100 bytes. ".repeat(100))
        .unwrap();
    let error = SqliteStore::open(&place.path()).await.err().unwrap();
    assert!(
        matches!(&error, StoreError::Failed(source) if source.to_string().contains("not a database")),
        "{error:?}"
    );
}

#[tokio::test]
async fn damage_is_an_error() {
    let place = Place::new();
    let store = place.open().await;
    for number in 0..200 {
        create(&store, number).await.unwrap();
    }
    store.close().await;
    let file = fs::OpenOptions::new().write(true).open(place.path()).unwrap();
    let length = file.metadata().unwrap().len();
    let page = 4_096;
    for start in (page..length).step_by(page as usize) {
        file.write_all_at(&[0xa5; 2_000], start).unwrap();
    }
    let error = match SqliteStore::open(&place.path()).await {
        Ok(store) => store.users(Page { after: None, limit: 1_000 }).await.err(),
        Err(error) => Some(error),
    };
    assert!(matches!(error, Some(StoreError::Failed(_))), "{error:?}");
}

#[tokio::test]
async fn a_file_that_cannot_be_opened_is_unavailable() {
    let place = Place::new();
    for path in [place.folder.path().join("no/such/folder.db"), place.folder.path().to_owned()] {
        let error = SqliteStore::open(&path).await.err().unwrap();
        assert!(matches!(error, StoreError::Unavailable(_)), "{error:?}");
    }
}

#[tokio::test]
async fn nothing_is_written_to_a_file_that_is_gone() {
    let place = Place::new();
    let store = place.open().await;
    let ada = create(&store, 1).await.unwrap();
    let aside = place.folder.path().join("aside.db");
    fs::rename(place.path(), &aside).unwrap();
    let unavailable =
        |result: Result<(), StoreError>| assert!(matches!(result, Err(StoreError::Unavailable(_))));
    unavailable(store.check().await);
    unavailable(create(&store, 2).await.map(drop));
    fs::write(place.path(), "").unwrap();
    unavailable(store.check().await);
    unavailable(create(&store, 2).await.map(drop));
    fs::rename(&aside, place.path()).unwrap();
    let bob = create(&store, 2).await.unwrap();
    assert_eq!(users(&store).await, [ada, bob]);
}

#[tokio::test]
async fn nobody_is_heard_of() {
    let place = Place::new();
    let store = place.open().await;
    let mut listener = store.listen().await.unwrap();
    let mut changed = listener.changed();
    create(&store, 1).await.unwrap();
    let polled = std::future::poll_fn(|context| std::task::Poll::Ready(changed.as_mut().poll(context))).await;
    assert!(polled.is_pending());
}
