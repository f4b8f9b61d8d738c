//! What a template may say: one typed struct, and how much of it may leave to whom.
//!
//! There is nothing here that must never leave: no reporter, no comment of the team, no reason of a verdict, no report
//! as received but the answered channel's own. What depends on the channel is [`Extent`]: a fact above it is
//! withheld, whoever asks.

use std::collections::BTreeMap;

pub use entity::vocabulary::ReplyExtent as Extent;
use entity::vocabulary::{ChannelKind, Tlp};
use serde::Serialize;

use crate::protection::rules::Reach;
use crate::webhook::rules::Abroad;

/// How much may leave to a channel: of an event that is not public, abroad as far as a decision reaches; to those who
/// are told by nobody's law, as far as its TLP level reaches.
pub fn extent(kind: ChannelKind, reach: &Reach) -> Extent {
    if reach.disclosed {
        return Extent::Full;
    }
    let by_place = match reach.may_go {
        _ if !reach.abroad => Extent::Full,
        Some(Abroad::Full) => Extent::Full,
        Some(Abroad::Thin) => Extent::Reduced,
        None => Extent::Own,
    };
    let by_level = match (kind, reach.tlp) {
        (ChannelKind::NationalDatabase | ChannelKind::Regulator, _) => Extent::Full,
        (ChannelKind::Media, _) | (_, Tlp::Red) => Extent::Own,
        (ChannelKind::Customer, Tlp::AmberStrict) => Extent::Own,
        (
            ChannelKind::Customer | ChannelKind::Vendor | ChannelKind::SrcPlatform | ChannelKind::Internal,
            _,
        ) => Extent::Full,
        (ChannelKind::CivilPlatform, _) => Extent::Reduced,
    };
    by_place.min(by_level)
}

/// A fact as it is documented.
#[derive(Clone, Copy, Debug)]
pub struct Description {
    /// Its name in templates.
    pub name: &'static str,
    /// What it means, in English and Chinese.
    pub meaning: &'static str,
    /// The least extent at which it may leave.
    pub extent: Extent,
    /// Whether the drafter supplies it: the event does not hold it.
    pub supplied: bool,
}

