//! Which events a list holds and in which order.

use async_graphql::{Enum, InputObject};
use chrono::{DateTime, Utc};
use entity::vocabulary::{
    AffectedState, AssignmentState, Facet, Function, Level, RemediationState, Status, Tlp, Verdict,
    WorldFactKind,
};
use entity::{
    affected_product, assignment, channel, decision, event, event_access, product, remediation, report,
    world_fact,
};
use sea_orm::sea_query::{Condition, Expr, ExprTrait, IntoCondition, Query, SelectStatement, SimpleExpr};
use sea_orm::{ColumnTrait, DatabaseBackend, EntityTrait, QueryFilter, Select};

use crate::auth::policy::{Action, require};
use crate::auth::{Actor, visibility};
use crate::database::is_among_few;
use crate::error::{Error, Result};
use crate::graphql::page::{self, Keyset, PageInput};
use crate::graphql::scalars::Id;

/// Most values in one list of a filter.
const MAX_VALUES: usize = 50;
/// Longest beginning to look for, in characters.
const MAX_PREFIX: usize = 200;

/// Which events; all conditions have to hold, any value of a list may. 事件筛选条件；各条件须同时满足。
#[derive(Clone, Debug, Default, PartialEq, InputObject)]
pub struct EventFilter {
    /// Handling status. 处置状态。
    pub status: Option<Vec<Status>>,
    /// Level. 等级。
    pub level: Option<Vec<Level>>,
    /// Current verdict. 当前研判结论。
    pub verdict: Option<Vec<Verdict>>,
    /// TLP level. 信息共享级别（TLP）。
    pub tlp: Option<Vec<Tlp>>,
    /// Channel of one of its reports; only for who may read reports as received. 报告渠道，须有原始报告读取权限。
    pub channel: Option<Id<channel::Entity>>,
    /// The channel's own number of one of its reports, exactly; only for who may read reports as received.
    /// 渠道编号（精确），须有原始报告读取权限。
    pub channel_number: Option<String>,
    /// The same by its beginning, upper and lower case told apart. 渠道编号前缀，区分大小写。
    pub channel_number_prefix: Option<String>,
    /// A product on it, whatever its state. 涉及的产品。
    pub product: Option<Id<product::Entity>>,
    /// Line of a product on it. 涉及的产品线。
    pub line: Option<String>,
    /// Subject with an assignment that is not declined. 任务负责人。
    pub assignee: Option<String>,
    /// Received at or after. 接收时间起（含）。
    pub received_from: Option<DateTime<Utc>>,
    /// Received before. 接收时间止（不含）。
    pub received_before: Option<DateTime<Utc>>,
    /// World facts, any of them. 外部事实（任一）。
    pub facts: Option<Vec<WorldFactKind>>,
    /// What the leading group is told of, any of it. 须领导小组关注的事项（任一）。
    pub attention: Option<Vec<Attention>>,
    /// Event number, exactly. 事件编号（精确）。
    pub number: Option<String>,
    /// Event number by its beginning, upper and lower case told apart. 事件编号前缀，区分大小写。
    pub number_prefix: Option<String>,
    /// Imported history only, or none of it; both when left out. 是否仅历史导入；缺省为全部。
    pub history: Option<bool>,
}

