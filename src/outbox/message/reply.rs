//! Messages about what is owed to channels, and replies.

use entity::vocabulary::{ObligationState, ReplyKind, ReplyState};

use super::{Audience, PUBLIC, team};
use crate::auth::policy::Action;
use crate::outbox::field::Opaque;

messages! {
    /// A reply moved. 回复状态变更。
    ReplyChanged "reply.changed" [team(Action::ReadReplies)] {
        /// The reply. 回复。
        reply: Opaque<entity::reply::Entity>,
        /// Its kind. 类型。
        kind: ReplyKind,
        /// Where it stands now. 现状态。
        state: ReplyState,
        /// Whether only the duty roster entitled its approver: the leading group has to be told.
        /// 是否仅凭值班身份批准，须告知领导小组。
        approved_on_duty: bool,
    }
    /// A reply was sent to your channel. 已向您的渠道发送回复。
    ReplySent "reply.sent" [PUBLIC] {
        /// The reply. 回复。
        reply: Opaque<entity::reply::Entity>,
        /// The channel. 渠道。
        channel: Opaque<entity::channel::Entity>,
        /// Its kind. 类型。
        kind: ReplyKind,
    }
    /// A reply that was sent by e-mail came back: somebody has to look. 邮件回复被退回，须人工处理。
    ReplyBounced "reply.bounced" [team(Action::ReadReplies)] {
        /// The reply. 回复。
        reply: Opaque<entity::reply::Entity>,
        /// Its kind. 类型。
        kind: ReplyKind,
    }
    /// An obligation was opened, met or waived. 回复义务产生、履行或豁免。
    ObligationChanged "obligation.changed" [team(Action::ReadReplies)] {
        /// The obligation. 回复义务。
        obligation: Opaque<entity::obligation::Entity>,
        /// Which reply is owed. 应作回复的类型。
        kind: ReplyKind,
        /// Where it stands now. 现状态。
        state: ObligationState,
    }
    /// An account of the company on a channel's platform lapses within 30 days. 渠道平台账号将于30天内到期。
    PlatformAccountLapsing "platform_account.lapsing" [Audience::without_event(Action::ReadChannels)] {
        /// The account. 平台账号。
        account: Opaque<entity::platform_account::Entity>,
        /// Its channel. 渠道。
        channel: Opaque<entity::channel::Entity>,
    }
}
