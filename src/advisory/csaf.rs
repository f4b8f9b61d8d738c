//! CSAF, the Common Security Advisory Framework of OASIS, in its editions 2.0 and 2.1.

use std::collections::BTreeMap;

use entity::vocabulary::{AffectedState, Tlp};
use serde::Serialize;
use serde_json::{Value, json};

use super::cwe;
use super::facts::{DocumentStatus, Facts, MeasureKind, Product, instant, lacks};
use super::rules::first_fixed;
use super::settings::{AdvisorySettings, Category};
use super::versions::Span;
use crate::error::{Refusal, RefusalCode};

/// An edition of the standard.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Edition {
    /// 2.0.
    V2_0,
    /// 2.1.
    V2_1,
}

#[derive(Serialize)]
struct Csaf<'a> {
    #[serde(rename = "$schema", skip_serializing_if = "Option::is_none")]
    schema: Option<&'static str>,
    document: Document<'a>,
    product_tree: Tree,
    vulnerabilities: [Vulnerability<'a>; 1],
}

#[derive(Serialize)]
struct Document<'a> {
    category: &'static str,
    csaf_version: &'static str,
    title: &'a str,
    lang: &'static str,
    distribution: Value,
    publisher: Publisher<'a>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    references: Vec<Reference>,
    tracking: Tracking<'a>,
}

#[derive(Serialize)]
struct Publisher<'a> {
    category: Category,
    name: &'a str,
    namespace: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    contact_details: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    issuing_authority: Option<&'a str>,
}

#[derive(Serialize)]
struct Reference {
    category: &'static str,
    summary: String,
    url: String,
}

#[derive(Serialize)]
struct Tracking<'a> {
    id: &'a str,
    status: DocumentStatus,
    version: String,
    initial_release_date: String,
    current_release_date: String,
    revision_history: Vec<RevisionEntry>,
    generator: Value,
}

#[derive(Serialize)]
struct RevisionEntry {
    date: String,
    number: String,
    summary: &'static str,
}

#[derive(Serialize)]
struct Tree {
    branches: Vec<Branch>,
}

#[derive(Serialize)]
struct Branch {
    category: &'static str,
    name: String,
    #[serde(flatten)]
    below: Below,
}

#[derive(Serialize)]
#[serde(rename_all = "lowercase")]
enum Below {
    Branches(Vec<Branch>),
    Product(Named),
}

#[derive(Serialize)]
struct Named {
    name: String,
    product_id: String,
}

#[derive(Serialize)]
struct Vulnerability<'a> {
    title: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    cve: Option<&'a str>,
    ids: [Value; 1],
    #[serde(skip_serializing_if = "Option::is_none")]
    cwe: Option<Value>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    cwes: Vec<Value>,
    notes: [Value; 1],
    product_status: BTreeMap<&'static str, Vec<String>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    release_date: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    disclosure_date: Option<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    first_known_exploitation_dates: Vec<Value>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    flags: Vec<Value>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    scores: Vec<Value>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    metrics: Vec<Value>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    references: Vec<Reference>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    remediations: Vec<Value>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    threats: Vec<Value>,
}

/// The document's file name and text.
///
/// # Errors
/// Refusals: who publishes is not set, or the TLP level is none that the edition can say.
pub(super) fn write(
    facts: &Facts,
    settings: &AdvisorySettings,
    edition: Edition,
) -> Result<(String, String), Vec<Refusal>> {
    let mut refusals = Vec::new();
    let publisher = publisher(settings).map_err(|refusal| refusals.push(refusal)).ok();
    let label = label(facts, edition).map_err(|refusal| refusals.push(refusal)).ok();
    let (Some(publisher), Some(label)) = (publisher, label) else { return Err(refusals) };
    let file_name = Facts::file_name(&facts.number, ".json");
    let own = settings.place_of(&file_name).map(|url| Reference {
        category: "self",
        summary: facts.words("This document", "本公告").to_owned(),
        url: url.to_string(),
    });
    let new = edition == Edition::V2_1;
    let csaf = Csaf {
        schema: new.then_some("https://docs.oasis-open.org/csaf/csaf/v2.1/schema/csaf.json"),
        document: Document {
            category: "csaf_security_advisory",
            csaf_version: if new { "2.1" } else { "2.0" },
            title: &facts.title,
            lang: facts.words("en", "zh"),
            distribution: json!({ "tlp": { "label": label } }),
            publisher,
            references: own.into_iter().collect(),
            tracking: tracking(facts),
        },
        product_tree: tree(&facts.products),
        vulnerabilities: [vulnerability(facts, new)],
    };
    // By way of a value, whose names are in order, as the standard would have them.
    let text = serde_json::to_value(&csaf).and_then(|csaf| serde_json::to_string_pretty(&csaf));
    let text = text.map_err(|error| vec![lacks(format!("the document cannot be written: {error}"))])?;
    Ok((file_name, text + "\n"))
}

