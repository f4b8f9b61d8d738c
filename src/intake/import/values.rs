//! What the words of channels mean: dates, ratings, kinds, numbers. Pure and shared by all readers.

use chrono::{DateTime, Datelike, NaiveDate, NaiveDateTime, Utc};

use super::{ImportedSeverity, IndicatorKind, Moment, VulnerabilityKind};

/// Reads a day (`2024-05-01`, `2024/5/1`, `2024年5月1日`) or an instant (RFC 3339, or with `UTC` at the end).
/// A time of day without a zone gives its day: the zone is not known. None if it is neither, or in a year that
/// can only be a slip of the keys.
pub fn moment(text: &str) -> Option<Moment> {
    let moment = moment_in_any_year(text.trim())?;
    let year = match moment {
        Moment::Day(day) => day.year(),
        Moment::Instant(instant) => instant.year(),
    };
    (1970..=9999).contains(&year).then_some(moment)
}

fn moment_in_any_year(text: &str) -> Option<Moment> {
    if let Ok(instant) = DateTime::parse_from_rfc3339(text) {
        return Some(Moment::Instant(instant.with_timezone(&Utc)));
    }
    if let Some(in_utc) = text.strip_suffix("UTC") {
        return wall_time(in_utc.trim_end()).map(|time| Moment::Instant(time.and_utc()));
    }
    let day = ["%Y-%m-%d", "%Y/%m/%d", "%Y年%m月%d日"]
        .iter()
        .find_map(|format| NaiveDate::parse_from_str(text, format).ok())
        .or_else(|| wall_time(text).map(|time| time.date()))?;
    Some(Moment::Day(day))
}

fn wall_time(text: &str) -> Option<NaiveDateTime> {
    ["%Y-%m-%d %H:%M:%S%.f", "%Y-%m-%dT%H:%M:%S%.f", "%Y/%m/%d %H:%M:%S", "%Y-%m-%d %H:%M"]
        .iter()
        .find_map(|format| NaiveDateTime::parse_from_str(text, format).ok())
}

/// Reads a rating in the words of CNVD, CNNVD and bounty platforms.
pub fn severity(text: &str) -> Option<ImportedSeverity> {
    match text.trim().to_lowercase().as_str() {
        "超危" | "危急" | "严重" | "critical" => Some(ImportedSeverity::Critical),
        "高" | "高危" | "high" => Some(ImportedSeverity::High),
        "中" | "中危" | "medium" | "moderate" => Some(ImportedSeverity::Medium),
        "低" | "低危" | "low" => Some(ImportedSeverity::Low),
        _ => None,
    }
}

/// Reads CNVD's kind of vulnerability.
pub fn vulnerability_kind(text: &str) -> Option<VulnerabilityKind> {
    match text.trim() {
        "通用软硬件漏洞" | "通用型漏洞" | "通用型" => Some(VulnerabilityKind::Generic),
        "事件型漏洞" | "事件型" => Some(VulnerabilityKind::EventType),
        _ => None,
    }
}

/// The CVE, CNVD and CNNVD numbers that occur in a text, in capitals, in order.
pub fn numbers_in(text: &str) -> Vec<(IndicatorKind, String)> {
    let text = text.to_ascii_uppercase();
    text.split(|character: char| !character.is_ascii_alphanumeric() && character != '-')
        .filter_map(|word| number(word).map(|kind| (kind, word.to_owned())))
        .collect()
}

/// The links in a field that holds links only, separated by white space or punctuation followed by it.
pub fn links_in(text: &str) -> impl Iterator<Item = &str> {
    text.split_whitespace()
        .map(|link| link.trim_matches(|edge| matches!(edge, ';' | ',' | ':' | '；' | '，' | '：' | '、')))
        .filter(|link| !link.is_empty())
}

/// `CVE-2024-12345`, `CNVD-2024-12345` or `CNNVD-202401-123`.
fn number(word: &str) -> Option<IndicatorKind> {
    let mut parts = word.split('-');
    let (kind, period_digits, least_digits) = match parts.next()? {
        "CVE" => (IndicatorKind::Cve, 4, 4),
        "CNVD" => (IndicatorKind::Cnvd, 4, 4),
        "CNNVD" => (IndicatorKind::Cnnvd, 6, 3),
        _ => return None,
    };
    let (period, sequence) = (parts.next()?, parts.next()?);
    let digits = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
    let well_formed = digits(period)
        && period.len() == period_digits
        && digits(sequence)
        && sequence.len() >= least_digits
        && parts.next().is_none();
    well_formed.then_some(kind)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn day(year: i32, month: u32, day: u32) -> Option<Moment> {
        NaiveDate::from_ymd_opt(year, month, day).map(Moment::Day)
    }

    #[test]
    fn days_and_instants_are_as_exact_as_given() {
        assert_eq!(moment("2024-02-29"), day(2024, 2, 29));
        assert_eq!(moment(" 2024/3/1\n"), day(2024, 3, 1));
        assert_eq!(moment("2024年3月1日"), day(2024, 3, 1));
        assert_eq!(moment("2024-03-01 23:59:59"), day(2024, 3, 1));
        let instant = "2024-03-01T10:30:00Z".parse().ok().map(Moment::Instant);
        assert_eq!(moment("2024-03-01T18:30:00+08:00"), instant);
        assert_eq!(moment("2024-03-01 10:30:00 UTC"), instant);
        for odd in [
            "",
            "2023-02-29",
            "0000-00-00",
            "0024-05-01",
            "12024-05-01",
            "2024",
            "20240301",
            "soon",
            "2024-03-01 25:00:00",
        ] {
            assert_eq!(moment(odd), None, "{odd}");
        }
    }

    #[test]
    fn ratings_and_kinds_are_known_by_their_words() {
        assert_eq!(severity("超危"), Some(ImportedSeverity::Critical));
        assert_eq!(severity("高"), Some(ImportedSeverity::High));
        assert_eq!(severity(" Medium "), Some(ImportedSeverity::Medium));
        assert_eq!(severity("低危"), Some(ImportedSeverity::Low));
        assert_eq!(severity("none"), None);
        assert_eq!(vulnerability_kind("通用软硬件漏洞"), Some(VulnerabilityKind::Generic));
        assert_eq!(vulnerability_kind("事件型漏洞"), Some(VulnerabilityKind::EventType));
        assert_eq!(vulnerability_kind("其他"), None);
    }

    #[test]
    fn numbers_are_found_next_to_anything_and_only_whole() {
        let text = "漏洞cve-2024-12345，(CNVD-2024-00001)CNNVD-202401-123_x";
        let found = [
            (IndicatorKind::Cve, "CVE-2024-12345".to_owned()),
            (IndicatorKind::Cnvd, "CNVD-2024-00001".to_owned()),
            (IndicatorKind::Cnnvd, "CNNVD-202401-123".to_owned()),
        ];
        assert_eq!(numbers_in(text), found);
        assert_eq!(numbers_in("CVE-2024-123 CVE-24-1234 XCVE-2024-1234 CVE-2024-1234-5 CVE-2024-12x4"), []);
    }

    #[test]
    fn links_lose_the_punctuation_between_them() {
        let text = ":https://a.example/x?b=1,2; https://b.example/\n\nwww.c.example ; ";
        let found: Vec<_> = links_in(text).collect();
        assert_eq!(found, ["https://a.example/x?b=1,2", "https://b.example/", "www.c.example"]);
    }
}
