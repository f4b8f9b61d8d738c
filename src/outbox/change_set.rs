//! What one decision writes.

use std::collections::BTreeMap;

use entity::vocabulary::{ConfigurationKind, SearchKind, SearchSide};
use entity::{Aggregate, audit_entry, message};
use sea_orm::sea_query::{
    Condition, DeleteStatement, Expr, ExprTrait, InsertStatement, Query, UpdateStatement,
};
use sea_orm::{EntityName, EntityTrait, IdenStatic, Iterable, ModelTrait};
use serde_json::{Map, json};
use uuid::Uuid;

use super::Message;
use super::message::ConfigurationChanged;
use crate::app::App;
use crate::audit::chain;
use crate::auth::Actor;
use crate::auth::policy::Action;
use crate::ids::{Kind, encode};

/// What is nobody's news but its actor's, with why.
const UNTOLD: &[Action] = &[
    // History; what comes as notices is told of.
    Action::ImportReports,
    // Who sees the one event may not be told of the other.
    Action::LinkEvents,
    // The same; what becomes of payouts by it is told.
    Action::ProposeMultiPlatform,
    Action::DecideMultiPlatform,
    Action::ResolveMultiPlatformAppeal,
    Action::EndMultiPlatformHold,
    // Who reported may be known by an event alone that most may not see.
    Action::EraseReporter,
    Action::LinkReporter,
    Action::SetLeaderboardName,
    Action::SetPayeeAccount,
    Action::UpdateReporter,
    // The payouts that come of it are told of.
    Action::ComputeBonusRun,
    // What a tracker is asked and answers; what changes on a ticket by it is told of.
    Action::RetryTicket,
    Action::SyncTicket,
    // The clocks that follow are told of.
    Action::CorrectLearnedAt,
    Action::RecountDeadlines,
    Action::SetNoticeDate,
    // Who asks has the secret, and the receiver the deliveries.
    Action::ReplayDeliveries,
    Action::ReplayDelivery,
    Action::RotateSecretKey,
    Action::RotateWebhookSecret,
    // One's own.
    Action::MarkNoticeRead,
    Action::CreateCalendarFeed,
    Action::RevokeCalendarFeed,
    // It changes nothing: the trail alone keeps who took it.
    Action::ExportPackage,
];

/// Columns that [`ChangeSet::revise`] moves by itself; their change is no news.
const STAMPED: [&str; 4] = ["version", "revision", "audit_head", "changed_at"];

/// Whether a change makes versions that callers hold stale.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Bump {
    /// Callers have to look again before they change the aggregate.
    Version,
    /// Recorded and guarded, but nothing that a caller's next step could depend on (a comment): neither version
    /// nor `changedAt` moves, so nobody learns of what they may not see.
    RevisionOnly,
}

/// Rows of one INSERT statement. The full ones of a bulk are alike, and are prepared once.
const ROWS: usize = 100;

/// Rows for a table.
#[derive(Debug)]
pub(super) struct Insert {
    table: String,
    rows: usize,
    pub(super) statement: InsertStatement,
}

/// Everything that one decision writes, in one commit.
///
/// Child rows come first, then [`create`](Self::create) or [`revise`](Self::revise) of the aggregate they
/// belong to: that closes its audit entry over them.
#[derive(Debug)]
pub struct ChangeSet {
    actor: Actor,
    /// Who is recorded to have made the change.
    name: String,
    action: Action,
    reason: Option<String>,
    at: chrono::DateTime<chrono::Utc>,
    details: Vec<serde_json::Value>,
    pub(super) inserts: Vec<Insert>,
    pub(super) updates: Vec<UpdateStatement>,
    pub(super) deletes: Vec<DeleteStatement>,
    /// Segment, feature and report of each posting.
    pub(super) postings: Vec<(i64, i64, Uuid)>,
    /// What things are found by in the search, by thing and side.
    pub(super) entries: BTreeMap<(Uuid, SearchSide), (SearchKind, String)>,
    /// Updates that have to meet exactly one row, else somebody else was first.
    pub(super) guarded: Vec<UpdateStatement>,
}

impl ChangeSet {
    /// An empty change by `actor`, at the clock's present instant.
    pub fn new(app: &App, actor: &Actor, action: Action) -> Self {
        Self {
            actor: actor.clone(),
            name: actor.subject.to_string(),
            action,
            reason: None,
            at: app.clock.now(),
            details: Vec::new(),
            inserts: Vec::new(),
            updates: Vec::new(),
            deletes: Vec::new(),
            postings: Vec::new(),
            entries: BTreeMap::new(),
            guarded: Vec::new(),
        }
    }

