//! Obligations and clocks: what has to happen until when, and who is told while it does not.
//!
//! An event's facts say which replies are owed and which clocks run: its reports and their channels, its verdict and
//! level, its products and the regimes they are in, decisions, what the world knows, what was answered and fixed, and
//! what people entered (a notice's own date, a question, when something was learned of). [`rules::plan`] compares that
//! with what is there. A command that changes one of these facts reads them ([`Clocks::find`], [`Clocks::load`]), changes them with its
//! own rows and lets them be followed in the same change ([`Clocks::replan`]). Nobody else opens an obligation or a
//! clock, and planning twice says nothing the second time.
//!
//! A clock counts by a rule of the *policy* in force, a version of which is never changed, along the channel's calendar
//! and zone. It has a due instant, or none with the reason. It never counts from a guess. What is met or waived is never
//! counted again; what is open follows every change, with its difference in the audit trail.
//!
//! Nothing hangs on a process being up at the minute: each open clock remembers at which share of its time people were
//! told last and when they are to be told next, and [`Telling`] finds it by that. [`Recounting`] finds what was counted
//! by an older policy, calendar or channel, [`Replanning`](replanning::Replanning) the open events, with clocks or without,
//! that a new policy or a changed product or channel is about.

mod counting;
mod enter;
pub mod evidence;
mod forecast;
pub mod graphql;
mod policy;
mod replanning;
pub mod rules;
pub mod store;
mod sweep;

pub use counting::Cache;
pub use enter::{
    CorrectLearnedAt, RecordFollowUpQuestion, SetNoticeDate, correct_learned_at, record_follow_up_question,
    set_notice_date,
};
pub use forecast::{Forecast, ForecastClock, OnDuty, forecast};
pub use policy::{CreateDeadlinePolicy, DeadlineRuleInput, create_policy, from_toml, to_toml};
pub use replanning::{
    AT_ONCE, OfChannels, OfCustomers, OfPolicies, OfProducts, channel_changed, customer_changed,
    customer_linked, product_changed,
};
pub use sweep::{Recounting, Telling};

use std::collections::BTreeMap;
use std::sync::Arc;

use entity::vocabulary::{DeadlineState, Facet, Status};
use entity::{channel, clock_fact, customer, deadline, event, obligation, report};
use sea_orm::sea_query::IntoCondition;
use sea_orm::{ColumnTrait, Condition};
use uuid::Uuid;

use crate::app::App;
use crate::auth::{Actor, visibility};
use crate::error::Result;
use crate::event::rules::Cause;
use crate::event::transition;
use crate::outbox::{ChangeSet, Opaque, message};
use counting::Counting;
use rules::{Change, ClockFacts, Plan, Product, Recorded, Told};

/// An event's facts with what they are counted by.
#[derive(Clone, Debug)]
pub struct Clocks {
    /// The facts, for a command to change.
    pub facts: ClockFacts,
    counting: Arc<Counting>,
    /// Rows that came with a report from another event, as they stand there.
    moved: Moved,
}

/// Rows that come with a report from another event, as they stand there.
#[derive(Clone, Debug, Default)]
struct Moved {
    obligations: BTreeMap<Uuid, obligation::Model>,
    deadlines: BTreeMap<Uuid, deadline::Model>,
}

impl Clocks {
    /// Finds an event whose content is the actor's to see. It stands among its facts.
    ///
    /// # Errors
    /// NOT_FOUND when it is hidden or absent, which nobody can tell apart.
    pub async fn find(app: &App, actor: &Actor, id: Uuid) -> Result<Self> {
        let visible = visibility::visible(actor, Facet::Content, event::Column::Id);
        Self::read(app, Condition::all().add(event::Column::Id.eq(id)).add(visible), None).await
    }

    /// Finds an event for the product's own work on it.
    ///
    /// # Errors
    /// NOT_FOUND when there is none.
    async fn of_any(app: &App, id: Uuid) -> Result<Self> {
        Self::read(app, event::Column::Id.eq(id), None).await
    }

    /// Reads the facts of an event that the caller has found.
    ///
    /// # Errors
    /// Of the database.
    pub async fn load(app: &App, event: &event::Model) -> Result<Self> {
        Self::of(app, event, None).await
    }

