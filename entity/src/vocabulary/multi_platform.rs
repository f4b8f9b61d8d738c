//! Vocabularies of one report that was sent to several platforms.

use async_graphql::Enum;
use sea_orm::prelude::StringLen;
use sea_orm::{DeriveActiveEnum, EnumIter};
use serde::{Deserialize, Serialize};

vocabulary! {
    /// What was decided of two reports of which somebody said that one finder sent them to several platforms. 一洞多投的认定结果。
    MultiPlatformOutcome {
        /// The same finder's; nothing is earned by either report. 确认一洞多投，两份报告均不予奖励。
        NothingEarned = "NOTHING_EARNED",
        /// The same finder's; the report that was received first earns, the later one nothing. 确认一洞多投，仅先收到的报告可获奖励。
        FirstEarns = "FIRST_EARNS",
        /// Not the same finder's, or not the same report. 不成立。
        Dismissed = "DISMISSED",
    }

    /// What the reporters of two reports have in common. 两份报告的报告人的共同点。
    FinderEvidence {
        /// They are one reporter here. 同一报告人。
        SameReporter = "SAME_REPORTER",
        /// They are linked to one subject. 关联同一账号。
        SameSubject = "SAME_SUBJECT",
        /// They have one e-mail address. 邮箱相同。
        SameEmail = "SAME_EMAIL",
        /// They have one name or pseudonym. 名称或化名相同。
        SameName = "SAME_NAME",
    }
}
