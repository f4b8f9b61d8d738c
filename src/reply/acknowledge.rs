//! Acknowledging reports without a person, as their channel says.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use entity::vocabulary::{Acknowledgement, ReplyKind, ReplyVia};
use uuid::Uuid;

use super::destination::{self, Named};
use super::draft::{Basis, Text, make, new_reply, write};
use super::{channel_of, handover, rules, send, sending, store, tell, to_reporter};
use crate::app::App;
use crate::auth::Actor;
use crate::auth::policy::Action;
use crate::error::{Error, Result};
use crate::outbox::{Bump, ChangeSet};
use crate::schedule::Due;
use crate::template::{self, FromTemplate};

/// Acknowledgements that are owed through channels that have them drafted, and of which there is no draft.
pub struct Acknowledging;

impl Due for Acknowledging {
    const NAME: &'static str = "acknowledgements";

    async fn due(app: &App, _at: DateTime<Utc>, after: Uuid, limit: u64) -> Result<Vec<Uuid>> {
        store::to_acknowledge(app, after, limit).await
    }

    /// Drafts it from the template, and sends it where the channel says so, nothing is missing, and there is a way.
    async fn carry_out(app: &App, actor: &Actor, piece: Uuid) -> Result<()> {
        let Some((event, owed)) = store::owed(app, piece).await? else { return Ok(()) };
        // Whoever drafted one meanwhile changed the event too, or is found here.
        if !store::awaits_acknowledgement(app, piece).await? {
            return Ok(());
        }
        let channel = channel_of(app, owed.channel_id).await?;
        let (language, supplied) = (channel.language.clone(), BTreeMap::new());
        let from = FromTemplate::default();
        let asked = (ReplyKind::Acknowledgement, Some(&owed));
        let route = handover::store::route(app, channel.id).await?;
        let usual = to_reporter::by_default(app, std::slice::from_ref(&owed)).await?;
        let named = Named { usual, ..Named::default() };
        let destination = destination::choose(&channel, route.as_ref(), &named)?;
        let reporter = destination.reporter.map(|reporter| reporter.report);
        let to = template::To::new(&channel, reporter, std::slice::from_ref(&owed));
        let (facts, extent) = template::facts_for(app, None, &event, &to, &language, &supplied).await?;
        let (template, made) = make(app, &event, &channel, asked, &language, &from, &facts).await?;
        let basis = Basis {
            as_made: true,
            verdict: store::verdict_in_force(app, event.id).await?,
            extent,
            destination,
        };
        let mut changes = ChangeSet::new(app, actor, Action::AcknowledgeReport);
        let text = Text {
            kind: ReplyKind::Acknowledgement,
            language,
            subject: made.subject,
            body: made.body,
            template: Some(&template),
            supplied,
        };
        let mut reply = new_reply(app, &changes, &event, &channel, text, basis)?;
        let automatic = channel.acknowledgement == Acknowledgement::Automatic
            && !rules::needs_approval(reply.kind, channel.kind);
        // Without a mail server nothing leaves by e-mail, and without a route nothing at all.
        let has_way = match reply.via {
            Some(ReplyVia::Email) => send::sender(app, route.as_ref()).is_ok(),
            Some(ReplyVia::Webhook) => true,
            Some(ReplyVia::ByHand) | None => false,
        };
        // Else anybody could have us write to anybody, in words of theirs.
        let is_safe = match reply.report_id {
            Some(report) => to_reporter::is_vouched(app, report).await?,
            None => true,
        };
        if automatic && has_way && is_safe {
            let at = changes.at();
            let frozen = match sending::expect_sendable(app, None, &event, &channel, &reply, at).await {
                Ok(()) => send::freeze(app, &mut changes, &event, &to, route.as_ref(), reply.clone()).await,
                Err(refused) => Err(refused),
            };
            match frozen {
                Ok(frozen) => reply = frozen,
                // A person has to see to what it lacks.
                Err(Error::Refused(_)) => {}
                Err(other) => return Err(other),
            }
        }
        write(app, &mut changes, &reply, &[owed]);
        tell(app, &mut changes, &reply, false);
        changes.revise(app, &event, event.clone(), Some(event.id), Bump::Version);
        app.commit(changes).await
    }
}
