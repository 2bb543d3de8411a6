//! Whatever is killed: users are counted for what they received, and SQL says what the journal says.

use std::time::Duration;

use testkit::random::Random;
use testkit::{GatewayProcess, Origin};

use crate::LOCKGATE;
use crate::api::{Customer, customer};
use crate::books::check_equal;
use crate::customers::{Asking, Tally, metered_origin};
use crate::keys::{wait_for, with_key};

/// Kills of one run: `LOCKGATE_KILLS`, of which the tests here take a part.
fn kills(part: usize) -> usize {
    let all = std::env::var("LOCKGATE_KILLS").ok().and_then(|n| n.parse().ok()).unwrap_or(200);
    (all / part).max(1)
}

fn configuration(origin: &Origin, database: &str) -> String {
    format!(
        "[data]\ndir = \"data\"\nwhen_full = \"refuse\"\nsegment = \"1MiB\"\nring = \"64KiB\"\n\
         database = \"{database}\"\n[[listener]]\naddress = \"127.0.0.1:0\"\n\
         [upstream.origin]\nendpoints = [\"{}\"]\n\
         [[route]]\nname = \"metered\"\npath = \"/metered/*\"\nupstream = \"origin\"\naccess = \"key\"\n\
         meter = \"response-header:x-units\"\n",
        origin.address()
    )
}

/// Compares what each user saw with what was counted.
#[track_caller]
fn check_conserved(gateway: &GatewayProcess, customers: &[Customer], tally: &Tally) {
    let counted = check_equal(gateway);
    for customer in customers {
        let own = counted
            .iter()
            .filter(|((user, key, ..), _)| *user == Some(customer.id) && *key == Some(customer.key_id));
        let counted = own.fold((0, 0), |sum, (_, own)| (sum.0 + own.0, sum.1 + own.1));
        let received = tally.received.get(&customer.id).copied().unwrap_or_default();
        let unseen = tally.unseen.get(&customer.id).copied().unwrap_or_default();
        assert!(
            received.0 <= counted.0 && counted.0 <= received.0 + unseen.0,
            "{customer:?}: {received:?} received, {counted:?} counted, {unseen:?} unseen"
        );
        assert!(
            received.1 <= counted.1 && counted.1 <= received.1 + unseen.1,
            "{customer:?}: {received:?} received, {counted:?} counted, {unseen:?} unseen"
        );
    }
}

/// What is killed while customers ask.
trait Victims {
    fn kill(&mut self, gateway: &mut GatewayProcess, random: &mut Random);
}

/// The gateway, and with it the fold and SQLite.
struct GatewayAlone;

impl Victims for GatewayAlone {
    fn kill(&mut self, gateway: &mut GatewayProcess, _: &mut Random) {
        gateway.kill9();
        gateway.restart().unwrap();
    }
}

/// The gateway, or the database server, or both.
struct GatewayAndPostgres<'a> {
    postgres: &'a mut testkit::Postgres,
}

impl Victims for GatewayAndPostgres<'_> {
    fn kill(&mut self, gateway: &mut GatewayProcess, random: &mut Random) {
        let (database, process) = match random.below(3) {
            0 => (true, false),
            1 => (false, true),
            _ => (true, true),
        };
        if database {
            self.postgres.kill9();
        }
        if process {
            gateway.kill9();
            // Sometimes it has to start without the database.
            if random.once_in(2) {
                gateway.restart().unwrap();
            }
        }
        if database {
            std::thread::sleep(Duration::from_micros(random.below(300_000) as u64));
            self.postgres.restart().unwrap();
        }
        if process && !gateway.is_running() {
            gateway.restart().unwrap();
        }
    }
}

#[track_caller]
fn check_conservation(database: &str, kills: usize, victims: &mut dyn Victims) {
    let origin = metered_origin();
    let mut gateway = GatewayProcess::start(LOCKGATE, &configuration(&origin, database)).unwrap();
    let customers = ["ada", "grace", "edsger"].map(|name| customer(&gateway, name));
    for customer in &customers {
        wait_for(200, || with_key(&gateway, "/metered/0", customer));
    }
    let seed = std::process::id().into();
    let mut random = Random::new(seed);
    let mut tally = Tally::default();
    for customer in &customers {
        // What asked whether the key is known yet.
        tally.received.insert(customer.id, (1, 0));
    }
    for kill in 0..kills {
        let asking = Asking::start(gateway.address(), &customers, seed + kill as u64);
        std::thread::sleep(Duration::from_micros(2000 + random.below(60_000) as u64));
        // The address changes with a restart, so that the customers of this round end with it.
        victims.kill(&mut gateway, &mut random);
        tally.add(asking.stop());
        if kill % 10 == 9 {
            check_conserved(&gateway, &customers, &tally);
        }
    }
    gateway.restart().unwrap();
    check_conserved(&gateway, &customers, &tally);
    println!("{} answers over {kills} kills, unseen {:?}", tally.answers(), tally.unseen);
    assert!(tally.answers() > 10 * kills as i64, "too little to mean anything: {}", tally.answers());
}

#[test]
fn sql_equals_the_journal_over_kills_on_sqlite() {
    check_conservation("sqlite", kills(4), &mut GatewayAlone);
}

#[test]
fn sql_equals_the_journal_over_kills_of_gateway_and_postgres() {
    let Some(mut postgres) = testkit::Postgres::start_or_skip() else { return };
    let url = postgres.database();
    check_conservation(&url, kills(8), &mut GatewayAndPostgres { postgres: &mut postgres });
}
