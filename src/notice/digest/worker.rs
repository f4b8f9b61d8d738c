//! Looks again and again whether a daily e-mail is due.

use std::sync::Arc;
use std::time::Duration;

use tokio_util::sync::CancellationToken;

use crate::app::App;

/// Pause between two looks.
const PAUSE: Duration = Duration::from_secs(60);

/// Sends what is due until `stop`; what is being said then is said to its end.
pub async fn run(app: Arc<App>, stop: CancellationToken) {
    loop {
        match super::pass(&app).await {
            Ok(0) => {}
            Ok(sent) => tracing::info!(sent, "sent daily e-mails"),
            Err(error) => tracing::error!(?error, "which daily e-mails are due cannot be read"),
        }
        tokio::select! {
            () = stop.cancelled() => return,
            () = tokio::time::sleep(PAUSE) => {}
        }
    }
}
