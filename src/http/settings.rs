//! How the server listens.

use std::{
    net::{Ipv4Addr, SocketAddr},
    path::PathBuf,
    time::Duration,
};

use ipnet::IpNet;
use serde::{Deserialize, Serialize};
use thiserror::Error;

use super::rates::RateSettings;

/// Settings of the HTTP server. Times are whole seconds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct HttpSettings {
    /// Address and port to listen on; port 0 takes a free one. Default 127.0.0.1:8080.
    pub listen: SocketAddr,
    /// States that a proxy in front ends TLS, and so allows an address that others can reach. Default false.
    pub behind_tls: bool,
    /// Networks of proxies whose `X-Forwarded-For` and `X-Request-Id` are believed. Default none.
    pub trusted_proxies: Vec<IpNet>,
    /// Bytes of a request's body. Default 1,048,576.
    pub body_bytes: usize,
    /// Connections at one time; more wait in the system's queue. Default 1,024.
    pub connections: usize,
    /// Time to receive a request's headers, and time that a connection may stand idle or, once its last request was answered
    /// before all of it was read, that what its client still sends is thrown away. Default 10.
    pub header_seconds: u64,
    /// Time to receive a request's body. Default 15.
    pub body_seconds: u64,
    /// Time to execute a request. Default 30.
    pub execution_seconds: u64,
    /// Time in which a client takes more of what it is sent. Default 60.
    pub write_seconds: u64,
    /// Time between the signal to end and shutdown, in which `/readyz` fails already. Default 0.
    pub notice_seconds: u64,
    /// Time for open requests and streams to end at shutdown. Default 20.
    pub drain_seconds: u64,
    /// How much a principal may ask for.
    pub rates: RateSettings,
    /// A file of documents that alone are answered. Default none: every document is.
    pub documents: Option<PathBuf>,
}

impl Default for HttpSettings {
    fn default() -> Self {
        Self {
            listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 8080)),
            behind_tls: false,
            trusted_proxies: Vec::new(),
            body_bytes: 1024 * 1024,
            connections: 1_024,
            header_seconds: 10,
            body_seconds: 15,
            execution_seconds: 30,
            write_seconds: 60,
            notice_seconds: 0,
            drain_seconds: 20,
            rates: RateSettings::default(),
            documents: None,
        }
    }
}

/// Settings under which the server must not start.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum HttpSettingsError {
    /// Tokens and reports would cross the network in clear text.
    #[error(
        "http.listen = {0} can be reached by others without TLS: listen on a loopback address, \
         or put a TLS proxy in front and set http.behind_tls = true"
    )]
    ReachableWithoutTls(SocketAddr),
    /// A bound of zero lets nothing through.
    #[error("http.{0} must be at least 1")]
    Zero(&'static str),
}

impl HttpSettings {
    /// Refuses settings that are unsafe or let nothing through.
    pub fn check(&self) -> Result<(), HttpSettingsError> {
        if !self.behind_tls && !self.listen.ip().to_canonical().is_loopback() {
            return Err(HttpSettingsError::ReachableWithoutTls(self.listen));
        }
        let bounds = [
            ("body_bytes", self.body_bytes == 0),
            ("connections", self.connections == 0),
            ("header_seconds", self.header_seconds == 0),
            ("body_seconds", self.body_seconds == 0),
            ("execution_seconds", self.execution_seconds == 0),
            ("write_seconds", self.write_seconds == 0),
        ];
        match bounds.iter().find(|(_, zero)| *zero) {
            Some((name, _)) => Err(HttpSettingsError::Zero(name)),
            None => Ok(()),
        }
    }

    pub(super) fn header_timeout(&self) -> Duration {
        Duration::from_secs(self.header_seconds)
    }

    /// What a proxy has to notice that the process ends.
    pub fn notice(&self) -> Duration {
        Duration::from_secs(self.notice_seconds)
    }

    pub(super) fn drain_timeout(&self) -> Duration {
        Duration::from_secs(self.drain_seconds)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reachable_address_needs_the_acknowledgement() {
        let mut settings = HttpSettings { listen: "0.0.0.0:80".parse().unwrap(), ..HttpSettings::default() };
        let error = settings.check().unwrap_err();
        assert_eq!(error, HttpSettingsError::ReachableWithoutTls(settings.listen));
        assert!(error.to_string().contains("http.behind_tls = true"));
        settings.behind_tls = true;
        assert_eq!(settings.check(), Ok(()));
    }

    #[test]
    fn defaults_hold_and_zero_does_not() {
        assert_eq!(HttpSettings::default().check(), Ok(()));
        let zero = HttpSettings { connections: 0, ..HttpSettings::default() };
        assert_eq!(zero.check(), Err(HttpSettingsError::Zero("connections")));
    }

    #[test]
    fn unknown_settings_are_refused() {
        assert!(serde_json::from_str::<HttpSettings>(r#"{"body_byte": 5}"#).is_err());
        let some: HttpSettings = serde_json::from_str(r#"{"listen": "[::1]:0"}"#).unwrap();
        assert_eq!(some.body_bytes, 1_048_576);
    }
}
