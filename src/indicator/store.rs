//! Finding indicators.

use entity::vocabulary::{Facet, IndicatorKind};
use entity::{indicator, report};
use sea_orm::sea_query::{Expr, ExprTrait, Query};
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter};
use uuid::Uuid;

use crate::app::App;
use crate::auth::Actor;
use crate::auth::visibility::visible;
use crate::error::{Error, Result};

/// An indicator, if the event of its report is the actor's to see.
pub(super) async fn find(app: &App, actor: &Actor, id: Uuid) -> Result<indicator::Model> {
    let of_report = Query::select()
        .expr(Expr::val(1))
        .from(report::Entity)
        .and_where(
            Expr::col((report::Entity, report::Column::Id))
                .eq(Expr::col((indicator::Entity, indicator::Column::ReportId))),
        )
        .cond_where(visible(actor, Facet::Content, report::Column::EventId))
        .take();
    let select = indicator::Entity::find_by_id(id).filter(Expr::exists(of_report));
    select.one(app.database.reader()).await?.ok_or(Error::NotFound)
}

/// The report's indicator of this kind and value.
pub(super) async fn same(
    app: &App,
    report: Uuid,
    kind: IndicatorKind,
    value: &str,
) -> Result<Option<indicator::Model>> {
    let select = indicator::Entity::find()
        .filter(indicator::Column::ReportId.eq(report))
        .filter(indicator::Column::Kind.eq(kind))
        .filter(indicator::Column::Value.eq(value));
    Ok(select.one(app.database.reader()).await?)
}
