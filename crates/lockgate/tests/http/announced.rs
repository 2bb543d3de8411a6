//! Upstreams that are told by a PROXY header for whom each connection is made.

use testkit::websocket::open_request;
use testkit::{Answer, FreeAddress, GatewayProcess, Origin, Porter, RawClient, Step};

use crate::start;

const REQUEST: &str = "GET / HTTP/1.1\r\nHost: test\r\n\r\n";

/// A gateway with keys of its listener, in front of endpoints that want headers of this version.
#[track_caller]
fn announcing(version: &str, endpoints: &[&str], listener: &str, upstream: &str) -> GatewayProcess {
    start(&format!(
        "[workers]\ncount = 1\n\n[[listener]]\naddress = \"127.0.0.1:0\"\n{listener}\n\n\
         [upstream.origin]\nendpoints = {endpoints:?}\nproxy_protocol = \"{version}\"\n{upstream}\n\n\
         [[route]]\nname = \"all\"\npath = \"/*\"\nupstream = \"origin\"\n",
    ))
}

fn port(address: &str) -> u16 {
    address.rsplit(':').next().unwrap().parse().unwrap()
}

fn own_port(client: &mut RawClient) -> u16 {
    client.conn().socket().local_addr().unwrap().as_socket().unwrap().port()
}

/// The line for a client on this machine.
fn line(client: &mut RawClient, gateway: &GatewayProcess) -> Vec<u8> {
    let (from, to) = (own_port(client), port(gateway.address()));
    format!("PROXY TCP4 127.0.0.1 127.0.0.1 {from} {to}\r\n").into_bytes()
}

/// Version 2 of IPv4.
fn binary(client: [u8; 4], from: u16, destination: [u8; 4], to: u16) -> Vec<u8> {
    let addresses = [client, destination].concat();
    [b"\r\n\r\n\0\r\nQUIT\n\x21\x11\x00\x0c", &addresses[..], &from.to_be_bytes(), &to.to_be_bytes()].concat()
}

#[test]
fn each_request_has_a_connection_that_names_its_client() {
    let origin = Origin::echo();
    let folder = tempfile::tempdir().unwrap();
    for (version, on_socket) in [("v1", false), ("v2", false), ("v1", true), ("v2", true)] {
        let porter = match on_socket {
            true => Porter::unix(&folder.path().join(version), origin.address()),
            false => Porter::before(origin.address()),
        };
        let gateway = announcing(version, &[porter.address()], "", "");
        let mut expected = Vec::new();
        for _ in 0..2 {
            let mut client = gateway.connect().unwrap();
            let header = match version {
                "v1" => line(&mut client, &gateway),
                _ => {
                    let (from, to) = (own_port(&mut client), port(gateway.address()));
                    binary([127, 0, 0, 1], from, [127, 0, 0, 1], to)
                }
            };
            for _ in 0..3 {
                assert_eq!(client.ask(REQUEST).unwrap().status(), 200);
                expected.push(header.clone());
            }
            let upload = "POST / HTTP/1.1\r\nHost: test\r\nContent-Length: 3\r\n\r\nabc";
            assert_eq!(client.ask(upload).unwrap().status(), 200);
            expected.push(header.clone());
        }
        assert_eq!(porter.headers(), expected, "{version}");
    }
    origin.wait_until_closed();
    assert!(origin.connections().iter().all(|connection| connection.heads == 1));
}

#[test]
fn what_a_balancer_said_is_passed_on() {
    let origin = Origin::echo();
    let header = |address: &str| [address.as_bytes(), REQUEST.as_bytes()].concat();
    for (version, said, expected) in [
        (
            "v2",
            "PROXY TCP4 192.0.2.1 198.51.100.2 56324 443\r\n",
            binary([192, 0, 2, 1], 56324, [198, 51, 100, 2], 443),
        ),
        (
            "v1",
            "PROXY TCP6 2001:db8::1 2001:db8::2 56324 443\r\n",
            b"PROXY TCP6 2001:db8::1 2001:db8::2 56324 443\r\n".to_vec(),
        ),
    ] {
        let porter = Porter::before(origin.address());
        let gateway = announcing(version, &[porter.address()], "proxy_protocol = [\"127.0.0.1\"]", "");
        assert_eq!(gateway.ask(header(said)).unwrap().status(), 200);
        let binary_in = [&binary([192, 0, 2, 7], 7, [192, 0, 2, 8], 8), REQUEST.as_bytes()].concat();
        assert_eq!(gateway.ask(binary_in).unwrap().status(), 200);
        let itself = binary([192, 0, 2, 7], 7, [192, 0, 2, 8], 8);
        let itself =
            if version == "v2" { itself } else { b"PROXY TCP4 192.0.2.7 192.0.2.8 7 8\r\n".to_vec() };
        assert_eq!(porter.headers(), [expected, itself]);
    }
}

#[test]
fn a_client_behind_a_trusted_proxy_has_no_port() {
    let origin = Origin::echo();
    let porter = Porter::before(origin.address());
    let gateway = announcing("v1", &[porter.address()], "trusted_proxies = [\"127.0.0.1\"]", "");
    let to = port(gateway.address());
    let mut client = gateway.connect().unwrap();
    let direct = line(&mut client, &gateway);
    for (said, expected) in [
        ("X-Forwarded-For: 192.0.2.1\r\n", format!("PROXY TCP4 192.0.2.1 127.0.0.1 0 {to}\r\n").into_bytes()),
        (
            "X-Forwarded-For: 2001:db8::1\r\n",
            format!("PROXY TCP6 2001:db8::1 ::ffff:7f00:1 0 {to}\r\n").into_bytes(),
        ),
        ("", direct),
    ] {
        let request = format!("GET / HTTP/1.1\r\nHost: test\r\n{said}\r\n");
        assert_eq!(client.ask(request).unwrap().status(), 200);
        assert_eq!(porter.headers().pop().unwrap(), expected);
    }
}

#[test]
fn tunnels_begin_with_it_and_another_endpoint_is_told_too() {
    let switch = "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n";
    let origin = Origin::answering(Answer::new().send(switch).then(Step::Tunnel));
    let porter = Porter::before(origin.address());
    let dead = FreeAddress::new();
    let gateway = announcing("v1", &[dead.address(), porter.address()], "", "");
    let mut client = gateway.connect().unwrap();
    assert_eq!(client.ask(open_request("/ws", "test")).unwrap().status(), 101);
    client.send("there and back").unwrap();
    assert_eq!(client.bytes(14).unwrap(), b"there and back");
    assert_eq!(porter.headers(), [line(&mut client, &gateway)]);
}

#[test]
fn a_limit_of_connections_is_one_of_requests() {
    let gate = testkit::Gate::new();
    let origin =
        Origin::answering(Answer::new().then(Step::Wait(gate.clone())).send("HTTP/1.1 204 N\r\n\r\n"));
    let porter = Porter::before(origin.address());
    let gateway = announcing("v2", &[porter.address()], "", "connections = 1");
    let mut first = gateway.connect().unwrap();
    first.send(REQUEST).unwrap();
    origin.wait("the request has come", |connections| connections.iter().any(|c| c.heads == 1));
    assert_eq!(gateway.ask(REQUEST).unwrap().status(), 503);
    gate.open();
    assert_eq!(first.response("GET").unwrap().status(), 204);
    assert_eq!(first.ask(REQUEST).unwrap().status(), 204);
}
