//! Balancers that say for whom they connect.

use std::time::Duration;

use testkit::Origin;

use crate::start;

const REQUEST: &str = "GET / HTTP/1.1\r\nHost: test\r\n\r\n";

fn config(origin: &Origin, balancers: &str) -> String {
    // One worker keeps one connection to the origin, on which requests stand in their order.
    format!(
        "[workers]\ncount = 1\n\n[[listener]]\naddress = \"127.0.0.1:0\"\nproxy_protocol = [\"{balancers}\"]\n\n\
         [upstream.origin]\nendpoints = [\"{}\"]\n\n[[route]]\nname = \"all\"\npath = \"/*\"\nupstream = \"origin\"\n",
        origin.address()
    )
}

/// A header of version 2 for a client of IPv4, with a field behind the addresses that nobody needs.
fn binary(client: [u8; 4]) -> Vec<u8> {
    let mut header = b"\r\n\r\n\0\r\nQUIT\n\x21\x11\x00\x13".to_vec();
    header.extend(client);
    header.extend([127, 0, 0, 1, 0xdc, 4, 1, 187]);
    header.extend([4, 0, 4, 0, 0, 0, 0]);
    header
}

#[test]
fn the_client_is_whom_the_balancer_names() {
    let origin = Origin::echo();
    let gateway = start(&config(&origin, "127.0.0.0/8"));
    let headers: [(&[u8], &str); 5] = [
        (b"PROXY TCP4 192.0.2.1 127.0.0.1 56324 443\r\n", "192.0.2.1"),
        (b"PROXY TCP6 2001:db8::1 ::1 56324 443\r\n", "2001:db8::1"),
        (b"PROXY UNKNOWN\r\n", "127.0.0.1"),
        (&binary([192, 0, 2, 2]), "192.0.2.2"),
        (b"\r\n\r\n\0\r\nQUIT\n\x20\x00\x00\x00", "127.0.0.1"),
    ];
    for (at, (header, client)) in headers.into_iter().enumerate() {
        let mut connection = gateway.connect().unwrap();
        assert_eq!(connection.ask([header, REQUEST.as_bytes()].concat()).unwrap().status(), 200);
        // It holds for the whole connection.
        assert_eq!(connection.ask(REQUEST).unwrap().status(), 200);
        for request in &origin.requests()[2 * at..] {
            assert_eq!(request.fields.all("x-forwarded-for"), [client]);
        }
    }
    let mut slow = gateway.connect().unwrap();
    for byte in b"PROXY TCP4 192.0.2.3 127.0.0.1 56324 443\r\n" {
        slow.send([*byte]).unwrap();
        std::thread::sleep(Duration::from_millis(1));
    }
    assert_eq!(slow.ask(REQUEST).unwrap().status(), 200);
    assert_eq!(origin.requests().last().unwrap().fields.all("x-forwarded-for"), ["192.0.2.3"]);
}

#[test]
fn a_balancer_that_does_not_say_it_well_is_not_served() {
    let origin = Origin::echo();
    let gateway = start(&config(&origin, "127.0.0.0/8"));
    let long = format!("PROXY UNKNOWN {}\r\n", "x".repeat(100));
    let headers: [&[u8]; 6] = [
        b"",
        b"PROXY TCP4 192.0.2.1 127.0.0.1 56324\r\n",
        b"PROXY TCP4 192.0.2.1 127.0.0.1 56324 443\n",
        long.as_bytes(),
        b"\r\n\r\n\0\r\nQUIT\n\x31\x11\x00\x0c\x7f\0\0\x01\x7f\0\0\x01\0\x01\0\x01",
        b"\r\n\r\n\0\r\nQUIT\n\x21\x11\xff\xff\x7f\0\0\x01\x7f\0\0\x01\0\x01\0\x01",
    ];
    for header in headers {
        let mut connection = gateway.connect().unwrap();
        connection.send([header, REQUEST.as_bytes()].concat()).unwrap();
        // Bytes that nobody has read make the end a reset.
        assert!(connection.rest().unwrap_or_default().is_empty(), "{}", header.escape_ascii());
    }
    assert_eq!(origin.hits(), 0);
}

#[test]
fn nobody_else_is_believed() {
    let origin = Origin::echo();
    let gateway = start(&config(&origin, "192.0.2.0/24"));
    assert_eq!(gateway.ask(REQUEST).unwrap().status(), 200);
    let forged = format!("PROXY TCP4 192.0.2.1 127.0.0.1 56324 443\r\n{REQUEST}");
    assert_eq!(gateway.ask(forged).unwrap().status(), 400);
    assert_eq!(origin.hits(), 1);
}
