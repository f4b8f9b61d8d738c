//! The API of attachments.

use async_graphql::{Context, ID, Object};
use chrono::{DateTime, Utc};
use entity::vocabulary::{AttachmentKind, PictureVerdict};
use entity::{attachment, report};
use uuid::Uuid;

use super::{ReleaseAttachment, RemoveAttachment, http, store};
use crate::auth::policy::Action;
use crate::graphql::errors::ApiResult;
use crate::graphql::page::{self, Connection, PageInput};
use crate::graphql::{self, loaders, scalars};
use crate::outbox::retrying;
use crate::payload;

/// A file of a report. 报告的文件。
pub struct Attachment(pub attachment::Model);

impl From<attachment::Model> for Attachment {
    fn from(row: attachment::Model) -> Self {
        Self(row)
    }
}

impl Attachment {
    /// What only those learn who see the report's event from inside, as `action` lets their role.
    async fn inside<T>(&self, ctx: &Context<'_>, action: Action, value: Option<T>) -> ApiResult<Option<T>> {
        let Some(value) = value else { return Ok(None) };
        let report = loaders::lookup::<report::Entity>(ctx, self.0.report_id).await?;
        // The team may have the file without the report.
        let event = report.map(|report| report.event_id).or(self.0.released_event_id);
        let Some(event) = event else { return Ok(None) };
        Ok(loaders::inside(ctx, event, action).await?.then_some(value))
    }
}

/// A file that came with a report or was added to it, kept to the byte. Nobody looked inside: its sender named it and its
/// type. 随报告收到或后来补充的文件，按原始字节保存；名称与类型均由发送者给出，未经检查。
#[Object]
impl Attachment {
    /// Opaque id. 标识。
    pub async fn id(&self) -> ID {
        scalars::id::<attachment::Entity>(self.0.id)
    }

    /// Where its bytes are downloaded, on this server, with the same token as here; files are added by POST to `/files`.
    /// 下载路径（使用相同的令牌）；上传请 POST 至 `/files`。
    async fn path(&self) -> String {
        http::path(&self.0)
    }

    /// Whether its bytes are there: they go when it is removed, and those of an original mail when its sender is erased.
    /// 内容是否仍在：附件被移除或邮件原文的发件人被删除后不再保留。
    async fn available(&self) -> bool {
        self.0.file_id.is_some()
    }

    /// What it is. 类型。
    async fn kind(&self) -> AttachmentKind {
        self.0.kind
    }

    /// Name as its sender gave it. 文件名（由发送者给出）。
    async fn name(&self) -> &str {
        &self.0.name
    }

    /// Media type as its sender gave it. 媒体类型（由发送者给出）。
    async fn media_type(&self) -> &str {
        &self.0.media_type
    }

    /// Number of bytes. 字节数。
    async fn size(&self) -> i64 {
        self.0.size
    }

    /// SHA-256 of its bytes, in hexadecimal. 内容的 SHA-256。
    async fn sha256(&self) -> String {
        hex::encode(&self.0.sha256)
    }

    /// What came of looking whether it is a picture that can be compared with others; null until that was done, and to
    /// reporters and services. 图片比对结果；尚未处理及对报告人与服务为空。
    async fn picture(&self, ctx: &Context<'_>) -> ApiResult<Option<PictureVerdict>> {
        let found = loaders::lookup::<entity::picture::Entity>(ctx, self.0.id).await?;
        self.inside(ctx, Action::ReadDuplicates, found.map(|found| found.verdict)).await
    }

    /// When it was received. 接收时间。
    async fn received_at(&self) -> DateTime<Utc> {
        self.0.received_at
    }

    /// Who added it; null to those who do not read reports as received. 添加人；无原始报告读取权限时为空。
    async fn added_by(&self, ctx: &Context<'_>) -> ApiResult<Option<&str>> {
        self.inside(ctx, Action::ReadRawReports, Some(self.0.added_by.as_str())).await
    }

