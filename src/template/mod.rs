//! Templates of replies: a text with places for facts of an event.
//!
//! A template is for a kind of reply in a language; it may be for one channel or kind of channel, one regime and
//! stage, one verdict. It names the facts without which the reply is not approved, and the formats it is rendered to.
//! Some come with the product ([`builtin`]); an ADMIN adds others, and one with the key of a built-in one takes its
//! place. Each text that a template had is kept.
//!
//! What a template may say is [`facts::Facts`], drawn from the event ([`gather`]) and cut down to what may leave to the
//! channel. The drafter supplies what the event does not hold; the reply keeps that with the names of the facts it
//! needs, so that an approval looks at the event as it then is. What may not leave whole is asked for in general
//! ([`facts::in_general`]): a legal duty is then met as far as its content may go. And what the form of a duty requires
//! is required of free words too, whoever writes them ([`still_missing`]). [`engine`] renders: strict, bounded, without files.

pub mod bounds;
pub mod builtin;
pub mod engine;
pub mod facts;
pub mod gather;
pub mod graphql;
pub mod regime;
pub mod rules;
pub mod store;

use std::collections::BTreeMap;

use async_graphql::InputObject;
use entity::vocabulary::{ChannelKind, ReplyFormat, ReplyKind, Verdict};
use entity::{channel, event, obligation, reply, reply_template, reply_template_text};
use serde::Serialize;
use uuid::Uuid;

use crate::app::App;
use crate::auth::Actor;
use crate::auth::policy::{Action, require};
use crate::error::{Error, Refusal, RefusalCode, Result};
use crate::event::{expect_version, require_text};
use crate::graphql::scalars::Id;
use crate::idempotency::{self, Replay};
use crate::outbox::{Bump, ChangeSet};
use crate::protection;
use facts::{Description, Extent, Facts};

/// Longest name or subject, in characters.
const SHORT: usize = 500;
/// Longest body or supplied fact, in characters.
const LONG: usize = 20_000;
/// Most required or supplied facts.
const MOST: usize = 100;

/// A template, stored or built in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Template {
    /// Stable short name.
    pub key: String,
    /// Number of its text; 0 for a built-in one.
    pub number: i32,
    /// Whether it came with the product.
    pub builtin: bool,
    /// Whether it is offered.
    pub active: bool,
    /// Counts changes that a caller has to have seen.
    pub version: i32,
    /// Name shown to people.
    pub name: String,
    /// For this channel only.
    pub channel: Option<Uuid>,
    /// For channels of this kind only.
    pub channel_kind: Option<ChannelKind>,
    /// What it answers.
    pub kind: ReplyKind,
    /// For this regime only.
    pub regime: Option<String>,
    /// For this stage only.
    pub stage: Option<String>,
    /// For this verdict only.
    pub verdict: Option<Verdict>,
    /// BCP 47 tag.
    pub language: String,
    /// Subject line, a template.
    pub subject: String,
    /// Body, a template in Markdown.
    pub body: String,
    /// Names of the facts without which the reply is not approved.
    pub required: Vec<String>,
    /// Formats that the reply is rendered to.
    pub formats: Vec<ReplyFormat>,
}

/// What was made from a template.
#[derive(Clone, Debug)]
pub struct Made {
    /// Subject line.
    pub subject: String,
    /// Body in Markdown.
    pub body: String,
    /// Required facts that are not known.
    pub missing: Vec<Description>,
}

