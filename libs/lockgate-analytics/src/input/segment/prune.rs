//! Whether a sealed segment has anything for a question, by its footer.

use std::vec::Vec;

use lockgate_event::Kind;
use lockgate_event::segment::Footer;

use crate::filter::{Filter, Known};
use crate::{Cell, Number};

/// Whether any event of a sealed segment can fulfil a condition, by what its footer says of time, kind, route and user; `true` when in
/// doubt.
#[must_use]
pub fn may_admit(filter: &Filter, footer: &Footer) -> bool {
    let Some((first_us, last_us)) = footer.ts_us else { return false };
    let kinds = [(Kind::Done, footer.done), (Kind::Part, footer.part), (Kind::Cut, footer.cut)];
    let kinds: Vec<_> =
        kinds.iter().filter(|(_, records)| *records > 0).map(|(kind, _)| Cell::Text(kind.as_str())).collect();
    let routes: Vec<_> = footer.routes.iter().map(|(route, _)| Cell::Text(route)).collect();
    let users = footer.users.iter().map(|(user, _)| Cell::Number(Number::whole(*user)));
    // Whether there are events of nobody known is not said.
    let users: Vec<_> = users.chain([Cell::Null]).collect();
    filter.may_admit(&|field| match field {
        "ts" => Known::Between(Cell::Time(first_us), Cell::Time(last_us)),
        "kind" => Known::OneOf(&kinds),
        "route" if footer.names_all_routes => Known::OneOf(&routes),
        "user_id" if footer.names_all_users => Known::OneOf(&users),
        _ => Known::Nothing,
    })
}
