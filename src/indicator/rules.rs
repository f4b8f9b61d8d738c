//! What identifies what a text is about, found in the text. Pure.

use std::net::{Ipv4Addr, Ipv6Addr};
use std::sync::LazyLock;

use entity::vocabulary::IndicatorKind;
use regex::Regex;

use crate::text;

/// Most indicators that are taken from one text; who writes more than that identifies nothing.
pub const MOST: usize = 100;
/// Bytes of a text that are looked at.
const LOOKED_AT: usize = 1 << 20;
/// Longest value, in bytes.
const LONGEST: usize = 500;

macro_rules! patterns {
    ($($name:ident = $pattern:literal;)+) => {$(
        static $name: LazyLock<Regex> = LazyLock::new(|| {
            Regex::new($pattern).unwrap_or_else(|error| unreachable!("a pattern of the product: {error}"))
        });
    )+};
}
// Chinese characters are letters, so a word boundary is one of ASCII letters everywhere: `(?-u:\b)`.
patterns! {
    CVE = r"(?i)(?-u:\b)cve[-\u{2010}-\u{2015}](\d{4})[-\u{2010}-\u{2015}](\d{4,8})(?-u:\b)";
    CNVD = r"(?i)(?-u:\b)cnvd-(c-)?(\d{4})-(\d{4,8})(?-u:\b)";
    CNNVD = r"(?i)(?-u:\b)cnnvd-(\d{4,6})-(\d{3,8})(?-u:\b)";
    CWE = r"(?i)(?-u:\b)cwe-(\d{1,5})(?-u:\b)";
    URL = r"(?i)(?-u:\b)(?:https?|ftp)://[a-z0-9\-._~:/?#\[\]@!$&'()*+,;=%]+";
    HOST = r"(?i)(?-u:\b)(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)+(?:com|net|org|cn|gov|edu|mil|int|info|biz|io|cc|top|xyz|dev|app|cloud|site|online|vip|club|tech|hk|tw|jp|kr|ru|de|uk|fr|eu|us|local|lan|corp|internal|test|example)(?-u:\b)";
    IPV4 = r"(?-u:\b)\d{1,3}(?:\.\d{1,3}){3}(?-u:\b)";
    IPV6 = r"(?i)[0-9a-f]{0,4}(?::[0-9a-f]{0,4}){2,7}";
    PARAMETER_BEFORE = r#"(?i)(?-u:\b)([a-z_][a-z0-9_\-\[\]]{0,40})['"`‘’“” ]{0,2}(?:参数|parameter(?-u:\b))"#;
    PARAMETER_AFTER = r#"(?i)(?:参数|(?-u:\b)parameters?(?-u:\b))[:：]?(?: ?为| ?是)?['"`‘’“” ]{0,2}([a-z_][a-z0-9_\-\[\]]{0,40})"#;
    VERSION_BEFORE = r"(?i)(?:(?-u:\b)v|(?-u:\b)versions? |版本 ?|[<>=] ?|(?-u:\b)(?:before|through|prior to|until) )(\d+(?:\.[0-9a-z]+)+)";
    VERSION_AFTER = r"(?i)(?-u:\b)(\d+(?:\.[0-9a-z]+)+) ?(?:版|及|之前|以前|以下|至|到|(?-u:\b)(?:and )?(?:earlier|before|prior)(?-u:\b))";
}

/// Words beside "parameter" that name none.
const NO_NAMES: [&str; 40] = [
    "a", "an", "and", "any", "are", "as", "at", "by", "can", "could", "each", "for", "from", "get", "http",
    "in", "input", "is", "it", "may", "of", "on", "or", "passed", "post", "query", "request", "that", "the",
    "these", "this", "to", "url", "value", "values", "via", "was", "which", "with", "without",
];

