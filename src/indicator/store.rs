//! Finding indicators.

use entity::indicator;
use entity::vocabulary::IndicatorKind;
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter};
use uuid::Uuid;

use crate::app::App;
use crate::error::{Error, Result};

/// An indicator, whoever may see its report.
pub(super) async fn find(app: &App, id: Uuid) -> Result<indicator::Model> {
    indicator::Entity::find_by_id(id).one(app.database.reader()).await?.ok_or(Error::NotFound)
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
