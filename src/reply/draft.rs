//! Writing replies.

use std::collections::BTreeMap;

use async_graphql::InputObject;
use entity::vocabulary::{ObligationState, ReplyExtent, ReplyKind, ReplyState, ReplyVia};
use entity::{
    attachment, channel, event, obligation, reply, reply_attachment, reply_draft, reply_obligation, report,
};
use serde::Serialize;
use uuid::Uuid;

use super::attach::Grounds;
use super::destination::{self, Destination, Named};
use super::{
    LONG, attach, blank, channel_of, handover, require_author, require_line, rules, save, store, tell,
    to_reporter,
};
use crate::app::App;
use crate::auth::Actor;
use crate::auth::policy::{Action, allows, require};
use crate::error::{Error, Refusal, RefusalCode, Result};
use crate::event::{expect_version, require_text};
use crate::graphql::scalars::Id;
use crate::idempotency::{self, Replay};
use crate::outbox::{Bump, ChangeSet};
use crate::protection;
use crate::template::facts::Facts;
use crate::template::{self, FromTemplate, SuppliedFact};

/// A first draft of a reply. 回复初稿。
#[derive(Clone, Debug, InputObject, Serialize)]
pub struct DraftReply {
    /// The event. 事件。
    pub event: Id<event::Entity>,
    /// The version of the event that was seen. 所见的事件版本。
    pub expected_version: i32,
    /// The channel; may be left out when obligations are named. 渠道；已指明回复义务时可省略。
    pub channel: Option<Id<channel::Entity>>,
    /// Open obligations of this kind to one channel, which it will meet. 拟履行的回复义务，须为同一渠道且类型相同。
    pub obligations: Option<Vec<Id<obligation::Entity>>>,
    /// What it answers. 回复类型。
    pub kind: ReplyKind,
    /// BCP 47 tag; the channel's language when left out. 语言标签；省略时用渠道语言。
    pub language: Option<String>,
    /// Subject line; may be left out when a template makes one. 主题；由模板生成时可省略。
    pub subject: Option<String>,
    /// Body in Markdown; may be left out when a template makes one. 正文（Markdown）；由模板生成时可省略。
    pub body: Option<String>,
    /// The template that it is made from; what it requires then blocks the approval while it is missing.
    /// 所用模板；其必备事实缺少时不得批准。
    pub from_template: Option<FromTemplate>,
    /// Facts that the event does not hold, for a text that no template makes: what the obligations' form requires blocks
    /// the approval of that too. 事件未记录的事实，用于非模板文本；回复义务所要求的必备事实缺少时同样不得批准。
    pub facts: Option<Vec<SuppliedFact>>,
    /// By which way it is to go; by the channel's route when left out. 发送方式；省略时按渠道设置。
    pub via: Option<ReplyVia>,
    /// Address that the e-mail is to go to, one of the channel's; its route's when left out.
    /// 收件地址，须为该渠道的地址；省略时用渠道设置。
    pub to: Option<String>,
    /// The report whose reporter gets the e-mail, in the thread of their mails; left out, who wrote by mail gets it where
    /// the channel's route says so. 收件人为该报告的报告人，邮件接续其往来；省略时按渠道设置回复以邮件报告者。
    pub to_reporter: Option<Id<report::Entity>>,
    /// Files of the event's reports that are to go with it; others are uploaded to `/files?reply=`.
    /// 随回复发送的报告文件；其他文件上传至 `/files?reply=`。
    pub attach: Option<Vec<Id<attachment::Entity>>>,
    /// The same key with the same input drafts one reply only. 幂等键。
    pub idempotency_key: Option<String>,
}

