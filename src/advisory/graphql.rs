//! The API of advisories.

use async_graphql::{Context, Object};

use super::{AdvisoryFormat, AdvisoryLanguage, Document, export};
use crate::error::Error;
use crate::graphql::errors::ApiResult;
use crate::graphql::{actor, app, sensitive};

/// An advisory. 安全公告文件。
pub struct Advisory(Document);

impl From<Document> for Advisory {
    fn from(document: Document) -> Self {
        Self(document)
    }
}

/// An advisory as a document that machines read. 机器可读的安全公告文件。
#[Object]
impl Advisory {
    /// Its form. 格式。
    async fn format(&self) -> AdvisoryFormat {
        self.0.format
    }

    /// Its text, to be kept as it is. 文件内容，须原样保存。
    async fn text(&self) -> &str {
        &self.0.text
    }

    /// Its media type. 媒体类型。
    async fn media_type(&self) -> &'static str {
        "application/json"
    }

    /// What its file is called. 文件名。
    async fn file_name(&self) -> &str {
        &self.0.file_name
    }

    /// Its version: "0" is a draft, of which nothing was published yet. 版本；"0" 为尚未发布的草稿。
    async fn version(&self) -> &str {
        &self.0.version
    }
}

crate::payload! {
    /// An advisory, or what it lacks. 安全公告，或所缺内容。
    AdvisoryPayload {
        /// The document; null when something is missing. 文件；有所缺时为空。
        advisory: Advisory
    }
}

/// Queries of advisories.
#[derive(Default)]
pub struct AdvisoryQuery;

/// Queries of advisories. 安全公告查询。
#[Object]
impl AdvisoryQuery {
    /// What may be published of an event, as a document that machines read; null when there is no such event that you may
    /// see. It says itself how far it may be shared. Names of reporters, steps and internal words are never in it.
    /// 事件的机器可读安全公告；事件不存在或不可见时为空。文件自带共享级别，不含报告人、复现步骤及内部内容。
    async fn export_advisory(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Event number. 事件编号。")] number: String,
        #[graphql(desc = "Form of the document. 文件格式。")] format: AdvisoryFormat,
        #[graphql(
            desc = "Language of the words that the document has of its own; what analysts wrote stays as it is. 文件固定用语的语言；分析员所写内容保持原文。",
            default
        )]
        language: AdvisoryLanguage,
    ) -> ApiResult<Option<AdvisoryPayload>> {
        let exporting = Box::pin(export(app(ctx), actor(ctx), &number, format, language));
        let Some(exported) = exporting.await? else {
            return Ok(None);
        };
        sensitive::note(ctx, &exported.event);
        AdvisoryPayload::of(exported.document.map_err(Error::Refused)).map(Some)
    }
}
