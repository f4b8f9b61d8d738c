//! Which audit entries one may read.

use entity::audit_entry::{self, Column, Entity};
use entity::vocabulary::Facet;
use sea_orm::sea_query::Condition;
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, Select};
use uuid::Uuid;

use crate::app::App;
use crate::auth::policy::{Action, allows, require};
use crate::auth::{Actor, visibility};
use crate::error::Result;
use crate::graphql::page::{self, Keyset, Page, PageInput};

/// The entries that the actor may read: those of events whose content is theirs, and those that belong to no event
/// for who reads the configuration's trail.
///
/// # Errors
/// FORBIDDEN for roles that read neither.
pub fn readable(actor: &Actor) -> Result<Select<Entity>> {
    let mut any = Condition::any();
    if allows(actor, Action::ReadConfigurationAudit) {
        any = any.add(Column::EventId.is_null());
    } else {
        require(actor, Action::ReadEventAudit)?;
    }
    if allows(actor, Action::ReadEventAudit) {
        any = any.add(visibility::visible(actor, Facet::Content, Column::EventId));
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
        assert!(!analyst.contains("IS NULL") && analyst.contains("event_access"), "{analyst}");
        let auditor = sql(Role::Auditor).unwrap();
        assert!(auditor.contains("IS NULL") && auditor.contains("event_access"), "{auditor}");
        for role in [Role::Engineer, Role::Reporter, Role::Finance] {
            assert!(matches!(sql(role), Err(Error::Forbidden { .. })), "{role}");
        }
    }
}
