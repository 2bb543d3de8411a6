//! Which address is the client's, behind proxies that are trusted to say so.

use std::net::{IpAddr, SocketAddr};

use crate::address::AddressSet;

/// The client's address: that of the peer, unless the peer is trusted; then the rightmost untrusted address in the
/// `X-Forwarded-For` fields, since everything left of it is the client's own claim.
///
/// `forwarded_for` yields the values of the fields in the order received; each may be a comma list, and each entry
/// an address with or without port, IPv6 with or without brackets. When all entries are trusted the client is the
/// peer. An entry that is no address ends the walk at the last good one: what stands left of it came by a hop that
/// cannot be named, so it is not believed. IPv4-mapped IPv6 addresses come out as IPv4.
pub fn client_address<'a>(
    peer: IpAddr,
    forwarded_for: impl DoubleEndedIterator<Item = &'a [u8]>,
    trusted: &AddressSet,
) -> IpAddr {
    let peer = peer.to_canonical();
    if !trusted.contains(peer) {
        return peer;
    }
    let mut last_good = peer;
    // RFC 9110 §5.6.1: a list may hold empty elements.
    let entries = forwarded_for.rev().flat_map(|field| field.rsplit(|&byte| byte == b','));
    for entry in entries.map(<[u8]>::trim_ascii).filter(|entry| !entry.is_empty()) {
        let Some(address) = entry_address(entry) else {
            return last_good;
        };
        if !trusted.contains(address) {
            return address;
        }
        last_good = address;
    }
    peer
}

fn entry_address(entry: &[u8]) -> Option<IpAddr> {
    let text = std::str::from_utf8(entry).ok()?;
    let address = text
        .parse::<IpAddr>()
        .or_else(|_| text.parse::<SocketAddr>().map(|with_port| with_port.ip()))
        .ok()
        .or_else(|| {
            text.strip_prefix('[')?.strip_suffix(']')?.parse::<std::net::Ipv6Addr>().ok().map(IpAddr::V6)
        })?;
    Some(address.to_canonical())
}

#[cfg(test)]
mod tests {
    use super::client_address;
    use crate::address::AddressSet;

    #[track_caller]
    fn check(peer: &str, fields: &[&str], client: &str) {
        let trusted: AddressSet =
            ["10.0.0.0/8", "fd00::/8"].iter().map(|block| block.parse().unwrap()).collect();
        let values = fields.iter().map(|field| field.as_bytes());
        let found = client_address(peer.parse().unwrap(), values, &trusted);
        assert_eq!(found.to_string(), client, "{peer} {fields:?}");
    }

    #[test]
    fn an_untrusted_peer_is_the_client() {
        check("203.0.113.9", &[], "203.0.113.9");
        check("203.0.113.9", &["198.51.100.1"], "203.0.113.9");
        check("::ffff:203.0.113.9", &["198.51.100.1"], "203.0.113.9");
    }

    #[test]
    fn the_rightmost_untrusted_address_is_the_client() {
        check("10.0.0.1", &["203.0.113.9"], "203.0.113.9");
        check("10.0.0.1", &["192.0.2.66, 203.0.113.9, 10.0.0.2"], "203.0.113.9");
        check("10.0.0.1", &["192.0.2.66", "203.0.113.9", "10.0.0.2, 10.0.0.3"], "203.0.113.9");
        check("::ffff:10.0.0.1", &["::ffff:203.0.113.9"], "203.0.113.9");
    }

    #[test]
    fn without_an_untrusted_address_the_peer_is_the_client() {
        check("10.0.0.1", &[], "10.0.0.1");
        check("10.0.0.1", &["", " , "], "10.0.0.1");
        check("10.0.0.1", &["10.0.0.3, 10.0.0.2"], "10.0.0.1");
    }

    #[test]
    fn ports_and_brackets_are_taken_off() {
        check("10.0.0.1", &["203.0.113.9:4711"], "203.0.113.9");
        check("10.0.0.1", &["[2001:db8::7]:4711"], "2001:db8::7");
        check("10.0.0.1", &["[2001:db8::7]"], "2001:db8::7");
        check("fd00::1", &["2001:db8::7,,\t10.0.0.2 "], "2001:db8::7");
    }

    #[test]
    fn garbage_ends_the_walk_at_the_last_good_address() {
        for garbage in
            ["unknown", "_hidden", "203.0.113.9x", "203.0.113", "[10.0.0.9]", "203.0.113.9:99999", "é"]
        {
            check("10.0.0.1", &[&format!("203.0.113.9, {garbage}")], "10.0.0.1");
            check("10.0.0.1", &[&format!("203.0.113.9, {garbage}, 10.0.0.2")], "10.0.0.2");
        }
    }
}
