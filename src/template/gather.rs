//! From rows to facts: every name of [`Facts`] is filled here, and only from what may be told at all.

use chrono::{DateTime, NaiveDate, Utc};
use entity::vocabulary::{ProductKind, RmsvLibrary, Severity, Verdict, WorldFactKind};

use super::engine::is_chinese;
use super::facts::{Facts, Part, Product};
use super::store::Rows;

/// Who answers, as the installation is set.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Company {
    /// Its name.
    pub name: Option<String>,
    /// How to reach it.
    pub contact: Option<String>,
}

/// The facts of an event for a channel, nothing withheld yet.
pub fn facts(rows: &Rows, company: &Company, language: &str, now: DateTime<Utc>) -> Facts {
    let record = &rows.record;
    let chinese = is_chinese(language);
    let zone: chrono_tz::Tz = rows.channel.time_zone.parse().unwrap_or(chrono_tz::UTC);
    let day = |at: DateTime<Utc>| at.with_timezone(&zone).format("%Y-%m-%d").to_string();
    let time = |at: DateTime<Utc>| at.with_timezone(&zone).format("%Y-%m-%d %H:%M %Z").to_string();
    let date = |date: NaiveDate| date.to_string();
    let report = rows.reports.first();
    let verdict = record.verdict.as_ref();
    let world = |kind| record.world.iter().find(|row| row.kind == kind);
    let exploited = world(WorldFactKind::ExploitedInTheWild);
    let severity = report.and_then(|(row, _)| row.severity).or_else(|| verdict?.severity);
    let modern = record.severities.iter().find(|row| row.cvss_version != "2.0");
    let old = record.severities.iter().find(|row| row.cvss_version == "2.0");
    let by_product = |versions: fn(&entity::affected_product::Model) -> Option<&String>| {
        joined(
            record
                .products
                .iter()
                .filter_map(|(row, product)| Some(format!("{} {}", product.name, versions(row)?))),
        )
    };
    let fixes = &record.remediations;
    let available = fixes.iter().flat_map(|row| [row.available_at, row.mitigation_available_at]).flatten();
    let numbers = rows.reports.iter().filter_map(|(row, _)| row.channel_number.clone());
    Facts {
        company: company.name.clone(),
        contact: company.contact.clone(),
        today: Some(day(now)),
        channel_name: Some(rows.channel.name.clone()),
        report_number: joined(numbers),
        report_title: report.and_then(|(_, text)| Some(text.as_ref()?.title.clone())),
        report_received_on: report.map(|(row, _)| day(row.received_at)),
        event_number: Some(record.event.number.clone()),
        // Until an analyst has written one, the title is some report's.
        title: record.event.described.then(|| record.event.title.clone()),
        description: filled(&record.event.description),
        steps: filled(&record.event.steps),
        verdict: verdict.map(|row| verdict_text(row.verdict, chinese).to_owned()),
        severity: severity.map(|severity| severity_text(severity, chinese).to_owned()),
        product_names: joined(record.products.iter().map(|(_, product)| product.name.clone())),
        affected_versions: by_product(|row| row.affected_versions.as_ref()),
        fixed_versions: by_product(|row| row.fixed_versions.as_ref()),
        providers: joined(record.products.iter().map(|(_, product)| product.provider_entity.clone())),
        product_categories: joined(
            record.products.iter().map(|(_, product)| category(product.kind, chinese).to_owned()),
        ),
        member_states: joined(
            record.products.iter().flat_map(|(_, product)| product.cra_member_states.0.iter().cloned()),
        ),
        cve: joined(rows.cves.iter().cloned()),
        first_known_on: verdict.and_then(|row| row.first_known_on).map(date),
        learned_at: rows.learned_at.map(time),
        advisory: verdict.and_then(|row| row.advisory.clone()),
        fixed_version: verdict.and_then(|row| row.fixed_version.clone()),
        end_of_life_notice: verdict.and_then(|row| row.end_of_life_notice.clone()),
        last_supported_version: verdict.and_then(|row| row.last_supported_version.clone()),
        successor: verdict.and_then(|row| row.successor.clone()),
        forwarded_to: verdict.and_then(|row| row.forwarded_to.clone()),
        planned_fix_on: fixes.iter().filter_map(|row| row.planned_for).max().map(date),
        release_versions: joined(fixes.iter().filter_map(|row| row.release_versions.clone())),
        patch_link: joined(fixes.iter().filter_map(|row| row.advisory.clone())),
        measure_available_at: available.min().filter(|at| *at <= now).map(time),
        exploited_since: exploited.and_then(|row| row.occurred_at).map(time),
        exploitation_learned_at: rows.exploitation_learned_at.map(time),
        publicly_known_since: world(WorldFactKind::PubliclyKnown).and_then(|row| row.occurred_at).map(time),
        mitigation: joined(fixes.iter().filter_map(|row| row.mitigation.clone())),
        cvss_vector: modern.map(|row| row.vector.clone()),
        cvss_score: modern.map(|row| tenths(row.base)),
        cvss2_vector: old.map(|row| row.vector.clone()),
        cvss2_score: old.map(|row| tenths(row.base)),
        cwe: joined(record.severities.iter().flat_map(|row| row.cwe.0.iter().cloned())),
        products: record.products.iter().map(|(row, product)| told(row, product, chinese)).collect(),
        parts: rows
            .parts
            .iter()
            .map(|(number, verdict)| Part {
                number: *number,
                verdict: verdict.map(|verdict| verdict_text(verdict, chinese).to_owned()),
            })
            .collect(),
        ..Facts::default()
    }
}

