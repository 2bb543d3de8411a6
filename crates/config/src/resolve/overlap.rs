//! Routes that one request can match with equal rank, and routes that can never match.

use std::collections::HashMap;

use policy::{Router, Rule};

use crate::config::Route;
use crate::diagnostics::{Diagnostic, Span};
use crate::reader::Reader;

/// Reports both kinds, naming both places; `places` are those of the routes.
pub(super) fn check(routes: &[Route], places: &[Option<Span>], reader: &mut Reader<'_>) {
    let rules: Vec<Rule> = routes.iter().map(rule).collect();
    let mut shadowed: HashMap<usize, usize> = Router::shadowed(&rules).into_iter().collect();
    for (first, second) in Router::conflicts(&rules) {
        let never = shadowed.remove(&second).is_some();
        let (one, other) = (&routes[first].name, &routes[second].name);
        let both = match one == other {
            true => format!("two routes `{one}`"),
            false => format!("routes `{one}` and `{other}`"),
        };
        reader.report(
            Diagnostic::error(places[second], format!("{both} can match the same request"))
                .label(if never { "could never match" } else { "equal rank: neither comes first" })
                .also(places[first], "the other route")
                .hint("tell them apart by host, path, methods, headers or query, or join them"),
        );
    }
    let mut shadowed: Vec<(usize, usize)> = shadowed.into_iter().filter(|(never, by)| never != by).collect();
    shadowed.sort_unstable();
    for (never, by) in shadowed {
        reader.report(
            Diagnostic::warning(places[never], format!("route `{}` can never match", routes[never].name))
                .label("never reached")
                .also(places[by], "takes all its requests"),
        );
    }
}

fn rule(route: &Route) -> Rule {
    let listed = |map: &std::collections::BTreeMap<String, Option<String>>| {
        map.iter().map(|(name, value)| (name.clone(), value.clone())).collect()
    };
    Rule {
        host: route.host.clone(),
        path: route.path.clone(),
        methods: route.methods.clone(),
        headers: listed(&route.headers),
        query: listed(&route.query),
    }
}
