//! What a delivery says, decided when it is sent.
//!
//! The grant becomes an actor: role and scope as confirmed, subject `webhook:` and the endpoint's id. What this actor
//! may not see now, what lies above the ceiling, outside the filters or abroad without a decision, is withheld whole.
//! All deliveries of a batch are decided with a few statements, whatever their number.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use chrono::{DateTime, Utc};
use entity::vocabulary::{EndpointState, Facet, GrantState, WebhookPayload};
use entity::{affected_product, delivery, event, message, report, webhook_endpoint};
use serde_json::{Map, Value, json};
use uuid::Uuid;

use super::rules::{self, Abroad};
use super::store;
use crate::app::App;
use crate::auth::{Actor, Origin};
use crate::error::Result;
use crate::event::rules::public_status;
use crate::graphql::sensitive::SensitiveReads;
use crate::ids::{Kind, encode};
use crate::outbox::audience::{self, Readable, SIDES, may_receive};
use crate::outbox::message::content::{EventContent, ProductContent, ReportContent, ReportsContent};
use crate::outbox::{Field, MessageKind, Opaque, OrNull};
use crate::principal::rules::is_stale;

/// Why a delivery does not leave. For LEADER and AUDITOR only: it tells of the event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Withheld {
    /// The endpoint was deleted.
    Deleted,
    /// It was paused or disabled, and the delivery waits with it.
    AtRest,
    /// Its grant waits to be confirmed, and the delivery with it.
    NotConfirmed,
    /// Its grant was taken away.
    NotGranted,
    /// Who is responsible for it may no longer act.
    OwnerDenied,
    /// Who is responsible for it has not called for as long as what was seen of them counts.
    OwnerStale,
    /// The grant does not let it see this.
    NotVisible,
    /// The event is above the TLP ceiling.
    AboveCeiling,
    /// The event is outside the endpoint's filters.
    FilteredOut,
    /// Not public, and no decision in force lets it go abroad.
    Abroad,
}

impl Withheld {
    /// The reason in words.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Deleted => "the endpoint was deleted",
            Self::AtRest => "the endpoint delivers nothing now",
            Self::NotConfirmed => "the grant is not confirmed",
            Self::NotGranted => "the grant was taken away",
            Self::OwnerDenied => "the owner may no longer act",
            Self::OwnerStale => "the owner has not called for too long: they call, or an ADMIN names another",
            Self::NotVisible => "the grant does not let it see this",
            Self::AboveCeiling => "above the TLP ceiling",
            Self::FilteredOut => "outside the endpoint's filters",
            Self::Abroad => "not public, and no decision lets it go abroad",
        }
    }
}

/// What a delivery says, but for its number: that is given only to what leaves.
#[derive(Clone, Debug, PartialEq)]
pub struct Letter {
    kind: MessageKind,
    at: DateTime<Utc>,
    data: Map<String, Value>,
}

impl Letter {
    /// The body of the delivery that is number `sequence` about its event.
    pub fn body(&self, sequence: i64) -> Vec<u8> {
        let body = json!({
            "type": self.kind.as_str(), "timestamp": self.at, "sequence": sequence, "data": self.data,
        });
        body.to_string().into_bytes()
    }
}

/// What a delivery says, or why it does not leave.
pub type Decided = std::result::Result<Letter, Withheld>;

/// The actor as whom an endpoint reads.
///
/// # Errors
/// When the stored role is none.
pub fn actor(endpoint: &webhook_endpoint::Model) -> Result<Actor> {
    Ok(Actor {
        subject: format!("webhook:{}", encode(Kind::WebhookEndpoint, endpoint.id)).into(),
        roles: [endpoint.grant_role.parse().map_err(anyhow::Error::from)?].into(),
        products: endpoint.grant_products.0.clone().into(),
        teams: Arc::default(),
        channel: endpoint.grant_channel.as_deref().map(Into::into),
        origin: Origin::default(),
    })
}

