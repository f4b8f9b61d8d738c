//! CVE records in JSON 5.1: what a CVE numbering authority hands in when it publishes.

use entity::vocabulary::AffectedState;
use serde::Serialize;
use serde_json::{Value, json};

use super::cwe;
use super::facts::{Facts, Product, instant, lacks};
use super::settings::AdvisorySettings;
use super::versions::Span;
use crate::error::Refusal;

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Record<'a> {
    data_type: &'static str,
    data_version: &'static str,
    cve_metadata: Value,
    containers: Containers<'a>,
}

#[derive(Serialize)]
struct Containers<'a> {
    cna: Cna<'a>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Cna<'a> {
    provider_metadata: Value,
    title: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    date_public: Option<String>,
    descriptions: [Value; 1],
    affected: Vec<Value>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    problem_types: Vec<Value>,
    references: Vec<Value>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    metrics: Vec<Value>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    solutions: Vec<Value>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    exploits: Vec<Value>,
}

/// The record's file name and text.
///
/// # Errors
/// Refusals for what a record needs and the event or the configuration lacks.
pub(super) fn write(facts: &Facts, settings: &AdvisorySettings) -> Result<(String, String), Vec<Refusal>> {
    let mut refusals = Vec::new();
    refusals.extend(facts.demand_public("a CVE record"));
    if facts.cves.is_empty() {
        refusals.push(lacks("the event has no CVE number: add it to a report (addIndicator, kind CVE)"));
    } else if facts.cve().is_none() {
        refusals.push(lacks(format!(
            "the event has the CVE numbers {}, a record is about one: dismiss the others (dismissIndicator)",
            facts.cves.join(", ")
        )));
    }
    let Some(organization) = settings.cve_organization else {
        refusals.push(lacks(
            "this installation is no CVE numbering authority: an operator has to set advisories.cve_organization",
        ));
        return Err(refusals);
    };
    let affected: Vec<Value> = facts.products.iter().filter_map(affected).collect();
    if facts.products.iter().all(|product| !is_ours(product)) {
        refusals
            .push(lacks("no product is affected: say how products stand to the event (setAffectedProduct)"));
    }
    let own = settings.place_of(&Facts::file_name(&facts.number, ".json"));
    let references: Vec<Value> =
        facts.references.iter().chain(&own).map(|url| json!({ "url": url.as_str() })).collect();
    if references.is_empty() {
        refusals.push(lacks(
            "a CVE record names a page about the vulnerability: record the advisory's address with the release \
             (recordRelease), or an operator sets advisories.base_url",
        ));
    }
    let Some(number) = facts.cve().filter(|_| refusals.is_empty()) else { return Err(refusals) };
    let language = facts.words("en", "zh");
    let told = |text: &str| json!({ "lang": language, "value": text });
    let mut metadata = json!({ "cveId": number, "assignerOrgId": organization, "state": "PUBLISHED" });
    let mut provider = json!({ "orgId": organization, "dateUpdated": facts.last_at() });
    if let Some(name) = &settings.cve_short_name {
        metadata["assignerShortName"] = name.as_str().into();
        provider["shortName"] = name.as_str().into();
    }
    let record = Record {
        data_type: "CVE_RECORD",
        data_version: "5.1",
        cve_metadata: metadata,
        containers: Containers {
            cna: Cna {
                provider_metadata: provider,
                title: &facts.title,
                date_public: facts.disclosed_at.map(instant),
                descriptions: [told(&facts.description)],
                affected,
                problem_types: facts.weaknesses.iter().map(|id| problem(id)).collect(),
                references,
                metrics: metrics(facts),
                solutions: facts
                    .products
                    .iter()
                    .flat_map(|product| &product.measures)
                    .map(|measure| told(&measure.details))
                    .fold(Vec::new(), |mut known, one| {
                        if !known.contains(&one) {
                            known.push(one);
                        }
                        known
                    }),
                exploits: exploits(facts).map(told).into_iter().collect(),
            },
        },
    };
    let text = serde_json::to_string_pretty(&record)
        .map_err(|error| vec![lacks(format!("the record cannot be written: {error}"))])?;
    Ok((format!("{number}.json"), text + "\n"))
}

fn is_ours(product: &Product) -> bool {
    matches!(product.state, AffectedState::Affected | AffectedState::Fixed)
}

fn exploits(facts: &Facts) -> Option<&str> {
    match (facts.exploited.is_some(), facts.exploit_public) {
        (true, _) => Some(facts.words("Exploited in the wild.", "已在野利用。")),
        (false, true) => Some(facts.words("An exploit is public.", "利用代码已公开。")),
        (false, false) => None,
    }
}

fn problem(id: &str) -> Value {
    let description = match cwe::name(id) {
        Some(name) => format!("{id} {name}"),
        None => id.to_owned(),
    };
    json!({ "descriptions": [{ "lang": "en", "type": "CWE", "cweId": id, "description": description }] })
}

/// A product with its versions; none of one that nobody has looked at.
fn affected(product: &Product) -> Option<Value> {
    let mut entry = json!({ "vendor": product.vendor, "product": product.name });
    match product.state {
        AffectedState::NotLookedYet => return None,
        AffectedState::NotAffected => entry["defaultStatus"] = "unaffected".into(),
        AffectedState::Affected | AffectedState::Fixed => {
            let affected = product.affected.iter().map(|span| version(span, "affected"));
            let fixed = product.fixed.iter().map(|span| version(span, "unaffected"));
            let versions: Vec<Value> = affected.chain(fixed).collect();
            let default = match (versions.is_empty(), product.state) {
                (true, AffectedState::Affected) => "affected",
                _ => "unknown",
            };
            entry["defaultStatus"] = default.into();
            if !versions.is_empty() {
                entry["versions"] = versions.into();
            }
        }
    }
    Some(entry)
}

fn version(span: &Span, status: &str) -> Value {
    match span {
        Span::One(version) => json!({ "version": version, "status": status }),
        Span::Range { from, to } => {
            let first = from.as_deref().unwrap_or("0");
            let (field, last) = match to {
                None => ("lessThan", "*"),
                Some(end) if end.inclusive => ("lessThanOrEqual", end.version.as_str()),
                Some(end) => ("lessThan", end.version.as_str()),
            };
            json!({ "version": first, "status": status, "versionType": "custom", field: last })
        }
    }
}

fn metrics(facts: &Facts) -> Vec<Value> {
    let metrics = facts.severities.iter().map(|severity| {
        let field = match severity.version.as_str() {
            "2.0" => "cvssV2_0",
            "3.0" => "cvssV3_0",
            "3.1" => "cvssV3_1",
            _ => "cvssV4_0",
        };
        let mut score = json!({
            "version": severity.version, "vectorString": severity.vector, "baseScore": severity.score(),
        });
        if field != "cvssV2_0" {
            score["baseSeverity"] = severity.band.into();
        }
        json!({ field: score })
    });
    metrics.collect()
}
