//! Vocabularies of indicators and duplicates.

use async_graphql::Enum;
use sea_orm::prelude::StringLen;
use sea_orm::{DeriveActiveEnum, EnumIter};
use serde::{Deserialize, Serialize};

vocabulary! {
    /// Where an indicator comes from. 线索来源。
    IndicatorSource {
        /// Given with the report. 随报告提供。
        Given = "GIVEN",
        /// Found in the report's text. 由正文提取。
        Extracted = "EXTRACTED",
        /// Added by an analyst. 分析人员补充。
        Added = "ADDED",
    }

    /// How sure it is that a report is the same as another one. 重复候选的确定程度。
    CandidateKind {
        /// A number or the whole text is the same. 编号或全文相同。
        Exact = "EXACT",
        /// A file, an endpoint with its parameter, or product, version and weakness are the same. 附件、接口与参数，或产品、版本与弱点均相同。
        Strong = "STRONG",
        /// The words are alike. 内容相似。
        Similar = "SIMILAR",
    }

    /// What two reports have in common, the most telling first. 两份报告的共同点，由强到弱。
    DuplicateReasonCode {
        /// The same number of a database or channel. 编号相同。
        SameNumber = "SAME_NUMBER",
        /// The same words throughout. 正文相同。
        SameText = "SAME_TEXT",
        /// The same attached file. 附件相同。
        SameFile = "SAME_FILE",
        /// The same screenshot, also when it was saved anew, resized, cropped, framed or marked. 截图相同（含重新编码、缩放、裁剪、加边框或水印）。
        SamePicture = "SAME_PICTURE",
        /// It came through another platform within some weeks, and is surely or most likely the same. 数周内经不同平台提交的相同报告。
        SeveralPlatforms = "SEVERAL_PLATFORMS",
        /// The same endpoint and parameter. 接口与参数相同。
        SameEndpointAndParameter = "SAME_ENDPOINT_AND_PARAMETER",
        /// The same endpoint. 接口相同。
        SameEndpoint = "SAME_ENDPOINT",
        /// The same host. 主机相同。
        SameHost = "SAME_HOST",
        /// The same product in the same version. 产品与版本相同。
        SameProductAndVersion = "SAME_PRODUCT_AND_VERSION",
        /// The same product. 产品相同。
        SameProduct = "SAME_PRODUCT",
        /// The same class of weakness. 弱点类型相同。
        SameWeakness = "SAME_WEAKNESS",
        /// The same parameter. 参数相同。
        SameParameter = "SAME_PARAMETER",
        /// A part of the words is the same. 部分内容相同。
        SimilarText = "SIMILAR_TEXT",
    }

    /// What a person decided of two reports. 人工判定结果。
    DuplicateOutcome {
        /// The same vulnerability. 同一漏洞。
        Duplicate = "DUPLICATE",
        /// They have to do with each other. 相关但不同。
        Related = "RELATED",
        /// They have nothing to do with each other. 不同。
        Distinct = "DISTINCT",
    }
}
