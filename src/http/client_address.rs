//! Whose request it is, seen from behind proxies.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use axum::http::{Extensions, HeaderMap};
use ipnet::IpNet;

/// Entries of `X-Forwarded-For` that are looked at, from the right. More hops than these are not believed.
const MAX_HOPS: usize = 20;

/// The address at the other end of the connection, put into every request by the server.
#[derive(Debug, Clone, Copy)]
pub struct PeerAddress(pub SocketAddr);

/// The address that the request came from, as far as trusted proxies vouch for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ClientAddress(pub IpAddr);

/// The networks whose forwarding headers are believed.
#[derive(Debug, Clone, Default)]
pub struct TrustedProxies(Vec<IpNet>);

impl TrustedProxies {
    /// Believes the headers of peers in `networks`.
    pub fn new(networks: Vec<IpNet>) -> Self {
        Self(networks)
    }

    /// Whether `address` is one of the proxies.
    pub fn contains(&self, address: IpAddr) -> bool {
        self.0.iter().any(|network| network.contains(&address))
    }

    /// The rightmost address in `X-Forwarded-For` that is no trusted proxy, if the peer is one; else the peer.
    pub fn client(&self, peer: IpAddr, headers: &HeaderMap) -> ClientAddress {
        let entries: Vec<&str> = headers
            .get_all("x-forwarded-for")
            .iter()
            .filter_map(|value| value.to_str().ok())
            .flat_map(|value| value.split(','))
            .collect();
        let mut client = peer.to_canonical();
        for entry in entries.into_iter().rev().take(MAX_HOPS) {
            if !self.contains(client) {
                break;
            }
            // What cannot be read was not written by a proxy of ours: the last known hop answers for it.
            let Some(address) = parse_entry(entry.trim()) else { break };
            client = address;
        }
        ClientAddress(client)
    }
}

/// The connection's peer; a request that came over no connection has an address that no proxy has.
pub(super) fn peer(extensions: &Extensions) -> IpAddr {
    extensions.get::<PeerAddress>().map_or(Ipv4Addr::UNSPECIFIED.into(), |peer| peer.0.ip().to_canonical())
}

/// An address, or an address with a port as some proxies write it.
fn parse_entry(entry: &str) -> Option<IpAddr> {
    let bare = entry.trim_start_matches('[').trim_end_matches(']');
    let address = bare.parse().ok().or_else(|| entry.parse::<SocketAddr>().ok().map(|socket| socket.ip()))?;
    Some(IpAddr::to_canonical(&address))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn client(peer: &str, forwarded: &[&str]) -> String {
        let proxies = TrustedProxies::new(vec!["10.0.0.0/8".parse().unwrap(), "fd00::/8".parse().unwrap()]);
        let mut headers = HeaderMap::new();
        for value in forwarded {
            headers.append("x-forwarded-for", value.parse().unwrap());
        }
        proxies.client(peer.parse().unwrap(), &headers).0.to_string()
    }

    #[test]
    fn a_stranger_cannot_forward() {
        assert_eq!(client("203.0.113.7", &["198.51.100.1"]), "203.0.113.7");
    }

    #[test]
    fn the_rightmost_untrusted_entry_counts() {
        assert_eq!(client("10.0.0.1", &["1.1.1.1, 198.51.100.1, 10.0.0.2"]), "198.51.100.1");
        assert_eq!(client("10.0.0.1", &["1.1.1.1", "198.51.100.1"]), "198.51.100.1");
        assert_eq!(client("fd00::1", &["[2001:db8::1]:443"]), "2001:db8::1");
        assert_eq!(client("::ffff:10.0.0.1", &["198.51.100.1:9"]), "198.51.100.1");
    }

    #[test]
    fn without_a_readable_entry_the_last_known_hop_counts() {
        assert_eq!(client("10.0.0.1", &[]), "10.0.0.1");
        assert_eq!(client("10.0.0.1", &["198.51.100.1, unknown, 10.0.0.2"]), "10.0.0.2");
    }

    proptest::proptest! {
        #[test]
        fn any_forwarding_never_panics_and_is_a_strangers_never(value in crate::testing::jumble("10.0.0.1¦203.0.113.9¦[¦]¦fd00::1¦::ffff:10.0.0.1¦:¦65536¦,¦for=¦%eth0¦\u{e9}")) {
            if let Ok(value) = axum::http::HeaderValue::from_bytes(value.as_bytes()) {
                let headers = HeaderMap::from_iter([(axum::http::HeaderName::from_static("x-forwarded-for"), value)]);
                let proxies = TrustedProxies::new(vec!["10.0.0.0/8".parse().unwrap()]);
                let _ = proxies.client("10.0.0.2".parse().unwrap(), &headers);
                let stranger = "203.0.113.7".parse().unwrap();
                assert_eq!(proxies.client(stranger, &headers).0, stranger);
            }
        }
    }
}