fn publisher(settings: &AdvisorySettings) -> Result<Publisher<'_>, Refusal> {
    match (&settings.publisher, &settings.namespace) {
        (Some(name), Some(namespace)) => Ok(Publisher {
            category: settings.category,
            name,
            namespace: namespace.as_str(),
            contact_details: settings.contact.as_deref(),
            issuing_authority: settings.issuing_authority.as_deref(),
        }),
        _ => Err(lacks(
            "this installation does not say who publishes: an operator has to set advisories.publisher and \
             advisories.namespace",
        )),
    }
}

/// How the edition says the TLP level.
fn label(facts: &Facts, edition: Edition) -> Result<&'static str, Refusal> {
    match (facts.tlp, edition) {
        (Tlp::Clear, _) if facts.disclosed_at.is_none() => {
            let message = "the event is TLP:CLEAR and not public: a document that says so could be shared freely. Set another \
                           level (setTlp), or disclose the event first";
            Err(Refusal::new(RefusalCode::Contradiction, message))
        }
        (Tlp::Clear, Edition::V2_0) => Ok("WHITE"),
        (Tlp::Clear, Edition::V2_1) => Ok("CLEAR"),
        (Tlp::Green, _) => Ok("GREEN"),
        (Tlp::Amber, _) => Ok("AMBER"),
        (Tlp::AmberStrict, Edition::V2_1) => Ok("AMBER+STRICT"),
        (Tlp::AmberStrict, Edition::V2_0) => {
            let message = "CSAF 2.0 knows no TLP:AMBER+STRICT, and AMBER would let it go to customers: write CSAF 2.1, or \
                           set another level (setTlp)";
            Err(Refusal::new(RefusalCode::Contradiction, message))
        }
        (Tlp::Red, _) => Ok("RED"),
    }
}

fn tracking(facts: &Facts) -> Tracking<'_> {
    Tracking {
        id: &facts.number,
        status: facts.status,
        version: facts.version().to_string(),
        initial_release_date: facts.first_at(),
        current_release_date: facts.last_at(),
        revision_history: facts
            .revisions
            .iter()
            .map(|revision| RevisionEntry {
                date: instant(revision.at),
                number: revision.number.to_string(),
                summary: revision.summary,
            })
            .collect(),
        generator: json!({ "engine": { "name": "vulndesk", "version": env!("CARGO_PKG_VERSION") } }),
    }
}

/// Ids of a product's versions; of the product itself where nobody said any.
fn ids(product: &Product, spans: &[Span]) -> Vec<String> {
    if spans.is_empty() {
        return vec![product.key.clone()];
    }
    spans.iter().map(|span| format!("{}:{span}", product.key)).collect()
}

/// The ids under which a product is affected.
fn affected_ids(product: &Product) -> Vec<String> {
    match product.state {
        AffectedState::Affected => ids(product, &product.affected),
        AffectedState::Fixed if !product.affected.is_empty() => ids(product, &product.affected),
        _ => Vec::new(),
    }
}

