//! Advisories: what the company publishes of an event, as machines read it.
//!
//! One read model ([`facts`]) has all that may ever stand in a document, and nothing else: the title and description that an
//! analyst wrote, how products stand to it, our own CVSS vectors and weaknesses, its CVE number, what can be had against it, and
//! what the world does. There is no reporter, steps, comment, verdict's reason or report as received in it, so no form can
//! write one. Each form ([`csaf`], [`cve`], [`osv`]) is a pure function from that model to text, or says by name what it asks
//! for and the event lacks.
//!
//! A document says itself how far it may be shared, where its form can: CSAF 2.1 every level of TLP 2.0, CSAF 2.0 none for
//! AMBER+STRICT, which is refused rather than widened. CVE and OSV have no such word: of these nothing is written before the
//! event is public. TLP:CLEAR alone makes nothing public, so a document that says CLEAR is refused until the event is.
//!
//! Versions and their [`history`] follow from the record: the first is when the event became public or something could be
//! had against it, and each later change of what a document says is another, also where an embargo's end makes it. Until then it
//! is a draft.

mod csaf;
mod cve;
mod cwe;
mod facts;
pub mod graphql;
mod history;
mod osv;
mod rules;
pub mod settings;
mod store;
mod versions;

use entity::event;

use crate::app::App;
use crate::auth::Actor;
use crate::auth::policy::{Action, require};
use crate::error::{Refusal, Result};
use crate::event as events;
use crate::graphql::ahead::{Ahead, Plan};
use facts::Facts;
pub use settings::AdvisorySettings;

/// Form of an advisory. 安全公告格式。
#[derive(Clone, Copy, Debug, PartialEq, Eq, async_graphql::Enum)]
pub enum AdvisoryFormat {
    /// CSAF 2.0. CSAF 2.0 格式。
    #[graphql(name = "CSAF_2_0")]
    Csaf20,
    /// CSAF 2.1. CSAF 2.1 格式。
    #[graphql(name = "CSAF_2_1")]
    Csaf21,
    /// CVE record in JSON 5.1. CVE JSON 5.1 记录。
    #[graphql(name = "CVE_5_1")]
    Cve51,
    /// OSV. OSV 格式。
    #[graphql(name = "OSV")]
    Osv,
}

impl AdvisoryFormat {
    /// Every form.
    pub const ALL: [Self; 4] = [Self::Csaf20, Self::Csaf21, Self::Cve51, Self::Osv];

    /// Its name on the command line.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Csaf20 => "csaf-2.0",
            Self::Csaf21 => "csaf-2.1",
            Self::Cve51 => "cve-5.1",
            Self::Osv => "osv",
        }
    }
}

/// Language of the words that a document has of its own. 公告固定用语的语言。
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, async_graphql::Enum)]
pub enum AdvisoryLanguage {
    /// English. 英文。
    #[default]
    En,
    /// Chinese. 中文。
    Zh,
}

/// A document.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Document {
    /// Its form.
    pub format: AdvisoryFormat,
    /// Its text: JSON.
    pub text: String,
    /// What its file is called.
    pub file_name: String,
    /// Its version; a draft's has no publication behind it.
    pub version: String,
}

/// What came of an export. Also what a document lacks tells of its event: both are reads of it.
#[derive(Debug)]
pub struct Exported {
    /// The event that was read.
    pub event: event::Model,
    /// The document; or refusals that name what the form asks for and the event or the configuration lacks, and where its TLP level or
    /// embargo stands against the form.
    pub document: std::result::Result<Document, Vec<Refusal>>,
}

/// Writes the advisory of an event; none when the event is hidden or absent.
///
/// # Errors
/// By policy; of the database.
pub async fn export(
    app: &App,
    actor: &Actor,
    number: &str,
    format: AdvisoryFormat,
    language: AdvisoryLanguage,
) -> Result<Option<Exported>> {
    require(actor, Action::ExportAdvisory)?;
    let Some(event) = events::store::by_number(app, actor, number, &Plan::whole(), &Ahead::default()).await?
    else {
        return Ok(None);
    };
    let rows = store::rows(app, &event).await?;
    let facts = rules::facts(&rows, language, app.clock.now());
    let document = facts.and_then(|facts| write(&facts, &app.advisories, format));
    Ok(Some(Exported { event, document }))
}

fn write(
    facts: &Facts,
    settings: &AdvisorySettings,
    format: AdvisoryFormat,
) -> std::result::Result<Document, Vec<Refusal>> {
    let (file_name, text) = match format {
        AdvisoryFormat::Csaf20 => csaf::write(facts, settings, csaf::Edition::V2_0)?,
        AdvisoryFormat::Csaf21 => csaf::write(facts, settings, csaf::Edition::V2_1)?,
        AdvisoryFormat::Cve51 => cve::write(facts, settings)?,
        AdvisoryFormat::Osv => osv::write(facts, settings)?,
    };
    Ok(Document { format, text, file_name, version: facts.version().to_string() })
}
