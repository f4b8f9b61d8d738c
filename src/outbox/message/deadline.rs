//! Messages about clocks.

use entity::vocabulary::{DeadlineKind, DeadlineState, NoDeadline};

use super::team;
use crate::auth::policy::Action;
use crate::outbox::field::Opaque;

messages! {
    /// A clock started, or waits for what it counts from. 时限产生。
    DeadlineOpened "deadline.opened" [team(Action::ReadDeadlines)] {
        /// The clock. 时限。
        deadline: Opaque<entity::deadline::Entity>,
        /// What it waits for. 时限对象。
        kind: DeadlineKind,
    }
    /// A clock is counted anew, stands still, runs again, or ceased to count. 时限变更、中止、恢复或免除。
    DeadlineChanged "deadline.changed" [team(Action::ReadDeadlines)] {
        /// The clock. 时限。
        deadline: Opaque<entity::deadline::Entity>,
        /// What it waits for. 时限对象。
        kind: DeadlineKind,
        /// Where it stands now. 现状态。
        state: DeadlineState,
    }
    /// Much of a clock's time is over. 时限即将到期。
    DeadlineDueSoon "deadline.due_soon" [team(Action::ReadDeadlines)] {
        /// The clock. 时限。
        deadline: Opaque<entity::deadline::Entity>,
        /// What it waits for. 时限对象。
        kind: DeadlineKind,
        /// How much of its time is over, in percent. 已过时间比例（百分比）。
        percent: i32,
    }
    /// A clock's due instant passed. 时限已逾期。
    DeadlineBreached "deadline.breached" [team(Action::ReadDeadlines)] {
        /// The clock. 时限。
        deadline: Opaque<entity::deadline::Entity>,
        /// What it waits for. 时限对象。
        kind: DeadlineKind,
    }
    /// A clock cannot be counted since something is not entered: told at once, and again each working day.
    /// 因信息未录入，时限无法计算；立即提示，其后每个工作日再次提示。
    DeadlineUndated "deadline.undated" [team(Action::ReadDeadlines)] {
        /// The clock. 时限。
        deadline: Opaque<entity::deadline::Entity>,
        /// What it waits for. 时限对象。
        kind: DeadlineKind,
        /// What is missing. 缺少的信息。
        reason: NoDeadline,
    }
    /// What a clock waited for happened, in time or late. 时限已完成。
    DeadlineMet "deadline.met" [team(Action::ReadDeadlines)] {
        /// The clock. 时限。
        deadline: Opaque<entity::deadline::Entity>,
        /// What it waits for. 时限对象。
        kind: DeadlineKind,
    }
}
