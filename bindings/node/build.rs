//! Keeps the library where it is once it is loaded.

fn main() {
    println!("cargo:rerun-if-changed=build.rs");
    // Node unloads it with the last worker that has loaded it, but a thread that reads may run on for a moment.
    if std::env::var("CARGO_CFG_TARGET_OS").as_deref() == Ok("linux") {
        println!("cargo:rustc-cdylib-link-arg=-Wl,-z,nodelete");
    }
}
