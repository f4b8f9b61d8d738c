//! The API of reports.

use async_graphql::{ID, Object};
use entity::report;

use crate::graphql::scalars;

/// One arrival through one channel.
pub struct Report(pub report::Model);

impl From<report::Model> for Report {
    fn from(row: report::Model) -> Self {
        Self(row)
    }
}

/// One arrival through one channel. 报告。
#[Object]
impl Report {
    /// Opaque id. 标识。
    async fn id(&self) -> ID {
        scalars::id::<report::Entity>(self.0.id)
    }
}
