//! What the bodies of requests about keys say.

use policy::{KEY_ENVIRONMENT_BYTES_MAX, Scopes};
use serde_json::value::RawValue;
use utoipa::ToSchema;

use super::super::json::{Fields, Read, list, text};
use super::super::time::{read_span, read_time};
use super::super::users::name;
use crate::limits::KEY_SCOPES;

/// A key to be made. At most one of `expires_at` and `expires_in` is there; without, the key never ends.
#[derive(ToSchema)]
#[serde(deny_unknown_fields)]
#[allow(dead_code, reason = "described; read field by field")]
pub(in super::super) struct CreateKey {
    /// What people call it: 1 to 200 characters, none of them a control character.
    #[schema(
        required = false,
        nullable = false,
        min_length = 1,
        max_length = 200,
        default = "default",
        pattern = r"^[^\u0000-\u001f\u007f-\u009f]+$"
    )]
    name: Option<String>,
    /// What its text says it is for.
    #[schema(required = false, nullable = false, pattern = "^[a-z0-9]{1,12}$", default = "live")]
    environment: Option<String>,
    /// Names of the routes it may be used on, which need not be there yet; `null`: all.
    #[schema(max_items = 64, value_type = Option<Vec<RouteName>>)]
    scopes: Option<Vec<String>>,
    /// When it ends; `null`: never. Times before 1970 are taken for its beginning.
    #[schema(format = DateTime)]
    expires_at: Option<String>,
    /// How long it lasts: a whole number of `s`, `m`, `h` or `d`.
    #[schema(required = false, nullable = false, pattern = "^[0-9]{1,6}[smhd]$", example = "30d")]
    expires_in: Option<String>,
}

/// The name of a route: 1 to 200 characters, none of them a control character.
#[derive(ToSchema)]
#[schema(min_length = 1, max_length = 200, pattern = r"^[^\u0000-\u001f\u007f-\u009f]+$")]
#[allow(dead_code, reason = "described; read as a text")]
pub(in super::super) struct RouteName(String);

/// What is to be different; what is left out stays.
#[derive(ToSchema)]
#[serde(deny_unknown_fields)]
#[allow(dead_code, reason = "described; read field by field")]
pub(in super::super) struct ChangeKey {
    /// What people call it: 1 to 200 characters, none of them a control character.
    #[schema(
        required = false,
        nullable = false,
        min_length = 1,
        max_length = 200,
        pattern = r"^[^\u0000-\u001f\u007f-\u009f]+$"
    )]
    name: Option<String>,
    /// Names of the routes it may be used on; `null`: all.
    #[schema(max_items = 64, value_type = Option<Vec<RouteName>>)]
    scopes: Option<Vec<String>>,
    /// When it ends; `null`: never. Times before 1970 are taken for its beginning.
    #[schema(format = DateTime)]
    expires_at: Option<String>,
}

/// How to rotate.
#[derive(ToSchema)]
#[serde(deny_unknown_fields)]
#[allow(dead_code, reason = "described; read field by field")]
pub(in super::super) struct RotateKey {
    /// How long the old key goes on, if it does not end before: a whole number of `s`, `m`, `h` or `d`.
    #[schema(required = false, nullable = false, pattern = "^[0-9]{1,6}[smhd]$", default = "24h")]
    overlap: Option<String>,
}

/// Reads the name of an environment.
pub(super) fn environment(raw: &RawValue) -> Read<String> {
    let word = text(raw)?;
    let is_plain = word.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit());
    if is_plain && (1..=KEY_ENVIRONMENT_BYTES_MAX).contains(&word.len()) {
        return Ok(word);
    }
    Err(format!("must be 1 to {KEY_ENVIRONMENT_BYTES_MAX} lower-case letters or digits").into())
}

/// Reads the names of routes.
pub(super) fn scopes(raw: &RawValue) -> Read<Scopes> {
    let names = list(raw, KEY_SCOPES, |raw| name(raw).map(String::into_boxed_str))?;
    Ok(Scopes::Routes(names.into()))
}

/// Reads when a key ends, from either of the two fields that can say so.
pub(super) fn expires(fields: &mut Fields<'_>, now_us: u64) -> Option<u64> {
    let at = fields.nullable("expires_at", |raw| read_time(&text(raw)?));
    let after = fields.optional("expires_in", |raw| read_span(&text(raw)?));
    if at.is_some() && after.is_some() {
        fields.refuse("expires_in", "cannot be there beside `expires_at`");
    }
    at.flatten().or(after.map(|after| now_us.saturating_add(after)))
}
