//! The key of the group that a row belongs to.

use entity::vocabulary::{AffectedState, Facet, FigureGroup};
use entity::{affected_product, channel, event, product, report};
use sea_orm::sea_query::{CaseStatement, Condition, Expr, ExprTrait, IntoIden, Query, SelectStatement};
use sea_orm::{ColumnTrait, JoinType, Order};

use super::MOST_ROWS;
use crate::auth::{Actor, visibility};
use crate::figures::rules::{Grouping, Part};

/// The group's key, and what people call it.
pub(super) const KEY: &str = "group_key";
pub(super) const LABEL: &str = "label";

/// What a row says of the group that it is in.
pub(super) struct Source {
    /// By which instant it is in a part of the period.
    pub(super) at: Expr,
    /// Its own channel; that of its event's reports where it has none.
    pub(super) channel: Option<Expr>,
    /// Its event's id.
    pub(super) event: Expr,
    /// Its report, where its event is not read with it.
    pub(super) report: Option<Expr>,
}

impl Source {
    /// A row about its event, which is read with it.
    pub(super) fn event(at: Expr) -> Self {
        Self { at, channel: None, event: event::Column::Id.into_expr(), report: None }
    }
}

fn nothing() -> Expr {
    // A null of its own would have no type.
    Expr::cust("CAST(NULL AS text)")
}

/// Whether the group is a column of the event: only then do rows have to be read with theirs.
pub(super) fn reads_event(by: &Grouping) -> bool {
    use FigureGroup::{HighestLevel, Level, Status, Verdict};
    matches!(by, Grouping::By(Level | HighestLevel | Verdict | Status))
}

/// Adds the key and the label of the group to rows.
pub(super) fn put(rows: &mut SelectStatement, by: &Grouping, source: &Source) {
    let (key, label) = match by {
        Grouping::Whole => (nothing(), nothing()),
        Grouping::Parts(parts) => (part(&source.at, parts), nothing()),
        Grouping::By(group) => match (group, &source.channel) {
            (FigureGroup::Channel | FigureGroup::ChannelKind, Some(own)) => {
                let same = Expr::col(("of_group", channel::Column::Id)).eq(own.clone());
                rows.join_as(JoinType::LeftJoin, channel::Entity, "of_group", same);
                channel_columns(*group, |column| Expr::col(("of_group", column)))
            }
            (FigureGroup::Channel | FigureGroup::ChannelKind, None) => {
                let first = of_event(source).add(Expr::exists(through_another(*group)).not());
                let same =
                    Expr::col(("the_channel", channel::Column::Id)).eq(of_group(report::Column::ChannelId));
                rows.join_as(JoinType::LeftJoin, report::Entity, "of_group", first);
                rows.join_as(JoinType::LeftJoin, channel::Entity, "the_channel", same);
                channel_columns(*group, |column| Expr::col(("the_channel", column)))
            }
            (FigureGroup::Product, _) => {
                use affected_product::Column as C;
                let theirs = of_event(source).add(of_group(C::State).ne(AffectedState::NotAffected));
                let same = Expr::col(("the_product", product::Column::Id)).eq(of_group(C::ProductId));
                rows.join_as(JoinType::LeftJoin, affected_product::Entity, "of_group", theirs);
                rows.join_as(JoinType::LeftJoin, product::Entity, "the_product", same);
                let column = |column: product::Column| Expr::col(("the_product", column));
                (column(product::Column::Key), column(product::Column::Name))
            }
            (FigureGroup::Line, _) => {
                use affected_product::Column as C;
                let theirs = of_event(source)
                    .add(of_group(C::State).ne(AffectedState::NotAffected))
                    .add(Expr::exists(by_another()).not());
                rows.join_as(JoinType::LeftJoin, affected_product::Entity, "of_group", theirs);
                (of_group(C::Line), nothing())
            }
            (group, _) => (event_column(*group), nothing()),
        },
    };
    rows.expr_as(key, KEY).expr_as(label, LABEL);
}