    /// The same for an event that a report through `channel` joins.
    ///
    /// # Errors
    /// Of the database.
    pub async fn load_with(app: &App, event: &event::Model, channel: &channel::Model) -> Result<Self> {
        Self::of(app, event, Some(channel)).await
    }

    /// Puts a product's changed standing in its place, or adds it with its customers.
    ///
    /// # Errors
    /// Of the database.
    pub async fn product_stands(&mut self, app: &App, changed: Product) -> Result<()> {
        let is_new = !self.facts.product_ids().contains(&changed.product.id);
        self.facts.product_changed(changed);
        if is_new {
            let facts = &mut self.facts;
            facts.customers = store::customers(app, facts.event.id, &facts.product_ids()).await?;
        }
        Ok(())
    }

    /// Adds a customer who is recorded as affected.
    ///
    /// # Errors
    /// Of the database.
    pub async fn customer_recorded(&mut self, app: &App, customer: &customer::Model) -> Result<()> {
        let uses = store::uses(app, customer.id, &self.facts.product_ids()).await?;
        let row = Recorded { customer: customer.id, abroad: customer.abroad, uses };
        self.facts.customers.recorded.push(row);
        Ok(())
    }

    fn with(facts: ClockFacts, counting: Arc<Counting>) -> Self {
        Self { facts, counting, moved: Moved::default() }
    }

    /// The event is as its caller found it: where it was changed since, the change meets no row.
    async fn of(app: &App, event: &event::Model, joining: Option<&channel::Model>) -> Result<Self> {
        let mut clocks = Self::read(app, event::Column::Id.eq(event.id), joining).await?;
        clocks.facts.event = event.clone();
        Ok(clocks)
    }

    async fn read(app: &App, which: impl IntoCondition, joining: Option<&channel::Model>) -> Result<Self> {
        let (mut facts, stamp) = store::find(app, which).await?;
        let counting = counting::under(app, stamp).await?;
        let of_reports = facts.reports.iter().map(|row| row.channel_id);
        let ids = of_reports.chain(facts.obligations.iter().map(|row| row.channel_id));
        let channels = ids.filter_map(|id| counting.channels.get(&id));
        let channels = channels.chain(joining).chain(counting.basis.recipients.values());
        facts.channels = channels.map(|channel| (channel.id, channel.clone())).collect();
        Ok(Self::with(facts, counting))
    }

    /// The facts of a new event, before its first report.
    ///
    /// # Errors
    /// Of the database.
    pub async fn new(app: &App, event: &event::Model) -> Result<Self> {
        let counting = counting::current(app).await?;
        Ok(Self::with(ClockFacts::new(event.clone(), app.clock.now()), counting))
    }

    /// Lets the event's obligations and clocks follow its facts, and the event with what is newly owed. `after` is the
    /// event as the command will revise it. Answers whether anything had to follow.
    ///
    /// # Errors
    /// None that a caller could mend.
    pub fn replan(&mut self, app: &App, changes: &mut ChangeSet, after: &mut event::Model) -> Result<bool> {
        self.facts.event = after.clone();
        self.facts.at = changes.at();
        let by = changes.actor().to_owned();
        let plan = rules::plan(&self.facts, &self.counting.basis, &by, || app.ids.next());
        self.write(app, changes, &plan);
        if plan.opens_obligation() {
            call_back(app, changes, after)?;
        }
        Ok(!plan.is_empty())
    }

    /// The same, and people are told of what is due by now. Answers whether anything was written, and who is to be told
    /// of what.
    fn replan_and_tell(
        &mut self,
        app: &App,
        changes: &mut ChangeSet,
        after: &mut event::Model,
    ) -> Result<(bool, Vec<Told>)> {
        self.facts.at = changes.at();
        let mut plan = rules::plan(&self.facts, &self.counting.basis, SCHEDULE, || app.ids.next());
        // Its clocks run on, but what was asked for since then is of open events: nothing of it opens one that is closed.
        if self.facts.event.status == Status::Closed {
            plan = plan.of_what_is_there();
        }
        let told = rules::tell_due(&self.facts, &self.counting.basis, &mut plan);
        self.write(app, changes, &plan);
        if plan.opens_obligation() {
            call_back(app, changes, after)?;
        }
        Ok((!plan.is_empty(), told))
    }

