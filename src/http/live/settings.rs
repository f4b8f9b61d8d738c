//! Bounds on open connections that are told of changes.

use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::live::Room;

/// Settings of WebSockets and event streams. Times are whole seconds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct LiveSettings {
    /// Origins whose pages may open WebSockets, such as `https://portal.example`. Default none: this server's own alone.
    pub origins: Vec<String>,
    /// Open connections of the process. Default 10,000.
    pub connections: usize,
    /// Open connections from one address. Default 100.
    pub connections_per_address: usize,
    /// Open connections as one principal. Default 20.
    pub connections_per_principal: usize,
    /// Operations that run at one time on one connection. Default 50.
    pub operations: usize,
    /// Bytes of a message from a client. Default 262,144.
    pub message_bytes: usize,
    /// Time to receive `connection_init`. Default 3.
    pub init_seconds: u64,
    /// After how long a silent connection is asked whether it still stands. Default 25.
    pub ping_seconds: u64,
}

impl Default for LiveSettings {
    fn default() -> Self {
        Self {
            origins: Vec::new(),
            connections: 10_000,
            connections_per_address: 100,
            connections_per_principal: 20,
            operations: 50,
            message_bytes: 256 * 1024,
            init_seconds: 3,
            ping_seconds: 25,
        }
    }
}

/// Settings under which the server must not start.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum LiveSettingsError {
    /// A bound of zero lets nothing through.
    #[error("live.{0} must be at least 1")]
    Zero(&'static str),
    /// An origin that no browser sends.
    #[error(
        "live.origins: {0:?} is no origin: write it as browsers send it, for example https://portal.example"
    )]
    Origin(String),
}

impl LiveSettings {
    /// Refuses settings that let nothing through, or that can never match.
    pub fn check(&self) -> Result<(), LiveSettingsError> {
        let bounds = [
            ("connections", self.connections == 0),
            ("connections_per_address", self.connections_per_address == 0),
            ("connections_per_principal", self.connections_per_principal == 0),
            ("operations", self.operations == 0),
            ("message_bytes", self.message_bytes == 0),
            ("init_seconds", self.init_seconds == 0),
            ("ping_seconds", self.ping_seconds == 0),
        ];
        if let Some((name, _)) = bounds.iter().find(|(_, zero)| *zero) {
            return Err(LiveSettingsError::Zero(name));
        }
        let is_origin = |text: &&String| {
            url::Url::parse(text).is_ok_and(|url| url.origin().ascii_serialization() == **text)
        };
        match self.origins.iter().find(|text| !is_origin(text)) {
            Some(text) => Err(LiveSettingsError::Origin(text.clone())),
            None => Ok(()),
        }
    }

    /// How many connections there may be.
    pub fn room(&self) -> Room {
        Room {
            all: self.connections,
            per_address: self.connections_per_address,
            per_principal: self.connections_per_principal,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn defaults_hold_and_what_can_never_match_does_not() {
        assert_eq!(LiveSettings::default().check(), Ok(()));
        let origins = |text: &str| LiveSettings { origins: vec![text.to_owned()], ..LiveSettings::default() };
        assert_eq!(origins("https://portal.example").check(), Ok(()));
        assert_eq!(origins("http://127.0.0.1:3000").check(), Ok(()));
        for wrong in ["portal.example", "https://portal.example/", "https://Portal.example", "*", "null"] {
            assert_eq!(origins(wrong).check(), Err(LiveSettingsError::Origin(wrong.to_owned())));
        }
        let none = LiveSettings { operations: 0, ..LiveSettings::default() };
        assert_eq!(none.check(), Err(LiveSettingsError::Zero("operations")));
    }
}
