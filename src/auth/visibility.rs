//! What one may see: one narrow table of grants, written with the change that moves them, read by every
//! finder, loader and count.
//!
//! [`grants`] is the whole rule: it says from an event's facts who gets which side of it. [`Actor::keys`]
//! says by which keys an actor is found there. Nothing else decides visibility.

use std::collections::BTreeSet;

use entity::vocabulary::{AffectedState, Facet, TicketState, Tlp, Verdict};
use entity::{affected_product, channel, event, event_access, payout, report, reporter, team_member, ticket};
use sea_orm::sea_query::{Condition, Expr, ExprTrait, Query, SelectStatement, SimpleExpr};
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, Select};
use serde_json::json;
use uuid::Uuid;

use super::{Actor, Role};
use crate::app::App;
use crate::error::Result;
use crate::outbox::ChangeSet;

/// Readers of every event that is not TLP:RED.
const READERS: &str = "readers:open";
/// Readers of TLP:RED besides the named people.
const RED_READERS: &str = "readers:red";

/// Those who pay.
const PAYERS: &str = "payers";
/// The programs that keep tickets.
const TICKETING: &str = "ticketing";

/// What a channel's platform is granted by.
fn of_channel(key: &str) -> String {
    format!("channel:{key}")
}

/// Roles that see an event when they are on its team.
const TEAM_ROLES: [Role; 6] =
    [Role::Analyst, Role::Engineer, Role::Support, Role::AccountManager, Role::Legal, Role::PublicRelations];

/// One row of `event_access`: a side of an event and the key that opens it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Grant {
    facet: Facet,
    principal: String,
    report: Uuid,
}

/// What [`grants`] follows from.
#[derive(Clone, Debug)]
pub struct Facts<'a> {
    /// The event.
    pub event: &'a event::Model,
    /// Its team, past members included.
    pub members: &'a [team_member::Model],
    /// How products stand to it, with the product's key.
    pub products: &'a [(affected_product::Model, String)],
    /// Its reports, with the channel's key and the reporter's subject.
    pub reports: &'a [(report::Model, String, Option<String>)],
}

/// Who may see which side of an event.
pub fn grants(facts: &Facts<'_>) -> BTreeSet<Grant> {
    let mut grants = BTreeSet::new();
    let mut content = |principal: String| {
        grants.insert(Grant { facet: Facet::Content, principal, report: Uuid::nil() });
    };
    let red = facts.event.tlp == Tlp::Red;
    content(if red { RED_READERS } else { READERS }.to_owned());
    for member in facts.members.iter().filter(|member| member.removed_at.is_none()) {
        if let Some(subject) = &member.subject {
            content(format!("subject:{subject}"));
        }
        // A team is not a named person.
        if let Some(team) = member.team.as_ref().filter(|_| !red) {
            content(format!("team:{team}"));
        }
    }
    let ours = matches!(facts.event.verdict, Some(Verdict::Confirmed | Verdict::KnownInternally));
    if ours && !red {
        for (affected, key) in facts.products {
            if affected.state != AffectedState::NotAffected {
                content(format!("product:{key}"));
            }
        }
    }
    for (report, channel, subject) in facts.reports {
        let mut public = |principal: String| {
            grants.insert(Grant { facet: Facet::Public, principal, report: report.id });
        };
        public(of_channel(channel));
        if let Some(subject) = subject {
            public(format!("subject:{subject}"));
        }
    }
    grants
}

