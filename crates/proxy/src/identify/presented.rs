//! Where a request says which key it comes with.

use message::{Fields, Known};
use policy::KEY_START;

use crate::refusal::Refusal;

/// A text that is meant to be a key.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Presented<'a> {
    pub(super) text: &'a [u8],
    pub(super) places: Places,
}

/// The fields that held it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Places {
    Authorization,
    ApiKey,
    Both,
}

impl Places {
    /// Takes the key out of the request.
    pub(super) fn strip(self, fields: &mut Fields) {
        if self != Self::ApiKey {
            fields.remove_known(Known::Authorization);
        }
        if self != Self::Authorization {
            fields.remove_known(Known::XApiKey);
        }
    }
}

/// Finds the key of a request. Two keys, or two fields of one name, could be read differently by whoever comes after, so they are none.
pub(super) fn presented(fields: &Fields) -> Result<Presented<'_>, Refusal> {
    let bearer = only(fields, Known::Authorization)?.and_then(bearer_token);
    let api_key = only(fields, Known::XApiKey)?;
    let (text, places) = match (bearer, api_key) {
        (None, None) => return Err(Refusal::KEY_MISSING),
        (Some(text), None) => (text, Places::Authorization),
        (None, Some(text)) => (text, Places::ApiKey),
        (Some(text), Some(same)) if text == same => (text, Places::Both),
        (Some(bearer), Some(api_key)) => match (is_ours(bearer), is_ours(api_key)) {
            (true, true) => return Err(Refusal::KEY_AMBIGUOUS),
            (true, false) => (bearer, Places::Authorization),
            (false, true) => (api_key, Places::ApiKey),
            (false, false) => return Err(Refusal::KEY_UNKNOWN),
        },
    };
    Ok(Presented { text, places })
}

/// The one field of a kind, if it says anything.
fn only(fields: &Fields, known: Known) -> Result<Option<&[u8]>, Refusal> {
    let Some(first) = fields.get_known(known) else { return Ok(None) };
    match fields.values_of(known).nth(1) {
        Some(_) => Err(Refusal::KEY_AMBIGUOUS),
        None => Ok((!first.is_empty()).then_some(first)),
    }
}

/// The token of `Bearer` credentials (RFC 6750 §2.1; RFC 9110 §11.1: the scheme's case does not matter).
fn bearer_token(value: &[u8]) -> Option<&[u8]> {
    let (scheme, token) = value.split_at_checked(b"Bearer ".len())?;
    let token = token.trim_ascii();
    (scheme.eq_ignore_ascii_case(b"Bearer ") && !token.is_empty()).then_some(token)
}

/// Whether a text is meant to be a key of this gateway, be it a wrong one.
fn is_ours(text: &[u8]) -> bool {
    text.starts_with(KEY_START.as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(given: &[(&str, &str)], expected: Result<(&str, Places), Refusal>) {
        let mut fields = Fields::default();
        for (name, value) in given {
            fields.append(name, value.as_bytes());
        }
        let expected = expected.map(|(text, places)| Presented { text: text.as_bytes(), places });
        assert_eq!(presented(&fields), expected, "{given:?}");
        if let Ok(Presented { places, .. }) = expected {
            places.strip(&mut fields);
            assert_eq!(fields.get("authorization").is_some(), places == Places::ApiKey && given.len() > 1);
            assert_eq!(fields.get("x-api-key").is_some(), places == Places::Authorization && given.len() > 1);
        }
    }

    #[test]
    fn a_key_stands_in_one_of_two_fields() {
        check(&[("Authorization", "Bearer lg_a")], Ok(("lg_a", Places::Authorization)));
        check(&[("authorization", "bEARER   lg_a")], Ok(("lg_a", Places::Authorization)));
        check(&[("Authorization", "Bearer eyJ.of.others")], Ok(("eyJ.of.others", Places::Authorization)));
        check(&[("X-API-Key", "lg_a")], Ok(("lg_a", Places::ApiKey)));
        check(&[("X-API-Key", "lg_a"), ("Authorization", "Bearer lg_a")], Ok(("lg_a", Places::Both)));
    }

    #[test]
    fn what_is_no_key_of_ours_is_left_beside_one_that_is() {
        for other in ["Bearer eyJ.of.others", "Basic bGc6Xw==", "Digest username=\"lg_b\""] {
            check(&[("Authorization", other), ("X-API-Key", "lg_a")], Ok(("lg_a", Places::ApiKey)));
        }
        check(
            &[("Authorization", "Bearer lg_a"), ("X-API-Key", "other")],
            Ok(("lg_a", Places::Authorization)),
        );
    }

    #[test]
    fn two_keys_are_none() {
        for given in [
            &[("Authorization", "Bearer lg_a"), ("X-API-Key", "lg_b")][..],
            &[("Authorization", "Bearer lg_a"), ("Authorization", "Bearer lg_a")],
            &[("Authorization", "Basic a"), ("Authorization", "Bearer lg_a")],
            &[("X-API-Key", "lg_a"), ("x-api-key", "lg_a")],
            &[("X-API-Key", "lg_a"), ("x-api-key", "")],
        ] {
            check(given, Err(Refusal::KEY_AMBIGUOUS));
        }
        check(&[("Authorization", "Bearer a"), ("X-API-Key", "b")], Err(Refusal::KEY_UNKNOWN));
    }

    #[test]
    fn other_credentials_are_no_key() {
        for value in ["", "Bearer", "Bearer ", "Basic bGc6Xw==", "lg_a", "Bearerlg_a", "Token lg_a"] {
            check(&[("Authorization", value)], Err(Refusal::KEY_MISSING));
        }
        check(&[("X-API-Key", "")], Err(Refusal::KEY_MISSING));
        check(&[("X_API_Key", "lg_a"), ("Api-Key", "lg_a"), ("Cookie", "lg_a")], Err(Refusal::KEY_MISSING));
    }
}