/// The same for payouts, which stand by themselves: a bonus has no event, and of an event that the actor may not see
/// nothing is read. Whoever sees every payout reads the level of each one's event, and no more of it.
pub(super) fn of_payout(rows: &mut SelectStatement, actor: &Actor, by: &Grouping, source: &Source) {
    use FigureGroup::{Channel, ChannelKind, Level};
    if let (Grouping::By(group), Some(report)) = (by, &source.report)
        && !matches!(group, Channel | ChannelKind)
    {
        let mut seen = Condition::any().add(visibility::visible(actor, Facet::Content, event::Column::Id));
        if *group == Level && !actor.keys(Facet::Money).is_empty() {
            seen = seen.add(visibility::visible(actor, Facet::Money, event::Column::Id));
        }
        let same = report::Column::Id.into_expr().eq(report.clone());
        let its = report::Column::EventId.into_expr().eq(event::Column::Id.into_expr());
        rows.left_join(report::Entity, same);
        rows.left_join(event::Entity, Condition::all().add(its).add(seen));
    }
    put(rows, by, source);
}

/// Counts rows by their group; what is counted is added to it.
pub(super) fn counted(rows: SelectStatement) -> SelectStatement {
    Query::select().columns([KEY, LABEL]).from_subquery(rows, "counted").group_by_columns([KEY, LABEL]).take()
}

/// Parts of a period in their order, other groups by how much there is of them.
pub(super) fn ordered(counted: &mut SelectStatement, by: &Grouping, most: &'static str) {
    if !matches!(by, Grouping::Parts(_)) {
        counted.order_by(most, Order::Desc).limit(MOST_ROWS);
    }
    // Nothing is last on both databases.
    counted.order_by_expr(Expr::col(KEY).is_null(), Order::Asc).order_by(KEY, Order::Asc);
}

/// The name of the part that an instant falls into: halves of halves, so that it takes few comparisons.
fn part(at: &Expr, parts: &[Part]) -> Expr {
    match parts {
        [] => nothing(),
        [one] => Expr::val(one.name.as_str()),
        _ => {
            let (earlier, later) = parts.split_at(parts.len() / 2);
            let border = later.first().map(|part| part.from);
            CaseStatement::new()
                .case(at.clone().lt(border), part(at, earlier))
                .finally(part(at, later))
                .into()
        }
    }
}

fn of_event(source: &Source) -> Condition {
    Condition::all().add(of_group("event_id").eq(source.event.clone()))
}

fn channel_columns(group: FigureGroup, column: impl Fn(channel::Column) -> Expr) -> (Expr, Expr) {
    match group {
        FigureGroup::Channel => (column(channel::Column::Key), column(channel::Column::Name)),
        _ => (column(channel::Column::Kind), nothing()),
    }
}

fn of_group(column: impl IntoIden) -> Expr {
    Expr::col(("of_group", column))
}

fn another(column: impl IntoIden) -> Expr {
    Expr::col(("another", column))
}

/// Another report of the event that came through the same channel, or one of the same kind: each counts once.
fn through_another(group: FigureGroup) -> SelectStatement {
    use report::Column::{ChannelId, EventId, Id};
    let mut select = Query::select();
    select
        .expr(Expr::val(1))
        .from_as(report::Entity, "another")
        .and_where(another(EventId).eq(of_group(EventId)))
        .and_where(another(Id).lt(of_group(Id)));
    if group == FigureGroup::Channel {
        return select.and_where(another(ChannelId).eq(of_group(ChannelId))).take();
    }
    let its = |of: &'static str, column: channel::Column| Expr::col((of, column));
    let (id, kind) = (channel::Column::Id, channel::Column::Kind);
    select
        .join_as(JoinType::InnerJoin, channel::Entity, "its", its("its", id).eq(another(ChannelId)))
        .join_as(JoinType::InnerJoin, channel::Entity, "own", its("own", id).eq(of_group(ChannelId)))
        .and_where(its("its", kind).eq(its("own", kind)))
        .take()
}

/// Another product of the same line on the event: each line counts once.
fn by_another() -> SelectStatement {
    use affected_product::Column as C;
    Query::select()
        .expr(Expr::val(1))
        .from_as(affected_product::Entity, "another")
        .and_where(another(C::EventId).eq(of_group(C::EventId)))
        .and_where(another(C::Line).eq(of_group(C::Line)))
        .and_where(another(C::State).ne(AffectedState::NotAffected))
        .and_where(another(C::Id).lt(of_group(C::Id)))
        .take()
}

fn event_column(group: FigureGroup) -> Expr {
    match group {
        FigureGroup::Level => event::Column::Level.into_expr(),
        FigureGroup::HighestLevel => event::Column::HighestLevel.into_expr(),
        FigureGroup::Verdict => event::Column::Verdict.into_expr(),
        FigureGroup::Status => event::Column::Status.into_expr(),
        // Of the others none is a column of the event: `put` has answered them.
        _ => nothing(),
    }
}
