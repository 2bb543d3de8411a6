//! The address of a list's next page (RFC 8288).

/// Finds the target of the relation `next` in a `Link` field.
pub(super) fn next(field: &str) -> Option<&str> {
    let mut rest = field;
    while let Some((_, link)) = rest.split_once('<') {
        let (target, parameters) = link.split_once('>')?;
        // A target may hold commas; what is behind it, up to the next target, is its parameters.
        let own = parameters.split('<').next().unwrap_or_default();
        if own.split([';', ',']).any(is_next) {
            return Some(target);
        }
        rest = parameters;
    }
    None
}

fn is_next(parameter: &str) -> bool {
    let relation = parameter.split_once('=').filter(|(name, _)| name.trim().eq_ignore_ascii_case("rel"));
    relation.is_some_and(|(_, value)| value.trim().trim_matches('"').split(' ').any(|word| word == "next"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(field: &str, expected: Option<&str>) {
        assert_eq!(next(field), expected, "{field}");
    }

    #[test]
    fn the_next_page_is_found_among_links() {
        check(r#"</users?after=7>; rel="next""#, Some("/users?after=7"));
        check("</usage?by=user,day&after=7>;rel=next", Some("/usage?by=user,day&after=7"));
        check(
            r#"</users>; rel="first", </users?after=7>; title="x"; REL="last next""#,
            Some("/users?after=7"),
        );
        for none in
            ["", "next", "<", "</users", r#"</users>; rel="prev""#, "</users>; rel", "</next>; title=next"]
        {
            check(none, None);
        }
    }
}
