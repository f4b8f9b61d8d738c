//! Reads of events under embargo or TLP:RED: noted while an answer is made, recorded before it leaves.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, MutexGuard};

use async_graphql::Context;
use chrono::{DateTime, Utc};
use entity::vocabulary::Tlp;
use entity::{access_record, event, report};
use sea_orm::sea_query::{Expr, Query};
use sea_orm::{
    ColumnTrait, ConnectionTrait, DbErr, EntityName, EntityTrait, ExprTrait, QueryFilter, QuerySelect,
    Statement,
};
use serde_json::json;
use uuid::Uuid;

use crate::app::App;
use crate::auth::Actor;
use crate::database::given::{self, Given};
use crate::database::{Database, Share, Together, is_one_of};
use crate::error::Result;

/// The sensitive events that one request has read.
#[derive(Debug)]
pub struct SensitiveReads {
    now: DateTime<Utc>,
    events: Mutex<BTreeSet<String>>,
    /// Events of which something was read by itself: whether they are sensitive is looked up once, at the end.
    touched: Mutex<BTreeSet<Uuid>>,
    /// Reports of which what was paid for them was read.
    reports: Mutex<BTreeSet<Uuid>>,
}

impl SensitiveReads {
    /// None yet, at `now`.
    pub fn new(now: DateTime<Utc>) -> Self {
        Self { now, events: Mutex::default(), touched: Mutex::default(), reports: Mutex::default() }
    }

    /// Notes that `event` was read, if it is sensitive.
    pub fn note(&self, event: &event::Model) {
        if event.tlp == Tlp::Red || event.embargo_until.is_some_and(|until| until > self.now) {
            locked(&self.events).insert(event.number.clone());
        }
    }

    /// Notes that something that hangs on `event` was read without the event itself.
    pub fn touch(&self, event: Uuid) {
        locked(&self.touched).insert(event);
    }

    /// Notes that something that hangs on `report` was read without the report itself.
    pub fn touch_report(&self, report: Uuid) {
        locked(&self.reports).insert(report);
    }

    /// Writes one row for the request, if it read anything sensitive.
    ///
    /// # Errors
    /// Of the database: then the answer must not leave.
    pub async fn record(&self, app: &App, actor: &Actor) -> Result<()> {
        let mut events = std::mem::take(&mut *locked(&self.events));
        let touched = std::mem::take(&mut *locked(&self.touched));
        if !touched.is_empty() {
            let of = is_one_of(app.database.backend(), event::Column::Id, touched);
            events.extend(self.sensitive_among(app, of).await?);
        }
        let reports = std::mem::take(&mut *locked(&self.reports));
        if !reports.is_empty() {
            let of = Query::select()
                .column(report::Column::EventId)
                .from(report::Entity)
                .and_where(is_one_of(app.database.backend(), report::Column::Id, reports))
                .take();
            events.extend(self.sensitive_among(app, event::Column::Id.in_subquery(of)).await?);
        }
        if events.is_empty() {
            return Ok(());
        }
        // Written together with those of other requests: a page of the gravest events nearly always holds one that is sensitive.
        let row = access_record::Model {
            id: app.ids.next(),
            at: app.clock.now(),
            actor: actor.subject.to_string(),
            roles: actor.role_names(),
            address: actor.origin.address.clone(),
            request_id: actor.origin.request_id.clone(),
            event_ids: events.into_iter().collect::<Vec<_>>().into(),
        };
        Ok(app.reads.ask(&app.database, row).await?)
    }

    async fn sensitive_among(&self, app: &App, of: Expr) -> Result<Vec<String>> {
        use event::Column as C;
        let select = event::Entity::find()
            .select_only()
            .column(C::Number)
            .filter(of)
            .filter(C::Tlp.eq(Tlp::Red).or(C::EmbargoUntil.gt(self.now)));
        Ok(select.into_tuple().all(app.database.reader()).await?)
    }
}

/// Records of reads that wait to be written.
pub type Reads = Together<access_record::Model>;

impl Share for access_record::Model {
    type Answer = ();

