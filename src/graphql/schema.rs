//! The schema: the slices' queries and mutations put together.

use async_graphql::{MergedObject, SDLExportOptions};

use crate::advisory::graphql::AdvisoryQuery;
use crate::affected::graphql::AffectedMutation;
use crate::attachment::graphql::AttachmentMutation;
use crate::audit::graphql::AuditQuery;
use crate::calendar::graphql::{CalendarMutation, CalendarQuery};
use crate::channel::graphql::{ChannelMutation, ChannelQuery};
use crate::comment::graphql::CommentMutation;
use crate::customer::graphql::{CustomerMutation, CustomerQuery};
use crate::deadline::graphql::{DeadlineMutation, DeadlineQuery};
use crate::decision::graphql::DecisionMutation;
use crate::duplicate::graphql::{DuplicateMutation, DuplicateQuery};
use crate::duty::graphql::{DutyMutation, DutyQuery};
use crate::event::graphql::{EventMutation, EventQuery};
use crate::feed::graphql::{FeedMutation, FeedQuery};
use crate::figures::graphql::{FigureMutation, FigureQuery};
use crate::graphql::node::NodeQuery;
use crate::hook::graphql::HookMutation;
use crate::indicator::graphql::IndicatorMutation;
use crate::intake::graphql::{IntakeMutation, IntakeQuery};
use crate::live::graphql::Subscription;
use crate::multi_platform::graphql::{MultiPlatformMutation, MultiPlatformQuery};
use crate::notice::graphql::{NoticeMutation, NoticeQuery};
use crate::payout::graphql::{PayoutMutation, PayoutQuery};
use crate::principal::graphql::{PrincipalMutation, PrincipalQuery};
use crate::product::graphql::{ProductMutation, ProductQuery};
use crate::protection::graphql::ProtectionMutation;
use crate::rating_policy::graphql::{RatingPolicyMutation, RatingPolicyQuery};
use crate::remediation::graphql::RemediationMutation;
use crate::reply::graphql::ReplyMutation;
use crate::review::graphql::{ReviewMutation, ReviewQuery};
use crate::score::graphql::ScoreMutation;
use crate::search::graphql::SearchQuery;
use crate::team::graphql::TeamMutation;
use crate::template::graphql::{TemplateMutation, TemplateQuery};
use crate::ticket::graphql::{TicketMutation, TicketQuery};
use crate::verdict::graphql::VerdictMutation;
use crate::viewer::graphql::ViewerQuery;
use crate::webhook::graphql::{WebhookMutation, WebhookQuery};

/// Everything that can be asked. 查询入口。
#[derive(Default, MergedObject)]
pub struct Query(
    ViewerQuery,
    NodeQuery,
    EventQuery,
    ReviewQuery,
    IntakeQuery,
    ChannelQuery,
    ProductQuery,
    CustomerQuery,
    DutyQuery,
    RatingPolicyQuery,
    PayoutQuery,
    AuditQuery,
    PrincipalQuery,
    WebhookQuery,
    TicketQuery,
    TemplateQuery,
    CalendarQuery,
    FeedQuery,
    DeadlineQuery,
    NoticeQuery,
    DuplicateQuery,
    MultiPlatformQuery,
    SearchQuery,
    AdvisoryQuery,
    FigureQuery,
);

/// Everything that can be changed; each mutation answers the changed thing or the reasons for refusing it.
/// 变更入口：返回变更后的对象，或拒绝的原因。
#[derive(Default, MergedObject)]
pub struct Mutation(
    ChannelMutation,
    ProductMutation,
    CustomerMutation,
    DutyMutation,
    PrincipalMutation,
    RatingPolicyMutation,
    IntakeMutation,
    EventMutation,
    VerdictMutation,
    ScoreMutation,
    AffectedMutation,
    ProtectionMutation,
    TeamMutation,
    DecisionMutation,
    CommentMutation,
    RemediationMutation,
    ReplyMutation,
    ReviewMutation,
    WebhookMutation,
    PayoutMutation,
    HookMutation,
    TicketMutation,
    TemplateMutation,
    CalendarMutation,
    FeedMutation,
    DeadlineMutation,
    AttachmentMutation,
    NoticeMutation,
    IndicatorMutation,
    DuplicateMutation,
    MultiPlatformMutation,
    FigureMutation,
);

