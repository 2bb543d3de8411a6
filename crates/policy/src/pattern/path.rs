//! A path, or all paths under one.

use std::fmt;
use std::str::FromStr;

use crate::path::{PathError, normalize_path};

/// One path (`/health`), or a path and all below it (`/orders/*`).
///
/// Kept in the normal form of [`normalize_path`], so that `/%6frders/*` and `/orders/*` are one pattern.
/// `/orders/*` matches `/orders`, `/orders/` and `/orders/7`, and not `/orders2`; `/*` matches every path.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct PathPattern(PathKind);

#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) enum PathKind {
    Exact(String),
    /// What stands before `/*`; empty for `/*`.
    Under(String),
}

/// Why a text is no path pattern.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PathPatternError {
    /// Nothing is written.
    #[error("a path cannot be empty; `/*` matches every path")]
    Empty,
    /// The first character is not `/`.
    #[error("a path begins with `/`: write `/{text}`")]
    NotAbsolute {
        /// What was written.
        text: String,
    },
    /// A star elsewhere than in a final `/*`.
    #[error("`*` can only be the last part of a path, as in `/orders/*`")]
    MisplacedStar,
    /// A query is written.
    #[error("a path has no query; match query parameters with `query = {{ name = \"value\" }}`")]
    Query,
    /// It has no normal form.
    #[error("the path has no normal form")]
    Form(#[source] PathError),
}

impl PathPattern {
    /// Whether `path`, in normal form, is one of those meant.
    pub fn matches(&self, path: &str) -> bool {
        self.rest(path).is_some()
    }

    /// What the star stands for when `path`, in normal form, matches: `7/items` for `/orders/7/items` under
    /// `/orders/*`; empty when there is no star or nothing below.
    pub fn rest<'p>(&self, path: &'p str) -> Option<&'p str> {
        match &self.0 {
            PathKind::Exact(exact) => (exact == path).then_some(""),
            PathKind::Under(prefix) => {
                let below = path.strip_prefix(prefix.as_str())?;
                if below.is_empty() { Some(below) } else { below.strip_prefix('/') }
            }
        }
    }

    pub(crate) fn kind(&self) -> &PathKind {
        &self.0
    }
}

impl fmt::Display for PathPattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            PathKind::Exact(path) => f.write_str(path),
            PathKind::Under(prefix) => write!(f, "{prefix}/*"),
        }
    }
}

impl FromStr for PathPattern {
    type Err = PathPatternError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text.as_bytes() {
            [] => return Err(PathPatternError::Empty),
            [b'/', ..] => {}
            _ => return Err(PathPatternError::NotAbsolute { text: text.to_owned() }),
        }
        let literal = text.strip_suffix('*').filter(|rest| rest.ends_with('/')).unwrap_or(text);
        if literal.contains('*') {
            return Err(PathPatternError::MisplacedStar);
        }
        if literal.contains('?') {
            return Err(PathPatternError::Query);
        }
        let mut form = Vec::new();
        normalize_path(literal.as_bytes(), &mut form).map_err(PathPatternError::Form)?;
        let mut path = String::from_utf8(form).expect("a normal form is ASCII");
        if literal.len() == text.len() {
            return Ok(Self(PathKind::Exact(path)));
        }
        // A text that ends with `/` keeps it in normal form, dot segments or not.
        path.pop();
        Ok(Self(PathKind::Under(path)))
    }
}

#[cfg(test)]
mod tests {
    use super::{PathPattern, PathPatternError};
    use crate::path::PathError;

    fn pattern(text: &str) -> PathPattern {
        text.parse().unwrap()
    }

    #[track_caller]
    fn check(text: &str, matched: &[&str], unmatched: &[&str]) {
        let pattern = pattern(text);
        for path in matched {
            assert!(pattern.matches(path), "{text} matches {path}");
        }
        for path in unmatched {
            assert!(!pattern.matches(path), "{text} does not match {path}");
        }
        assert_eq!(pattern.to_string().parse::<PathPattern>().unwrap(), pattern);
    }

    #[test]
    fn a_path_matches_itself_alone() {
        check("/a", &["/a"], &["/", "/a/", "/ab", "/A", "/a/b"]);
        check("/", &["/"], &["/a", "//"]);
    }

    #[test]
    fn a_prefix_ends_at_a_slash() {
        check("/a/*", &["/a", "/a/", "/a/b", "/a/b/c", "/a//"], &["/", "/ab", "/b/a"]);
        check("/a//*", &["/a/", "/a//", "/a//b"], &["/a", "/a/b"]);
        check("/*", &["/", "/a", "//", "/a/b"], &[]);
    }

    #[test]
    fn a_pattern_takes_the_normal_form() {
        for (text, form) in [
            ("/%61/*", "/a/*"),
            ("/a/../b", "/b"),
            ("/a/./*", "/a/*"),
            ("/a/../*", "/*"),
            ("/a%2fb", "/a%2Fb"),
        ] {
            assert_eq!(pattern(text).to_string(), form);
        }
    }

    #[test]
    fn the_rest_is_what_the_star_stands_for() {
        for (text, path, rest) in [
            ("/a/*", "/a", Some("")),
            ("/a/*", "/a/", Some("")),
            ("/a/*", "/a/b/c", Some("b/c")),
            ("/a/*", "/a//b", Some("/b")),
            ("/*", "/a", Some("a")),
            ("/a", "/a", Some("")),
            ("/a/*", "/ab", None),
        ] {
            assert_eq!(pattern(text).rest(path), rest, "{text} {path}");
        }
    }

    #[test]
    fn what_is_no_path_is_refused() {
        for (text, error) in [
            ("", PathPatternError::Empty),
            ("a", PathPatternError::NotAbsolute { text: "a".into() }),
            ("*", PathPatternError::NotAbsolute { text: "*".into() }),
            ("/a*", PathPatternError::MisplacedStar),
            ("/*/a", PathPatternError::MisplacedStar),
            ("/*/*", PathPatternError::MisplacedStar),
            ("/a?b=c", PathPatternError::Query),
            ("/a b", PathPatternError::Form(PathError::BadByte { at: 2, byte: b' ' })),
            ("/é", PathPatternError::Form(PathError::BadByte { at: 1, byte: 0xc3 })),
            ("/%0", PathPatternError::Form(PathError::BadEscape { at: 1 })),
            ("/%00", PathPatternError::Form(PathError::EncodedNul { at: 1 })),
        ] {
            assert_eq!(text.parse::<PathPattern>(), Err(error), "{text}");
        }
    }
}