    /// Takes a report over from another event, with what is owed for it, its clocks and what was entered for them. Both
    /// events have to be planned anew in the same change: what was taken over is written with that.
    pub fn take_over(&mut self, changes: &mut ChangeSet, from: &mut Self, report: &report::Model) {
        let of = |id: Option<Uuid>| id == Some(report.id);
        let (facts, to) = (&mut from.facts, self.facts.event.id);
        facts.reports.retain(|row| row.id != report.id);
        self.facts.reports.push(report::Model { event_id: to, ..report.clone() });
        for row in facts.entered.extract_if(.., |row| of(row.report_id)) {
            let moved = clock_fact::Model { event_id: to, ..row.clone() };
            changes.update(&row, &moved);
            self.facts.entered.push(moved);
        }
        for row in facts.obligations.extract_if(.., |row| of(row.report_id)) {
            self.facts.obligations.push(obligation::Model { event_id: to, ..row.clone() });
            self.moved.obligations.insert(row.id, row);
        }
        for row in facts.deadlines.extract_if(.., |row| of(row.report_id)) {
            self.facts.deadlines.push(deadline::Model { event_id: to, ..row.clone() });
            self.moved.deadlines.insert(row.id, row);
        }
        // What is there is compared in the order in which it came.
        self.facts.obligations.sort_by_key(|row| row.id);
        self.facts.deadlines.sort_by_key(|row| row.id);
        self.facts.entered.sort_by_key(|row| row.id);
    }

    fn write(&mut self, app: &App, changes: &mut ChangeSet, plan: &Plan) {
        for change in &plan.obligations {
            match change {
                Change::New(row) => changes.insert(row),
                Change::Changed(before, after) => {
                    let moved = self.moved.obligations.remove(&after.id);
                    changes.update(moved.as_ref().unwrap_or(before), after);
                }
            }
            crate::reply::tell_obligation(app, changes, change.after());
        }
        for change in &plan.deadlines {
            match change {
                Change::New(row) => {
                    changes.insert(row);
                    tell(app, changes, row, true);
                }
                Change::Changed(before, after) => {
                    let moved = self.moved.deadlines.remove(&after.id);
                    changes.update(moved.as_ref().unwrap_or(before), after);
                    if has_news(before, after) {
                        tell(app, changes, after, false);
                    }
                }
            }
        }
        let to = self.facts.event.id;
        for row in std::mem::take(&mut self.moved.obligations).into_values() {
            changes.update(&row, &obligation::Model { event_id: to, ..row.clone() });
        }
        for row in std::mem::take(&mut self.moved.deadlines).into_values() {
            changes.update(&row, &deadline::Model { event_id: to, ..row.clone() });
        }
        if let Some(due_at) = plan.ask_abroad {
            // Not the person whose act opened the duty: a leader who did could not decide it then.
            let row = rules::abroad_question(&self.facts, app.ids.next(), SCHEDULE, due_at);
            changes.insert(&row);
            crate::decision::tell(app, changes, &row);
        }
    }
}

/// Who asks when the procedure does so by itself.
const SCHEDULE: &str = "vulndesk";

/// Whether those who were told of a clock have something new to know.
fn has_news(before: &deadline::Model, after: &deadline::Model) -> bool {
    (before.state, before.due_at, before.none_reason, before.paused_since)
        != (after.state, after.due_at, after.none_reason, after.paused_since)
}

/// Tells of a clock as it now is.
fn tell(app: &App, changes: &mut ChangeSet, row: &deadline::Model, opened: bool) {
    let deadline = Opaque::new(row.id);
    let (event, kind, state) = (Some(row.event_id), row.kind, row.state);
    match (opened, state) {
        (true, _) => changes.message(app, event, &message::DeadlineOpened { deadline, kind }),
        (false, DeadlineState::Met) => changes.message(app, event, &message::DeadlineMet { deadline, kind }),
        (false, _) => changes.message(app, event, &message::DeadlineChanged { deadline, kind, state }),
    };
}

/// What is newly owed brings an event that was through with its replies back to them.
///
/// # Errors
/// Never: the move table allows it from where it is made.
pub fn call_back(app: &App, changes: &mut ChangeSet, event: &mut event::Model) -> Result<()> {
    if matches!(event.status, Status::Reviewing | Status::Closed) {
        transition(app, changes, event, Status::Replying, Cause::NewObligation, None)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests;
