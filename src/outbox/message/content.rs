//! What a delivery with full content holds as `data.content`, and its JSON Schemas.

use chrono::{DateTime, Utc};
use entity::vocabulary::{AffectedState, Facet, Level, PublicStatus, Severity, Status, Tlp, Verdict};
use serde_json::{Map, Value};

use super::{DIALECT, Described, MessageKind, described, object, put};
use crate::outbox::field::{Field, Opaque, OrNull};

/// Defines parts of the content: what each holds, and its fields, which are always there.
macro_rules! contents {
    ($($(#[doc = $doc:literal])+ $name:ident {
        $($(#[doc = $field_doc:literal])+ $field:ident: $type:ty,)*
    })+) => {$(
        $(#[doc = $doc])+
        #[derive(Debug)]
        pub struct $name { $($(#[doc = $field_doc])+ pub $field: $type,)* }

        impl $name {
            fn fields() -> Vec<Described> {
                vec![$(described::<$type>(stringify!($field), concat!($($field_doc),+).trim_ascii()),)*]
            }
        }

        impl Field for $name {
            fn value(&self) -> Option<Value> {
                let mut fields = Map::new();
                $(put(&mut fields, stringify!($field), &self.$field);)*
                Some(Value::Object(fields))
            }

            fn schema() -> Value {
                let mut schema = object(Self::fields());
                schema["description"] = concat!($($doc),+).trim_ascii().into();
                schema
            }

            fn example() -> Value {
                Self::fields().into_iter().map(|field| (field.name, field.example)).collect()
            }
        }
    )+};
}

contents! {
    /// The event as the endpoint's grant may read it at the moment of sending. 推送时该端点授权可见的事件内容。
    EventContent {
        /// Its title. 标题。
        title: String,
        /// What it is; empty until an analyst has written it. 描述；分析员撰写前为空字符串。
        description: String,
        /// How it is reproduced; empty like it. 复现步骤；同上。
        steps: String,
        /// Where it stands. 状态。
        status: Status,
        /// The verdict in force; null before the first. 当前研判结论；此前为空。
        verdict: OrNull<Verdict>,
        /// Its level. 等级。
        level: Level,
        /// Its TLP level. 共享级别。
        tlp: Tlp,
        /// When the embargo ends; null without one. 保密期截止时间；无则为空。
        embargo_until: OrNull<DateTime<Utc>>,
        /// When its first report was received. 接收时间。
        received_at: DateTime<Utc>,
        /// Counts its changes. 版本号。
        version: i32,
        /// Products on it that are not found unaffected. 涉及的产品，不含已确认不受影响的。
        products: Vec<ProductContent>,
    }

    /// A product on the event. 涉及的产品。
    ProductContent {
        /// The product. 产品。
        product: Opaque<entity::product::Entity>,
        /// Its line. 产品线。
        line: String,
        /// Whether it is affected. 影响状态。
        state: AffectedState,
        /// Affected versions; null while nobody named any. 受影响版本；未填写时为空。
        affected_versions: OrNull<String>,
        /// Fixed versions; null while there is none. 修复版本；暂无时为空。
        fixed_versions: OrNull<String>,
    }

    /// What a channel sees of its own reports. 渠道可见的本渠道报告内容。
    ReportsContent {
        /// The reports that the message is about. 相关报告。
        reports: Vec<ReportContent>,
    }

    /// The public side of a report. 报告的公开侧。
    ReportContent {
        /// The report. 报告。
        report: Opaque<entity::report::Entity>,
        /// The channel's own number; null when it has none. 渠道编号；没有时为空。
        channel_number: OrNull<String>,
        /// Its status as its reporter sees it. 报告人可见的状态。
        status: PublicStatus,
        /// The severity told to its reporter; null before it was. 对报告人公布的严重程度；此前为空。
        severity: OrNull<Severity>,
    }
}

/// Its JSON Schema as a document of its own.
pub fn schema_of<F: Field>() -> Value {
    let mut schema = F::schema();
    schema["$schema"] = DIALECT.into();
    schema
}

impl MessageKind {
    /// Whether a full delivery of this type has the event's content, and whether one to a channel has its reports'.
    pub fn has_content(self) -> [bool; 2] {
        let about = |facet| self.audiences().iter().any(|audience| audience.facet == Some(facet));
        [about(Facet::Content), about(Facet::Public)]
    }

    /// JSON Schema of `data.content` in a full delivery of this type; none when it has no content.
    pub fn content_schema(self) -> Option<Value> {
        match self.has_content() {
            [true, false] => Some(schema_of::<EventContent>()),
            [false, true] => Some(schema_of::<ReportsContent>()),
            [true, true] => Some(serde_json::json!({
                "$schema": DIALECT,
                "anyOf": [EventContent::schema(), ReportsContent::schema()],
            })),
            [false, false] => None,
        }
    }
}