    /// Adds why, as the actor gave it.
    #[must_use]
    pub fn because(mut self, reason: Option<impl Into<String>>) -> Self {
        self.reason = reason.map(Into::into);
        self
    }

    /// Records the reporter by their id instead of their subject and address, which are personal data: they stand in
    /// the reporter's row alone and can be erased there.
    #[must_use]
    pub fn by_reporter(mut self, reporter: Uuid) -> Self {
        self.name = format!("reporter:{}", encode(Kind::Reporter, reporter));
        self.actor.origin.address = None;
        self
    }

    /// When the change happens.
    pub fn at(&self) -> chrono::DateTime<chrono::Utc> {
        self.at
    }

    /// Subject of who makes the change; of a reporter, what stands for them.
    pub fn actor(&self) -> &str {
        &self.name
    }

    /// Inserts a child row.
    pub fn insert<M: ModelTrait>(&mut self, row: &M) {
        self.note(row, "inserted", |row, column| Some(audited::<M>(row, column)));
        self.write_row(row);
    }

    /// The same where the audit entry is to keep these columns alone, and none of the bytes that one of them proves.
    pub fn insert_proving<M: ModelTrait>(&mut self, row: &M, columns: &[&str]) {
        let kept = |column: &str| columns.contains(&column);
        self.note(row, "inserted", |row, column| kept(column.as_str()).then(|| audited::<M>(row, column)));
        self.write_row(row);
    }

    /// Updates a child row by its primary key; the aggregate's revision guards it.
    pub fn update<M: ModelTrait>(&mut self, before: &M, after: &M) {
        let Some(mut statement) = self.changed_columns(before, after) else { return };
        for key in <M::Entity as EntityTrait>::PrimaryKey::iter() {
            let column = sea_orm::PrimaryKeyToColumn::into_column(key);
            statement.and_where(Expr::col(column).eq(before.get(column)));
        }
        self.updates.push(statement);
    }

    /// The same where the row still is as `condition` says: else somebody else was first, and nothing is written.
    pub fn update_where<M: ModelTrait>(&mut self, before: &M, after: &M, condition: Condition) {
        let Some(mut statement) = self.changed_columns(before, after) else { return };
        for key in <M::Entity as EntityTrait>::PrimaryKey::iter() {
            let column = sea_orm::PrimaryKeyToColumn::into_column(key);
            statement.and_where(Expr::col(column).eq(before.get(column)));
        }
        statement.cond_where(condition);
        self.guarded.push(statement);
    }

    /// Deletes child rows, noted under `what`.
    pub fn delete(&mut self, statement: DeleteStatement, what: serde_json::Value) {
        self.details.push(json!({ "deleted": what }));
        self.deletes.push(statement);
    }

    /// Inserts a new aggregate and opens its audit chain. `event` is the event whose readers may read the entry.
    pub fn create<M: Aggregate>(&mut self, app: &App, mut row: M, event: Option<Uuid>) -> M {
        // What this entry stamps on the row follows from the entry.
        self.note(&row, "created", |row, column| {
            (!STAMPED.contains(&column.as_str())).then(|| audited::<M>(row, column))
        });
        let digest = self.audit(app, M::KIND, row.id(), event, 1, &[]);
        row.stamp(1, 1, digest, self.at);
        self.write_row(&row);
        self.tell_configuration(app, M::KIND);
        row
    }

    /// Changes an aggregate under the guard of its revision and closes the audit entry over all rows written since the last one.
    pub fn revise<M: Aggregate>(
        &mut self,
        app: &App,
        before: &M,
        mut after: M,
        event: Option<Uuid>,
        bump: Bump,
    ) -> M {
        let mut statement = self
            .changed_columns(before, &after)
            .unwrap_or_else(|| Query::update().table(M::Entity::default()).take());
        let revision = before.revision() + 1;
        let digest = self.audit(app, M::KIND, before.id(), event, revision, before.audit_head());
        let bumped = bump == Bump::Version;
        self.tell_configuration(app, M::KIND);
        let changed_at = if bumped { self.at } else { before.changed_at() };
        after.stamp(before.version() + i32::from(bumped), revision, digest, changed_at);
        for column in <M::Entity as EntityTrait>::Column::iter() {
            if STAMPED.contains(&column.as_str()) {
                statement.value(column, after.get(column));
            }
        }
        statement
            .and_where(Expr::col(M::id_column()).eq(before.id()))
            .and_where(Expr::col(M::revision_column()).eq(before.revision()));
        self.guarded.push(statement);
        after
    }

