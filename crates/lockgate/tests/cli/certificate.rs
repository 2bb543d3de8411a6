//! `lockgate certificate`

use crate::{err, out, run};

#[test]
fn the_sample_of_a_certificate_is_taken_as_it_is_printed() {
    let dir = tempfile::tempdir().unwrap();
    let folder = "it's \"here\"\u{a0}and\u{200b}there";
    let make = ["certificate", "self-signed", "--output", folder];
    let output = run(dir.path(), &make);
    assert_eq!((output.status.code(), err(&output).as_str()), (Some(0), ""));
    let printed = out(&output);
    let sample = &printed[printed.find("[[listener]]").unwrap()..];
    let config = format!("{sample}\n[[route]]\nrespond = {{ body = \"ok\" }}\n");
    std::fs::write(dir.path().join("lockgate.toml"), config).unwrap();
    let output = run(dir.path(), &["check"]);
    assert_eq!((output.status.code(), err(&output).as_str()), (Some(0), ""), "{printed}");
    let output = run(dir.path(), &make);
    assert_eq!(output.status.code(), Some(3));
    assert!(err(&output).contains("help: `--force` replaces what is there"), "{}", err(&output));
    assert_eq!(run(dir.path(), &[make.as_slice(), &["--force"]].concat()).status.code(), Some(0));
}