    async fn run(database: &Database, records: &[Self]) -> std::result::Result<Vec<()>, DbErr> {
        let columns = Given([
            given::id("id"),
            given::time("at"),
            given::text("actor"),
            given::text("roles"),
            given::text("address").or_null(),
            given::text("request_id").or_null(),
            given::json("event_ids"),
        ]);
        let names = "id, at, actor, roles, address, request_id, event_ids";
        let rows = records.iter().map(|record| {
            [
                record.id.into(),
                record.at.into(),
                record.actor.as_str().into(),
                record.roles.as_str().into(),
                record.address.clone().into(),
                record.request_id.clone().into(),
                json!(record.event_ids).into(),
            ]
        });
        let backend = database.backend();
        let sql = format!(
            "INSERT INTO {} ({names}) SELECT {names} FROM {}",
            access_record::Entity.table_name(),
            columns.source(backend, 1)
        );
        let values = columns.bind(backend, rows);
        database.writer().execute_raw(Statement::from_sql_and_values(backend, sql, values)).await?;
        Ok(vec![(); records.len()])
    }
}

/// A panic elsewhere leaves these sets whole.
fn locked<T>(set: &Mutex<T>) -> MutexGuard<'_, T> {
    set.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
}

/// Notes that `event` goes into the answer.
pub fn note(ctx: &Context<'_>, event: &event::Model) {
    if let Some(reads) = ctx.data_opt::<Arc<SensitiveReads>>() {
        reads.note(event);
    }
}

/// Notes that something that hangs on `event` goes into the answer by itself.
pub fn touch(ctx: &Context<'_>, event: Uuid) {
    if let Some(reads) = ctx.data_opt::<Arc<SensitiveReads>>() {
        reads.touch(event);
    }
}

/// Notes that something that hangs on `report` goes into the answer by itself.
pub fn touch_report(ctx: &Context<'_>, report: Uuid) {
    if let Some(reads) = ctx.data_opt::<Arc<SensitiveReads>>() {
        reads.touch_report(report);
    }
}

/// Whether the field that is resolved, a connection, puts its items into the answer: a count alone reads none.
pub fn lists_items(ctx: &Context<'_>) -> bool {
    ctx.look_ahead().field("nodes").exists() || ctx.look_ahead().field("edges").exists()
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use sea_orm::QueryOrder;

    use super::*;
    use crate::testing::{TestApp, app, app_on_postgres};

    async fn one_statement_records(mut test: TestApp) {
        let statements = Arc::new(AtomicUsize::new(0));
        let counted = Arc::clone(&statements);
        let app = Arc::get_mut(&mut test.app).unwrap();
        app.database.observe(move |_| {
            counted.fetch_add(1, Ordering::Relaxed);
        });
        let record = |number: u128, address: Option<&str>, events: &[&str]| access_record::Model {
            id: Uuid::from_u128(number),
            at: app.clock.now(),
            actor: "analyst-1".to_owned(),
            roles: "ANALYST LEADER".to_owned(),
            address: address.map(str::to_owned),
            request_id: Some("request \"1\"".to_owned()),
            event_ids: events.iter().map(|event| (*event).to_owned()).collect::<Vec<_>>().into(),
        };
        let records =
            [record(1, Some("192.0.2.1"), &["VE-2026-1", "VE-2026-2"]), record(2, None, &["VE-2026-3"])];
        let written = records.iter().map(|record| app.reads.ask(&app.database, record.clone()));
        futures_util::future::try_join_all(written).await.unwrap();
        assert_eq!(statements.load(Ordering::Relaxed), 1);
        let find = access_record::Entity::find().order_by_asc(access_record::Column::Id);
        assert_eq!(find.all(app.database.reader()).await.unwrap(), records);
        let again = app.reads.ask(&app.database, records[0].clone()).await;
        assert!(again.is_err(), "what is not written is told to its request");
    }

    #[tokio::test]
    async fn reads_of_one_moment_are_recorded_by_one_statement() {
        one_statement_records(app("reads").await).await;
        one_statement_records(app_on_postgres("reads").await).await;
    }
}
