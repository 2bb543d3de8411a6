//! Booleans, numbers, durations, sizes and choices.

use std::time::Duration;

use toml::Spanned;
use toml::de::{DeInteger, DeValue};

use super::{Fallback, Fault, Form, Key, Shape};
use crate::diagnostics::{Diagnostic, Span};
use crate::reader::Reader;
use crate::{suggest, units};

/// A size or an amount in bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Bytes(pub(crate) u64);

/// The words a key may say.
pub(crate) struct Choices {
    /// Each with what it means.
    pub(crate) values: &'static [(&'static str, &'static str)],
    /// Words that a later version knows.
    pub(crate) later: &'static [&'static str],
}

impl Form for bool {
    const SHAPE: Shape = Shape::Boolean;

    fn read(value: &Spanned<DeValue<'_>>, key: &Key, reader: &mut Reader<'_>) -> Option<Self> {
        match value.get_ref() {
            DeValue::Boolean(yes) => Some(*yes),
            _ => reader.wrong_type(value, key, &Self::SHAPE),
        }
    }
}

impl Fallback for bool {
    fn fallback(key: &Key, _: &mut Reader<'_>) -> Self {
        key.default == Some("true")
    }
}

impl Form for u64 {
    const SHAPE: Shape = Shape::Count;

    fn read(value: &Spanned<DeValue<'_>>, key: &Key, reader: &mut Reader<'_>) -> Option<Self> {
        let DeValue::Integer(integer) = value.get_ref() else {
            return reader.wrong_type(value, key, &Self::SHAPE);
        };
        within(whole(integer), key, value.span().into(), reader, |count| count.to_string())
    }
}

impl Fallback for u64 {
    fn fallback(key: &Key, _: &mut Reader<'_>) -> Self {
        key.default.and_then(|text| text.parse().ok()).expect("the default of a count is a number")
    }
}

impl Form for Duration {
    const SHAPE: Shape = Shape::Duration;

    fn read(value: &Spanned<DeValue<'_>>, key: &Key, reader: &mut Reader<'_>) -> Option<Self> {
        let span = value.span().into();
        if let DeValue::Integer(integer) = value.get_ref() {
            reader.report(
                Diagnostic::error(span, format!("`{}` needs a unit", key.name))
                    .label("a number without a unit")
                    .hint(format!("write \"{integer}s\" for seconds or \"{integer}ms\" for milliseconds")),
            );
            return None;
        }
        let text = reader.text(value, key, &Self::SHAPE)?;
        let ms = reader.accept(units::parse_duration(text), "duration", key, span)?;
        within(Some(ms), key, span, reader, units::show_duration).map(Self::from_millis)
    }
}

impl Fallback for Duration {
    fn fallback(key: &Key, _: &mut Reader<'_>) -> Self {
        let default = key.default.expect("a duration that cannot be absent has a default");
        Self::from_millis(units::parse_duration(default).expect("a default is a valid value"))
    }
}

impl Form for Bytes {
    const SHAPE: Shape = Shape::Bytes;

    fn read(value: &Spanned<DeValue<'_>>, key: &Key, reader: &mut Reader<'_>) -> Option<Self> {
        let span = value.span().into();
        let bytes = match value.get_ref() {
            DeValue::Integer(integer) => whole(integer),
            _ => {
                let text = reader.text(value, key, &Self::SHAPE)?;
                Some(reader.accept(units::parse_bytes(text), "byte size", key, span)?)
            }
        };
        within(bytes, key, span, reader, units::show_bytes).map(Self)
    }
}

impl Fallback for Bytes {
    fn fallback(key: &Key, _: &mut Reader<'_>) -> Self {
        let default = key.default.expect("a size that cannot be absent has a default");
        Self(units::parse_bytes(default).expect("a default is a valid value"))
    }
}

/// The status of a redirect.
#[derive(Clone, Copy, Debug)]
pub(crate) struct RedirectStatus(pub(crate) u16);

/// RFC 9110, 15.4: those that carry a Location a client follows.
const REDIRECT_STATUSES: &[u64] = &[301, 302, 303, 307, 308];

impl Form for RedirectStatus {
    const SHAPE: Shape = Shape::Numbers(REDIRECT_STATUSES);

