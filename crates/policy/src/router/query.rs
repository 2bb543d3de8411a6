//! Query parameters as a route matches them.

/// Whether the query, as received, has a parameter of this name, and of this value if one is given.
///
/// Names and values are compared after decoding: `+` is a space and `%61` an `a`; a `%` that begins no escape
/// stands for itself (URL Standard, `application/x-www-form-urlencoded` parsing). Any occurrence of the name does.
pub(super) fn has(query: &str, name: &str, value: Option<&str>) -> bool {
    query.split('&').filter(|parameter| !parameter.is_empty()).any(|parameter| {
        let (its_name, its_value) = parameter.split_once('=').unwrap_or((parameter, ""));
        means(its_name, name) && value.is_none_or(|value| means(its_value, value))
    })
}

/// Whether `raw` decodes to `text`; nothing is allocated for it.
fn means(raw: &str, text: &str) -> bool {
    // Decoding never lengthens.
    raw.len() >= text.len() && Decoded(raw.as_bytes()).eq(text.bytes())
}

struct Decoded<'q>(&'q [u8]);

impl Iterator for Decoded<'_> {
    type Item = u8;

    fn next(&mut self) -> Option<u8> {
        if let [b'%', high, low, rest @ ..] = self.0
            && let Some(high) = char::from(*high).to_digit(16)
            && let Some(low) = char::from(*low).to_digit(16)
        {
            self.0 = rest;
            return u8::try_from(high << 4 | low).ok();
        }
        let (&first, rest) = self.0.split_first()?;
        self.0 = rest;
        Some(if first == b'+' { b' ' } else { first })
    }
}

#[cfg(test)]
mod tests {
    use super::has;

    #[track_caller]
    fn check(query: &str, name: &str, value: Option<&str>, expected: bool) {
        assert_eq!(has(query, name, value), expected, "{query} {name} {value:?}");
    }

    #[test]
    fn a_parameter_is_found_at_any_place() {
        check("a=1", "a", None, true);
        check("a=1", "a", Some("1"), true);
        check("b=2&a=1", "a", Some("1"), true);
        check("a=2&a=1", "a", Some("1"), true);
        check("a=1", "a", Some("2"), false);
        check("ab=1", "a", None, false);
        check("A=1", "a", None, false);
    }

    #[test]
    fn a_parameter_without_a_value_has_the_empty_one() {
        check("a", "a", None, true);
        check("a", "a", Some(""), true);
        check("a=", "a", Some(""), true);
        check("a=1", "a", Some(""), false);
        check("", "a", None, false);
        check("", "", None, false);
        check("&&", "", None, false);
        check("=1", "", Some("1"), true);
    }

    #[test]
    fn names_and_values_are_decoded() {
        check("%61=%31", "a", Some("1"), true);
        check("a=x+y", "a", Some("x y"), true);
        check("a=x%20y", "a", Some("x y"), true);
        check("a=x%2By", "a", Some("x+y"), true);
        check("a=b%3Dc", "a", Some("b=c"), true);
        check("a=b=c", "a", Some("b=c"), true);
        check("a=%C3%A9", "a", Some("é"), true);
    }

    #[test]
    fn a_percent_sign_that_begins_no_escape_stands_for_itself() {
        check("a=100%", "a", Some("100%"), true);
        check("a=%zz", "a", Some("%zz"), true);
        check("a=%2", "a", Some("%2"), true);
        check("a=%+1", "a", Some("% 1"), true);
    }
}