macro_rules! facts {
    ($(#[doc = $doc:literal] $name:ident $extent:ident $(($supplied:ident))?,)+) => {
        /// What a template may say of an event to a channel; none where it is not known or withheld.
        #[derive(Clone, Debug, Default, Serialize)]
        pub struct Facts {
            $(#[doc = $doc] pub $name: Option<String>,)+
            /// Affected products, each with name, provider, category, library, affectedVersions and fixedVersions.
            /// 受影响产品：名称、提供者、类别、专业库、受影响版本、修复版本。
            pub products: Vec<Product>,
            /// Parts that the channel's report was split into, each with number and verdict. 报告拆分的各部分：编号与结论。
            pub parts: Vec<Part>,
            /// Up to where they may leave; none while nothing was withheld.
            #[serde(skip)]
            pub limit: Option<Extent>,
        }

        /// Every fact that is a text.
        pub const TEXTS: &[Description] = &[$(Description {
            name: stringify!($name),
            meaning: $doc.trim_ascii(),
            extent: Extent::$extent,
            supplied: is_supplied!($($supplied)?),
        },)+];

        impl Facts {
            /// The text of this name.
            pub fn get(&self, name: &str) -> Option<&str> {
                match name { $(stringify!($name) => self.$name.as_deref(),)+ _ => None }
            }

            fn set(&mut self, name: &str, value: Option<String>) {
                match name { $(stringify!($name) => self.$name = value,)+ _ => {} }
            }
        }
    };
}

macro_rules! is_supplied {
    () => {
        false
    };
    (supplied) => {
        true
    };
}

facts! {
    /// Company that answers. 答复单位。
    company Own,
    /// How to reach the company. 联系方式。
    contact Own,
    /// Day on which it is written, in the channel's zone. 拟稿日期。
    today Own,
    /// Name of the channel. 渠道名称。
    channel_name Own,
    /// The channel's own number of its report. 渠道报告编号。
    report_number Own,
    /// Title of the channel's report, as it sent it. 渠道报告标题（原文）。
    report_title Own,
    /// Day on which the channel's report was received. 收到报告日期。
    report_received_on Own,
    /// Number of the event. 漏洞事件编号。
    event_number Own,
    /// Title that an analyst wrote. 漏洞标题。
    title Full,
    /// Description that an analyst wrote. 漏洞描述。
    description Full,
    /// Steps that an analyst wrote. 复现步骤。
    steps Full,
    /// Verdict, in words. 研判结论。
    verdict Reduced,
    /// Severity that the channel is told. 对外定级。
    severity Reduced,
    /// Names of the affected products. 受影响产品名称。
    product_names Reduced,
    /// Affected versions, by product. 受影响版本。
    affected_versions Reduced,
    /// Fixed versions, by product. 修复版本。
    fixed_versions Reduced,
    /// Who provides the affected products. 产品提供者。
    providers Reduced,
    /// Product, or own service. 产品类别。
    product_categories Reduced,
    /// Member states where the products are available. 产品可获得的欧盟成员国。
    member_states Reduced,
    /// What the products are, for example hardware or software. 产品类型，如硬件、软件。
    product_type Reduced (supplied),
    /// CVE numbers. CVE 编号。
    cve Reduced,
    /// When it was first known inside. 内部首次知悉日期。
    first_known_on Reduced,
    /// When the vulnerability was learned of, as its clocks count. 首次获知时间。
    learned_at Reduced,
    /// Advisory that was published before. 已发布的安全公告。
    advisory Reduced,
    /// Version that was fixed before. 已修复版本。
    fixed_version Reduced,
    /// Notice of the end of life. 退市公告。
    end_of_life_notice Reduced,
    /// Last version that was supported. 最后支持版本。
    last_supported_version Reduced,
    /// Successor of the product. 替代产品。
    successor Reduced,
    /// Vendor that it was passed on to. 转交厂商。
    forwarded_to Reduced,
    /// Latest day for which a fix is planned. 计划修复日期。
    planned_fix_on Reduced,
    /// Versions that carry the fix. 修复发布版本。
    release_versions Reduced,
    /// Advisory of the fix. 修复公告或补丁链接。
    patch_link Reduced,
    /// When a fix or mitigation was available. 措施可用时间。
    measure_available_at Reduced,
    /// Since when it is exploited. 在野利用发生时间。
    exploited_since Reduced,
    /// When we learned that it is exploited. 获知在野利用时间。
    exploitation_learned_at Reduced,
    /// Since when it is publicly known. 公开时间。
    publicly_known_since Reduced,
    /// Mitigation that is available. 临时处置措施。
    mitigation Full,
    /// Our CVSS vector, 3 or 4. CVSS 向量。
    cvss_vector Full,
    /// Our CVSS base score, 3 or 4. CVSS 基础评分。
    cvss_score Full,
    /// Our CVSS 2.0 vector. CVSS 2.0 向量。
    cvss2_vector Full,
    /// Our CVSS 2.0 base score. CVSS 2.0 基础评分。
    cvss2_score Full,
    /// Weakness by CWE. CWE 弱点类型。
    cwe Full,
    /// Why the verdict is what it is, for this channel. 结论说明。
    explanation Full (supplied),
    /// Technical characteristics. 技术特点。
    technical_characteristics Full (supplied),
    /// Degree of harm. 危害程度。
    degree_of_harm Reduced (supplied),
    /// Scope of impact. 影响范围。
    scope_of_impact Reduced (supplied),
    /// Affected open-source component and its version. 受影响的开源组件及版本。
    component Reduced (supplied),
    /// Whether it was reproduced. 是否复现。
    reproduced Reduced (supplied),
    /// Day on which we wish it to be published. 期望公开日期。
    publication_date Own (supplied),
    /// General nature of the vulnerability. 漏洞总体性质。
    vulnerability_nature Reduced (supplied),
    /// General nature of the exploit. 利用方式总体性质。
    exploit_nature Reduced (supplied),
    /// Measures taken. 已采取措施。
    measures_taken Reduced (supplied),
    /// Measures that users can take. 用户可采取的措施。
    user_measures Reduced (supplied),
    /// How sensitive the information is. 信息敏感程度。
    sensitivity Reduced (supplied),
    /// Impact. 影响。
    impact Full (supplied),
    /// Malicious actor, if known. 恶意行为者。
    malicious_actor Reduced (supplied),
    /// Whether unlawful or malicious acts are suspected. 是否怀疑违法或恶意行为。
    suspected_malicious Reduced (supplied),
    /// What the incident is. 事件概况。
    incident_summary Full (supplied),
    /// General nature of the incident. 事件总体性质。
    incident_nature Reduced (supplied),
    /// When the incident occurred. 事件发生时间。
    incident_occurred_at Reduced (supplied),
    /// When the incident was detected. 事件发现时间。
    incident_detected_at Reduced (supplied),
    /// Assessment of the incident. 事件评估。
    incident_assessment Full (supplied),
    /// Threat type or root cause. 威胁类型或根本原因。
    root_cause Full (supplied),
    /// Type of the threat, in general. 威胁类型（概述）。
    threat_type Reduced (supplied),
    /// What more we need. 还需要的信息。
    needs Reduced (supplied),
    /// Question that is answered. 所答复的问题。
    question Own (supplied),
    /// Answer. 答复内容。
    answer Full (supplied),
    /// Answer in general, without what is not public. 概括答复（不含未公开技术内容）。
    answer_in_general Reduced (supplied),
    /// Bounty or reward, as the channel may be told. 奖励。
    reward Own (supplied),
    /// What was rectified. 整改情况。
    rectification Full (supplied),
}

/// An affected product, as it may leave.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Product {
    /// Name.
    pub name: String,
    /// Who provides it.
    pub provider: String,
    /// Product or own service.
    pub category: String,
    /// Library of the MIIT platform.
    pub library: Option<String>,
    /// Affected versions.
    pub affected_versions: Option<String>,
    /// Fixed versions.
    pub fixed_versions: Option<String>,
}

/// A part of the channel's report.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Part {
    /// Its number.
    pub number: i32,
    /// Its verdict, in words.
    pub verdict: Option<String>,
}