/// What identifies what a report with these words is about, in the order of its kinds, each once, at most [`MOST`].
pub fn found(title: &str, text: &str) -> Vec<(IndicatorKind, String)> {
    let text = text::plain(&format!("{}\n{}", text::head(title, LOOKED_AT), text::head(text, LOOKED_AT)));
    let mut found = Found { list: Vec::new() };
    found.numbers(&text);
    let urls: Vec<&str> = URL.find_iter(&text).map(|url| address(url.as_str())).take(MOST).collect();
    for url in &urls {
        found.add(IndicatorKind::Url, url);
        found.host(url::Url::parse(url).ok().as_ref().and_then(url::Url::host_str).unwrap_or_default());
    }
    // Hosts and versions inside of an address were taken with it.
    let rest = URL.replace_all(&text, " ");
    for host in HOST.find_iter(&rest).take(MOST) {
        found.add(IndicatorKind::Host, &host.as_str().to_lowercase());
    }
    for ip in IPV4.find_iter(&rest).take(MOST).filter(|ip| !is_version(&rest, ip.start(), ip.end())) {
        if ip.as_str().parse::<Ipv4Addr>().is_ok() {
            found.add(IndicatorKind::IpAddress, ip.as_str());
        }
    }
    for ip in IPV6.find_iter(&rest).map(|ip| ip.as_str()).filter(|ip| ip.len() > 4).take(MOST) {
        if let Ok(ip) = ip.parse::<Ipv6Addr>() {
            found.add(IndicatorKind::IpAddress, &ip.to_string());
        }
    }
    for url in &urls {
        let pairs = url::Url::parse(url).map(|url| url.query_pairs().into_owned().collect::<Vec<_>>());
        for (name, _) in pairs.unwrap_or_default().into_iter().take(MOST) {
            found.add(IndicatorKind::Parameter, &name);
        }
    }
    for pattern in [&PARAMETER_BEFORE, &PARAMETER_AFTER] {
        let names = pattern.captures_iter(&rest).filter_map(|captures| captures.get(1)).take(MOST);
        for name in names.map(|name| name.as_str().trim_end_matches(['-', '['])) {
            if !NO_NAMES.contains(&&*name.to_lowercase()) {
                found.add(IndicatorKind::Parameter, name);
            }
        }
    }
    for pattern in [&VERSION_BEFORE, &VERSION_AFTER] {
        for version in pattern.captures_iter(&rest).filter_map(|captures| captures.get(1)).take(MOST) {
            found.add(IndicatorKind::Version, version.as_str());
        }
    }
    found.list
}

struct Found {
    list: Vec<(IndicatorKind, String)>,
}

impl Found {
    fn add(&mut self, kind: IndicatorKind, value: &str) {
        let known = self.list.iter().any(|(of, known)| *of == kind && known == value);
        if !known && !value.is_empty() && value.len() <= LONGEST && self.list.len() < MOST {
            self.list.push((kind, value.to_owned()));
        }
    }

    fn numbers(&mut self, text: &str) {
        for found in CVE.captures_iter(text).take(MOST) {
            self.add(IndicatorKind::Cve, &format!("CVE-{}-{}", &found[1], &found[2]));
        }
        for found in CNVD.find_iter(text).take(MOST) {
            self.add(IndicatorKind::Cnvd, &found.as_str().to_uppercase());
        }
        for found in CNNVD.find_iter(text).take(MOST) {
            self.add(IndicatorKind::Cnnvd, &found.as_str().to_uppercase());
        }
        for found in CWE.captures_iter(text).take(MOST) {
            self.add(IndicatorKind::Weakness, &format!("CWE-{}", found[1].trim_start_matches('0')));
        }
    }

    fn host(&mut self, host: &str) {
        let bare = host.trim_matches(['[', ']']);
        if bare.parse::<Ipv4Addr>().is_ok() || bare.parse::<Ipv6Addr>().is_ok() {
            self.add(IndicatorKind::IpAddress, bare);
        } else {
            self.add(IndicatorKind::Host, host);
        }
    }
}

/// An address without the sentence that goes on behind it.
fn address(found: &str) -> &str {
    let url = found.trim_end_matches(['.', ',', ';', ':', '!', '?', '\'', '*', '&']);
    // Brackets that the sentence opened are closed behind it.
    let unopened = url.matches(')').count().saturating_sub(url.matches('(').count());
    let closing = url.bytes().rev().take_while(|byte| *byte == b')').count();
    &url[..url.len() - unopened.min(closing)]
}

