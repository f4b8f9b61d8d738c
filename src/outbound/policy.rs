//! Which URLs and addresses may be asked.

use std::net::IpAddr;

use ipnet::IpNet;
use serde::{Deserialize, Serialize};
use url::{Host, Url};

/// Networks that a receiver's address may not be in: this host, private and shared networks, link-local (where
/// clouds keep their metadata), multicast, reserved, and every notation of IPv6 that carries an IPv4 address.
/// From the IANA special-purpose address registries (RFC 6890).
const BLOCKED: [&str; 22] = [
    "0.0.0.0/8",
    "10.0.0.0/8",
    "100.64.0.0/10",
    "127.0.0.0/8",
    "169.254.0.0/16",
    "172.16.0.0/12",
    "192.0.0.0/24",
    "192.168.0.0/16",
    "198.18.0.0/15",
    "224.0.0.0/4",
    "240.0.0.0/4",
    "::/96",
    "::ffff:0:0/96",
    "64:ff9b::/96",
    "64:ff9b:1::/48",
    "2001::/32",
    "2002::/16",
    "fc00::/7",
    "fe80::/10",
    // Site-local: deprecated by RFC 3879, still routed by old equipment.
    "fec0::/10",
    "ff00::/8",
    // Discard-only, RFC 6666.
    "100::/64",
];

/// What the operator allows beyond https to public addresses on port 443.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct OutboundSettings {
    /// Hosts that may be asked over plain http, as they stand in the URL. Default none.
    pub http_hosts: Vec<String>,
    /// Networks inside, for example `10.20.0.0/16`, that receivers may be in although they are not public.
    /// Default none.
    pub networks: Vec<IpNet>,
    /// Ports that may be asked. Default 443 alone.
    pub ports: Vec<u16>,
}

impl Default for OutboundSettings {
    fn default() -> Self {
        Self { http_hosts: Vec::new(), networks: Vec::new(), ports: vec![443] }
    }
}

/// Decides which URLs and addresses may be asked. Made from the configuration only, never from a caller's input.
#[derive(Clone, Debug)]
pub struct Policy {
    http_hosts: Vec<String>,
    networks: Vec<IpNet>,
    ports: Vec<u16>,
    blocked: Vec<IpNet>,
}

/// Why a URL or an address is not asked. Each says what to do about it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// Neither https, nor http to a host that the operator allows it for.
    #[error("must be an https URL; http is accepted only for hosts listed in outbound.http_hosts")]
    Scheme,
    /// A user name or a password.
    #[error("must not hold a user name or a password: send credentials in a header")]
    UserInfo,
    /// No host.
    #[error("names no host")]
    NoHost,
    /// A port that the operator does not allow.
    #[error("port {0} is not listed in outbound.ports")]
    Port(u16),
    /// An address that is not public. Its words leave it out: whoever may set a URL would learn what names inside mean.
    #[error("the address is not public; networks inside have to be listed in outbound.networks")]
    Address(IpAddr),
    /// A name without any address.
    #[error("the name has no address")]
    NoAddress,
}

impl Default for Policy {
    fn default() -> Self {
        Self::new(&OutboundSettings::default())
    }
}

impl Policy {
    /// The policy that `settings` describe.
    pub fn new(settings: &OutboundSettings) -> Self {
        Self {
            http_hosts: settings.http_hosts.iter().map(|host| host.to_ascii_lowercase()).collect(),
            networks: settings.networks.clone(),
            ports: settings.ports.clone(),
            blocked: BLOCKED.iter().filter_map(|range| range.parse().ok()).collect(),
        }
    }

    /// Refuses a URL that may not be asked. A name passes here; its addresses are checked when it is resolved.
    ///
    /// # Errors
    /// The first reason that applies.
    pub fn check_url(&self, url: &Url) -> Result<(), Refusal> {
        let host = url.host().ok_or(Refusal::NoHost)?;
        match url.scheme() {
            "https" => {}
            "http" if self.http_hosts.contains(&host.to_string()) => {}
            _ => return Err(Refusal::Scheme),
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err(Refusal::UserInfo);
        }
        match url.port_or_known_default() {
            Some(port) if self.ports.contains(&port) => {}
            port => return Err(Refusal::Port(port.unwrap_or_default())),
        }
        // A literal address never comes to the resolver.
        match host {
            Host::Domain(_) => Ok(()),
            Host::Ipv4(address) => self.check_address(address.into()),
            Host::Ipv6(address) => self.check_address(address.into()),
        }
    }