impl Actor {
    /// The keys by which the actor is found among the grants of `facet`.
    pub fn keys(&self, facet: Facet) -> Vec<String> {
        let mut keys = Vec::new();
        match facet {
            Facet::Content => {
                if self.has_any(&[Role::Analyst, Role::Leader, Role::Auditor]) {
                    keys.push(READERS.to_owned());
                }
                if self.has_any(&[Role::Leader, Role::Auditor]) {
                    keys.push(RED_READERS.to_owned());
                }
                if self.has_any(&TEAM_ROLES) {
                    keys.push(format!("subject:{}", self.subject));
                    keys.extend(self.teams.iter().map(|team| format!("team:{team}")));
                }
                if self.is(Role::Engineer) {
                    keys.extend(self.products.iter().map(|key| format!("product:{key}")));
                }
            }
            Facet::Public => {
                if self.is(Role::Reporter) {
                    keys.push(format!("subject:{}", self.subject));
                }
                if self.is(Role::Src) {
                    keys.extend(self.channel.as_deref().map(of_channel));
                }
            }
            // Whoever pays sees every payout, on whatever event: `visible` looks for one.
            Facet::Money => {
                if self.is(Role::Finance) {
                    keys.push(PAYERS.to_owned());
                }
            }
            // A ticket opens its event's ticket side: `visible` looks for one.
            Facet::Tickets => {
                if self.is(Role::Ticketing) {
                    keys.push(TICKETING.to_owned());
                }
            }
        }
        keys
    }
}

/// Whether somebody with `role`, whatever their scope, may be let see this side of an event at all.
pub fn may_see(role: Role, facet: Facet) -> bool {
    let everywhere = Actor {
        products: [String::new()].into(),
        channel: Some("".into()),
        ..Actor::operator("anybody", [role])
    };
    !everywhere.keys(facet).is_empty()
}

/// The grants of `facet` that open to the actor. What is ours stands in the statement as it is: PostgreSQL then plans it once, by
/// what it knows of that, and not anew for the values of each request.
fn grants_of(actor: &Actor, facet: Facet) -> SelectStatement {
    let key = |key: String| {
        let is_ours = [READERS, RED_READERS].contains(&key.as_str());
        if is_ours { Expr::Constant(key.into()) } else { Expr::val(key) }
    };
    let of = |column| Expr::col((event_access::Entity, column));
    Query::select()
        .from(event_access::Entity)
        .and_where(of(event_access::Column::Facet).eq(Expr::Constant(facet.as_str().into())))
        .and_where(of(event_access::Column::Principal).is_in(actor.keys(facet).into_iter().map(key)))
        .take()
}

fn access(actor: &Actor, facet: Facet) -> SelectStatement {
    grants_of(actor, facet).expr(Expr::cust("1")).take()
}

/// Whether the actor sees what they are granted by name, product or channel, and not what is open to its readers at large.
pub fn sees_little(actor: &Actor) -> bool {
    !actor.keys(Facet::Content).iter().any(|key| matches!(key.as_str(), READERS | RED_READERS))
}

/// Whether the actor sees the content of every event, those of named people included.
pub fn sees_all(actor: &Actor) -> bool {
    let keys = actor.keys(Facet::Content);
    [READERS, RED_READERS].iter().all(|key| keys.iter().any(|held| held == key))
}

/// The events whose content the actor may see.
pub fn granted_events(actor: &Actor) -> SelectStatement {
    granted(actor, Facet::Content, event_access::Column::EventId)
}

/// The same for each of the actor's keys, by each of which they stand in the order in which they were received. None for who
/// does not see little.
pub fn granted_by_key(actor: &Actor) -> Vec<Select<event_access::Entity>> {
    if !sees_little(actor) {
        return Vec::new();
    }
    let of = |key: String| {
        event_access::Entity::find()
            .filter(event_access::Column::Facet.eq(Facet::Content))
            .filter(event_access::Column::Principal.eq(key))
    };
    actor.keys(Facet::Content).into_iter().map(of).collect()
}

/// The reports whose public side the actor may see; none where nobody of their roles has any.
pub fn granted_reports(actor: &Actor) -> Option<SelectStatement> {
    let any = !actor.keys(Facet::Public).is_empty();
    any.then(|| granted(actor, Facet::Public, event_access::Column::ReportId))
}

fn granted(actor: &Actor, facet: Facet, what: event_access::Column) -> SelectStatement {
    grants_of(actor, facet).column((event_access::Entity, what)).take()
}

fn same_event(column: impl ColumnTrait) -> SimpleExpr {
    Expr::col((event_access::Entity, event_access::Column::EventId)).eq(Expr::col(column.as_column_ref()))
}