/// The two facts that are lists, as they are documented.
pub const LISTS: [Description; 2] = [
    Description {
        name: "products",
        meaning: "Affected products: name, provider, category, library, affectedVersions, fixedVersions. 受影响产品列表。",
        extent: Extent::Reduced,
        supplied: false,
    },
    Description {
        name: "parts",
        meaning: "Parts of the channel's report: number, verdict. 报告各部分列表。",
        extent: Extent::Reduced,
        supplied: false,
    },
];

/// Every fact, texts first.
pub fn all() -> impl Iterator<Item = Description> {
    TEXTS.iter().chain(&LISTS).copied()
}

/// The fact of this name.
pub fn described(name: &str) -> Option<Description> {
    all().find(|fact| fact.name == name)
}

/// What is told in general where the fact of this name may not leave whole: what the law asks for is then given as far
/// as it may go.
pub fn in_general(name: &str) -> Option<&'static str> {
    match name {
        "title" => Some("product_names"),
        "description" | "technical_characteristics" => Some("vulnerability_nature"),
        "explanation" => Some("verdict"),
        "impact" | "incident_assessment" => Some("degree_of_harm"),
        "incident_summary" => Some("incident_nature"),
        "root_cause" => Some("threat_type"),
        "answer" => Some("answer_in_general"),
        _ => None,
    }
}

impl Facts {
    /// Takes out what may not leave at this extent.
    pub fn withhold(&mut self, extent: Extent) {
        self.limit = Some(extent);
        for fact in TEXTS.iter().filter(|fact| fact.extent > extent) {
            self.set(fact.name, None);
        }
        if extent < Extent::Reduced {
            self.products.clear();
            self.parts.clear();
        }
    }

    /// Puts what its drafter supplied where the event says nothing.
    pub fn supply(&mut self, supplied: &BTreeMap<String, String>) {
        for (name, value) in supplied {
            if self.get(name).is_none() {
                self.set(name, Some(value.clone()));
            }
        }
    }

    /// The fact that is asked for where this one is: itself, or what is told in its place at this extent.
    fn asked(&self, fact: Description) -> Description {
        let Some(limit) = self.limit.filter(|limit| *limit < fact.extent) else { return fact };
        let general = in_general(fact.name).and_then(described);
        general.filter(|general| general.extent <= limit).unwrap_or(fact)
    }

    /// Those of `required` that are not known.
    pub fn missing(&self, required: &[String]) -> Vec<Description> {
        let is_known = |name: &str| match name {
            "products" => !self.products.is_empty(),
            "parts" => !self.parts.is_empty() && self.parts.iter().all(|part| part.verdict.is_some()),
            _ => self.get(name).is_some_and(|text| !text.trim().is_empty()),
        };
        let wanted = required.iter().filter(|name| !is_known(name)).filter_map(|name| described(name));
        let mut missing: Vec<Description> = Vec::new();
        for fact in wanted.map(|fact| self.asked(fact)) {
            if !is_known(fact.name) && !missing.iter().any(|known| known.name == fact.name) {
                missing.push(fact);
            }
        }
        missing
    }

