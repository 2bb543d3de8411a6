//! What must not compile.

#[test]
fn wrong_uses_do_not_compile() {
    trybuild::TestCases::new().compile_fail("../../tests/ui/*.rs");
}
