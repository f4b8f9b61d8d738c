//! Messages about configuration.

use entity::vocabulary::ConfigurationKind;

use super::{Audience, BONUS, CONFIGURATION};
use crate::auth::policy::Action;
use crate::outbox::field::Opaque;

messages! {
    /// A business calendar changed: what was computed by an older version of it is computed again.
    /// 工作日历变更：按旧版本计算的期限将重新计算。
    CalendarChanged "calendar.changed" [Audience::without_event(Action::ReadCalendars)] {
        /// The calendar. 日历。
        calendar: Opaque<entity::calendar::Entity>,
        /// Its version now. 现版本号。
        version: i32,
    }
    /// Something that an installation is set up with changed; its calendars and endpoints have types of their own.
    /// 配置变更；日历与端点另有专门的消息类型。
    ConfigurationChanged "configuration.changed" [CONFIGURATION] {
        /// What kind of thing. 配置类型。
        kind: ConfigurationKind,
    }
    /// A budget changed. 预算变更。
    BudgetChanged "budget.changed" [BONUS] {
        /// The budget. 预算。
        budget: Opaque<entity::budget::Entity>,
    }
}
