//! Text → condition, by recursive descent.

use alloc::boxed::Box;
use alloc::string::String;
use alloc::vec;
use alloc::vec::Vec;

use super::lexer::{Lexer, Token, is_reserved};
use super::{Comparison, Condition, FILTER_DEPTH_MAX, Literal, ParseFilterError, Relation, Test};
use crate::time::parse_rfc3339;

type Error = ParseFilterError;
type Field = Box<str>;

const TEST: &str = "expected a comparison such as `>= 500`, or `in`, `is null`, `contains`, `starts with`, `ends with` or `like`";
const VALUE: &str = "expected a value such as `500` or `'text'`";
const TEXT: &str = "expected a text such as `'orders'`";
const FIELD: &str = "expected a field such as `status`";

pub(super) fn parse(text: &str) -> Result<Condition<Field>, Error> {
    let mut parser = Parser { lexer: Lexer::new(text), at: 0, token: Token::End };
    parser.advance()?;
    let condition = parser.any(0)?;
    match parser.token {
        Token::End => Ok(condition),
        Token::Close => {
            Err(parser.expected("this parenthesis was not opened: expected `and`, `or` or the end"))
        }
        _ => Err(parser.expected("expected `and`, `or` or the end")),
    }
}

struct Parser<'t> {
    lexer: Lexer<'t>,
    /// The token to be looked at, and where it starts.
    token: Token<'t>,
    at: usize,
}

impl<'t> Parser<'t> {
    fn expected(&self, what: &str) -> Error {
        Error { at: self.at, what: what.into() }
    }

