//! Blocks and sets of them by example, and the set against asking each block.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use proptest::prelude::*;

use super::{AddressSet, Cidr, CidrError};

fn block(text: &str) -> Cidr {
    text.parse().unwrap()
}

fn address(text: &str) -> IpAddr {
    text.parse().unwrap()
}

#[track_caller]
fn check(text: &str, inside: &[&str], outside: &[&str]) {
    let set = AddressSet::from_iter([block(text)]);
    for &it in inside {
        assert!(block(text).contains(address(it)), "{text} contains {it}");
        assert!(set.contains(address(it)), "the set of {text} contains {it}");
    }
    for &it in outside {
        assert!(!block(text).contains(address(it)), "{text} does not contain {it}");
        assert!(!set.contains(address(it)), "the set of {text} does not contain {it}");
    }
    assert_eq!(block(&block(text).to_string()), block(text));
}

#[test]
fn a_block_contains_its_addresses() {
    check("10.0.0.0/8", &["10.0.0.0", "10.255.255.255"], &["9.255.255.255", "11.0.0.0", "::a00:0"]);
    check("192.0.2.7", &["192.0.2.7"], &["192.0.2.6", "192.0.2.8"]);
    check("0.0.0.0/0", &["0.0.0.0", "255.255.255.255"], &["::", "2001:db8::1"]);
    check("2001:db8::/32", &["2001:db8::", "2001:db8:ffff::1"], &["2001:db9::", "10.0.0.1"]);
    check("::1", &["::1"], &["::2", "127.0.0.1"]);
    check("::/0", &["::", "2001:db8::1"], &["10.0.0.1"]);
}

#[test]
fn a_mapped_address_is_the_address_it_maps() {
    check("10.0.0.0/8", &["::ffff:10.1.2.3"], &["::ffff:11.0.0.1"]);
    check("::ffff:10.0.0.0/104", &["10.1.2.3", "::ffff:10.1.2.3"], &["11.0.0.1"]);
    assert_eq!(block("::ffff:10.0.0.0/104"), block("10.0.0.0/8"));
    assert_eq!(block("::ffff:10.0.0.1").to_string(), "10.0.0.1/32");
}

#[test]
fn what_is_no_block_is_refused() {
    let not_an_address = |text: &str| CidrError::Address { text: text.to_owned() };
    for text in ["", "10.0.0", "10.0.0.256", "example.com", "10.0.0.0:80", "/8", "[::1]", " 10.0.0.1"] {
        assert_eq!(text.parse::<Cidr>(), Err(not_an_address(text)));
    }
    for (text, bits_max) in
        [("10.0.0.0/33", 32), ("10.0.0.0/", 32), ("10.0.0.0/+8", 32), ("10.0.0.0/8/8", 32), ("::/129", 128)]
    {
        assert_eq!(text.parse::<Cidr>(), Err(CidrError::PrefixLength { bits_max }), "{text}");
    }
}

#[test]
fn bits_beyond_the_prefix_are_refused_with_the_block_to_write() {
    let refused = "10.1.2.3/8".parse::<Cidr>().unwrap_err();
    assert_eq!(refused, CidrError::HostBits { block: block("10.0.0.0/8") });
    assert!(refused.to_string().ends_with("`10.0.0.0/8`"));
    assert!("2001:db8::1/32".parse::<Cidr>().is_err());
}

#[test]
fn an_empty_set_contains_nothing() {
    assert!(AddressSet::default().is_empty());
    assert!(!AddressSet::default().contains(address("10.0.0.1")));
}

#[test]
fn blocks_within_others_are_dropped() {
    let set: AddressSet = ["10.1.0.0/16", "10.0.0.0/8", "10.0.0.0/24", "::1", "9.9.9.9"]
        .iter()
        .map(|text| block(text))
        .collect();
    assert_eq!(set.blocks(), [block("9.9.9.9"), block("10.0.0.0/8"), block("::1")]);
    assert!(!set.is_empty());
}

fn any_block() -> impl Strategy<Value = Cidr> {
    // Few distinct high bits, so that blocks nest and hit.
    prop_oneof![
        (0u32..4, 0u32..4, 0u8..=32).prop_map(|(high, low, bits)| {
            let first = super::masked(IpAddr::V4(Ipv4Addr::from_bits(high << 30 | low)), bits);
            block(&format!("{first}/{bits}"))
        }),
        (0u128..4, 0u128..4, 0u8..=128).prop_map(|(high, low, bits)| {
            let first = super::masked(IpAddr::V6(Ipv6Addr::from_bits(high << 126 | low)), bits);
            block(&format!("{first}/{bits}"))
        }),
    ]
}

fn any_address() -> impl Strategy<Value = IpAddr> {
    prop_oneof![
        (0u32..4, 0u32..8).prop_map(|(high, low)| IpAddr::V4(Ipv4Addr::from_bits(high << 30 | low))),
        (0u128..4, 0u128..8).prop_map(|(high, low)| IpAddr::V6(Ipv6Addr::from_bits(high << 126 | low))),
    ]
}

proptest! {
    #[test]
    fn a_set_contains_what_one_of_its_blocks_contains(
        blocks in prop::collection::vec(any_block(), 0..8),
        address in any_address(),
    ) {
        let set: AddressSet = blocks.iter().copied().collect();
        prop_assert_eq!(set.contains(address), blocks.iter().any(|block| block.contains(address)));
    }
}