/// Drafts a reply to a channel, in any status of the event.
///
/// # Errors
/// By policy, visibility and version; BAD_USER_INPUT on its texts; refusals when channel and obligations do not
/// fit together.
pub async fn draft_reply(app: &App, actor: &Actor, input: &DraftReply) -> Result<reply::Model> {
    require_author(actor, Action::DraftReply, input.kind)?;
    let subject = input.subject.as_deref().map(|text| require_line("input.subject", text)).transpose()?;
    let body = input.body.as_deref().map(|text| require_text("input.body", text, LONG)).transpose()?;
    let mut supplied = template::supplied("input.facts", input.facts.as_deref().unwrap_or_default())?;
    if let Some(from) = &input.from_template {
        supplied.extend(template::supplied("input.fromTemplate.facts", &from.facts)?);
    }
    if input.from_template.is_none() && (subject.is_none() || body.is_none()) {
        return Err(Error::bad_input("input.body", "send subject and body, or fromTemplate"));
    }
    let language = input.language.as_deref().map(require_language).transpose()?;
    let named = Named::read(input.via, input.to.as_deref())?;
    let key =
        match idempotency::replay(app, actor, Action::DraftReply, input.idempotency_key.as_deref(), input)
            .await?
        {
            Replay::Done(id) => return Ok(store::find(app, actor, id).await?.1),
            Replay::First(key) => key,
        };
    let event = crate::event::store::find(app, actor, input.event.0).await?;
    expect_version(event.version, input.expected_version)?;
    let obligations = open_obligations(app, input).await?;
    if input.from_template.is_some() {
        supply_questions(app, &obligations, &mut supplied).await?;
    }
    let channel = addressee(app, input, &obligations).await?;
    let language = language.unwrap_or_else(|| channel.language.clone());
    let reporter = input.to_reporter.map(|report| report.0);
    let destination = destined(app, (&event, &channel), &obligations, named, reporter).await?;
    let verdict = store::verdict_in_force(app, event.id).await?;
    let to = template::To::new(&channel, destination.reporter.map(|reporter| reporter.report), &obligations);
    let (facts, extent) = facts_for_drafter(app, actor, &event, &to, &language, &supplied).await?;
    let made = match &input.from_template {
        Some(from) => {
            let owed = (input.kind, obligations.first());
            Some(make(app, &event, &channel, owed, &language, from, &facts).await?)
        }
        None => None,
    };
    let chosen = attach::chosen(app, actor, &event, input.attach.as_ref()).await?;
    let as_made = made.is_some() && subject.is_none() && body.is_none() && chosen.is_empty();
    let (template, subject, body) = match made {
        Some((template, made)) => {
            (Some(template), subject.unwrap_or(made.subject), body.unwrap_or(made.body))
        }
        None => (None, subject.unwrap_or_default(), body.unwrap_or_default()),
    };
    let template = template.as_ref();
    let subject = require_line("input.subject", &subject)?;

    let mut changes = ChangeSet::new(app, actor, Action::DraftReply);
    let text = Text { kind: input.kind, language, subject, body, template, supplied };
    let basis = Basis { as_made, verdict, extent, destination };
    let reply = new_reply(app, &changes, &event, &channel, text, basis)?;
    write(app, &mut changes, &reply, &obligations);
    let files = attach::rows(app, &changes, (reply.id, Grounds { verdict, extent }), chosen, &[]);
    rules::may_carry(&files, app.replies.attachment_bytes)
        .map_err(|refusal| Error::Refused(vec![refusal]))?;
    files.iter().for_each(|row| changes.insert(row));
    if let Some(key) = &key {
        changes.remember(key, reply.id);
    }
    tell(app, &mut changes, &reply, false);
    changes.revise(app, &event, event.clone(), Some(event.id), Bump::Version);
    app.commit(changes).await?;
    Ok(reply)
}

/// Where a reply goes that is to meet `owed`: as the caller names it, or by the channel's route.
async fn destined(
    app: &App,
    (event, channel): (&event::Model, &channel::Model),
    owed: &[obligation::Model],
    mut named: Named,
    reporter: Option<Uuid>,
) -> Result<Destination> {
    let route = handover::store::route(app, channel.id).await?;
    named.usual = to_reporter::by_default(app, owed).await?;
    if let Some(report) = reporter {
        let reporter = to_reporter::named(app, event, channel, report, owed).await?;
        named = named.to_reporter(Some(reporter))?;
    }
    destination::choose(channel, route.as_ref(), &named)
}

