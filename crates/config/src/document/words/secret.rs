//! Secrets: as text for a token, by reference for a function.

use std::ops::RangeInclusive;
use std::path::PathBuf;

use toml::Spanned;
use toml::de::DeValue;

use super::PathWord;
use crate::environment;
use crate::form::{Fault, Form, Key, Shape, Text, TextForm};
use crate::reader::Reader;

/// Bytes of a token.
const TOKEN_BYTES: RangeInclusive<usize> = 16..=512;

/// A token of the admin side; a fault never repeats it.
pub(crate) struct SecretWord(pub(crate) String);

impl TextForm for SecretWord {
    const TEXT: Text = Text {
        noun: "secret",
        with_article: "a secret",
        example: "$LOCKGATE_TOKEN",
        pattern: None,
        environment: true,
    };

    fn parse(text: &str) -> Result<Self, Fault> {
        if text.is_empty() {
            return Err(Fault::new("a secret cannot be empty"));
        }
        // It travels in `Authorization: Bearer …` (RFC 6750 §2.1).
        if !text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-._~+/=".contains(&byte)) {
            return Err(Fault::new("a token is made of letters, digits and `-._~+/=`"));
        }
        if !TOKEN_BYTES.contains(&text.len()) {
            let (least, most) = (TOKEN_BYTES.start(), TOKEN_BYTES.end());
            return Err(Fault::new(format!("a token has {least} to {most} characters"))
                .hint("`openssl rand -hex 32` makes one"));
        }
        Ok(Self(text.to_owned()))
    }
}

/// A secret that stands elsewhere.
pub(crate) enum SecretReference {
    /// `$NAME`, as the environment has it.
    Value(String),
    /// `file:PATH`, not read yet.
    File(PathBuf),
}

const REFERENCE: Text = Text {
    noun: "secret by reference",
    with_article: "a reference",
    example: "$API_TOKEN",
    pattern: Some("^(\\$([A-Za-z_][A-Za-z0-9_]*|\\{[A-Za-z_][A-Za-z0-9_]*\\})|file:.+)$"),
    environment: false,
};

impl Form for SecretReference {
    const SHAPE: Shape = Shape::Text(&REFERENCE);

    fn read(value: &Spanned<DeValue<'_>>, key: &Key, reader: &mut Reader<'_>) -> Option<Self> {
        let span = value.span().into();
        let is_reference = |text: &str| text.starts_with("file:") || environment::is_variable(text);
        // What is refused may be the secret itself.
        if !value.get_ref().as_str().is_some_and(is_reference) {
            reader.hide(span);
        }
        let text = reader.text(value, key, &Self::SHAPE)?;
        let found = match text.strip_prefix("file:") {
            Some(path) => environment::expand(path, reader.environment)
                .and_then(|path| PathWord::parse(&path))
                .map(|PathWord(path)| Self::File(path)),
            None if is_reference(text) => {
                environment::expand(text, reader.environment).map(|secret| Self::Value(secret.into_owned()))
            }
            None => Err(Fault::new("a secret of a function is not written here").hint(
                "write \"$NAME\" to take it from the environment, or \"file:PATH\" to read it from a file",
            )),
        };
        reader.accept(found, "secret", key, span)
    }
}