    /// Demands that an aggregate which this change does not revise still is as it was read: what was decided from it
    /// would not hold otherwise.
    pub fn demand<M: Aggregate>(&mut self, row: &M) {
        let revision = M::revision_column();
        let mut statement = Query::update().table(M::Entity::default()).take();
        statement
            .value(revision, row.revision())
            .and_where(Expr::col(M::id_column()).eq(row.id()))
            .and_where(Expr::col(revision).eq(row.revision()));
        self.guarded.push(statement);
    }

    /// Demands that a row which is never changed still is there, until what names it is written.
    pub fn demand_row<M: ModelTrait>(&mut self, row: &M) {
        let mut statement = Query::update().table(M::Entity::default()).take();
        for key in <M::Entity as EntityTrait>::PrimaryKey::iter() {
            let column = sea_orm::PrimaryKeyToColumn::into_column(key);
            statement.value(column, row.get(column)).and_where(Expr::col(column).eq(row.get(column)));
        }
        self.guarded.push(statement);
    }

    /// Updates child rows, noted under `what`.
    pub fn update_rows(&mut self, statement: UpdateStatement, what: serde_json::Value) {
        self.details.push(json!({ "updated": what }));
        self.updates.push(statement);
    }

    /// Closes an audit entry over the rows written since the last one, for a row that is never changed again.
    pub fn record(&mut self, app: &App, kind: &str, id: Uuid) {
        self.audit(app, kind, id, None, 1, &[]);
        self.tell_configuration(app, kind);
    }

    /// Tells of a change of what an installation is set up with, whichever command makes it.
    fn tell_configuration(&mut self, app: &App, aggregate: &str) {
        let kind = ConfigurationKind::iter().find(|kind| kind.as_str().eq_ignore_ascii_case(aggregate));
        // A mark that moves on is no change of what somebody set up.
        if let Some(kind) = kind.filter(|_| self.action != Action::RecountDeadlines) {
            self.message(app, None, &ConfigurationChanged { kind });
        }
    }

