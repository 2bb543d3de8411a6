//! A key's secret has no text to print; `{:?}` hides it.
fn main() {
    println!("{}", policy::KeySecret::make("live", [1; 32]).expect("the environment is a short word"));
}
