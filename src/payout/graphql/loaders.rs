//! Batched reads of payouts by report, and of what a payout may show of its event.

use std::collections::HashMap;
use std::sync::Arc;

use async_graphql::Context;
use async_graphql::dataloader::{DataLoader, Loader};
use entity::payout;
use entity::vocabulary::Level;
use uuid::Uuid;

use super::Payout;
use crate::error::Error;
use crate::graphql::errors::{ApiError, ApiResult};
use crate::graphql::loaders::Reader;
use crate::graphql::sensitive::touch_report;
use crate::payout::store;

/// Key of a report's payouts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
struct OfReport(Uuid);

/// Key of what a payout may show of its report's event.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
struct EventOf(Uuid);

impl Loader<OfReport> for Reader {
    type Value = Vec<payout::Model>;
    type Error = Arc<Error>;

    async fn load(&self, keys: &[OfReport]) -> Result<HashMap<OfReport, Self::Value>, Arc<Error>> {
        let reports = keys.iter().map(|key| key.0);
        let rows = store::of_reports(self.app(), self.actor(), reports).await.map_err(Arc::new)?;
        Ok(rows.into_iter().map(|(report, rows)| (OfReport(report), rows)).collect())
    }
}

impl Loader<EventOf> for Reader {
    type Value = (String, Level);
    type Error = Arc<Error>;

    async fn load(&self, keys: &[EventOf]) -> Result<HashMap<EventOf, Self::Value>, Arc<Error>> {
        let reports = keys.iter().map(|key| key.0);
        let events = store::events_of_reports(self.app(), reports).await.map_err(Arc::new)?;
        Ok(events.into_iter().map(|(report, event)| (EventOf(report), event)).collect())
    }
}

fn loader<'a>(ctx: &Context<'a>) -> &'a DataLoader<Reader> {
    ctx.data_unchecked::<DataLoader<Reader>>()
}

/// The payouts of a report that the caller may see, oldest first.
///
/// # Errors
/// Of the database.
pub async fn of_report(ctx: &Context<'_>, report: Uuid) -> ApiResult<Vec<Payout>> {
    let rows = loader(ctx).load_one(OfReport(report)).await.map_err(ApiError::from)?;
    let rows = rows.unwrap_or_default();
    if !rows.is_empty() {
        touch_report(ctx, report);
    }
    Ok(rows.into_iter().map(Payout).collect())
}

/// Number and level of the event of a report whose payout the caller sees.
pub(super) async fn event_of(ctx: &Context<'_>, report: Uuid) -> ApiResult<Option<(String, Level)>> {
    loader(ctx).load_one(EventOf(report)).await.map_err(ApiError::from)
}
