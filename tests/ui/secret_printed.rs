//! A secret has no text to print; `{:?}` hides it.
fn main() {
    println!("{}", config::Secret::new("token"));
}
