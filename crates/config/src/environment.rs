//! `$NAME` in a value, replaced from the environment.

use std::borrow::Cow;
use std::collections::BTreeMap;

use crate::form::Fault;

/// Where `$NAME` is looked up.
pub trait Environment {
    /// Returns the variable's value; `None` when it is not set or not Unicode.
    fn get(&self, name: &str) -> Option<String>;
}

/// The variables of this process.
#[derive(Clone, Copy, Debug, Default)]
pub struct ProcessEnvironment;

impl Environment for ProcessEnvironment {
    fn get(&self, name: &str) -> Option<String> {
        std::env::var(name).ok()
    }
}

impl Environment for BTreeMap<String, String> {
    fn get(&self, name: &str) -> Option<String> {
        self.get(name).cloned()
    }
}

/// Replaces each `$NAME` and `${NAME}`; `$$` stands for one `$`.
pub(crate) fn expand<'t>(text: &'t str, environment: &dyn Environment) -> Result<Cow<'t, str>, Fault> {
    let Some(first) = text.find('$') else {
        return Ok(Cow::Borrowed(text));
    };
    let (mut out, mut rest) = (text[..first].to_owned(), &text[first..]);
    while let Some(after) = rest.strip_prefix('$') {
        rest = match after.strip_prefix('$') {
            Some(escaped) => {
                out.push('$');
                escaped
            }
            None => {
                let (name, tail) = variable(after)?;
                out.push_str(&value(name, environment)?);
                tail
            }
        };
        let plain = rest.find('$').unwrap_or(rest.len());
        out.push_str(&rest[..plain]);
        rest = &rest[plain..];
    }
    Ok(Cow::Owned(out))
}

/// Whether the text is one `$NAME` or `${NAME}` and nothing else.
pub(crate) fn is_variable(text: &str) -> bool {
    let variable = text.strip_prefix('$').map(variable);
    variable.is_some_and(|found| found.is_ok_and(|(_, tail)| tail.is_empty()))
}

/// Splits `NAME…` or `{NAME}…` into the name and what follows.
fn variable(text: &str) -> Result<(&str, &str), Fault> {
    let braced = text.starts_with('{');
    let body = &text[usize::from(braced)..];
    let end = body.bytes().take_while(|b| b.is_ascii_alphanumeric() || *b == b'_').count();
    let (name, tail) = body.split_at(end);
    let tail = match braced {
        true => tail.strip_prefix('}'),
        false => Some(tail),
    };
    match tail {
        Some(tail) if !name.is_empty() && !name.starts_with(|c: char| c.is_ascii_digit()) => Ok((name, tail)),
        _ => Err(Fault::new("`$` is not followed by the name of a variable")
            .hint("write `$NAME` or `${NAME}`, or `$$` for the character itself")),
    }
}

fn value(name: &str, environment: &dyn Environment) -> Result<String, Fault> {
    environment.get(name).filter(|value| !value.is_empty()).ok_or_else(|| {
        Fault::new(format!("the environment variable `{name}` is not set"))
            .hint(format!("set `{name}` to a value before starting, or write `$$` for the character `$`"))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expected: Result<&str, &str>) {
        let variables =
            BTreeMap::from([("TOKEN".to_owned(), "s3$cret".to_owned()), ("EMPTY".to_owned(), String::new())]);
        let found = expand(text, &variables).map(Cow::into_owned).map_err(|fault| fault.label);
        assert_eq!(found.as_deref().map_err(String::as_str), expected, "{text}");
    }

    #[test]
    fn a_variable_is_replaced_once() {
        check("plain", Ok("plain"));
        check("$TOKEN", Ok("s3$cret"));
        check("Bearer $TOKEN!", Ok("Bearer s3$cret!"));
        check("${TOKEN}s", Ok("s3$crets"));
        check("a$$TOKEN", Ok("a$TOKEN"));
        check("$$", Ok("$"));
    }

    #[test]
    fn a_reference_is_one_variable_and_nothing_else() {
        for (text, expected) in
            [("$A", true), ("${A_1}", true), ("$A$B", false), ("$A-", false), ("x$A", false)]
        {
            assert_eq!(is_variable(text), expected, "{text}");
        }
        assert!(["", "$", "$$", "$1", "${A", "A"].iter().all(|text| !is_variable(text)));
    }

    #[test]
    fn an_unset_or_unnamed_variable_is_refused() {
        check("$MISSING", Err("the environment variable `MISSING` is not set"));
        check("$EMPTY", Err("the environment variable `EMPTY` is not set"));
        for text in ["$", "$1", "a $ b", "${TOKEN", "${}", "$é"] {
            check(text, Err("`$` is not followed by the name of a variable"));
        }
    }
}
