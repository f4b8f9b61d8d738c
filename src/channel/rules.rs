//! What a channel asks for by its kind.

use entity::channel;
use entity::vocabulary::ChannelKind;

use crate::error::{Error, Refusal, RefusalCode, Result};

/// Zone of a channel that names none.
pub const DEFAULT_TIME_ZONE: &str = "Asia/Shanghai";
/// Language of a channel that names none.
pub const DEFAULT_LANGUAGE: &str = "zh-CN";

/// Whether a channel of this kind asks for a reply to each report unless its settings say otherwise.
pub fn asks_for_replies(kind: ChannelKind) -> bool {
    match kind {
        ChannelKind::NationalDatabase
        | ChannelKind::Regulator
        | ChannelKind::SrcPlatform
        | ChannelKind::Customer => true,
        ChannelKind::CivilPlatform | ChannelKind::Vendor | ChannelKind::Media | ChannelKind::Internal => {
            false
        }
    }
}

/// Whether a channel of this kind asks for a formal reply always, whatever the verdict.
pub fn always_asks_for_replies(kind: ChannelKind) -> bool {
    matches!(kind, ChannelKind::NationalDatabase | ChannelKind::Regulator)
}

/// Checks that a channel's settings do not contradict its kind.
///
/// # Errors
/// A refusal when replies are switched off where they are always owed.
pub fn check(channel: &channel::Model) -> Result<()> {
    if channel.reply_required || !always_asks_for_replies(channel.kind) {
        return Ok(());
    }
    Err(Error::Refused(vec![Refusal::on(
        RefusalCode::Contradiction,
        "input.replyRequired",
        format!("a {} always asks for a reply: send true, or leave it out", channel.kind),
    )]))
}

#[cfg(test)]
mod tests {
    use super::*;
    use sea_orm::Iterable;

    #[test]
    fn whoever_always_asks_asks_by_default() {
        let asking: Vec<_> = ChannelKind::iter().filter(|kind| asks_for_replies(*kind)).collect();
        assert_eq!(
            asking,
            [
                ChannelKind::NationalDatabase,
                ChannelKind::Regulator,
                ChannelKind::SrcPlatform,
                ChannelKind::Customer
            ]
        );
        for kind in ChannelKind::iter().filter(|kind| always_asks_for_replies(*kind)) {
            assert!(asks_for_replies(kind), "{kind}");
        }
        assert!(!always_asks_for_replies(ChannelKind::SrcPlatform));
    }
}
