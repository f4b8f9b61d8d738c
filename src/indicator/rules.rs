//! What identifies what a text is about, found in the text; and what somebody writes of it by hand. Pure.

mod by_hand;

use std::net::{Ipv4Addr, Ipv6Addr};
use std::sync::LazyLock;

use entity::vocabulary::IndicatorKind;
use regex::{Captures, Match, Regex};

pub use by_hand::by_hand;

use crate::text;

/// Most indicators that are taken from one text; who writes more than that identifies nothing.
pub const MOST: usize = 100;
/// Bytes of a text that are looked at.
const LOOKED_AT: usize = 1 << 20;
/// Longest value, in bytes.
const LONGEST: usize = 500;
/// Characters before and after four numbers with dots that tell whether they are a version.
const TAIL: usize = 16;

macro_rules! patterns {
    ($($name:ident = $pattern:literal;)+) => {$(
        static $name: LazyLock<Regex> = LazyLock::new(|| {
            Regex::new($pattern).unwrap_or_else(|error| unreachable!("a pattern of the product: {error}"))
        });
    )+};
}
// Chinese characters are letters, so a word boundary is one of ASCII letters everywhere: `(?-u:\b)`.
patterns! {
    CVE = r"(?i)(?-u:\b)cve[-_ \u{2010}-\u{2015}](\d{4})[-_\u{2010}-\u{2015}](\d{4,8})(?-u:\b)";
    CNVD = r"(?i)(?-u:\b)cnvd[-\u{2010}-\u{2015}](c[-\u{2010}-\u{2015}])?(\d{4})[-\u{2010}-\u{2015}](\d{4,8})(?-u:\b)";
    CNNVD = r"(?i)(?-u:\b)cnnvd[-\u{2010}-\u{2015}](\d{4,6})[-\u{2010}-\u{2015}](\d{3,8})(?-u:\b)";
    CWE = r"(?i)(?-u:\b)cwe[-\u{2010}-\u{2015}](\d{1,5})(?-u:\b)";
    URL = r"(?i)(?-u:\b)(?:https?|ftps?|sftp|wss?|ldaps?|rmi|rtsps?|mqtts?)://[a-z0-9\-._~:/?#\[\]@!$&'()*+,;=%]+";
    // What is an ending of files or a field of code as well ends a host of three parts only, and some of these never do.
    HOST = r"(?i)(?-u:\b)(?:(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.){2,}(?:me|ai|br|in|it|es|nl|ch|be|at|ca|au|nz|sg|my|th|vn|ph|mo|za|se|fi|dk|pl|cz|hu|ro|gr|pt|tr|ua|by|kz|il|ae|sa|pk|mx|ar|co|tv|gg|store|shop|live|fun|link|space|website)|(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)+(?:com|net|org|cn|gov|edu|mil|int|info|biz|io|cc|top|xyz|dev|app|cloud|site|online|vip|club|tech|ltd|wang|icu|ren|asia|mobi|hk|tw|jp|kr|ru|de|uk|fr|eu|us|onion|local|lan|corp|internal|intranet|test|example))(?-u:\b)";
    IPV4 = r"(?-u:\b)\d{1,3}(?:\.\d{1,3}){3}(?-u:\b)";
    IPV6 = r"(?i)[0-9a-f]{0,4}(?::[0-9a-f]{0,4}){2,7}";
    PARAMETER_BEFORE = r#"(?i)(?-u:\b)([a-z_][a-z0-9_\-\[\]]{0,40})['"`‘’“” ]{0,2}(?:参数|parameter(?-u:\b))"#;
    PARAMETER_AFTER = r#"(?i)(?:参数(?:名称?)?|(?-u:\b)parameters?(?-u:\b)):?(?: ?为| ?是)?['"`‘’“” ]{0,2}([a-z_][a-z0-9_\-\[\]]{0,40})"#;
    VERSION_BEFORE = r"(?i)(?:(?-u:\b)v|(?:(?-u:\b)versions?|版本号?)[ :=为是]{0,3}v?|(?:[<>]=?|[=≤≥]) ?v?|(?-u:\b)(?:before|through|prior to|until) v?)(\d+(?:\.[0-9a-z]+)+)(?: ?(?:[-~至到\u{2013}]|to ) ?v?(\d+(?:\.[0-9a-z]+)+))?";
    VERSION_AFTER = r"(?i)(?-u:\b)(\d+(?:\.[0-9a-z]+)+) ?(?:版|及|之前|以前|以下|至|到|(?-u:\b)(?:(?:and|or) )?(?:earlier|before|prior|below)(?-u:\b))";
    VERSION_ENDS = r"(?i)(?:(?:^|[^a-z])v|(?:[<>]=?|[≤≥]|==) ?v?|(?:versions?|版本号?)[ :=为是]{0,3}v?|(?:before|through|prior to|until) v?)$";
    VERSION_BEGINS = r"(?i)^ ?(?:版|及|之前|以前|以下|至|(?:and|or) (?:earlier|before|prior|below)(?-u:\b))";
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
    let versions = versions(&rest);
    let is_known = |ip: &Match<'_>| versions.iter().any(|version| version.start() == ip.start());
    for ip in IPV4.find_iter(&rest).take(MOST).filter(|ip| !is_known(ip)) {
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
    for name in parameters(&rest) {
        found.add(IndicatorKind::Parameter, parameter(name.as_str()));
    }
    for version in &versions {
        found.add(IndicatorKind::Version, version.as_str());
    }
    found.list
}

/// Parameters that a text names, each with the address that it stands with: the nearest before it in its sentence, else the next
/// one there. At most [`MOST`].
pub fn beside(title: &str, text: &str) -> Vec<(String, String)> {
    let text = text::plain(&format!("{}\n{}", text::head(title, LOOKED_AT), text::head(text, LOOKED_AT)));
    let urls: Vec<Match<'_>> = URL.find_iter(&text).take(MOST).collect();
    // Of the same length, so that each word keeps its place; the marks inside of an address end no sentence.
    let rest = URL.replace_all(&text, |found: &Captures<'_>| " ".repeat(found[0].len())).replace(". ", "\n ");
    let mut pairs = Vec::new();
    for name in parameters(&rest) {
        let begins = rest[..name.start()].rfind(ends_sentence).unwrap_or(0);
        let ends = rest[name.end()..].find(ends_sentence).map_or(rest.len(), |end| name.end() + end);
        let before = urls.iter().rev().find(|url| (begins..name.start()).contains(&url.start()));
        let behind = || urls.iter().find(|url| (name.end()..ends).contains(&url.start()));
        if let Some(url) = before.or_else(behind) {
            pairs.push((address(url.as_str()).to_owned(), parameter(name.as_str()).to_owned()));
        }
    }
    pairs.truncate(MOST);
    pairs
}

/// Whether a sentence or line ends with it.
fn ends_sentence(character: char) -> bool {
    matches!(character, '\n' | '\r' | '。' | '!' | '?' | ';')
}

/// The parameters that a text without its addresses names.
fn parameters(text: &str) -> Vec<Match<'_>> {
    let names =
        |pattern: &'static Regex| pattern.captures_iter(text).filter_map(|found| found.get(1)).take(MOST);
    let is_one = |name: &Match<'_>| !NO_NAMES.contains(&&*parameter(name.as_str()).to_lowercase());
    names(&PARAMETER_BEFORE).chain(names(&PARAMETER_AFTER)).filter(is_one).collect()
}

/// A parameter's name without what the sentence hung on it.
fn parameter(found: &str) -> &str {
    found.trim_end_matches(['-', '['])
}

/// The versions of a text, and both ends of a range of them.
fn versions(text: &str) -> Vec<Match<'_>> {
    let mut versions = Vec::new();
    for pattern in [&VERSION_BEFORE, &VERSION_AFTER] {
        for captures in pattern.captures_iter(text).take(MOST) {
            let Some(first) = captures.get(1) else { continue };
            // "host=10.0.0.1" is none.
            let is_address = first.as_str().parse::<Ipv4Addr>().is_ok();
            if !is_address || is_version(text, first.start(), first.end()) {
                versions.push(first);
                versions.extend(captures.get(2));
            }
        }
    }
    versions
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
        for (kind, pattern) in [
            (IndicatorKind::Cve, &CVE),
            (IndicatorKind::Cnvd, &CNVD),
            (IndicatorKind::Cnnvd, &CNNVD),
            (IndicatorKind::Weakness, &CWE),
        ] {
            for found in pattern.find_iter(text).take(MOST) {
                self.add(kind, &number(kind, found.as_str()));
            }
        }
    }

    fn host(&mut self, host: &str) {
        let bare = host.trim_matches(['[', ']']);
        if bare.parse::<Ipv4Addr>().is_ok() || bare.parse::<Ipv6Addr>().is_ok() {
            self.add(IndicatorKind::IpAddress, bare);
        } else {
            // The host of a scheme that the web does not know keeps its case.
            self.add(IndicatorKind::Host, &host.to_lowercase());
        }
    }
}