    /// Every fact with a value: what a template is tried with.
    pub fn sample() -> Self {
        let mut facts = Self::default();
        for fact in TEXTS {
            facts.set(fact.name, Some(fact.name.to_owned()));
        }
        facts.products.push(Product {
            name: "name".to_owned(),
            provider: "provider".to_owned(),
            category: "category".to_owned(),
            library: Some("library".to_owned()),
            affected_versions: Some("1.0".to_owned()),
            fixed_versions: Some("1.1".to_owned()),
        });
        facts.parts.push(Part { number: 1, verdict: Some("verdict".to_owned()) });
        facts
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_leaves_follows_channel_place_and_level() {
        use ChannelKind::{CivilPlatform, Customer, Media, NationalDatabase, Regulator};
        for (kind, abroad, tlp, may_go, expected) in [
            (Regulator, false, Tlp::Red, None, Extent::Full),
            (Regulator, true, Tlp::Amber, None, Extent::Own),
            (Regulator, true, Tlp::Amber, Some(Abroad::Thin), Extent::Reduced),
            (Regulator, true, Tlp::Red, Some(Abroad::Full), Extent::Full),
            (Regulator, true, Tlp::Clear, None, Extent::Own),
            (NationalDatabase, false, Tlp::AmberStrict, None, Extent::Full),
            (Customer, false, Tlp::Amber, None, Extent::Full),
            (Customer, false, Tlp::AmberStrict, None, Extent::Own),
            (Customer, true, Tlp::Amber, Some(Abroad::Thin), Extent::Reduced),
            (Media, false, Tlp::Green, None, Extent::Own),
            (Media, false, Tlp::Clear, None, Extent::Own),
            (CivilPlatform, false, Tlp::Amber, None, Extent::Reduced),
        ] {
            let reach = Reach { tlp, abroad, may_go, embargoed: false, disclosed: false, reported: false };
            assert_eq!(extent(kind, &reach), expected, "{kind} abroad {abroad} {tlp} {may_go:?}");
            assert_eq!(extent(kind, &Reach { disclosed: true, ..reach }), Extent::Full, "{kind}");
        }
    }

    #[test]
    fn what_may_not_leave_is_taken_out_and_a_person_may_supply_words_for_it() {
        let mut facts = Facts::sample();
        facts.withhold(Extent::Reduced);
        assert_eq!((facts.description.as_deref(), facts.cvss_vector.as_deref()), (None, None));
        assert_eq!(facts.verdict.as_deref(), Some("verdict"));
        facts.withhold(Extent::Own);
        assert!(facts.verdict.is_none() && facts.products.is_empty() && facts.parts.is_empty());
        assert_eq!(facts.report_title.as_deref(), Some("report_title"));
        let supplied = [("description", "a flaw"), ("report_title", "other")];
        facts.supply(&supplied.map(|(name, value)| (name.to_owned(), value.to_owned())).into());
        assert_eq!(facts.description.as_deref(), Some("a flaw"));
        assert_eq!(facts.report_title.as_deref(), Some("report_title"), "what the event says stays");
        let required = ["verdict", "description", "products"].map(str::to_owned);
        let missing: Vec<_> = facts.missing(&required).iter().map(|fact| fact.name).collect();
        assert_eq!(missing, ["verdict", "products"]);
    }

    #[test]
    fn what_is_told_in_general_may_leave_where_the_whole_may_not() {
        let mut pairs = 0;
        for fact in all() {
            let Some(general) = in_general(fact.name) else { continue };
            let general = described(general).unwrap_or_else(|| panic!("{general} is no fact"));
            assert_eq!((fact.extent, general.extent), (Extent::Full, Extent::Reduced), "{}", fact.name);
            pairs += 1;
        }
        assert_eq!(pairs, 9);
        let required = ["title", "description", "answer", "rectification"].map(str::to_owned);
        let missing =
            |facts: &Facts| facts.missing(&required).iter().map(|fact| fact.name).collect::<Vec<_>>();
        let mut facts = Facts::default();
        assert_eq!(missing(&facts), required, "all of it may leave");
        facts.withhold(Extent::Reduced);
        assert_eq!(
            missing(&facts),
            ["product_names", "vulnerability_nature", "answer_in_general", "rectification"]
        );
        facts.product_names = Some("Core Router".to_owned());
        facts.vulnerability_nature = Some("an overflow".to_owned());
        facts.answer_in_general = Some("those before 3.1".to_owned());
        assert_eq!(missing(&facts), ["rectification"]);
        facts.withhold(Extent::Own);
        assert_eq!(missing(&facts), required, "nothing of it may leave");
    }

    #[test]
    fn names_are_unique_and_described_in_both_languages() {
        let mut names = std::collections::BTreeSet::new();
        for fact in all() {
            assert!(names.insert(fact.name), "{}", fact.name);
            assert!(
                fact.meaning.is_ascii() != fact.meaning.chars().any(|c| c as u32 > 0x4e00),
                "{}",
                fact.name
            );
        }
    }
}
