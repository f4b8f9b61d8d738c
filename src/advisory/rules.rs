//! From the rows of an event to what may stand in its advisory.

use std::collections::BTreeSet;

use chrono::{DateTime, Utc};
use entity::vocabulary::{AffectedState, IndicatorSource, Status, Verdict, WorldFactKind};
use entity::{affected_product, indicator, product, remediation, technical_severity};
use url::Url;
use uuid::Uuid;

use super::AdvisoryLanguage;
use super::facts::{DocumentStatus, Exploited, Facts, Measure, MeasureKind, Product, Severity, lacks};
use super::history::{History, Named, Vouched};
use super::store::Rows;
use super::versions::{self, Span};
use crate::error::{Refusal, RefusalCode};
use crate::protection::rules::is_disclosed;
use crate::score::cvss::{Vector, band_of};
use crate::template::gather::is_cve;

/// Who vouches for an indicator: the notice that gave it, where its sender answers for its numbers (one of the reports in
/// `official`), or an analyst. What any other sender gives is their word alone.
fn vouched(row: &indicator::Model, official: &[Uuid]) -> Vouched {
    if row.source == IndicatorSource::Given && official.contains(&row.report_id) {
        Vouched::Notice
    } else if row.added_by.is_some() {
        Vouched::Person
    } else {
        Vouched::No
    }
}

/// The CVE numbers that somebody vouches for and nobody dismissed, each once.
fn cves(rows: &Rows) -> Vec<String> {
    let counts =
        |row: &&indicator::Model| row.dismissed_at.is_none() && vouched(row, &rows.official) != Vouched::No;
    let numbers = rows.numbers.iter().filter(counts).filter(|row| is_cve(&row.value));
    let numbers: BTreeSet<_> = numbers.map(|row| row.value.clone()).collect();
    numbers.into_iter().collect()
}

/// What of the event's history is told by the ids of its things.
fn named(rows: &Rows) -> Named {
    let numbers = rows.numbers.iter().map(|row| (row.id.to_string(), vouched(row, &rows.official)));
    Named {
        numbers: numbers.collect(),
        products: rows
            .record
            .products
            .iter()
            .map(|(row, product)| (row.id.to_string(), product.id.to_string()))
            .collect(),
    }
}

/// What documents of the event are written from.
///
/// # Errors
/// A refusal for each thing that every form asks for and the event lacks.
pub(super) fn facts(
    rows: &Rows,
    language: AdvisoryLanguage,
    now: DateTime<Utc>,
) -> Result<Facts, Vec<Refusal>> {
    let chinese = language == AdvisoryLanguage::Zh;
    let mut refusals = Vec::new();
    if !matches!(
        rows.record.event.verdict,
        Some(Verdict::Confirmed | Verdict::KnownInternally | Verdict::AlreadyFixed | Verdict::EndOfLife)
    ) {
        refusals.push(lacks(
            "an advisory is about a vulnerability of our products: the verdict has to be CONFIRMED, KNOWN_INTERNALLY, \
             ALREADY_FIXED or END_OF_LIFE (giveVerdict)",
        ));
    }
    if !rows.record.event.described {
        refusals.push(lacks("the event has no title of an analyst's: write one (describeEvent)"));
    }
    if rows.record.event.description.trim().is_empty() {
        refusals.push(lacks("the event has no description: write one (describeEvent)"));
    }
    if rows.record.products.is_empty() {
        refusals.push(lacks("no product is on the event: say how products stand to it (setAffectedProduct)"));
    }
    let mut products = Vec::new();
    for (row, product) in &rows.record.products {
        match stands(row, product, &rows.record.remediations, chinese, now) {
            Ok(product) => products.push(product),
            Err(refusal) => refusals.push(refusal),
        }
    }
    if !refusals.is_empty() {
        return Err(refusals);
    }
    let history = History::of(&rows.entries, &named(rows), now);
    let world = |kind| rows.record.world.iter().find(|row| row.kind == kind);
    Ok(Facts {
        number: rows.record.event.number.clone(),
        title: rows.record.event.title.trim().to_owned(),
        description: rows.record.event.description.trim().to_owned(),
        chinese,
        tlp: rows.record.event.tlp,
        disclosed_at: is_public(rows, now)
            .then(|| history.disclosed_at.unwrap_or(rows.record.event.changed_at)),
        status: match history.revisions.last() {
            None => DocumentStatus::Draft,
            Some(_) if rows.record.event.status == Status::Closed => DocumentStatus::Final,
            Some(_) => DocumentStatus::Interim,
        },
        revisions: history.revisions(rows.record.event.created_at, chinese),
        cves: cves(rows),
        weaknesses: weaknesses(&rows.record.severities),
        severities: severities(&rows.record.severities),
        exploit_public: world(WorldFactKind::ExploitPublic).is_some(),
        exploited: world(WorldFactKind::ExploitedInTheWild)
            .map(|row| Exploited { recorded_at: row.recorded_at, first_at: row.occurred_at }),
        references: references(&products, rows),
        products,
    })
}

