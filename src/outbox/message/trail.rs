//! Messages about the audit trail itself.

use super::Audience;
use crate::auth::policy::Action;
use crate::outbox::field::Seal;

messages! {
    /// The audit trail's newest seal at this moment: kept where nobody who can write to the database writes, it shows whether
    /// anything before it was ever changed (`vulndesk audit verify --anchors`). 审计链当前最新的封印：保存在数据库写入者无法触及之处，
    /// 可据此核验此前的记录是否被改动。
    TrailAnchored "audit.anchored" [Audience::without_event(Action::ReadAnchors)] {
        /// Position of the newest entry that it covers. 所覆盖的最新记录的位置。
        position: i64,
        /// The seal. 封印。
        seal: Seal,
    }
}
