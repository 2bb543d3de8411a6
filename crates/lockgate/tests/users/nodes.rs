//! Two nodes on one database.

use serde_json::json;
use testkit::{Answer, Origin};

use crate::api::{customer, done};
use crate::books::of_journal;
use crate::keys::{guarded, wait_for, with_key};

#[test]
fn a_key_made_on_one_node_is_good_and_revoked_on_all() {
    let Some(postgres) = testkit::Postgres::start_or_skip() else { return };
    let data = format!("[data]\ndir = \"data\"\ndatabase = \"{}\"\n", postgres.database());
    let origin = Origin::answering(Answer::ok("ok"));
    let (one, two) = (guarded(&origin, &data), guarded(&origin, &data));
    let ada = customer(&one, "ada");
    let known = wait_for(200, || with_key(&two, "/guarded/x", &ada));
    // A node that has just started may have to read the other keys first.
    wait_for(200, || with_key(&one, "/guarded/x", &ada));
    done(&two, 204, "DELETE", &format!("/keys/{}", ada.key_id), &json!({}));
    let revoked = wait_for(401, || with_key(&one, "/guarded/x", &ada));
    println!("known on the other node after {known:?}, refused there after {revoked:?}");

    // What both counted adds up.
    let journals = [&one, &two].map(|node| of_journal(node.data()));
    let expected: i64 = journals.iter().flat_map(|sums| sums.values()).map(|(count, _)| count).sum();
    wait_for(200, || {
        let rows = done(&one, 200, "GET", "/usage?by=user", &json!({}));
        let counted: i64 = rows.as_array().unwrap().iter().map(|row| row["count"].as_i64().unwrap()).sum();
        if counted == expected { 200 } else { 0 }
    });
}