fn stands(
    row: &affected_product::Model,
    product: &product::Model,
    remediations: &[remediation::Model],
    chinese: bool,
    now: DateTime<Utc>,
) -> Result<Product, Refusal> {
    let ours = matches!(row.state, AffectedState::Affected | AffectedState::Fixed);
    let fixes = || remediations.iter().filter(|fix| ours && fix.line == row.line);
    let read = |field: &str, text: Option<&String>| {
        match text.filter(|_| ours) {
        Some(text) => versions::parse(text).map_err(|piece| {
            lacks(format!(
                "{field} of {} says {piece:?}, which machines cannot read: write versions and ranges, for example \
                 \"5.2.0, >= 5.3 < 5.3.4\"",
                product.key
            ))
        }),
        None => Ok(Vec::new()),
    }
    };
    let affected = read("affectedVersions", row.affected_versions.as_ref())?;
    let mut fixed = read("fixedVersions", row.fixed_versions.as_ref())?;
    let is_available = |at: Option<DateTime<Utc>>| at.filter(|at| *at <= now);
    let mut measures = Vec::new();
    for fix in fixes() {
        if let Some(at) = is_available(fix.available_at) {
            let released = read("releaseVersions", fix.release_versions.as_ref())?;
            if row.fixed_versions.is_none() {
                fixed.extend(released);
            }
            measures.push(Measure {
                kind: MeasureKind::VendorFix,
                details: release(fix, chinese),
                at,
                url: fix.advisory.as_deref().and_then(page),
            });
        }
        if let (Some(at), Some(text)) = (is_available(fix.mitigation_available_at), &fix.mitigation) {
            let details = text.trim().to_owned();
            measures.push(Measure { kind: MeasureKind::Mitigation, details, at, url: None });
        }
    }
    if row.state == AffectedState::Affected && affected.is_empty() && !fixed.is_empty() {
        return Err(lacks(format!(
            "which versions of {} are affected is not recorded, while fixed ones are: send affectedVersions \
             (setAffectedProduct)",
            product.key
        )));
    }
    if let Some(both) = affected.iter().find(|span| fixed.contains(span)) {
        return Err(Refusal::new(
            RefusalCode::Contradiction,
            format!(
                "{both} of {} is recorded as affected and as fixed: correct it (setAffectedProduct)",
                product.key
            ),
        ));
    }
    Ok(Product {
        key: product.key.clone(),
        name: product.name.clone(),
        vendor: product.provider_entity.clone(),
        state: row.state,
        justification: row.justification,
        affected,
        fixed,
        measures,
    })
}

/// What is said of a release.
fn release(fix: &remediation::Model, chinese: bool) -> String {
    let mut text = match (&fix.release_versions, chinese) {
        (Some(versions), false) => format!("Update to {versions}."),
        (Some(versions), true) => format!("请升级至 {versions}。"),
        (None, false) => "A fix is available.".to_owned(),
        (None, true) => "已提供修复。".to_owned(),
    };
    // A page is a link of its own.
    if let Some(advisory) = fix.advisory.as_deref().filter(|advisory| page(advisory).is_none()) {
        text.push_str(&if chinese { format!("参见 {advisory}。") } else { format!(" See {advisory}.") });
    }
    text
}

/// The address of a page, where a text is one.
fn page(text: &str) -> Option<Url> {
    let url: Url = text.trim().parse().ok()?;
    (matches!(url.scheme(), "https" | "http") && url.username().is_empty() && url.password().is_none())
        .then_some(url)
}

fn references(products: &[Product], rows: &Rows) -> Vec<Url> {
    let verdict = rows.record.verdict.as_ref().and_then(|row| page(row.advisory.as_deref()?));
    let measures =
        products.iter().flat_map(|product| product.measures.iter().filter_map(|one| one.url.clone()));
    let mut found: Vec<Url> = Vec::new();
    for url in verdict.into_iter().chain(measures) {
        if !found.contains(&url) {
            found.push(url);
        }
    }
    found
}

/// Whether the event is public.
fn is_public(rows: &Rows, now: DateTime<Utc>) -> bool {
    let known = rows.record.world.iter().any(|row| row.kind == WorldFactKind::PubliclyKnown);
    let granted = rows.disclosure.as_ref().is_some_and(|row| row.granted == Some(true));
    is_disclosed(&rows.record.event, known, granted, now)
}

/// The newest assessment of each CVSS version.
fn severities(rows: &[technical_severity::Model]) -> Vec<Severity> {
    let mut found: Vec<Severity> = Vec::new();
    for row in rows {
        let Ok(vector) = Vector::parse(&row.vector) else { continue };
        if found.iter().all(|known| known.version != row.cvss_version) {
            found.push(Severity {
                version: row.cvss_version.clone(),
                vector: row.vector.clone(),
                base: row.base,
                band: band_of(vector.version(), vector.base_score()).as_str(),
            });
        }
    }
    found
}

/// Those of the newest assessment that names any.
fn weaknesses(rows: &[technical_severity::Model]) -> Vec<String> {
    rows.iter().map(|row| &row.cwe.0).find(|cwe| !cwe.is_empty()).cloned().unwrap_or_default()
}

/// The version that a list of fixed ones begins with: what was fixed first.
pub(super) fn first_fixed(fixed: &[Span]) -> Option<&Span> {
    fixed.iter().find(|span| matches!(span, Span::One(_))).or(fixed.first())
}