/// What a batch of one endpoint's deliveries says, in their order. The endpoint is read anew, so that a
/// grant taken away holds at once; reads of embargoed content are recorded before it is handed out.
///
/// # Errors
/// Of the database.
pub async fn letters(app: &App, endpoint: Uuid, batch: &[delivery::Model]) -> Result<Vec<Decided>> {
    let all = |reason| Ok(vec![Err(reason); batch.len()]);
    let (endpoint, messages) = tokio::try_join!(
        store::present(app, endpoint),
        store::messages(app, batch.iter().map(|row| row.message_id))
    )?;
    let Some(endpoint) = endpoint.filter(|row| row.deleted_at.is_none()) else {
        return all(Withheld::Deleted);
    };
    if endpoint.grant_state == GrantState::Revoked {
        return all(Withheld::NotGranted);
    }
    if endpoint.state != EndpointState::Active {
        return all(Withheld::AtRest);
    }
    let owner = endpoint.owner.clone();
    let facts = Facts::read(app, endpoint, batch, &messages);
    let (owner, facts) = tokio::try_join!(store::principals(app, &owner), facts)?;
    if owner.iter().any(|principal| principal.denied) {
        return all(Withheld::OwnerDenied);
    }
    // One who was named and has not called yet is on the word of the ADMIN who named them.
    let (after, now) = (app.principal_settings.stale_after_days, app.clock.now());
    if !owner.is_empty() && owner.iter().all(|principal| is_stale(principal, after, now)) {
        return all(Withheld::OwnerStale);
    }
    let reads = SensitiveReads::new(app.clock.now());
    let letters = batch.iter().map(|row| match messages.get(&row.message_id) {
        Some(message) => facts.letter(&reads, message),
        None => Err(Withheld::NotVisible),
    });
    let letters: Vec<_> = letters.collect();
    reads.record(app, &facts.actor).await?;
    Ok(letters)
}

/// What a batch is decided by.
struct Facts {
    endpoint: webhook_endpoint::Model,
    actor: Actor,
    /// Events of each side that the actor may see.
    events: HashMap<Facet, HashMap<Uuid, event::Model>>,
    /// Reports whose public side is the actor's.
    reports: HashMap<Uuid, Vec<report::Model>>,
    channels: HashSet<(Uuid, Uuid)>,
    products: HashMap<Uuid, Vec<affected_product::Model>>,
    /// Clocks, replies and obligations that the actor may read.
    readable: Readable,
    /// Payouts for no event that the actor may see.
    payouts: HashSet<Uuid>,
    /// What may go abroad of which events; none when the endpoint is at home.
    abroad: Option<HashMap<Uuid, Abroad>>,
}

impl Facts {
    async fn read(
        app: &App,
        endpoint: webhook_endpoint::Model,
        batch: &[delivery::Model],
        messages: &HashMap<Uuid, message::Model>,
    ) -> Result<Self> {
        let actor = actor(&endpoint)?;
        let wanted: HashSet<Uuid> = batch.iter().filter_map(|row| row.event_id).collect();
        let kinds: HashSet<MessageKind> =
            batch.iter().filter_map(|row| MessageKind::parse(&row.kind)).collect();
        // Only the sides that some message of the batch is about.
        let of_use = |facet| kinds.iter().any(|kind| may_receive(&actor, *kind, Some(facet)));
        let mut events = HashMap::new();
        let full = endpoint.payload == WebhookPayload::Full;
        for facet in SIDES.into_iter().filter(|facet| of_use(*facet)) {
            events.insert(facet, store::visible_events(app, &actor, facet, &wanted, !full).await?);
        }
        let mut reports: HashMap<Uuid, Vec<report::Model>> = HashMap::new();
        if of_use(Facet::Public) {
            for row in store::visible_reports(app, &actor, &wanted).await? {
                reports.entry(row.event_id).or_default().push(row);
            }
        }
        let channels = if endpoint.channel_ids.0.is_empty() {
            HashSet::new()
        } else {
            store::channels_of(app, &wanted).await?
        };
        let mut products: HashMap<Uuid, Vec<affected_product::Model>> = HashMap::new();
        if full || !endpoint.lines.0.is_empty() {
            for row in store::products_of(app, &wanted).await? {
                products.entry(row.event_id).or_default().push(row);
            }
        }
        let abroad = if endpoint.grant_abroad { Some(store::abroad(app, &wanted).await?) } else { None };
        let data = messages.values().filter_map(|row| row.data.as_object());
        let readable = Readable::among(app, &actor, data).await?;
        let payouts = messages.values().filter(|row| row.event_id.is_none());
        let payouts = payouts.filter_map(|row| audience::named(row.data.as_object()?, Kind::Payout));
        let payouts = store::visible_payouts(app, &actor, payouts.collect()).await?;
        Ok(Self { endpoint, actor, events, reports, channels, products, readable, payouts, abroad })
    }

    fn letter(&self, reads: &SensitiveReads, message: &message::Model) -> Decided {
        let Some(kind) = MessageKind::parse(&message.kind) else { return Err(Withheld::NotVisible) };
        let mut data = message.data.as_object().cloned().unwrap_or_default();
        // A test says nothing of any event: it may go before a leader has confirmed the grant.
        if message.endpoint_id != Some(self.endpoint.id) {
            if self.endpoint.grant_state != GrantState::Confirmed {
                return Err(Withheld::NotConfirmed);
            }
            match message.event_id {
                None if may_receive(&self.actor, kind, None) || self.is_payees(kind, &data) => {}
                None => return Err(Withheld::NotVisible),
                Some(event) => data = self.about(reads, kind, event, data)?,
            }
        }
        Ok(Letter { kind, at: message.created_at, data })
    }