/// A number as its database writes it.
fn number(kind: IndicatorKind, found: &str) -> String {
    let hyphen = |character: char| matches!(character, '_' | ' ' | '\u{2010}'..='\u{2015}');
    let written = found.to_uppercase().replace(hyphen, "-");
    match written.strip_prefix("CWE-") {
        Some(class) if kind == IndicatorKind::Weakness => format!("CWE-{}", class.trim_start_matches('0')),
        _ => written,
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
    let (before, after) = (&text[..start], &text[end..]);
    let tail = before.char_indices().rev().nth(TAIL).map_or(before, |(place, _)| &before[place..]);
    // Angle brackets around an address say nothing.
    let enclosed = tail.ends_with('<') && after.starts_with('>');
    (VERSION_ENDS.is_match(tail) && !enclosed) || VERSION_BEGINS.is_match(text::head(after, 4 * TAIL))
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
    fn an_address_behind_a_sign_or_a_word_is_no_version() {
        let text = "ip=10.2.3.4、dev 10.2.3.5、X-Forwarded-For: 127.0.0.1，<10.2.3.6>；version=1.2.3.4";
        assert_eq!(of(IndicatorKind::IpAddress, text), ["10.2.3.4", "10.2.3.5", "127.0.0.1", "10.2.3.6"]);
        assert_eq!(of(IndicatorKind::Version, text), ["1.2.3.4"]);
        let range = "影响版本：V2.0.0.1-2.0.0.9";
        assert_eq!(of(IndicatorKind::Version, range), ["2.0.0.1", "2.0.0.9"]);
        assert!(of(IndicatorKind::IpAddress, range).is_empty());
    }

    #[test]
    fn versions_are_written_in_many_ways() {
        for text in [
            "影响版本：3.4.5",
            "版本号 3.4.5",
            "版本为3.4.5",
            "固件版本: V3.4.5",
            "Version: 3.4.5",
            "version=v3.4.5",
            "≤3.4.5",
            "<=v3.4.5",
            "3.4.5 or earlier",
            "3.4.5版",
        ] {
            assert_eq!(of(IndicatorKind::Version, text), ["3.4.5"], "{text}");
        }
        assert_eq!(of(IndicatorKind::Version, "受影响版本 1.0 至 2.3.4"), ["1.0", "2.3.4"]);
        assert_eq!(of(IndicatorKind::Version, "versions 1.0 to 1.2, conversions 9.9"), ["1.0", "1.2"]);
    }

    #[test]
    fn numbers_are_kept_as_their_databases_write_them() {
        for text in ["cve_2031_12345", "CVE 2031-12345", "CVE\u{2011}2031\u{2011}12345", "cve－2031－12345"]
        {
            assert_eq!(of(IndicatorKind::Cve, text), ["CVE-2031-12345"], "{text}");
        }
        assert_eq!(of(IndicatorKind::Cnvd, "cnvd\u{2010}c\u{2010}2031\u{2010}12345"), ["CNVD-C-2031-12345"]);
    }

    #[test]
    fn addresses_of_other_schemes_and_hosts_of_other_countries_are_found() {
        let text = "ldap://Evil.example.com:1389/a rtsp://10.9.8.7:554/live wss://a.example/x?tok=1";
        assert_eq!(
            of(IndicatorKind::Url, text),
            ["ldap://Evil.example.com:1389/a", "rtsp://10.9.8.7:554/live", "wss://a.example/x?tok=1"]
        );
        assert_eq!(of(IndicatorKind::Host, text), ["evil.example.com", "a.example"]);
        assert_eq!(of(IndicatorKind::IpAddress, text), ["10.9.8.7"]);
        let hosts = "登录api.acme.me与www.acme.com.br，不是user.me、req.user.id、run.sh或main.rs";
        assert_eq!(of(IndicatorKind::Host, hosts), ["api.acme.me", "www.acme.com.br"]);
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
        assert_eq!(of(IndicatorKind::Parameter, "参数名为 cmd；参数：id"), ["cmd", "id"]);
    }

    #[test]
    fn a_parameter_stands_with_the_address_of_its_sentence() {
        let of = |text| {
            let pairs = beside("", text).into_iter().map(|(url, name)| format!("{url} {name}"));
            pairs.collect::<Vec<_>>()
        };
        for (text, expected) in [
            (
                "访问http://a.example/x 的user参数可注入；http://b.example/y 的 pwd 参数",
                &["http://a.example/x user", "http://b.example/y pwd"][..],
            ),
            (
                "The `next` parameter of http://a.example/x?q=1!\nhttp://b.example/y",
                &["http://a.example/x?q=1 next"],
            ),
            ("http://a.example/x has it. The parameter `next` of another page", &[]),
            ("http://a.example/x http://b.example/y 参数 id", &["http://b.example/y id"]),
            ("id 参数", &[]),
        ] {
            assert_eq!(of(text), expected, "{text}");
        }
        let bomb = format!("http://a.example/x {}", "id参数".repeat(1_000_000));
        assert_eq!(beside("", &bomb).len(), MOST);
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
