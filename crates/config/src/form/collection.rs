//! Lists, tables with names of the reader's own, and one or several of a kind.

use toml::Spanned;
use toml::de::DeValue;

use super::{At, Fallback, Form, Key, Shape, TextForm};
use crate::reader::Reader;

impl<T: Form> Form for Vec<At<T>> {
    const SHAPE: Shape = Shape::List(&T::SHAPE);

    fn read(value: &Spanned<DeValue<'_>>, key: &Key, reader: &mut Reader<'_>) -> Option<Self> {
        let DeValue::Array(array) = value.get_ref() else {
            return reader.wrong_type(value, key, &Self::SHAPE);
        };
        let mut items = Self::with_capacity(array.len());
        for item in array.iter() {
            if let Some(value) = T::read(item, key, reader) {
                items.push(At { value, span: Some(item.span().into()) });
            }
        }
        Some(items)
    }
}

impl<T: Form> Fallback for Vec<At<T>> {
    fn fallback(_: &Key, _: &mut Reader<'_>) -> Self {
        Self::new()
    }
}

/// A table whose keys are names or words of the reader's choosing, in the order written; and whether all of it
/// could
/// be read.
#[derive(Debug)]
pub(crate) struct Map<K, V>(pub(crate) Vec<(At<K>, At<V>)>, pub(crate) bool);

impl<K: TextForm, V: Form> Form for Map<K, V> {
    const SHAPE: Shape = Shape::Map(&K::TEXT, &V::SHAPE);

    fn read(value: &Spanned<DeValue<'_>>, key: &Key, reader: &mut Reader<'_>) -> Option<Self> {
        let DeValue::Table(table) = value.get_ref() else {
            return reader.wrong_type(value, key, &Self::SHAPE);
        };
        let mut written: Vec<_> = table.iter().collect();
        written.sort_by_key(|(name, _)| name.span().start);
        let mut entries = Vec::with_capacity(written.len());
        for (name, value) in written {
            let span = name.span().into();
            let word = reader.accept(K::parse(name.get_ref()), K::TEXT.noun, key, span);
            let value = V::read(value, key, reader).map(|v| At { value: v, span: Some(value.span().into()) });
            if let (Some(word), Some(value)) = (word, value) {
                entries.push((At { value: word, span: Some(span) }, value));
            }
        }
        let complete = entries.len() == table.len();
        Some(Self(entries, complete))
    }
}

impl<K: TextForm, V: Form> Fallback for Map<K, V> {
    fn fallback(_: &Key, _: &mut Reader<'_>) -> Self {
        Self(Vec::new(), true)
    }
}

/// One value, or a list of them.
#[derive(Debug)]
pub(crate) struct OneOrMany<T>(pub(crate) Vec<At<T>>);

impl<T: Form> Form for OneOrMany<T> {
    const SHAPE: Shape = Shape::Either(&T::SHAPE, &Shape::List(&T::SHAPE));

    fn read(value: &Spanned<DeValue<'_>>, key: &Key, reader: &mut Reader<'_>) -> Option<Self> {
        if matches!(value.get_ref(), DeValue::Array(_)) {
            return Vec::<At<T>>::read(value, key, reader).map(Self);
        }
        let one = T::read(value, key, reader)?;
        Some(Self(vec![At { value: one, span: Some(value.span().into()) }]))
    }
}

impl<T: Fallback> Fallback for OneOrMany<T> {
    fn fallback(key: &Key, reader: &mut Reader<'_>) -> Self {
        Self(vec![At { value: T::fallback(key, reader), span: None }])
    }
}