/// Vendors, their products, the versions of these.
fn tree(products: &[Product]) -> Tree {
    let mut vendors: Vec<Branch> = Vec::new();
    for product in products {
        let branch = product_branch(product);
        match vendors.iter_mut().find(|vendor| vendor.name == product.vendor) {
            Some(Branch { below: Below::Branches(branches), .. }) => branches.push(branch),
            _ => vendors.push(Branch {
                category: "vendor",
                name: product.vendor.clone(),
                below: Below::Branches(vec![branch]),
            }),
        }
    }
    Tree { branches: vendors }
}

fn product_branch(product: &Product) -> Branch {
    let named = |product_id: String, version: &str| {
        let name = format!("{} {} {version}", product.vendor, product.name);
        Named { name: name.trim_end().to_owned(), product_id }
    };
    let spans: Vec<&Span> = product.affected.iter().chain(&product.fixed).collect();
    let below = if spans.is_empty() {
        Below::Product(named(product.key.clone(), ""))
    } else {
        let versions = spans.into_iter().map(|span| {
            let text = span.to_string();
            let (category, name) = match span {
                Span::One(version) => ("product_version", version.clone()),
                Span::Range { .. } => {
                    ("product_version_range", format!("vers:generic/{}", text.replace('+', "%2B")))
                }
            };
            let product = named(format!("{}:{text}", product.key), &text);
            Branch { category, name, below: Below::Product(product) }
        });
        Below::Branches(versions.collect())
    };
    Branch { category: "product_name", name: product.name.clone(), below }
}

fn statuses(products: &[Product]) -> BTreeMap<&'static str, Vec<String>> {
    let mut statuses: BTreeMap<&'static str, Vec<String>> = BTreeMap::new();
    let mut add = |status, ids: Vec<String>| {
        if !ids.is_empty() {
            statuses.entry(status).or_default().extend(ids);
        }
    };
    for product in products {
        match product.state {
            AffectedState::NotLookedYet => add("under_investigation", ids(product, &[])),
            AffectedState::NotAffected => add("known_not_affected", ids(product, &[])),
            AffectedState::Affected | AffectedState::Fixed => {
                add("known_affected", affected_ids(product));
                if !product.fixed.is_empty() {
                    add("fixed", ids(product, &product.fixed));
                    add(
                        "first_fixed",
                        ids(
                            product,
                            first_fixed(&product.fixed).map(std::slice::from_ref).unwrap_or_default(),
                        ),
                    );
                } else if product.state == AffectedState::Fixed && product.affected.is_empty() {
                    add("fixed", ids(product, &[]));
                }
            }
        }
    }
    statuses
}

fn vulnerability<'a>(facts: &'a Facts, new: bool) -> Vulnerability<'a> {
    let affected: Vec<String> = facts.products.iter().flat_map(affected_ids).collect();
    let mut weaknesses: Vec<Value> =
        facts.weaknesses.iter().filter_map(|id| Some(json!({ "id": id, "name": cwe::name(id)? }))).collect();
    if new {
        for weakness in &mut weaknesses {
            weakness["version"] = cwe::VERSION.into();
        }
    }
    let disclosed = facts.disclosed_at.map(instant);
    let scored = if affected.is_empty() { Vec::new() } else { scores(facts, &affected, new) };
    Vulnerability {
        title: &facts.title,
        cve: facts.cve(),
        ids: [json!({ "system_name": "vulndesk event", "text": facts.number })],
        // 2.0 has room for one.
        cwe: weaknesses.first().filter(|_| !new).cloned(),
        cwes: if new { weaknesses } else { Vec::new() },
        notes: [json!({
            "category": "description",
            "title": facts.words("Description", "描述"),
            "text": facts.description,
        })],
        product_status: statuses(&facts.products),
        release_date: disclosed.clone().filter(|_| !new),
        disclosure_date: disclosed.filter(|_| new),
        first_known_exploitation_dates: if new { exploitation(facts, &affected) } else { Vec::new() },
        flags: flags(&facts.products),
        scores: if new { Vec::new() } else { scored.clone() },
        metrics: if new { scored } else { Vec::new() },
        references: facts
            .references
            .iter()
            .map(|url| Reference {
                category: "external",
                summary: facts.words("Advisory", "安全公告").to_owned(),
                url: url.to_string(),
            })
            .collect(),
        remediations: remediations(facts),
        threats: threats(facts, &affected),
    }
}

