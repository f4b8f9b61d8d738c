//! What happens to an endpoint whose receiver does not take what it is sent: people are told, and in the end it is
//! disabled.

use entity::vocabulary::{EndpointState, NoticeKind};
use entity::webhook_endpoint;
use sea_orm::EntityTrait;
use uuid::Uuid;

use crate::app::App;
use crate::auth::policy::Action;
use crate::auth::{Actor, Origin, Role};
use crate::error::Result;
use crate::notice;
use crate::outbox::message::WebhookEndpointFailing;
use crate::outbox::{Bump, ChangeSet, Opaque, retrying};

/// Who does it, in the audit trail.
const SUBJECT: &str = "webhook-worker";

fn worker() -> Actor {
    Actor { origin: Origin::default(), ..Actor::operator(SUBJECT, []) }
}

/// Disables an endpoint that is active; what waits for it stays.
///
/// # Errors
/// Of the database.
pub(super) async fn disable(app: &App, endpoint: Uuid, reason: &str) -> Result<()> {
    retrying(|| async {
        let found = webhook_endpoint::Entity::find_by_id(endpoint).one(app.database.reader()).await?;
        let Some(before) = found.filter(|row| row.state == EndpointState::Active && row.deleted_at.is_none())
        else {
            return Ok(());
        };
        let mut after = before.clone();
        after.state = EndpointState::Disabled;
        after.state_reason = Some(reason.to_owned());
        // Counted anew when somebody lets it go on.
        after.failing_since = None;
        let mut changes = ChangeSet::new(app, &worker(), Action::PauseWebhookEndpoint).because(Some(reason));
        super::tell(app, &mut changes, &after);
        let mut people = notice::keepers(app, &[Role::Admin, Role::Leader]).await?;
        people.insert(before.owner.clone());
        let told = notice::Told {
            kind: NoticeKind::EndpointDisabled,
            percent: None,
            event: None,
            about: endpoint,
            once: Some(format!("disabled:{}:{}", endpoint.simple(), before.version)),
        };
        notice::tell_once(app, &mut changes, people, &told).await?;
        changes.revise(app, &before, after, None, Bump::Version);
        app.commit(changes).await
    })
    .await
}

/// Tells those who look after the endpoint that deliveries to it were given up: its owner once a day.
///
/// # Errors
/// Of the database.
pub(super) async fn tell_of_dead(app: &App, endpoint: &webhook_endpoint::Model, dead: i32) -> Result<()> {
    retrying(|| async {
        let mut changes = ChangeSet::new(app, &worker(), Action::PauseWebhookEndpoint);
        let failing = WebhookEndpointFailing { endpoint: Opaque::new(endpoint.id), given_up: dead };
        changes.message(app, None, &failing);
        let told = notice::Told {
            kind: NoticeKind::DeliveriesGivenUp,
            percent: None,
            event: None,
            about: endpoint.id,
            once: Some(notice::rules::daily("dead", endpoint.id, changes.at())),
        };
        notice::tell_once(app, &mut changes, [endpoint.owner.clone()].into(), &told).await?;
        app.commit(changes).await
    })
    .await
}