    /// The data of a message about an event, if it may leave.
    fn about(
        &self,
        reads: &SensitiveReads,
        kind: MessageKind,
        id: Uuid,
        data: Map<String, Value>,
    ) -> std::result::Result<Map<String, Value>, Withheld> {
        let (facet, event) = SIDES
            .into_iter()
            .filter(|facet| may_receive(&self.actor, kind, Some(*facet)))
            .find_map(|facet| Some((facet, self.events.get(&facet)?.get(&id)?)))
            .ok_or(Withheld::NotVisible)?;
        if event.tlp > rules::ceiling(&self.endpoint) {
            return Err(Withheld::AboveCeiling);
        }
        if !self.passes(event) {
            return Err(Withheld::FilteredOut);
        }
        let extent = match &self.abroad {
            None => Abroad::Full,
            Some(may) => *may.get(&id).ok_or(Withheld::Abroad)?,
        };
        let full = self.endpoint.payload == WebhookPayload::Full && extent == Abroad::Full;
        let mut all = Map::new();
        if facet == Facet::Public {
            if audience::is_no_promise(&data) {
                return Err(Withheld::NotVisible);
            }
            let reports = self.reports_of(id, &data)?;
            let ids: Vec<_> = reports.iter().map(|row| encode(Kind::Report, row.id)).collect();
            all.insert("reports".to_owned(), ids.into());
            if full {
                all.extend(content(&reports_content(event, &reports)));
            }
        } else {
            // What a message names toward a channel is withheld from who may not read the replies to that channel.
            if !self.readable.lets(&data) {
                return Err(Withheld::NotVisible);
            }
            all.insert("event".to_owned(), encode(Kind::Event, id).into());
            all.insert("number".to_owned(), event.number.clone().into());
            if full && facet == Facet::Content {
                reads.note(event);
                let products = self.products.get(&id).map(Vec::as_slice).unwrap_or_default();
                all.extend(content(&event_content(&self.actor, event, products)));
            }
        }
        all.extend(data);
        Ok(all)
    }

    /// Whether a message is about a payout for no event, which is the payee's or their channel's to know of.
    fn is_payees(&self, kind: MessageKind, data: &Map<String, Value>) -> bool {
        may_receive(&self.actor, kind, Some(Facet::Public))
            && !audience::is_no_promise(data)
            && audience::named(data, Kind::Payout).is_some_and(|payout| self.payouts.contains(&payout))
    }

    fn passes(&self, event: &event::Model) -> bool {
        let filters = &self.endpoint;
        let channel = |id: &String| id.parse().is_ok_and(|id| self.channels.contains(&(event.id, id)));
        let products = self.products.get(&event.id).map(Vec::as_slice).unwrap_or_default();
        (filters.channel_ids.0.is_empty() || filters.channel_ids.0.iter().any(channel))
            && (filters.lines.0.is_empty() || products.iter().any(|row| filters.lines.0.contains(&row.line)))
            && filters.min_level.is_none_or(|level| event.level >= level)
    }

    /// The channel's reports that a message on their public side is about: the one that it names, or all of the event.
    fn reports_of(
        &self,
        event: Uuid,
        data: &Map<String, Value>,
    ) -> std::result::Result<Vec<&report::Model>, Withheld> {
        let own = self.reports.get(&event).into_iter().flatten();
        let own: Vec<_> = own.filter(|row| audience::is_about(data, row)).collect();
        if own.is_empty() { Err(Withheld::NotVisible) } else { Ok(own) }
    }
}

/// The field that full content stands in.
fn content(content: &impl Field) -> Option<(String, Value)> {
    Some(("content".to_owned(), content.value()?))
}

fn event_content(actor: &Actor, event: &event::Model, products: &[affected_product::Model]) -> EventContent {
    let products = products.iter().map(|row| ProductContent {
        product: Opaque::new(row.product_id),
        line: row.line.clone(),
        state: row.state,
        affected_versions: OrNull(row.affected_versions.clone()),
        fixed_versions: OrNull(row.fixed_versions.clone()),
    });
    EventContent {
        title: crate::event::title(actor, event).to_owned(),
        description: event.description.clone(),
        steps: event.steps.clone(),
        status: event.status,
        verdict: OrNull(event.verdict),
        level: event.level,
        tlp: event.tlp,
        embargo_until: OrNull(event.embargo_until),
        received_at: event.received_at,
        version: event.version,
        products: products.collect(),
    }
}

fn reports_content(event: &event::Model, reports: &[&report::Model]) -> ReportsContent {
    let reports = reports.iter().map(|row| ReportContent {
        report: Opaque::new(row.id),
        channel_number: OrNull(row.channel_number.clone()),
        status: public_status(event.status),
        severity: OrNull(row.severity),
    });
    ReportsContent { reports: reports.collect() }
}
