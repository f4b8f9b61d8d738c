//! Messages about an event as a whole.

use entity::vocabulary::{
    AffectedState, CvssBand, DuplicateOutcome, Level, Status, Tlp, Verdict, WorldFactKind,
};

use super::team;
use crate::auth::policy::Action;
use crate::outbox::field::{Opaque, Tenths};

messages! {
    /// An event's handling status moved. 事件处置状态变更。
    EventStatusChanged "event.status_changed" [team(Action::ReadEvents)] {
        /// Status before. 原状态。
        from: Status,
        /// Status now. 现状态。
        to: Status,
    }
    /// A verdict was given. 作出研判结论。
    EventVerdictGiven "event.verdict_given" [team(Action::ReadEvents)] {
        /// The verdict. 研判结论。
        verdict: Verdict,
    }
    /// An event was scored. 事件评分与定级。
    EventScored "event.scored" [team(Action::ReadEvents)] {
        /// The score. 评分记录。
        score: Opaque<entity::score::Entity>,
        /// Its total, rounded to tenths. 总分，保留一位小数。
        total: Tenths,
        /// The level that follows from it. 对应等级。
        level: Level,
    }
    /// An event's TLP level or embargo changed. 共享级别或保密期变更。
    EventProtectionChanged "event.protection_changed" [team(Action::ReadEvents)] {
        /// TLP level now. 现共享级别。
        tlp: Tlp,
        /// Whether an embargo is set. 是否设有保密期。
        embargoed: bool,
    }
    /// How a product stands to the event changed. 产品受影响状态变更。
    EventAffectedChanged "event.affected_changed" [team(Action::ReadEvents)] {
        /// The product. 产品。
        product: Opaque<entity::product::Entity>,
        /// How it stands now. 现状态。
        state: AffectedState,
    }
    /// A customer is affected. 客户受影响。
    EventCustomerAffected "event.customer_affected" [team(Action::ReadCustomers)] {
        /// The customer. 客户。
        customer: Opaque<entity::customer::Entity>,
    }
    /// A fact about the world was recorded. 记录外部事实。
    EventWorldFactRecorded "event.world_fact_recorded" [team(Action::ReadEvents)] {
        /// The fact. 外部事实。
        fact: Opaque<entity::world_fact::Entity>,
        /// Its kind. 类型。
        kind: WorldFactKind,
    }
    /// An event's title, description or steps were written anew. 事件标题、描述或复现步骤更新。
    EventDescribed "event.described" [team(Action::ReadEvents)] {
    }
    /// A technical severity was assessed. 新增技术严重性评估。
    EventSeverityAssessed "event.severity_assessed" [team(Action::ReadEvents)] {
        /// The assessment. 评估记录。
        assessment: Opaque<entity::technical_severity::Entity>,
        /// Its score. 分值。
        score: Tenths,
        /// Its band. 等级。
        band: CvssBand,
    }
    /// Somebody of the team commented. 新增内部评论。
    EventCommentAdded "event.comment_added" [team(Action::ReadEvents)] {
        /// The comment. 评论。
        comment: Opaque<entity::comment::Entity>,
    }
    /// A person decided whether a report of this event is the same as an earlier one. 已判定报告是否与较早报告重复。
    EventDuplicateDecided "event.duplicate_decided" [team(Action::ReadDuplicates)] {
        /// The report. 报告。
        report: Opaque<entity::report::Entity>,
        /// What was decided. 判定结果。
        outcome: DuplicateOutcome,
    }
}
