//! Which audit entries one may read.

use entity::audit_entry::{self, Column, Entity};
use entity::vocabulary::Facet;
use entity::{Aggregate, budget, payout, reporter};
use sea_orm::sea_query::{Condition, Expr, ExprTrait, Query};
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, Select};
use uuid::Uuid;

use crate::app::App;
use crate::auth::policy::{Action, allows, require};
use crate::auth::{Actor, visibility};
use crate::error::Result;
use crate::graphql::page::{self, Keyset, Page, PageInput};

/// What belongs to no event and is no configuration either.
const NOT_CONFIGURATION: [&str; 4] =
    [reporter::Model::KIND, payout::Model::KIND, budget::Model::KIND, BONUS_RUN];

/// What tells of payouts and belongs to no event.
const MONEY: [&str; 3] = [payout::Model::KIND, budget::Model::KIND, BONUS_RUN];

/// A computation of bonuses, which is recorded once.
const BONUS_RUN: &str = "bonus_run";

/// The entries that the actor may read: those of events whose content is theirs, those of the configuration for who
/// reads its trail, those of reporters, which are neither, for who reads the trail of events and the reporter, and
/// those of money for who reads the trail of events and budgets.
///
/// # Errors
/// FORBIDDEN for roles that read neither.
pub fn readable(actor: &Actor) -> Result<Select<Entity>> {
    let mut any = Condition::any();
    if allows(actor, Action::ReadConfigurationAudit) {
        let configuration = Column::EventId.is_null().and(Column::AggregateKind.is_not_in(NOT_CONFIGURATION));
        any = any.add(configuration);
    } else {
        require(actor, Action::ReadEventAudit)?;
    }
    if allows(actor, Action::ReadEventAudit) {
        any = any.add(visibility::or_visible(actor, Facet::Content, Column::EventId));
        let known = Query::select()
            .expr(Expr::val(1))
            .from(reporter::Entity)
            .and_where(
                Expr::col((reporter::Entity, reporter::Column::Id))
                    .eq(Expr::col((Entity, Column::AggregateId))),
            )
            .cond_where(crate::intake::store::visible_reporter(actor))
            .take();
        let of_reporter = Condition::all()
            .add(Column::AggregateKind.eq(reporter::Model::KIND))
            .add(visibility::of_each(known));
        any = any.add(of_reporter);
        if allows(actor, Action::ReadBudgets) {
            any = any.add(Column::EventId.is_null().and(Column::AggregateKind.is_in(MONEY)));
        }
    }
    Ok(Entity::find().filter(any))
}

/// A page of the entries that the actor may read, the newest first.
///
/// # Errors
/// FORBIDDEN for roles that read none; those of the page.
pub async fn page(
    app: &App,
    actor: &Actor,
    event: Option<Uuid>,
    aggregate_kind: Option<&str>,
    input: &PageInput,
) -> Result<Page<audit_entry::Model>> {
    let mut select = readable(actor)?;
    if let Some(event) = event {
        select = select.filter(Column::EventId.eq(event));
    }
    if let Some(kind) = aggregate_kind {
        select = select.filter(Column::AggregateKind.eq(kind));
    }
    let keyset = Keyset { column: Column::At, id: Column::Id, descending: true };
    page::read(&app.database, select, keyset, input).await
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::auth::Role;
    use crate::error::Error;
    use sea_orm::{DatabaseBackend, QueryTrait};

    fn sql(role: Role) -> Result<String> {
        let actor = Actor::operator("someone-1", [role]);
        Ok(readable(&actor)?.build(DatabaseBackend::Sqlite).to_string())
    }

    #[test]
    fn who_configures_reads_no_events_trail() {
        let admin = sql(Role::Admin).unwrap();
        assert!(admin.contains("IS NULL") && !admin.contains("event_access"), "{admin}");
        let analyst = sql(Role::Analyst).unwrap();
        // An event's, a reporter's and money's entries alone; never all that belong to no event.
        assert!(analyst.contains("event_access") && !analyst.contains("NOT IN"), "{analyst}");
        assert!(
            admin.contains("NOT IN ('reporter', 'payout', 'budget', 'bonus_run')")
                && analyst.contains("= 'reporter'"),
            "{admin} {analyst}"
        );
        let auditor = sql(Role::Auditor).unwrap();
        assert!(auditor.contains("IS NULL") && auditor.contains("event_access"), "{auditor}");
        for role in [Role::Engineer, Role::Reporter, Role::Finance] {
            assert!(matches!(sql(role), Err(Error::Forbidden { .. })), "{role}");
        }
    }
}
