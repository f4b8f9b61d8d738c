//! The API of mails about reports.

use async_graphql::{Context, ID, Object};
use chrono::{DateTime, Utc};
use entity::vocabulary::MailVerification;
use entity::{attachment, comment, inbound_mail};
use uuid::Uuid;

use super::store;
use crate::attachment::graphql::Attachment;
use crate::auth::policy::{Action, allows};
use crate::comment::graphql::Comment;
use crate::graphql::errors::ApiResult;
use crate::graphql::page::{self, Connection, PageInput};
use crate::graphql::{self, loaders, scalars};

/// A mail about a report. 与报告有关的邮件。
pub struct ReportMail(pub inbound_mail::Model);

impl From<inbound_mail::Model> for ReportMail {
    fn from(row: inbound_mail::Model) -> Self {
        Self(row)
    }
}

/// A mail that became a report, or belongs to one. Anybody can write any sender: see `verification`.
/// 成为报告或归入报告的邮件。发件人可被伪造，见 verification。
#[Object]
impl ReportMail {
    /// Opaque id. 标识。
    pub async fn id(&self) -> ID {
        scalars::id::<inbound_mail::Entity>(self.0.id)
    }

    /// Subject as received. 主题（原文）。
    async fn subject(&self) -> &str {
        &self.0.subject
    }

    /// Its text; null where it became a version of the report or a message of its reporter. 正文；已成为报告版本或报告人留言时为空。
    async fn text(&self) -> Option<&str> {
        self.0.text.as_deref()
    }

    /// The message of its reporter that it became; null when it became none. 所成为的报告人留言；没有时为空。
    async fn message(&self, ctx: &Context<'_>) -> ApiResult<Option<Comment>> {
        let Some(id) = self.0.comment_id else { return Ok(None) };
        Ok(loaders::lookup::<comment::Entity>(ctx, id).await?.map(Into::into))
    }

    /// Address that it says it is from; null when it names none or several, when it is erased, and when your roles may not
    /// read reporters. 邮件所称的发件人地址；未注明、注明多个、已清除或无权查看报告人时为空。
    async fn sender(&self, ctx: &Context<'_>) -> Option<&str> {
        self.0.sender.as_deref().filter(|_| allows(graphql::actor(ctx), Action::ReadReporters))
    }

    /// Whether it names the report's reporter as its sender. 所称发件人是否为报告人。
    async fn from_reporter(&self) -> bool {
        self.0.from_reporter
    }

    /// Whether its sender is who it says. 发件人真实性。
    async fn verification(&self) -> MailVerification {
        self.0.verification
    }

    /// The mail itself and the files in it, at most 101; those beyond stand in the mail itself. 邮件原文及其附件，最多 101 个；其余见原文。
    async fn attachments(&self, ctx: &Context<'_>) -> ApiResult<Vec<Attachment>> {
        let rows = loaders::children::<attachment::Entity>(ctx, self.0.id).await?;
        Ok(rows.iter().cloned().map(Into::into).collect())
    }

    /// When it was received. 接收时间。
    async fn received_at(&self) -> DateTime<Utc> {
        self.0.received_at
    }

    /// When it was recorded here. 登记时间。
    async fn recorded_at(&self) -> DateTime<Utc> {
        self.0.recorded_at
    }

    /// Subject who recorded it. 登记人。
    async fn recorded_by(&self) -> &str {
        &self.0.recorded_by
    }
}

/// The mails about a report that the caller has found and reads as received, oldest first.
pub(crate) async fn of_report(
    ctx: &Context<'_>,
    report: Uuid,
    input: PageInput,
) -> ApiResult<Connection<ReportMail>> {
    let page = page::read(
        &graphql::app(ctx).database,
        store::of_report(graphql::actor(ctx), report),
        store::IN_ORDER,
        &input,
    )
    .await?;
    Ok(Connection::new(page))
}
