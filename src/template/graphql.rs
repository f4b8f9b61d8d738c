//! The API of reply templates.

use std::sync::Arc;

use async_graphql::{ComplexObject, Context, Object, SimpleObject};
use chrono::{DateTime, Utc};
use entity::vocabulary::{ChannelKind, ReplyFormat, ReplyKind, Verdict};
use entity::{channel, event, obligation, report};

use super::facts::Description;
use super::{CreateReplyTemplate, FromTemplate, Template, UpdateReplyTemplate, facts, store};
use crate::auth::policy::{Action, require};
use crate::channel::graphql::Channel;
use crate::error::Error;
use crate::graphql::errors::ApiResult;
use crate::graphql::loaders::lookup;
use crate::graphql::page::{self, Connection, PageInput};
use crate::graphql::scalars::Id;
use crate::graphql::{actor, app};
use crate::outbox::retrying;

/// A text that replies are made from, stored or built in.
pub struct ReplyTemplate(pub Template);

impl From<Template> for ReplyTemplate {
    fn from(template: Template) -> Self {
        Self(template)
    }
}

crate::payload! {
    /// A template after a change. 变更后的模板。
    ReplyTemplatePayload {
        /// It as it now is; null when the change was refused. 变更后的模板；被拒绝时为空。
        reply_template: ReplyTemplate
    }
}

/// A text that replies are made from, stored or built in; its key identifies it. 回复模板，自建或内置；以标识识别。
#[Object]
impl ReplyTemplate {
    /// Stable short name. 模板标识。
    async fn key(&self) -> &str {
        &self.0.key
    }

    /// Name shown to people. 名称。
    async fn name(&self) -> &str {
        &self.0.name
    }

    /// Whether it came with the product. 是否内置。
    async fn builtin(&self) -> bool {
        self.0.builtin
    }

    /// False when it is no longer offered. 是否启用。
    async fn active(&self) -> bool {
        self.0.active
    }

    /// Number of its text; 0 for a built-in one. 文本序号；内置为 0。
    async fn number(&self) -> i32 {
        self.0.number
    }

    /// For this channel only; null for any, and when your roles may not read channels. 仅适用于该渠道；不限或无权时为空。
    async fn channel(&self, ctx: &Context<'_>) -> ApiResult<Option<Channel>> {
        match self.0.channel.filter(|_| crate::auth::policy::allows(actor(ctx), Action::ReadChannels)) {
            Some(id) => Ok(lookup::<channel::Entity>(ctx, id).await?.map(Channel::from)),
            None => Ok(None),
        }
    }

    /// For channels of this kind only; null for any. 仅适用于该类渠道；不限为空。
    async fn channel_kind(&self) -> Option<ChannelKind> {
        self.0.channel_kind
    }

    /// What it answers. 回复类型。
    async fn kind(&self) -> ReplyKind {
        self.0.kind
    }

    /// For this regime only; null for any. 仅适用于该制度；不限为空。
    async fn regime(&self) -> Option<&str> {
        self.0.regime.as_deref()
    }

    /// For this stage of the regime only; null for any. 仅适用于该阶段；不限为空。
    async fn stage(&self) -> Option<&str> {
        self.0.stage.as_deref()
    }

    /// For this verdict only; null for any. 仅适用于该结论；不限为空。
    async fn verdict(&self) -> Option<Verdict> {
        self.0.verdict
    }

    /// BCP 47 tag. 语言标签。
    async fn language(&self) -> &str {
        &self.0.language
    }

    /// Subject line, a template. 主题模板。
    async fn subject(&self) -> &str {
        &self.0.subject
    }

    /// Body, a template in Markdown. 正文模板。
    async fn body(&self) -> &str {
        &self.0.body
    }

    /// Facts without which the reply is not approved. 必备事实。
    async fn required(&self) -> Vec<TemplateFact> {
        self.0.required.iter().filter_map(|name| facts::described(name)).map(Into::into).collect()
    }

    /// Formats that the reply is rendered to. 输出格式。
    async fn formats(&self) -> &[ReplyFormat] {
        &self.0.formats
    }

