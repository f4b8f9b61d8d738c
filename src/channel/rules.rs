//! What names of configured things have to look like.

use crate::error::{Error, Result};

/// Most contacts of one channel.
const MAX_CONTACTS: usize = 50;

/// A stable short name: 2 to 64 lower-case letters, digits and hyphens, beginning with a letter.
///
/// # Errors
/// BAD_USER_INPUT naming `field`.
pub fn key(field: &str, text: &str) -> Result<String> {
    let fits = (2..=64).contains(&text.len())
        && text.starts_with(|first: char| first.is_ascii_lowercase())
        && text.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-');
    if fits {
        Ok(text.to_owned())
    } else {
        Err(Error::bad_input(field, "send 2 to 64 lower-case letters, digits and hyphens, a letter first"))
    }
}

/// A country code, or EU.
///
/// # Errors
/// BAD_USER_INPUT naming `input.jurisdiction`.
pub fn jurisdiction(text: &str) -> Result<String> {
    if text.len() == 2 && text.chars().all(|c| c.is_ascii_uppercase()) {
        Ok(text.to_owned())
    } else {
        Err(Error::bad_input("input.jurisdiction", "send a country code of two capital letters, or EU"))
    }
}

/// The name of an IANA time zone.
///
/// # Errors
/// BAD_USER_INPUT naming `field`.
pub fn time_zone(field: &str, text: &str) -> Result<String> {
    match text.parse::<chrono_tz::Tz>() {
        Ok(zone) => Ok(zone.name().to_owned()),
        Err(_) => Err(Error::bad_input(field, "send an IANA zone such as Asia/Shanghai")),
    }
}

/// A BCP 47 tag.
///
/// # Errors
/// BAD_USER_INPUT naming `input.language`.
pub fn language(text: &str) -> Result<String> {
    let part = |part: &str| (1..=8).contains(&part.len()) && part.chars().all(|c| c.is_ascii_alphanumeric());
    let mut parts = text.split('-');
    let first = parts.next().is_some_and(|first| (2..=3).contains(&first.len()) && part(first));
    if first && parts.all(part) && text.len() <= 35 {
        Ok(text.to_owned())
    } else {
        Err(Error::bad_input("input.language", "send a BCP 47 tag such as zh-CN"))
    }
}

pub(super) fn contacts(texts: &[String]) -> Result<Vec<String>> {
    if texts.len() > MAX_CONTACTS {
        return Err(Error::bad_input("input.contacts", format!("send at most {MAX_CONTACTS}")));
    }
    texts.iter().map(|text| crate::event::require_text("input.contacts", text, 500)).collect()
}

/// An e-mail address, as far as it matters here: one line, one @ with something on both sides.
///
/// # Errors
/// BAD_USER_INPUT naming `field`.
pub fn email(field: &str, text: &str) -> Result<String> {
    // Spaces around it are a slip of the hand; a line break is taken for none, wherever it stands.
    let text = text.trim_matches(' ');
    let fits = text.len() <= 254
        && !text.chars().any(|c| c.is_control() || c.is_whitespace())
        && text
            .split_once('@')
            .is_some_and(|(name, host)| !name.is_empty() && !host.is_empty() && !host.contains('@'));
    if fits {
        Ok(text.to_owned())
    } else {
        Err(Error::bad_input(field, "send one e-mail address on one line"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_strict() {
        assert!(key("k", "cnvd-2").is_ok());
        for wrong in ["", "a", "Cnvd", "cnvd_2", "2cnvd", "cnvd ", "漏洞"] {
            assert!(key("k", wrong).is_err(), "{wrong}");
        }
        assert!(time_zone("z", "Asia/Shanghai").is_ok() && time_zone("z", "Asia/Nowhere").is_err());
        assert!(language("zh-CN").is_ok() && language("zh_CN").is_err() && language("").is_err());
        assert!(jurisdiction("EU").is_ok() && jurisdiction("eu").is_err());
        assert!(email("e", "psirt@example.com").is_ok());
        assert_eq!(email("e", " psirt@example.com ").unwrap(), "psirt@example.com");
        for wrong in
            ["psirt@example.com\r\nBcc: x@example.com", "psirt@example.com\r", "\npsirt@example.com", "a\t@b"]
        {
            assert!(email("e", wrong).is_err(), "{wrong:?}");
        }
    }
}