impl EventFilter {
    /// The filter as a condition, at `now`, on events that the actor may see.
    ///
    /// # Errors
    /// FORBIDDEN when it asks about what the actor's roles may not read, BAD_USER_INPUT on values that cannot be.
    pub fn condition(
        &self,
        backend: DatabaseBackend,
        actor: &Actor,
        now: DateTime<Utc>,
    ) -> Result<Condition> {
        use event::Column as C;
        let mut all = Condition::all();
        if let Some(values) = bounded("filter.status", self.status.as_ref())? {
            all = all.add(C::Status.is_in(values.iter().copied()));
        }
        if let Some(values) = bounded("filter.level", self.level.as_ref())? {
            all = all.add(C::Level.is_in(values.iter().copied()));
        }
        if let Some(values) = bounded("filter.verdict", self.verdict.as_ref())? {
            all = all.add(C::Verdict.is_in(values.iter().copied()));
        }
        if let Some(values) = bounded("filter.tlp", self.tlp.as_ref())? {
            all = all.add(C::Tlp.is_in(values.iter().copied()));
        }
        // Who may read channels reads an event's by what it is owed. A report may owe nothing, so this would tell more.
        if self.channel.is_some() || self.channel_number.is_some() || self.channel_number_prefix.is_some() {
            require(actor, Action::ReadRawReports)?;
        }
        if let Some(channel) = self.channel {
            all = all.add(of_event(
                report::Entity,
                report::Column::EventId,
                report::Column::ChannelId.eq(channel.0),
            ));
        }
        if let Some(number) = &self.channel_number {
            let same = report::Column::ChannelNumber.eq(number.as_str());
            all = all.add(one_of(report::Entity, report::Column::EventId, same));
        }
        if let Some(prefix) = &self.channel_number_prefix {
            let column = Expr::col(report::Column::ChannelNumber.as_column_ref());
            let starts = begins("filter.channelNumberPrefix", column, prefix)?;
            all = all.add(of_event(report::Entity, report::Column::EventId, starts));
        }
        if let Some(product) = self.product {
            let same = of_product(product);
            all = all.add(of_event(affected_product::Entity, affected_product::Column::EventId, same));
        }
        if let Some(line) = &self.line {
            let same = of_line(line);
            all = all.add(of_event(affected_product::Entity, affected_product::Column::EventId, same));
        }
        if let Some(assignee) = &self.assignee {
            all = all.add(one_of(assignment::Entity, assignment::Column::EventId, of_assignee(assignee)));
        }
        if let Some(from) = self.received_from {
            all = all.add(C::ReceivedAt.gte(from));
        }
        if let Some(before) = self.received_before {
            all = all.add(C::ReceivedAt.lt(before));
        }
        if let Some(kinds) = bounded("filter.facts", self.facts.as_ref())? {
            let any = world_fact::Column::Kind.is_in(kinds.iter().copied());
            all = all.add(one_of(world_fact::Entity, world_fact::Column::EventId, any));
        }
        if let Some(kinds) = bounded("filter.attention", self.attention.as_ref())? {
            let any = kinds.iter().map(|kind| kind.condition(backend, now));
            all = all.add(any.fold(Condition::any(), Condition::add));
        }
        if let Some(number) = &self.number {
            all = all.add(C::Number.eq(number.as_str()));
        }
        if let Some(prefix) = &self.number_prefix {
            all = all.add(begins("filter.numberPrefix", number_of(actor), prefix)?);
        }
        if let Some(history) = self.history {
            all = all.add(C::History.eq(history));
        }
        Ok(all)
    }

    /// Where the ids of a page stand, in the order in which events were received: at the beginning of lists that are kept so.
    /// None where what is asked for has no such list.
    ///
    /// # Errors
    /// BAD_USER_INPUT on a page that cannot be.
    pub fn heads(
        &self,
        actor: &Actor,
        descending: bool,
        page: &PageInput,
    ) -> Result<Option<SelectStatement>> {
        let others = Self { product: None, line: None, assignee: None, ..self.clone() };
        if others != Self::default() {
            return Ok(None);
        }
        let of_products = |holds| {
            let (column, id) = (affected_product::Column::ReceivedAt, affected_product::Column::EventId);
            let list = seen::<affected_product::Entity>(actor, id, holds);
            page::heads(vec![list], Keyset { column, id, descending }, page)
        };
        match (self.product, &self.line, &self.assignee) {
            // Who sees little would else pass over all that is hidden, or put all that they see in order.
            (None, None, None) => {
                let (column, id) = (event_access::Column::ReceivedAt, event_access::Column::EventId);
                page::heads(visibility::granted_by_key(actor), Keyset { column, id, descending }, page)
            }
            // Of what there is of a product they may see next to nothing.
            _ if visibility::sees_little(actor) => Ok(None),
            (Some(product), None, None) => of_products(of_product(product)),
            (None, Some(line), None) => of_products(of_line(line)),
            (None, None, Some(assignee)) => {
                let (column, id) = (assignment::Column::ReceivedAt, assignment::Column::EventId);
                let list = seen::<assignment::Entity>(actor, id, of_assignee(assignee));
                page::heads(vec![list], Keyset { column, id, descending }, page)
            }
            _ => Ok(None),
        }
    }
}

