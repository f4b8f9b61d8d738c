//! The changes of replies and obligations that a client may ask for.

use async_graphql::{Context, Object, SimpleObject};
use secrecy::ExposeSecret;

use super::{Obligation, Reply};
use crate::channel::graphql::Channel;
use crate::graphql::errors::{ApiResult, UserError, settle};
use crate::graphql::{actor, app};
use crate::outbox::retrying;
use crate::reply::{
    CancelReply, ConfirmNonDelivery, DraftReply, RecordReplySent, RequestReplyReview, ResolveUncertainReply,
    ReviewReply, ReviseReply, SendReply, SetReplyRoute, WaiveObligation, cancel_reply, confirm_non_delivery,
    draft_reply, record_reply_sent, request_reply_review, resolve_uncertain_reply, review_reply,
    revise_reply, send_reply, set_reply_route, waive_obligation,
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

/// A channel with the secret that was just made for its platform. 渠道及新生成的平台签名密钥。
#[derive(SimpleObject)]
pub struct ReplyRoutePayload {
    /// The channel as it now is; null when the change was refused. 变更后的渠道；被拒绝时为空。
    channel: Option<Channel>,
    /// The secret that requests to the platform are signed with, shown this once; null when none was made.
    /// 推送签名密钥，仅显示这一次；未生成为空。
    secret: Option<String>,
    /// Why it was refused; empty when it was done. 被拒绝的原因；成功时为空。
    user_errors: Vec<UserError>,
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

    /// Freezes a reply and has it handed over by e-mail or to the channel's platform; SENDING until it is settled.
    /// 冻结回复并通过邮件或渠道平台投递；结果确定前为发送中。
    async fn send_reply(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which reply, and by which way. 回复与方式。")] input: SendReply,
    ) -> ApiResult<ReplyPayload> {
        let (app, actor) = (app(ctx), actor(ctx));
        ReplyPayload::of(retrying(|| send_reply(app, actor, &input)).await)
    }

    /// Says what became of an UNCERTAIN reply: it arrived, with proof, or it did not and may be sent again.
    /// 说明结果不明的回复是否送达：已送达须附凭证；未送达可再次发送。
    async fn resolve_uncertain_reply(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "What was found out. 查明的结果。")] input: ResolveUncertainReply,
    ) -> ApiResult<ReplyPayload> {
        let (app, actor) = (app(ctx), actor(ctx));
        ReplyPayload::of(retrying(|| resolve_uncertain_reply(app, actor, &input)).await)
    }

    /// Calls back a reply that is SENDING, while it waits to be handed over: it is FAILED then.
    /// 撤回等待投递的回复；撤回后状态为发送失败。
    async fn cancel_reply(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which reply, and why. 回复与原因。")] input: CancelReply,
    ) -> ApiResult<ReplyPayload> {
        let (app, actor) = (app(ctx), actor(ctx));
        ReplyPayload::of(retrying(|| cancel_reply(app, actor, &input)).await)
    }

    /// Says that a reply which was SENT and came back did not arrive: it is FAILED, and what it met is owed again.
    /// 确认已退信的回复未送达：回复为发送失败，原已履行的义务重新开放。
    async fn confirm_non_delivery(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "What was found out. 查明的结果。")] input: ConfirmNonDelivery,
    ) -> ApiResult<ReplyPayload> {
        let (app, actor) = (app(ctx), actor(ctx));
        ReplyPayload::of(retrying(|| confirm_non_delivery(app, actor, &input)).await)
    }

    /// Sets how replies reach a channel without a person. ADMIN. 设置回复到达渠道的方式（系统管理员）。
    async fn set_reply_route(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The route. 路径。")] input: SetReplyRoute,
    ) -> ApiResult<ReplyRoutePayload> {
        let (app, actor) = (app(ctx), actor(ctx));
        let (done, user_errors) = settle(retrying(|| set_reply_route(app, actor, &input)).await)?;
        let (channel, secret) = done.map(|routed| (routed.channel, routed.secret)).unzip();
        let secret = secret.flatten().map(|secret| secret.expose_secret().to_owned());
        Ok(ReplyRoutePayload { channel: channel.map(Channel::from), secret, user_errors })
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