fn exploitation(facts: &Facts, affected: &[String]) -> Vec<Value> {
    let dated = facts.exploited.filter(|_| !affected.is_empty()).and_then(|exploited| {
        Some(json!({
            "date": instant(exploited.recorded_at),
            "exploitation_date": instant(exploited.first_at?),
            "product_ids": affected,
        }))
    });
    dated.into_iter().collect()
}

fn flags(products: &[Product]) -> Vec<Value> {
    let mut flags: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for product in products.iter().filter(|product| product.state == AffectedState::NotAffected) {
        if let Some(justification) = product.justification {
            flags.entry(justification.as_str()).or_default().push(&product.key);
        }
    }
    flags
        .into_iter()
        .map(|(label, ids)| json!({ "label": label.to_lowercase(), "product_ids": ids }))
        .collect()
}

/// 2.0 has one entry for all of CVSS, and does not know CVSS 4; 2.1 has an entry for each.
fn scores(facts: &Facts, affected: &[String], new: bool) -> Vec<Value> {
    let mut scores = serde_json::Map::new();
    for severity in &facts.severities {
        let field = match severity.version.as_str() {
            "2.0" => "cvss_v2",
            "4.0" if new => "cvss_v4",
            "4.0" => continue,
            _ => "cvss_v3",
        };
        let mut score = json!({
            "version": severity.version, "vectorString": severity.vector, "baseScore": severity.score(),
        });
        if field != "cvss_v2" {
            score["baseSeverity"] = severity.band.into();
        }
        // Newest first: an assessment in 3.0 goes behind a newer one in 3.1, and the other way round.
        scores.entry(field).or_insert(score);
    }
    if scores.is_empty() {
        return Vec::new();
    }
    if new {
        return vec![json!({ "content": scores, "products": affected })];
    }
    let mut entry = scores;
    entry.insert("products".to_owned(), json!(affected));
    vec![Value::Object(entry)]
}

fn remediations(facts: &Facts) -> Vec<Value> {
    let mut found = Vec::new();
    for product in &facts.products {
        if product.state == AffectedState::NotLookedYet {
            let details =
                facts.words("It is being looked at whether it is affected.", "正在排查是否受影响。");
            found.push(
                json!({ "category": "none_available", "details": details, "product_ids": [product.key] }),
            );
        }
        let ids = affected_ids(product);
        if ids.is_empty() {
            continue;
        }
        for measure in &product.measures {
            let mut remediation = json!({
                "category": measure.kind, "details": measure.details, "date": instant(measure.at), "product_ids": ids,
            });
            if let Some(url) = &measure.url {
                remediation["url"] = url.as_str().into();
            }
            found.push(remediation);
        }
        let has_fix = product.measures.iter().any(|one| one.kind == MeasureKind::VendorFix)
            || !product.fixed.is_empty();
        if !has_fix {
            let details = facts.words("No fix is available yet.", "暂无修复。");
            found.push(json!({ "category": "none_available", "details": details, "product_ids": ids }));
        } else if product.measures.iter().all(|one| one.kind != MeasureKind::VendorFix) {
            let versions = product.fixed.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
            let details = if facts.chinese {
                format!("请升级至 {versions}。")
            } else {
                format!("Update to {versions}.")
            };
            found.push(json!({ "category": "vendor_fix", "details": details, "product_ids": ids }));
        }
    }
    found
}

fn threats(facts: &Facts, affected: &[String]) -> Vec<Value> {
    let details = match (facts.exploited.is_some(), facts.exploit_public) {
        (true, _) => facts.words("Exploited in the wild.", "已在野利用。"),
        (false, true) => facts.words("An exploit is public.", "利用代码已公开。"),
        (false, false) => return Vec::new(),
    };
    let mut threat = json!({ "category": "exploit_status", "details": details });
    if !affected.is_empty() {
        threat["product_ids"] = json!(affected);
    }
    vec![threat]
}
