//! A full, a failing and a stalled disk under the journal, in both modes of `data.when_full`.

use std::fs;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use testkit::{Answer, Disk, GatewayProcess, Origin, RawClient};

use crate::kills::counted;
use crate::start;

/// What is wrong with a disk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Trouble {
    Full,
    /// The kernel has made it read-only after an error, and it stays so.
    ReadOnly,
    Stalled,
}

impl Trouble {
    fn begin(self, disk: &mut Disk) {
        match self {
            Self::Full => disk.fill(),
            Self::ReadOnly => disk.break_down(),
            Self::Stalled => disk.freeze(),
        }
    }

    fn end(self, disk: &mut Disk) {
        match self {
            Self::Full => disk.empty(),
            Self::ReadOnly => {}
            Self::Stalled => disk.thaw(),
        }
    }
}

struct Stand {
    gateway: GatewayProcess,
    // Unmounted only after the gateway has gone.
    disk: Disk,
    _origin: Origin,
}

impl Stand {
    fn new(when_full: &str) -> Option<Self> {
        let disk = Disk::start_or_skip()?;
        let origin = Origin::answering(Answer::ok("ok"));
        let gateway = start(&format!(
            "[data]\ndir = \"{}/data\"\nwhen_full = \"{when_full}\"\nring = \"64KiB\"\nsegment = \"1MiB\"\nsync = \"50ms\"\n\
             [[listener]]\naddress = \"127.0.0.1:0\"\n[upstream.origin]\nendpoints = [\"{}\"]\n\
             [[route]]\nname = \"all\"\npath = \"/*\"\nupstream = \"origin\"\n",
            disk.path().display(),
            origin.address()
        ));
        Some(Self { gateway, disk, _origin: origin })
    }

    fn data(&self) -> PathBuf {
        self.disk.path().join("data")
    }

    /// The value of a metric without labels.
    fn metric(&self, name: &str) -> f64 {
        let token = fs::read_to_string(self.data().join("admin-token")).unwrap();
        let admin = &self.gateway.ports().admin;
        let request =
            format!("GET /metrics HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {}\r\n\r\n", token.trim());
        let text = RawClient::connect(admin).unwrap().ask(request).unwrap().text();
        let line =
            text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' ').map(ToOwned::to_owned));
        line.and_then(|value| value.parse().ok()).unwrap_or_else(|| panic!("no {name} in\n{text}"))
    }
}

const GET: &str = "GET /x HTTP/1.1\r\nHost: test\r\n\r\n";
/// More records than two rings of 64 KiB hold.
const REQUESTS: usize = 3000;

/// How many of so many requests are answered 200; the others must be 503.
fn answered(gateway: &GatewayProcess, count: usize) -> u64 {
    let mut clients = [gateway.connect().unwrap(), gateway.connect().unwrap()];
    let mut good = 0;
    for n in 0..count {
        let client = &mut clients[n % 2];
        let response = client.ask(GET).unwrap();
        match response.status() {
            200 => good += 1,
            503 => assert!(response.text().contains("journal"), "{}", response.text()),
            other => panic!("{other}"),
        }
        if response.fields.lists("connection", "close") {
            *client = gateway.connect().unwrap();
        }
    }
    good
}

fn check_drop(trouble: Trouble) {
    let Some(mut stand) = Stand::new("drop") else { return };
    let mut received = answered(&stand.gateway, 100);
    trouble.begin(&mut stand.disk);
    let start = Instant::now();
    let during = answered(&stand.gateway, REQUESTS);
    assert_eq!(during, REQUESTS as u64, "{trouble:?}: traffic must flow");
    assert!(start.elapsed() < Duration::from_secs(60), "{trouble:?}: traffic must flow at speed");
    received += during;
    if trouble == Trouble::ReadOnly {
        assert!(
            stand.metric("lockgate_journal_lost_total") > 0.0
                && stand.metric("lockgate_journal_failing") > 0.0
        );
        stand.gateway.kill9();
        return;
    }
    // The token lies on the same disk, and reading it works in all of these troubles.
    assert!(stand.metric("lockgate_journal_lost_total") > 0.0, "{trouble:?}: the loss is visible");
    trouble.end(&mut stand.disk);
    let end = Instant::now() + Duration::from_secs(20);
    while stand.metric("lockgate_journal_failing") > 0.0 || stand.metric("lockgate_journal_disk_full") > 0.0 {
        assert!(Instant::now() < end, "{trouble:?}: the journal does not recover");
        std::thread::sleep(Duration::from_millis(50));
    }
    received += answered(&stand.gateway, 100);
    // Asked last: until the drainer has caught up, some of those hundred may be lost as well.
    let lost = stand.metric("lockgate_journal_lost_total") as i64;
    stand.gateway.terminate().unwrap();
    let counted = counted(&stand.data())["all"];
    assert_eq!(counted + lost, received as i64, "{trouble:?}: every answer is counted or counted as lost");
}

fn check_refuse(trouble: Trouble) {
    let Some(mut stand) = Stand::new("refuse") else { return };
    let mut received = answered(&stand.gateway, 100);
    trouble.begin(&mut stand.disk);
    let during = answered(&stand.gateway, REQUESTS);
    assert!(during < REQUESTS as u64, "{trouble:?}: what cannot be recorded must be refused");
    received += during;
    if trouble == Trouble::ReadOnly {
        stand.gateway.kill9();
        return;
    }
    trouble.end(&mut stand.disk);
    let end = Instant::now() + Duration::from_secs(20);
    while answered(&stand.gateway, 1) == 0 {
        assert!(Instant::now() < end, "{trouble:?}: nothing is admitted again");
        std::thread::sleep(Duration::from_millis(20));
    }
    received += 1 + answered(&stand.gateway, 100);
    stand.gateway.terminate().unwrap();
    assert_eq!(
        counted(&stand.data())["all"],
        received as i64,
        "{trouble:?}: nothing is lost and nothing doubled"
    );
}

#[test]
fn a_full_disk_stops_no_traffic_by_default() {
    check_drop(Trouble::Full);
}

#[test]
fn a_full_disk_refuses_what_it_cannot_record_if_told_so() {
    check_refuse(Trouble::Full);
}

#[test]
fn a_disk_gone_read_only_stops_no_traffic_by_default() {
    check_drop(Trouble::ReadOnly);
}

#[test]
fn a_disk_gone_read_only_refuses_what_it_cannot_record_if_told_so() {
    check_refuse(Trouble::ReadOnly);
}

#[test]
fn a_stalled_disk_stops_no_traffic_by_default() {
    check_drop(Trouble::Stalled);
}

#[test]
fn a_stalled_disk_refuses_what_it_cannot_record_if_told_so() {
    check_refuse(Trouble::Stalled);
}

#[test]
fn a_read_only_data_directory_is_an_error_that_says_so() {
    let Some(disk) = Disk::start_or_skip() else { return };
    disk.make_read_only();
    let config = format!(
        "[data]\ndir = \"{}/data\"\n[[listener]]\naddress = \"127.0.0.1:0\"\n[[route]]\npath = \"/*\"\nrespond = {{ body = \"ok\" }}\n",
        disk.path().display()
    );
    let error = GatewayProcess::start(crate::LOCKGATE, &config).err().expect("it cannot start").to_string();
    assert!(error.contains("data") && error.contains("ead-only"), "{error}");
}
