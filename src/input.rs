//! Checks of input texts that several slices share. Each error names the field and what to send instead.

use async_graphql::MaybeUndefined;
use entity::texts::Texts;

use crate::error::{Error, Result};
use crate::event::require_text;

/// Longest name, in characters.
pub const NAME: usize = 200;
/// Longest note, in characters.
pub const NOTE: usize = 2_000;
/// Longest e-mail address, in bytes (RFC 5321, section 4.5.3.1.3, less its brackets).
const EMAIL_BYTES: usize = 254;
/// Most texts in one list.
const LIST: usize = 50;

/// A stable short name: 2 to 64 lowercase letters, digits and hyphens.
///
/// # Errors
/// BAD_USER_INPUT.
pub fn key(field: &str, text: &str) -> Result<String> {
    let allowed = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    if (2..=64).contains(&text.len()) && text.bytes().all(allowed) {
        return Ok(text.to_owned());
    }
    Err(Error::bad_input(field, "send 2 to 64 lowercase letters a-z, digits and hyphens"))
}

/// A text of one line that has to say something.
///
/// # Errors
/// BAD_USER_INPUT.
pub fn one_line(field: &str, text: &str, max: usize) -> Result<String> {
    let text = require_text(field, text, max)?;
    if text.chars().any(char::is_control) {
        return Err(Error::bad_input(field, "send one line of text, without tabs"));
    }
    Ok(text)
}

/// The same for a text that may be left out; a blank one counts as left out.
///
/// # Errors
/// BAD_USER_INPUT.
pub fn optional_line(field: &str, text: Option<&str>, max: usize) -> Result<Option<String>> {
    text.filter(|text| !text.trim().is_empty()).map(|text| one_line(field, text, max)).transpose()
}

/// A list of texts of one line each.
///
/// # Errors
/// BAD_USER_INPUT.
pub fn lines(field: &str, texts: &[String]) -> Result<Texts> {
    if texts.len() > LIST {
        return Err(Error::bad_input(field, format!("send at most {LIST} texts")));
    }
    let texts = texts.iter().map(|text| one_line(field, text, NAME)).collect::<Result<Vec<_>>>()?;
    Ok(texts.into())
}

/// The name of a zone in the IANA time zone database.
///
/// # Errors
/// BAD_USER_INPUT.
pub fn time_zone(field: &str, name: &str) -> Result<String> {
    let zone: chrono_tz::Tz = name.parse().map_err(|_| {
        Error::bad_input(field, "no IANA time zone: send its name, for example \"Asia/Shanghai\"")
    })?;
    Ok(zone.name().to_owned())
}

/// A language tag in the form of BCP 47. Whether its subtags are registered is not checked.
///
/// # Errors
/// BAD_USER_INPUT.
pub fn language(field: &str, tag: &str) -> Result<String> {
    let mut subtags = tag.split('-');
    let primary = subtags.next().unwrap_or_default();
    let formed = tag.len() <= 35
        && (2..=3).contains(&primary.len())
        && primary.bytes().all(|byte| byte.is_ascii_alphabetic())
        && subtags.all(|subtag| {
            (1..=8).contains(&subtag.len()) && subtag.bytes().all(|byte| byte.is_ascii_alphanumeric())
        });
    if formed {
        return Ok(tag.to_owned());
    }
    Err(Error::bad_input(field, "no language tag: send one such as \"zh-CN\" or \"en\""))
}

/// Two capital letters: an ISO 3166 country code, or EU.
///
/// # Errors
/// BAD_USER_INPUT.
pub fn country(field: &str, code: &str) -> Result<String> {
    if code.len() == 2 && code.bytes().all(|byte| byte.is_ascii_uppercase()) {
        return Ok(code.to_owned());
    }
    Err(Error::bad_input(field, "send two capital letters, such as \"CN\", \"DE\" or \"EU\""))
}

