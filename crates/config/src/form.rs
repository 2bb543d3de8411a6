//! The one definition of a key: what is read, what is refused, what schema and reference say, all come from it.

mod collection;
mod scalar;
mod text;

use toml::Spanned;
use toml::de::DeValue;

pub(crate) use collection::{Map, OneOrMany};
pub(crate) use scalar::{Bytes, Choices, RedirectStatus, choice, default_choice, read_choice};
pub(crate) use text::{Fault, Text, TextForm};

use crate::diagnostics::Span;
use crate::reader::{Reader, Slot};

/// A value and where it stands; a default stands nowhere.
#[derive(Clone, Debug)]
pub(crate) struct At<T> {
    pub(crate) value: T,
    pub(crate) span: Option<Span>,
}

/// One key of a section.
#[derive(Clone, Copy)]
pub(crate) struct Key {
    /// As written; `_` and `-` are read alike.
    pub(crate) name: &'static str,
    /// What it does, one Markdown sentence or more.
    pub(crate) doc: &'static str,
    pub(crate) shape: Shape,
    /// The default, as its text.
    pub(crate) default: Option<&'static str>,
    /// What happens without the key, where no single value says it.
    pub(crate) otherwise: Option<&'static str>,
    pub(crate) required: bool,
    /// Smallest and largest value: milliseconds, bytes or a count.
    pub(crate) range: Option<(u64, u64)>,
    /// What a client sees when the limit is met.
    pub(crate) status: Option<&'static str>,
    /// Whether a change takes effect only after a restart.
    pub(crate) restart: bool,
    /// Whether what stands under it is not to be shown.
    pub(crate) secret: bool,
}

impl Key {
    /// A key with nothing but name, meaning and shape.
    pub(crate) const fn plain(name: &'static str, doc: &'static str, shape: Shape) -> Self {
        Self {
            name,
            doc,
            shape,
            default: None,
            otherwise: None,
            required: false,
            range: None,
            status: None,
            restart: false,
            secret: false,
        }
    }
}

/// A table with a fixed set of keys.
pub(crate) struct Section {
    /// How it is written, such as `[upstream.NAME]`.
    pub(crate) title: &'static str,
    pub(crate) about: &'static str,
    pub(crate) keys: &'static [Key],
    /// Keys that a later version knows: refused, but not as unknown.
    pub(crate) later: &'static [&'static str],
}

