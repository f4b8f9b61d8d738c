//! Whom a message may reach, whichever way it goes: to an endpoint outside, or over an open subscription.

use std::collections::HashSet;

use entity::report;
use entity::vocabulary::Facet;
use serde_json::{Map, Value};
use uuid::Uuid;

use super::MessageKind;
use crate::app::App;
use crate::auth::Actor;
use crate::auth::visibility::may_see;
use crate::error::Result;
use crate::ids::{Kind, decode_any, encode};
use crate::reply::store::READERS_OF_ALL;
use crate::{deadline, reply};

/// The sides of an event on which a message may find somebody, the fullest first.
pub const SIDES: [Facet; 4] = [Facet::Content, Facet::Money, Facet::Tickets, Facet::Public];

/// Whether a role of the actor's may receive messages of this type about this side; none for what is about no event. One
/// role has to allow both: who sees an event by one and may do as much elsewhere by another is told nothing for that.
pub fn may_receive(actor: &Actor, kind: MessageKind, facet: Option<Facet>) -> bool {
    let sees = |role| facet.is_none_or(|facet| may_see(role, facet));
    kind.audiences()
        .iter()
        .filter(|audience| audience.facet == facet)
        .any(|audience| audience.action.roles().iter().any(|role| actor.is(*role) && sees(*role)))
}

/// What may still be rejected, which is no promise to anybody on an event's public side.
pub fn is_no_promise(data: &Map<String, Value>) -> bool {
    data.get("approved") == Some(&Value::Bool(false))
}

/// Whether a message on the public side is about this report of its event: the one that it names, or all of them.
pub fn is_about(data: &Map<String, Value>, report: &report::Model) -> bool {
    let is = |name: &str, kind: Kind, id: Uuid| {
        data.get(name).and_then(Value::as_str).is_none_or(|named| encode(kind, id) == named)
    };
    is("report", Kind::Report, report.id) && is("channel", Kind::Channel, report.channel_id)
}

/// What a message may name that is toward a channel.
const TOWARD_CHANNELS: [Kind; 3] = [Kind::Deadline, Kind::Reply, Kind::Obligation];

/// The row of a kind that a message names, under the name that the catalogue gives it.
pub fn named(data: &Map<String, Value>, kind: Kind) -> Option<Uuid> {
    let name = match kind {
        Kind::Deadline => "deadline",
        Kind::Reply => "reply",
        Kind::Obligation => "obligation",
        Kind::Payout => "payout",
        Kind::WebhookEndpoint => "endpoint",
        Kind::Tracker => "tracker",
        _ => return None,
    };
    let (number, id) = decode_any(data.get(name)?.as_str()?)?;
    (number == kind as u8).then_some(id)
}

/// Clocks, replies and obligations that messages name, as far as somebody may read them.
#[derive(Clone, Debug)]
pub struct Readable(Option<HashSet<Uuid>>);

impl Readable {
    /// Of what `messages` name, those that the actor may read.
    ///
    /// # Errors
    /// Of the database.
    pub async fn among<'a>(
        app: &App,
        actor: &Actor,
        messages: impl Iterator<Item = &'a Map<String, Value>> + Clone,
    ) -> Result<Self> {
        // Who reads those of every channel need not be asked of each.
        if actor.has_any(&READERS_OF_ALL) {
            return Ok(Self(None));
        }
        let of = |kind| messages.clone().filter_map(move |data| named(data, kind)).collect::<Vec<_>>();
        let [clocks, replies, obligations] = TOWARD_CHANNELS.map(of);
        if clocks.is_empty() && replies.is_empty() && obligations.is_empty() {
            return Ok(Self(Some(HashSet::new())));
        }
        let clocks = deadline::store::readable_among(app, actor, clocks);
        let replies = reply::store::readable_among(app, actor, replies, obligations);
        let (clocks, replies) = tokio::try_join!(clocks, replies)?;
        Ok(Self(Some(clocks.into_iter().chain(replies).collect())))
    }

    /// Whether all that a message names toward a channel may be read: else it is not for who reads here.
    pub fn lets(&self, data: &Map<String, Value>) -> bool {
        let Some(readable) = &self.0 else { return true };
        TOWARD_CHANNELS.iter().filter_map(|kind| named(data, *kind)).all(|id| readable.contains(&id))
    }
}