/// A new template. 新回复模板。
#[derive(Clone, Debug, InputObject, Serialize)]
pub struct CreateReplyTemplate {
    /// Stable short name; that of a built-in template takes its place. 模板标识；与内置模板相同则取代之。
    pub key: String,
    /// Name shown to people. 名称。
    pub name: String,
    /// For this channel only. 仅适用于该渠道。
    pub channel: Option<Id<channel::Entity>>,
    /// For channels of this kind only. 仅适用于该类渠道。
    pub channel_kind: Option<ChannelKind>,
    /// What it answers. 回复类型。
    pub kind: ReplyKind,
    /// For this regime only, for example cnvd or rmsv. 仅适用于该制度。
    pub regime: Option<String>,
    /// For this stage of the regime only, for example report or update. 仅适用于该阶段。
    pub stage: Option<String>,
    /// For this verdict only. 仅适用于该研判结论。
    pub verdict: Option<Verdict>,
    /// BCP 47 tag. 语言标签。
    pub language: String,
    /// Subject line, a template. 主题模板。
    pub subject: String,
    /// Body, a template in Markdown; see templateFacts. 正文模板（Markdown），可用事实见 templateFacts。
    pub body: String,
    /// Names of the facts without which the reply is not approved. 必备事实名称，缺少则不得批准。
    #[graphql(default)]
    pub required: Vec<String>,
    /// Formats that the reply is rendered to: TEXT, HTML, DOCX, PDF. 输出格式。
    pub formats: Vec<ReplyFormat>,
    /// The same key with the same input adds one template only. 幂等键。
    pub idempotency_key: Option<String>,
}

/// Another text of a template; what is left out stays. 模板的新文本；未提供的保持不变。
#[derive(Clone, Debug, InputObject)]
pub struct UpdateReplyTemplate {
    /// Its key; built-in templates are replaced by createReplyTemplate. 模板标识；内置模板以 createReplyTemplate 取代。
    pub key: String,
    /// The version that was seen. 所见版本。
    pub expected_version: i32,
    /// Name shown to people. 名称。
    pub name: Option<String>,
    /// Subject line, a template. 主题模板。
    pub subject: Option<String>,
    /// Body, a template in Markdown. 正文模板（Markdown）。
    pub body: Option<String>,
    /// Names of the facts without which the reply is not approved. 必备事实名称。
    pub required: Option<Vec<String>>,
    /// Formats that the reply is rendered to. 输出格式。
    pub formats: Option<Vec<ReplyFormat>>,
    /// False when it is no longer offered. 是否启用。
    pub active: Option<bool>,
}

/// A fact that the event does not hold. 事件未记录的事实。
#[derive(Clone, Debug, PartialEq, Eq, InputObject, Serialize)]
pub struct SuppliedFact {
    /// Its name; see templateFacts. 事实名称，见 templateFacts。
    pub name: String,
    /// What it is. 内容。
    pub value: String,
}

/// From which template a text is made. 文本所用的模板。
#[derive(Clone, Debug, Default, InputObject, Serialize)]
pub struct FromTemplate {
    /// Its key; left out, the most particular one that fits. 模板标识；省略时取最贴切者。
    pub key: Option<String>,
    /// The regime that is answered, by the name that templates have for it, such as cra-exploited; left out, that of the obligation.
    /// 所适用的制度，按模板中的名称（如 cra-exploited）；省略时取回复义务所属制度。
    pub regime: Option<String>,
    /// The stage of the regime. 所处阶段。
    pub stage: Option<String>,
    /// Facts that the event does not hold. 事件未记录的事实。
    #[graphql(default)]
    pub facts: Vec<SuppliedFact>,
}