/// What a value looks like.
#[derive(Clone, Copy)]
pub(crate) enum Shape {
    Boolean,
    /// Only `true`.
    True,
    Count,
    Numbers(&'static [u64]),
    Duration,
    Bytes,
    Text(&'static Text),
    Choice(&'static Choices),
    List(&'static Shape),
    Map(&'static Text, &'static Shape),
    Section(&'static Section),
    Either(&'static Shape, &'static Shape),
}

impl Shape {
    /// What a message says it expected, with article.
    pub(crate) fn noun(&self) -> String {
        match self {
            Self::Boolean => "`true` or `false`".to_owned(),
            Self::True => "`true`".to_owned(),
            Self::Count => "a whole number".to_owned(),
            Self::Numbers(all) => format!("one of {}", joined(all.iter(), "or")),
            Self::Duration => "a duration such as \"10s\"".to_owned(),
            Self::Bytes => "a byte size such as \"64KiB\"".to_owned(),
            Self::Text(text) => format!("{} such as \"{}\"", text.with_article, text.example),
            Self::Choice(choices) => {
                let words = joined(choices.values.iter().map(|(name, _)| format!("\"{name}\"")), "or");
                if choices.values.len() == 1 { words } else { format!("one of {words}") }
            }
            Self::List(Self::Section(section)) => format!("tables, each under `{}`", section.title),
            Self::List(_) => "a list".to_owned(),
            Self::Map(..) | Self::Section(_) => "a table".to_owned(),
            Self::Either(one, other) => format!("{} or {}", one.noun(), other.noun()),
        }
    }
}

/// `a, b or c`
pub(crate) fn joined(items: impl Iterator<Item = impl ToString>, last: &str) -> String {
    let items: Vec<String> = items.map(|item| item.to_string()).collect();
    match items.split_last() {
        Some((end, start)) if !start.is_empty() => format!("{} {last} {end}", start.join(", ")),
        _ => items.join(""),
    }
}

/// A kind of value: how it looks and how it is read.
pub(crate) trait Form: Sized {
    const SHAPE: Shape;
    /// Reads a value, or reports why that is not possible. Ranges in `key` hold for the numbers within.
    fn read(value: &Spanned<DeValue<'_>>, key: &Key, reader: &mut Reader<'_>) -> Option<Self>;
}

/// A kind of value that an absent or unreadable key can stand for.
pub(crate) trait Fallback: Form {
    fn fallback(key: &Key, reader: &mut Reader<'_>) -> Self;
}

/// What a section holds for a key: `At<T>` where there is a default, `Option<At<T>>` where there is none.
pub(crate) trait Field {
    const SHAPE: Shape;
    fn field(slot: &Slot<'_, '_>, reader: &mut Reader<'_>) -> Self;
}

impl<T: Form> Field for Option<At<T>> {
    const SHAPE: Shape = T::SHAPE;

    fn field(slot: &Slot<'_, '_>, reader: &mut Reader<'_>) -> Self {
        let Some(entry) = slot.entry else {
            if slot.key.required {
                reader.missing(slot);
            }
            return None;
        };
        let value = T::read(entry, slot.key, reader)?;
        Some(At { value, span: Some(entry.span().into()) })
    }
}

impl<T: Fallback> Field for At<T> {
    const SHAPE: Shape = T::SHAPE;

    fn field(slot: &Slot<'_, '_>, reader: &mut Reader<'_>) -> Self {
        match Option::<Self>::field(slot, reader) {
            Some(found) => found,
            None => Self { value: T::fallback(slot.key, reader), span: None },
        }
    }
}

/// Defines a section: the type that holds it and the definition of each key, in one place.
macro_rules! section {
    (
        $(#[doc = $about:literal])*
        $name:ident = $title:literal $(, later $later:tt)? {
            $( $(#[doc = $doc:literal])* $field:ident $($spelling:literal)?: $form:ty $({ $($option:ident: $value:expr),+ })?, )*
        }
    ) => {
        $(#[doc = $about])*
        pub(crate) struct $name {
            $( $(#[doc = $doc])* pub(crate) $field: $form, )*
            /// The keys that were written, readable or not.
            #[allow(dead_code, reason = "few sections need to know more than their values")]
            pub(crate) written: $crate::reader::Written,
        }

        impl $name {
            pub(crate) const SECTION: $crate::form::Section = $crate::form::Section {
                title: $title,
                about: concat!($($about, "\n"),*),
                keys: &[$(
                    $crate::form::Key {
                        $($($option: $value,)+)?
                        ..$crate::form::Key::plain(
                            $crate::form::spelling!($field $($spelling)?),
                            concat!($($doc, "\n"),*),
                            <$form as $crate::form::Field>::SHAPE,
                        )
                    },
                )*],
                later: $crate::form::later!($($later)?),
            };

            pub(crate) fn from_entries(
                entries: &$crate::reader::Entries<'_, '_>,
                reader: &mut $crate::reader::Reader<'_>,
            ) -> Self {
                let mut slots = entries.slots();
                Self {
                    $( $field: $crate::form::Field::field(
                        &slots.next().expect("a section has one slot for each of its keys"), reader), )*
                    written: entries.written(),
                }
            }
        }

        impl $crate::form::Form for $name {
            const SHAPE: $crate::form::Shape = $crate::form::Shape::Section(&Self::SECTION);

            fn read(
                value: &toml::Spanned<toml::de::DeValue<'_>>,
                key: &$crate::form::Key,
                reader: &mut $crate::reader::Reader<'_>,
            ) -> Option<Self> {
                let entries = reader.entries(value, key, const { &Self::SECTION })?;
                Some(Self::from_entries(&entries, reader))
            }
        }

        impl $crate::form::Fallback for $name {
            fn fallback(_key: &$crate::form::Key, reader: &mut $crate::reader::Reader<'_>) -> Self {
                Self::from_entries(&$crate::reader::Entries::none(const { &Self::SECTION }), reader)
            }
        }
    };
}

/// The written name of a key: its own, or the one given.
macro_rules! spelling {
    ($field:ident) => {
        stringify!($field)
    };
    ($field:ident $spelling:literal) => {
        $spelling
    };
}

/// The keys of later versions, none unless given.
macro_rules! later {
    () => {
        &[]
    };
    ($later:tt) => {
        &$later
    };
}

pub(crate) use {later, section, spelling};