/// Whether four numbers with dots at this place are a version, by what stands beside them.
fn is_version(text: &str, start: usize, end: usize) -> bool {
    let before = text[..start].trim_end();
    let tail =
        before.char_indices().rev().nth(8).map_or(before, |(place, _)| &before[place..]).to_lowercase();
    let after = text[end..].trim_start();
    tail.ends_with(['v', '<', '>', '='])
        || ["version", "versions", "版本", "before", "through"].iter().any(|word| tail.ends_with(word))
        || ["版", "及", "之前", "以前", "以下", "至"].iter().any(|word| after.starts_with(word))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(kind: IndicatorKind, text: &str) -> Vec<String> {
        let found = found("", text).into_iter().filter(|(found, _)| *found == kind);
        found.map(|(_, value)| value).collect()
    }

    #[test]
    fn numbers_beside_chinese_characters_are_found() {
        let text = "漏洞CVE-2031-12345和ｃｎｖｄ-2031-00001、CNNVD-203101-123的CWE-079缺陷，非ACVE-2031-1111";
        assert_eq!(of(IndicatorKind::Cve, text), ["CVE-2031-12345"]);
        assert_eq!(of(IndicatorKind::Cnvd, text), ["CNVD-2031-00001"]);
        assert_eq!(of(IndicatorKind::Cnnvd, text), ["CNNVD-203101-123"]);
        assert_eq!(of(IndicatorKind::Weakness, text), ["CWE-79"]);
    }

    #[test]
    fn addresses_end_where_the_sentence_goes_on() {
        let text = "访问hxxps://shop[.]example[.]com/Item.php?id=1&name=x，即可。见(http://a.example/b).";
        assert_eq!(
            of(IndicatorKind::Url, text),
            ["https://shop.example.com/Item.php?id=1&name=x", "http://a.example/b"]
        );
        assert_eq!(of(IndicatorKind::Host, text), ["shop.example.com", "a.example"]);
        assert_eq!(of(IndicatorKind::Parameter, text), ["id", "name"]);
    }

    #[test]
    fn an_address_of_the_network_is_told_from_a_version() {
        let text =
            "IP为8.8.8.8的主机，SmartICS v2.3.4.0，1.2.3.4及之前版本，<= 5.6.7.8，999.1.1.1，2001:db8::1";
        assert_eq!(of(IndicatorKind::IpAddress, text), ["8.8.8.8", "2001:db8::1"]);
        assert_eq!(of(IndicatorKind::IpAddress, "at 12:30:45 http://[2001:db8::2]/"), ["2001:db8::2"]);
        assert_eq!(of(IndicatorKind::Version, text), ["2.3.4.0", "5.6.7.8", "1.2.3.4"]);
    }

    #[test]
    fn parameters_are_named_on_either_side() {
        assert_eq!(
            of(IndicatorKind::Parameter, "login.php的user_id参数存在注入，参数为'pwd'"),
            ["user_id", "pwd"]
        );
        assert_eq!(
            of(IndicatorKind::Parameter, "via the `next` parameter; the parameter is not checked"),
            ["next"]
        );
    }

    #[test]
    fn files_are_no_hosts() {
        assert!(of(IndicatorKind::Host, "index.php main.rs readme.md libfoo.so").is_empty());
        assert_eq!(of(IndicatorKind::Host, "内网oa.corp.example.com.cn可达"), ["oa.corp.example.com.cn"]);
    }

    #[test]
    fn a_text_of_any_size_gives_a_bounded_list() {
        let text: String = (0..5_000).map(|number| format!("http://h{number}.example.com/ ")).collect();
        assert_eq!(found("", &text).len(), MOST);
        for unit in [
            "a.",
            "http://",
            "http://a(",
            "http://a.example/",
            ")",
            "1.1.",
            "a::",
            "cve-",
            "参数",
            "\"",
            "漏",
        ] {
            let bomb = unit.repeat(10_000_000 / unit.len());
            assert!(found("", &bomb).len() <= MOST, "{unit}");
        }
        let brackets = format!("http://a.example/{}", ")".repeat(10_000_000));
        assert_eq!(of(IndicatorKind::Url, &brackets), ["http://a.example/"]);
    }

    proptest::proptest! {
        #[test]
        fn any_text_never_panics_and_every_indicator_is_found_in_it(text in crate::testing::jumble("CVE-2026-¦1000¦CNVD-2026-12345¦http://¦https://¦a.example.com¦/x?id=1¦10.0.0.1¦[::1]¦:¦v1.2¦\
            @¦，¦。¦?¦&¦=¦%")) {
            for (_, value) in found("", &text) {
                assert!(!value.is_empty() && !value.contains('\0'), "{value:?}");
            }
        }
    }
}