/// What is to be shown before anything is drafted.
#[derive(Clone, Debug)]
pub(crate) struct Preview<'a> {
    /// What it answers.
    pub kind: ReplyKind,
    /// What it is to meet.
    pub owed: Option<&'a obligation::Model>,
    /// The report whose reporter is to get it.
    pub to_reporter: Option<Uuid>,
    /// BCP 47 tag.
    pub language: &'a str,
    /// Which template, and facts to supply.
    pub from: &'a FromTemplate,
}

/// What [`draft_reply`] would make from a template, for the same readers: of the channel's other reports it says nothing
/// where the draft would not. Nothing is written.
///
/// # Errors
/// By policy; refusals where the draft would be refused for its obligation, reporter or template.
pub(crate) async fn preview(
    app: &App,
    actor: &Actor,
    event: &event::Model,
    channel: &channel::Model,
    input: &Preview<'_>,
) -> Result<(template::Template, template::Made)> {
    require_author(actor, Action::DraftReply, input.kind)?;
    let mut supplied = template::supplied("fromTemplate.facts", &input.from.facts)?;
    let owed = input.owed.map(std::slice::from_ref).unwrap_or_default();
    if let Some(owed) = owed.first()
        && (owed.event_id, owed.channel_id, owed.kind) != (event.id, channel.id, input.kind)
    {
        let message = "name an obligation of this event and channel, of the reply's own kind";
        return Err(Error::bad_input("obligation", message));
    }
    supply_questions(app, owed, &mut supplied).await?;
    let destination = destined(app, (event, channel), owed, Named::default(), input.to_reporter).await?;
    let to = template::To::new(channel, destination.reporter.map(|reporter| reporter.report), owed);
    let (facts, _) = facts_for_drafter(app, actor, event, &to, input.language, &supplied).await?;
    make(app, event, channel, (input.kind, input.owed), input.language, input.from, &facts).await
}

/// Puts the questions that a reply is to answer, as they are on record, where its drafter has no words of their own for them.
async fn supply_questions(
    app: &App,
    owed: &[obligation::Model],
    supplied: &mut BTreeMap<String, String>,
) -> Result<()> {
    const FACT: &str = "question";
    if supplied.contains_key(FACT) {
        return Ok(());
    }
    let asked = crate::deadline::store::questions(app, owed).await?;
    if !asked.is_empty() {
        supplied.insert(FACT.to_owned(), asked.join("\n"));
    }
    Ok(())
}

/// What a reply says, and what it was made from.
pub(super) struct Text<'a> {
    /// What it answers.
    pub(super) kind: ReplyKind,
    /// BCP 47 tag.
    pub(super) language: String,
    /// Subject line.
    pub(super) subject: String,
    /// Body in Markdown.
    pub(super) body: String,
    /// The template.
    pub(super) template: Option<&'a template::Template>,
    /// What was supplied for it.
    pub(super) supplied: BTreeMap<String, String>,
}

/// What its approval will be bound to.
pub(super) struct Basis {
    /// Whether subject and body are as the template made them.
    pub(super) as_made: bool,
    /// The verdict in force.
    pub(super) verdict: Option<Uuid>,
    /// How much may leave to the channel.
    pub(super) extent: ReplyExtent,
    /// Where it goes.
    pub(super) destination: Destination,
}

/// A reply as it is drafted first.
pub(super) fn new_reply(
    app: &App,
    changes: &ChangeSet,
    event: &event::Model,
    channel: &channel::Model,
    text: Text<'_>,
    basis: Basis,
) -> Result<reply::Model> {
    let template = text.template;
    let Basis { as_made, verdict, extent, destination } = basis;
    Ok(reply::Model {
        language: text.language,
        subject: text.subject,
        body: text.body,
        template: template.map(|template| template.key.clone()),
        template_number: template.map(|template| template.number),
        required: template.map(|template| template.required.clone().into()),
        supplied: supplied_column(&text.supplied)?,
        formats: template
            .map(|template| template.formats.iter().map(ToString::to_string).collect::<Vec<_>>().into()),
        as_made,
        verdict_id: verdict,
        extent: Some(extent),
        ..destination.put(blank(
            app.ids.next(),
            event.id,
            channel.id,
            text.kind,
            changes.actor(),
            changes.at(),
        ))
    })
}

