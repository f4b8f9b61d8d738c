//! How rows are read that come as JSON: instants.

use std::fmt;

use chrono::{DateTime, Utc};
use serde::de::{Deserializer, Error, Visitor};

/// Reads an instant: RFC 3339, or seconds since 1970, which cost nothing to read and stand where none was read.
///
/// # Errors
/// On anything else.
pub(crate) fn read<'de, D: Deserializer<'de>>(from: D) -> Result<DateTime<Utc>, D::Error> {
    from.deserialize_any(Instant)
}

/// The same where there may be none.
///
/// # Errors
/// On anything else.
pub(crate) fn read_or_null<'de, D: Deserializer<'de>>(from: D) -> Result<Option<DateTime<Utc>>, D::Error> {
    from.deserialize_option(OrNull)
}

struct Instant;

impl Visitor<'_> for Instant {
    type Value = DateTime<Utc>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an instant")
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<DateTime<Utc>, E> {
        let instant = DateTime::parse_from_rfc3339(text).map_err(E::custom)?;
        Ok(instant.to_utc())
    }

    fn visit_i64<E: Error>(self, seconds: i64) -> Result<DateTime<Utc>, E> {
        DateTime::from_timestamp_secs(seconds).ok_or_else(|| E::custom("an instant out of range"))
    }
}

struct OrNull;

impl<'de> Visitor<'de> for OrNull {
    type Value = Option<DateTime<Utc>>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an instant or null")
    }

    fn visit_none<E: Error>(self) -> Result<Self::Value, E> {
        Ok(None)
    }

    fn visit_unit<E: Error>(self) -> Result<Self::Value, E> {
        Ok(None)
    }

    fn visit_some<D: Deserializer<'de>>(self, from: D) -> Result<Self::Value, D::Error> {
        read(from).map(Some)
    }
}