/// One e-mail address without a display name. Nothing in it can end a header line or begin another address.
///
/// # Errors
/// BAD_USER_INPUT.
pub fn email(field: &str, address: &str) -> Result<String> {
    let parts = address.rsplit_once('@');
    let plain = |text: &str| {
        !text.is_empty()
            && text.chars().all(|c| !c.is_whitespace() && !c.is_control() && !"<>,;:\"()".contains(c))
    };
    let formed = address.len() <= EMAIL_BYTES
        && parts.is_some_and(|(local, domain)| plain(local) && plain(domain) && !local.contains('@'));
    if formed {
        return Ok(address.to_owned());
    }
    Err(Error::bad_input(field, "send one address such as \"psirt@example.com\", without name or line break"))
}

/// Changes `target` when a value is given.
pub fn set<T>(target: &mut T, value: Option<T>) {
    if let Some(value) = value {
        *target = value;
    }
}

/// Changes or clears a text of one line; left out leaves it as it is.
///
/// # Errors
/// BAD_USER_INPUT.
pub fn set_or_clear(
    target: &mut Option<String>,
    field: &str,
    value: &MaybeUndefined<String>,
    max: usize,
) -> Result<()> {
    match value {
        MaybeUndefined::Undefined => {}
        MaybeUndefined::Null => *target = None,
        MaybeUndefined::Value(text) => *target = optional_line(field, Some(text), max)?,
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_short_and_lowercase() {
        for good in ["cnvd", "src-own", "a1", &"k".repeat(64)] {
            assert_eq!(key("input.key", good).unwrap(), good);
        }
        for bad in ["", "a", "CNVD", "a_b", "a b", "a\n", "国家", &"k".repeat(65)] {
            assert!(
                matches!(key("input.key", bad), Err(Error::BadInput { field, .. }) if field == "input.key")
            );
        }
    }

    #[test]
    fn time_zones_are_those_of_the_database() {
        assert_eq!(time_zone("zone", "Asia/Shanghai").unwrap(), "Asia/Shanghai");
        for bad in ["", "CST+8", "Asia/Atlantis", "asia/shanghai ", "../etc"] {
            assert!(time_zone("zone", bad).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn language_tags_have_the_form_of_bcp_47() {
        for good in ["zh", "zh-CN", "zh-Hans-CN", "en-US", "sr-Latn"] {
            assert!(language("language", good).is_ok(), "{good:?}");
        }
        for bad in ["", "z", "chinese", "zh_CN", "zh-", "-CN", "zh--CN", "zh CN", "12-CN"] {
            assert!(language("language", bad).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn an_email_address_stands_alone() {
        for good in ["psirt@example.com", "安全@例子.公司", "a+b@c.d"] {
            assert!(email("email", good).is_ok(), "{good:?}");
        }
        for bad in ["", "@", "a@", "@b", "a b@c.d", "a@b\r\nBcc: c@d.e", "A <a@b.c>", "a@b.c,d@e.f", "a@b@c"]
        {
            assert!(email("email", bad).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn a_cleared_text_is_gone_and_a_left_out_one_stays() {
        let mut contact = Some("desk".to_owned());
        set_or_clear(&mut contact, "input.contact", &MaybeUndefined::Undefined, NAME).unwrap();
        assert_eq!(contact.as_deref(), Some("desk"));
        set_or_clear(&mut contact, "input.contact", &MaybeUndefined::Value(" line ".to_owned()), NAME)
            .unwrap();
        assert_eq!(contact.as_deref(), Some("line"));
        set_or_clear(&mut contact, "input.contact", &MaybeUndefined::Null, NAME).unwrap();
        assert_eq!(contact, None);
    }

    #[test]
    fn names_have_one_line_and_countries_two_capitals() {
        assert_eq!(one_line("name", "  国家漏洞库 ", 10).unwrap(), "国家漏洞库");
        assert!(one_line("name", "a\nb", 10).is_err());
        assert!(one_line("name", "eleven chars", 11).is_err());
        assert!(country("jurisdiction", "CN").is_ok() && country("jurisdiction", "cn").is_err());
        assert!(lines("contacts", &vec!["x".to_owned(); 51]).is_err());
    }
}