/// The event in `column` is one whose `facet` the actor may see.
pub fn visible(actor: &Actor, facet: Facet, column: impl ColumnTrait) -> Condition {
    let Some(opening) = opening(actor, facet, column) else {
        return Condition::all().add(Expr::val(1).eq(0));
    };
    Condition::all().add(Expr::exists(opening))
}

/// The same beside an `OR`.
pub fn or_visible(actor: &Actor, facet: Facet, column: impl ColumnTrait) -> SimpleExpr {
    opening(actor, facet, column).map_or_else(|| Expr::val(1).eq(0), of_each)
}

/// Whether `select` finds anything, asked of each row that is read. Beside an `OR` PostgreSQL would else put together all that it
/// finds for whatever row.
pub fn of_each(select: SelectStatement) -> SimpleExpr {
    Query::select().expr(Expr::exists(select)).take().into()
}

/// What opens `facet` of the event in `column` to the actor; none when nothing may.
fn opening(actor: &Actor, facet: Facet, column: impl ColumnTrait) -> Option<SelectStatement> {
    if actor.keys(facet).is_empty() {
        return None;
    }
    Some(match facet {
        Facet::Money => with_payout(column),
        Facet::Tickets => with_ticket(column),
        Facet::Content | Facet::Public => access(actor, facet).and_where(same_event(column)).take(),
    })
}

/// The event in `column` is one whose content the actor may see, for statements over many rows: whoever sees little is found
/// by what they are granted, so that it takes as long as that is much, whatever is hidden.
pub fn visible_of_many(actor: &Actor, column: impl ColumnTrait) -> Condition {
    if !sees_little(actor) || actor.keys(Facet::Content).is_empty() {
        return visible(actor, Facet::Content, column);
    }
    Condition::all().add(Expr::col(column.as_column_ref()).in_subquery(granted_events(actor)))
}

/// A payout for a report of the event in `column`.
fn with_payout(column: impl ColumnTrait) -> SelectStatement {
    Query::select()
        .expr(Expr::val(1))
        .from(payout::Entity)
        .inner_join(
            report::Entity,
            Expr::col((report::Entity, report::Column::Id))
                .equals((payout::Entity, payout::Column::ReportId)),
        )
        .and_where(Expr::col((report::Entity, report::Column::EventId)).eq(Expr::col(column.as_column_ref())))
        .take()
}

/// A ticket of the event in `column`, unless that is for named people alone.
fn with_ticket(column: impl ColumnTrait) -> SelectStatement {
    let own = |column: ticket::Column| Expr::col((ticket::Entity, column));
    // Under a name of its own, since the asking statement may be about events itself.
    let red = Query::select()
        .expr(Expr::val(1))
        .from_as(event::Entity, "of_ticket")
        .and_where(Expr::col(("of_ticket", event::Column::Id)).eq(own(ticket::Column::EventId)))
        .and_where(Expr::col(("of_ticket", event::Column::Tlp)).eq(Tlp::Red))
        .take();
    Query::select()
        .expr(Expr::val(1))
        .from(ticket::Entity)
        .and_where(own(ticket::Column::EventId).eq(Expr::col(column.as_column_ref())))
        .and_where(own(ticket::Column::State).ne(TicketState::Unlinked))
        .and_where(Expr::exists(red).not())
        .take()
}

/// The ticket is one that the actor may see: on an event whose content is theirs, or any that is kept for the
/// programs that keep tickets.
pub fn visible_ticket(actor: &Actor) -> Condition {
    if !actor.is(Role::Ticketing) {
        return visible(actor, Facet::Content, ticket::Column::EventId);
    }
    let red = Query::select()
        .column(event::Column::Id)
        .from(event::Entity)
        .and_where(Expr::col(event::Column::Tlp).eq(Tlp::Red))
        .take();
    let kept = Condition::all()
        .add(ticket::Column::State.ne(TicketState::Unlinked))
        .add(ticket::Column::EventId.not_in_subquery(red));
    Condition::any().add(or_visible(actor, Facet::Content, ticket::Column::EventId)).add(kept)
}

