//! Mails that were not taken: a program that reads a mailbox alone would leave them unseen.

use entity::vocabulary::{Function, NoticeKind};

use crate::app::App;
use crate::auth::policy::Action;
use crate::auth::{Actor, Role};
use crate::error::Result;
use crate::notice::{self, rules::daily};
use crate::outbox::{ChangeSet, Opaque, message, retrying};

/// Tells, once a day, that mails of a channel's mailbox are not taken. Where that fails too, the log has both.
pub async fn tell(app: &App, channel: &str) {
    if let Err(error) = retrying(|| told(app, channel)).await {
        tracing::error!(channel, ?error, "nobody was told of a mail that was not taken");
    }
}

async fn told(app: &App, channel: &str) -> Result<()> {
    let Some(channel) = crate::channel::store::by_key(app, channel).await? else { return Ok(()) };
    let mut people = notice::keepers(app, &[Role::Admin]).await?;
    people.extend(notice::on_duty(app, Function::Security).await?);
    let mut changes = ChangeSet::new(app, &Actor::schedule(), Action::TellTrouble);
    let told = notice::Told {
        kind: NoticeKind::MailLeftOut,
        percent: None,
        event: None,
        about: channel.id,
        once: Some(daily("mail", channel.id, changes.at())),
    };
    if notice::tell_once(app, &mut changes, people, &told).await? {
        changes.message(app, None, &message::MailLeftOut { channel: Opaque::new(channel.id) });
        app.commit(changes).await?;
    }
    Ok(())
}