    /// Goes on to the next token; returns the one before.
    fn advance(&mut self) -> Result<Token<'t>, Error> {
        let (at, token) = self.lexer.next()?;
        self.at = at;
        Ok(core::mem::replace(&mut self.token, token))
    }

    /// Goes on if this word comes.
    fn takes(&mut self, word: &str) -> Result<bool, Error> {
        let is_it = matches!(&self.token, Token::Word(found) if found.eq_ignore_ascii_case(word));
        if is_it {
            self.advance()?;
        }
        Ok(is_it)
    }

    fn any(&mut self, depth: usize) -> Result<Condition<Field>, Error> {
        self.joined("or", Condition::Or, |parser| parser.all(depth))
    }

    fn all(&mut self, depth: usize) -> Result<Condition<Field>, Error> {
        self.joined("and", Condition::And, |parser| parser.one(depth))
    }

    fn joined(
        &mut self,
        word: &str,
        join: fn(Vec<Condition<Field>>) -> Condition<Field>,
        part: impl Fn(&mut Self) -> Result<Condition<Field>, Error>,
    ) -> Result<Condition<Field>, Error> {
        let first = part(self)?;
        if !self.takes(word)? {
            return Ok(first);
        }
        let mut parts = vec![first, part(self)?];
        while self.takes(word)? {
            parts.push(part(self)?);
        }
        Ok(join(parts))
    }

    fn one(&mut self, depth: usize) -> Result<Condition<Field>, Error> {
        if depth == FILTER_DEPTH_MAX {
            let what = alloc::format!(
                "more than {FILTER_DEPTH_MAX} parentheses and `not` within each other: expected a simpler condition"
            );
            return Err(self.expected(&what));
        }
        if self.takes("not")? {
            return Ok(Condition::Not(Box::new(self.one(depth + 1)?)));
        }
        if self.token != Token::Open {
            return self.test();
        }
        let opened = self.at;
        self.advance()?;
        let inner = self.any(depth + 1)?;
        match self.token {
            Token::Close => self.advance()?,
            Token::End => {
                return Err(Error {
                    at: opened,
                    what: "the parenthesis opened here is not closed: expected `)`".into(),
                });
            }
            _ => return Err(self.expected("expected `and`, `or` or `)`")),
        };
        Ok(inner)
    }

    fn test(&mut self) -> Result<Condition<Field>, Error> {
        let field = match &self.token {
            Token::Word(word) if !is_reserved(word) => Field::from(*word),
            Token::Name(name) => name.as_str().into(),
            _ => return Err(self.expected(FIELD)),
        };
        self.advance()?;
        let (is_negated, relation) = self.relation()?;
        Ok(Condition::Test(Test { field, is_negated, relation }))
    }

    /// What stands behind a field, and whether with `not`.
    fn relation(&mut self) -> Result<(bool, Relation), Error> {
        if let Token::Sign(comparison) = self.token {
            self.advance()?;
            return self.compared(comparison);
        }
        if self.takes("is")? {
            let is_negated = self.takes("not")?;
            return if self.takes("null")? {
                Ok((is_negated, Relation::Null))
            } else {
                Err(self.expected(if is_negated {
                    "expected `null`"
                } else {
                    "expected `null` or `not null`"
                }))
            };
        }
        let is_negated = self.takes("not")?;
        let relation = if self.takes("in")? {
            Relation::In(self.list()?)
        } else if self.takes("contains")? {
            Relation::Contains(self.text()?)
        } else if self.takes("starts")? {
            self.with()?;
            Relation::StartsWith(self.text()?)
        } else if self.takes("ends")? {
            self.with()?;
            Relation::EndsWith(self.text()?)
        } else if self.takes("like")? {
            Relation::Like(self.text()?)
        } else if is_negated {
            return Err(self.expected("expected `in`, `contains`, `starts with`, `ends with` or `like`"));
        } else {
            return Err(self.expected(TEST));
        };
        Ok((is_negated, relation))
    }

    fn compared(&mut self, comparison: Comparison) -> Result<(bool, Relation), Error> {
        let at = self.at;
        let unordered = |value| Error {
            at,
            what: alloc::format!("{value} is neither less nor greater: expected `=` or `!=` before it"),
        };
        let is_order = !matches!(comparison, Comparison::Equal | Comparison::NotEqual);
        if self.takes("null")? {
            return if is_order {
                Err(unordered("`null`"))
            } else {
                Ok((comparison == Comparison::NotEqual, Relation::Null))
            };
        }
        match self.literal()? {
            Literal::Bool(is) if is_order => Err(unordered(if is { "`true`" } else { "`false`" })),
            literal => Ok((false, Relation::Compared(comparison, literal))),
        }
    }

    fn with(&mut self) -> Result<(), Error> {
        if self.takes("with")? { Ok(()) } else { Err(self.expected("expected `with`")) }
    }

    fn list(&mut self) -> Result<Vec<Literal>, Error> {
        if self.token != Token::Open {
            return Err(self.expected("expected a list such as `(200, 204)`"));
        }
        let mut literals = Vec::new();
        loop {
            // Past the parenthesis or the comma.
            self.advance()?;
            literals.push(self.literal()?);
            match self.token {
                Token::Comma => {}
                Token::Close => break,
                _ => return Err(self.expected("expected `,` or `)`")),
            }
        }
        self.advance()?;
        Ok(literals)
    }

    fn literal(&mut self) -> Result<Literal, Error> {
        if self.takes("true")? {
            return Ok(Literal::Bool(true));
        }
        if self.takes("false")? {
            return Ok(Literal::Bool(false));
        }
        if let Token::Number(number) = self.token {
            self.advance()?;
            return Ok(Literal::Number(number));
        }
        let text = self.text_or(VALUE)?;
        Ok(Literal::Text { moment: parse_rfc3339(text.as_bytes()), text })
    }

    fn text(&mut self) -> Result<Box<str>, Error> {
        self.text_or(TEXT)
    }

    fn text_or(&mut self, what: &str) -> Result<Box<str>, Error> {
        let text = match &mut self.token {
            Token::Text(text) => core::mem::take(text),
            Token::Word(word) if !is_reserved(word) => String::from(*word),
            _ => return Err(self.expected(what)),
        };
        self.advance()?;
        Ok(text.into())
    }
}