/// The report is one that the actor may see: on an event whose content is theirs and whose raw reports
/// their role may read, or their own.
pub fn visible_report(actor: &Actor) -> Condition {
    let any = [report_inside(actor), own_report(actor)]
        .into_iter()
        .flatten()
        .fold(Condition::any(), Condition::add);
    if any.is_empty() { Condition::all().add(Expr::val(1).eq(0)) } else { any }
}

/// The same for a list of them. All that a platform sees are its channel's, which are kept in the list's order: they are looked at
/// one by one, where it would else be found of all of them and all be put in order.
pub fn listed_report(actor: &Actor) -> Condition {
    let keys = actor.keys(Facet::Public);
    match (own_report_access(actor), report_inside(actor), actor.channel.as_deref()) {
        (Some(own), None, Some(key)) if keys == [of_channel(key)] => Condition::all()
            .add(Expr::col(report::Column::ChannelId.as_column_ref()).eq(channel_of(key)))
            .add(of_each(own)),
        _ => visible_report(actor),
    }
}

/// The report is on an event whose content is the actor's to see; none when their role may read no raw reports.
pub fn report_inside(actor: &Actor) -> Option<Condition> {
    super::policy::allows(actor, super::policy::Action::ReadRawReports)
        .then(|| visible(actor, Facet::Content, report::Column::EventId))
}

/// The report that `column` names is one of which this holds. Asked of each row that is read: both databases would else put
/// together all reports of which it holds, whatever few are looked for.
pub fn of_report(column: impl ColumnTrait, holds: Condition) -> SimpleExpr {
    let it = Query::select()
        .expr(Expr::val(1))
        .from(report::Entity)
        .and_where(Expr::col((report::Entity, report::Column::Id)).eq(Expr::col(column.as_column_ref())))
        .cond_where(holds)
        .take();
    of_each(it)
}

/// The channel with this key, as one value.
fn channel_of(key: &str) -> SimpleExpr {
    let channel = Query::select()
        .column(channel::Column::Id)
        .from(channel::Entity)
        .and_where(Expr::col(channel::Column::Key).eq(key))
        .take();
    channel.into()
}

/// The report is the actor's own, whose public side they see; none when nobody of their roles has any.
pub fn own_report(actor: &Actor) -> Option<Condition> {
    Some(Condition::all().add(Expr::exists(own_report_access(actor)?)))
}

fn own_report_access(actor: &Actor) -> Option<SelectStatement> {
    if actor.keys(Facet::Public).is_empty() {
        return None;
    }
    let own = access(actor, Facet::Public)
        .and_where(same_event(report::Column::EventId))
        .and_where(
            Expr::col((event_access::Entity, event_access::Column::ReportId))
                .eq(Expr::col((report::Entity, report::Column::Id))),
        )
        .take();
    Some(own)
}

/// The payout is one that the actor may see. FINANCE sees all; the team those on events whose content is theirs,
/// and bonuses of reporters of whom they see a report; a reporter their own and a platform its channel's, once
/// approved. TLP:RED takes a payout from nobody but those who lose the event's content.
pub fn visible_payout(actor: &Actor) -> Condition {
    use payout::Column::{ApprovedAt, ChannelId, ReportId, ReporterId};
    if actor.is(Role::Finance) {
        return Condition::all();
    }
    let of = |column: payout::Column| Expr::col((payout::Entity, column));
    let mut any = Condition::any();
    if actor.has_any(&[Role::Analyst, Role::Leader, Role::Auditor]) {
        any = any.add(of_report(ReportId, visible(actor, Facet::Content, report::Column::EventId)));
        let theirs = Query::select()
            .expr(Expr::val(1))
            .from(reporter::Entity)
            .and_where(Expr::col((reporter::Entity, reporter::Column::Id)).eq(of(ReporterId)))
            .cond_where(crate::intake::store::visible_reporter(actor))
            .take();
        any = any.add(of(ReportId).is_null().and(of_each(theirs)));
    }
    if actor.is(Role::Reporter) {
        let own = Query::select()
            .column(reporter::Column::Id)
            .from(reporter::Entity)
            .and_where(Expr::col(reporter::Column::Subject).eq(&*actor.subject))
            .take();
        any = any.add(of(ApprovedAt).is_not_null().and(of(ReporterId).in_subquery(own)));
    }
    if let Some(key) = actor.channel.as_deref().filter(|_| actor.is(Role::Src)) {
        any = any.add(of(ApprovedAt).is_not_null().and(of(ChannelId).eq(channel_of(key))));
    }
    if any.is_empty() { Condition::all().add(Expr::val(1).eq(0)) } else { any }
}

