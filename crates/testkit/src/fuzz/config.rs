//! A configuration text: whatever it says, it is either a configuration or a list of problems that can be printed.

use std::collections::BTreeMap;
use std::path::Path;

use ::config::{Diagnostics, Loaded, difference, load_text};

/// Takes the bytes for the text of a configuration.
pub fn config(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    let environment = BTreeMap::from([("NAME".to_owned(), "value".to_owned())]);
    let load = || load_text("lockgate.toml", Path::new("/"), &text, &environment);
    match load() {
        Ok(Loaded { config, warnings }) => {
            assert_eq!(warnings.errors(), 0);
            check_printing(&warnings);
            let again = load().expect("the same text is a configuration again");
            assert!(
                difference(&config, &again.config).is_empty(),
                "a configuration does not differ from itself"
            );
        }
        Err(problems) => {
            assert!(problems.errors() > 0, "a refusal has a reason");
            check_printing(&problems);
        }
    }
}

fn check_printing(problems: &Diagnostics) {
    assert_eq!(problems.render(false).is_empty(), problems.is_empty());
    assert_eq!(problems.render(true).is_empty(), problems.is_empty());
    let listed = problems.iter().count();
    let objects = problems.to_json().as_array().map(Vec::len);
    // One more says how many are not listed.
    assert_eq!(objects, Some(listed + usize::from(problems.len() > listed)));
}
