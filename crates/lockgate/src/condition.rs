//! Conditions of the command line, such as 'status >= 500 and route = "orders"', and where they are wrong.

use lockgate_analytics::{Filter, ParseFilterError};

use crate::table::harmless;

/// Reads a condition; the error shows the place.
pub(crate) fn read(text: &str) -> Result<Filter, String> {
    text.parse().map_err(|error: ParseFilterError| {
        let before = text.get(..error.at).unwrap_or(text);
        let line_start = before.rfind('\n').map_or(0, |at| at + 1);
        let line = text[line_start..].lines().next().unwrap_or_default();
        let space = " ".repeat(before[line_start..].chars().count());
        format!("{}\n\n  {}\n  {space}^", error.what, harmless(line))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, line: &str, mark: &str) {
        let error = read(text).unwrap_err();
        let lines: Vec<&str> = error.lines().collect();
        assert_eq!(lines[lines.len() - 2..], [line, mark], "{error}");
        assert!(!lines[0].is_empty(), "{error}");
    }

    #[test]
    fn a_wrong_condition_is_marked_where_it_is_wrong() {
        check("status >= and", "  status >= and", "            ^");
        check("", "  ", "  ^");
        check("route = 'é' or\n\tstatus >=", "  \u{fffd}status >=", "            ^");
    }

    #[test]
    fn a_condition_is_read() {
        assert!(read("status >= 500 and route = \"orders\"").is_ok());
    }
}