/// Adds a template.
///
/// # Errors
/// By policy; BAD_USER_INPUT on what is no template; refusals when the key is taken or the channel unknown.
pub async fn create(app: &App, actor: &Actor, input: &CreateReplyTemplate) -> Result<Template> {
    require(actor, Action::CreateReplyTemplate)?;
    let once = input.idempotency_key.as_deref();
    let once = match idempotency::replay(app, actor, Action::CreateReplyTemplate, once, input).await? {
        Replay::Done(id) => return store::by_id(app, id).await.map(Into::into),
        Replay::First(once) => once,
    };
    let optional_key = |field, text: &Option<String>| {
        text.as_deref().map(|text| crate::channel::key(field, text)).transpose()
    };
    let now = app.clock.now();
    let row = reply_template::Model {
        id: app.ids.next(),
        key: crate::channel::key("input.key", &input.key)?,
        name: require_text("input.name", &input.name, SHORT)?,
        channel_id: input.channel.map(|id| id.0),
        channel_kind: input.channel_kind,
        kind: input.kind,
        regime: optional_key("input.regime", &input.regime)?,
        stage: optional_key("input.stage", &input.stage)?,
        verdict: input.verdict,
        language: crate::channel::language(&input.language)?,
        subject: require_text("input.subject", &input.subject, SHORT)?,
        body: require_text("input.body", &input.body, LONG)?,
        required: names("input.required", &input.required)?.into(),
        formats: input.formats.iter().map(ToString::to_string).collect::<Vec<_>>().into(),
        active: true,
        number: 1,
        version: 1,
        revision: 1,
        audit_head: Vec::new(),
        created_at: now,
        changed_at: now,
    };
    rules::formats("input.formats", &input.formats)?;
    rules::check(&row.clone().into())?;
    if store::by_key(app, &row.key).await?.is_some() {
        let message =
            "there is a template with this key: update it (updateReplyTemplate), or choose another key";
        return Err(Error::Refused(vec![Refusal::on(RefusalCode::AlreadyExists, "key", message)]));
    }
    if let Some(id) = row.channel_id
        && crate::reply::store::channel(app, id).await?.is_none()
    {
        let message = "there is no such channel: name another";
        return Err(Error::Refused(vec![Refusal::on(RefusalCode::UnknownReference, "channel", message)]));
    }
    let mut changes = ChangeSet::new(app, actor, Action::CreateReplyTemplate);
    changes.write_row(&text_of(app, actor, &row, changes.at()));
    let row = changes.create(app, row, None);
    if let Some(once) = &once {
        changes.remember(once, row.id);
    }
    app.commit(changes).await?;
    Ok(row.into())
}

/// Gives a template another text. Replies that were made from it stay as they are.
///
/// # Errors
/// By policy and version; NOT_FOUND when it is not stored; BAD_USER_INPUT on what is no template.
pub async fn update(app: &App, actor: &Actor, input: &UpdateReplyTemplate) -> Result<Template> {
    require(actor, Action::UpdateReplyTemplate)?;
    let before = store::by_key(app, &input.key).await?.ok_or(Error::NotFound)?;
    expect_version(before.version, input.expected_version)?;
    let mut after = before.clone();
    if let Some(name) = &input.name {
        after.name = require_text("input.name", name, SHORT)?;
    }
    if let Some(subject) = &input.subject {
        after.subject = require_text("input.subject", subject, SHORT)?;
    }
    if let Some(body) = &input.body {
        after.body = require_text("input.body", body, LONG)?;
    }
    if let Some(required) = &input.required {
        after.required = names("input.required", required)?.into();
    }
    if let Some(formats) = &input.formats {
        rules::formats("input.formats", formats)?;
        after.formats = formats.iter().map(ToString::to_string).collect::<Vec<_>>().into();
    }
    after.active = input.active.unwrap_or(before.active);
    rules::check(&after.clone().into())?;
    let mut changes = ChangeSet::new(app, actor, Action::UpdateReplyTemplate);
    let text = |row: &reply_template::Model| {
        (row.subject.clone(), row.body.clone(), row.required.clone(), row.formats.clone())
    };
    if text(&before) != text(&after) {
        after.number += 1;
        changes.write_row(&text_of(app, actor, &after, changes.at()));
    }
    let after = changes.revise(app, &before, after, None, Bump::Version);
    app.commit(changes).await?;
    Ok(after.into())
}

fn text_of(
    app: &App,
    actor: &Actor,
    row: &reply_template::Model,
    at: chrono::DateTime<chrono::Utc>,
) -> reply_template_text::Model {
    reply_template_text::Model {
        id: app.ids.next(),
        template_id: row.id,
        number: row.number,
        subject: row.subject.clone(),
        body: row.body.clone(),
        required: row.required.clone(),
        formats: row.formats.clone(),
        author: actor.subject.to_string(),
        created_at: at,
    }
}

