//! How fields are written.

use message::is_token;

/// Whether a field may have this name: a token without a capital (RFC 9113 §8.2.1). No pseudo-field is one.
pub(crate) fn is_field_name(name: &[u8]) -> bool {
    is_token(name) && !name.iter().any(u8::is_ascii_uppercase)
}