/// The schema of the API.
pub type Schema = async_graphql::Schema<Query, Mutation, Subscription>;

/// Directives allowed on one field: more than anybody needs, fewer than an attack does.
const MAX_DIRECTIVES: usize = 5;

/// Puts the schema together. Document limits are the guard's, which runs before validation.
pub fn schema() -> Schema {
    Schema::build(Query::default(), Mutation::default(), Subscription)
        .limit_directives(MAX_DIRECTIVES)
        .disable_suggestions()
        .finish()
}

/// The schema's text, sorted, as `schema.graphql` keeps it.
pub fn sdl() -> String {
    let options = SDLExportOptions::new().sorted_fields().sorted_arguments().sorted_enum_items();
    let mut text = schema().sdl_with_options(options);
    if !text.ends_with('\n') {
        text.push('\n');
    }
    text
}

#[cfg(test)]
mod tests {
    use async_graphql::Context;
    use async_graphql::resolver_utils::ContainerType;

    use super::*;

    /// Bytes of what is allocated and copied for each field of an object.
    fn field<T: ContainerType + 'static>() -> usize {
        fn of<T: 'static, F>(_: impl FnOnce(&'static T, &'static Context<'static>) -> F) -> usize {
            size_of::<F>()
        }
        of(<T as ContainerType>::resolve_field)
    }

    #[test]
    fn no_field_of_a_root_is_paid_for_by_all_others() {
        let of_slices = [
            ("viewer", field::<ViewerQuery>()),
            ("node", field::<NodeQuery>()),
            ("event", field::<EventQuery>()),
            ("review", field::<ReviewQuery>()),
            ("intake", field::<IntakeQuery>()),
            ("payout", field::<PayoutQuery>()),
            ("audit", field::<AuditQuery>()),
            ("principal", field::<PrincipalQuery>()),
            ("webhook", field::<WebhookQuery>()),
            ("ticket", field::<TicketQuery>()),
            ("template", field::<TemplateQuery>()),
            ("calendar", field::<CalendarQuery>()),
            ("feed", field::<FeedQuery>()),
            ("deadline", field::<DeadlineQuery>()),
            ("notice", field::<NoticeQuery>()),
            ("duplicate", field::<DuplicateQuery>()),
            ("multi_platform", field::<MultiPlatformQuery>()),
            ("search", field::<SearchQuery>()),
            ("advisory", field::<AdvisoryQuery>()),
            ("figure", field::<FigureQuery>()),
            ("changes of events", field::<EventMutation>()),
            ("changes of reports", field::<IntakeMutation>()),
            ("changes of payouts", field::<PayoutMutation>()),
            ("changes of replies", field::<ReplyMutation>()),
            ("changes of templates", field::<TemplateMutation>()),
            ("changes of tickets", field::<TicketMutation>()),
            ("changes of webhooks", field::<WebhookMutation>()),
        ];
        let roots = (field::<Query>(), field::<Mutation>());
        assert!(roots.0 <= 16 * 1024 && roots.1 <= 16 * 1024, "{roots:?} of {of_slices:#?}");
    }
    #[test]
    fn no_field_of_what_lists_hold_is_paid_for_by_all_others() {
        let sizes = [
            ("event", field::<crate::event::graphql::Event>()),
            ("affected product", field::<crate::affected::graphql::AffectedProduct>()),
            ("product", field::<crate::product::graphql::Product>()),
            ("score", field::<crate::score::graphql::Score>()),
            ("assignment", field::<crate::team::graphql::Assignment>()),
            ("reply", field::<crate::reply::graphql::Reply>()),
            ("obligation", field::<crate::reply::graphql::Obligation>()),
            ("report", field::<crate::intake::graphql::Report>()),
            ("deadline", field::<crate::deadline::graphql::Deadline>()),
            ("comment", field::<crate::comment::graphql::Comment>()),
            ("payout", field::<crate::payout::graphql::Payout>()),
        ];
        assert!(sizes.iter().all(|(_, size)| *size <= 2_600), "{sizes:#?}");
    }
}