    /// Refuses an address inside, unless the operator listed its network.
    ///
    /// # Errors
    /// [`Refusal::Address`].
    pub fn check_address(&self, address: IpAddr) -> Result<(), Refusal> {
        let is_in = |networks: &[IpNet]| networks.iter().any(|network| network.contains(&address));
        if is_in(&self.blocked) && !is_in(&self.networks) {
            return Err(Refusal::Address(address));
        }
        Ok(())
    }

    /// Refuses a name when any of its addresses is refused, or it has none.
    ///
    /// # Errors
    /// The refusal of the first such address, or [`Refusal::NoAddress`].
    pub fn check_addresses(&self, addresses: &[IpAddr]) -> Result<(), Refusal> {
        if addresses.is_empty() {
            return Err(Refusal::NoAddress);
        }
        addresses.iter().try_for_each(|address| self.check_address(*address))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(policy: &Policy, url: &str) -> Result<(), Refusal> {
        policy.check_url(&Url::parse(url).unwrap())
    }

    #[test]
    fn every_blocked_range_is_refused_at_both_ends_and_no_further() {
        let policy = Policy::default();
        assert_eq!(policy.blocked.len(), BLOCKED.len(), "a range does not parse");
        for (first, last) in [
            ("0.0.0.0", "0.255.255.255"),
            ("10.0.0.0", "10.255.255.255"),
            ("100.64.0.0", "100.127.255.255"),
            ("127.0.0.0", "127.255.255.255"),
            ("169.254.0.0", "169.254.255.255"),
            ("172.16.0.0", "172.31.255.255"),
            ("192.0.0.0", "192.0.0.255"),
            ("192.168.0.0", "192.168.255.255"),
            ("198.18.0.0", "198.19.255.255"),
            ("224.0.0.0", "239.255.255.255"),
            ("240.0.0.0", "255.255.255.255"),
            ("::", "::ffff:ffff"),
            ("::1", "::7f00:1"),
            ("::ffff:0.0.0.0", "::ffff:255.255.255.255"),
            ("::ffff:8.8.8.8", "::ffff:127.0.0.1"),
            ("64:ff9b::", "64:ff9b::ffff:ffff"),
            ("64:ff9b:1::", "64:ff9b:1:ffff:ffff:ffff:ffff:ffff"),
            ("2001::", "2001:0:ffff:ffff:ffff:ffff:ffff:ffff"),
            ("2002::", "2002:ffff:ffff:ffff:ffff:ffff:ffff:ffff"),
            ("fc00::", "fdff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"),
            ("fe80::", "febf:ffff:ffff:ffff:ffff:ffff:ffff:ffff"),
            ("fec0::", "feff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"),
            ("ff00::", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"),
            ("100::", "100::ffff:ffff:ffff:ffff"),
        ] {
            for address in [first, last] {
                let address: IpAddr = address.parse().unwrap();
                assert_eq!(policy.check_address(address), Err(Refusal::Address(address)));
            }
        }
        for public in [
            "1.0.0.0",
            "9.255.255.255",
            "11.0.0.0",
            "100.63.255.255",
            "100.128.0.0",
            "126.255.255.255",
            "128.0.0.0",
            "169.253.255.255",
            "169.255.0.0",
            "172.15.255.255",
            "172.32.0.0",
            "192.0.1.0",
            "192.167.255.255",
            "192.169.0.0",
            "198.17.255.255",
            "198.20.0.0",
            "223.255.255.255",
            "2001:1::1",
            "2606:4700::1111",
            "2003::1",
        ] {
            assert_eq!(policy.check_address(public.parse().unwrap()), Ok(()), "{public}");
        }
    }

    #[test]
    fn odd_notations_of_an_address_inside_are_that_address() {
        let policy = Policy::default();
        for url in [
            "https://127.0.0.1/",
            "https://0x7f.1/",
            "https://2130706433/",
            "https://0177.0.0.1/",
            "https://127.1/",
            "https://127。0。0。1/",
            "https://１２７.0.0.1/",
            "https://127.0.0.1./",
            "https://0/",
            "https://[::1]/",
            "https://[::]/",
            "https://[::ffff:127.0.0.1]/",
            "https://[::ffff:7f00:1]/",
            "https://[64:ff9b::7f00:1]/",
            "https://[64:ff9b:1::7f00:1]/",
            "https://[2002:7f00:1::]/",
            "https://[fe80::1]/",
            "https://169.254.169.254/latest/meta-data/",
            "https://[fd00:ec2::254]/",
        ] {
            assert!(
                matches!(check(&policy, url), Err(Refusal::Address(_))),
                "{url}: {:?}",
                check(&policy, url)
            );
        }
    }

    #[test]
    fn only_https_on_allowed_ports_without_credentials() {
        let policy = Policy::new(&OutboundSettings {
            http_hosts: vec!["Tickets.example".to_owned()],
            ports: vec![443, 80, 8443],
            ..OutboundSettings::default()
        });
        for (url, expected) in [
            ("https://hooks.example/a?b", Ok(())),
            ("https://hooks.example:8443/", Ok(())),
            ("https://8.8.8.8/", Ok(())),
            ("http://tickets.example/", Ok(())),
            ("http://TICKETS.example/", Ok(())),
            ("http://hooks.example/", Err(Refusal::Scheme)),
            ("http://tickets.example.evil.example/", Err(Refusal::Scheme)),
            ("http://tickets.example@evil.example/", Err(Refusal::Scheme)),
            ("https://tickets.example@evil.example/", Err(Refusal::UserInfo)),
            ("https://:secret@hooks.example/", Err(Refusal::UserInfo)),
            ("https://hooks.example:22/", Err(Refusal::Port(22))),
            ("http://tickets.example:6379/", Err(Refusal::Port(6379))),
            ("ftp://hooks.example/", Err(Refusal::Scheme)),
            ("gopher://hooks.example/", Err(Refusal::Scheme)),
            ("file:///etc/passwd", Err(Refusal::NoHost)),
            ("data:text/plain,a", Err(Refusal::NoHost)),
        ] {
            assert_eq!(check(&policy, url), expected, "{url}");
        }
        assert_eq!(check(&Policy::default(), "https://hooks.example:8443/"), Err(Refusal::Port(8443)));
    }

    #[test]
    fn a_listed_network_is_open_and_its_other_notations_are_not() {
        let policy = Policy::new(&OutboundSettings {
            networks: vec!["10.20.0.0/16".parse().unwrap()],
            ..OutboundSettings::default()
        });
        assert_eq!(check(&policy, "https://10.20.3.4/"), Ok(()));
        for url in ["https://10.21.0.1/", "https://[::ffff:10.20.3.4]/", "https://[64:ff9b::a14:304]/"] {
            assert!(matches!(check(&policy, url), Err(Refusal::Address(_))), "{url}");
        }
        let mixed = ["10.20.0.1".parse().unwrap(), "10.21.0.1".parse().unwrap()];
        assert_eq!(policy.check_addresses(&mixed[..1]), Ok(()));
        assert_eq!(
            policy.check_addresses(&mixed),
            Err(Refusal::Address(mixed[1])),
            "one bad address is enough"
        );
        assert_eq!(policy.check_addresses(&[]), Err(Refusal::NoAddress));
    }

    proptest::proptest! {
        /// Whatever a URL looks like: where it is let through, its host is a name, or an address that is let through.
        #[test]
        fn any_url_never_panics_and_leads_to_no_address_inside(text in crate::testing::jumble("https://¦http://¦//¦\\¦@¦:¦443¦127.0.0.1¦0x7f.1¦2130706433¦017700000001¦[::1]¦\
            [::ffff:a00:1]¦localhost¦example.com¦.¦%31¦。¦①¦#¦?¦/")) {
            let policy = Policy::default();
            if let Ok(url) = Url::parse(&text)
                && policy.check_url(&url).is_ok()
            {
                let address = match url.host().unwrap() {
                    url::Host::Domain(_) => return Ok(()),
                    url::Host::Ipv4(address) => IpAddr::from(address),
                    url::Host::Ipv6(address) => IpAddr::from(address),
                };
                assert!(policy.check_address(address).is_ok(), "{url}");
            }
        }
    }
}
