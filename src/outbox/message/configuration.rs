//! Messages about configuration.

use super::Audience;
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
}