/// Of the events with this product.
fn of_product(product: Id<product::Entity>) -> SimpleExpr {
    affected_product::Column::ProductId.eq(product.0)
}

/// Of the events with a product of this line.
fn of_line(line: &str) -> SimpleExpr {
    affected_product::Column::Line.eq(line)
}

/// Of the events with work of this person.
fn of_assignee(assignee: &str) -> SimpleExpr {
    assignment::Column::Subject.eq(assignee).and(assignment::Column::State.ne(AssignmentState::Declined))
}

/// The rows of events that the actor may see, for which `holds`.
fn seen<E: EntityTrait>(actor: &Actor, event_id: E::Column, holds: SimpleExpr) -> Select<E> {
    E::find().filter(holds).filter(visibility::visible(actor, Facet::Content, event_id))
}

/// What the leading group is told of. 须领导小组关注的事项。
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
pub enum Attention {
    /// R_AND_D declined every assignment of an affected line that is to be fixed. 某受影响产品线的研发任务均被拒绝。
    AllDeclined,
    /// A decision that accepts a line's risk expires within 30 days. 接受风险的决定将在三十天内到期。
    RiskExpiring,
}

impl Attention {
    fn condition(self, backend: DatabaseBackend, now: DateTime<Utc>) -> Condition {
        match self {
            Self::AllDeclined => Condition::all()
                .add(event::Column::Status.is_in([Status::Rating, Status::Remediating, Status::Verifying]))
                .add(is_among_few(backend, event::Column::Id, all_declined())),
            Self::RiskExpiring => {
                let soon = Condition::all()
                    .add(remediation::Column::State.eq(RemediationState::RiskAccepted))
                    .add(Expr::exists(expiring(now)));
                Condition::all().add(of_event(remediation::Entity, remediation::Column::EventId, soon))
            }
        }
    }
}

/// Events with an affected line that has R_AND_D assignments of which all are declined: found by those that were declined, which
/// are few. Literals, so that the index of these is used.
fn all_declined() -> SelectStatement {
    use assignment::Column;
    let other = |column: Column| Expr::col(("other", column));
    let standing = Query::select()
        .expr(Expr::val(1))
        .from_as(assignment::Entity, "other")
        .and_where(other(Column::EventId).eq(Expr::col(Column::EventId.as_column_ref())))
        .and_where(other(Column::Line).eq(Expr::col(Column::Line.as_column_ref())))
        .and_where(other(Column::Function).eq(Function::RAndD))
        .and_where(other(Column::State).ne(AssignmentState::Declined))
        .take();
    let affected = Query::select()
        .expr(Expr::val(1))
        .from(affected_product::Entity)
        .and_where(same(affected_product::Column::EventId, Column::EventId))
        .and_where(same(affected_product::Column::Line, Column::Line))
        .and_where(affected_product::Column::State.is_in([AffectedState::Affected, AffectedState::Fixed]))
        .take();
    Query::select()
        .column(Column::EventId)
        .from(assignment::Entity)
        .and_where(Expr::cust(
            "\"assignment\".\"state\" = 'DECLINED' AND \"assignment\".\"function\" = 'R_AND_D'",
        ))
        .and_where(Expr::exists(affected))
        .and_where(Expr::exists(standing).not())
        .take()
}

