//! Tests of the module this file stands beside.

use super::*;

fn load(dir: &Path) -> Tokens {
    Tokens::load(dir, None, None).unwrap()
}

#[test]
fn tokens_made_on_first_start_are_reused_on_the_next() {
    let dir = tempfile::tempdir().unwrap();
    let first = load(dir.path());
    let second = load(dir.path());
    assert_eq!((first.expose_admin().len(), first.expose_read().len()), (64, 64));
    assert_eq!(first.expose_admin(), second.expose_admin());
    assert_eq!(first.expose_read(), second.expose_read());
    assert_ne!(first.expose_admin(), first.expose_read());
}

#[test]
fn token_files_are_for_their_owner_only_and_leave_no_draft() {
    let dir = tempfile::tempdir().unwrap();
    load(dir.path());
    let mut names = Vec::new();
    for entry in fs::read_dir(dir.path()).unwrap() {
        let entry = entry.unwrap();
        assert_eq!(entry.metadata().unwrap().permissions().mode() & 0o777, 0o600, "{:?}", entry.path());
        names.push(entry.file_name().into_string().unwrap());
    }
    names.sort();
    assert_eq!(names, [ADMIN_TOKEN_FILE, READ_TOKEN_FILE]);
}

#[test]
fn starts_at_the_same_time_agree_on_one_token() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join(ADMIN_TOKEN_FILE);
    make(&path, "the-token-of-the-faster-start").unwrap();
    let error = make(&path, "the-token-of-the-slower-start").unwrap_err();
    assert_eq!(error.kind(), io::ErrorKind::AlreadyExists);
    assert_eq!(load(dir.path()).expose_admin(), "the-token-of-the-faster-start");
}

#[test]
fn given_tokens_win_over_files_and_make_none() {
    let dir = tempfile::tempdir().unwrap();
    let (admin, read) = ("admin-token-from-configuration", "read-token-from-configuration");
    let tokens = Tokens::load(dir.path(), Some(admin), Some(read)).unwrap();
    assert_eq!((tokens.expose_admin(), tokens.expose_read()), (admin, read));
    assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 0);
}

#[test]
fn malformed_tokens_are_refused_without_being_shown() {
    let dir = tempfile::tempdir().unwrap();
    let long = "x".repeat(TOKEN_BYTES_MAX + 1);
    for bad in ["", "short", "with a space in the middle", "with-a-\u{e9}-that-is-not-ascii", &long] {
        let error = Tokens::load(dir.path(), Some(bad), None).unwrap_err();
        assert!(matches!(error, TokenError::Malformed { which: "admin", .. }), "{bad:?}");
        assert!(bad.is_empty() || !format!("{error} {error:?}").contains(bad), "{bad:?} is shown");
    }
    fs::write(dir.path().join(READ_TOKEN_FILE), "").unwrap();
    let error = Tokens::load(dir.path(), None, None).unwrap_err();
    assert!(error.to_string().contains("read-token"), "{error}");
}

#[test]
fn one_token_for_both_roles_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let token = Some("the-very-same-token");
    assert!(matches!(Tokens::load(dir.path(), token, token), Err(TokenError::Same)));
}

#[test]
fn a_data_directory_that_cannot_be_written_is_named() {
    let error = Tokens::load(Path::new("/nonexistent/lockgate-data"), None, None).unwrap_err();
    assert_eq!(error.to_string(), "cannot make the token file `/nonexistent/lockgate-data/admin-token`");
}

#[test]
fn only_the_whole_token_gives_its_role() {
    let tokens = Tokens { admin: "admin-admin-admin-1".into(), read: "read-read-read-read-2".into() };
    let check = |presented: &str, expected| assert_eq!(tokens.role_of(presented), expected, "{presented:?}");
    check("admin-admin-admin-1", Some(Role::Admin));
    check("read-read-read-read-2", Some(Role::Read));
    check("", None);
    check("admin-admin-admin-", None);
    check("admin-admin-admin-12", None);
    check("Admin-admin-admin-1", None);
    check("read-read-read-read-3", None);
}

#[test]
fn debug_shows_no_token() {
    let tokens = Tokens { admin: "admin-secret-0123".into(), read: "read-secret-0123".into() };
    let shown = format!("{tokens:?} {tokens:#?}");
    assert!(!shown.contains("secret"), "{shown}");
}
