//! OSV, the format in which open source vulnerabilities are told.

use entity::vocabulary::AffectedState;
use serde::Serialize;
use serde_json::{Value, json};

use super::facts::{Facts, Product, instant, lacks};
use super::settings::AdvisorySettings;
use super::versions::Span;
use crate::error::Refusal;

#[derive(Serialize)]
struct Osv<'a> {
    schema_version: &'static str,
    id: &'a str,
    modified: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    published: Option<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    aliases: Vec<&'a str>,
    summary: &'a str,
    details: &'a str,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    severity: Vec<Value>,
    affected: Vec<Value>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    references: Vec<Value>,
    database_specific: Value,
}

/// The entry's file name and text.
///
/// # Errors
/// Refusals for what an entry needs and the event or the configuration lacks.
pub(super) fn write(facts: &Facts, settings: &AdvisorySettings) -> Result<(String, String), Vec<Refusal>> {
    let mut refusals = Vec::new();
    refusals.extend(facts.demand_public("OSV"));
    // An id begins with a prefix that is registered, and those of CVE are.
    let own = settings.osv_prefix.as_ref().map(|prefix| format!("{prefix}-{}", facts.number));
    let id = own.as_deref().or(facts.cve());
    if id.is_none() {
        refusals.push(lacks(
            "an OSV entry has an id with a registered prefix: add the event's one CVE number to a report (addIndicator, kind \
             CVE), or an operator sets advisories.osv_prefix",
        ));
    }
    let mut affected = Vec::new();
    let ours = |product: &&Product| matches!(product.state, AffectedState::Affected | AffectedState::Fixed);
    for product in facts.products.iter().filter(ours) {
        match entry(product) {
            Ok(entry) => affected.push(entry),
            Err(refusal) => refusals.push(refusal),
        }
    }
    if affected.is_empty() && refusals.is_empty() {
        refusals
            .push(lacks("no product is affected: say how products stand to the event (setAffectedProduct)"));
    }
    let Some(id) = id.filter(|_| refusals.is_empty()) else { return Err(refusals) };
    let page = settings.place_of(&Facts::file_name(&facts.number, ".json"));
    let osv = Osv {
        schema_version: "1.6.0",
        id,
        modified: facts.last_at(),
        published: facts.disclosed_at.map(instant),
        aliases: facts.cve().into_iter().filter(|cve| *cve != id).collect(),
        summary: &facts.title,
        details: &facts.description,
        severity: facts
            .severities
            .iter()
            .map(|severity| {
                let kind = match severity.version.as_str() {
                    "2.0" => "CVSS_V2",
                    "4.0" => "CVSS_V4",
                    _ => "CVSS_V3",
                };
                json!({ "type": kind, "score": severity.vector })
            })
            .collect(),
        affected,
        references: facts
            .references
            .iter()
            .chain(&page)
            .map(|url| json!({ "type": "ADVISORY", "url": url.as_str() }))
            .collect(),
        database_specific: json!({ "cwe_ids": facts.weaknesses }),
    };
    let text = serde_json::to_string_pretty(&osv)
        .map_err(|error| vec![lacks(format!("the entry cannot be written: {error}"))])?;
    Ok((Facts::file_name(id, ".json"), text + "\n"))
}

/// A product with its affected versions. It is in no package registry, so it is named outside `package`.
fn entry(product: &Product) -> Result<Value, Refusal> {
    let (mut versions, mut ranges) = (Vec::new(), Vec::new());
    for span in &product.affected {
        match span {
            Span::One(version) => versions.push(version.as_str()),
            Span::Range { from, to } => {
                let semantic = |version: &str| {
                    semantic(version).ok_or_else(|| {
                        lacks(format!(
                            "{version} of {} ends a range and is no semantic version, which OSV counts by: list the affected \
                             versions one by one (setAffectedProduct)",
                            product.key
                        ))
                    })
                };
                let from = from.as_deref().map_or(Ok("0".to_owned()), semantic)?;
                let mut events = vec![json!({ "introduced": from })];
                if let Some(end) = to {
                    let name = if end.inclusive { "last_affected" } else { "fixed" };
                    events.push(json!({ name: semantic(&end.version)? }));
                }
                ranges.push(json!({ "type": "SEMVER", "events": events }));
            }
        }
    }
    if versions.is_empty() && ranges.is_empty() {
        return Err(lacks(format!(
            "which versions of {} are affected is not recorded: send affectedVersions (setAffectedProduct)",
            product.key
        )));
    }
    let mut entry = json!({ "database_specific": { "vendor": product.vendor, "product": product.name } });
    if !versions.is_empty() {
        entry["versions"] = json!(versions);
    }
    if !ranges.is_empty() {
        entry["ranges"] = ranges.into();
    }
    Ok(entry)
}

/// A version with its three numbers; those that are not written are 0.
fn semantic(version: &str) -> Option<String> {
    let version = version.strip_prefix(['v', 'V']).unwrap_or(version);
    let (numbers, rest) = version.split_at(version.find(['-', '+']).unwrap_or(version.len()));
    let mut parts: Vec<&str> = numbers.split('.').collect();
    let is_number = |part: &&str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
    if parts.len() > 3 || !parts.iter().all(is_number) {
        return None;
    }
    parts.resize(3, "0");
    Some(format!("{}{rest}", parts.join(".")))
}

#[cfg(test)]
mod tests {
    use super::semantic;

    #[test]
    fn short_versions_are_filled_up() {
        for (version, expected) in [
            ("5", Some("5.0.0")),
            ("v5.2", Some("5.2.0")),
            ("5.2.1-rc.1+b2", Some("5.2.1-rc.1+b2")),
            ("5.2.1.4", None),
            ("R5", None),
        ] {
            assert_eq!(semantic(version).as_deref(), expected, "{version}");
        }
    }
}