/// The decision that the remediation rests on, where it expires soon.
fn expiring(now: DateTime<Utc>) -> SelectStatement {
    use decision::Column;
    Query::select()
        .expr(Expr::val(1))
        .from(decision::Entity)
        .and_where(same(Column::Id, remediation::Column::RiskDecisionId))
        .and_where(Column::ExpiresAt.lte(now + crate::decision::rules::EXPIRY_NOTICE))
        .take()
}

fn same(one: impl ColumnTrait, other: impl ColumnTrait) -> SimpleExpr {
    Expr::col(one.as_column_ref()).eq(Expr::col(other.as_column_ref()))
}

fn bounded<'a, T>(field: &str, values: Option<&'a Vec<T>>) -> Result<Option<&'a Vec<T>>> {
    match values {
        Some(values) if values.len() > MAX_VALUES => {
            Err(Error::bad_input(field, format!("send at most {MAX_VALUES} values")))
        }
        other => Ok(other),
    }
}

/// The event has a row in `entity` for which `condition` holds.
fn of_event<E: EntityTrait>(entity: E, event_id: E::Column, condition: impl IntoCondition) -> SimpleExpr {
    let rows: SelectStatement = Query::select()
        .expr(Expr::val(1))
        .from(entity)
        .and_where(same(event_id, event::Column::Id))
        .cond_where(condition)
        .take();
    Expr::exists(rows)
}

/// The same where few events have such a row: they are looked up, instead of each event's rows on the way through all events.
fn one_of<E: EntityTrait>(entity: E, event_id: E::Column, condition: impl IntoCondition) -> SimpleExpr {
    let rows = Query::select().column(event_id).from(entity).cond_where(condition).take();
    event::Column::Id.in_subquery(rows)
}

/// An event's number, for looking for its beginning. An expression is in no index: who sees little is answered from their own
/// events, whatever numbers others have.
pub fn number_of(actor: &Actor) -> SimpleExpr {
    if visibility::sees_little(actor) {
        Expr::cust("\"event\".\"number\" || ''")
    } else {
        Expr::col(event::Column::Number.as_column_ref())
    }
}

/// The column begins with `prefix`.
fn begins(field: &str, column: SimpleExpr, prefix: &str) -> Result<Condition> {
    if prefix.chars().count() > MAX_PREFIX {
        return Err(Error::bad_input(field, format!("send at most {MAX_PREFIX} characters")));
    }
    Ok(crate::database::begins(column, prefix))
}

/// What events are ordered by. 事件排序字段。
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
pub enum EventOrderField {
    /// When the first report was received. 接收时间。
    ReceivedAt,
    /// When the event last changed. 最近变更时间。
    ChangedAt,
    /// Level. 等级。
    Level,
    /// Total of the current score; unrated ones are lowest. 当前评分。
    Score,
    /// Number. 编号。
    Number,
}

/// Direction of an order. 排序方向。
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
pub enum OrderDirection {
    /// Smallest or oldest first. 升序。
    Asc,
    /// Largest or newest first. 降序。
    Desc,
}

/// Order of events. 事件排序。
#[derive(Clone, Copy, Debug, InputObject)]
pub struct EventOrder {
    /// By what. 排序字段。
    pub field: EventOrderField,
    /// In which direction. 排序方向。
    pub direction: OrderDirection,
}

impl Default for EventOrder {
    fn default() -> Self {
        Self { field: EventOrderField::ReceivedAt, direction: OrderDirection::Desc }
    }
}

impl EventOrder {
    /// The order as a key of pages.
    pub fn keyset(self) -> Keyset<event::Column> {
        let column = match self.field {
            EventOrderField::ReceivedAt => event::Column::ReceivedAt,
            EventOrderField::ChangedAt => event::Column::ChangedAt,
            EventOrderField::Level => event::Column::LevelRank,
            EventOrderField::Score => event::Column::Score,
            EventOrderField::Number => event::Column::Number,
        };
        Keyset { column, id: event::Column::Id, descending: self.direction == OrderDirection::Desc }
    }
}
