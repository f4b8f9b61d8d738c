//! The changes of replies and obligations that a client may ask for.

use async_graphql::{Context, Object};

use super::{Obligation, Reply};
use crate::graphql::errors::ApiResult;
use crate::graphql::{actor, app};
use crate::outbox::retrying;
use crate::reply::{
    DraftReply, RecordReplySent, RequestReplyReview, ReviewReply, ReviseReply, WaiveObligation, draft_reply,
    record_reply_sent, request_reply_review, review_reply, revise_reply, waive_obligation,
};

crate::payload! {
    /// A reply after a change. 变更后的回复。
    ReplyPayload {
        /// The reply as it now is; null when the change was refused. 变更后的回复；被拒绝时为空。
        reply: Reply
    }
}

crate::payload! {
    /// An obligation after a change. 变更后的回复义务。
    ObligationPayload {
        /// The obligation as it now is; null when the change was refused. 变更后的回复义务；被拒绝时为空。
        obligation: Obligation
    }
}

/// Mutations of replies and obligations. 回复与回复义务的变更操作。
#[derive(Default)]
pub struct ReplyMutation;

/// Mutations of replies and obligations. 回复与回复义务的变更操作。
#[Object]
impl ReplyMutation {
    /// Drafts a reply to a channel, in any status of the event. PUBLIC_RELATIONS drafts statements only.
    /// 起草对渠道的回复；公关仅可起草声明。
    async fn draft_reply(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The draft. 初稿。")] input: DraftReply,
    ) -> ApiResult<ReplyPayload> {
        let (app, actor) = (app(ctx), actor(ctx));
        ReplyPayload::of(retrying(|| draft_reply(app, actor, &input)).await)
    }

    /// Changes a reply's text; it is a DRAFT again and an approval is taken away.
    /// 修改回复文本；回复退回草稿，已有批准随之失效。
    async fn revise_reply(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The new text. 新文本。")] input: ReviseReply,
    ) -> ApiResult<ReplyPayload> {
        let (app, actor) = (app(ctx), actor(ctx));
        ReplyPayload::of(retrying(|| revise_reply(app, actor, &input)).await)
    }

    /// Asks somebody to approve a reply, which puts them on the event's team; on a TLP:RED event a LEADER does that first.
    /// 请求他人审核回复；审核人随之加入事件响应小组；TLP:RED 事件须先由领导小组添加。
    async fn request_reply_review(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Who is asked for which reply. 回复与审核人。")] input: RequestReplyReview,
    ) -> ApiResult<ReplyPayload> {
        let (app, actor) = (app(ctx), actor(ctx));
        ReplyPayload::of(retrying(|| request_reply_review(app, actor, &input)).await)
    }

    /// Approves a reply or sends it back to its drafter. Nobody approves a text they wrote.
    /// 批准或退回回复；起草人不得批准自己的文本。
    async fn review_reply(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The reviewer's answer. 审核意见。")] input: ReviewReply,
    ) -> ApiResult<ReplyPayload> {
        let (app, actor) = (app(ctx), actor(ctx));
        ReplyPayload::of(retrying(|| review_reply(app, actor, &input)).await)
    }

    /// Records that a person sent a reply, with proof: it is frozen and meets its obligations.
    /// 记录人工发送的回复及凭证；回复随之冻结并履行其义务。
    async fn record_reply_sent(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "When and how it left. 发送时间与方式。")] input: RecordReplySent,
    ) -> ApiResult<ReplyPayload> {
        let (app, actor) = (app(ctx), actor(ctx));
        ReplyPayload::of(retrying(|| record_reply_sent(app, actor, &input)).await)
    }

    /// Waives an obligation with a reason; toward databases and regulators only LEADER, naming the legal ground.
    /// 说明原因后豁免回复义务；对漏洞库和监管单位仅限领导小组并须注明法律依据。
    async fn waive_obligation(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The waiver. 豁免。")] input: WaiveObligation,
    ) -> ApiResult<ObligationPayload> {
        let (app, actor) = (app(ctx), actor(ctx));
        ObligationPayload::of(retrying(|| waive_obligation(app, actor, &input)).await)
    }
}
