//! Messages about the people on an event and what they do, decide and learn.

use entity::vocabulary::{
    ActionItemState, AssignmentState, DecisionKind, Function, MemberSource, RemediationState,
};

use super::team;
use crate::auth::policy::Action;
use crate::outbox::field::Opaque;

messages! {
    /// An assignment was made or answered. 任务分派或响应。
    AssignmentChanged "assignment.changed" [team(Action::ReadEvents)] {
        /// The assignment. 任务。
        assignment: Opaque<entity::assignment::Entity>,
        /// Its function. 职能。
        function: Function,
        /// Where it stands now. 现状态。
        state: AssignmentState,
        /// Whether all who were asked for a line declined. 该产品线是否全部拒绝。
        all_declined: bool,
    }
    /// Somebody joined or left the response team. 响应小组成员变动。
    TeamChanged "team.changed" [team(Action::ReadEvents)] {
        /// The member. 成员。
        member: Opaque<entity::team_member::Entity>,
        /// Whether they are on the team now. 现是否在组。
        present: bool,
        /// Their function; left out when they have none. 职能；无职能时省略。
        function: Option<Function>,
        /// What brought them. 加入原因。
        source: MemberSource,
    }
    /// The fix of a product line moved. 产品线修复状态变更。
    RemediationChanged "remediation.changed" [team(Action::ReadEvents)] {
        /// The remediation. 修复。
        remediation: Opaque<entity::remediation::Entity>,
        /// State before. 原状态。
        from: RemediationState,
        /// State now. 现状态。
        to: RemediationState,
    }
    /// A fix was verified. 修复已验证。
    VerificationRecorded "verification.recorded" [team(Action::ReadEvents)] {
        /// The verification. 验证记录。
        verification: Opaque<entity::verification::Entity>,
        /// The remediation. 修复。
        remediation: Opaque<entity::remediation::Entity>,
        /// Whether it passed. 是否通过。
        passed: bool,
    }
    /// A decision was asked for or made. 提请或作出决策。
    DecisionChanged "decision.changed" [team(Action::ReadDecisions)] {
        /// The decision. 决策。
        decision: Opaque<entity::decision::Entity>,
        /// What is to be decided. 决策事项。
        kind: DecisionKind,
        /// Whether it is decided. 是否已决定。
        decided: bool,
        /// Whether what was asked for may be done; left out until it is decided. 是否批准；未决定时省略。
        granted: Option<bool>,
        /// Whether the risk that it accepted ends soon. 所接受的风险是否即将到期。
        expiring: bool,
    }
    /// A review was recorded or skipped. 复盘已记录或跳过。
    ReviewRecorded "review.recorded" [team(Action::ReadEvents)] {
        /// The review. 复盘。
        review: Opaque<entity::review::Entity>,
        /// Whether it was skipped. 是否跳过。
        skipped: bool,
    }
    /// An action item moved. 改进项变更。
    ActionItemChanged "action_item.changed" [team(Action::ReadEvents)] {
        /// The action item. 改进项。
        action_item: Opaque<entity::action_item::Entity>,
        /// Where it stands now. 现状态。
        state: ActionItemState,
    }
}
