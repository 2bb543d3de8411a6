//! A condition as text that is read back as the same condition.

use alloc::boxed::Box;
use core::fmt::{self, Display, Write};

use super::lexer::is_plain_name;
use super::{Comparison, Condition, Filter, Literal, Relation, Test};

impl Display for Filter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl Display for Condition<Box<str>> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Or(parts) => joined(parts, " or ", f),
            Self::And(parts) => joined(parts, " and ", f),
            Self::Not(inner) => {
                f.write_str("not ")?;
                part(inner, f)
            }
            Self::Test(test) => test.fmt(f),
        }
    }
}

fn joined(parts: &[Condition<Box<str>>], word: &str, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    for (place, inner) in parts.iter().enumerate() {
        if place > 0 {
            f.write_str(word)?;
        }
        part(inner, f)?;
    }
    Ok(())
}

/// In parentheses where there are words that bind less.
fn part(inner: &Condition<Box<str>>, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    match inner {
        Condition::Or(_) | Condition::And(_) => write!(f, "({inner})"),
        Condition::Not(_) | Condition::Test(_) => inner.fmt(f),
    }
}

impl Display for Test<Box<str>> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if is_plain_name(&self.field) {
            f.write_str(&self.field)?;
        } else {
            quoted(&self.field, '`', f)?;
        }
        f.write_char(' ')?;
        let not = if self.is_negated { "not " } else { "" };
        let text = |words: &str, text: &str, f: &mut fmt::Formatter<'_>| {
            write!(f, "{not}{words} ")?;
            quoted(text, '\'', f)
        };
        match &self.relation {
            Relation::Null => write!(f, "is {not}null"),
            Relation::Compared(comparison, literal) => write!(f, "{} {literal}", comparison.sign()),
            Relation::In(literals) => {
                write!(f, "{not}in (")?;
                for (place, literal) in literals.iter().enumerate() {
                    write!(f, "{}{literal}", if place > 0 { ", " } else { "" })?;
                }
                f.write_char(')')
            }
            Relation::Contains(part) => text("contains", part, f),
            Relation::StartsWith(start) => text("starts with", start, f),
            Relation::EndsWith(end) => text("ends with", end, f),
            Relation::Like(pattern) => text("like", pattern, f),
        }
    }
}

impl Comparison {
    fn sign(self) -> &'static str {
        match self {
            Self::Equal => "=",
            Self::NotEqual => "!=",
            Self::Less => "<",
            Self::LessOrEqual => "<=",
            Self::Greater => ">",
            Self::GreaterOrEqual => ">=",
        }
    }
}

impl Display for Literal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Bool(is) => is.fmt(f),
            Self::Number(number) => number.fmt(f),
            Self::Text { text, .. } => quoted(text, '\'', f),
        }
    }
}

/// In quotes, the quote itself doubled.
fn quoted(text: &str, quote: char, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    f.write_char(quote)?;
    for c in text.chars() {
        f.write_char(c)?;
        if c == quote {
            f.write_char(c)?;
        }
    }
    f.write_char(quote)
}