/// Writes a reply that is drafted first, with the obligations that it will meet.
pub(super) fn write(
    app: &App,
    changes: &mut ChangeSet,
    reply: &reply::Model,
    obligations: &[obligation::Model],
) {
    changes.insert(reply);
    write_draft(app, changes, reply);
    for obligation in obligations {
        changes.insert(&reply_obligation::Model { reply_id: reply.id, obligation_id: obligation.id });
    }
}

/// Drafts a question to the channel of a report, inside the caller's change: what is said to a database or regulator
/// leaves as a reply that somebody approved.
///
/// # Errors
/// Of the database.
pub(crate) async fn draft_question(
    app: &App,
    changes: &mut ChangeSet,
    event: &event::Model,
    channel: &channel::Model,
    report: &report::Model,
    question: &str,
) -> Result<()> {
    let number = report.channel_number.as_deref().unwrap_or(&event.number);
    let chinese = channel.language.to_ascii_lowercase().starts_with("zh");
    let subject =
        if chinese { format!("请补充信息：{number}") } else { format!("A question about {number}") };
    let text = Text {
        kind: ReplyKind::FollowUp,
        language: channel.language.clone(),
        subject,
        body: question.to_owned(),
        template: None,
        supplied: BTreeMap::new(),
    };
    let reach = protection::store::reach(app, event, channel).await?;
    let route = handover::store::route(app, channel.id).await?;
    let named = Named { usual: to_reporter::who_wrote(app, report.id).await?, ..Named::default() };
    let basis = Basis {
        as_made: false,
        verdict: store::verdict_in_force(app, event.id).await?,
        extent: template::facts::extent(channel.kind, &reach),
        destination: destination::choose(channel, route.as_ref(), &named)?,
    };
    let reply = new_reply(app, changes, event, channel, text, basis)?;
    write(app, changes, &reply, &[]);
    tell(app, changes, &reply, false);
    Ok(())
}

/// What a template makes of the event for the channel. Where the drafter names neither template nor regime, the
/// obligation says which regime and stage it is for.
pub(super) async fn make(
    app: &App,
    event: &event::Model,
    channel: &channel::Model,
    (kind, owed): (ReplyKind, Option<&obligation::Model>),
    language: &str,
    from: &FromTemplate,
    facts: &Facts,
) -> Result<(template::Template, template::Made)> {
    let answers = template::regime::of(owed.and_then(|row| row.regime), kind, &channel.key);
    let refuse_other = |named: Option<&str>| {
        let other = named.filter(|named| owed.is_some() && answers.is_other(named));
        other.map_or(Ok(()), |named| Err(answers_other(named)))
    };
    refuse_other(from.regime.as_deref())?;
    let unnamed = if from.regime.is_some() { template::regime::Answers::default() } else { answers };
    let wanted = template::rules::Wanted {
        channel: (channel.id, channel.kind),
        kind,
        regime: from.regime.as_deref().or(unnamed.regime),
        stage: from.stage.as_deref().or(unnamed.stage),
        verdict: event.verdict,
        language,
    };
    let template = template::choose(app, from, &wanted).await?;
    refuse_other(template.regime.as_deref())?;
    let made = template::rules::make(&template, facts, language)?;
    Ok((template, made))
}

/// The refusal of a template that answers something else than what is owed.
fn answers_other(regime: &str) -> Error {
    let message = format!(
        "the obligation is not of the regime {regime:?}: leave regime and key out, or name those of its own (replyTemplates)"
    );
    Error::Refused(vec![Refusal::on(RefusalCode::Contradiction, "fromTemplate", message)])
}

/// What was supplied, as the row keeps it.
fn supplied_column(supplied: &BTreeMap<String, String>) -> Result<Option<serde_json::Value>> {
    if supplied.is_empty() {
        return Ok(None);
    }
    serde_json::to_value(supplied).map(Some).map_err(|error| Error::Internal(error.into()))
}

