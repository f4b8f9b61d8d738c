//! What one request looks up once, however many reports it asks about, and how many it may ask about.

use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::sync::OnceCell;
use uuid::Uuid;

use super::store;
use crate::app::App;
use crate::auth::Actor;
use crate::error::{Error, Result};

/// Most reports for which one request is shown candidates: each takes statements of its own.
pub const REPORTS: usize = 20;

/// What one request looked up so far.
#[derive(Debug, Default)]
pub struct Lookups {
    asked: AtomicUsize,
    scope: OnceCell<Scope>,
}

/// Where candidates are looked for.
#[derive(Debug)]
pub(super) struct Scope {
    /// Reports that the caller may not see.
    pub(super) hidden: Vec<Uuid>,
    /// Segments of the index.
    pub(super) segments: i64,
}

impl Lookups {
    /// Where candidates for one more report are looked for.
    pub(super) async fn scope(&self, app: &App, actor: &Actor) -> Result<&Scope> {
        if self.asked.fetch_add(1, Ordering::Relaxed) >= REPORTS {
            let message = format!(
                "candidates are shown for at most {REPORTS} reports in one request (an event counts its newest reports): \
                 ask for fewer"
            );
            return Err(Error::TooComplex { message });
        }
        let load = || async {
            let hidden = store::hidden(app, actor).await?;
            Ok(Scope { hidden, segments: store::segments(&app.database).await? })
        };
        self.scope.get_or_try_init(load).await
    }
}