fn names(field: &str, names: &[String]) -> Result<Vec<String>> {
    if names.len() > MOST {
        return Err(Error::bad_input(field, format!("send at most {MOST}")));
    }
    Ok(names.to_vec())
}

impl From<reply_template::Model> for Template {
    fn from(row: reply_template::Model) -> Self {
        Self {
            key: row.key,
            number: row.number,
            builtin: false,
            active: row.active,
            version: row.version,
            name: row.name,
            channel: row.channel_id,
            channel_kind: row.channel_kind,
            kind: row.kind,
            regime: row.regime,
            stage: row.stage,
            verdict: row.verdict,
            language: row.language,
            subject: row.subject,
            body: row.body,
            required: row.required.0,
            formats: formats_of(&row.formats.0),
        }
    }
}

/// Formats by the texts that stand for them.
pub fn formats_of(texts: &[String]) -> Vec<ReplyFormat> {
    let known = |text: &String| rules::FORMATS.into_iter().find(|format| format.as_str() == text);
    texts.iter().filter_map(known).collect()
}

/// Every template: those that are stored, and the built-in ones that none of them replaces.
///
/// # Errors
/// Of the database.
pub async fn all(app: &App) -> Result<Vec<Template>> {
    let stored: Vec<Template> = store::all(app).await?.into_iter().map(Into::into).collect();
    let replaced = |built_in: &&Template| stored.iter().all(|template| template.key != built_in.key);
    let built_in: Vec<_> = builtin::all().iter().filter(replaced).cloned().collect();
    Ok([stored, built_in].concat())
}

/// What the drafter supplied, by name.
///
/// # Errors
/// BAD_USER_INPUT on a name that is no fact, and on what is blank or too long.
pub fn supplied(field: &str, facts: &[SuppliedFact]) -> Result<BTreeMap<String, String>> {
    if facts.len() > MOST {
        return Err(Error::bad_input(field, format!("send at most {MOST}")));
    }
    let mut supplied = BTreeMap::new();
    for fact in facts {
        if !facts::TEXTS.iter().any(|known| known.name == fact.name) {
            let message = format!("there is no fact {:?} that is a text: see templateFacts", fact.name);
            return Err(Error::bad_input(field, message));
        }
        let value = require_text(&format!("{field}.value"), &fact.value, LONG)?;
        supplied.insert(fact.name.clone(), value);
    }
    Ok(supplied)
}

/// To whom a reply says something.
#[derive(Clone, Debug)]
pub struct To<'a> {
    /// The channel.
    pub channel: &'a channel::Model,
    /// The channel's reports that it answers; all of them on the event where it names none.
    pub reports: Vec<Uuid>,
    /// Whether it is for the reporter of these, who hears of no other report.
    pub reporter: bool,
}

impl<'a> To<'a> {
    /// A reply that is to meet `owed`, for the reporter of one report where that is named.
    pub fn new(channel: &'a channel::Model, reporter: Option<Uuid>, owed: &[obligation::Model]) -> Self {
        let reports = match reporter {
            Some(report) => [report].into(),
            None => owed.iter().filter_map(|row| row.report_id).collect(),
        };
        Self { channel, reports, reporter: reporter.is_some() }
    }
}

/// The facts of an event that may leave to a channel, or to the reporter of one of its reports, with what the drafter
/// supplied, and how much may leave. `reader` is who will read them here: what they may not see, these do not say. None is
/// the product itself.
///
/// # Errors
/// Of the database.
pub async fn facts_for(
    app: &App,
    reader: Option<&Actor>,
    event: &event::Model,
    to: &To<'_>,
    language: &str,
    supplied: &BTreeMap<String, String>,
) -> Result<(Facts, Extent)> {
    let reach = protection::store::reach(app, event, to.channel).await?;
    let extent = facts::extent(to.channel.kind, &reach);
    let rows = store::rows(app, reader, event, to, extent).await?;
    let mut facts = gather::facts(&rows, &app.replies.company, language, app.clock.now());
    let (verdict, severity) = (facts.verdict.clone(), facts.severity.clone());
    facts.withhold(extent);
    // Whoever reported it is told what became of it, however secret the event is.
    if !rows.reports.is_empty() && !reach.abroad {
        (facts.verdict, facts.severity) = (verdict, severity);
    }
    facts.supply(supplied);
    Ok((facts, extent))
}

