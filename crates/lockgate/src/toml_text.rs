//! Texts of TOML, for configurations that are made and samples that are printed.

use serde_json::Value;

/// A text of TOML, whose escapes are those of JSON but for one character that JSON leaves as it is.
pub(crate) fn quoted(text: &str) -> String {
    Value::from(text).to_string().replace('\u{7f}', "\\u007f")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_cannot_stand_in_a_text_is_escaped_and_all_else_stands() {
        assert_eq!(quoted("it's \"here\"\\"), r#""it's \"here\"\\""#);
        assert_eq!(quoted("\u{7f}\u{1}\n"), r#""\u007f\u0001\n""#);
        assert_eq!(quoted("a\u{a0}b\u{200b}é"), "\"a\u{a0}b\u{200b}é\"");
    }
}
