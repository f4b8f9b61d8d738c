//! What analysts write, in the form in which the same thing is found in texts. Pure.

use std::net::IpAddr;

use entity::vocabulary::IndicatorKind;
use regex::Regex;

use super::{CNNVD, CNVD, CVE, CWE, number};
use crate::text;

/// What an analyst writes of this kind, as it is kept: as the same thing is found in texts, so that it is known to be the same.
///
/// # Errors
/// What has to be sent instead.
pub fn by_hand(kind: IndicatorKind, value: &str) -> Result<String, &'static str> {
    let plain = text::plain(value).trim().to_owned();
    let whole = |pattern: &Regex| pattern.find(&plain).is_some_and(|found| found.as_str() == plain);
    let numbered = |pattern: &Regex, message| {
        if whole(pattern) { Ok(number(kind, &plain)) } else { Err(message) }
    };
    match kind {
        IndicatorKind::Cve => numbered(&CVE, "send a CVE number, such as CVE-2026-12345"),
        IndicatorKind::Cnvd => numbered(&CNVD, "send a CNVD number, such as CNVD-2026-12345"),
        IndicatorKind::Cnnvd => numbered(&CNNVD, "send a CNNVD number, such as CNNVD-202601-123"),
        IndicatorKind::Weakness if whole(&CWE) => Ok(number(kind, &plain)),
        IndicatorKind::Url => match url::Url::parse(&plain) {
            Ok(url) if url.has_host() => Ok(plain),
            _ => Err("send an address with its scheme and host, such as https://shop.example.com/item?id=1"),
        },
        IndicatorKind::Host => match url::Host::parse(&plain) {
            Ok(url::Host::Domain(_)) => Ok(plain.to_lowercase()),
            _ => Err("send the name of a host alone, such as shop.example.com; an address is an IP_ADDRESS"),
        },
        IndicatorKind::IpAddress => network(&plain)
            .ok_or("send an address, such as 192.0.2.7 or 2001:db8::7, or a network, such as 192.0.2.0/24"),
        IndicatorKind::Weakness
        | IndicatorKind::Parameter
        | IndicatorKind::Version
        | IndicatorKind::Product => Ok(value.to_owned()),
    }
}

/// An address, or a network, in the form in which it is kept.
fn network(text: &str) -> Option<String> {
    let (address, length) =
        text.split_once('/').map_or((text, None), |(address, length)| (address, Some(length)));
    let address: IpAddr = address.parse().ok()?;
    let Some(length) = length else { return Some(address.to_string()) };
    let most = if address.is_ipv4() { 32 } else { 128 };
    let length = length.parse::<u8>().ok().filter(|length| *length <= most)?;
    Some(format!("{address}/{length}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_by_hand_is_kept_as_it_is_found() {
        use IndicatorKind::{Cnvd, Cve, Host, IpAddress, Product, Url, Version, Weakness};
        for (kind, written, kept) in [
            (Cve, " cve-2031-5555 ", "CVE-2031-5555"),
            (Cnvd, "ＣＮＶＤ－2031－00001", "CNVD-2031-00001"),
            (Weakness, "cwe-079", "CWE-79"),
            (Weakness, "SQL注入", "SQL注入"),
            (Url, "hxxps://shop[.]example[.]com/A?id=1", "https://shop.example.com/A?id=1"),
            (Host, "Shop[.]Example[.]com", "shop.example.com"),
            (IpAddress, "192[.]0[.]2[.]7", "192.0.2.7"),
            (IpAddress, "2001:DB8:0::7", "2001:db8::7"),
            (IpAddress, "192.0.2.0/24", "192.0.2.0/24"),
            (Version, "V5R2", "V5R2"),
            (Product, "Core Router", "Core Router"),
        ] {
            assert_eq!(by_hand(kind, written).as_deref(), Ok(kept), "{kind} {written}");
        }
    }

    #[test]
    fn what_is_none_is_refused() {
        use IndicatorKind::{Cnnvd, Cnvd, Cve, Host, IpAddress, Url};
        for (kind, written) in [
            (Cve, "not a cve"),
            (Cve, "CVE-2031-5555 and CVE-2031-5556"),
            (Cnvd, "CVE-2031-5555"),
            (Cnnvd, "CNNVD-1"),
            (Url, "javascript:alert(1)"),
            (Url, "shop.example.com"),
            (Host, "https://shop.example.com"),
            (Host, "192.0.2.7"),
            (IpAddress, "999.1.1.1"),
            (IpAddress, "192.0.2.0/33"),
            (IpAddress, "shop.example.com"),
        ] {
            assert!(by_hand(kind, written).is_err(), "{kind} {written}");
        }
    }
}
