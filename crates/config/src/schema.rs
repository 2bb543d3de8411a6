//! The JSON Schema (draft 2020-12) of a configuration, made of the same definitions that read it.

use serde_json::{Map, Value, json};

use crate::document::Document;
use crate::form::{Key, Section, Shape};

/// The schema that editors and other tools check `lockgate.toml` with. Keys are known by their documented
/// spelling
/// only; what needs more than one key to tell (two targets, unknown upstreams) is left to `lockgate check`.
pub fn json_schema() -> Value {
    let mut schema = section(&Document::SECTION);
    schema["$schema"] = "https://json-schema.org/draft/2020-12/schema".into();
    schema["title"] = "lockgate.toml".into();
    schema
}

fn section(section: &Section) -> Value {
    let properties: Map<String, Value> =
        section.keys.iter().map(|key| (key.name.to_owned(), property(key))).collect();
    let required: Vec<&str> = section.keys.iter().filter(|key| key.required).map(|key| key.name).collect();
    let mut object = json!({
        "type": "object",
        "description": sentence(section.about),
        "properties": properties,
        "additionalProperties": false,
    });
    if !required.is_empty() {
        object["required"] = required.into();
    }
    object
}

fn property(key: &Key) -> Value {
    let mut value = shape(&key.shape, key);
    value["description"] = sentence(key.doc).into();
    if let Some(default) = key.default {
        value["default"] = match key.shape {
            Shape::Boolean => (default == "true").into(),
            Shape::Count | Shape::Numbers(_) => default.parse::<u64>().map_or(Value::Null, Value::from),
            _ => default.into(),
        };
    }
    value
}

fn shape(shape: &Shape, key: &Key) -> Value {
    match shape {
        Shape::Boolean => json!({ "type": "boolean" }),
        Shape::True => json!({ "const": true }),
        Shape::Count => count(key),
        Shape::Numbers(all) => json!({ "enum": all }),
        Shape::Duration => json!({ "type": "string", "pattern": "^[0-9]+ *(ms|s|m|h|d)$" }),
        Shape::Bytes => json!({ "anyOf": [
            count(key),
            { "type": "string", "pattern": "^[0-9]+ *([KMGT]i?B|B)?$" },
        ] }),
        Shape::Text(text) => match text.pattern {
            // A variable may stand in for anything.
            Some(pattern) if text.environment => {
                json!({ "type": "string", "anyOf": [{ "pattern": pattern }, { "pattern": "\\$" }] })
            }
            Some(pattern) => json!({ "type": "string", "pattern": pattern }),
            None => json!({ "type": "string" }),
        },
        Shape::Choice(choices) => {
            json!({ "enum": choices.values.iter().map(|(word, _)| *word).collect::<Vec<_>>() })
        }
        Shape::List(item) => json!({ "type": "array", "items": self::shape(item, key) }),
        Shape::Map(name, value) => {
            let mut object = json!({ "type": "object", "additionalProperties": self::shape(value, key) });
            if let Some(pattern) = name.pattern {
                object["propertyNames"] = json!({ "pattern": pattern });
            }
            object
        }
        Shape::Section(inner) => section(inner),
        Shape::Either(one, other) => json!({ "anyOf": [self::shape(one, key), self::shape(other, key)] }),
    }
}

fn count(key: &Key) -> Value {
    let mut number = json!({ "type": "integer", "minimum": 0 });
    if let Some((low, high)) = key.range {
        number["minimum"] = low.into();
        number["maximum"] = high.into();
    }
    number
}

/// A doc comment as running text.
pub(crate) fn sentence(doc: &str) -> String {
    doc.split_whitespace().collect::<Vec<_>>().join(" ")
}
