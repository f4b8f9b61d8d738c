//! Signals between replicas over PostgreSQL's NOTIFY. An embedded database has one process and needs none.
//!
//! A NOTIFY inside a change's transaction would make all commits wait for each other. So it is sent after them, one
//! for all commits of a few milliseconds; it carries who sent it and no data.

use std::time::Duration;

use sea_orm::{ConnectionTrait, Statement};
use sqlx::postgres::{PgListener, PgPool, PgPoolOptions};
use tokio_util::sync::CancellationToken;

use crate::app::App;

/// The one channel.
const CHANNEL: &str = "vulndesk";
/// Commits within this time share a signal.
const GATHER: Duration = Duration::from_millis(5);
/// Pause after a failure.
const RETRY: Duration = Duration::from_secs(2);

/// Tells the other replicas of this one's commits and learns of theirs, until `stop`.
pub async fn exchange(app: &App, stop: &CancellationToken) {
    let Some(pool) = app.database.postgres() else { return };
    let sender = app.ids.next().to_string();
    let both = async { tokio::join!(tell(app, &sender), listen(app, pool, &sender)) };
    tokio::select! {
        _ = both => {}
        () = stop.cancelled() => {}
    }
}

async fn tell(app: &App, sender: &str) {
    let mut committed = app.wake.here();
    let notify = Statement::from_sql_and_values(
        app.database.backend(),
        "SELECT pg_notify($1, $2)",
        [CHANNEL.into(), sender.into()],
    );
    loop {
        committed.roused().await;
        tokio::time::sleep(GATHER).await;
        // Nothing is lost with it: the others look by themselves.
        if let Err(error) = app.database.writer().execute_raw(notify.clone()).await {
            tracing::warn!(%error, "the other replicas were not told of commits");
            tokio::time::sleep(RETRY).await;
        }
    }
}

async fn listen(app: &App, pool: &PgPool, sender: &str) {
    loop {
        if let Err(error) = follow(app, pool, sender).await {
            tracing::warn!(%error, "the other replicas' commits are not heard of");
        }
        tokio::time::sleep(RETRY).await;
    }
}

async fn follow(app: &App, pool: &PgPool, sender: &str) -> Result<(), sqlx::Error> {
    // A connection of its own: one that waits for ever would be missing in the pool.
    let own = PgPoolOptions::new().max_connections(1).idle_timeout(None).max_lifetime(None);
    let own = own.connect_with(pool.connect_options().as_ref().clone()).await?;
    let mut listener = PgListener::connect_with(&own).await?;
    listener.listen(CHANNEL).await?;
    // What was committed before this moment told nobody here.
    app.wake.committed_elsewhere();
    loop {
        match listener.try_recv().await? {
            Some(signal) if signal.payload() == sender => {}
            // Without one the connection was lost and made anew: signals may have been missed.
            Some(_) | None => app.wake.committed_elsewhere(),
        }
    }
}
