//! Who sends hooks: a channel's platform, or a tracker.

use entity::vocabulary::HookSourceKind;
use entity::{channel, hook_inbox, tracker};
use uuid::Uuid;

use super::message::{self, Outcome};
use super::proof::Proof;
use crate::app::App;
use crate::auth::Origin;
use crate::channel::store as channels;
use crate::error::{Error, Result};
use crate::ids::{Kind, decode, encode};
use crate::ticket::store as tickets;
use crate::ticket::tracker::profile_of;

/// Who sends a hook.
#[derive(Clone, Debug)]
pub enum Source {
    /// The platform of a channel.
    Channel(channel::Model),
    /// A ticketing system.
    Tracker(tracker::Model),
}

impl Source {
    /// Who is meant by a name in a path: a channel's key, a tracker's id. None when there is nobody of that name.
    ///
    /// # Errors
    /// Of the database.
    pub async fn named(app: &App, kind: HookSourceKind, name: &str) -> Result<Option<Self>> {
        Ok(match kind {
            HookSourceKind::Channel => channels::by_key(app, name).await?.map(Self::Channel),
            HookSourceKind::Tracker => match decode(Kind::Tracker, "tracker", name) {
                Ok(id) => match tickets::tracker(app, id).await {
                    Ok(row) => Some(Self::Tracker(row)),
                    Err(Error::NotFound) => None,
                    Err(other) => return Err(other),
                },
                Err(_) => None,
            },
        })
    }

    /// Who sent what stands in the inbox.
    ///
    /// # Errors
    /// Of the database.
    pub async fn of(app: &App, row: &hook_inbox::Model) -> Result<Self> {
        Ok(match row.source_kind {
            HookSourceKind::Channel => Self::Channel(channels::find(app, row.source_id).await?),
            HookSourceKind::Tracker => Self::Tracker(tickets::tracker(app, row.source_id).await?),
        })
    }

    /// What kind of sender it is.
    pub fn kind(&self) -> HookSourceKind {
        match self {
            Self::Channel(_) => HookSourceKind::Channel,
            Self::Tracker(_) => HookSourceKind::Tracker,
        }
    }

    /// Which one it is.
    pub fn id(&self) -> Uuid {
        match self {
            Self::Channel(row) => row.id,
            Self::Tracker(row) => row.id,
        }
    }

    /// What stands for it in logs and in the audit trail.
    pub fn subject(&self) -> String {
        match self {
            Self::Channel(row) => message::service(row, Origin::default()).subject.to_string(),
            Self::Tracker(row) => format!("hook:tracker:{}", encode(Kind::Tracker, row.id)),
        }
    }

    /// How it proves its hooks; none when it sends none.
    ///
    /// # Errors
    /// When what is stored of a tracker is no profile.
    pub fn proof(&self) -> Result<Option<Proof>> {
        match self {
            Self::Channel(_) => Ok(Some(Proof::StandardWebhooks)),
            Self::Tracker(row) => Ok(profile_of(row)?.hook),
        }
    }

    /// Whether it gives each hook an id of its own, so that one that comes again is known.
    ///
    /// # Errors
    /// When what is stored of a tracker is no profile.
    pub fn names_its_hooks(&self) -> Result<bool> {
        Ok(matches!(self.proof()?, None | Some(Proof::StandardWebhooks)))
    }

    /// The HTTP status of a hook that was carried out: what a platform says is done then, while of a ticket only its
    /// id was taken, which is looked up a moment later.
    pub fn done_status(&self) -> u16 {
        match self {
            Self::Channel(_) => 200,
            Self::Tracker(_) => 202,
        }
    }

    /// Carries out what the body of a proven hook says.
    pub(super) async fn carry_out(&self, app: &App, hook: &hook_inbox::Model, body: &[u8]) -> Outcome {
        match self {
            Self::Channel(row) => message::carry_out(app, row, hook, body).await,
            Self::Tracker(row) => message::look_at_ticket(app, row, body).await,
        }
    }
}
