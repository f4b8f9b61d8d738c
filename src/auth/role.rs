//! The roles that a token can carry.

use std::fmt;
use std::str::FromStr;

use async_graphql::Enum;
use serde::{Deserialize, Serialize};

/// What a person or a service is to the procedure; rights are the union of the roles held.
/// 角色；权限为所持角色之并集。
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Enum, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Role {
    /// Configures channels, calendars, policies, grids, templates, products and webhooks; sees no event's content.
    /// 系统管理员：管理配置，不可查看事件内容。
    Admin,
    /// Security operations: makes every move of every event. 安全运营：处理全部事件。
    Analyst,
    /// Member of the leading group: reads everything, decides, approves beyond range and budget.
    /// 领导小组：查看全部、决策、审批超范围与超预算事项。
    Leader,
    /// Research and development of a product line: remediates the events of their products.
    /// 产品线研发：修复本产品线的事件。
    Engineer,
    /// Technical service, delivery or supply chain: works on the events they are assigned to.
    /// 技术服务、工程交付、供应链：处理被指派的事件。
    Support,
    /// Speaks with the affected customers of the events they are assigned to. 客户经理：对接受影响客户。
    AccountManager,
    /// Reviews and approves replies and statements. 法务：评审并批准对外答复与声明。
    Legal,
    /// Drafts and approves statements. 公关：起草并批准对外声明。
    PublicRelations,
    /// Payouts and budgets; of an event its number and level only. 财务：奖励与预算，仅可见事件编号与等级。
    Finance,
    /// Reads everything, the audit trail included; changes nothing. 审计：查看全部（含审计记录），不可修改。
    Auditor,
    /// A finder: sees the public side of their own reports. 报告人：仅可见本人报告的公开侧。
    Reporter,
    /// Service: a ticketing system, sees the tickets linked to events. 服务：工单系统。
    Ticketing,
    /// Service: the SRC platform, acts for its own channel. 服务：安全应急响应中心平台，仅限本渠道。
    Src,
}

/// A text that names no role.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("there is no role of this name; the roles are {}", Role::ALL.map(Role::name).join(", "))]
pub struct UnknownRole;

impl Role {
    /// Every role, in the order of the procedure's role table.
    pub const ALL: [Self; 13] = [
        Self::Admin,
        Self::Analyst,
        Self::Leader,
        Self::Engineer,
        Self::Support,
        Self::AccountManager,
        Self::Legal,
        Self::PublicRelations,
        Self::Finance,
        Self::Auditor,
        Self::Reporter,
        Self::Ticketing,
        Self::Src,
    ];

    /// The name in tokens, in the configuration and in the API.
    pub fn name(self) -> &'static str {
        match self {
            Self::Admin => "ADMIN",
            Self::Analyst => "ANALYST",
            Self::Leader => "LEADER",
            Self::Engineer => "ENGINEER",
            Self::Support => "SUPPORT",
            Self::AccountManager => "ACCOUNT_MANAGER",
            Self::Legal => "LEGAL",
            Self::PublicRelations => "PUBLIC_RELATIONS",
            Self::Finance => "FINANCE",
            Self::Auditor => "AUDITOR",
            Self::Reporter => "REPORTER",
            Self::Ticketing => "TICKETING",
            Self::Src => "SRC",
        }
    }

    /// Whether a program holds this role rather than a person.
    pub fn is_service(self) -> bool {
        matches!(self, Self::Ticketing | Self::Src)
    }
}

impl FromStr for Role {
    type Err = UnknownRole;

    fn from_str(name: &str) -> Result<Self, Self::Err> {
        Self::ALL.into_iter().find(|role| role.name() == name).ok_or(UnknownRole)
    }
}

impl fmt::Display for Role {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_name_everywhere() {
        let items = <Role as async_graphql::resolver_utils::EnumType>::items();
        assert_eq!(items.len(), Role::ALL.len());
        for role in Role::ALL {
            assert_eq!(role.name().parse(), Ok(role));
            assert_eq!(serde_json::to_value(role).unwrap(), role.name());
            assert!(items.iter().any(|item| item.name == role.name() && item.value == role), "{role}");
        }
    }

    #[test]
    fn names_are_exact() {
        for name in ["analyst", "ANALYST ", "", "ROOT", "PUBLICRELATIONS"] {
            assert_eq!(name.parse::<Role>(), Err(UnknownRole), "{name:?}");
        }
        assert!(UnknownRole.to_string().ends_with("REPORTER, TICKETING, SRC"));
    }
}
