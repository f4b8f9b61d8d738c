//! Which URLs an issuer's documents may be fetched from.
//!
//! The keys decide who is let in, so they come over https only, from the issuer's own host or one that the
//! operator named. Plain http is for an issuer on the same machine.

use url::{Host, Url};

/// Why a URL is not used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum UrlRefusal {
    /// Not a URL.
    #[error("is not a URL: write it like https://id.example")]
    NotAUrl,
    /// Neither https nor http on the loopback.
    #[error("must be https; http is accepted on the loopback only")]
    NotHttps,
    /// A user name, password or fragment, or a query in the issuer.
    #[error("must not hold a user name, password, query or fragment")]
    UnexpectedPart,
    /// A host that neither is the issuer's nor was named.
    #[error("is at the host {0}, which is neither the issuer's nor listed in auth.jwks_hosts")]
    ForeignHost(String),
}

/// The host of `issuer` and the URL of its discovery document (OpenID Connect Discovery 1.0, section 4).
pub(super) fn discovery(issuer: &str) -> Result<(String, Url), UrlRefusal> {
    let parsed = Url::parse(issuer).map_err(|_| UrlRefusal::NotAUrl)?;
    check_transport(&parsed)?;
    if parsed.query().is_some() {
        return Err(UrlRefusal::UnexpectedPart);
    }
    let host = parsed.host_str().ok_or(UrlRefusal::NotAUrl)?.to_owned();
    let document = format!("{}/.well-known/openid-configuration", issuer.trim_end_matches('/'));
    Ok((host, Url::parse(&document).map_err(|_| UrlRefusal::NotAUrl)?))
}

/// Refuses a URL whose content could be changed on the way.
pub(super) fn check_transport(url: &Url) -> Result<(), UrlRefusal> {
    let loopback = match url.host() {
        Some(Host::Domain(name)) => name == "localhost",
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    };
    if url.scheme() != "https" && !(url.scheme() == "http" && loopback) {
        return Err(UrlRefusal::NotHttps);
    }
    if !url.username().is_empty() || url.password().is_some() || url.fragment().is_some() {
        return Err(UrlRefusal::UnexpectedPart);
    }
    Ok(())
}

/// Refuses a URL that a discovery document names outside `allowed_hosts` (lower case).
pub(super) fn check_named(url: &Url, allowed_hosts: &[String]) -> Result<(), UrlRefusal> {
    check_transport(url)?;
    let host = url.host_str().unwrap_or_default();
    if allowed_hosts.iter().any(|allowed| allowed == host) {
        Ok(())
    } else {
        Err(UrlRefusal::ForeignHost(host.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_https_or_the_loopback() {
        for (url, expected) in [
            ("https://id.example/keys", Ok(())),
            ("https://10.0.0.7/keys", Ok(())),
            ("http://127.0.0.1:4444/keys", Ok(())),
            ("http://127.9.9.9/keys", Ok(())),
            ("http://[::1]:4444/keys", Ok(())),
            ("http://localhost:4444/keys", Ok(())),
            ("http://id.example/keys", Err(UrlRefusal::NotHttps)),
            ("http://localhost.example/keys", Err(UrlRefusal::NotHttps)),
            ("http://127.0.0.1.example/keys", Err(UrlRefusal::NotHttps)),
            ("http://10.0.0.7/keys", Err(UrlRefusal::NotHttps)),
            ("file:///etc/keys", Err(UrlRefusal::NotHttps)),
            ("ftp://127.0.0.1/keys", Err(UrlRefusal::NotHttps)),
            ("https://user@id.example/keys", Err(UrlRefusal::UnexpectedPart)),
            ("https://id.example/keys#part", Err(UrlRefusal::UnexpectedPart)),
        ] {
            assert_eq!(check_transport(&Url::parse(url).unwrap()), expected, "{url}");
        }
    }

    #[test]
    fn the_discovery_document_may_place_keys_at_named_hosts_only() {
        let allowed = ["id.example".to_owned(), "keys.example".to_owned()];
        for (url, expected) in [
            ("https://id.example/keys?v=1", Ok(())),
            ("https://KEYS.example:8443/keys", Ok(())),
            ("https://evil.example/keys", Err(UrlRefusal::ForeignHost("evil.example".to_owned()))),
            (
                "https://id.example.evil.example/",
                Err(UrlRefusal::ForeignHost("id.example.evil.example".to_owned())),
            ),
            ("http://127.0.0.1/keys", Err(UrlRefusal::ForeignHost("127.0.0.1".to_owned()))),
            ("http://id.example/keys", Err(UrlRefusal::NotHttps)),
        ] {
            assert_eq!(check_named(&Url::parse(url).unwrap(), &allowed), expected, "{url}");
        }
    }

    #[test]
    fn discovery_follows_the_issuer_path() {
        for issuer in ["https://id.example/realms/a", "https://id.example/realms/a/"] {
            let (host, url) = discovery(issuer).unwrap();
            assert_eq!(host, "id.example");
            assert_eq!(url.as_str(), "https://id.example/realms/a/.well-known/openid-configuration");
        }
        assert_eq!(discovery("vulndesk-development"), Err(UrlRefusal::NotAUrl));
        assert_eq!(discovery("https://id.example/?realm=a"), Err(UrlRefusal::UnexpectedPart));
    }
}
