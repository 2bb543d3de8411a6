//! RFC 7541 Appendix C.

use super::*;

/// Bytes written in hexadecimal; blanks are for the eye.
fn bytes(hex: &str) -> Vec<u8> {
    let digits: Vec<u8> =
        hex.chars().filter_map(|digit| digit.to_digit(16)).map(|digit| digit as u8).collect();
    digits.chunks(2).map(|pair| pair.iter().fold(0, |byte, digit| byte << 4 | digit)).collect()
}

/// A block, its fields, the table after it and what that counts.
type Example<'a> = (&'a str, &'a [(&'a str, &'a str)], &'a [(&'a str, &'a str)], usize);

fn check(size_max: usize, examples: &[Example<'_>]) {
    let mut decoder = Decoder::new(size_max);
    for &(block, expected, table, size) in examples {
        assert_eq!(decode(&mut decoder, &bytes(block)), Ok(fields(expected)), "{block}");
        assert_eq!(entries(&decoder), fields(table), "{block}");
        assert_eq!(decoder.table.size(), size, "{block}");
    }
}

const GET: (&str, &str) = (":method", "GET");
const HTTP: (&str, &str) = (":scheme", "http");
const HTTPS: (&str, &str) = (":scheme", "https");
const ROOT: (&str, &str) = (":path", "/");
const INDEX: (&str, &str) = (":path", "/index.html");
const AUTHORITY: (&str, &str) = (":authority", "www.example.com");
const NO_CACHE: (&str, &str) = ("cache-control", "no-cache");
const CUSTOM: (&str, &str) = ("custom-key", "custom-value");

const FOUND: (&str, &str) = (":status", "302");
const REDIRECT: (&str, &str) = (":status", "307");
const OK: (&str, &str) = (":status", "200");
const PRIVATE: (&str, &str) = ("cache-control", "private");
const DATE: (&str, &str) = ("date", "Mon, 21 Oct 2013 20:13:21 GMT");
const DATE_LATER: (&str, &str) = ("date", "Mon, 21 Oct 2013 20:13:22 GMT");
const LOCATION: (&str, &str) = ("location", "https://www.example.com");
const GZIP: (&str, &str) = ("content-encoding", "gzip");
const COOKIE: (&str, &str) = ("set-cookie", "foo=ASDJKHQKBZXOQWEOPIUAXQWEOIU; max-age=3600; version=1");

#[test]
fn c2_each_kind_of_field() {
    let literal = ("custom-key", "custom-header");
    let block = "400a 6375 7374 6f6d 2d6b 6579 0d63 7573 746f 6d2d 6865 6164 6572";
    check(4096, &[(block, &[literal], &[literal], 55)]);
    check(4096, &[("040c 2f73 616d 706c 652f 7061 7468", &[(":path", "/sample/path")], &[], 0)]);
    let block = "1008 7061 7373 776f 7264 0673 6563 7265 74";
    check(4096, &[(block, &[("password", "secret")], &[], 0)]);
    check(4096, &[("82", &[GET], &[], 0)]);
}

fn check_requests(blocks: [&str; 3]) {
    let [first, second, third] = blocks;
    check(
        4096,
        &[
            (first, &[GET, HTTP, ROOT, AUTHORITY], &[AUTHORITY], 57),
            (second, &[GET, HTTP, ROOT, AUTHORITY, NO_CACHE], &[NO_CACHE, AUTHORITY], 110),
            (third, &[GET, HTTPS, INDEX, AUTHORITY, CUSTOM], &[CUSTOM, NO_CACHE, AUTHORITY], 164),
        ],
    );
}

#[test]
fn c3_requests_without_huffman_coding() {
    check_requests([
        "8286 8441 0f77 7777 2e65 7861 6d70 6c65 2e63 6f6d",
        "8286 84be 5808 6e6f 2d63 6163 6865",
        "8287 85bf 400a 6375 7374 6f6d 2d6b 6579 0c63 7573 746f 6d2d 7661 6c75 65",
    ]);
}

#[test]
fn c4_requests_with_huffman_coding() {
    check_requests([
        "8286 8441 8cf1 e3c2 e5f2 3a6b a0ab 90f4 ff",
        "8286 84be 5886 a8eb 1064 9cbf",
        "8287 85bf 4088 25a8 49e9 5ba9 7d7f 8925 a849 e95b b8e8 b4bf",
    ]);
}

fn check_responses(blocks: [&str; 3]) {
    let [first, second, third] = blocks;
    check(
        256,
        &[
            (first, &[FOUND, PRIVATE, DATE, LOCATION], &[LOCATION, DATE, PRIVATE, FOUND], 222),
            (second, &[REDIRECT, PRIVATE, DATE, LOCATION], &[REDIRECT, LOCATION, DATE, PRIVATE], 222),
            (third, &[OK, PRIVATE, DATE_LATER, LOCATION, GZIP, COOKIE], &[COOKIE, GZIP, DATE_LATER], 215),
        ],
    );
}

#[test]
fn c5_responses_without_huffman_coding() {
    check_responses([
        "4803 3330 3258 0770 7269 7661 7465 611d 4d6f 6e2c 2032 3120 4f63 7420 3230 3133 2032 303a 3133 3a32
         3120 474d 546e 1768 7474 7073 3a2f 2f77 7777 2e65 7861 6d70 6c65 2e63 6f6d",
        "4803 3330 37c1 c0bf",
        "88c1 611d 4d6f 6e2c 2032 3120 4f63 7420 3230 3133 2032 303a 3133 3a32 3220 474d 54c0 5a04 677a 6970
         7738 666f 6f3d 4153 444a 4b48 514b 425a 584f 5157 454f 5049 5541 5851 5745 4f49 553b 206d 6178 2d61
         6765 3d33 3630 303b 2076 6572 7369 6f6e 3d31",
    ]);
}

#[test]
fn c6_responses_with_huffman_coding() {
    check_responses([
        "4882 6402 5885 aec3 771a 4b61 96d0 7abe 9410 54d4 44a8 2005 9504 0b81 66e0 82a6 2d1b ff6e 919d 29ad
         1718 63c7 8f0b 97c8 e9ae 82ae 43d3",
        "4883 640e ffc1 c0bf",
        "88c1 6196 d07a be94 1054 d444 a820 0595 040b 8166 e084 a62d 1bff c05a 839b d9ab 77ad 94e7 821d d7f2
         e6c7 b335 dfdf cd5b 3960 d5af 2708 7f36 72c1 ab27 0fb5 291f 9587 3160 65c0 03ed 4ee5 b106 3d50 07",
    ]);
}