fn told(row: &entity::affected_product::Model, product: &entity::product::Model, chinese: bool) -> Product {
    Product {
        name: product.name.clone(),
        provider: product.provider_entity.clone(),
        category: category(product.kind, chinese).to_owned(),
        library: product.rmsv_library.map(|library| library_text(library, chinese).to_owned()),
        affected_versions: row.affected_versions.clone(),
        fixed_versions: row.fixed_versions.clone(),
    }
}

/// Each text once, in its order; none when there is none.
fn joined(texts: impl Iterator<Item = String>) -> Option<String> {
    let mut kept: Vec<String> = Vec::new();
    for text in texts {
        if !text.trim().is_empty() && !kept.contains(&text) {
            kept.push(text);
        }
    }
    (!kept.is_empty()).then(|| kept.join(", "))
}

fn filled(text: &str) -> Option<String> {
    (!text.trim().is_empty()).then(|| text.to_owned())
}

fn tenths(value: i32) -> String {
    crate::graphql::scalars::Decimal::from_tenths(value).0
}

/// An indicator is what a reporter wrote: only what has the form of a number is one.
pub(crate) fn is_cve(text: &str) -> bool {
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    text.strip_prefix("CVE-").and_then(|rest| rest.split_once('-')).is_some_and(|(year, number)| {
        year.len() == 4 && digits(year) && (4..=10).contains(&number.len()) && digits(number)
    })
}

fn category(kind: ProductKind, chinese: bool) -> &'static str {
    match (kind, chinese) {
        (ProductKind::Product, true) => "网络产品",
        (ProductKind::Product, false) => "product",
        (ProductKind::OwnService, true) => "自营服务",
        (ProductKind::OwnService, false) => "own service",
    }
}

fn library_text(library: RmsvLibrary, chinese: bool) -> &'static str {
    match (library, chinese) {
        (RmsvLibrary::General, true) => "通用网络产品",
        (RmsvLibrary::General, false) => "general network products",
        (RmsvLibrary::IndustrialControl, true) => "工业控制产品",
        (RmsvLibrary::IndustrialControl, false) => "industrial control",
        (RmsvLibrary::MobileApp, true) => "移动互联网应用",
        (RmsvLibrary::MobileApp, false) => "mobile applications",
        (RmsvLibrary::ConnectedVehicle, true) => "车联网",
        (RmsvLibrary::ConnectedVehicle, false) => "connected vehicles",
    }
}

fn severity_text(severity: Severity, chinese: bool) -> &'static str {
    match (severity, chinese) {
        (Severity::Critical, true) => "严重",
        (Severity::Critical, false) => "critical",
        (Severity::High, true) => "高危",
        (Severity::High, false) => "high",
        (Severity::Medium, true) => "中危",
        (Severity::Medium, false) => "medium",
        (Severity::Low, true) => "低危",
        (Severity::Low, false) => "low",
    }
}

fn verdict_text(verdict: Verdict, chinese: bool) -> &'static str {
    match (verdict, chinese) {
        (Verdict::Confirmed, true) => "确认",
        (Verdict::Confirmed, false) => "confirmed",
        (Verdict::KnownInternally, true) => "内部已知，修复中",
        (Verdict::KnownInternally, false) => "known before, being fixed",
        (Verdict::NotReproducible, true) => "不存在或无法复现",
        (Verdict::NotReproducible, false) => "not reproducible",
        (Verdict::Duplicate, true) => "重复",
        (Verdict::Duplicate, false) => "duplicate",
        (Verdict::AlreadyFixed, true) => "已修复并发布公告",
        (Verdict::AlreadyFixed, false) => "already fixed and published",
        (Verdict::EndOfLife, true) => "产品已退市",
        (Verdict::EndOfLife, false) => "product out of support",
        (Verdict::OtherVendor, true) => "非我方产品",
        (Verdict::OtherVendor, false) => "another vendor's product",
        (Verdict::OutOfScope, true) => "超出受理范围",
        (Verdict::OutOfScope, false) => "out of scope",
        (Verdict::NotAVulnerability, true) => "非安全问题",
        (Verdict::NotAVulnerability, false) => "not a vulnerability",
        (Verdict::InsufficientInformation, true) => "信息不足",
        (Verdict::InsufficientInformation, false) => "not enough information",
        (Verdict::Spam, true) => "垃圾信息",
        (Verdict::Spam, false) => "spam",
    }
}