/// The template that is named, or the most particular one that fits.
///
/// # Errors
/// A refusal when there is none.
pub async fn choose(app: &App, asked: &FromTemplate, wanted: &rules::Wanted<'_>) -> Result<Template> {
    let templates = all(app).await?;
    let refuse = |message: String| {
        Error::Refused(vec![Refusal::on(RefusalCode::UnknownReference, "fromTemplate", message)])
    };
    match &asked.key {
        Some(key) => {
            let found = templates.into_iter().find(|template| template.key == *key && template.active);
            let found = found.ok_or_else(|| refuse(format!("there is no template {key:?}: see replyTemplates")))?;
            if found.kind != wanted.kind {
                return Err(refuse(format!("the template {key:?} is for {}", found.kind)));
            }
            Ok(found)
        }
        None => rules::fitting(&templates, wanted).first().map(|&template| template.clone()).ok_or_else(|| {
            let (kind, language) = (wanted.kind, wanted.language);
            refuse(format!("no template fits a {kind} in {language}: write the text, or add one (createReplyTemplate)"))
        }),
    }
}

/// Names of the facts that an obligation's own form asks for, whoever writes the text: those of the template that its
/// regime and stage have for this channel. None where they have none.
fn demanded(
    templates: &[Template],
    owed: &obligation::Model,
    event: &event::Model,
    channel: &channel::Model,
    language: &str,
) -> Vec<String> {
    let answers = regime::of(owed.regime, owed.kind, &channel.key);
    if answers.regime.is_none() {
        return Vec::new();
    }
    let form = |language: &str| {
        let wanted = rules::Wanted {
            channel: (channel.id, channel.kind),
            kind: owed.kind,
            regime: answers.regime,
            stage: answers.stage,
            verdict: event.verdict,
            language,
        };
        let fitting = rules::fitting(templates, &wanted);
        fitting.into_iter().find(|template| template.regime.as_deref() == answers.regime).cloned()
    };
    let found = form(language).or_else(|| templates.iter().find_map(|template| form(&template.language)));
    found.map(|template| template.required).unwrap_or_default()
}

/// What a reply still lacks of what its template demands, and of what is asked for where it is owed.
///
/// # Errors
/// Of the database.
pub async fn still_missing(
    app: &App,
    reader: Option<&Actor>,
    event: &event::Model,
    channel: &channel::Model,
    reply: &reply::Model,
) -> Result<Vec<Refusal>> {
    let mut refusals: Vec<_> = rules::unfilled(&reply.subject, &reply.body).into_iter().collect();
    let mut required = reply.required.as_ref().map(|required| required.0.clone()).unwrap_or_default();
    let owed = crate::reply::store::obligations_of(app, reply.id).await?;
    if !owed.is_empty() {
        let templates = all(app).await?;
        required
            .extend(owed.iter().flat_map(|owed| demanded(&templates, owed, event, channel, &reply.language)));
    }
    if !required.is_empty() {
        let supplied = supplied_of(reply)?;
        let to = To::new(channel, reply.report_id, &owed);
        let (facts, _) = facts_for(app, reader, event, &to, &reply.language, &supplied).await?;
        refusals.extend(rules::missing_refusals(&facts.missing(&required)));
    }
    Ok(refusals)
}

/// What a reply's drafter supplied.
///
/// # Errors
/// When the row does not hold what this product writes.
pub fn supplied_of(reply: &reply::Model) -> Result<BTreeMap<String, String>> {
    let Some(supplied) = &reply.supplied else { return Ok(BTreeMap::new()) };
    serde_json::from_value(supplied.clone()).map_err(|error| Error::Internal(error.into()))
}
