//! Tests that need a program of others which is not there.

/// Says loudly that a test could not run.
///
/// # Panics
/// Under `CI=true`, where what a test needs has to be there.
pub fn skip(why: &str) {
    assert!(std::env::var("CI").as_deref() != Ok("true"), "{why}");
    eprintln!("SKIPPED: {why}");
}