/// The obligations that the draft names: each once, open, of the event and of the reply's kind.
async fn open_obligations(app: &App, input: &DraftReply) -> Result<Vec<obligation::Model>> {
    let mut ids: Vec<Uuid> = input.obligations.iter().flatten().map(|id| id.0).collect();
    ids.sort_unstable();
    ids.dedup();
    let found = store::obligations(app, input.event.0, &ids).await?;
    let refuse = |code, message: &str| Err(Error::Refused(vec![Refusal::on(code, "obligations", message)]));
    if found.len() != ids.len() {
        return refuse(RefusalCode::UnknownReference, "name obligations of this event");
    }
    if found.iter().any(|row| row.state != ObligationState::Open) {
        return refuse(RefusalCode::Contradiction, "name open obligations: met and waived ones are settled");
    }
    if found.iter().any(|row| row.kind != input.kind) {
        return refuse(RefusalCode::Contradiction, "name obligations of the reply's own kind");
    }
    Ok(found)
}

/// The one channel that the reply goes to.
async fn addressee(
    app: &App,
    input: &DraftReply,
    obligations: &[obligation::Model],
) -> Result<channel::Model> {
    let named = input.channel.map(|id| id.0);
    let Some(id) = named.or_else(|| obligations.first().map(|row| row.channel_id)) else {
        return Err(Error::bad_input("input.channel", "name a channel or obligations"));
    };
    if obligations.iter().any(|row| row.channel_id != id) {
        return Err(Error::Refused(vec![Refusal::on(
            RefusalCode::Contradiction,
            "obligations",
            "a reply goes to one channel: draft one for each",
        )]));
    }
    store::channel(app, id).await?.ok_or_else(|| {
        Error::Refused(vec![Refusal::on(
            RefusalCode::UnknownReference,
            "channel",
            "there is no such channel: name another",
        )])
    })
}

fn require_language(tag: &str) -> Result<String> {
    // BCP 47 subtags: letters and digits, one to eight of them each, the first letters only.
    let mut subtags = tag.split('-');
    let first = subtags.next().unwrap_or_default();
    let fits = |subtag: &str| (1..=8).contains(&subtag.len());
    let well_formed = (2..=8).contains(&first.len())
        && first.bytes().all(|byte| byte.is_ascii_alphabetic())
        && subtags.all(|subtag| fits(subtag) && subtag.bytes().all(|byte| byte.is_ascii_alphanumeric()));
    if well_formed && tag.len() <= 35 {
        return Ok(tag.to_owned());
    }
    Err(Error::bad_input("input.language", "send a BCP 47 language tag, for example zh-CN or en"))
}

/// A new text of a reply; what is left out stays. 回复的新文本；未提供的保持不变。
#[derive(Clone, Debug, InputObject)]
pub struct ReviseReply {
    /// The reply. 回复。
    pub reply: Id<reply::Entity>,
    /// The version of the reply that was seen. 所见的回复版本。
    pub expected_version: i32,
    /// Subject line. 主题。
    pub subject: Option<String>,
    /// Body in Markdown. 正文（Markdown）。
    pub body: Option<String>,
    /// Facts that the event does not hold, added to those supplied before. 补充事件未记录的事实，加入已提供者。
    pub facts: Option<Vec<SuppliedFact>>,
    /// Files of the event's reports that are to go with it too. 追加随回复发送的报告文件。
    pub attach: Option<Vec<Id<attachment::Entity>>>,
    /// Files that are to go with it no longer. 不再随回复发送的文件。
    pub detach: Option<Vec<Id<reply_attachment::Entity>>>,
    /// By which way it is to go. 发送方式。
    pub via: Option<ReplyVia>,
    /// Address that the e-mail is to go to, one of the channel's. 收件地址，须为该渠道的地址。
    pub to: Option<String>,
    /// The report whose reporter gets the e-mail. 收件人为该报告的报告人。
    pub to_reporter: Option<Id<report::Entity>>,
}