    /// The texts that it had, newest first; none for a built-in one. 历次文本，最新在前；内置模板无。
    async fn texts(&self, ctx: &Context<'_>) -> ApiResult<Vec<ReplyTemplateText>> {
        let rows = store::texts(app(ctx), &self.0.key).await?;
        Ok(rows
            .into_iter()
            .map(|row| ReplyTemplateText {
                number: row.number,
                subject: row.subject,
                body: row.body,
                required: row.required.0,
                formats: super::formats_of(&row.formats.0),
                author: row.author,
                created_at: row.created_at,
            })
            .collect())
    }

    /// Version to send as `expectedVersion`; 0 for a built-in one. 版本号；内置为 0。
    async fn version(&self) -> i32 {
        self.0.version
    }
}

/// One text that a template had. 模板的一版文本。
#[derive(SimpleObject)]
pub struct ReplyTemplateText {
    /// Counts up from 1. 序号。
    number: i32,
    /// Subject line. 主题。
    subject: String,
    /// Body. 正文。
    body: String,
    /// Names of required facts. 必备事实名称。
    required: Vec<String>,
    /// Formats. 输出格式。
    formats: Vec<ReplyFormat>,
    /// Subject who wrote it. 作者。
    author: String,
    /// When. 时间。
    created_at: DateTime<Utc>,
}

/// A fact that templates may name. 模板可用的事实。
#[derive(SimpleObject)]
pub struct TemplateFact {
    /// Its name in templates. 名称。
    name: &'static str,
    /// What it means, in English and Chinese. 含义（英文与中文）。
    meaning: &'static str,
    /// Whether the drafter supplies it: the event does not hold it. 是否由起草人提供。
    supplied: bool,
}

impl From<Description> for TemplateFact {
    fn from(fact: Description) -> Self {
        Self { name: fact.name, meaning: fact.meaning, supplied: fact.supplied }
    }
}

/// What a template makes of an event, before anything is drafted. 模板预览。
#[derive(SimpleObject)]
#[graphql(complex)]
pub struct ReplyPreview {
    /// The template that was chosen. 所选模板。
    template: ReplyTemplate,
    /// BCP 47 tag. 语言标签。
    language: String,
    /// Subject line. 主题。
    subject: String,
    /// Body in Markdown. 正文（Markdown）。
    body: String,
    /// Facts that are required and not known: they block the approval. 缺少的必备事实；缺少则不得批准。
    missing: Vec<TemplateFact>,
}

#[ComplexObject]
impl ReplyPreview {
    /// The body as plain text. 纯文本正文。
    async fn text(&self) -> String {
        crate::render::text::render(&self.body)
    }

    /// The body as HTML, cleaned. 网页正文（已净化）。
    async fn html(&self) -> String {
        crate::render::html::fragment(&self.body)
    }
}

/// Queries of reply templates.
#[derive(Default)]
pub struct TemplateQuery;

/// Queries of reply templates. 回复模板查询。
#[Object]
impl TemplateQuery {
    /// Templates by key, built-in ones included. 回复模板，按标识排序，含内置。
    #[allow(clippy::too_many_arguments, reason = "a filter and a page's arguments")]
    async fn reply_templates(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Only of this kind of reply. 回复类型。")] kind: Option<ReplyKind>,
        #[graphql(desc = "Only of this language or another with the same first part. 语言。")]
        language: Option<String>,
        #[graphql(desc = "Items from the front, 1 to 100; 20 when left out. 从前往后的条数。")] first: Option<
            i32,
        >,
        #[graphql(desc = "Only what comes after this cursor. 该游标之后。")] after: Option<String>,
        #[graphql(desc = "Items from the back, 1 to 100. 从后往前的条数。")] last: Option<i32>,
        #[graphql(desc = "Only what comes before this cursor. 该游标之前。")] before: Option<String>,
    ) -> ApiResult<Connection<ReplyTemplate>> {
        require(actor(ctx), Action::ReadReplyTemplates)?;
        let main = |tag: &str| tag.split('-').next().unwrap_or_default().to_ascii_lowercase();
        let mut templates = super::all(app(ctx)).await?;
        templates.retain(|template| {
            kind.is_none_or(|kind| kind == template.kind)
                && language.as_deref().is_none_or(|language| main(language) == main(&template.language))
        });
        let input = PageInput { first, after, last, before };
        Ok(Connection::new(page::of_list("template+", templates, |template| &template.key, &input)?))
    }

