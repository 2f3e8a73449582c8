//! What the guard refuses, by example and by property.

use std::sync::Mutex;

use proptest::prelude::*;

use super::*;

const REFUSED: &[&str] = &[
    "0.0.0.0",
    "10.1.2.3",
    "100.64.0.1",
    "127.0.0.1",
    "127.255.255.254",
    "100.100.100.200",
    "168.63.129.16",
    "169.254.169.254",
    "169.254.170.2",
    "172.16.0.1",
    "172.31.255.255",
    "192.0.0.1",
    "192.0.2.1",
    "192.168.1.1",
    "198.18.0.1",
    "198.19.255.255",
    "198.51.100.7",
    "203.0.113.7",
    "224.0.0.1",
    "240.0.0.1",
    "255.255.255.255",
    "::",
    "::1",
    "::127.0.0.1",
    "::1.1.1.1",
    "::ffff:127.0.0.1",
    "::ffff:169.254.169.254",
    "64:ff9b::10.0.0.1",
    "64:ff9b:1::1",
    "100::1",
    "2001::1",
    "2001:db8::1",
    "2002:7f00:1::",
    "3fff::1",
    "fc00::1",
    "fd00:ec2::254",
    "fe80::1",
    "fec0::1",
    "ff02::1",
];
const ALLOWED: &[&str] = &[
    "1.1.1.1",
    "100.63.255.255",
    "100.128.0.1",
    "172.15.0.1",
    "172.32.0.1",
    "192.0.1.1",
    "223.255.255.255",
    "::ffff:1.1.1.1",
    "64:ff9b::1.1.1.1",
    "2606:4700::1111",
    "2a00:1450:4007::1",
];

#[test]
fn tells_our_own_networks_from_the_public_one() {
    for text in REFUSED {
        assert!(!is_public(text.parse().unwrap()), "{text} must be refused");
    }
    for text in ALLOWED {
        assert!(is_public(text.parse().unwrap()), "{text} must be allowed");
    }
}

/// What the IANA registries of special-purpose addresses keep from the public, with multicast and what is reserved.
const SPECIAL_V4: &[(&str, u32)] = &[
    ("0.0.0.0", 8),
    ("10.0.0.0", 8),
    ("100.64.0.0", 10),
    ("127.0.0.0", 8),
    ("169.254.0.0", 16),
    ("172.16.0.0", 12),
    ("192.0.0.0", 24),
    ("192.0.2.0", 24),
    ("192.88.99.0", 24),
    ("192.168.0.0", 16),
    ("198.18.0.0", 15),
    ("198.51.100.0", 24),
    ("203.0.113.0", 24),
    ("224.0.0.0", 4),
    ("240.0.0.0", 4),
];
const SPECIAL_V6: &[(&str, u32)] = &[
    ("::", 96),
    ("::ffff:0:0:0", 96),
    ("64:ff9b:1::", 48),
    ("100::", 64),
    ("100:0:0:1::", 64),
    ("2001::", 23),
    ("2001:db8::", 32),
    ("2002::", 16),
    ("3fff::", 20),
    ("5f00::", 16),
    ("fc00::", 7),
    ("fe80::", 10),
    ("fec0::", 10),
    ("ff00::", 8),
];

/// Any address of any of the IPv4 ranges.
fn special_v4() -> impl Strategy<Value = Ipv4Addr> {
    (prop::sample::select(SPECIAL_V4), any::<u32>()).prop_map(|((base, bits), host)| {
        let base: Ipv4Addr = base.parse().unwrap();
        Ipv4Addr::from_bits(base.to_bits() | (host & (u32::MAX >> bits)))
    })
}

/// Any address of any of the IPv6 ranges.
fn special_v6() -> impl Strategy<Value = Ipv6Addr> {
    (prop::sample::select(SPECIAL_V6), any::<u128>()).prop_map(|((base, bits), host)| {
        let base: Ipv6Addr = base.parse().unwrap();
        Ipv6Addr::from_bits(base.to_bits() | (host & (u128::MAX >> bits)))
    })
}

/// An IPv6 address with an IPv4 address in its last bits.
fn within(prefix: &str, address: Ipv4Addr) -> IpAddr {
    let prefix: Ipv6Addr = prefix.parse().unwrap();
    IpAddr::V6(Ipv6Addr::from_bits(prefix.to_bits() | u128::from(address.to_bits())))
}