/// Changes a reply's text or where it goes. It is a DRAFT again: an approval or a review under way was of something
/// else. Only a body that is written anew counts as written from what now is. A template's text that is to go to a reporter
/// for whom it was not made is made anew.
///
/// # Errors
/// By policy, visibility and version; BAD_USER_INPUT on its texts; a refusal when it left already, or was made for others
/// and changed since.
pub async fn revise_reply(app: &App, actor: &Actor, input: &ReviseReply) -> Result<reply::Model> {
    require(actor, Action::ReviseReply)?;
    let subject = input.subject.as_deref().map(|text| require_line("input.subject", text)).transpose()?;
    let body = input.body.as_deref().map(|text| require_text("input.body", text, LONG)).transpose()?;
    let added = template::supplied("input.facts", input.facts.as_deref().unwrap_or_default())?;
    let mut named = Named::read(input.via, input.to.as_deref())?;
    let attached = input.attach.iter().flatten().next().is_some();
    let detached = input.detach.iter().flatten().next().is_some();
    let changed = attached || detached || subject.is_some() || body.is_some();
    if !changed && added.is_empty() && named.is_empty() && input.to_reporter.is_none() {
        return Err(Error::bad_input(
            "input.body",
            "send a new subject, a new body, facts, files, or where it goes",
        ));
    }
    let (event, before) = store::find(app, actor, input.reply.0).await?;
    require_author(actor, Action::ReviseReply, before.kind)?;
    expect_version(before.version, input.expected_version)?;
    rules::may_revise(before.state).map_err(|refusal| Error::Refused(vec![refusal]))?;
    let mut supplied = template::supplied_of(&before)?;
    supplied.extend(added);
    let channel = channel_of(app, before.channel_id).await?;
    let route = handover::store::route(app, channel.id).await?;
    let owed = store::obligations_of(app, before.id).await?;
    if let Some(report) = &input.to_reporter {
        let reporter = to_reporter::named(app, &event, &channel, report.0, &owed).await?;
        named = named.to_reporter(Some(reporter))?;
    }
    named.usual = to_reporter::meant(app, &before).await?;
    let destination = destination::keep(&channel, route.as_ref(), &before, &named)?;
    let grounds = Grounds::now(app, &event, &channel).await?;
    let mut made = before.clone();
    let anew = subject.is_none() || body.is_none();
    if anew && to_reporter::rules::was_made_for_others(&before, destination.reporter) {
        let reporter = destination.reporter.map(|reporter| reporter.report);
        made = make_anew(app, actor, (&event, &channel), &before, (reporter, &owed), &supplied).await?;
    }
    let (verdict_id, extent) = if body.is_some() || made.body != before.body {
        (grounds.verdict, Some(grounds.extent))
    } else {
        (before.verdict_id, before.extent)
    };
    let mut changes = ChangeSet::new(app, actor, Action::ReviseReply);
    let chosen = attach::chosen(app, actor, &event, input.attach.as_ref()).await?;
    let files = exchange_files(app, &mut changes, (&before, grounds), chosen, input.detach.as_ref()).await?;
    let after = reply::Model {
        subject: subject.unwrap_or(made.subject),
        body: body.unwrap_or(made.body),
        template_number: made.template_number,
        required: made.required,
        supplied: supplied_column(&supplied)?,
        as_made: before.as_made && input.subject.is_none() && input.body.is_none() && files.is_empty(),
        verdict_id,
        extent,
        ..drafted_anew(&changes, &before)
    };
    let after = destination.put(after);
    write_draft(app, &mut changes, &after);
    save(app, changes, &event, &before, after, false).await
}