    /// The facts that templates may name. 模板可用的事实。
    async fn template_facts(&self, ctx: &Context<'_>) -> ApiResult<Vec<TemplateFact>> {
        require(actor(ctx), Action::ReadReplyTemplates)?;
        Ok(facts::all().map(Into::into).collect())
    }

    /// What `draftReply` would make from a template: with an obligation, of the reports that it answers alone. Null when
    /// there is no such event, channel or obligation, or none that you may see. Nothing is written.
    /// 预览模板针对事件与渠道生成的回复，与起草结果一致；指明回复义务时仅涉及其所答复的报告。事件、渠道或义务不存在或不可见时为空。
    #[allow(clippy::too_many_arguments, reason = "what a draft is made from")]
    async fn preview_reply(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The event. 事件。")] event: Id<event::Entity>,
        #[graphql(desc = "The channel. 渠道。")] channel: Id<channel::Entity>,
        #[graphql(desc = "What is answered. 回复类型。")] kind: ReplyKind,
        #[graphql(
            desc = "What is owed: its regime and stage choose the template. 拟履行的回复义务，据其制度与阶段选择模板。"
        )]
        obligation: Option<Id<obligation::Entity>>,
        #[graphql(
            desc = "The report whose reporter is to get it; who wrote by mail, where the channel's route says so, when left out. 收件人为该报告的报告人；省略时按渠道设置回复以邮件报告者。"
        )]
        to_reporter: Option<Id<report::Entity>>,
        #[graphql(desc = "BCP 47 tag; the channel's when left out. 语言；省略时用渠道语言。")]
        language: Option<String>,
        #[graphql(desc = "Which template, and facts to supply. 所用模板与补充事实。", default)]
        from_template: FromTemplate,
    ) -> ApiResult<Option<ReplyPreview>> {
        let (app, caller): (&Arc<_>, _) = (app(ctx), actor(ctx));
        crate::reply::require_author(caller, Action::DraftReply, kind)?;
        let Some(event) = lookup::<event::Entity>(ctx, event.0).await? else { return Ok(None) };
        let Some(channel) = lookup::<channel::Entity>(ctx, channel.0).await? else { return Ok(None) };
        let owed = match obligation {
            Some(id) => match lookup::<obligation::Entity>(ctx, id.0).await? {
                Some(owed) => Some(owed),
                None => return Ok(None),
            },
            None => None,
        };
        let language = language.unwrap_or_else(|| channel.language.clone());
        let preview = crate::reply::Preview {
            kind,
            owed: owed.as_ref(),
            to_reporter: to_reporter.map(|report| report.0),
            language: &language,
            from: &from_template,
        };
        let previewed = Box::pin(crate::reply::preview(app, caller, &event, &channel, &preview));
        let (template, made) = match previewed.await {
            Ok(made) => made,
            Err(Error::Refused(refusals)) => {
                let field = refusals.iter().find_map(|refusal| refusal.field).unwrap_or("fromTemplate");
                let message = refusals.iter().map(|refusal| refusal.message.as_str()).collect::<Vec<_>>();
                return Err(Error::bad_input(field, message.join("; ")).into());
            }
            Err(other) => return Err(other.into()),
        };
        Ok(Some(ReplyPreview {
            template: template.into(),
            language,
            subject: made.subject,
            body: made.body,
            missing: made.missing.into_iter().map(Into::into).collect(),
        }))
    }
}

/// Changes of reply templates.
#[derive(Default)]
pub struct TemplateMutation;

/// Changes of reply templates. 回复模板变更。
#[Object]
impl TemplateMutation {
    /// Adds a template; one with the key of a built-in one takes its place. 新增模板；与内置模板同标识则取代之。
    async fn create_reply_template(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The template. 模板。")] input: CreateReplyTemplate,
    ) -> ApiResult<ReplyTemplatePayload> {
        ReplyTemplatePayload::of(retrying(|| super::create(app(ctx), actor(ctx), &input)).await)
    }

    /// Gives a template another text; what was drafted from it stays. 修改模板文本；已起草的回复不受影响。
    async fn update_reply_template(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The new text. 新文本。")] input: UpdateReplyTemplate,
    ) -> ApiResult<ReplyTemplatePayload> {
        ReplyTemplatePayload::of(retrying(|| super::update(app(ctx), actor(ctx), &input)).await)
    }
}
