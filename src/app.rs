//! What every command has at hand.

use std::num::NonZeroU16;
use std::sync::Arc;

use crate::advisory::AdvisorySettings;
use crate::attachment::settings::Uploads;
use crate::audit::anchor::Anchors;
use crate::clock::{Clock, Ids};
use crate::database::Database;
use crate::deadline;
use crate::duplicate;
use crate::error::{Error, Result};
use crate::event::number::Numbers;
use crate::files::Files;
use crate::graphql::sensitive::Reads;
use crate::hook::HookSettings;
use crate::mail::settings::Mailroom;
use crate::notice;
use crate::outbound::Policy;
use crate::outbox::{ChangeSet, Prepared, Wake};
use crate::payout::PayoutSettings;
use crate::picture;
use crate::principal::{self, PrincipalSettings};
use crate::reply::settings::Replies;
use crate::retention::Retention;
use crate::search;
use crate::secret::KeyRing;
use crate::webhook::fan_out::Routes;

/// The running product: its database, its clock, its ids.
pub struct App {
    /// The database.
    pub database: Database,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// New ids and randomness.
    pub ids: Ids,
    /// New event numbers.
    pub numbers: Numbers,
    /// What was lately written of the principals seen.
    pub principals: principal::Cache,
    /// Callers that wait to be told whether they may act.
    pub admission: principal::Admission,
    /// Records of what was read of sensitive events that wait to be written.
    pub reads: Reads,
    /// How long what was seen of a principal counts.
    pub principal_settings: PrincipalSettings,
    /// Rouses what works on committed rows.
    pub wake: Wake,
    /// Keys that seal what is secret at rest; empty unless [`with_secrets`](Self::with_secrets).
    pub secrets: KeyRing,
    /// What is set about payouts.
    pub payouts: PayoutSettings,
    /// What is set about replies: who answers, fonts, the mail server.
    pub replies: Arc<Replies>,
    /// Who publishes advisories.
    pub advisories: AdvisorySettings,
    /// What inbound mail is judged by.
    pub mailroom: Arc<Mailroom>,
    /// Where files are kept; in a folder that goes with the process unless [`with_files`](Self::with_files).
    pub files: Files,
    /// Bounds on uploads.
    pub uploads: Uploads,
    /// Whether a change that tells the outside nothing is a fault: so in tests, which try every command.
    pub demands_messages: bool,
    /// When people get their daily e-mail; none when nobody does.
    pub digest: Option<notice::Hour>,
    /// Days for which it is kept what became of a daily e-mail.
    pub digest_kept_days: NonZeroU16,
    /// What is set about inbound hooks.
    pub hooks: HookSettings,
    /// What may be asked outside; public https alone unless [`with_outbound`](Self::with_outbound).
    pub outbound: Policy,
    /// Webhook endpoints as last read.
    pub routes: Routes,
    /// What clocks are counted by, as last read.
    pub counting: deadline::Cache,
    /// By what reports are compared.
    pub duplicates: duplicate::Index,
    /// How pictures are read, one after the other.
    pub pictures: picture::Reading,
    /// How far the search has come.
    pub search: search::Progress,
    /// What chat messages say after an event's number, with `{number}` for it; empty for nothing.
    pub event_link: String,
    /// How the audit trail is anchored; none when it is not.
    pub anchors: Option<Anchors>,
    /// How long what need not be kept is kept.
    pub retention: Retention,
}

impl App {
    /// Puts a running product together over a migrated database.
    ///
    /// # Errors
    /// When the database has not been migrated, or there is no room for files.
    pub async fn new(database: Database, clock: Arc<dyn Clock>, ids: Ids) -> anyhow::Result<Self> {
        let numbers = Numbers::load(&database).await?;
        let duplicates = duplicate::Index::load(&database).await.map_err(Error::told)?;
        let pictures = picture::Reading::new(ids.next());
        Ok(Self {
            database,
            clock,
            ids,
            numbers,
            principals: principal::Cache::default(),
            admission: principal::Admission::default(),
            reads: Reads::default(),
            principal_settings: PrincipalSettings::default(),
            wake: Wake::default(),
            secrets: KeyRing::default(),
            payouts: PayoutSettings::default(),
            replies: Arc::default(),
            advisories: AdvisorySettings::default(),
            mailroom: Arc::default(),
            files: Files::temporary()?,
            uploads: Uploads::default(),
            demands_messages: false,
            digest: None,
            digest_kept_days: notice::DIGEST_KEPT_DAYS,
            hooks: HookSettings::default(),
            outbound: Policy::default(),
            routes: Routes::default(),
            counting: deadline::Cache::default(),
            duplicates,
            pictures,
            search: search::Progress::default(),
            event_link: String::new(),
            anchors: None,
            retention: Retention::default(),
        })
    }

    /// The same product with keys that seal secrets.
    #[must_use]
    pub fn with_secrets(mut self, secrets: KeyRing) -> Self {
        self.secrets = secrets;
        self
    }

    /// The same product under another policy of what may be asked outside.
    #[must_use]
    pub fn with_outbound(mut self, outbound: Policy) -> Self {
        self.outbound = outbound;
        self
    }

    /// The same product that answers with these settings.
    #[must_use]
    pub fn with_replies(mut self, replies: Replies) -> Self {
        self.replies = Arc::new(replies);
        self
    }

    /// The same product that judges inbound mail by these settings.
    #[must_use]
    pub fn with_mailroom(mut self, mailroom: Mailroom) -> Self {
        self.mailroom = Arc::new(mailroom);
        self
    }

    /// The same product that keeps its files there.
    #[must_use]
    pub fn with_files(mut self, files: Files) -> Self {
        self.files = files;
        self
    }

    /// The same product whose chat messages link to events.
    #[must_use]
    pub fn with_event_link(mut self, link: &str) -> Self {
        link.clone_into(&mut self.event_link);
        self
    }

    /// Writes all of `changes` or nothing.
    ///
    /// # Errors
    /// [`Error::Race`](crate::error::Error::Race) when somebody else was first.
    pub async fn commit(&self, changes: ChangeSet) -> Result<()> {
        self.committing(changes).await
    }

    /// The same apart from its caller, who may prepare the next change meanwhile. The change is put together at once.
    pub fn committing(&self, changes: ChangeSet) -> impl Future<Output = Result<()>> + Send + 'static {
        let (database, wake) = (self.database.clone(), self.wake.clone());
        let untold = (self.demands_messages && !changes.is_told()).then(|| changes.action());
        let prepared = Prepared::new(database.backend(), changes);
        async move {
            if let Some(action) = untold {
                return Err(anyhow::anyhow!("nobody is told of {action}").into());
            }
            prepared.commit(&database).await?;
            wake.committed();
            Ok(())
        }
    }
}
