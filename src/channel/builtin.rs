//! The channels that every installation begins with: whom the built-in deadline policy reports to and tells.
//!
//! They are there before anything is owed to them. One that came with its first duty would tell whoever lists channels
//! that there is such a duty, on an event that they may not see.

use chrono::{DateTime, Utc};
use entity::channel;
use entity::vocabulary::{Acknowledgement, ChannelKind};
use uuid::Uuid;

/// A channel that every installation begins with.
#[derive(Clone, Copy, Debug)]
pub struct Builtin {
    /// Its key.
    pub key: &'static str,
    /// Name shown to people.
    name: &'static str,
    /// What it is.
    pub kind: ChannelKind,
    /// Where it is.
    jurisdiction: &'static str,
    /// Where its days end.
    time_zone: &'static str,
    /// BCP 47 tag.
    pub language: &'static str,
}

const fn of(
    key: &'static str,
    name: &'static str,
    kind: ChannelKind,
    (jurisdiction, time_zone, language): (&'static str, &'static str, &'static str),
) -> Builtin {
    Builtin { key, name, kind, jurisdiction, time_zone, language }
}

const CHINA: (&str, &str, &str) = ("CN", "Asia/Shanghai", "zh-CN");

/// All of them.
pub const ALL: [Builtin; 7] = [
    of("nvdb", "MIIT vulnerability platform 工信部漏洞平台", ChannelKind::NationalDatabase, CHINA),
    of("cac", "Cyberspace administration 网信部门", ChannelKind::Regulator, CHINA),
    of(
        "protection-department",
        "Department that protects critical infrastructure 关键信息基础设施保护工作部门",
        ChannelKind::Regulator,
        CHINA,
    ),
    of("police", "Police 公安机关", ChannelKind::Regulator, CHINA),
    of("customers", "Customers 国内客户", ChannelKind::Customer, CHINA),
    // Wherever they are: every day counts.
    of("customers-abroad", "Customers abroad 境外客户", ChannelKind::Customer, ("ZZ", "UTC", "en")),
    of(
        "csirt-eu",
        "CRA single reporting platform 欧盟CRA统一报告平台",
        ChannelKind::Regulator,
        ("EU", "Europe/Brussels", "en"),
    ),
];

impl Builtin {
    /// Its row. It takes no reports until somebody says so: whose calendar counts, and who reports through it, is for the
    /// installation to say.
    pub(super) fn row(&self, id: Uuid, now: DateTime<Utc>) -> channel::Model {
        channel::Model {
            id,
            key: self.key.to_owned(),
            name: self.name.to_owned(),
            kind: self.kind,
            jurisdiction: self.jurisdiction.to_owned(),
            abroad: self.jurisdiction != "CN",
            // A customer who reports is owed what the policy asks for.
            reply_required: self.kind != ChannelKind::Customer,
            time_zone: self.time_zone.to_owned(),
            calendar_id: None,
            language: self.language.to_owned(),
            contacts: Vec::new().into(),
            active: false,
            acknowledgement: Acknowledgement::ByHand,
            replan_after: None,
            version: 1,
            revision: 0,
            audit_head: Vec::new(),
            created_at: now,
            changed_at: now,
        }
    }
}