    fn read(value: &Spanned<DeValue<'_>>, key: &Key, reader: &mut Reader<'_>) -> Option<Self> {
        let DeValue::Integer(integer) = value.get_ref() else {
            return reader.wrong_type(value, key, &Self::SHAPE);
        };
        let status = whole(integer).filter(|status| REDIRECT_STATUSES.contains(status));
        if let Some(status) = status {
            return u16::try_from(status).ok().map(Self);
        }
        let fault = Fault::new(format!("expected {}", Self::SHAPE.noun()));
        reader.accept(Err(fault), "redirect status", key, value.span().into())
    }
}

impl Fallback for RedirectStatus {
    fn fallback(key: &Key, _: &mut Reader<'_>) -> Self {
        Self(key.default.and_then(|text| text.parse().ok()).expect("the default status is a number"))
    }
}

/// `None`: below zero or beyond 64 bits.
fn whole(integer: &DeInteger<'_>) -> Option<u64> {
    u64::from_str_radix(integer.as_str(), integer.radix()).ok()
}

/// The number if it lies in the key's range; otherwise a report with the range.
fn within(
    number: Option<u64>,
    key: &Key,
    span: Span,
    reader: &mut Reader<'_>,
    show: fn(u64) -> String,
) -> Option<u64> {
    let (low, high) = key.range.unwrap_or((0, u64::MAX));
    if let Some(number) = number.filter(|number| (low..=high).contains(number)) {
        return Some(number);
    }
    let label = match number {
        Some(number) if number < low => format!("less than {}", show(low)),
        Some(_) => format!("more than {}", show(high)),
        None => "not a number this key can hold".to_owned(),
    };
    let allowed = match key.range {
        Some(_) => format!("from {} to {}", show(low), show(high)),
        None => "0 or more".to_owned(),
    };
    reader.report(
        Diagnostic::error(span, format!("`{}` is out of range", key.name))
            .label(label)
            .hint(format!("allowed: {allowed}")),
    );
    None
}

/// Reads a word as the index of its choice; the shape says all that could stand in its place.
pub(crate) fn read_choice(
    value: &Spanned<DeValue<'_>>,
    choices: &'static Choices,
    shape: &Shape,
    key: &Key,
    reader: &mut Reader<'_>,
) -> Option<usize> {
    let text = reader.text(value, key, shape)?;
    let word = text.replace('_', "-");
    if let Some(index) = choices.values.iter().position(|(name, _)| name.replace('_', "-") == word) {
        return Some(index);
    }
    let span = value.span().into();
    if choices.later.contains(&word.as_str()) {
        reader.report(
            Diagnostic::error(span, format!("\"{text}\" is not supported by this version"))
                .label("known, but not built yet")
                .hint(format!("supported: {}", shape.noun())),
        );
        return None;
    }
    let mut fault = Fault::new(format!("expected {}", shape.noun()));
    if let Some(near) = suggest::nearest(text, choices.values.iter().map(|(name, _)| *name)) {
        fault = fault.hint(format!("did you mean \"{near}\"?"));
    }
    reader.accept(Err(fault), "value", key, span)
}

/// The position of a default among the choices.
pub(crate) fn default_choice(choices: &Choices, key: &Key) -> usize {
    choices
        .values
        .iter()
        .position(|(name, _)| Some(*name) == key.default)
        .expect("the default is one of the choices")
}

/// Makes an enum of the configuration a choice: each word, its value, its meaning.
macro_rules! choice {
    ($type:ty { $($word:literal => $value:expr, $doc:literal;)+ } $(later $later:tt)?) => {
        impl $type {
            const CHOICES: $crate::form::Choices = $crate::form::Choices {
                values: &[$(($word, $doc)),+],
                later: $crate::form::later!($($later)?),
            };
            const VALUES: &[Self] = &[$($value),+];
        }

        impl $crate::form::Form for $type {
            const SHAPE: $crate::form::Shape = $crate::form::Shape::Choice(&Self::CHOICES);

            fn read(
                value: &toml::Spanned<toml::de::DeValue<'_>>,
                key: &$crate::form::Key,
                reader: &mut $crate::reader::Reader<'_>,
            ) -> Option<Self> {
                let index = $crate::form::read_choice(
                    value,
                    const { &Self::CHOICES },
                    &<Self as $crate::form::Form>::SHAPE,
                    key,
                    reader,
                )?;
                Self::VALUES.get(index).copied()
            }
        }

        impl $crate::form::Fallback for $type {
            fn fallback(key: &$crate::form::Key, _: &mut $crate::reader::Reader<'_>) -> Self {
                Self::VALUES[$crate::form::default_choice(&Self::CHOICES, key)]
            }
        }
    };
}

pub(crate) use choice;