proptest! {
    #[test]
    fn no_address_of_a_special_registry_is_public_however_it_is_wrapped(v4 in special_v4(), v6 in special_v6()) {
        prop_assert!(!is_public(IpAddr::V4(v4)), "{v4}");
        prop_assert!(!is_public(IpAddr::V6(v6)), "{v6}");
        for prefix in ["::", "::ffff:0:0", "::ffff:0:0:0", "64:ff9b::", "64:ff9b:1::"] {
            prop_assert!(!is_public(within(prefix, v4)), "{prefix} {v4}");
        }
        let [a, b, c, d] = v4.octets().map(u16::from);
        let relayed = Ipv6Addr::new(0x2002, a << 8 | b, c << 8 | d, 0, 0, 0, 0, 1);
        prop_assert!(!is_public(IpAddr::V6(relayed)), "{relayed}");
        for text in [format!("https://{v4}/"), format!("https://{}/", v4.to_bits()), format!("https://{:#x}/", v4.to_bits()),
            format!("https://{:#o}/", v4.to_bits()).replace("0o", "0"), format!("https://[{v6}]/")] {
            prop_assert_eq!(check_url(&text.parse().unwrap(), &[]), Err(NotPublic), "{}", text);
        }
    }

    #[test]
    fn whatever_can_be_typed_is_judged_without_a_panic(text in ".{0,60}", host in "[0-9a-fx.:\\[\\]%@]{0,30}") {
        for typed in [text, format!("https://{host}/")] {
            if let Ok(url) = Url::parse(&typed) && check_url(&url, &[]).is_ok() {
                prop_assert_eq!((url.scheme(), url.port()), ("https", None));
            }
        }
    }

    #[test]
    fn an_address_is_judged_the_same_when_mapped_into_ipv6(bits: u32) {
        let v4 = Ipv4Addr::from_bits(bits);
        prop_assert_eq!(is_public(IpAddr::V4(v4)), is_public(IpAddr::V6(v4.to_ipv6_mapped())));
    }
}

#[test]
fn sees_through_every_way_to_write_an_address() {
    for text in [
        "https://127.0.0.1/",
        "https://2130706433/",
        "https://0x7f000001/",
        "https://0177.0.0.1/",
        "https://127.1/",
        "https://[::1]/",
        "https://[::ffff:7f00:1]/",
        "https://169.254.169.254/latest/meta-data/",
        "https://0251.0376.0251.0376/",
        "https://2852039166/",
        "https://0xA9.254.0xa9fe/",
        "https://１２７.０.０.１/",
        "https://127。0。0。1/",
        "https://%31%32%37.0.0.1/",
        "https://[::ffff:169.254.169.254]/",
        "https://[fd00:ec2::254]/latest/meta-data/",
        "https://[64:ff9b::a00:1]/",
        "https://0/",
        "http://shop.example/",
        "file:///etc/passwd",
    ] {
        assert_eq!(check_url(&text.parse().unwrap(), &[]), Err(NotPublic), "{text}");
    }
    assert_eq!(check_url(&"https://shop.example/wp-json".parse().unwrap(), &[]), Ok(()));
}

#[test]
fn no_port_is_open_that_was_not_named_and_no_name_stands_before_the_host() {
    let verdict = |text: &str, ports: &[u16]| check_url(&text.parse().unwrap(), ports);
    for text in ["https://shop.example:22/", "https://shop.example:8443/", "https://shop.example:80/"] {
        assert_eq!(verdict(text, &[]), Err(NotPublic), "{text}");
        assert_eq!(verdict(text, &[9443]), Err(NotPublic), "{text}");
    }
    assert_eq!(verdict("https://shop.example:443/", &[]), Ok(()));
    assert_eq!(verdict("https://shop.example:8443/", &[8443]), Ok(()));
    assert_eq!(verdict("https://10.0.0.1:8443/", &[8443]), Err(NotPublic));
    for text in ["https://shop.example@1.1.1.1/", "https://u:p@shop.example/", "https://:p@shop.example/"] {
        assert_eq!(verdict(text, &[]), Err(NotPublic), "{text}");
    }
}

/// Answers with one list after the other.
struct Changing(Mutex<Vec<Vec<SocketAddr>>>);

impl Lookup for Changing {
    async fn lookup(&self, _name: String) -> std::io::Result<Vec<SocketAddr>> {
        Ok(self.0.lock().unwrap().pop().unwrap())
    }
}

fn addresses(texts: &[&str]) -> Vec<SocketAddr> {
    texts.iter().map(|text| SocketAddr::new(text.parse().unwrap(), 0)).collect()
}

#[tokio::test]
async fn a_name_that_turns_to_a_private_address_is_refused_at_the_next_connection() {
    let answers = vec![addresses(&["127.0.0.1"]), addresses(&["1.1.1.1", "10.0.0.1"])];
    let resolver = PublicOnly(Arc::new(Changing(Mutex::new(answers))));
    let first: Vec<_> = resolver.resolve("shop.example".parse().unwrap()).await.unwrap().collect();
    assert_eq!(first, addresses(&["1.1.1.1"]));
    let second = resolver.resolve("shop.example".parse().unwrap()).await;
    assert!(second.err().unwrap().is::<NotPublic>());
}
