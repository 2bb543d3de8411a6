//! The event that unit tests start from, and the check of a generated page.

pub(crate) mod books;

use std::path::Path;

use lockgate_event::{EventId, EventRef};

/// One ordinary exchange.
pub(crate) fn event() -> EventRef<'static> {
    EventRef {
        id: EventId { node: 1, boot: 2, worker: 0, sequence: 3 },
        user_id: None,
        key_id: None,
        ..EventRef::EXAMPLE
    }
}

/// Compares a generated page with the one in `docs/reference`; with `UPDATE` in the environment, writes it first.
#[track_caller]
pub(crate) fn check_page(name: &str, page: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/reference").join(name);
    if std::env::var_os("UPDATE").is_some() {
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, page).unwrap();
    }
    let checked_in = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(
        checked_in == page,
        "{name} is out of date: run UPDATE=1 cargo test -p control, and look at the difference"
    );
}