/// The facts that grants follow from, as they stand, to be changed by a command and handed to [`regrant`].
#[derive(Clone, Debug)]
pub struct AccessFacts {
    /// The event.
    pub event: event::Model,
    /// Its team, past members included.
    pub members: Vec<team_member::Model>,
    /// How products stand to it, with the product's key.
    pub products: Vec<(affected_product::Model, String)>,
    /// Its reports, with the channel's key and the reporter's subject.
    pub reports: Vec<(report::Model, String, Option<String>)>,
}

impl AccessFacts {
    /// The facts of a new event.
    pub fn new(event: event::Model) -> Self {
        Self { event, members: Vec::new(), products: Vec::new(), reports: Vec::new() }
    }

    /// Reads the facts of an event that the caller has found.
    ///
    /// # Errors
    /// Of the database.
    pub async fn load(app: &App, event: &event::Model) -> Result<Self> {
        let db = app.database.reader();
        let members =
            team_member::Entity::find().filter(team_member::Column::EventId.eq(event.id)).all(db).await?;
        let affected = affected_product::Entity::find()
            .filter(affected_product::Column::EventId.eq(event.id))
            .all(db)
            .await?;
        let keys = crate::product::keys(app, affected.iter().map(|row| row.product_id)).await?;
        let products = affected
            .into_iter()
            .filter_map(|row| keys.get(&row.product_id).cloned().map(|key| (row, key)))
            .collect();
        let reports = crate::intake::store::access_facts(app, event.id).await?;
        Ok(Self { event: event.clone(), members, products, reports })
    }

    /// Whether `subject` is a present member of the team.
    pub fn has_member(&self, subject: &str) -> bool {
        self.members
            .iter()
            .any(|member| member.removed_at.is_none() && member.subject.as_deref() == Some(subject))
    }

    fn grants(&self) -> BTreeSet<Grant> {
        grants(&Facts {
            event: &self.event,
            members: &self.members,
            products: &self.products,
            reports: &self.reports,
        })
    }
}

/// Writes the difference between what was granted and what now is.
pub fn regrant(changes: &mut ChangeSet, before: Option<&AccessFacts>, after: &AccessFacts) {
    let old = before.map(AccessFacts::grants).unwrap_or_default();
    let new = after.grants();
    for grant in new.difference(&old) {
        changes.write_row(&event_access::Model {
            event_id: after.event.id,
            facet: grant.facet,
            principal: grant.principal.clone(),
            report_id: grant.report,
            received_at: after.event.received_at,
        });
    }
    for grant in old.difference(&new) {
        let delete = Query::delete()
            .from_table(event_access::Entity)
            .and_where(event_access::Column::EventId.eq(after.event.id))
            .and_where(event_access::Column::Facet.eq(grant.facet))
            .and_where(event_access::Column::Principal.eq(grant.principal.clone()))
            .and_where(event_access::Column::ReportId.eq(grant.report))
            .take();
        changes.delete(delete, noted(grant));
    }
}

/// What the audit trail keeps of a grant that ends: of a reporter's, the report that it was for and not their subject.
fn noted(grant: &Grant) -> serde_json::Value {
    let facet = grant.facet.as_str();
    match grant.facet {
        Facet::Public => json!({ "access": [facet, grant.report] }),
        _ => json!({ "access": [facet, grant.principal] }),
    }
}