    /// When the team was let have it; null while it is not, and to reporters and services.
    /// 向团队开放的时间；未开放及对报告人与服务为空。
    async fn released_at(&self, ctx: &Context<'_>) -> ApiResult<Option<DateTime<Utc>>> {
        self.inside(ctx, Action::ReadEvents, self.0.released_at).await
    }

    /// Who let the team have it; null while nobody did, and to reporters and services.
    /// 开放人；未开放及对报告人与服务为空。
    async fn released_by(&self, ctx: &Context<'_>) -> ApiResult<Option<&str>> {
        self.inside(ctx, Action::ReadEvents, self.0.released_by.as_deref()).await
    }

    /// When it was removed; null while it is not. 移除时间；未移除为空。
    async fn removed_at(&self) -> Option<DateTime<Utc>> {
        self.0.removed_at
    }

    /// Who removed it; null while nobody did. 移除人；未移除为空。
    async fn removed_by(&self, ctx: &Context<'_>) -> ApiResult<Option<&str>> {
        self.inside(ctx, Action::ReadRawReports, self.0.removed_by.as_deref()).await
    }

    /// Version to send as `expectedVersion` of its next change. 版本，用于下一次变更的 expectedVersion。
    async fn version(&self) -> i32 {
        self.0.version
    }
}

/// The attachments of a report that the caller has found, as far as they may read them, oldest first.
pub(crate) async fn of_report(
    ctx: &Context<'_>,
    report: Uuid,
    input: PageInput,
) -> ApiResult<Connection<Attachment>> {
    let select = store::of_report(graphql::actor(ctx), report);
    let page = page::read(&graphql::app(ctx).database, select, store::IN_ORDER, &input).await?;
    Ok(Connection::new(page))
}

/// What was released to the team of an event whose content the caller has found, oldest first.
pub(crate) async fn released_on(
    ctx: &Context<'_>,
    event: Uuid,
    input: PageInput,
) -> ApiResult<Connection<Attachment>> {
    let select = store::released_on(event);
    let page = page::read(&graphql::app(ctx).database, select, store::IN_ORDER, &input).await?;
    Ok(Connection::new(page))
}

payload! {
    /// An attachment after a change. 变更后的附件。
    AttachmentPayload {
        /// The attachment as it now is; null when the change was refused. 变更后的附件；被拒绝时为空。
        attachment: Attachment
    }
}

/// Mutations of attachments.
#[derive(Default)]
pub struct AttachmentMutation;

/// Mutations of attachments. 附件的变更操作。
#[Object]
impl AttachmentMutation {
    /// Removes a file from its report: nobody downloads it any more, replies that have not left lose it and are drafts
    /// again, and its bytes go unless another attachment has the same or they were sent. ANALYST.
    /// 从报告移除文件：不再可下载，未发送的回复随之去除并退回草稿；若无其他附件使用相同内容且未曾发送，则删除其字节（安全运营）。
    async fn remove_attachment(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which, and why. 附件与原因。")] input: RemoveAttachment,
    ) -> ApiResult<AttachmentPayload> {
        let (app, actor) = (graphql::app(ctx), graphql::actor(ctx));
        AttachmentPayload::of(retrying(|| super::remove_attachment(app, actor, &input)).await)
    }

    /// Lets everybody who sees the event's content have a file of one of its reports; an original mail never. ANALYST.
    /// 向可见事件内容的所有成员开放报告的某个文件；邮件原文不可开放（安全运营）。
    async fn release_attachment(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which. 附件。")] input: ReleaseAttachment,
    ) -> ApiResult<AttachmentPayload> {
        let (app, actor) = (graphql::app(ctx), graphql::actor(ctx));
        AttachmentPayload::of(retrying(|| super::release_attachment(app, actor, &input)).await)
    }

    /// Keeps a file from the team again; who downloaded it has it. ANALYST. 收回已向团队开放的文件；已下载者不受影响（安全运营）。
    async fn retract_attachment(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which. 附件。")] input: ReleaseAttachment,
    ) -> ApiResult<AttachmentPayload> {
        let (app, actor) = (graphql::app(ctx), graphql::actor(ctx));
        AttachmentPayload::of(retrying(|| super::retract_attachment(app, actor, &input)).await)
    }
}