    /// What the change is, as the policy table names it.
    pub(crate) fn action(&self) -> &'static str {
        self.action.name()
    }

    /// Whether the outside is told of this change, where it is to be told: each change is, but for those listed here.
    pub(crate) fn is_told(&self) -> bool {
        let writes = |table| self.inserts.iter().any(|insert| insert.table == table);
        !writes("audit_entry") || writes("message") || UNTOLD.contains(&self.action)
    }

    /// Tells the outside, and answers the message's id.
    pub fn message<M: Message>(&mut self, app: &App, event: Option<Uuid>, message: &M) -> Uuid {
        self.write_message(app, event, None, message)
    }

    /// Tells one webhook endpoint alone.
    pub fn message_to<M: Message>(&mut self, app: &App, endpoint: Uuid, message: &M) -> Uuid {
        self.write_message(app, None, Some(endpoint), message)
    }

    fn write_message<M: Message>(
        &mut self,
        app: &App,
        event: Option<Uuid>,
        endpoint: Option<Uuid>,
        message: &M,
    ) -> Uuid {
        let id = app.ids.next();
        self.write_row(&message::Model {
            id,
            kind: M::KIND.as_str().to_owned(),
            endpoint_id: endpoint,
            event_id: event,
            data: message.data(),
            created_at: self.at,
            position: None,
        });
        id
    }

    /// Keeps the outcome of a creation under the caller's key.
    pub fn remember(&mut self, key: &crate::idempotency::Key, result: Uuid) {
        self.write_row(&entity::idempotency::Model {
            subject: self.actor.subject.to_string(),
            operation: self.action.name().to_owned(),
            key: key.key.clone(),
            input_hash: key.input_hash.clone(),
            result_id: result,
            created_at: self.at,
        });
    }

    /// Inserts a row that needs no mention in the audit entry (it follows from rows that have one).
    pub fn write_row<M: ModelTrait>(&mut self, row: &M) {
        let columns: Vec<_> = <M::Entity as EntityTrait>::Column::iter().collect();
        let values = columns.iter().map(|column| Expr::value(row.get(*column)));
        let entity = M::Entity::default();
        let table = entity.table_name().to_owned();
        let open = |insert: &Insert| insert.rows < ROWS && insert.table == table;
        let index = self.inserts.iter().rposition(open).unwrap_or_else(|| {
            let statement = Query::insert().into_table(entity).columns(columns.iter().copied()).take();
            self.inserts.push(Insert { table, rows: 0, statement });
            self.inserts.len() - 1
        });
        let insert = &mut self.inserts[index];
        insert.rows += 1;
        insert.statement.values_panic(values);
    }

    /// Lets a report be found under features, in a segment of the index; what it is found under already stays.
    pub fn post(&mut self, segment: i64, report: Uuid, features: impl IntoIterator<Item = i64>) {
        self.postings.extend(features.into_iter().map(|feature| (segment, feature, report)));
    }

    /// Lets a thing be found by these words, and no longer by others; of what is said twice the last counts.
    pub fn find_by(&mut self, kind: SearchKind, subject: Uuid, side: SearchSide, words: String) {
        self.entries.insert((subject, side), (kind, words));
    }

    /// Updates a row of bookkeeping that has no audit entry of its own.
    pub fn write_update(&mut self, statement: UpdateStatement) {
        self.updates.push(statement);
    }

    /// Deletes rows that need no mention in the audit entry.
    pub fn write_delete(&mut self, statement: DeleteStatement) {
        self.deletes.push(statement);
    }

    fn changed_columns<M: ModelTrait>(&mut self, before: &M, after: &M) -> Option<UpdateStatement> {
        let mut statement = Query::update().table(M::Entity::default()).take();
        let mut any = false;
        self.note(before, "changed", |before, column| {
            let (old, new) = (before.get(column), after.get(column));
            if old == new || STAMPED[1..].contains(&column.as_str()) {
                return None;
            }
            any = true;
            statement.value(column, new);
            Some(json!([audited::<M>(before, column), audited::<M>(after, column)]))
        });
        any.then_some(statement)
    }

    fn note<M: ModelTrait>(
        &mut self,
        row: &M,
        verb: &str,
        mut value: impl FnMut(&M, <M::Entity as EntityTrait>::Column) -> Option<serde_json::Value>,
    ) {
        let keys: Vec<_> = <M::Entity as EntityTrait>::PrimaryKey::iter()
            .map(sea_orm::PrimaryKeyToColumn::into_column)
            .collect();
        let mut columns = Map::new();
        for column in <M::Entity as EntityTrait>::Column::iter() {
            // The key is named once.
            if keys.iter().any(|key| key.as_str() == column.as_str()) {
                continue;
            }
            if let Some(value) = value(row, column).filter(|value| !value.is_null()) {
                columns.insert(column.as_str().to_owned(), value);
            }
        }
        if columns.is_empty() {
            return;
        }
        let key: Vec<_> = keys.into_iter().map(|key| audited::<M>(row, key)).collect();
        self.details.push(json!({ "table": M::Entity::default().table_name(), "key": key, verb: columns }));
    }

    fn audit(
        &mut self,
        app: &App,
        kind: &str,
        id: Uuid,
        event: Option<Uuid>,
        revision: i64,
        previous: &[u8],
    ) -> Vec<u8> {
        let mut entry = audit_entry::Model {
            id: app.ids.next(),
            aggregate_kind: kind.to_owned(),
            aggregate_id: id,
            event_id: event,
            revision,
            at: self.at,
            actor: self.name.clone(),
            roles: self.actor.role_names(),
            address: self.actor.origin.address.clone(),
            request_id: self.actor.origin.request_id.clone(),
            action: self.action.name().to_owned(),
            reason: self.reason.clone(),
            details: serde_json::Value::Array(std::mem::take(&mut self.details)).to_string(),
            previous: previous.to_vec(),
            digest: Vec::new(),
            position: None,
            seal: None,
        };
        entry.digest = chain::digest(&entry);
        self.write_row(&entry);
        entry.digest
    }
}

/// A column's value as the audit trail keeps it: personal data never, long or raw text by its digest.
fn audited<M: ModelTrait>(row: &M, column: <M::Entity as EntityTrait>::Column) -> serde_json::Value {
    let value = row.get(column);
    chain::audited_value(M::Entity::default().table_name(), column.as_str(), &value)
}
