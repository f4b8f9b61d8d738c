//! The API of attachments.

use async_graphql::{Context, ID, Object};
use chrono::{DateTime, Utc};
use entity::attachment;
use entity::vocabulary::AttachmentKind;
use uuid::Uuid;

use super::store;
use crate::graphql::errors::ApiResult;
use crate::graphql::page::{self, Connection, PageInput};
use crate::graphql::{self, scalars};

/// A file that came with a report. 随报告收到的文件。
pub struct Attachment(pub attachment::Model);

impl From<attachment::Model> for Attachment {
    fn from(row: attachment::Model) -> Self {
        Self(row)
    }
}

/// A file that came with a report, kept to the byte. Nobody looked inside: its sender named it and its type.
/// 随报告收到的文件，按原始字节保存；名称与类型均由发送者给出，未经检查。
#[Object]
impl Attachment {
    /// Opaque id. 标识。
    pub async fn id(&self) -> ID {
        scalars::id::<attachment::Entity>(self.0.id)
    }

    /// Where its bytes are downloaded, on this server, with the same token as here. 下载路径（使用相同的令牌）。
    async fn path(&self) -> String {
        format!("/attachments/{}", scalars::id::<attachment::Entity>(self.0.id).as_str())
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

    /// When it was received. 接收时间。
    async fn received_at(&self) -> DateTime<Utc> {
        self.0.received_at
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