/// A reply with the text that its template makes for another reader: the reporter of one report hears of no other.
///
/// # Errors
/// A refusal when somebody changed the text since it was made: what in it was for others nobody can tell.
async fn make_anew(
    app: &App,
    actor: &Actor,
    (event, channel): (&event::Model, &channel::Model),
    before: &reply::Model,
    (reporter, owed): (Option<Uuid>, &[obligation::Model]),
    supplied: &BTreeMap<String, String>,
) -> Result<reply::Model> {
    if !before.as_made {
        return Err(Error::Refused(vec![to_reporter::rules::written_for_others()]));
    }
    let to = template::To::new(channel, reporter, owed);
    let (facts, _) = facts_for_drafter(app, actor, event, &to, &before.language, supplied).await?;
    let from = FromTemplate { key: before.template.clone(), ..FromTemplate::default() };
    let asked = (before.kind, owed.first());
    let (template, made) = make(app, event, channel, asked, &before.language, &from, &facts).await?;
    Ok(reply::Model {
        subject: require_line("input.subject", &made.subject)?,
        body: made.body,
        template_number: Some(template.number),
        required: Some(template.required.into()),
        ..before.clone()
    })
}

/// The facts for a text that the drafter reads at once: who may not read reports as received gets none of their titles by
/// this way.
async fn facts_for_drafter(
    app: &App,
    actor: &Actor,
    event: &event::Model,
    to: &template::To<'_>,
    language: &str,
    supplied: &BTreeMap<String, String>,
) -> Result<(Facts, ReplyExtent)> {
    let (mut facts, extent) = template::facts_for(app, Some(actor), event, to, language, supplied).await?;
    if !allows(actor, Action::ReadRawReports) {
        facts.report_title = supplied.get("report_title").cloned();
    }
    Ok((facts, extent))
}

/// Takes files out of a reply and puts others in; answers those that then go with it. One that is not there any more goes
/// by itself, and one that is chosen again is attached again if other things hold now.
async fn exchange_files(
    app: &App,
    changes: &mut ChangeSet,
    (reply, grounds): (&reply::Model, Grounds),
    chosen: Vec<attachment::Model>,
    detach: Option<&Vec<Id<reply_attachment::Entity>>>,
) -> Result<Vec<reply_attachment::Model>> {
    let there = store::attachments(app, reply.id).await?;
    let out: Vec<Uuid> = detach.into_iter().flatten().map(|id| id.0).collect();
    if out.iter().any(|id| !there.iter().any(|row| row.id == *id)) {
        let refusal =
            Refusal::on(RefusalCode::UnknownReference, "detach", "name files that go with this reply");
        return Err(Error::Refused(vec![refusal]));
    }
    let lost = store::gone_attachments(app, reply.id).await?;
    let is_again = |row: &reply_attachment::Model| {
        !grounds.are_of(row) && chosen.iter().any(|other| row.attachment_id == Some(other.id))
    };
    let (gone, mut files): (Vec<_>, Vec<_>) =
        there.into_iter().partition(|row| out.contains(&row.id) || lost.contains(row) || is_again(row));
    gone.iter().for_each(|row| store::detach(changes, row));
    let new = attach::rows(app, changes, (reply.id, grounds), chosen, &files);
    new.iter().for_each(|row| changes.insert(row));
    files.extend(new);
    rules::may_carry(&files, app.replies.attachment_bytes)
        .map_err(|refusal| Error::Refused(vec![refusal]))?;
    Ok(files)
}

/// A reply that is a draft again, by who changes it now: an approval or a review under way was of something else.
pub(super) fn drafted_anew(changes: &ChangeSet, before: &reply::Model) -> reply::Model {
    reply::Model {
        state: ReplyState::Draft,
        draft_number: before.draft_number + 1,
        drafted_by: changes.actor().to_owned(),
        drafted_at: changes.at(),
        approved_by: None,
        approved_at: None,
        ..before.clone()
    }
}

/// Writes the present text as one of the reply's drafts, and lets the reply be found by it.
pub(super) fn write_draft(app: &App, changes: &mut ChangeSet, reply: &reply::Model) {
    changes.write_row(&draft_of(app, reply));
    crate::search::index_reply(changes, reply);
}

/// The present text as a row of the reply's drafts.
fn draft_of(app: &App, reply: &reply::Model) -> reply_draft::Model {
    reply_draft::Model {
        id: app.ids.next(),
        reply_id: reply.id,
        number: reply.draft_number,
        subject: reply.subject.clone(),
        body: reply.body.clone(),
        author: reply.drafted_by.clone(),
        created_at: reply.drafted_at,
    }
}
